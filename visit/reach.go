package visit

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
)

// HeldBack returns the patterns of a path matcher that keeps requests for a path away
// from a handler, in a configuration that has started. There are none where there is a
// way to the handler. Of the matchers only those for paths are asked.
func HeldBack(ctx caddy.Context, handler caddyhttp.MiddlewareHandler, path string) (patterns []string) {
	app, err := ctx.App("http")
	if err != nil {
		return nil
	}
	for _, server := range app.(*caddyhttp.App).Servers {
		held, way := walkTo(handler, server).heldBack(ctx, path)
		if way {
			return nil
		}
		if held != nil {
			patterns = held
		}
	}
	return patterns
}

// HeldBack is HeldBack for the handler of a visit, in the server that it came to.
func (v *Visit) HeldBack(path string) []string {
	walk := v.desk.hosts.walked(v.request)
	if walk == nil {
		return nil
	}
	held, _ := walk.heldBack(v.request.Context(), path)
	return held
}

// heldBack returns the patterns that keep requests for a path away, and whether there is a
// way all the same.
func (w *routeWalk) heldBack(ctx context.Context, path string) (patterns []string, way bool) {
	r := &http.Request{Method: http.MethodGet, URL: &url.URL{Path: path}, RequestURI: path, Header: make(http.Header)}
	r = r.WithContext(context.WithValue(ctx, caddy.ReplacerCtxKey, caddy.NewReplacer()))
	for _, way := range w.ways {
		held := holding(r, way)
		if held == nil {
			return nil, true
		}
		patterns = held
	}
	return patterns, false
}

// Matcher returns what the handler's own matcher goes by, nil if it has none: requests that
// it does not match pass beside the handler, to what stands behind. Hosts do not count.
func (v *Visit) Matcher() (names []string) {
	walk := v.desk.hosts.walked(v.request)
	if walk == nil {
		return nil
	}
	for _, sets := range walk.own {
		for _, set := range sets {
			for _, matcher := range set {
				if name := matcherName(matcher); name != "host" && !slices.Contains(names, name) {
					names = append(names, name)
				}
			}
		}
	}
	return names
}

// matcherName is what a matcher is called in the configuration, with the patterns of a path.
func matcherName(matcher any) string {
	switch m := matcher.(type) {
	case caddyhttp.MatchPath:
		return "path " + strings.Join(m, " ")
	case *caddyhttp.MatchPath:
		return "path " + strings.Join(*m, " ")
	case caddy.Module:
		return m.CaddyModule().ID.Name()
	}
	return "?"
}

// holding returns the patterns of the first matchers on a way that hold a request back.
func holding(r *http.Request, way []caddyhttp.MatcherSets) []string {
	for _, sets := range way {
		var patterns []string
		passes := len(sets) == 0 || slices.ContainsFunc(sets, func(set caddyhttp.MatcherSet) bool {
			passes := true
			for _, matcher := range set {
				asked, of := pathPatterns(matcher)
				if m, is := matcher.(caddyhttp.RequestMatcherWithError); of && is {
					ok, err := m.MatchWithError(r)
					passes = passes && (ok || err != nil)
					patterns = append(patterns, asked...)
				}
			}
			return passes
		})
		if !passes {
			return patterns
		}
	}
	return nil
}

// pathPatterns returns the patterns of a matcher, as messages have them, and whether it
// looks at nothing but the path.
func pathPatterns(matcher any) (patterns []string, of bool) {
	switch m := matcher.(type) {
	case caddyhttp.MatchPath:
		return m, true
	case *caddyhttp.MatchPath:
		return *m, true
	case *caddyhttp.MatchPathRE:
		return []string{"path_regexp " + m.Pattern}, true
	case *caddyhttp.MatchNot:
		for _, set := range m.MatcherSets {
			for _, inner := range set {
				asked, of := pathPatterns(inner)
				if !of {
					return nil, false
				}
				patterns = append(patterns, "not "+strings.Join(asked, " "))
			}
		}
		return patterns, true
	}
	return nil, false
}
