package visit

import (
	"net/http"
	"sync"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp/intercept"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp/reverseproxy"

	"github.com/caddy-dingtalk/caddy-dingtalk/config"
)

// hostIndex holds the host matchers of the routes that lead to a handler. The
// server is not provisioned before its handlers, so the first request that needs
// it builds the index.
type hostIndex struct {
	handler caddyhttp.MiddlewareHandler
	once    sync.Once
	walk    *routeWalk // nil if there is no server
}

// matches reports whether a host matcher on the way to the handler matches the Host of
// r, which is the rebuilt one: then whoever wrote the configuration calls this host his
// own.
func (x *hostIndex) matches(r *http.Request) bool {
	walk := x.walked(r)
	if walk == nil {
		return false
	}
	for _, m := range walk.hosts {
		if ok, err := m.MatchWithError(r); ok && err == nil {
			return true
		}
	}
	return false
}

// walked is the walk to the handler in the server of a request, nil if there is none.
func (x *hostIndex) walked(r *http.Request) *routeWalk {
	x.once.Do(func() {
		if server, _ := r.Context().Value(caddyhttp.ServerCtxKey).(*caddyhttp.Server); server != nil {
			x.walk = walkTo(x.handler, server)
		}
	})
	return x.walk
}

// routeWalk goes through the routes of a server in search of a handler.
type routeWalk struct {
	target caddyhttp.MiddlewareHandler
	server *caddyhttp.Server
	hosts  []caddyhttp.MatchHost     // of all ways to the target
	ways   [][]caddyhttp.MatcherSets // the matchers on each way to it
	own    []caddyhttp.MatcherSets   // those of routes that have nothing behind it
	inside map[string]bool           // the named routes on the way: they may invoke each other
}

// walkTo goes through a server in search of a handler.
func walkTo(target caddyhttp.MiddlewareHandler, server *caddyhttp.Server) *routeWalk {
	w := &routeWalk{target: target, server: server, inside: make(map[string]bool)}
	w.routes(server.Routes, nil)
	if server.Errors != nil {
		w.routes(server.Errors.Routes, nil)
	}
	return w
}

// routes searches routes that are reached through the matchers of above.
func (w *routeWalk) routes(routes caddyhttp.RouteList, above []caddyhttp.MatcherSets) {
	for _, route := range routes {
		way := append(above[:len(above):len(above)], route.MatcherSets)
		for i, handler := range route.Handlers {
			if handler == w.target {
				w.ways = append(w.ways, way)
				if i == len(route.Handlers)-1 {
					w.own = append(w.own, route.MatcherSets)
				}
				for _, sets := range way {
					w.hosts = append(w.hosts, hostsOf(sets)...)
				}
			}
			switch sub := handler.(type) {
			case *caddyhttp.Subroute:
				w.routes(sub.Routes, way)
				if sub.Errors != nil {
					w.routes(sub.Errors.Routes, way)
				}
			case *caddyhttp.Invoke:
				if named := w.server.NamedRoutes[sub.Name]; named != nil && !w.inside[sub.Name] {
					w.inside[sub.Name] = true
					w.routes(caddyhttp.RouteList{*named}, way)
					delete(w.inside, sub.Name)
				}
			case *reverseproxy.Handler:
				w.responses(sub.HandleResponse, way)
			case *intercept.Intercept:
				w.responses(sub.HandleResponse, way)
			}
		}
	}
}

// responses searches the routes that upstream's response decides on.
func (w *routeWalk) responses(handlers []caddyhttp.ResponseHandler, above []caddyhttp.MatcherSets) {
	for _, h := range handlers {
		w.routes(h.Routes, above)
	}
}

// hostsOf returns the host matchers of a route's sets without their catch-alls.
func hostsOf(sets caddyhttp.MatcherSets) []caddyhttp.MatchHost {
	var out []caddyhttp.MatchHost
	for _, set := range sets {
		for _, matcher := range set {
			var hosts caddyhttp.MatchHost
			switch m := matcher.(type) {
			case caddyhttp.MatchHost:
				hosts = m
			case *caddyhttp.MatchHost:
				hosts = *m
			}
			var named caddyhttp.MatchHost
			for _, host := range hosts {
				if !config.CatchAll(host) {
					named = append(named, host)
				}
			}
			if len(named) > 0 {
				out = append(out, named)
			}
		}
	}
	return out
}
