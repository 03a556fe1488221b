package tenant

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"github.com/caddy-dingtalk/caddy-dingtalk/config"
	"github.com/caddy-dingtalk/caddy-dingtalk/visit"
)

// What has named the tenant of a visit.
const (
	ByQuery   = "query"   // the page's own query
	ByReferer = "referer" // that of the page before it
	ByCookie  = "cookie"
	ByDefault = "default" // nothing: it is the directive's own
	ByOnly    = "only"    // nothing: there is no other
)

// chooser finds the tenant of a directive with several that names mean.
type chooser struct {
	general group              // without host and path
	byHost  map[string][]scope // with host, by each that is no pattern, in lower case
	scoped  []scope            // the others with host or path
	own     *Tenant            // the default tenant, one of the general; nil if there is none
	corps   bool               // those of suites are candidates, too
}

// group are tenants, in the ways that they are asked for.
type group struct {
	all     []*Tenant
	byCorp  map[string][]*Tenant
	byAgent map[string][]*Tenant
}

// scope is where a tenant is a candidate.
type scope struct {
	tenant *Tenant
	hosts  caddyhttp.MatchHost // none: all
	paths  caddyhttp.MatchPath // none: all
}

// add adds a tenant, with its block of the configuration; that is nil for the default one.
func (c *chooser) add(t *Tenant, block *config.Tenant) error {
	if block == nil {
		c.own = t
	} else if len(block.Host) > 0 || len(block.Path) > 0 {
		s := scope{t, slices.Clone(block.Host), slices.Clone(block.Path)} // the matchers write into theirs
		if err := s.hosts.Provision(caddy.Context{}); err != nil {
			return fmt.Errorf("tenant %s %s: host: %w", block.CorpID, block.AgentID, err)
		}
		if err := s.paths.Provision(caddy.Context{}); err != nil {
			return fmt.Errorf("tenant %s %s: path: %w", block.CorpID, block.AgentID, err)
		}
		c.addScope(s)
		return nil
	}
	c.general.add(t)
	return nil
}

func (c *chooser) addScope(s scope) {
	pattern := func(host string) bool { return strings.ContainsAny(host, "*:[{") }
	if len(s.hosts) == 0 || slices.ContainsFunc(s.hosts, pattern) {
		c.scoped = append(c.scoped, s)
		return
	}
	if c.byHost == nil {
		c.byHost = make(map[string][]scope)
	}
	for _, host := range s.hosts {
		c.byHost[strings.ToLower(host)] = append(c.byHost[strings.ToLower(host)], s)
	}
}

func (g *group) add(t *Tenant) {
	if g.byCorp == nil {
		g.byCorp, g.byAgent = make(map[string][]*Tenant), make(map[string][]*Tenant)
	}
	g.all = append(g.all, t)
	g.byCorp[t.Page.CorpID] = append(g.byCorp[t.Page.CorpID], t)
	g.byAgent[t.Page.AgentID] = append(g.byAgent[t.Page.AgentID], t)
}

// named returns the tenants that names may mean.
func (g *group) named(n Names) []*Tenant {
	switch {
	case n.Corp != "":
		return g.byCorp[n.Corp]
	case n.Agent != "":
		return g.byAgent[n.Agent]
	}
	return g.all
}

// choose returns the tenant that names mean at a place, or why none. open tells that the
// corps of suites are candidates, too, among which the names were not looked for. A
// target of "" is any path.
func (c *chooser) choose(host, target string, n Names) (t *Tenant, by string, why Reason, open bool) {
	if n.Twice {
		return nil, "", Unknown, false
	}
	list, scoped, sure := c.candidates(host, target)
	switch {
	case !sure:
		return nil, "", Ambiguous, false
	case list == nil:
		list = c.general.named(n)
	case !scoped:
		list = append(list, c.general.named(n)...)
	}
	open = c.corps && !scoped
	if n.None() && !scoped && c.own != nil {
		return c.own, ByDefault, 0, open
	}
	for _, one := range list {
		if n.Corp != "" && n.Corp != one.Page.CorpID || n.Agent != "" && n.Agent != one.Page.AgentID {
			continue
		}
		if t != nil {
			return nil, "", Ambiguous, false
		}
		t = one
	}
	switch {
	case !n.None():
		return t, "", Unknown, open
	case c.corps: // somebody else may be meant
		return nil, "", Ambiguous, false
	}
	return t, ByOnly, Unknown, false
}

// candidates returns the tenants with host or path that fit. only tells that no others are
// candidates; where there are none, or any path is meant, those without host and path are.
// sure tells that they are the same whatever the upstream makes of the path.
func (c *chooser) candidates(host, target string) (fit []*Tenant, only, sure bool) {
	scopes, sure := c.scopesAt(host, target)
	for _, s := range scopes {
		fit = append(fit, s.tenant)
		only = only || target != "" || len(s.paths) == 0
	}
	return fit, only, sure
}

// scopesAt returns where the tenants with host or path are candidates that fit, and whether
// they are the same for each reading of the path.
func (c *chooser) scopesAt(host, target string) (fit []*scope, sure bool) {
	if len(c.scoped) == 0 && len(c.byHost) == 0 {
		return nil, true
	}
	name, _, err := net.SplitHostPort(host)
	if err != nil {
		name = host // without a port
	}
	r := &http.Request{Host: host, URL: new(url.URL)}
	if u, err := url.ParseRequestURI(target); err == nil {
		r.URL = u
	}
	r = r.WithContext(matching)
	lists := [...][]scope{c.byHost[strings.ToLower(name)], c.scoped}
	fit = fitting(lists[:], r, target == "")
	if path := visit.OtherReading(r.URL.Path); path != r.URL.Path {
		r.URL = &url.URL{Path: path}
		return fit, slices.Equal(fit, fitting(lists[:], r, target == ""))
	}
	return fit, true
}

// fitting returns the scopes that a request is within.
func fitting(lists [][]scope, r *http.Request, anywhere bool) (fit []*scope) {
	for _, list := range lists {
		for i := range list {
			if list[i].fits(r, anywhere) {
				fit = append(fit, &list[i])
			}
		}
	}
	return fit
}

// matching is the context that Caddy's matchers want.
var matching = context.WithValue(context.Background(), caddy.ReplacerCtxKey, caddy.NewEmptyReplacer())

func (s *scope) fits(r *http.Request, anywhere bool) bool {
	if len(s.hosts) > 0 {
		if ok, err := s.hosts.MatchWithError(r); !ok || err != nil {
			return false
		}
	}
	if len(s.paths) > 0 && !anywhere {
		if ok, err := s.paths.MatchWithError(r); !ok || err != nil {
			return false
		}
	}
	return true
}
