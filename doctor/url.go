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
		return say("the proxy's header %s has not exactly one well-formed value: let the outermost proxy set it and the others pass it on, or add public_origin https://<the host that users see>",
			"代理发来的头 %s 必须恰好有一个格式正确的值：请让最外层的代理设置它，其余的原样转发，或者加上 public_origin https://<用户看到的主机>", s)
	case signer.NotPublic:
		return say("no public_origin fits the host %s: add its origin to public_origin if it is yours",
			"没有哪个 public_origin 与主机 %s 相符：如果它是你的，请把它的来源补进 public_origin", s)
	case signer.Unvouched:
		return say("nothing in the configuration says that %[1]s is this site: if it is, add the line `public_origin %[1]s` to the dingtalk directive, "+
			"or `public_host %[2]s` where scheme and port are to be rebuilt, or name the host in the site's address",
			"配置里没有任何地方说明 %[1]s 是本站：如果是，请在 dingtalk 指令里加上 public_origin %[1]s（协议和端口需要还原时用 public_host %[2]s），或在站点地址里写上主机名",
			s, hostOf(s))
	case signer.HasUser:
		return say("a URL with a user name or password is not signed: send location.href, which has none",
			"带用户名或密码的网址不签名：请发送 location.href，它不含这些")
	case signer.NotWeb:
		return say("only http and https URLs are signed: ask from a page that came from the web",
			"只签名 http 和 https 网址：请从网页里调用")
	case signer.NotAbsolute:
		return say("url is not a page's address: %[1]s; send encodeURIComponent(location.href)",
			"url 不是网页地址（%[1]s）：请发送 encodeURIComponent(location.href)", s)
	case signer.NoPath:
		return say("url must have a path, and only bytes that location.href shows (0x21 to 0x7E): send encodeURIComponent(location.href)",
			"url 必须有路径，且只含 location.href 会显示的字节（0x21 到 0x7E）：请发送 encodeURIComponent(location.href)")
	case signer.Splits:
		return say("the query holds &timestamp= and &url=, so its signature would fit the page of another site, too: rename one of these parameters, or encode the & within it once more",
			"查询参数里同时有 &timestamp= 和 &url=，这样的签名也适用于别的网站的页面：请给其中一个参数改名，或把其中的 & 再编码一次")
	case signer.NotOurs:
		return say("only URLs of this site are signed, and %[1]s is not known to be: add the line public_origin (or allow_origin) %[1]s to the dingtalk directive if it is",
			"只签名本站的网址，而没有任何地方说明 %[1]s 是本站：如果是，请在 dingtalk 指令里加上 public_origin（或 allow_origin）%[1]s", s)
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

// hostOf returns the host name of an origin.
func hostOf(origin string) string {
	_, host, _ := strings.Cut(origin, "://")
	if i := strings.LastIndexByte(host, ':'); i >= 0 && !strings.HasSuffix(host, "]") {
		host = host[:i]
	}
	return host
}
