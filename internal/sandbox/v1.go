package sandbox

import (
	"crypto/rand"
	"encoding/json"
	"mime"
	"net/http"
	"strings"
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

// v1Unified is POST /v1.0/oauth2/<corpid>/token with client_id, client_secret and grant_type as JSON (page
// api-gettoken): the app must be one of that organisation. Both ways it spells its names as OAuth 2 does.
func (d *DingTalk) v1Unified(q request) reply {
	var login map[string]any
	if !q.isJSON() || json.Unmarshal(q.body, &login) != nil {
		return missingBody()
	}
	if login["grant_type"] != "client_credentials" {
		return v1Refusal(http.StatusBadRequest, "unsupported.grant.type", "不支持的授权类型")
	}
	a, ok := d.account(func(a Account) bool { return login["client_id"] == a.AppKey && login["client_secret"] == a.AppSecret })
	switch {
	case !ok:
		return v1Refusal(http.StatusBadRequest, "invalid.client", "无效的client")
	case a.CorpID != unifiedCorp(q.path):
		return v1Refusal(http.StatusUnauthorized, "unauthorized.client", "client未授权")
	}
	return reply{http.StatusOK, fields{"access_token": d.org.token(a.of(App)), "expires_in": d.expiresIn()}}
}

// unifiedCorp is the organisation that a path of that call names, "" for other paths.
func unifiedCorp(path string) string {
	corp, _ := strings.CutPrefix(path, "/v1.0/oauth2/")
	corp, call := strings.CutSuffix(corp, "/token")
	if !call || strings.Contains(corp, "/") {
		return ""
	}
	return corp
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
