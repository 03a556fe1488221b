package examine

import (
	"bytes"
	"encoding/json"
	"maps"
	"net"
	"slices"
	"strconv"
	"strings"

	"github.com/caddyserver/caddy/v2"

	"github.com/caddy-dingtalk/caddy-dingtalk/config"
	"github.com/caddy-dingtalk/caddy-dingtalk/doctor"
)

// findings are what a configuration holds for us.
type findings struct {
	storage json.RawMessage // Caddy's own storage, nil for its default
	events  []string        // those that something subscribes to
	places  []place
}

// place is one dingtalk handler and what is around it.
type place struct {
	server  string   // its name in the configuration
	listen  []string // the addresses it listens at
	hosts   []string // of the host matchers on the way to the handler, without catch-alls
	paths   []paths  // of the path matchers on the way
	keptOut []paths  // of the matchers on the way that keep paths out
	matcher []string // what the handler's own matcher goes by, hosts left out
	tls     bool     // the server ends TLS
	trusted bool     // the server has trusted proxies
	// certificates tells that the configuration has some for names of its own.
	certificates bool
	raw          []byte // the handler's JSON
	config       config.Config
	err          error // why config could not be read from raw
}

// server is the part of Caddy's HTTP server that is looked at here.
type server struct {
	Listen             []string       `json:"listen"`
	Routes             any            `json:"routes"`
	Errors             any            `json:"errors"`
	NamedRoutes        map[string]any `json:"named_routes"`
	TLSPolicies        []any          `json:"tls_connection_policies"`
	TrustedProxies     map[string]any `json:"trusted_proxies"`
	TrustedProxiesUnix bool           `json:"trusted_proxies_unix"`
	AutoHTTPS          struct {
		Disabled bool     `json:"disable"`
		Skip     []string `json:"skip"`
	} `json:"automatic_https"`
}

// find looks for dingtalk handlers in a configuration, in its order.
func find(configuration []byte) (*findings, error) {
	var c struct {
		Storage json.RawMessage `json:"storage"`
		Apps    struct {
			HTTP struct {
				HTTPPort  int               `json:"http_port"`
				HTTPSPort int               `json:"https_port"`
				Servers   map[string]server `json:"servers"`
			} `json:"http"`
			TLS    tlsApp `json:"tls"`
			Events struct {
				Subscriptions []struct {
					Events []string `json:"events"`
				} `json:"subscriptions"`
			} `json:"events"`
		} `json:"apps"`
	}
	decoder := json.NewDecoder(bytes.NewReader(caddy.RemoveMetaFields(configuration)))
	decoder.UseNumber() // durations are too long for a float
	if err := decoder.Decode(&c); err != nil {
		return nil, doctor.Wrong("reading the configuration, which must be a Caddyfile or Caddy's JSON: %v", err)
	}
	found := &findings{storage: c.Storage}
	for _, sub := range c.Apps.Events.Subscriptions {
		found.events = append(found.events, sub.Events...)
	}
	http := c.Apps.HTTP
	for _, name := range slices.Sorted(maps.Keys(http.Servers)) {
		s := http.Servers[name]
		w := walk{server: &s, place: place{
			server:  name,
			listen:  s.Listen,
			tls:     s.endsTLS(http.HTTPPort, http.HTTPSPort),
			trusted: len(s.TrustedProxies) > 0 || s.TrustedProxiesUnix,

			certificates: c.Apps.TLS.hasCertificates(),
		}}
		w.value(s.Routes, access{})
		w.value(s.Errors, access{})
		found.places = append(found.places, w.found...)
	}
	return found, nil
}

// tlsApp is the part of Caddy's TLS app that is looked at here.
type tlsApp struct {
	Certificates map[string]any `json:"certificates"` // loaded, or managed by name
	Automation   struct {
		Policies []struct {
			Subjects []string `json:"subjects"`
		} `json:"policies"`
	} `json:"automation"`
}

// hasCertificates reports whether there is one that was not issued on demand.
func (a *tlsApp) hasCertificates() bool {
	for _, policy := range a.Automation.Policies {
		if len(policy.Subjects) > 0 {
			return true
		}
	}
	return len(a.Certificates) > 0
}

