package login

import (
	"context"
	"crypto/sha256"
	"maps"
	"net/http"
	"time"

	"github.com/caddyserver/caddy/v2"

	"github.com/caddy-dingtalk/caddy-dingtalk/config"
	"github.com/caddy-dingtalk/caddy-dingtalk/doctor"
	"github.com/caddy-dingtalk/caddy-dingtalk/endpoint"
	"github.com/caddy-dingtalk/caddy-dingtalk/observe"
	"github.com/caddy-dingtalk/caddy-dingtalk/signer"
	"github.com/caddy-dingtalk/caddy-dingtalk/tenant"
	"github.com/caddy-dingtalk/caddy-dingtalk/tenant/suite"
	"github.com/caddy-dingtalk/caddy-dingtalk/visit"
)

// Gate is the sign-in of a directive: a Server for each of its tenants, whose tokens,
// cookies, keys and corp are its own, and one made for each visit of a suite's corp.
type Gate struct {
	tenants *tenant.Tenants
	servers map[*tenant.Tenant]*Server
	suites  map[*suite.Suite]*corps
	all     []*Server // in the order of the configuration; of suites, those of nobody
}

// Open makes the sign-in of a configuration that has been resolved and validated; nil
// where it has none. Matchers are loaded. DingTalk is not called, and the storage not
// read. It must be closed, once.
func Open(ctx caddy.Context, c *config.Config, tenants *tenant.Tenants, events *observe.Emitter, notices *observe.Notices) (*Gate, error) {
	if c.Login == nil {
		return nil, nil
	}
	g := &Gate{tenants: tenants, servers: make(map[*tenant.Tenant]*Server), suites: make(map[*suite.Suite]*corps)}
	rules, err := loadRules(ctx, c.Login.Rules)
	if err != nil {
		return nil, err
	}
	var cookies []Cookies
	for one, own := range tenants.Each(c) {
		s, err := openServer(ctx, own, one, rules, events, notices)
		if err != nil {
			g.Close()
			return nil, err
		}
		g.servers[one] = s
		g.all = append(g.all, s)
		cookies = append(cookies, s.cookies)
	}
	for i, one := range tenants.Suites() {
		s, err := openCorps(ctx, c, &c.Suites[i], one, tenants.SuitePages(one), rules, events, notices)
		if err != nil {
			g.Close()
			return nil, err
		}
		g.suites[one] = s
		g.all = append(g.all, s.nobody)
	}
	if len(g.all) > 1 {
		for _, s := range g.all {
			s.siblings = cookies
		}
	}
	return g, nil
}

// of returns the sign-in of a tenant, nil where it is nobody.
func (g *Gate) of(t *tenant.Tenant) *Server {
	if s := g.servers[t]; s != nil {
		return s
	}
	if of, revoked := t.Suite(); of != nil {
		return g.suites[of].server(t, revoked)
	}
	return nil
}

// Close gives back what outlives a reload.
func (g *Gate) Close() {
	if g == nil {
		return
	}
	for _, s := range g.all {
		s.close()
	}
}

// ScriptName is the name of the script with the code of ddSidecar.login on pages of a
// tenant, or of all corps of a third-party app; "" for pages that are nobody's.
func (g *Gate) ScriptName(t *tenant.Tenant) string {
	for _, s := range g.all {
		if s.tenant == t {
			return s.scriptName
		}
	}
	return ""
}

// Guard judges a request that is for no endpoint. Where it may pass, it carries the
// identity of its user, or none; w is then what the answer must be written to, and user
// names who asks, "" if nobody is known. Else it has been answered. Leave must be called
// when the request has been served.
func (g *Gate) Guard(w http.ResponseWriter, r *http.Request, v *visit.Visit) (out http.ResponseWriter, user string, pass bool, err error) {
	choice := g.tenants.For(v)
	if s := g.of(choice.Tenant); s != nil {
		return s.guard(w, r, v)
	}
	// Nobody can sign in here: the rules are the same for all.
	s := g.all[0]
	s.clean(r)
	demand, err := s.rules.For(r, v.Target)
	switch {
	case err != nil:
		return nil, "", false, failed(w, err)
	case demand.public() || v.Pushed:
		observe.CountLoginRequest(observe.LoginPublic)
		return w, "", true, nil
	}
	observe.CountLoginRequest(observe.LoginMissing)
	return nil, "", false, g.refuse(w, r, choice)
}

