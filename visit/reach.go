package visit

import (
	"context"
	"net/http"
	"net/url"
	"slices"

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
	r := &http.Request{Method: http.MethodGet, URL: &url.URL{Path: path}, RequestURI: path, Header: make(http.Header)}
	r = r.WithContext(context.WithValue(ctx, caddy.ReplacerCtxKey, caddy.NewReplacer()))
	for _, server := range app.(*caddyhttp.App).Servers {
		for _, way := range walkTo(handler, server).ways {
			held := holding(r, way)
			if held == nil {
				return nil
			}
			patterns = held
		}
	}
	return patterns
}

// holding returns the patterns of the first matchers on a way that hold a request back.
func holding(r *http.Request, way []caddyhttp.MatcherSets) []string {
	for _, sets := range way {
		var patterns []string
		passes := len(sets) == 0 || slices.ContainsFunc(sets, func(set caddyhttp.MatcherSet) bool {
			passes := true
			for _, matcher := range set {
				if m, is := matcher.(caddyhttp.MatchPath); is {
					ok, err := m.MatchWithError(r)
					passes = passes && (ok || err != nil)
					patterns = append(patterns, m...)
				}
				if m, is := matcher.(*caddyhttp.MatchPath); is {
					ok, err := m.MatchWithError(r)
					passes = passes && (ok || err != nil)
					patterns = append(patterns, *m...)
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
