package doctor

import (
	"strings"

	"github.com/caddy-dingtalk/caddy-dingtalk/signer"
)

// Refusal says why a URL is not signed, and what to do about it. It holds nothing
// that a visitor may not see.
func Refusal(e *signer.Error) Text {
	s := e.Subject
	if e.Ignored != nil {
		return trustCure(e.Ignored)
	}
	switch e.Reason {
	case signer.BadTarget:
		return say("the request target is none that a browser sends: only a path with bytes 0x21 to 0x7E and without # can be signed",
			"请求的路径不是浏览器会发送的形式：只有由 0x21 到 0x7E 的字节组成、不含 # 的路径才能签名")
	case signer.BadHost:
		return say("the Host of this request is not host[:port]: add public_origin https://<the host that users see>",
			"请求的 Host 不是“主机[:端口]”的形式：请加上 public_origin https://<用户看到的主机>")
	case signer.BadHeader:
		if h, _ := signer.HeaderNamed(s); h.Says == signer.PathPart { // public_origin says nothing of it
			return say("the proxy's header %s has not exactly one well-formed value: let the outermost proxy set it and the others pass it on, or take it out of the line forwarded",
				"代理发来的头 %s 必须恰好有一个格式正确的值：请让最外层的代理设置它，其余的原样转发，或者从 forwarded 里去掉它", s)
		}
		return say("the proxy's header %s has not exactly one well-formed value: let the outermost proxy set it and the others pass it on, or add public_origin https://<the host that users see>",
			"代理发来的头 %s 必须恰好有一个格式正确的值：请让最外层的代理设置它，其余的原样转发，或者加上 public_origin https://<用户看到的主机>", s)
	case signer.NotPublic:
		return fromHeader(e, say("no public_origin fits the host %s: add its origin to public_origin if it is yours",
			"没有哪个 public_origin 与主机 %s 相符：如果它是你的，请把它的来源补进 public_origin", s))
	case signer.Unvouched:
		return fromHeader(e, unvouched(s))
	case signer.HasUser:
		return say("a URL with a user name or password is not signed: send location.href, which has none",
			"带用户名或密码的网址不签名：请发送 location.href，它不含这些")
	case signer.NotWeb:
		return say("only http and https URLs are signed: ask from a page that came from the web",
			"只签名 http 和 https 网址：请从网页里调用")
	case signer.NotAbsolute:
		return say("url is not a page's address: %[1]s; send encodeURIComponent(location.href)",
			"url 不是网页地址（%[1]s）：请发送 encodeURIComponent(location.href)", Text{EN: s, ZH: chinese(s)})
	case signer.NoPath:
		return say("url must have a path, and only bytes that location.href shows (0x21 to 0x7E): send encodeURIComponent(location.href)",
			"url 必须有路径，且只含 location.href 会显示的字节（0x21 到 0x7E）：请发送 encodeURIComponent(location.href)")
	case signer.Splits:
		return say("the query holds &timestamp= and &url=, so its signature would fit the page of another site, too: rename one of these parameters, or encode the & within it once more",
			"查询参数里同时有 &timestamp= 和 &url=，这样的签名也适用于别的网站的页面：请给其中一个参数改名，或把其中的 & 再编码一次")
	case signer.NotOurs:
		return notOurs(e)
	case signer.BadQuery:
		return say("the query is malformed: send ?url= once, with encodeURIComponent(location.href)",
			"查询参数格式不对：url 只能出现一次，请发送 ?url= 加 encodeURIComponent(location.href)")
	case signer.NoURL:
		return say("which page? Send ?url= with encodeURIComponent(location.href)",
			"是哪个页面？请发送 ?url= 加 encodeURIComponent(location.href)")
	case signer.NoForm:
		return say("there is no such form of signature: hash is sha1 or sha256, url_policy is query_decoded, raw or decoded",
			"没有这种签名形式：hash 是 sha1 或 sha256，url_policy 是 query_decoded、raw 或 decoded")
	}
	return say("the URL is not signed: %[1]s; reload the page, and look into Caddy's log if that does not help",
		"网址没有签名（%[1]s）：请刷新页面，还不行就查看 Caddy 的日志", e.Error())
}

// unvouched says that nobody says that an origin is ours. Whoever sends a request
// names its host, so there is no line to paste: only what it has to say.
func unvouched(origin string) Text {
	text := say("nothing in the configuration says that %[1]s is this site: if it is, name it in the line public_origin of the dingtalk directive, "+
		"or its host in public_host where scheme and port are to be rebuilt, or in the site's address",
		"配置里没有任何地方说明 %[1]s 是本站：如果是，请把它写进 dingtalk 指令的 public_origin（协议和端口需要还原时，把主机名写进 public_host），或写进站点地址", origin)
	if strings.Contains(hostOf(origin), ".") {
		return text
	}
	return say("%s; a host without a dot is most likely what a proxy calls this server: let it pass the browser's own Host on (nginx: %s)",
		"%s；不带点的主机名多半是代理对本机的称呼：请让代理把浏览器的 Host 原样传过来（nginx：%s）", text, passHost)
}

// fromHeader adds to what is said of a host where that comes from, if it is not the Host: who
// mends the Host would see no change.
func fromHeader(e *signer.Error, text Text) Text {
	if e.Header == "" {
		return text
	}
	name, _, _ := strings.Cut(e.Header, ":")
	return say("%[1]s; the host comes from %[2]s of a trusted proxy, which counts before the Host: if browsers show another one, let the proxy send none (nginx: %[3]s)",
		"%[1]s；这个主机来自受信任的代理发来的 %[2]s，它优先于 Host：浏览器显示的若是别的主机，请让代理不再发送它（nginx：%[3]s）", text, e.Header, noHeader(name))
}

