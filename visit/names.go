package visit

import (
	"context"
	"net/http"
	"strings"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"github.com/caddy-dingtalk/caddy-dingtalk/signer"
)

// TenantCookie is the cookie that remembers the tenant of a browser. It selects and
// proves nothing.
const TenantCookie = "dingtalk_tenant"

// takeTenant takes our cookie out of a request, which upstream must not see, and returns
// its value, "" if there is none. A directive further in, or that of an error's route,
// finds what this one has taken.
func takeTenant(r *http.Request) string {
	value, found := cutCookie(r.Header, TenantCookie)
	if found {
		caddyhttp.SetVar(r.Context(), TenantCookie, value)
		return value
	}
	value, _ = caddyhttp.GetVar(r.Context(), TenantCookie).(string)
	return value
}

// cutCookie takes a cookie out of a header and returns its first value; the others stay
// as the browser wrote them.
func cutCookie(header http.Header, name string) (value string, found bool) {
	lines := header["Cookie"]
	there := false
	for _, line := range lines {
		there = there || strings.Contains(line, name)
	}
	if !there {
		return "", false
	}
	var kept []string
	for _, line := range lines {
		var others []string
		for pair := range strings.SplitSeq(line, ";") {
			n, v, _ := strings.Cut(strings.TrimSpace(pair), "=")
			switch {
			case n != name:
				others = append(others, pair)
			case !found:
				value, found = v, true
			}
		}
		if line := strings.TrimSpace(strings.Join(others, ";")); line != "" {
			kept = append(kept, line)
		}
	}
	switch {
	case !found:
	case kept == nil:
		delete(header, "Cookie")
	default:
		header["Cookie"] = kept
	}
	return value, found
}

// Context is that of the request.
func (v *Visit) Context() context.Context { return v.request.Context() }

// Asked returns the host and the target that the browser asked for, as far as proxies let
// that be known, else as they were received. They prove nothing.
func (v *Visit) Asked() (host, target string) {
	if page := v.Place().Page; page.Target != "" {
		return page.Origin.Host, page.Prefix + page.Target
	}
	return v.request.Host, OriginForm(v.Target)
}

// RefererQuery returns the query of the page that led here, "" if it is of another origin
// or not known.
func (v *Visit) RefererQuery() string {
	referers := v.request.Header["Referer"]
	if len(referers) != 1 {
		return ""
	}
	target, same := under(v.originHere(), referers[0])
	if !same {
		return ""
	}
	_, query, _ := strings.Cut(target, "?")
	query, _, _ = strings.Cut(query, "#")
	return query
}

// originHere is the origin of the site as it was rebuilt, the zero one if it is not known.
func (v *Visit) originHere() signer.Origin {
	if origin := v.Place().Origin; origin != (signer.Origin{}) {
		return origin
	}
	origin, _, _ := v.desk.rules.Origin(v.facts())
	return origin
}

// under returns what follows the origin in a URL of it.
func under(o signer.Origin, url string) (target string, ok bool) {
	if o == (signer.Origin{}) {
		return "", false
	}
	rest, ok := strings.CutPrefix(url, o.Scheme)
	if ok {
		rest, ok = strings.CutPrefix(rest, "://")
	}
	if ok {
		rest, ok = strings.CutPrefix(rest, o.Host)
	}
	if ok && o.Port != "" {
		if rest, ok = strings.CutPrefix(rest, ":"); ok {
			rest, ok = strings.CutPrefix(rest, o.Port)
		}
	}
	return rest, ok && (rest == "" || rest[0] == '/' || rest[0] == '?')
}
