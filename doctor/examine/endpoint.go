package examine

import (
	"path"
	"slices"
	"strings"

	"github.com/caddy-dingtalk/caddy-dingtalk/config"
	"github.com/caddy-dingtalk/caddy-dingtalk/doctor"
)

// paths are the patterns of a route's path matchers, one of which a request must
// fit. There are none where the route lets every path through.
type paths []string

// pathsOf returns the paths of a route.
func pathsOf(route any) (all paths) {
	for _, set := range matcherSets(route) {
		patterns := texts(set["path"])
		if len(patterns) == 0 {
			return nil
		}
		all = append(all, patterns...)
	}
	return all
}

// keptOut returns the paths that a route keeps out, where it has one matcher set, with a
// matcher not that looks at nothing but the path.
func keptOut(route any) (all paths) {
	sets := matcherSets(route)
	if len(sets) != 1 {
		return nil
	}
	inner, _ := sets[0]["not"].([]any)
	for _, item := range inner {
		set, _ := item.(map[string]any)
		if len(set) != 1 || set["path"] == nil {
			return nil
		}
		all = append(all, texts(set["path"])...)
	}
	return all
}

// let reports whether the paths let a request through, as Caddy's path matcher
// does: in any case, `*` at either end standing for whatever there is.
func (p paths) let(target string) bool {
	return slices.ContainsFunc(p, func(pattern string) bool {
		pattern = strings.ToLower(pattern)
		plain := strings.Trim(pattern, "*")
		before, after := strings.HasPrefix(pattern, "*"), strings.HasSuffix(pattern, "*")
		switch {
		case strings.ContainsAny(plain, "*?[{"): // one in the middle, or a placeholder
			fits, err := path.Match(pattern, target)
			return fits || err != nil || strings.Contains(plain, "{")
		case before && after:
			return strings.Contains(target, plain)
		case before:
			return strings.HasSuffix(target, plain)
		case after:
			return strings.HasPrefix(target, plain)
		}
		return target == plain
	})
}

// endpointCheck warns of endpoints that never reach the handler: matchers in front
// of it hold them back, and what pages ask goes to the app.
func endpointCheck(p place, c *config.Config) []Check {
	asked := strings.ToLower(c.Endpoint) + "/config"
	for _, paths := range p.paths {
		if !paths.let(asked) {
			return heldBack(c.Endpoint, paths...)
		}
	}
	for _, paths := range p.keptOut {
		if paths.let(asked) {
			return heldBack(c.Endpoint, "not "+strings.Join(paths, " "))
		}
	}
	return nil
}

func heldBack(endpoint string, patterns ...string) []Check {
	found := doctor.HeldBack(endpoint, patterns)
	found.Name = "endpoint"
	return []Check{checkOf(found)}
}
