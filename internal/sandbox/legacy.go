package sandbox

import (
	"net/http"
	"slices"
)

// The legacy family's answers. Success and failure have status 200 alike.

func legacyRefusal(errcode int, errmsg string) reply {
	return reply{http.StatusOK, fields{"errcode": errcode, "errmsg": errmsg}}
}

func (d *DingTalk) legacySuccess(field, value string) reply {
	return reply{http.StatusOK, fields{"errcode": 0, "errmsg": "ok", field: value, "expires_in": d.expiresIn()}}
}

// legacyToken is GET /gettoken with appkey and appsecret, or with corpid and corpsecret. The parameters
// count in the query only: a form body is as good as none.
func (d *DingTalk) legacyToken(q request) reply {
	switch {
	case q.query.Get("appkey") != "":
		a, ok := d.account(func(a Account) bool {
			return q.query.Get("appkey") == a.AppKey && q.query.Get("appsecret") == a.AppSecret
		})
		if !ok {
			return legacyRefusal(40096, "不合法的appKey或appSecret")
		}
		return d.legacySuccess("access_token", d.org.token(a.of(App)))
	case q.query.Get("corpid") != "":
		a, ok := d.account(func(a Account) bool {
			return q.query.Get("corpid") == a.CorpID && q.query.Get("corpsecret") == a.CorpSecret
		})
		if !ok {
			return legacyRefusal(40089, "不合法的corpid或corpsecret")
		}
		return d.legacySuccess("access_token", d.org.token(a.of(Corp)))
	default:
		return legacyRefusal(40035, "缺少参数 corpid or appkey")
	}
}

// legacyTicket is GET /get_jsapi_ticket with access_token in the query.
func (d *DingTalk) legacyTicket(q request) reply {
	if t := q.query.Get("type"); t != "" && t != "jsapi" {
		return legacyRefusal(40035, "不合法的参数 type")
	}
	return d.legacyTicketOf(q, App, Corp, ISV)
}

// channelToken is GET /channel/get_channel_token with corpid and channel_secret.
func (d *DingTalk) channelToken(q request) reply {
	if q.query.Get("corpid") == "" {
		return legacyRefusal(40035, "缺少参数 corpid")
	}
	a, ok := d.account(func(a Account) bool {
		return q.query.Get("corpid") == a.CorpID && q.query.Get("channel_secret") == a.ChannelSecret
	})
	if !ok {
		return legacyRefusal(40089, "不合法的corpid或channel_secret")
	}
	return d.legacySuccess("access_token", d.org.token(a.of(Channel)))
}

// channelTicket is GET /channel/get_channel_jsapi_ticket with a channel's access_token in the query.
func (d *DingTalk) channelTicket(q request) reply {
	return d.legacyTicketOf(q, Channel)
}

// legacyTicketOf answers with the ticket of the token's login, if that is one of those allowed.
func (d *DingTalk) legacyTicketOf(q request, allowed ...Kind) reply {
	token := q.query.Get("access_token")
	if token == "" {
		return legacyRefusal(41001, "access_token is blank")
	}
	h, living := d.org.owner(token)
	switch {
	case !slices.Contains(allowed, h.kind):
		return legacyRefusal(40014, "不合法的access_token")
	case !living:
		return legacyRefusal(42001, "access_token已过期")
	default:
		return d.legacySuccess("ticket", d.org.ticket(h))
	}
}
