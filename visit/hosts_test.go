package visit

import (
	"testing"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
)

// signing stands for the handler of the directive.
type signing struct{ caddyhttp.MiddlewareHandler }

// TestNamedRoutesThatInvokeEachOther: the walk to the directive must end, and find
// what stands behind them.
func TestNamedRoutesThatInvokeEachOther(t *testing.T) {
	h := new(signing)
	invoke := func(name string) *caddyhttp.Invoke { return &caddyhttp.Invoke{Name: name} }
	named := map[string]*caddyhttp.Route{
		"one": {Handlers: []caddyhttp.MiddlewareHandler{invoke("one"), invoke("two"), invoke("one")}},
		"two": {Handlers: []caddyhttp.MiddlewareHandler{invoke("one"), invoke("two"), invoke("site")}},
		"site": {MatcherSets: caddyhttp.MatcherSets{{caddyhttp.MatchHost{"h5.test"}}},
			Handlers: []caddyhttp.MiddlewareHandler{h}},
	}
	w := routeWalk{target: h, server: &caddyhttp.Server{NamedRoutes: named}, inside: make(map[string]bool)}
	w.routes(caddyhttp.RouteList{*named["one"]}, nil)
	if len(w.hosts) == 0 || w.hosts[0][0] != "h5.test" || len(w.inside) != 0 {
		t.Errorf("found %v, inside %v", w.hosts, w.inside)
	}
}
