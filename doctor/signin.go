package doctor

import (
	"net/netip"
	"strings"
	"time"

	"github.com/caddy-dingtalk/caddy-dingtalk/signer"
)

// SignIn is what is known of the sign-in of a site.
type SignIn struct {
	// Suite tells that it is a third-party app's, whose corps grant it the permissions, each
	// for itself. Corp is the one that is looked at, "" if none is.
	Suite bool
	Corp  string

	Origin   signer.Origin // of the site as browsers show it, zero if that is not known
	Unknown  *signer.Error // why nobody vouches for it, nil if it is known, or was not asked
	Callback string        // the path of the redirect URL, "" without OAuth2
	Cookie   string        // the name of the session's cookie
	Keys     int           // how many keys are configured, 0 where one is derived
	Probes   []Probe       // nil: DingTalk was not asked
	Clock    Clock
	Refusal  string // the code of the last sign-in, if that was refused; "" if it was not

	Matcher []string // what the directive's own matcher goes by, nil if it has none
}

// Probe is what DingTalk said to a call of sign-in about a code, or a user, that does not
// exist: that there is none is the right answer, as the permission is looked at first.
type Probe struct {
	Call    string
	Verdict Answer // whether the app has the permission
	Err     error  // why that cannot be told, or the refusal
}

// Clock is by how much a clock is ahead of DingTalk's.
type Clock struct {
	Known bool
	Ahead time.Duration
}

// clockSkew is how far the clocks of a fleet may differ before sessions that one process
// has sealed are from the future to another (login's skew).
const clockSkew = time.Minute

// Findings are what is right and wrong with the sign-in. Of each sort there is one, and of
// permissions one for each that is missing.
func (s SignIn) Findings() []Finding {
	out := s.permissions()
	if s.Refusal != "" {
		out = append(out, Finding{
			Name: "last_sign_in", Status: Warning, Cures: []Text{SignInAdvice(s.Refusal)},
			Text: say("the last sign-in was refused: %s", "最近一次登录被拒绝：%s", s.Refusal),
		})
	}
	if s.Matcher != nil {
		out = append(out, SignInBehind(s.Matcher))
	}
	out = append(out, s.console(), s.scheme(), s.key())
	if s.Clock.Known {
		out = append(out, s.Clock.finding())
	}
	for i := range out {
		out[i].Cures = notNil(out[i].Cures)
	}
	return out
}

// permissions is what the probes tell.
func (s SignIn) permissions() []Finding {
	const name = "permissions"
	if s.Suite && s.Corp == "" {
		return []Finding{{Name: name, Status: Open, Text: say("each corp grants the app its permissions: name one to try those of sign-in (--corpid, or corpid= in the URL of the doctor page)",
			"接口权限由每个企业各自授予：请指明一个企业再检查登录所需的权限（--corpid，或在诊断页的网址里加 corpid=）")}}
	}
	if s.Probes == nil {
		return []Finding{{Name: name, Status: Open, Text: say("the permissions of sign-in were not tried", "还没有检查登录所需的权限")}}
	}
	var out []Finding
	var right []string
	for _, p := range s.Probes {
		switch p.Verdict {
		case Yes:
			right = append(right, p.Call)
		case No:
			f := p.missing(name)
			if s.Suite {
				f.Cures = append(f.Cures, agree)
			}
			out = append(out, f)
		default:
			f := Finding{Name: name, Status: Open, Text: say("the permission for %s cannot be told: %s", "无法判断 %s 的权限：%s", p.Call, p.Err)}
			if advice := PublicAdvice(p.Err); advice.EN != "" {
				f.Cures = []Text{advice}
			}
			out = append(out, f)
		}
	}
	if len(right) > 0 {
		out = append(out, Finding{Name: name, Status: OK, Text: say(
			"DingTalk takes the calls of sign-in: %[1]s", "钉钉接受登录所需的接口：%[2]s", strings.Join(right, ", "), strings.Join(right, "、"))})
	}
	return out
}

// agree is what is left to do where a corp that has authorised a third-party app long ago
// lacks a permission.
var agree = say("then let the administrator of the corp agree to it; the corp's next access token, within two hours, has it",
	"然后请该企业的管理员同意新的权限；两小时内换用的下一个 access token 起生效")

// missing is the finding of a permission that the app has not. Sign-ins go on without what
// user/get tells.
func (p Probe) missing(name string) Finding {
	permission := SignInPermission(p.Call)
	f := Finding{
		Name: name, Status: Error, Cures: []Text{Grant(permission)},
		Text: say("DingTalk refuses %s, and sign-ins fail: the app lacks %s", "钉钉拒绝 %s，登录会失败：应用缺少%s", p.Call, permission),
	}
	if strings.HasSuffix(p.Call, "user/get") {
		f.Status = Warning
		f.Text = say("DingTalk refuses %s, so users have no title, job number, avatar and departments: the app lacks %s",
			"钉钉拒绝 %s，因此没有职位、工号、头像和部门：应用缺少%s", p.Call, permission)
	}
	return f
}

