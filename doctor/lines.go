package doctor

import (
	"net/netip"
	"slices"
	"strings"
)

// Line is what to add to a configuration.
type Line struct {
	Where string `json:"where"` // caddy, nginx, ingress-nginx
	Text  string `json:"text"`
	Note  Text   `json:"note"` // where in it
}

// linesOf are the lines of all findings, each once.
func linesOf(findings []Finding) (all []Line) {
	for _, f := range findings {
		for _, l := range f.lines {
			if !slices.Contains(all, l) {
				all = append(all, l)
			}
		}
	}
	return all
}

// inDirective are lines of the dingtalk directive.
func inDirective(lines ...string) Line {
	return Line{
		Where: "caddy", Text: "dingtalk {\n\t" + strings.Join(lines, "\n\t") + "\n}",
		Note: say("in the dingtalk directive, beside what stands there", "写进 dingtalk 指令里，已有的保留"),
	}
}

// TrustedProxies are Caddy's global options that trust proxies at these addresses:
// private_ranges, or CIDR ranges.
func TrustedProxies(ranges string) string {
	return "{\n\tservers {\n\t\t" + trustOption(ranges) + "\n\t}\n}"
}

func trustOption(ranges string) string {
	if ranges == unixPeer {
		return "trusted_proxies_unix"
	}
	return "trusted_proxies static " + ranges
}

// trust are the lines that trust the proxies at an address.
func trust(ranges string) Line {
	return Line{
		Where: "caddy", Text: TrustedProxies(ranges),
		Note: say("global options at the top of the Caddyfile; where trusted_proxies stands already, add the address to it",
			"Caddyfile 最上面的全局选项；已经有 trusted_proxies 时，把地址补进去"),
	}
}

// unixPeer is how Go calls who is connected to a Unix socket.
const unixPeer = "@"

// rangesOf are what trusted_proxies must name so that a peer is trusted.
func rangesOf(peer string) string {
	switch {
	case peer == unixPeer:
		return unixPeer
	case public(peer):
		return peer
	}
	return "private_ranges"
}

// public reports whether anybody may have that address.
func public(peer string) bool {
	addr, err := netip.ParseAddr(peer)
	return err == nil && !addr.IsPrivate() && !addr.IsLoopback()
}

func nginx(lines ...string) Line {
	return Line{
		Where: "nginx", Text: strings.Join(lines, "\n"),
		Note: say("in the location that leads to Caddy", "写进转发到 Caddy 的那个 location"),
	}
}

func ingress(lines ...string) Line {
	return Line{
		Where: "ingress-nginx", Text: "data:\n  " + strings.Join(lines, "\n  "),
		Note: say("in the ConfigMap ingress-nginx-controller", "写进 ConfigMap ingress-nginx-controller"),
	}
}
