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
	hosts   []caddyhttp.MatchHost
}

// matches reports whether a host matcher on the way to the handler matches the Host of
// r, which is the rebuilt one: then whoever wrote the configuration calls this host his
// own.
func (x *hostIndex) matches(r *http.Request) bool {
	x.once.Do(func() {
		server, _ := r.Context().Value(caddyhttp.ServerCtxKey).(*caddyhttp.Server)
		if server == nil {
			return
		}
		w := routeWalk{target: x.handler, server: server, inside: make(map[string]bool)}
		w.routes(server.Routes, nil)
		if server.Errors != nil {
			w.routes(server.Errors.Routes, nil)
		}
		x.hosts = w.found
	})
	for _, m := range x.hosts {
		if ok, err := m.MatchWithError(r); ok && err == nil {
			return true
		}
	}
	return false
}

// routeWalk goes through the routes of a server in search of a handler.
type routeWalk struct {
	target caddyhttp.MiddlewareHandler
	server *caddyhttp.Server
	found  []caddyhttp.MatchHost
	inside map[string]bool // the named routes on the way: they may invoke each other
}

// routes searches routes that are reached through the host matchers of above.
func (w *routeWalk) routes(routes caddyhttp.RouteList, above []caddyhttp.MatchHost) {
	for _, route := range routes {
		hosts := append(above[:len(above):len(above)], hostsOf(route)...)
		for _, handler := range route.Handlers {
			if handler == w.target {
				w.found = append(w.found, hosts...)
			}
			switch sub := handler.(type) {
			case *caddyhttp.Subroute:
				w.routes(sub.Routes, hosts)
				if sub.Errors != nil {
					w.routes(sub.Errors.Routes, hosts)
				}
			case *caddyhttp.Invoke:
				if named := w.server.NamedRoutes[sub.Name]; named != nil && !w.inside[sub.Name] {
					w.inside[sub.Name] = true
					w.routes(caddyhttp.RouteList{*named}, hosts)
					delete(w.inside, sub.Name)
				}
			case *reverseproxy.Handler:
				w.responses(sub.HandleResponse, hosts)
			case *intercept.Intercept:
				w.responses(sub.HandleResponse, hosts)
			}
		}
	}
}

// responses searches the routes that upstream's response decides on.
func (w *routeWalk) responses(handlers []caddyhttp.ResponseHandler, above []caddyhttp.MatchHost) {
	for _, h := range handlers {
		w.routes(h.Routes, above)
	}
}

// hostsOf returns the host matchers of a route without their catch-alls.
func hostsOf(route caddyhttp.Route) []caddyhttp.MatchHost {
	var out []caddyhttp.MatchHost
	for _, set := range route.MatcherSets {
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
