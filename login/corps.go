package login

import (
	"sync"

	"github.com/caddyserver/caddy/v2"

	"github.com/caddy-dingtalk/caddy-dingtalk/config"
	"github.com/caddy-dingtalk/caddy-dingtalk/observe"
	"github.com/caddy-dingtalk/caddy-dingtalk/tenant"
	"github.com/caddy-dingtalk/caddy-dingtalk/tenant/suite"
)

// corps signs in the users of all corps that have authorised a third-party app. Nothing
// runs for one of them, and nothing is kept but the keys of those that came lately: there
// may be a hundred thousand.
type corps struct {
	nobody  *Server // whose visits are for no corp: what all have in common
	key     string  // the SuiteKey
	secrets []string
	keys    lately[*Keys]
}

// openCorps makes the sign-in of a suite. Its service must be closed, once.
func openCorps(ctx caddy.Context, c *config.Config, block *config.Suite, one *suite.Suite, pages *tenant.Tenant, rules Rules, events *observe.Emitter, notices *observe.Notices) (*corps, error) {
	own := c.ForSuite(block)
	all := &corps{key: block.SuiteKey, secrets: secrets(&own), keys: lately[*Keys]{limit: latelyKeys}}
	// The script of the pages and the keys of tokens are the same for all corps.
	nobody := &Server{app: App{Endpoint: c.Endpoint, ClientID: block.SuiteKey}, cookies: NewCookies("")}
	var err error
	if nobody.keys, err = NewKeys(all.secrets, Scope{AppKey: block.SuiteKey}); err != nil {
		return nil, err
	}
	nobody.service, err = openService(ctx, &own, serviceOptions{
		name: one.Name(), variable: "suite " + block.SuiteKey, tenant: pages, app: nobody.app, keys: nobody.keys, rules: rules,
		events: events, notices: notices, close: func() {},
	})
	if err != nil {
		return nil, err
	}
	nobody.facts.Suite = true
	in := signInOf(&own)
	in.Called, in.Denied = observe.CountCall, nobody.denied
	nobody.signIn = NewSignIn(in)
	all.nobody = nobody
	return all, nil
}

// server returns the sign-in of one corp, for one visit; nil if there is none. All corps
// share what may be asked of DingTalk in a second.
func (c *corps) server(t *tenant.Tenant, revoked int64) *Server {
	corp, agent := t.Page.CorpID, t.Page.AgentID
	keys, err := c.keys.get(corp+"."+agent, func() (*Keys, error) { return NewKeys(c.secrets, Scope{corp, c.key, agent}) })
	if err != nil {
		return nil
	}
	s, in := *c.nobody, *c.nobody.signIn
	in.CorpID, in.Tokens = corp, t.Tokens
	s.signIn, s.keys, s.cookies = &in, keys, NewCookies(agent)
	s.app.CorpID = corp
	s.scope, s.since = scopeOf(corp), revoked
	return &s
}

// scopeEnd ends the scope of a corp: no corpId has it.
const scopeEnd = "/"

// scopeOf is what stands before the users of one of many corps.
func scopeOf(corp string) string { return corp + scopeEnd }

// latelyKeys is how many corps' keys are made before the older half is forgotten, some
// 4 KiB each.
const latelyKeys = 1000

// lately keeps what was asked for lately. Two maps take turns, so that what nobody asks for
// leaves: there are never more than twice the limit.
type lately[V any] struct {
	limit int

	mu       sync.Mutex
	new, old map[string]V
}

// get returns what belongs to a key, making it where it is not kept.
func (l *lately[V]) get(key string, make func() (V, error)) (V, error) {
	l.mu.Lock()
	v, kept := l.new[key]
	if !kept {
		v, kept = l.old[key]
		if kept {
			l.keep(key, v)
		}
	}
	l.mu.Unlock()
	if kept {
		return v, nil
	}
	v, err := make()
	if err == nil {
		l.mu.Lock()
		l.keep(key, v)
		l.mu.Unlock()
	}
	return v, err
}

// keep notes that something was asked for. The caller holds the lock.
func (l *lately[V]) keep(key string, v V) {
	if l.new == nil || len(l.new) >= l.limit {
		l.old, l.new = l.new, make(map[string]V)
	}
	l.new[key] = v
}
