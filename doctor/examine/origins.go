package examine

import (
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
	odd := slices.IndexFunc(named, func(host string) bool { return strings.ContainsAny(host, ";；，'\"") })
	switch {
	case odd >= 0: // which Caddy takes without a word
		return bad(name, say("no browser shows the host %q", "没有浏览器会显示主机 %q", named[odd]),
			say("Write the address of the site without semicolons, commas and quotes at its end.", "站点地址里不要有分号、逗号和引号"))
	case len(c.PublicOrigin) > 0:
		return good(name, say("pages are signed for public_origin %s", "页面按 public_origin %s 签名", strings.Join(c.PublicOrigin, " ")))
	case any && (p.trusted || p.tls):
		return good(name, say("public_host * leaves it to others which hosts are ours: trusted proxies, and who admits certificates that are issued on demand",
			"public_host * 把“哪些域名是我们的”交给别人判断：受信任的代理，以及决定按需签发证书的一方"))
	case any && len(named) == 0:
		return warn(name, say("public_host * believes trusted proxies and certificates, but no proxy is trusted and no TLS ends here: pages pass unsigned",
			"public_host * 相信受信任的代理和证书，但这里既没有信任任何代理，也没有终结 TLS：页面不签名"), originAdvice(exampleHost, true))
	case len(named) > 0 && p.tls:
		return good(name, say("pages are signed for %s", "页面按 %s 签名", hosts))
	case len(named) > 0 && p.trusted:
		return good(name, say("pages are signed for %s, with the scheme that trusted proxies send", "页面按 %s 签名，协议由受信任的代理告知", hosts))
	case remote >= 0:
		return warn(name, say("no TLS ends here and no proxy is trusted: pages are signed for http://%s, and 52013 follows if browsers show https://",
			"这里没有终结 TLS，也没有信任任何代理：页面按 http://%s 签名，浏览器显示 https:// 的话就会报 52013", named[remote]),
			originAdvice(named[remote], true))
	case len(named) > 0:
		return good(name, say("pages are signed for %s", "页面按 %s 签名", hosts))
	case p.tls && p.certificates:
		return good(name, say("the site names no host: pages are signed for the names that the configuration has certificates for, but not for those issued on demand",
			"站点没有写域名：页面按配置里有证书的域名签名，按需签发的除外"))
	case p.tls:
		return warn(name, say("TLS ends here, but nothing names a host, and the name in a TLS handshake is whatever a client sends: pages pass unsigned",
			"这里终结 TLS，但没有写域名，而 TLS 握手里的域名由客户端随意填写：页面不签名"), nameAdvice)
	case p.trusted:
		return warn(name, say("the server trusts proxies, but nothing names a host, and proxies pass on what clients send: pages pass unsigned",
			"信任了代理，但没有写域名，而代理会转发客户端随意填写的域名：页面不签名"), nameAdvice)
	}
	return warn(name, say("the site names no host, ends no TLS and trusts no proxy: pages pass unsigned, except under localhost and private addresses",
		"站点没有写域名，没有终结 TLS，也没有信任任何代理：除 localhost 和内网地址外，页面不签名"),
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

var nameAdvice = say("Add the host that browsers show to the dingtalk directive:\n\tpublic_host %[1]s\nor, if it is always the same origin:\n\tpublic_origin https://%[1]s",
	"请把浏览器显示的域名写进 dingtalk 指令：\n\tpublic_host %[1]s\n始终是同一个来源的，也可以写：\n\tpublic_origin https://%[1]s", exampleHost)

// originAdvice tells of both ways to know what browsers show. A host that nothing
// names must be named in the second way, too.
func originAdvice(host string, named bool) doctor.Text {
	if strings.Contains(host, "*") || strings.Contains(host, "{") {
		host = exampleHost
	}
	var name doctor.Text
	if !named {
		name = say("name the host there:\n\tpublic_host %s\nand ", "写上域名：\n\tpublic_host %s\n并", host)
	}
	return say("Add what browsers show to the dingtalk directive:\n\tpublic_origin https://%s\n"+
		"or, if a proxy (nginx, SLB) in front sends Host and X-Forwarded-Proto, %strust it, at the top of the Caddyfile:\n%s",
		"请把浏览器显示的来源写进 dingtalk 指令：\n\tpublic_origin https://%s\n"+
			"前面的代理（nginx、SLB）会发送 Host 和 X-Forwarded-Proto 的，也可以%s在 Caddyfile 顶部信任它：\n%s", host, name, trustLines)
}

// forwardedCheck is about headers that are believed of trusted proxies only.
func forwardedCheck(p place, c *config.Config) Check {
	const name = "forwarded"
	headers := strings.Join(c.Forwarded, ", ")
	if p.trusted {
		return good(name, say("%s of trusted proxies is believed", "相信受信任的代理发来的 %s", headers))
	}
	return warn(name, say("%s is never believed: the server %s trusts no proxy", "%s 永远不会被相信：server %s 没有信任任何代理", headers, p.server),
		say("Say which proxy is in front, at the top of the Caddyfile (private_ranges, or its addresses):\n%s", "请在 Caddyfile 顶部写明前面是哪个代理（private_ranges 或它的地址）：\n%s", trustLines))
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
