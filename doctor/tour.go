package doctor

import (
	"cmp"
	"net/http"
	"strings"

	"github.com/caddy-dingtalk/caddy-dingtalk/signer"
)

// Tour is what a page and the endpoints look like from outside, through all proxies.
type Tour struct {
	Shown       string // the URL that a browser would show, without fragment
	Err         error  // why there is no answer
	Loops       bool   // it is one redirect after the other
	Certificate error  // why browsers refuse the certificate, nil if they do not
	Status      int
	Header      http.Header
	Unread      bool // the body is in a coding that cannot be read here

	Sidecar *Sidecar // what stands in the page, nil if nothing does
	SignIn  *Gate    // the page is our sign-in page, nil if it is not

	Endpoint  Answered            // what config has answered for the URL
	Elsewhere map[string]Answered // the same below other paths of the site, by the endpoint that they would be
	Scripts   []Script            // those that the page loads, or may load
}

// Sidecar is ddSidecar of a page.
type Sidecar struct {
	URL      string `json:"url"`
	Endpoint string `json:"endpoint"`
	Version  string `json:"version"`
	Error    *struct {
		Code    string `json:"code"`
		Message string `json:"message"`
	} `json:"error"`
}

// Gate is what a sign-in page says of itself.
type Gate struct {
	Endpoint string `json:"endpoint"`
	Code     string `json:"code"` // why nobody can sign in, "" if there is no reason
}

// Answered is an answer of config.
type Answered struct {
	Status  int    // 0 if there was none
	Ours    bool   // the directive has answered
	URL     string // that was signed, "" if none was
	Code    string // of the error
	Message string // in the language that was asked for
}

// Script is a script of the endpoint, as a browser gets it.
type Script struct {
	Name   string `json:"name"`
	Status int    `json:"status"` // 0 if there was no answer
	Ours   bool   `json:"-"`      // it is what the directive has under that name
}

// Unvisited says that nobody has looked from outside at a site of that origin, zero if it is
// not known.
func Unvisited(site signer.Origin) Finding {
	address := "https://h5.example.com"
	if site != (signer.Origin{}) {
		address = site.String()
	}
	return Finding{Name: "page", Status: Open, Text: say("what browsers get through the proxies in front of Caddy", "浏览器经过 Caddy 前面的代理看到的是什么"),
		Cures: []Text{say("visit a page of the app as they do: caddy dingtalk doctor --url %s/", "请像浏览器一样访问一个应用页面：caddy dingtalk doctor --url %s/", address)}}
}

// Findings are what is right and wrong, in the order in which a page goes.
func (t Tour) Findings() []Finding {
	var out []Finding
	if t.Certificate != nil {
		out = append(out, Finding{Name: "certificate", Status: Error, Text: say("browsers refuse the certificate: %v", "浏览器不接受证书：%v", t.Certificate),
			Cures: []Text{say("give the outermost proxy a certificate for this host that the public trusts, with its whole chain", "请给最外层的代理配上公众信任的、这个域名的证书，并带上完整的证书链")}})
	}
	switch {
	case t.Err != nil:
		return append(out, t.unreached())
	case t.SignIn != nil:
		out = append(out, t.gate())
	case t.Sidecar != nil:
		out = append(out, t.signature())
	default:
		return append(out, t.untouched())
	}
	return append(append(out, t.endpoint()), t.scripts()...)
}

// At is the path of the endpoints, "" where the page does not tell it.
func (t Tour) At() string {
	switch {
	case t.SignIn != nil:
		return t.SignIn.Endpoint
	case t.Sidecar != nil:
		return t.Sidecar.Endpoint
	}
	return ""
}

func (t Tour) unreached() Finding {
	f := Finding{Name: "page", Status: Error, Text: say("the page cannot be fetched: %v", "打不开页面：%v", t.Err),
		Cures: []Text{say("check the address, its DNS, and that this machine reaches it as phones do", "请检查网址、DNS，以及本机能否像手机一样访问它")}}
	if t.Loops {
		f.Cures = []Text{say("most likely Caddy redirects from http to https what a proxy has decrypted already: let the site's address in the Caddyfile be a port, such as :8080, or begin with http://",
			"多半是代理已经终止了 TLS，Caddy 又从 http 跳转到 https：请把 Caddyfile 里的站点地址写成端口（例如 :8080），或以 http:// 开头")}
	}
	return f
}