// endsTLS foretells what Caddy's automatic HTTPS does to the server.
func (s *server) endsTLS(httpPort, httpsPort int) bool {
	if len(s.TLSPolicies) > 0 {
		return true
	}
	if s.AutoHTTPS.Disabled || s.onlyOn(httpPort, 80) {
		return false
	}
	if s.onlyOn(httpsPort, 443) {
		return true
	}
	routes, _ := s.Routes.([]any)
	return slices.ContainsFunc(routes, func(route any) bool {
		return slices.ContainsFunc(hostsOf(route), func(host string) bool { return !slices.Contains(s.AutoHTTPS.Skip, host) })
	})
}

// onlyOn reports whether the server listens at one port only, 0 being the default.
func (s *server) onlyOn(port, byDefault int) bool {
	if port == 0 {
		port = byDefault
	}
	return !slices.ContainsFunc(s.Listen, func(address string) bool {
		_, p, err := net.SplitHostPort(address)
		return err != nil || p != strconv.Itoa(port)
	})
}

// walk goes through all that a server holds. It knows routes by their shape, so
// that it also finds handlers within handlers that it has never heard of.
type walk struct {
	server  *server
	place   place // what all handlers of the server have in common
	invoked []string
	found   []place
}

// access is what leads to a part of the configuration.
type access struct {
	hosts []string
	paths []paths
	out   []paths  // that are kept out
	own   []string // what the matcher goes by, hosts left out, of a route that ends in a dingtalk handler
}

// value searches a JSON value that is reached by that access.
func (w *walk) value(v any, above access) {
	switch v := v.(type) {
	case []any:
		for _, item := range v {
			w.value(item, above)
		}
	case map[string]any:
		switch v["handler"] {
		case "dingtalk":
			w.handler(v, above)
			return
		case "invoke":
			name, _ := v["name"].(string)
			w.invoke(name, above)
			return
		}
		inner := above.through(v)
		for _, key := range slices.Sorted(maps.Keys(v)) {
			if key != "match" {
				w.value(v[key], inner)
			}
		}
	}
}

// invoke searches a named route. Named routes may invoke each other.
func (w *walk) invoke(name string, above access) {
	if slices.Contains(w.invoked, name) {
		return
	}
	w.invoked = append(w.invoked, name)
	w.value(w.server.NamedRoutes[name], above)
	w.invoked = w.invoked[:len(w.invoked)-1]
}

func (w *walk) handler(v map[string]any, above access) {
	p := w.place
	p.paths, p.keptOut, p.matcher = above.paths, above.out, above.own
	for _, host := range above.hosts {
		if !config.CatchAll(host) && !slices.Contains(p.hosts, host) {
			p.hosts = append(p.hosts[:len(p.hosts):len(p.hosts)], host)
		}
	}
	fields := maps.Clone(v)
	delete(fields, "handler")
	p.raw, p.err = json.Marshal(fields)
	if p.err == nil {
		p.err = caddy.StrictUnmarshalJSON(p.raw, &p.config)
	}
	w.found = append(w.found, p)
}

// through returns the access that goes on through a route.
func (a access) through(route any) access {
	a.hosts = append(slices.Clip(a.hosts), hostsOf(route)...)
	if p := pathsOf(route); p != nil {
		a.paths = append(slices.Clip(a.paths), p)
	}
	if p := keptOut(route); p != nil {
		a.out = append(slices.Clip(a.out), p)
	}
	a.own = ownMatcher(route)
	return a
}

// ownMatcher returns what the matchers of a route go by whose last handler is dingtalk:
// what they do not match passes beside it.
func ownMatcher(v any) (names []string) {
	route, _ := v.(map[string]any)
	handlers, _ := route["handle"].([]any)
	if len(handlers) == 0 {
		return nil
	}
	if last, _ := handlers[len(handlers)-1].(map[string]any); last["handler"] != "dingtalk" {
		return nil
	}
	for _, set := range matcherSets(v) {
		for _, name := range slices.Sorted(maps.Keys(set)) {
			if name == "path" {
				name += " " + strings.Join(texts(set[name]), " ")
			}
			if name != "host" && !slices.Contains(names, name) {
				names = append(names, name)
			}
		}
	}
	return names
}

// hostsOf returns the hosts that a route names in its matchers.
func hostsOf(route any) (hosts []string) {
	for _, set := range matcherSets(route) {
		hosts = append(hosts, texts(set["host"])...)
	}
	return hosts
}

// matcherSets returns the matcher sets of a route: what passes one of them passes.
func matcherSets(v any) (sets []map[string]any) {
	route, _ := v.(map[string]any)
	if route["handle"] == nil {
		return nil
	}
	items, _ := route["match"].([]any)
	for _, item := range items {
		set, _ := item.(map[string]any)
		sets = append(sets, set)
	}
	return sets
}
