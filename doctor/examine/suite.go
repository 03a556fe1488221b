package examine

import (
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

// suite checks a third-party app: its callback, its suite_ticket and what DingTalk says to
// it, and of the corp that is to be examined the authorisation and the jsapi_ticket.
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
	ticket := probe.Ticket(ctx)
	checks = append(checks, checkOf(ticket.Finding()))
	if slices.ContainsFunc(suiteWays(c), func(w way) bool { return !reached[w] }) {
		return append(checks, unchecked("credentials", doctor.Of(errUnreached)))
	}
	corp := probe.Corp(ctx, orNobody(e.Corp))
	if probe.HasTicket() {
		checks = append(checks, checkOf(doctor.SuiteLogin(corp.Err)), checkOf(doctor.SuiteAddress(corp.Err)))
	} else {
		checks = append(checks, unchecked("credentials", doctor.NoSuiteTicket))
	}
	if e.Corp == "" {
		return checks
	}
	corp.Agent = e.Agent
	checks = append(checks, checkOf(corp.Finding()))
	if corp.Err == nil && !corp.Unknown {
		checks = append(checks, corpTicket(ctx, probe, e.Corp, store))
	}
	return checks
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
	check, _ := made.ticket(ctx, store, func(shared tokens.Storage) *tokens.App {
		group := tokens.NewGroup(probe.Name())
		group.Use(tokens.Options{Storage: shared, Log: zap.NewNop()}, func(string) tokens.Source { return made })
		return group.App(corp)
	})
	return check
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