// untouched is a page into which nothing was inserted.
func (t Tour) untouched() Finding {
	media, _, _ := strings.Cut(t.Header.Get("Content-Type"), ";")
	f := Finding{Name: "page", Status: Error}
	nothing := func(en, zh string, args ...any) Text {
		return prefixed("nothing was inserted into the page: ", "页面里什么也没有插入：", say(en, zh, args...))
	}
	switch {
	case t.Status == http.StatusUnauthorized || t.Status == http.StatusForbidden:
		f.Text = say("the page is answered with status %d, not by the sign-in of the directive: a proxy or the app asks who is there", "页面返回状态码 %d，不是指令的登录页：是代理或应用自己要求登录", t.Status)
		f.Cures = []Text{say("name a page that needs no sign-in, or open the doctor page in DingTalk: /.dingtalk/doctor, with the line doctor in the directive", "请换一个不需要登录的页面，或在钉钉里打开诊断页 /.dingtalk/doctor（指令里要有 doctor 这一行）")}
	case t.Status >= 400:
		f.Text = say("the page is answered with status %d", "页面返回状态码 %d", t.Status)
		f.Cures = []Text{say("name a page of the app that works in a browser; with 502 or 504 look whether the proxy reaches Caddy, and Caddy the app", "请换一个浏览器里能打开的页面；502、504 则检查代理能否访问 Caddy、Caddy 能否访问应用")}
	case !strings.EqualFold(strings.TrimSpace(media), "text/html") && !strings.EqualFold(strings.TrimSpace(media), "application/xhtml+xml"):
		f.Text = nothing("its Content-Type is %q, no HTML", "它的 Content-Type 是 %q，不是 HTML", t.Header.Get("Content-Type"))
		f.Cures = []Text{say("name a page of the app, or let the app send Content-Type: text/html", "请换成应用的页面，或让应用返回 Content-Type: text/html")}
	case t.Unread:
		f.Text = nothing("its Content-Encoding is %s, which is not read here, and in which the directive inserts nothing", "它的 Content-Encoding 是 %s：这里读不了，指令也不会往里插入", t.Header.Get("Content-Encoding"))
		f.Cures = []Text{say("let the app behind Caddy send gzip, zstd or no coding", "请让 Caddy 后面的应用返回 gzip、zstd 或不压缩")}
	case strings.Contains(strings.ToLower(t.Header.Get("Cache-Control")), "no-transform"):
		f.Text = nothing("it forbids that (Cache-Control: no-transform)", "它自己禁止改动（Cache-Control: no-transform）")
		f.Cures = []Text{say("let the app leave no-transform out", "请让应用去掉 no-transform")}
	case strings.HasPrefix(strings.ToLower(t.Header.Get("Content-Disposition")), "attachment"):
		f.Text = nothing("it is a download (Content-Disposition: attachment)", "它是下载文件（Content-Disposition: attachment）")
		f.Cures = []Text{say("name a page of the app, or let the app leave that header out", "请换成应用的页面，或让应用去掉这个响应头")}
	default:
		f.Text = nothing("this request has not come to the directive, or a cache in front keeps an older page (Server: %s)", "请求没有到达指令，或前面的缓存里是旧页面（Server: %s）", cmp.Or(t.Header.Get("Server"), "-"))
		f.Cures = []Text{
			say("let the proxy lead this path to Caddy, and the site in the Caddyfile have the dingtalk directive for it (a matcher may hold it back)", "请让代理把这个路径转发给 Caddy，并让 Caddyfile 里对应的站点带上 dingtalk 指令（匹配器可能把它挡在外面）"),
			say("empty the caches and CDN in front, and run this with --config, too", "清空前面的缓存和 CDN，并加上 --config 再检查一次"),
		}
	}
	return f
}

