package doctor

import (
	"net/http"
	"slices"

	"github.com/caddy-dingtalk/caddy-dingtalk/signer"
)

// mismatch is the finding about a page whose browser shows another URL than the
// one that was signed.
func (f Facts) mismatch() Finding {
	d := Compare(f.Page.URL, f.Page.Signed)
	if len(d.Parts) == 0 {
		return Finding{
			Name: "strange_url", Status: Warning,
			Text: say("a page reports another URL than the one that was signed, in a way that no setting cures",
				"页面报告的网址与签名的不同，但没有哪个设置能解决"),
		}
	}
	cures, lines := f.cures(d)
	finding := Finding{
		Name: "url_mismatch", Status: Error, Cures: cures, lines: lines,
		Text: prefixed("the browser shows another URL than the one that was signed: ", "浏览器显示的网址与签名的不同：", join(d.words(), "; ", "；")),
	}
	if f.Page.Outcome == Ready {
		finding.Status = Warning
		finding.Text = prefixed("it works, for the page has asked for another signature; ", "页面重新要了签名，dd.config 才成功；", finding.Text)
	}
	return finding
}

func prefixed(en, zh string, t Text) Text { return Text{EN: en + t.EN, ZH: zh + t.ZH} }

// words say what differs.
func (d Difference) words() (out []Text) {
	a, b := d.shown, d.signed
	for _, part := range d.Parts {
		switch part {
		case "scheme":
			out = append(out, say("the scheme is %s, not %s", "协议是 %s，不是 %s", a.Origin.Scheme, b.Origin.Scheme))
		case "host":
			out = append(out, say("the host is %s, not %s", "主机是 %s，不是 %s", a.Origin.Host, b.Origin.Host))
		case "port":
			out = append(out, say("the port is %s, not %s", "端口是%s，不是%s", portOf(a.Origin.String()), portOf(b.Origin.String())))
		case "path":
			out = append(out, say("the path differs", "路径不同"))
		case "query":
			out = append(out, say("the query differs", "查询参数不同"))
		}
	}
	return out
}

// cures say what makes the two URLs equal. What can be tried with the request at
// hand is tried: it names the first setting by which that is rebuilt as the
// browser asked for it.
func (f Facts) cures(d Difference) ([]Text, []Line) {
	if f.Page.Foreign && d.origin() {
		texts, lines := f.atTheProxy(d.Parts, "")
		return append(texts, say("name its host in public_host too, or else the origin in public_origin, if it is yours", "并把主机名写进 public_host，或者只把来源写进 public_origin（如果它确实是你的）")), lines
	}
	if f.wrongPublicOrigin(d) {
		return []Text{say("the line public_origin says %s: %s", "public_origin 写的是 %s：%s", d.signed.Origin.String(), d.otherOrigin())},
			[]Line{inDirective("public_origin " + d.shown.Origin.String())}
	}
	r, same := f.Request, f.same()
	instead := ""
	if d.origin() && r.originOf(f.Settings.with(d.shown.Origin)) == d.shown.Origin {
		instead = publicOrigin(f.Settings, d.shown.Origin.String())
	}
	switch c, found := r.change(f.Settings, same); {
	case found:
		left := d.Parts
		if !c.public {
			left, instead = without(left, ofOrigin), ""
		}
		if same { // else the request is another one than that for the page: it proves the origin only
			left = without(left, ofTarget)
		}
		texts, lines := c.cures(r, f.Settings)
		rest, more := f.atTheProxy(left, instead)
		return append(texts, rest...), append(lines, more...)
	case r.right(f.Settings) && (same || d.origin()):
		return []Text{say("this request is rebuilt rightly, so the page came from TLS early data, from a cache, or from a server with another configuration: reload it",
			"这一次请求还原正确，说明页面来自 TLS early data（0-RTT）、缓存，或配置不同的另一台服务器：请刷新")}, nil
	}
	texts, lines := f.atTheProxy(d.Parts, instead)
	if f.Remote && d.origin() {
		texts[len(texts)-1] = say("or write public_origin %[1]s into the dingtalk directive: in the place of public_origin %[2]s, if that stands there (a single one counts whatever proxies send), or beside it where users see both",
			"或者在 dingtalk 指令里写 public_origin %[1]s：那里已有 public_origin %[2]s 时（只写一个就以它为准，不管代理发来什么），改成它；两个地址用户都会看到时，两个都写", d.shown.Origin.String(), d.signed.Origin.String())
	}
	return texts, lines
}

func ofOrigin(part string) bool { return !ofTarget(part) }

func ofTarget(part string) bool { return part == "path" || part == "query" }

func without(parts []string, kind func(string) bool) []string {
	return slices.DeleteFunc(slices.Clone(parts), kind)
}

// origin reports whether the origins differ.
func (d Difference) origin() bool { return d.shown.Origin != d.signed.Origin }

// wrongPublicOrigin: a single public_origin counts whatever the request says.
func (f Facts) wrongPublicOrigin(d Difference) bool {
	return d.origin() && len(f.Settings.Public) == 1 && d.signed.Origin == f.Settings.Public[0]
}