// refuse answers a visit that has no tenant to sign in at.
func (g *Gate) refuse(w http.ResponseWriter, r *http.Request, choice tenant.Choice) error {
	code := CodeTenantUnknown
	switch {
	case choice.Err == nil:
	case choice.Err.Code() == observe.CodeTenantAmbiguous:
		code = CodeTenantAmbiguous
	case choice.Err.Code() == observe.CodeNoTicket: // whether the corp has authorised the app is not known now
		code = CodeUnavailable
		retryAfter(w.Header(), &Error{RetryAfter: retryUnavailable})
	}
	return g.all[0].refuse(w, r, isDocument(r), Page{State: StateError, Code: code})
}

// Leave ends what Guard began, when the request has been served; w is what Guard returned.
func (g *Gate) Leave(w http.ResponseWriter, r *http.Request) {
	if own, ok := w.(*response); ok {
		own.leave()
	}
	for _, s := range g.all {
		s.leave(r)
	}
}

// Answers are the endpoints, by their names: a call is its page's tenant's.
func (g *Gate) Answers() map[string]endpoint.Answer {
	all := make(map[string]endpoint.Answer)
	for _, s := range g.all {
		maps.Copy(all, s.files())
	}
	for _, name := range callNames {
		if g.all[0].answer(name) == nil { // and so for all others
			continue
		}
		all[name] = func(w http.ResponseWriter, r *http.Request, v *visit.Visit) error {
			s, choice := g.serverFor(name, r, v)
			if s == nil {
				return g.refuse(w, r, choice)
			}
			return s.answer(name)(w, r, v)
		}
	}
	return all
}

// serverFor returns the sign-in that a call is for, nil if it is for none. DingTalk's answer
// is for whoever began the attempt, as only that one's keys open it; all others are for the
// tenant of the page that calls, or of the one to come back to.
func (g *Gate) serverFor(name string, r *http.Request, v *visit.Visit) (*Server, tenant.Choice) {
	if name == "callback" {
		for _, s := range g.all {
			if s.began(r, v) {
				return s, tenant.Choice{}
			}
		}
		return g.all[0], tenant.Choice{} // it answers bad_state
	}
	choice := g.tenants.For(v)
	if !g.tenants.Many() {
		return g.of(choice.Tenant), choice
	}
	if target := g.pageOf(name, r, v); target != "" {
		site, _ := v.Site()
		choice = g.tenants.ForPage(v, tenant.Page{Host: site.Host, Target: target, Own: true})
	}
	return g.of(choice.Tenant), choice
}

// pageOf is the target of the page that a call is about, "" if it does not say.
func (g *Gate) pageOf(name string, r *http.Request, v *visit.Visit) string {
	if to := one(queryOf(v), "to"); to != "" && name == "login" && r.Method == http.MethodGet {
		return SafeTo(to, g.all[0].endpoint)
	}
	site, _ := v.Site()
	if from, err := signer.ParseURL(r.Header.Get("Referer")); err == nil && from.Origin == site {
		return from.Target
	}
	return ""
}

// began tells whether an OAuth2 attempt is one of this tenant's.
func (s *Server) began(r *http.Request, v *visit.Visit) bool {
	site, _ := v.Site()
	hash := sha256.Sum256([]byte(one(queryOf(v), "state")))
	_, ok := s.keys.openState(Read(r.Header, stateName(s.cookies, hash, site.Scheme == "https")), time.Now())
	return ok
}

// Examine tells how sign-in stands for a visit of the doctor page. DingTalk is asked if ask
// says so, at most once a minute. Where the visit is for nobody it tells what all corps of a
// third-party app have in common, and without one nothing: a tenant's is not for strangers.
func (g *Gate) Examine(ctx context.Context, v *visit.Visit, ask bool) *doctor.SignIn {
	s := g.of(g.tenants.ForAnyPath(v).Tenant)
	for _, suite := range g.suites {
		if s == nil {
			s = suite.nobody
		}
	}
	if s == nil {
		return nil
	}
	facts := s.examine(ctx, v, ask)
	return &facts
}