// gate is about a page that only those see who have signed in.
func (t Tour) gate() Finding {
	f := Finding{Name: "page", Status: Open}
	switch t.SignIn.Code {
	case "":
		f.Text = say("the site asks for sign-in before it shows this page, so it is not known for which URL it is signed; what is said below goes for the sign-in page",
			"这个页面要先登录，因此看不到它签的是哪个网址；下面说的是登录页")
		f.Cures = []Text{say("name a page with --url that is public in login, or open %[1]s/doctor in DingTalk, which is tried as all pages are (the line doctor in the directive switches it on)",
			"请用 --url 换一个 login 里写了 public 的页面，或在钉钉里打开 %[1]s/doctor，它和所有页面一样受检查（要在指令里写上 doctor 这一行）", t.SignIn.Endpoint)}
	case signer.CodeOriginUnknown:
		f.Status = Error
		f.Text = say("nobody can sign in, because Caddy does not know this address as one of its own (%s)", "无法登录，因为 Caddy 不知道这个网址是自己的（%s）", t.SignIn.Code)
		f.Cures = t.originCures()
	default:
		f.Status = Error
		f.Text = say("nobody can sign in at this address (%s)", "在这个网址无法登录（%s）", t.SignIn.Code)
		f.Cures = []Text{say("with several tenants name one of them behind the address: ?corpid=<corp_id>&agentid=<agent_id>; for the rest Caddy's log says why",
			"有多个企业或应用时，请在网址后面指明一个：?corpid=<corp_id>&agentid=<agent_id>；其他原因见 Caddy 的日志")}
	}
	return f
}

// signature is about the URL that was signed.
func (t Tour) signature() Finding {
	const name = "signed_url"
	switch s := t.Sidecar; {
	case s.Error != nil && s.Error.Code == signer.CodeOriginUnknown:
		return Finding{Name: name, Status: Error, Cures: t.originCures(),
			Text: say("the page is not signed, because Caddy does not know this address as one of its own (%s)", "页面没有签名，因为 Caddy 不知道这个网址是自己的（%s）", s.Error.Code)}
	case s.Error != nil:
		return Finding{Name: name, Status: Error, Text: say("the page is not signed (%s): %s", "页面没有签名（%s）：%s", s.Error.Code, Apart(s.Error.Message)),
			Cures: []Text{say("follow the message; Caddy's log says the same", "按这条消息修改；Caddy 的日志里也有")}}
	case s.URL == t.Shown:
		return Finding{Name: name, Status: OK, Text: say("the page is signed for the URL that the browser shows", "签名的网址与浏览器显示的一致")}
	}
	f := t.facts().mismatch()
	f.Name = name
	if t.Endpoint.URL == t.Shown {
		f.Status = Warning
		f.Text = prefixed("it works, for the page asks for another signature; ", "页面会重新要签名，dd.config 能成功；", f.Text)
	}
	return f
}

// originCures make the origin of the page one that Caddy knows. The first one does so
// whatever proxies send.
func (t Tour) originCures() []Text {
	page, err := signer.ParseURL(t.Shown)
	if err != nil {
		return nil
	}
	return []Text{
		say("write the line public_origin %s into the dingtalk directive, in the place of one that no user sees", "请在 dingtalk 指令里写 public_origin %s（代替那里没有用户会看到的地址）", page.Origin.String()),
		say("or, where users see several addresses, write the line public_host %[1]s, trust the proxy in Caddy's global options (servers): %[2]s, and let it send what the browser shows (nginx: %[3]s %[4]s %[5]s)",
			"用户会看到多个地址时，改为写 public_host %[1]s，在 Caddy 全局选项的 servers 里信任代理（%[2]s），并让它发送浏览器显示的值（nginx：%[3]s %[4]s %[5]s）",
			page.Origin.Host, trustOption(rangesOf("")), passHost, ownScheme, noHost),
		say("Caddy's log says what has come to it", "Caddy 的日志里有它收到的是什么"),
	}
}

// facts are what the page tells of the request that came to Caddy for it.
func (t Tour) facts() Facts {
	r := Request{Asked: t.Shown}
	if page, err := signer.ParseURL(t.Sidecar.URL); err == nil {
		r.Host, _ = strings.CutPrefix(page.Origin.String(), page.Origin.Scheme+"://")
		r.TLS, r.Target = page.Origin.Scheme == "https", page.Target
	}
	return Facts{Page: Page{URL: t.Shown, Signed: t.Sidecar.URL}, Request: r, Remote: true}
}
