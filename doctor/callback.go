package doctor

import (
	"context"
	"errors"
	"net"
	"net/http"
	"time"

	"github.com/caddy-dingtalk/caddy-dingtalk/signer"
)

// DingTalkWaits is how long DingTalk waits for the answer to a push, before it pushes
// again (its pages say 1.5 s and 2.5 s).
const DingTalkWaits = 1500 * time.Millisecond

// Callback is what became of a push of ours to the callback of a third-party app, sent as
// DingTalk sends its own: from outside, through all proxies.
type Callback struct {
	Origin signer.Origin // of the site as DingTalk reaches it, zero if that is not known
	Path   string        // of the callback
	App    bool          // the app answers there itself (callback <path>)

	Err         error // why there is no answer
	Certificate error // why the certificate is refused, nil if it is not
	Took        time.Duration
	Status      int
	Location    string // where it is redirected to
	Ours        bool   // the directive has answered
	Code        string // of its error
	Success     bool   // the answer is sealed for us, and says success
}

// URL is the address that must stand in the console.
func (c Callback) URL() string { return c.Origin.String() + c.Path }

// Finding says whether DingTalk's pushes arrive, and what to do if they do not.
func (c Callback) Finding() Finding {
	f := c.finding()
	f.Name = "callback"
	return f
}

func (c Callback) finding() Finding {
	at := c.URL()
	fail := func(text Text, cures ...Text) Finding { return Finding{Status: Error, Text: text, Cures: cures} }
	switch {
	case c.Origin == signer.Origin{}:
		return Finding{Status: Open, Text: say("nothing says under which address DingTalk reaches this site: add public_origin to the directive, then the doctor pushes to %s there", "不知道钉钉用哪个网址访问本站：请在指令里加上 public_origin，诊断会向它的 %s 推送一次", c.Path)}
	case c.Certificate != nil:
		return fail(say("DingTalk does not push to %[1]s: its certificate is refused (%[2]v)", "钉钉不会推送到 %[1]s：证书不被接受（%[2]v）", at, c.Certificate),
			say("give the outermost proxy a certificate for this host that the public trusts, with its whole chain", "请给最外层的代理配上公众信任的、这个域名的证书，并带上完整的证书链"))
	case c.Err != nil:
		return c.silent()
	case c.Success && c.Took > DingTalkWaits:
		return Finding{Status: Warning,
			Text:  say("%[1]s takes pushes, but its answer took %.1[2]f s: DingTalk waits 1.5 s and pushes again", "%[1]s 能接收推送，但回应用了 %.1[2]f 秒：钉钉只等 1.5 秒，然后重新推送", at, c.Took.Seconds()),
			Cures: []Text{say("look for a slow proxy in front, a CDN that buffers requests, or a server that is overloaded", "请检查前面有没有慢的代理、缓存请求体的 CDN，或服务器是否过载")}}
	case c.Success:
		return Finding{Status: OK, Text: say("a push to %[1]s is answered with success in %[2]d ms: this address belongs into the developer console (推送地址)", "向 %[1]s 推送成功，用时 %[2]d 毫秒：开发者后台的推送地址就填它", at, c.Took.Milliseconds())}
	case c.Ours:
		return c.refused()
	}
	return c.elsewhere()
}

// silent: there was no answer.
func (c Callback) silent() Finding {
	var timeout net.Error
	text := say("%[1]s is not reached: %[2]v", "访问不到 %[1]s：%[2]v", c.URL(), c.Err)
	cure := say("let DNS lead this host to the outermost server, and its firewall let port 443 in from the internet: DingTalk pushes from there",
		"请让 DNS 把这个域名指向最外层的服务器，并在防火墙放行来自公网的 443 端口：钉钉从公网推送")
	if errors.Is(c.Err, context.DeadlineExceeded) || errors.As(c.Err, &timeout) && timeout.Timeout() {
		text = say("%[1]s does not answer in time: DingTalk waits 1.5 s and pushes again", "%[1]s 没有及时回应：钉钉只等 1.5 秒，然后重新推送", c.URL())
		cure = say("look whether a firewall drops connections, a proxy in front waits for Caddy in vain, or Caddy for its app", "请检查防火墙是否丢弃连接、前面的代理是否连不上 Caddy")
	}
	return Finding{Status: Error, Text: text, Cures: []Text{cure, say("if this machine reaches its own public address only from outside, run the doctor from another one", "本机无法从内网访问自己的公网地址时，请换一台机器运行")}}
}

