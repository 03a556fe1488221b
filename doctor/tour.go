package doctor

import (
	"cmp"
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/caddy-dingtalk/caddy-dingtalk/signer"
)

// Tour is what a page and the endpoints look like from outside, through all proxies.
type Tour struct {
	Shown       string // the URL that a browser would show, without fragment
	Err         error  // why there is no answer
	Certificate error  // why browsers refuse the certificate, nil if they do not
	Status      int
	Header      http.Header
	Unread      bool // the body is in a coding that cannot be read here

	Sidecar *Sidecar // what stands in the page, nil if nothing does
	SignIn  bool     // the page is our sign-in page

	Endpoint  Answered            // what config has answered for the URL
	Elsewhere map[string]Answered // the same below other paths of the site, by the endpoint that they would be
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

// Answered is an answer of config.
type Answered struct {
	Status  int    // 0 if there was none
	Ours    bool   // the directive has answered
	URL     string // that was signed, "" if none was
	Code    string // of the error
	Message string
}

// Findings are what is right and wrong, in the order in which a page goes.
func (t Tour) Findings() []Finding {
	if t.Err != nil {
		return []Finding{t.unreached()}
	}
	var out []Finding
	if t.Certificate != nil {
		out = append(out, Finding{Name: "certificate", Status: Error, Text: say("browsers refuse the certificate: %v", "浏览器不接受证书：%v", t.Certificate),
			Cures: []Text{say("give the outermost proxy a certificate for this host that the public trusts, with its whole chain", "请给最外层的代理配上公众信任的、这个域名的证书，并带上完整的证书链")}})
	}
	switch {
	case t.SignIn:
		return append(out, Finding{Name: "page", Status: Open, Text: say("the site asks for sign-in before it shows this page: only a user in DingTalk sees it", "这个页面要先登录：只有钉钉里的用户能看到")})
	case t.Sidecar == nil:
		return append(out, t.untouched())
	}
	return append(append(out, t.signature()), t.endpoint())
}

func (t Tour) unreached() Finding {
	return Finding{Name: "page", Status: Error, Text: say("the page cannot be fetched: %v", "打不开页面：%v", t.Err),
		Cures: []Text{say("check the address, its DNS, and that this machine reaches it as phones do", "请检查网址、DNS，以及本机能否像手机一样访问它")}}
}

// untouched is a page into which nothing was inserted.
func (t Tour) untouched() Finding {
	media, _, _ := strings.Cut(t.Header.Get("Content-Type"), ";")
	f := Finding{Name: "page", Status: Error}
	nothing := func(en, zh string, args ...any) Text {
		return prefixed("nothing was inserted into the page: ", "页面里什么也没有插入：", say(en, zh, args...))
	}
	switch {
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
	default:
		f.Text = nothing("this request has not come to the directive, or a cache in front keeps an older page (Server: %s)", "请求没有到达指令，或前面的缓存里是旧页面（Server: %s）", cmp.Or(t.Header.Get("Server"), "-"))
		f.Cures = []Text{
			say("let the proxy lead this path to Caddy, and the site in the Caddyfile have the dingtalk directive for it (a matcher may hold it back)", "请让代理把这个路径转发给 Caddy，并让 Caddyfile 里对应的站点带上 dingtalk 指令（匹配器可能把它挡在外面）"),
			say("empty the caches and CDN in front, and run this with --config, too", "清空前面的缓存和 CDN，并加上 --config 再检查一次"),
		}
	}
	return f
}

// signature is about the URL that was signed.
func (t Tour) signature() Finding {
	const name = "signed_url"
	switch s := t.Sidecar; {
	case s.Error != nil:
		return Finding{Name: name, Status: Error, Text: say("the page is not signed (%s): %s", "页面没有签名（%s）：%s", s.Error.Code, s.Error.Message),
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

// facts are what the page tells of the request that came to Caddy for it.
func (t Tour) facts() Facts {
	r := Request{Asked: t.Shown}
	if page, err := signer.ParseURL(t.Sidecar.URL); err == nil {
		r.Host, _ = strings.CutPrefix(page.Origin.String(), page.Origin.Scheme+"://")
		r.TLS, r.Target = page.Origin.Scheme == "https", page.Target
	}
	return Facts{Page: Page{URL: t.Shown, Signed: t.Sidecar.URL}, Request: r}
}

// endpoint is about whether the browser reaches the endpoints.
func (t Tour) endpoint() Finding {
	f := Finding{Name: "endpoint", Status: Error}
	at := t.Sidecar.Endpoint
	switch a := t.Endpoint; {
	case a.URL == t.Shown:
		return Finding{Name: f.Name, Status: OK, Text: say("%s/config signs for the URL that the browser shows", "%s/config 能为浏览器显示的网址签名", at)}
	case a.URL != "":
		f.Text = say("%[1]s/config signs for another URL: %[2]s", "%[1]s/config 签的是另一个网址：%[2]s", at, a.URL)
		f.Cures = []Text{say("look for a proxy that changes the query of requests", "请检查有没有代理改动了请求的查询参数")}
	case a.Ours:
		f.Text = say("%[1]s/config is reached, and refuses to sign this URL (%[2]s): %[3]s", "能访问 %[1]s/config，但它拒绝为这个网址签名（%[2]s）：%[3]s", at, a.Code, a.Message)
		f.Cures = []Text{say("what cures the URL of the page, above, cures this, too", "上面让页面网址变对的改动，也会解决这个问题")}
		if t.Sidecar.URL == t.Shown {
			f.Cures = []Text{say("follow the message", "按这条消息修改")}
		}
	default:
		f.Text = say("the browser does not reach %[1]s/config (status %[2]d, and not from the directive): pages cannot ask for a signature or report", "浏览器访问不到 %[1]s/config（状态码 %[2]d，不是指令的回答）：页面无法重新要签名，也无法上报", at, a.Status)
		f.Cures = []Text{say("let the proxy lead %s/ to Caddy, too", "请让代理把 %s/ 也转发给 Caddy", at)}
		for _, path := range slices.Sorted(maps.Keys(t.Elsewhere)) {
			if t.Elsewhere[path].Ours {
				if strings.HasPrefix(at, strings.TrimSuffix(path, at)+"/") { // it stands below the folder already
					f.Cures = []Text{say("a proxy cuts off the path, and Caddy does not believe what it was: let the proxy send X-Forwarded-Prefix or X-Original-URI, name that in forwarded, and the proxy in trusted_proxies of the global options (servers)",
						"代理截掉了前面的路径，而 Caddy 不知道或不相信原来的路径：请让代理发送 X-Forwarded-Prefix 或 X-Original-URI，写进 forwarded，并把代理写进全局选项 servers 的 trusted_proxies")}
					break
				}
				line := "endpoint " + path
				f.Text = join([]Text{f.Text, say("it answers at %s, for a proxy cuts off what stands before it", "它在 %s 有回答，因为代理截掉了前面的路径", path)}, "; ", "；")
				f.Cures = []Text{say("add the line %s to the dingtalk directive, and let the proxy send X-Forwarded-Prefix or X-Original-URI, which the line forwarded must name, and the proxy stand in trusted_proxies", "请在 dingtalk 指令里加上 %s，并让代理发送 X-Forwarded-Prefix 或 X-Original-URI，同时写进 forwarded，并把代理写进 trusted_proxies", line)}
				f.lines = []Line{inDirective(line)}
				break
			}
		}
	}
	return f
}
