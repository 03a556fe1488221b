package doctor

import (
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

// NoTicket says to visitors of a site why there is no ticket.
func NoTicket(err error) Text {
	advice := PublicAdvice(err)
	if advice == (Text{}) {
		return say("there is no jsapi_ticket yet: reload the page in a moment; if that does not help, look into the Caddy log",
			"还没有 jsapi_ticket：请稍后刷新页面，还不行就查看 Caddy 的日志")
	}
	return Text{
		EN: "DingTalk gives no jsapi_ticket: " + advice.EN + " The Caddy log has the details.",
		ZH: "钉钉没有给出 jsapi_ticket：" + advice.ZH + "。详情见 Caddy 的日志",
	}
}

// ticketAdvice is what to do about there being no ticket.
func ticketAdvice(err error) Text {
	if advice := Advice(err); advice != (Text{}) {
		return advice
	}
	return say("look into Caddy's log", "请查看 Caddy 的日志")
}
