package examine

import (
	"cmp"
	"context"
	"net/http"
	"slices"
	"time"

	"go.uber.org/zap"

	"github.com/caddy-dingtalk/caddy-dingtalk/config"
	"github.com/caddy-dingtalk/caddy-dingtalk/doctor"
	"github.com/caddy-dingtalk/caddy-dingtalk/tenant"
	"github.com/caddy-dingtalk/caddy-dingtalk/tenant/suite"
	"github.com/caddy-dingtalk/caddy-dingtalk/tokens"
)

// suiteWays are the ways that the calls of a suite go: for its authorisations to the older
// API, whatever its tokens come from.
func suiteWays(c *config.Config) []way {
	all := []way{wayOf(c, false, http.ProxyFromEnvironment)}
	if c.API != "legacy" {
		all = append(all, wayOf(c, true, http.ProxyFromEnvironment))
	}
	return all
}

// suite checks a third-party app: its callback, its suite_ticket, what DingTalk says to it and
// its sign-in, and of the corp that is to be examined the authorisation and the jsapi_ticket.
func (e *examiner) suite(ctx context.Context, p place, c *config.Config, block *config.Suite, store *store, reached map[way]bool) (checks []Check) {
	var storage suite.Storage = store.Storage
	if store.Storage == nil {
		storage = absent{store.err}
	}
	probe, err := tenant.ProbeSuite(c, block, storage)
	if err != nil {
		return []Check{bad("config", doctor.Of(err), say("Correct the suite of the dingtalk directive, then run the doctor again.", "请改正 dingtalk 指令的 suite，再检查一次"))}
	}
	if probe.Pushes() {
		checks = append(checks, checkOf(push(ctx, probe, callbackOf(p, c, block)).Finding()))
	}
	checks = append(checks, checkOf(probe.Ticket(ctx).Finding()))
	access := func(context.Context) (string, error) { return "", errUnreached }
	corp := doctor.Corp{ID: e.Corp}
	if slices.ContainsFunc(suiteWays(c), func(w way) bool { return !reached[w] }) {
		checks = append(checks, unchecked("credentials", doctor.Of(errUnreached)))
	} else {
		var asked []Check
		asked, corp = e.suiteCalls(ctx, probe, store)
		checks = append(checks, asked...)
		access = func(ctx context.Context) (string, error) { return corpAccess(ctx, probe, corp, store) }
	}
	if c.Login != nil {
		checks = append(checks, e.suiteSignIn(ctx, p, c, block, corp, access)...)
	}
	return checks
}

// suiteCalls checks what DingTalk says to a third-party app, and of the corp that is to be
// examined.
func (e *examiner) suiteCalls(ctx context.Context, probe *suite.Probe, store *store) (checks []Check, corp doctor.Corp) {
	corp = probe.Corp(ctx, orNobody(e.Corp))
	if probe.HasTicket() {
		checks = append(checks, checkOf(doctor.SuiteLogin(corp.Err)), checkOf(doctor.SuiteAddress(corp.Err)))
	} else {
		checks = append(checks, unchecked("credentials", doctor.NoSuiteTicket))
	}
	if e.Corp == "" {
		return checks, doctor.Corp{}
	}
	corp.Agent = e.Agent
	checks = append(checks, checkOf(corp.Finding()))
	if corp.Err == nil && !corp.Unknown {
		checks = append(checks, corpTicket(ctx, probe, e.Corp, store))
	}
	return checks, corp
}

func orNobody(corp string) string {
	if corp == "" {
		return suite.Nobody
	}
	return corp
}

// corpTicket takes the corp's ticket from the storage, or fetches one for the servers. Its
// access token is not tried: another one may end that of the servers.
func corpTicket(ctx context.Context, probe *suite.Probe, corp string, store *store) Check {
	made := lateCalls{&calls{Source: probe.Source(corp)}}
	check, _ := made.ticket(ctx, store, func(shared tokens.Storage) *tokens.App { return corpApp(probe, corp, shared, made) })
	return check
}

// corpApp opens the tokens of a corp as the servers of a suite have them.
func corpApp(probe *suite.Probe, corp string, shared tokens.Storage, made tokens.Source) *tokens.App {
	group := tokens.NewGroup(probe.Name())
	group.Use(tokens.Options{Storage: shared, Log: zap.NewNop()}, func(string) tokens.Source { return made })
	return group.App(corp)
}

// corpAccess takes the corp's access token from the storage, or fetches one for the servers.
func corpAccess(ctx context.Context, probe *suite.Probe, corp doctor.Corp, store *store) (string, error) {
	switch {
	case corp.Err != nil:
		return "", corp.Err
	case store.Storage == nil:
		return "", store.err
	}
	app := corpApp(probe, corp.ID, store.shared(), lateCalls{&calls{Source: probe.Source(corp.ID), withhold: !store.sound}})
	t, err := app.AccessToken(ctx)
	app.Close()
	if unstored := written(ctx, app); err != nil || unstored != nil {
		return "", cmp.Or(err, unstored)
	}
	return t.Value, nil
}

// lateCalls log in when an access token is needed.
type lateCalls struct{ *calls }

func (c lateCalls) AccessToken(ctx context.Context) (string, time.Duration, error) {
	if c.withhold {
		return "", 0, errWithheld
	}
	c.logIn(ctx)
	return c.calls.AccessToken(ctx)
}

// absent is a storage that cannot be opened.
type absent struct{ err error }

func (a absent) Load(context.Context, string) ([]byte, error) { return nil, a.err }
func (a absent) Store(context.Context, string, []byte) error  { return a.err }
func (a absent) Delete(context.Context, string) error         { return a.err }
func (a absent) Lock(context.Context, string) error           { return a.err }
func (a absent) Unlock(context.Context, string) error         { return a.err }

// Interface guards
var (
	_ suite.Storage = absent{}
	_ tokens.Source = lateCalls{}
)