// refused: the directive, or one of another site, has answered with an error.
func (c Callback) refused() Finding {
	at := c.URL()
	f := Finding{Status: Error, Text: say("%[1]s refuses the push: %[2]d %[3]s", "%[1]s 拒绝了推送：%[2]d %[3]s", at, c.Status, c.Code)}
	switch {
	case c.Code == "bad_signature":
		f.Cures = []Text{
			say("the server that answers has another token, aes_key or suite_key than this configuration: load this one there (caddy reload), with the same environment",
				"回应的服务器用的 token、aes_key 或 suite_key 与这份配置不同：请在那里加载这份配置（caddy reload），环境变量也要一致"),
			say("compare all three with the developer console (事件与回调), letter by letter; aes_key has 43 characters", "请与开发者后台“事件与回调”逐字核对这三项；aes_key 有 43 个字符"),
			say("if several sites stand behind this host, look whether %s leads to the right one", "同一域名下有多个站点时，请检查 %s 是否转发到正确的那个", c.Path),
		}
	case c.Code == "stale":
		f.Cures = []Text{say("the clocks of this machine and of the server that answers differ by an hour or more: set both by NTP", "本机与回应的服务器时钟相差一小时以上：请用 NTP 校准两者")}
	case c.Status == http.StatusNotFound:
		f.Cures = []Text{say("the directive that answers has no suite with token and aes_key: load this configuration there (caddy reload), or lead %s to the site that has it", "回应的 dingtalk 指令里没有带 token 和 aes_key 的 suite：请在那里加载这份配置（caddy reload），或把 %s 转发给有它的站点", c.Path)}
	case c.Status == http.StatusServiceUnavailable:
		f.Cures = []Text{say("the storage takes nothing: check the storage that all servers share; DingTalk repeats the push", "存储写不进去：请检查所有服务器共用的存储；钉钉会重复推送")}
	default:
		f.Cures = []Text{say("a proxy in front changes the body or the query of requests: let it pass both unchanged", "前面的代理改动了请求体或查询参数：请让它原样转发")}
	}
	return f
}

// elsewhere: somebody else has answered.
func (c Callback) elsewhere() Finding {
	at := c.URL()
	f := Finding{Status: Error, Text: say("%[1]s is answered with status %[2]d, but not by the directive", "%[1]s 返回状态码 %[2]d，但不是指令的回答", at, c.Status)}
	if c.App {
		f.Text = say("%[1]s, which the app answers itself, gives status %[2]d and not a sealed success", "%[1]s 由应用自己回应，返回状态码 %[2]d，不是加密的 success", at, c.Status)
	}
	lead := say("lead %[1]s to Caddy: in nginx, a location %[1]s with proxy_pass and nothing that cuts the path; and no matcher before the directive may hold it back", "请把 %[1]s 转发给 Caddy：nginx 里要有转发它的 location，且不要截掉路径；指令前面的匹配器也不能挡住它", c.Path)
	if c.App {
		lead = say("let the app answer check_url with the same token, aes_key and suite_key, or leave out the line callback: then the directive answers", "请让应用用同样的 token、aes_key、suite_key 回应 check_url，或去掉 callback 这一行，由指令回应")
	}
	switch s := c.Status; {
	case s >= 300 && s < 400:
		f.Text = say("%[1]s redirects to %[2]s, and DingTalk does not follow", "%[1]s 跳转到 %[2]s，而钉钉不跟随跳转", at, c.Location)
		f.Cures = []Text{say("write the address it redirects to into public_origin and the console, or leave this path out of the redirect", "请把跳转后的网址写进 public_origin 和开发者后台，或让这个路径不跳转")}
	case s == http.StatusUnauthorized || s == http.StatusForbidden || s == http.StatusTooManyRequests:
		f.Cures = []Text{say("something in front (sign-in, a firewall for web applications, a limit) refuses requests without a browser: let POST %s pass, it proves itself by its signature", "前面的登录、WAF 或限流拒绝了不是浏览器的请求：请放行 POST %s，它靠签名证明自己", c.Path), lead}
	case s >= 500:
		f.Cures = []Text{say("look whether the proxy in front reaches Caddy, and Caddy its app", "请检查前面的代理能否访问 Caddy、Caddy 能否访问应用"), lead}
	default:
		f.Cures = []Text{lead}
	}
	return f
}
