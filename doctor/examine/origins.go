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

// originCheck is about who says for which hosts pages are signed. TLS and trusted
// proxies say which of our hosts a request is for; neither makes a host ours.
func originCheck(p place, c *config.Config) Check {
	const name = "origins"
	named, any := named(p, c)
	hosts := strings.Join(named, ", ")
	remote := slices.IndexFunc(named, func(host string) bool { return !local(host) })
	switch {
	case len(c.PublicOrigin) > 0:
		return good(name, "pages are signed for public_origin "+strings.Join(c.PublicOrigin, " "))
	case any && (p.trusted || p.tls):
		return good(name, "public_host * leaves it to others which hosts are ours: trusted proxies, and who admits certificates that are issued on demand")
	case any && len(named) == 0:
		return warn(name, "public_host * believes trusted proxies and certificates, but no proxy is trusted and no TLS ends here: pages pass unsigned", originAdvice(exampleHost, true))
	case len(named) > 0 && p.tls:
		return good(name, "pages are signed for "+hosts)
	case len(named) > 0 && p.trusted:
		return good(name, "pages are signed for "+hosts+", with the scheme that trusted proxies send")
	case remote >= 0:
		return warn(name, "no TLS ends here and no proxy is trusted: pages are signed for http://"+named[remote]+", and 52013 follows if browsers show https://",
			originAdvice(named[remote], true))
	case len(named) > 0:
		return good(name, "pages are signed for "+hosts)
	case p.tls && p.certificates:
		return good(name, "the site names no host: pages are signed for the names that the configuration has certificates for, but not for those issued on demand")
	case p.tls:
		return warn(name, "TLS ends here, but nothing names a host, and the name in a TLS handshake is whatever a client sends: pages pass unsigned", nameAdvice)
	case p.trusted:
		return warn(name, "the server trusts proxies, but nothing names a host, and proxies pass on what clients send: pages pass unsigned", nameAdvice)
	}
	return warn(name, "the site names no host, ends no TLS and trusts no proxy: pages pass unsigned, except under localhost and private addresses",
		originAdvice(exampleHost, false))
}

// named are the hosts that the site's address or public_host names, and whether a
// lone * is among the latter.
func named(p place, c *config.Config) (hosts []string, any bool) {
	hosts = slices.Clone(p.hosts)
	for _, host := range c.PublicHost {
		if host == config.AnyHost {
			any = true
		} else if !slices.Contains(hosts, host) {
			hosts = append(hosts, host)
		}
	}
	return hosts, any
}

// exampleHost is the host of lines to add where none is known.
const exampleHost = "h5.example.com"

const nameAdvice = "Add the host that browsers show to the dingtalk directive:\n" +
	"\tpublic_host " + exampleHost + "\n" +
	"or, if it is always the same origin:\n" +
	"\tpublic_origin https://" + exampleHost

// originAdvice tells of both ways to know what browsers show. A host that nothing
// names must be named in the second way, too.
func originAdvice(host string, named bool) string {
	if strings.Contains(host, "*") || strings.Contains(host, "{") {
		host = exampleHost
	}
	advice := "Add what browsers show to the dingtalk directive:\n" +
		"\tpublic_origin https://" + host + "\n" +
		"or, if a proxy (nginx, SLB) in front sends Host and X-Forwarded-Proto, "
	if !named {
		advice += "name the host there:\n\tpublic_host " + host + "\nand "
	}
	return advice + "trust it, at the top of the Caddyfile:\n" + trustLines
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
