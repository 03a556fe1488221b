package doctor

import (
	"errors"
	"net/http"
	"slices"
	"strings"

	"github.com/caddy-dingtalk/caddy-dingtalk/signer"
)

// Belief is a forwarding header of a request, and whether it was believed.
type Belief struct {
	Name     string `json:"name"`
	Value    string `json:"value"`
	Believed bool   `json:"believed"`
	Status   Status `json:"status"` // ok: it decides, or agrees; open: it does not count; error: it is malformed
	Why      Text   `json:"why"`
}

var saysNames = map[signer.Part]Text{
	signer.SchemePart: say("the scheme", "协议"),
	signer.HostPart:   say("the host", "主机"),
	signer.PortPart:   say("the port", "端口"),
	signer.PathPart:   say("the path and query", "路径和查询参数"),
	signer.OriginPart: say("scheme and host", "协议和主机"),
}

// neverRead says why the headers are never read that signer does not read: what
// they tell stands elsewhere.
var neverRead = map[signer.Part]Text{
	signer.SchemePart: {EN: "never read: the header for the scheme is X-Forwarded-Proto", ZH: "从不读取：表示协议的头是 X-Forwarded-Proto"},
	signer.HostPart:   {EN: "never read: the header for the host is X-Forwarded-Host", ZH: "从不读取：表示主机的头是 X-Forwarded-Host"},
	signer.PortPart:   {EN: "never read: it is the port of the client or of a listener", ZH: "从不读取：那是客户端或监听的端口"},
	signer.Nothing:    {EN: "says who is there, nothing of the URL", ZH: "说的是访问者是谁，与网址无关"},
}

func readable(h signer.Header) bool { return h.Read }

// NeverRead says why a forwarding header is never read; it is empty if it can be.
func NeverRead(name string) Text {
	if h, _ := signer.HeaderNamed(name); !h.Read {
		return neverRead[h.Says]
	}
	return Text{}
}

// sent are the headers of some kind that the request has.
func (r Request) sent(kind func(signer.Header) bool) (out []signer.Header) {
	for _, h := range signer.Headers {
		if kind(h) && len(r.Header[h.Key()]) > 0 {
			out = append(out, h)
		}
	}
	return out
}

// Beliefs says of each forwarding header of a request whether it was believed, and
// why. What counts is found by trying: a header decides something if the URL is
// another one without it.
func Beliefs(r Request, s Settings) (out []Belief) {
	all := signer.Headers
	for _, name := range s.Forwarded { // headers of the site's own
		if !slices.ContainsFunc(all, func(h signer.Header) bool { return h.Key() == http.CanonicalHeaderKey(name) }) {
			all = append(slices.Clip(all), signer.Header{Name: name, Says: signer.PathPart, Read: true})
		}
	}
	for _, h := range all {
		if values := r.Header[h.Key()]; len(values) > 0 {
			b := r.belief(h, s)
			b.Name, b.Value = h.Name, shorten(strings.Join(values, ", "))
			out = append(out, b)
		}
	}
	return out
}

func (r Request) belief(h signer.Header, s Settings) Belief {
	switch {
	case !readable(h):
		return ignored(neverRead[h.Says])
	case r.Early:
		return ignored(say("not believed: the request came as TLS early data (0-RTT), where nobody has proven the peer's address",
			"不相信：请求是 TLS early data（0-RTT），对端地址还没有得到证实"))
	case !r.Trusted:
		return ignored(say("not believed: %s, who sent it, is not in trusted_proxies", "不相信：发来它的 %s 不在 trusted_proxies 里", r.Peer))
	case !named(h, s.Forwarded):
		return ignored(say("not believed: the line forwarded does not name it", "不相信：forwarded 没有写它"))
	case r.malformed(h, s):
		return Belief{Believed: true, Status: Error, Why: say("it must have exactly one well-formed value: the page is not signed",
			"必须恰好有一个格式正确的值：页面因此不签名")}
	}
	return Belief{Believed: true, Status: OK, Why: r.effect(h, s)}
}

func ignored(why Text) Belief { return Belief{Status: Open, Why: why} }

// named reports whether a header is believed of trusted proxies.
func named(h signer.Header, forwarded []string) bool {
	return h.Name == "X-Forwarded-Proto" || h.Name == "X-Forwarded-Host" ||
		slices.ContainsFunc(forwarded, func(name string) bool { return http.CanonicalHeaderKey(name) == h.Key() })
}

// malformed reports whether a believed header keeps the URL from being rebuilt.
func (r Request) malformed(h signer.Header, s Settings) bool {
	_, err := r.page(signer.NewRules(nil, s.Forwarded), http.Header{h.Key(): r.Header[h.Key()]})
	var e *signer.Error
	return errors.As(err, &e) && e.Reason == signer.BadHeader && e.Subject == h.Key()
}

// effect says what comes of a header that is believed.
func (r Request) effect(h signer.Header, s Settings) Text {
	without := r.Header.Clone()
	delete(without, h.Key())
	rules := signer.NewRules(s.Public, s.Forwarded)
	what := saysNames[h.Says]
	switch {
	case r.urlWith(rules, r.Header) != r.urlWith(rules, without):
		return say("believed: it gives %[1]s", "相信：由它得到%[2]s", what.EN, what.ZH)
	case len(s.Public) == 1 && h.Says != signer.PathPart:
		return say("believed, but public_origin already says %[1]s", "相信，但 public_origin 已经给出了%[2]s", what.EN, what.ZH)
	}
	rules = signer.NewRules(nil, s.Forwarded)
	if r.urlWith(rules, http.Header{h.Key(): r.Header[h.Key()]}) == r.urlWith(rules, http.Header{}) {
		return say("believed: it says the same as the connection", "相信：与连接本身一致")
	}
	return say("believed, but another header that counts before it says %[1]s", "相信，但排在它前面的另一个头已经给出了%[2]s", what.EN, what.ZH)
}

func (r Request) urlWith(rules *signer.Rules, headers http.Header) string {
	page, err := r.page(rules, headers)
	if err != nil {
		return ""
	}
	return page.URL()
}

// shorten cuts what nobody would read, at a whole character.
func shorten(value string) string {
	const limit = 400
	if len(value) <= limit {
		return value
	}
	return strings.ToValidUTF8(value[:limit], "") + "…"
}
