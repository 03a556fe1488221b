package doctor

import (
	"net/http"
	"slices"
	"strings"

	"github.com/caddy-dingtalk/caddy-dingtalk/signer"
)

// A part of the URL that is wrong stands in the request itself, or in a header that counts
// before it: then what the request says does not matter, and the header is to go.

// tells are the parts of the URL that a header may tell.
var tells = map[signer.Part][]string{
	signer.SchemePart: {"scheme"},
	signer.HostPart:   {"host", "port"},
	signer.PortPart:   {"port"},
	signer.OriginPart: {"scheme", "host", "port"},
	signer.PathPart:   {"path", "query"},
}

// culprit returns the header of a trusted proxy that one of these parts of the rebuilt URL
// comes from and that had better not be there, and whether there is one. X-Forwarded-Proto
// never is: nothing else tells the scheme (see schemeCure). A path is better told wrongly
// than not at all, unless it is right without the header.
func (f Facts) culprit(parts []string) (h signer.Header, is bool) {
	for _, name := range append(slices.Clip(f.Settings.Forwarded), "X-Forwarded-Host") {
		h, _ = signer.HeaderNamed(name)
		for _, part := range tells[h.Says] {
			if !slices.Contains(parts, part) || !f.comesFrom(h, part) {
				continue
			}
			if ofOrigin(part) || f.same() && !slices.ContainsFunc(f.without(h).left(parts), ofTarget) {
				return h, true
			}
		}
	}
	return signer.Header{}, false
}

// comesFrom reports whether a part of the rebuilt URL comes from a header: it is another
// without the header, or the same for any other request that has the header.
func (f Facts) comesFrom(h signer.Header, part string) bool {
	header := f.Request.believed(false)
	if len(header[h.Key()]) == 0 || len(f.Settings.Public) == 1 && ofOrigin(part) {
		return false
	}
	rules, unbound := signer.NewRules(f.Settings.Public, f.Settings.Forwarded), signer.NewRules(nil, f.Settings.Forwarded)
	without, alone := header.Clone(), http.Header{h.Key(): header[h.Key()]}
	delete(without, h.Key())
	here, there := f.Request, f.Request
	here.Request = signer.Request{Host: "here.invalid:1", Target: "/h?h"}
	there.Request = signer.Request{Host: "there.invalid:2", Target: "/t?t", TLS: true}
	return slices.Contains(Compare(f.Request.urlWith(rules, header), f.Request.urlWith(rules, without)).Parts, part) ||
		!slices.Contains(Compare(here.urlWith(unbound, alone), there.urlWith(unbound, alone)).Parts, part)
}

// without are the facts as they would be if no proxy sent the header, and no line named it.
func (f Facts) without(h signer.Header) Facts {
	f.Request.Header = f.Request.Header.Clone()
	delete(f.Request.Header, h.Key())
	f.Settings.Forwarded = slices.DeleteFunc(slices.Clone(f.Settings.Forwarded), func(name string) bool {
		return http.CanonicalHeaderKey(name) == h.Key()
	})
	return f
}

// same tells whether the request is the one for the page, and not another of the page's.
func (f Facts) same() bool { return f.Request.Asked == f.Page.URL }

// left are those parts that differ now, as far as the request shows: another one than that
// for the page shows its origin only.
func (f Facts) left(parts []string) []string {
	if f.Request.Asked == "" {
		return parts
	}
	now := Compare(f.Request.Asked, f.Request.rebuilt(f.Settings, change{})).Parts
	if f.same() {
		return now
	}
	return append(without(now, ofTarget), without(parts, ofOrigin)...)
}

// HostHeader returns the header of a trusted proxy that the host of the rebuilt URL comes
// from, `Name: value`; "" where that is the Host.
func HostHeader(r Request, s Settings) string {
	for _, name := range append(slices.Clip(s.Forwarded), "X-Forwarded-Host") {
		if h, _ := signer.HeaderNamed(name); (Facts{Request: r, Settings: s}).comesFrom(h, "host") {
			return r.sentAs(h)
		}
	}
	return ""
}

// sentAs is a header as it was sent.
func (r Request) sentAs(h signer.Header) string {
	return h.Name + ": " + shorten(strings.Join(r.Header[h.Key()], ", "))
}

// leftOut is the cure for a header that had better not be there.
func (f Facts) leftOut(h signer.Header) partCure {
	sent := f.Request.sentAs(h)
	if h.Key() != "X-Forwarded-Host" {
		return partCure{text: say("the proxy at %[1]s sends %[2]s, which the line forwarded of the dingtalk directive lets be believed: take %[3]s out of that line",
			"%[1]s 上的代理发来 %[2]s，而 dingtalk 指令的 forwarded 让它被采信：请把 %[3]s 从这一行里去掉", f.Request.Peer, sent, h.Name)}
	}
	return partCure{
		text: say("the proxy at %[1]s sends %[2]s, its own or what a client has sent, and that counts before the Host: let it send none (nginx: %[3]s)",
			"%[1]s 上的代理发来 %[2]s（它自己的值，或客户端带来的），而且优先于 Host：请让它不再发送（nginx：%[3]s）", f.Request.Peer, sent, noHost),
		nginx: []string{noHost},
	}
}