// otherOrigin says what to write into public_origin in place of the origin that was signed,
// or beside it where users see both: then it is the request that tells which one it is.
func (d Difference) otherOrigin() Text {
	which, line := say("the Host", " Host "), passHost
	switch {
	case d.shown.Origin.Host != d.signed.Origin.Host:
	case d.shown.Origin.Port != d.signed.Origin.Port:
		which = say("the port", "端口")
	default:
		which, line = say("the scheme", "协议"), ownScheme
	}
	return say("change it to %[1]s; where users see both, to public_origin %[1]s %[2]s, and let the proxy pass %[3]s on (nginx: %[4]s)",
		"请改成 %[1]s；两个地址用户都会看到时，改成 public_origin %[1]s %[2]s，并让代理把%[3]s传过来（nginx：%[4]s）",
		d.shown.Origin.String(), d.signed.Origin.String(), which, line)
}

// change is a change of the settings that is tried out.
type change struct {
	trust  bool   // the peer becomes a trusted proxy
	name   string // a header that is named in `forwarded`
	public bool   // the origin is made known by public_origin, or by the proxy
	host   string // a host that must be named as ours, too, "" if it is
}

// with are the settings with one more public origin.
func (s Settings) with(o signer.Origin) Settings {
	s.Public = append(slices.Clip(s.Public), o)
	return s
}

// originOf returns the origin of the request under some settings, the zero one if
// there is none.
func (r Request) originOf(s Settings) signer.Origin {
	req := r.Request
	req.Forwarded = r.believed(false)
	o, _, _ := signer.NewRules(s.Public, s.Forwarded).Origin(req)
	return o
}

// rebuilt returns the URL of a request with changed settings, "" if there is none.
func (r Request) rebuilt(s Settings, c change) string {
	names := s.Forwarded
	if c.name != "" {
		names = append(slices.Clip(names), c.name)
	}
	public := s.Public
	if asked, err := signer.ParseURL(r.Asked); err == nil && c.public {
		public = []signer.Origin{asked.Origin}
	}
	page, err := r.page(signer.NewRules(public, names), r.believed(c.trust))
	if err != nil {
		return ""
	}
	return page.URL()
}

// page rebuilds the place of the request as if it had these forwarding headers.
func (r Request) page(rules *signer.Rules, headers http.Header) (signer.Page, error) {
	req := r.Request
	req.Forwarded = headers
	return rules.Page(req)
}

// believed are the headers that may be believed, nil if the peer is not trusted.
func (r Request) believed(trust bool) http.Header {
	if r.Early || !r.Trusted && !trust {
		return nil
	}
	return r.Header
}

// right reports whether the request is rebuilt as the browser asked for it.
func (r Request) right(s Settings) bool {
	return r.Asked != "" && r.rebuilt(s, change{}) == r.Asked
}

// change finds the first change by which the request is rebuilt as the browser
// asked for it. There is none if it is already. A stranger who sends reports must
// not be advised as a proxy: a public address counts only if anybody is asking.
func (r Request) change(s Settings, anybody bool) (c change, found bool) {
	if r.Asked == "" || r.right(s) || !r.Trusted && !anybody && public(r.Peer) {
		return c, false
	}
	tries := []change{{trust: !r.Trusted}}
	for _, known := range []bool{false, true} {
		if known && r.rebuilt(s, change{public: true}) == r.Asked {
			break // then no header is needed
		}
		for _, h := range r.sent(readable) {
			tries = append(tries, change{trust: !r.Trusted, name: h.Name, public: known})
		}
	}
	for _, c := range tries {
		if r.rebuilt(s, c) == r.Asked {
			if page, err := signer.ParseURL(r.Asked); err == nil && !c.public && r.unnamed(s, true) {
				c.host = page.Origin.Host
			}
			return c, true
		}
	}
	return change{}, false
}

// cures word a change.
func (c change) cures(r Request, s Settings) (texts []Text, lines []Line) {
	if c.trust {
		option := trustOption(rangesOf(r.Peer))
		texts = append(texts, say("%s sends what is needed, but is not trusted: if it is your proxy, add %s to Caddy's global options (servers)",
			"%s 已经发来了需要的头，但还不受信任：如果它是你的代理，请在 Caddy 全局选项的 servers 里加上 %s", r.Peer, option))
		lines = append(lines, trust(rangesOf(r.Peer)))
	}
	if c.name != "" {
		texts = append(texts, say("the header %s holds what is needed, but is not named: %s", "头 %s 里有需要的值，但没有写明要相信它：请%s", c.name, s.believe(c.name)))
		lines = append(lines, inDirective(forwarded(append(slices.Clip(s.Forwarded), c.name))))
	}
	if c.host != "" {
		texts = append(texts, nameHost(s, c.host))
		lines = append(lines, inDirective(publicHost(s, c.host)))
	}
	return texts, lines
}

// nameHost says that a host must be named, for else the next page is not signed at
// all: a trusted proxy does not vouch for what it passes on.
func nameHost(s Settings, host string) Text {
	return say("say that %s is yours: %s", "说明 %s 是你的主机：请%s", host, put(publicHost(s, host), len(s.PublicHost) > 0))
}
