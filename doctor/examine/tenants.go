package examine

import (
	"context"
	"net/http"

	"github.com/caddy-dingtalk/caddy-dingtalk/config"
	"github.com/caddy-dingtalk/caddy-dingtalk/doctor"
)

// many adds a handler with several tenants to the report: what they have in common, then
// each tenant and suite.
func (e *examiner) many(ctx context.Context, p place, c *config.Config, h Handler) {
	tenants, suites := e.tenantsOf(c), c.Suites
	if e.Corp != "" && len(tenants) > 0 || e.Corp == "" && e.Agent != "" {
		suites = nil // what is written down comes first, and an agent alone tells no corp
	}
	if len(tenants) == 0 && len(suites) == 0 {
		return
	}
	checks, reached := ways(ctx, c, tenants, suites)
	store := e.open(c)
	defer store.close()
	h.App = ""
	h.Checks = append(append(h.Checks, checks...), store.check(ctx)...)
	e.report = append(e.report, h)
	of := len(e.report)
	for _, own := range tenants {
		if ctx.Err() != nil {
			return
		}
		t := Handler{Of: of, App: appID(&own), CorpID: own.CorpID, AgentID: own.AgentID}
		calls := e.share(&t, e.appKey(&own), func() ([]Check, *calls) {
			account, ticket, calls := e.account(ctx, &own, reached[wayTo(&own, http.ProxyFromEnvironment)], store)
			return append(account, ticket), calls
		})
		if own.Login != nil {
			t.Checks = append(t.Checks, e.signIn(ctx, p, &own, calls)...)
		}
		e.report = append(e.report, t)
	}
	for i := range suites {
		if ctx.Err() != nil {
			return
		}
		s := Handler{Of: of, SuiteKey: suites[i].SuiteKey, Checks: e.suite(ctx, p, c, &suites[i], store, reached)}
		e.report = append(e.report, s)
	}
}

// tenantsOf returns the tenants of a directive that are to be examined, each as a directive
// of its own.
func (e *examiner) tenantsOf(c *config.Config) (all []config.Config) {
	if c.HasDefault() {
		own := *c
		own.Tenants, own.Suites = nil, nil
		if e.wanted(&own) {
			all = append(all, own)
		}
	}
	for i := range c.Tenants {
		if own := c.ForTenant(&c.Tenants[i]); e.wanted(&own) {
			all = append(all, own)
		}
	}
	return all
}

// ways checks the ways to DingTalk that the tenants go, each once, and the clock. reached
// tells which of them lead there.
func ways(ctx context.Context, c *config.Config, tenants []config.Config, suites []config.Suite) (checks []Check, reached map[way]bool) {
	reached = make(map[way]bool)
	clocked := false
	try := func(w way) {
		if _, known := reached[w]; known {
			return
		}
		found, ok := w.network(ctx)
		reached[w] = ok
		checks = append(checks, found...)
		if ok && !clocked {
			clocked = true
			checks = append(checks, w.clock(ctx))
		}
	}
	for i := range tenants {
		try(wayTo(&tenants[i], http.ProxyFromEnvironment))
	}
	if len(suites) > 0 {
		for _, w := range suiteWays(c) {
			try(w)
		}
	}
	if !clocked {
		checks = append(checks, unchecked("clock", doctor.Of(errUnreached)))
	}
	return checks, reached
}
