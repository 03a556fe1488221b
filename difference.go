package dingtalk

import (
	"strings"

	"github.com/caddy-dingtalk/caddy-dingtalk/signer"
)

// difference tells in which parts the URL that the browser shows differs from
// the one that was signed, and which setting of the proxy in front cures it. Both
// are empty if the URLs are equal, or if one is none: anybody can send reports,
// and nobody is to be advised of a text that is no origin.
func difference(shown, signed string) (parts []string, advice string) {
	if shown == signed {
		return nil, ""
	}
	a, err := signer.ParseURL(shown)
	if err != nil {
		return nil, ""
	}
	b, err := signer.ParseURL(signed)
	if err != nil {
		return nil, ""
	}
	var cures []string
	note := func(part, cure string) {
		parts = append(parts, part)
		cures = append(cures, cure)
	}
	if a.Origin.Scheme != b.Origin.Scheme {
		note("scheme", "the scheme is "+a.Origin.Scheme+", not "+b.Origin.Scheme+": let the proxy that ends TLS set X-Forwarded-Proto (nginx: proxy_set_header X-Forwarded-Proto $scheme;) and name it in trusted_proxies")
	}
	if a.Origin.Host != b.Origin.Host {
		note("host", "the host is "+a.Origin.Host+", not "+b.Origin.Host+": let the proxy pass the Host on (nginx: proxy_set_header Host $http_host;)")
	}
	if a.Origin.Port != b.Origin.Port {
		note("port", "the port is "+orDefault(a.Origin.Port)+", not "+orDefault(b.Origin.Port)+": let the proxy pass the port on (nginx: proxy_set_header Host $http_host; and not $host)")
	}
	aPath, aQuery := cutQuery(a.Target)
	bPath, bQuery := cutQuery(b.Target)
	if aPath != bPath {
		note("path", "a proxy rewrites the path: let it send the original (nginx: proxy_set_header X-Original-URI $request_uri;) and add the line forwarded X-Original-URI to the dingtalk directive")
	}
	if aQuery != bQuery {
		note("query", "the query differs: a proxy or a script of the page (history.replaceState) has changed it; call dd.config before the script does")
	}
	if a.Origin != b.Origin {
		cures = append(cures, "or add the line public_origin "+a.Origin.String()+" to the dingtalk directive")
	}
	return parts, strings.Join(cures, "; ")
}

func orDefault(port string) string {
	if port == "" {
		return "the default one"
	}
	return port
}

// cutQuery cuts a target before its question mark: an empty query is one, too.
func cutQuery(target string) (path, query string) {
	if i := strings.IndexByte(target, '?'); i >= 0 {
		return target[:i], target[i:]
	}
	return target, ""
}
