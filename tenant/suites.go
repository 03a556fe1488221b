package tenant

import (
	"context"
	"errors"
	"fmt"

	"github.com/caddyserver/certmagic"
	"go.uber.org/zap"

	"github.com/caddy-dingtalk/caddy-dingtalk/config"
	"github.com/caddy-dingtalk/caddy-dingtalk/observe"
	"github.com/caddy-dingtalk/caddy-dingtalk/tenant/suite"
)

// suites are the third-party apps of a directive.
type suites struct {
	all   suite.Suites
	pages map[*suite.Suite]*Tenant // what the pages of all corps of an app have in common
}

// openSuites makes the third-party apps of a configuration.
func openSuites(c *config.Config, storage certmagic.Storage, events *observe.Emitter, log *zap.Logger) (s suites, err error) {
	own := c.ForTenant(&config.Tenant{JSAPIList: c.JSAPIList, Type: new(int), Hash: c.Hash})
	s.pages = make(map[*suite.Suite]*Tenant)
	for _, block := range c.Suites {
		o := suiteOptions(c, &block)
		o.Storage, o.Log, o.Events = storage, log, events
		one, err := suite.Open(o)
		if err != nil {
			s.Close()
			return suites{}, fmt.Errorf("opening suite %s: %w", block.SuiteKey, err)
		}
		s.all = append(s.all, one)
		s.pages[one] = newTenant(&own, true)
	}
	return s, nil
}

// suiteOptions are what a configuration says of a third-party app.
func suiteOptions(c *config.Config, block *config.Suite) suite.Options {
	return suite.Options{
		Key: block.SuiteKey, Secret: string(block.SuiteSecret),
		Token: string(block.Token), AESKey: block.Key(), Ticket: string(block.SuiteTicket),
		AppID: block.AppID, CallbackPath: block.Callback,
		Legacy: c.API == "legacy", APIBase: c.APIBase, OAPIBase: c.OAPIBase, UserAgent: userAgent,
	}
}

// ProbeSuite makes the probe of a third-party app of a configuration.
func ProbeSuite(c *config.Config, block *config.Suite, storage suite.Storage) (*suite.Probe, error) {
	o := suiteOptions(c, block)
	o.Storage = storage
	return suite.NewProbe(o)
}

// Close gives back what the suites share with their successors.
func (s *suites) Close() {
	for _, one := range s.all {
		one.Close()
	}
}

// find returns the tenant of the corp that names mean. Where several suites have it, the
// agent must tell which.
func (s *suites) find(ctx context.Context, n Names) (found *Tenant, why *Error) {
	why = &Error{Reason: Unknown}
	for _, one := range s.all {
		corp, err := one.Find(ctx, n.Corp, n.Agent, s.pages[one].wait)
		var refused *suite.Error
		switch {
		case err == nil && found != nil:
			return nil, &Error{Reason: Ambiguous}
		case err == nil:
			found = s.tenant(one, corp)
		case !errors.As(err, &refused) || refused.Kind == suite.Unavailable:
			why = &Error{Reason: Unavailable, Err: err}
		case refused.Kind == suite.Ambiguous:
			return nil, &Error{Reason: Ambiguous}
		}
	}
	return found, why
}

// have tells whether a corp of which there is a tenant has authorised one of the suites, too,
// as far as is known: nobody is waited for, but who does not know it begins to ask.
func (s *suites) have(ctx context.Context, corp string) bool {
	for _, one := range s.all {
		_, err := one.Find(ctx, corp, "", 0)
		var refused *suite.Error
		if err == nil || errors.As(err, &refused) && refused.Kind == suite.Ambiguous {
			return true
		}
	}
	return false
}

// tenant makes the tenant of a corp, for one page.
func (s *suites) tenant(of *suite.Suite, corp suite.Corp) *Tenant {
	pages := s.pages[of]
	t := &Tenant{suite: of, revoked: corp.Revoked, Tokens: corp.Tokens, Signer: pages.Signer, Page: pages.Page, origins: pages.origins, wait: pages.wait, fingerprint: pages.fingerprint}
	t.Page.CorpID, t.Page.AgentID, t.Page.AppID = corp.ID, corp.AgentID, corp.AgentID
	t.Renderer = pages.Renderer.For(t.Page)
	t.addToFingerprint(corp.ID + "." + corp.AgentID)
	return t
}

// ask looks for a corp that has authorised one of the suites.
func (t *Tenants) ask(ctx context.Context, n Names, by string) Choice {
	found, why := t.suites.find(ctx, n)
	if found == nil {
		why.Names, why.By = n, by
		return t.none(why)
	}
	return Choice{Tenant: found, By: by}
}

// Suite returns the third-party app that the tenant is a corp of, and when the corp last
// revoked it, in unix milliseconds (0: never); nil for a tenant of the configuration.
func (t *Tenant) Suite() (of *suite.Suite, revoked int64) { return t.suite, t.revoked }

// SuitePages is what the pages of all corps of a third-party app have in common.
func (t *Tenants) SuitePages(of *suite.Suite) *Tenant { return t.suites.pages[of] }

// Suites are the third-party apps, whose pushes the endpoints answer.
func (t *Tenants) Suites() suite.Suites { return t.suites.all }