// console is what must stand in DingTalk's console.
func (s SignIn) console() Finding {
	home, callback := say("the address that users open", "用户打开的网址"), "https://…"
	if s.Origin != (signer.Origin{}) {
		callback = s.Origin.String()
		home = same(callback + "/")
	}
	if s.Suite {
		home = say("%s with ?corpid=$CORPID$ behind it", "%s 再加上 ?corpid=$CORPID$", home)
		if s.Origin != (signer.Origin{}) {
			home = same(callback + "/?corpid=$CORPID$")
		}
	}
	en, zh := "the console must have "+home.EN+" as 端内免登地址 or 应用首页地址", "开发者后台的“端内免登地址”或“应用首页地址”必须是 "+home.ZH
	if s.Callback != "" {
		en += ", and " + callback + s.Callback + " as 重定向 URL (安全设置)"
		zh += "，“安全设置”里的“重定向 URL”必须是 " + callback + s.Callback
	}
	return Finding{Name: "console", Status: OK, Text: say(en, zh)}
}

// scheme is about https, and the cookie that goes with it.
func (s SignIn) scheme() Finding {
	const name = "cookie"
	cookie := s.Cookie
	if strings.HasSuffix(cookie, "-") {
		cookie += "<agentid>" // of whichever corp
	}
	switch {
	case s.Unknown != nil:
		return Finding{Name: name, Status: Error, Cures: []Text{Refusal(s.Unknown)},
			Text: say("nobody can sign in here, as nobody vouches for this address", "这个网址没有任何配置确认，因此无法登录")}
	case s.Origin.Scheme == "https":
		return Finding{Name: name, Status: OK, Text: say("the session's cookie is __Host-%[1]s: Secure, HttpOnly, of this host alone",
			"会话 Cookie 是 __Host-%[1]s：Secure、HttpOnly，只属于本域名", cookie)}
	case s.Origin.Scheme == "http" && !here(s.Origin.Host):
		return Finding{Name: name, Status: Warning,
			Text: say("browsers show plain http: the session's cookie %[1]s goes over the network readable, and pages in a frame of another site cannot sign in",
				"浏览器显示的是 http：会话 Cookie（%[1]s）在网络上是明文，嵌在其他网站框架里的页面也无法登录", cookie),
			Cures: []Text{say("serve the site over https; if a proxy ends TLS, trust it (trusted_proxies) and let it send X-Forwarded-Proto",
				"请使用 https；由前面的代理终结 TLS 的，要信任它（trusted_proxies），并让它发送 X-Forwarded-Proto")}}
	}
	return Finding{Name: name, Status: OK, Text: say("the session's cookie is %[1]s, with __Host- before it over https", "会话 Cookie 是 %[1]s，使用 https 时前面加 __Host-", cookie)}
}

// here reports whether a host is this machine, where plain http is as good.
func here(host string) bool {
	ip, err := netip.ParseAddr(strings.Trim(host, "[]"))
	return host == "localhost" || strings.HasSuffix(host, ".localhost") || err == nil && ip.IsLoopback()
}

func (s SignIn) key() Finding {
	f := Finding{Name: "key", Status: OK}
	switch s.Keys {
	case 0:
		f.Text = say("sessions are sealed with a key derived from the app's secret: a new secret ends all sessions", "会话用应用密钥派生的密钥加密：更换应用密钥会使所有会话失效")
	case 1:
		f.Text = say("sessions are sealed with the configured key", "会话用配置的 key 加密")
	default:
		f.Text = say("sessions are sealed with the first of %d configured keys; the others open older ones, remove them when session's time is over",
			"会话用 %d 个 key 中的第一个加密，其余的只用来打开旧会话，过了 session 的时长就可以删除", s.Keys)
	}
	return f
}

func (c Clock) finding() Finding {
	const name = "clock"
	ahead := c.Ahead.Abs().Round(time.Second)
	if ahead <= clockSkew {
		return Finding{Name: name, Status: OK, Text: say("this machine's clock agrees with DingTalk's", "本机时钟与钉钉一致")}
	}
	return Finding{
		Name: name, Status: Warning,
		Text:  say("this machine's clock is %[1]s off DingTalk's: other servers may refuse sessions that begin here", "本机时钟与钉钉相差 %[1]s：在这里登录的会话可能不被其他服务器接受", ahead),
		Cures: []Text{setClock},
	}
}

var setClock = say("set the clock by NTP (timedatectl set-ntp true, or chrony)", "请用 NTP 校准时钟（timedatectl set-ntp true，或 chrony）")

// SessionAhead says that a session of this fleet is dated after now, by so much.
func SessionAhead(by time.Duration) Text {
	return say("a session is dated %[1]s after this machine's now, so it does not count here: on every server of the fleet %[2]s",
		"有会话的时间比本机时钟晚 %[1]s，在这里不算数：在每台服务器上%[2]s", by.Round(time.Second), setClock)
}
