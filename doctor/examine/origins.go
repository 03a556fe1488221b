package examine

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/caddy-dingtalk/caddy-dingtalk/config"
	"github.com/caddy-dingtalk/caddy-dingtalk/doctor"
)

// trustLines are what the Caddyfile needs above all sites.
var trustLines = doctor.TrustedProxies("private_ranges")

// origins checks for which origins pages are signed, and whether anybody may be
// believed who says which one a request is for.
func origins(p place, c *config.Config) []Check {
	checks := []Check{originCheck(p, c)}
	if len(c.Forwarded) > 0 {
		checks = append(checks, forwardedCheck(p, c))
	}
	return checks
}

func originCheck(p place, c *config.Config) Check {
	const name = "origins"
	hosts := strings.Join(p.hosts, ", ")
	remote := slices.IndexFunc(p.hosts, func(host string) bool { return !local(host) })
	switch {
	case len(c.PublicOrigin) > 0:
		return good(name, "pages are signed for public_origin "+strings.Join(c.PublicOrigin, " "))
	case len(p.hosts) > 0 && p.tls:
		return good(name, "pages are signed for the hosts of the site's address: "+hosts)
	case len(p.hosts) > 0 && p.trusted:
		return good(name, "pages are signed for the hosts of the site's address, "+hosts+", and for what trusted proxies say")
	case p.tls:
		return good(name, "the site names no host: pages are signed for the name in the TLS handshake")
	case p.trusted:
		return good(name, "the site names no host: pages are signed for the host that trusted proxies pass on")
	case len(p.hosts) == 0:
		return warn(name, "the site names no host, ends no TLS and trusts no proxy: pages pass unsigned, except under localhost and private addresses",
			originAdvice("h5.example.com"))
	case remote >= 0:
		return warn(name, "no TLS ends here and no proxy is trusted: pages are signed for http://"+p.hosts[remote]+", and 52013 follows if browsers show https://",
			originAdvice(p.hosts[remote]))
	}
	return good(name, "pages are signed for the hosts of the site's address: "+hosts)
}

func originAdvice(host string) string {
	if strings.Contains(host, "*") || strings.Contains(host, "{") {
		host = "h5.example.com"
	}
	return "Add what browsers show to the dingtalk directive:\n" +
		"\tpublic_origin https://" + host + "\n" +
		"or, if a proxy (nginx, SLB) in front sends Host and X-Forwarded-Proto, trust it, at the top of the Caddyfile:\n" + trustLines
}

// forwardedCheck is about headers that are believed of trusted proxies only.
func forwardedCheck(p place, c *config.Config) Check {
	const name = "forwarded"
	headers := strings.Join(c.Forwarded, ", ")
	if p.trusted {
		return good(name, headers+" of trusted proxies is believed")
	}
	return warn(name, fmt.Sprintf("%s is never believed: the server %s trusts no proxy", headers, p.server),
		"Say which proxy is in front, at the top of the Caddyfile (private_ranges, or its addresses):\n"+trustLines)
}

// local reports whether a host is this machine or in a private network, where
// plain HTTP is usual.
func local(host string) bool {
	host = strings.ToLower(host)
	if host == "localhost" || strings.HasSuffix(host, ".localhost") {
		return true
	}
	ip, err := netip.ParseAddr(strings.Trim(host, "[]"))
	return err == nil && (ip.IsLoopback() || ip.IsPrivate() || ip.IsLinkLocalUnicast())
}
