package sandbox

import (
	"crypto/rand"
	"encoding/json"
	"mime"
	"net/http"
)

// The new family's answers. Failures have a status of their own, and their request id is in lower case.

func v1Refusal(status int, code, message string) reply {
	return reply{status, fields{"code": code, "requestid": rand.Text(), "message": message}}
}

func (d *DingTalk) v1Success(field, value string) reply {
	return reply{http.StatusOK, fields{field: value, "expireIn": d.expiresIn()}}
}

func missingBody() reply {
	return v1Refusal(http.StatusBadRequest, "Missingbody", "body is mandatory for this action.")
}

// v1Token is POST /v1.0/oauth2/accessToken with appKey and appSecret as JSON. A body of another content
// type counts as none.
func (d *DingTalk) v1Token(q request) reply {
	var login map[string]any
	if !q.isJSON() || json.Unmarshal(q.body, &login) != nil {
		return missingBody()
	}
	a, ok := d.account(func(a Account) bool { return login["appKey"] == a.AppKey && login["appSecret"] == a.AppSecret })
	if !ok {
		return v1Refusal(http.StatusBadRequest, "invalidClientIdOrSecret", "无效的clientId或者clientSecret")
	}
	return d.v1Success("accessToken", d.org.token(a.of(App)))
}

// v1Ticket is POST /v1.0/oauth2/jsapiTickets with the token in a header, and no body, or an empty object.
func (d *DingTalk) v1Ticket(q request) reply {
	if len(q.body) > 0 && !q.isJSON() {
		return missingBody()
	}
	token := q.header.Get("x-acs-dingtalk-access-token")
	if token == "" {
		return v1Refusal(http.StatusBadRequest, "AuthenticationFailed.MissingParameter",
			"x-acs-dingtalk-access-token is mandatory for this action.")
	}
	h, living := d.org.owner(token)
	if h.kind == Channel || !living {
		return v1Refusal(http.StatusBadRequest, "InvalidAuthentication", "不合法的access_token")
	}
	return d.v1Success("jsapiTicket", d.org.ticket(h))
}

func (q request) isJSON() bool {
	mediaType, _, err := mime.ParseMediaType(q.header.Get("Content-Type"))
	return err == nil && mediaType == "application/json"
}
