package dingtalk

import "strings"

// difference tells in which parts the URL that the browser shows differs from
// the one that was signed, and which setting of the proxy in front cures it. Both
// are empty if the URLs are equal.
func difference(shown, signed string) (parts []string, advice string) {
	if shown == signed || signed == "" {
		return nil, ""
	}
	a, b := splitURL(shown), splitURL(signed)
	origin := a.scheme + "://" + a.host
	if a.port != "" {
		origin += ":" + a.port
	}
	var cures []string
	note := func(part, cure string) {
		parts = append(parts, part)
		cures = append(cures, cure)
	}
	if a.scheme != b.scheme {
		note("scheme", "the scheme is "+a.scheme+", not "+b.scheme+": let the proxy that ends TLS set X-Forwarded-Proto (nginx: proxy_set_header X-Forwarded-Proto $scheme;) and name it in trusted_proxies")
	}
	if a.host != b.host {
		note("host", "the host is "+a.host+", not "+b.host+": let the proxy pass the Host on (nginx: proxy_set_header Host $http_host;)")
	}
	if a.port != b.port {
		note("port", "the port is "+orDefault(a.port)+", not "+orDefault(b.port)+": let the proxy pass the port on (nginx: proxy_set_header Host $http_host; and not $host)")
	}
	if a.path != b.path {
		note("path", "a proxy rewrites the path: let it send the original (nginx: proxy_set_header X-Original-URI $request_uri;) and add the line forwarded X-Original-URI to the dingtalk directive")
	}
	if a.query != b.query {
		note("query", "the query differs: a proxy or a script of the page (history.replaceState) has changed it; call dd.config before the script does")
	}
	if a.scheme != b.scheme || a.host != b.host || a.port != b.port {
		cures = append(cures, "or add the line public_origin "+origin+" to the dingtalk directive")
	}
	return parts, strings.Join(cures, "; ")
}

func orDefault(port string) string {
	if port == "" {
		return "the default one"
	}
	return port
}

type urlParts struct{ scheme, host, port, path, query string }

// splitURL takes a URL apart without judging it.
func splitURL(s string) (u urlParts) {
	u.scheme, s, _ = strings.Cut(s, "://")
	if i := strings.IndexAny(s, "/?"); i >= 0 {
		u.path, s = s[i:], s[:i]
	}
	if i := strings.IndexByte(u.path, '?'); i >= 0 {
		u.path, u.query = u.path[:i], u.path[i:] // an empty query is one, too
	}
	u.host = s
	if i := strings.LastIndexByte(s, ':'); i > strings.LastIndexByte(s, ']') {
		u.host, u.port = s[:i], s[i+1:]
	}
	return u
}