// notOurs says that a call asks for the URL of another origin. Only where somebody
// vouches for its host there is a line to paste.
func notOurs(e *signer.Error) Text {
	switch {
	case e.Here == "":
		return say("only URLs of this site are signed, and nothing in the configuration says that %[1]s is this site: if it is, name it in public_origin; another site of yours belongs into allow_origin",
			"只签名本站的网址，而配置里没有任何地方说明 %[1]s 是本站：如果是，请写进 public_origin；如果是你的另一个站点，请写进 allow_origin", e.Subject)
	case e.Known:
		return say("only URLs of this site are signed, which Caddy knows as %[2]s and not as %[1]s: %[3]s; for another site of yours the line is allow_origin %[1]s",
			"只签名本站的网址，而 Caddy 知道的本站是 %[2]s，不是 %[1]s：%[3]s；如果是你的另一个站点，请加 allow_origin %[1]s", e.Subject, e.Here, sameSite(e.Subject, e.Here))
	}
	return say("only URLs of this site are signed: this call came to %[2]s, and nothing in the configuration says that %[1]s is the same site. "+
		"If it is, let the proxy in front pass the browser's Host on (nginx: %[3]s), or name the origin in public_origin; another site of yours belongs into allow_origin",
		"只签名本站的网址：这次请求到达的是 %[2]s，配置里没有任何地方说明 %[1]s 是同一个站点。如果是，请让前面的代理把浏览器的 Host 原样传过来（nginx：%[3]s），或把这个来源写进 public_origin；如果是你的另一个站点，请写进 allow_origin",
		e.Subject, e.Here, passHost)
}

// CrossOrigin says that a page of another web origin calls, "" if it is none that can
// be told, and where the call came to.
func CrossOrigin(origin, here string, known bool) Text {
	switch {
	case origin == "" || here == "" || origin == here:
		return say("this call comes from another web origin: if that is a site of yours, name it in the line allow_origin of the dingtalk directive",
			"这个请求来自另一个来源：如果那是你的站点，请把它写进 dingtalk 指令的 allow_origin")
	case known:
		return say("this call comes from %[1]s, and Caddy knows this site as %[2]s: %[3]s; for another site of yours the line is allow_origin %[1]s",
			"这个请求来自 %[1]s，而 Caddy 知道的本站是 %[2]s：%[3]s；如果是你的另一个站点，请加 allow_origin %[1]s", origin, here, sameSite(origin, here))
	}
	return say("this call comes from the web origin %[1]s, which is not that of this site, %[2]s: if it is a site of yours, name it in allow_origin; "+
		"if both are the same site, let the proxy in front pass the browser's Host on (nginx: %[3]s), or name the origin in public_origin",
		"这个请求来自 %[1]s，不是本站的来源 %[2]s：如果它是你的另一个站点，请写进 allow_origin；如果两者就是同一个站点，请让前面的代理把浏览器的 Host 原样传过来（nginx：%[3]s），或把这个来源写进 public_origin",
		origin, here, passHost)
}

// sameSite says what is to be done where browsers show a site of ours as one origin, and
// Caddy knows it as another of the same host.
func sameSite(shown, known string) Text {
	cure := say("let the proxy in front say which scheme and port the browser shows", "请让前面的代理传来浏览器显示的协议和端口")
	if onlyPortDiffers(shown, known) {
		cure = say("the port is %[1]s, not %[2]s: let the proxy in front pass it on (nginx: %[3]s and not $host)", "端口是%[1]s，不是%[2]s：请让前面的代理把它传过来（nginx：%[3]s 而不是 $host）",
			portOf(shown), portOf(known), passHost)
	}
	return say("%[1]s, or write public_origin %[2]s into the dingtalk directive, in the place of one that no user sees", "%[1]s，或在 dingtalk 指令里写 public_origin %[2]s（代替那里没有用户会看到的地址）", cure, shown)
}

// portOf is the port of an origin in words.
func portOf(origin string) Text {
	o, err := signer.ParseOrigin(origin)
	if err != nil || o.Port == "" {
		return say("the default one", "默认端口")
	}
	return say("%s", " %s", o.Port)
}

// OwnAddress says that a proxy asks for the address that Caddy listens at, and not for
// the host that the browser shows.
func OwnAddress(peer, host string) Text {
	return say("%[1]s asks for the Host %[2]s, which is the address that Caddy listens at: its pages are signed for that, and DingTalk refuses them (52013) if the browser shows another host. "+
		"Let the proxy pass the browser's Host on (nginx: %[3]s), or name the site in public_origin",
		"%[1]s 发来的 Host 是 %[2]s，那是 Caddy 自己的监听地址：页面会按它签名，浏览器显示的若是别的主机，钉钉就会拒绝（52013）。请让代理把浏览器的 Host 原样传过来（nginx：%[3]s），或把站点写进 public_origin",
		peer, host, passHost)
}

// Claimed says that it was somebody's page that said so: anybody can send a report.
func Claimed(t Text) Text {
	return prefixed("a visitor's page claims: ", "访问者的页面声称：", t)
}

// onlyPortDiffers tells whether two origins have the same scheme and host name.
func onlyPortDiffers(a, b string) bool {
	return hostOf(a) == hostOf(b) && strings.HasPrefix(a, "https:") == strings.HasPrefix(b, "https:")
}

// hostOf returns the host name of an origin.
func hostOf(origin string) string {
	_, host, _ := strings.Cut(origin, "://")
	if i := strings.LastIndexByte(host, ':'); i >= 0 && !strings.HasSuffix(host, "]") {
		host = host[:i]
	}
	return host
}
