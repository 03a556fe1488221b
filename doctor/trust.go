package doctor

import (
	"slices"
	"strings"

	"github.com/caddy-dingtalk/caddy-dingtalk/signer"
)

// trustCure says that a peer sends what is needed but is not trusted, and all that
// is missing until its word makes a page that is signed.
func trustCure(told *signer.Ignored) Text {
	headers, host, peer := strings.Join(told.Headers, ", "), told.Origin.Host, say(told.Peer, told.Peer)
	if told.Peer == unixPeer {
		peer = say("the Unix socket", "Unix 套接字")
	}
	option := trustOption(rangesOf(told.Peer))
	text := Text{
		EN: peer.EN + " sends " + headers + " but is not trusted: if it is your proxy, add " + option + " to Caddy's global options (servers)",
		ZH: peer.ZH + " 发来了 " + headers + "，但不受信任：如果它是你的代理，请在 Caddy 全局选项的 servers 里加上 " + option,
	}
	if public(told.Peer) { // anybody may have sent it: no line to paste
		text = say("%s sends %s but is not trusted: if it is your proxy, name it in trusted_proxies, in Caddy's global options (servers)",
			"%s 发来了 %s，但不受信任：如果它是你的代理，请把它写进 Caddy 全局选项 servers 的 trusted_proxies", told.Peer, headers)
	}
	if told.Vouched {
		return text
	}
	more := say(", and, if %[1]s is this site, name it in public_host, in the dingtalk directive; to name %[2]s in public_origin does both",
		"；如果 %[1]s 是本站，还要把它写进 dingtalk 指令的 public_host；或者只把 %[2]s 写进 public_origin 即可", host, told.Origin.String())
	return Text{EN: text.EN + more.EN, ZH: text.ZH + more.ZH}
}

// trustLines are the lines of that advice.
func trustLines(told *signer.Ignored, s Settings) []Line {
	lines := []Line{trust(rangesOf(told.Peer))}
	if !told.Vouched {
		lines = append(lines, inDirective(publicHost(s, told.Origin.Host)))
	}
	return lines
}

// publicHost is the line that names one more host.
func publicHost(s Settings, host string) string {
	return "public_host " + strings.Join(append(slices.Clip(s.PublicHost), host), " ")
}

// publicOrigin is the line that names one more origin.
func publicOrigin(s Settings, origin string) string {
	line := "public_origin " + origin
	for _, o := range s.Public {
		if o.String() != origin {
			line += " " + o.String()
		}
	}
	return line
}

// anyHost is the public_host that leaves it to trusted proxies which hosts are ours.
const anyHost = "*"

// unnamed reports whether the page that the browser has asked for would not be signed
// even if it were rebuilt rightly, because nobody says that its host is ours.
func (r Request) unnamed(s Settings, trusted bool) bool {
	return len(s.Public) == 0 && !r.Vouched && !(trusted && slices.Contains(s.PublicHost, anyHost))
}
