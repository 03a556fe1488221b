// Package examine examines the dingtalk handlers of a configuration that need not
// run: what they are told, the way to DingTalk, the credential, the ticket and
// the storage. It says of each what is right, what is wrong and what to do.
//
// It leaves a running server alone: it asks no admin API, listens nowhere, and
// writes to the storage one key of its own, `dingtalk/doctor-…`, which it deletes
// again, and one lock, which it releases. A ticket that it must fetch is stored
// where the servers find it, for under DingTalk's older rules a ticket that is
// fetched kills the one before.
package examine

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/caddyserver/caddy/v2"

	"github.com/caddy-dingtalk/caddy-dingtalk/config"
	"github.com/caddy-dingtalk/caddy-dingtalk/doctor"
	"github.com/caddy-dingtalk/caddy-dingtalk/tokens"
)

// Options are what an examination needs. The functions are what
// the module itself does with a configuration whose placeholders are resolved.
type Options struct {
	Modules caddy.Context               // where storage modules are loaded, see Modules
	Source  func(*config.Config) Source // the API calls for its credential
	AppName func(*config.Config) string // its app's name in the storage
	SignIn  SignIn                      // for handlers with `login`

	// Corp and Agent say which of several tenants are to be examined. Default: all, and of
	// suites none of the corps.
	Corp, Agent string

	// Visited tells that a page is visited besides, see Tour.
	Visited bool
}

// Source are the calls of an app.
type Source interface {
	tokens.Source
	InCorp(ctx context.Context, corpID string) error // see oapi.Client
}

// ErrNoHandler says that there is nothing to examine.
var ErrNoHandler = doctor.Wrong("no dingtalk handler in this configuration: add the dingtalk directive to a site, or name the right file with --config")

// NoTenantError says that no handler has the tenant that is to be examined.
type NoTenantError struct{ Corp, Agent string }

func (e *NoTenantError) Error() string {
	return fmt.Sprintf("no dingtalk handler of this configuration has a tenant with%s%s, and none has a suite, whose corps are not written down: "+
		"compare --corpid and --agentid with the tenant blocks", prefixed(" corp_id ", e.Corp), prefixed(" agent_id ", e.Agent))
}

func prefixed(prefix, s string) string {
	if s == "" {
		return ""
	}
	return prefix + s
}

// Examine examines all handlers of a configuration in Caddy's own JSON. What is
// wrong with a handler stands in the report; the error is ErrNoHandler, a *NoTenantError, or says
// that the configuration cannot be read, or that ctx has ended.
func Examine(ctx context.Context, configuration []byte, o Options) (Report, error) {
	found, err := find(configuration)
	if err != nil {
		return nil, err
	}
	if len(found.places) == 0 {
		return nil, ErrNoHandler
	}
	e := &examiner{Options: o, storage: found.storage, events: found.events, known: make(map[string]int)}
	for _, p := range found.places {
		e.examine(ctx, p)
		if ctx.Err() != nil {
			return nil, fmt.Errorf("examining the handlers: %w", ctx.Err())
		}
	}
	if len(e.report) == 0 {
		return nil, &NoTenantError{o.Corp, o.Agent}
	}
	return e.report, nil
}

// examiner goes from handler to handler.
type examiner struct {
	Options
	storage json.RawMessage // Caddy's own, as configured
	events  []string        // that are subscribed to, until they are looked at
	known   map[string]int  // app and storage -> the first handler with them, from 1
	report  Report
}

// examine adds one handler to the report, and its tenants. What belongs to an app is
// checked once, however many handlers have the same.
func (e *examiner) examine(ctx context.Context, p place) {
	h := Handler{Server: p.server, Listen: append([]string{}, p.listen...), Hosts: append([]string{}, p.hosts...), App: appID(&p.config)}
	resolved, checks := settings(p)
	h.Checks = append(checks, e.eventChecks()...)
	if resolved == nil {
		e.report = append(e.report, h)
		return
	}
	h.App = appID(resolved)
	h.Checks = append(append(h.Checks, origins(p, resolved)...), endpointCheck(p, resolved)...)
	if !e.Visited {
		h.Checks = append(h.Checks, openCheck(doctor.Unvisited(siteOrigin(p, resolved))))
	}
	switch {
	case resolved.Many():
		e.many(ctx, p, resolved, h)
		return
	case !e.wanted(resolved):
		return
	}
	calls := e.share(&h, e.appKey(resolved), func() ([]Check, *calls) { return e.app(ctx, resolved) })
	if resolved.Login != nil {
		h.Checks = append(h.Checks, e.signIn(ctx, p, resolved, calls)...)
	}
	e.report = append(e.report, h)
}

// eventChecks are warnings of events that there are not. They stand with the first handler.
func (e *examiner) eventChecks() (checks []Check) {
	for _, name := range e.events {
		if err := config.CheckEvent(name); err != nil {
			checks = append(checks, warn("events", doctor.Of(err), say("Correct the name behind on, in events of the global options.", "请改正全局选项 events 里 on 后面的名称")))
		}
	}
	e.events = nil
	return checks
}

// wanted tells whether the app of a configuration is to be examined.
func (e *examiner) wanted(c *config.Config) bool {
	return (e.Corp == "" || e.Corp == c.CorpID) && (e.Agent == "" || e.Agent == c.AgentID)
}

// share adds the checks of an app to the next entry of the report, made anew, or those of
// the entry that has them already.
func (e *examiner) share(h *Handler, key string, check func() ([]Check, *calls)) *calls {
	if first := e.known[key]; first != 0 {
		h.SameAppAs = first
		h.shared, h.calls = e.report[first-1].shared, e.report[first-1].calls
	} else {
		e.known[key] = len(e.report) + 1
		h.shared, h.calls = check()
	}
	h.before = len(h.Checks)
	h.Checks = append(h.Checks, h.shared...)
	return h.calls
}

// appKey tells apps apart, and where their tokens are.
func (e *examiner) appKey(c *config.Config) string {
	return fmt.Sprintf("%s %s", e.AppName(c), c.StorageRaw)
}

// appID is what DingTalk's console calls the app.
func appID(c *config.Config) string {
	if c.AppKey != "" {
		return c.AppKey
	}
	return c.CorpID
}
