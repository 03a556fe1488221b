package doctor

import (
	"errors"
	"time"

	"github.com/caddy-dingtalk/caddy-dingtalk/oapi"
)

// Held is how the jsapi_ticket stands, for the page. It holds nothing of it.
type Held struct {
	Held      bool         `json:"held"`
	Age       int          `json:"age_seconds"`
	ExpiresIn int          `json:"expires_in_seconds"`
	Error     *TicketError `json:"error"` // null if all is well
}

// TicketError is why no ticket can be fetched.
type TicketError struct {
	Kind    string `json:"kind"`
	Message string `json:"message"`
	Advice  Text   `json:"advice"`
	NextTry int    `json:"next_try_seconds"`
}

func (t Ticket) held() Held {
	h := Held{Held: t.Held, Age: seconds(t.Age), ExpiresIn: seconds(t.Left)}
	if t.Err != nil {
		h.Error = &TicketError{Kind: oapi.KindOf(t.Err).String(), Message: t.Err.Error(), Advice: ticketAdvice(t.Err), NextTry: seconds(t.Retry)}
	}
	return h
}

func seconds(d time.Duration) int { return int(d / time.Second) }

// missing is why a page has no ticket.
func (t Ticket) missing() Finding {
	switch {
	case t.Err != nil:
		return Finding{
			Name: "ticket_unavailable", Status: Error, Cures: []Text{ticketAdvice(t.Err)},
			Text: say("the page is not signed, because DingTalk gives no jsapi_ticket", "页面没有签名，因为钉钉没有给出 jsapi_ticket"),
		}
	case t.Held:
		return Finding{
			Name: "ticket_late", Status: Warning,
			Text:  say("there was no jsapi_ticket when the page was made, now there is one", "生成页面时还没有 jsapi_ticket，现在有了"),
			Cures: []Text{say("reload the page", "请刷新页面")},
		}
	}
	return Finding{
		Name: "ticket_unavailable", Status: Error,
		Text: say("the page is not signed, because there is no jsapi_ticket yet", "页面没有签名，因为还没有 jsapi_ticket"),
		Cures: []Text{
			say("reload it in a moment", "请稍后刷新"),
			say("if that does not help, check that this server reaches DingTalk", "还不行的话，检查服务器能否访问钉钉"),
		},
	}
}

// stale: pages are signed, but the ticket is not renewed.
func (t Ticket) stale() Finding {
	return Finding{
		Name: "ticket_not_renewed", Status: Warning, Cures: []Text{ticketAdvice(t.Err)},
		Text: say("the jsapi_ticket is valid for %[1]d minutes more, but DingTalk gives no new one", "jsapi_ticket 还有 %[1]d 分钟有效，但钉钉没有给出新的", int(t.Left/time.Minute)),
	}
}

// kinds are the Chinese advice on the failures of DingTalk's server API; the
// English is oapi's.
var kinds = map[oapi.Kind]string{
	oapi.Network:     "连不上钉钉：请检查服务器的 DNS、防火墙和出口网络，需要代理时设置 HTTPS_PROXY；会自动重试",
	oapi.Timeout:     "钉钉没有及时回应：请检查服务器到钉钉的网络，需要代理时设置 HTTPS_PROXY；会自动重试",
	oapi.Garbage:     "回应不是钉钉发出的，多半是出口上的代理、防火墙或登录门户：请检查出口网络和 api_base、oapi_base",
	oapi.Busy:        "钉钉自己出了问题，这里无需改动；会自动重试",
	oapi.Credentials: "密钥不对：请到开发者后台“凭证与基础信息”核对 app_key 与 app_secret（旧方式则是 corp_id 与 corp_secret），两者必须属于同一个应用；后台重置过密钥的，这里也要换",
	oapi.AllowList:   "服务器的 IP 不在白名单里：请在开发者后台“开发配置 → 服务器出口IP”里加上下面错误信息中的 IP；走代理的要加代理的 IP",
	oapi.Permission:  "应用没有权限：请在开发者后台“权限管理”里开通错误信息中提到的权限，并确认应用已发布、可见范围正确",
	oapi.RateLimit:   "调用太频繁，会自动放慢；一直如此的话，请找出使用同一个应用的其他程序，或没有共用存储的其他服务器；月度配额用完则要等下个月",
	oapi.Token:       "access token 失效，会自动换新；反复出现说明应用的密钥被重置过，或 token 属于别的应用：请核对密钥",
	oapi.Parameter:   "钉钉看不懂这个请求：请检查 api_base、oapi_base 是否正确，以及出口上的代理有没有改动请求",
	oapi.Other:       "请到开放平台的错误码页面（server-api-error-codes-1）查这个错误码",
}

func ticketAdvice(err error) Text {
	var refusal *oapi.Error
	if !errors.As(err, &refusal) {
		return say("look into Caddy's log", "请查看 Caddy 的日志")
	}
	return Text{EN: refusal.Advice(), ZH: kinds[refusal.Kind]}
}
