package oapi

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"net/url"
	"strconv"
	"time"
)

// Suite is a third-party app (ISV), which many corps authorise. It is safe for
// concurrent use.
type Suite struct{ *Client }

// NewSuite returns a suite whose corps' tokens and tickets come from
// api.dingtalk.com/v1.0, or, legacy, from oapi.dingtalk.com.
func NewSuite(key, secret string, legacy bool, o Options) *Suite {
	if legacy {
		return &Suite{newClient(legacyCorpToken, legacyTicket, key, secret, o)}
	}
	return &Suite{newClient(corpAccessToken, appTicket, key, secret, o)}
}

// The calls for the access token of a corp (pages
// obtain-the-access-token-of-the-authorized-enterprise-1 and
// obtains-the-enterprise-authorized-credential).
var (
	corpAccessToken = endpoint{"oauth2/corpAccessToken", true, "suiteKey", "suiteSecret", "accessToken", "expireIn"}
	legacyCorpToken = endpoint{"service/get_corp_token", false, "", "", "access_token", "expires_in"}
)

// CorpToken asks for the access token of a corp that has authorised the suite. Each call
// brings another one. The lifetime is told as by AccessToken.
func (s *Suite) CorpToken(ctx context.Context, corpID, suiteTicket string) (value string, lifetime time.Duration, err error) {
	if !s.token.v1 {
		return s.grant(ctx, s.token, s.signed(s.token.name, suiteTicket, map[string]string{"auth_corpid": corpID}))
	}
	return s.grant(ctx, s.token, call{
		name: s.token.name, v1: true, suite: true, secrets: []string{suiteTicket},
		body: map[string]string{"suiteKey": s.id, "suiteSecret": s.secret, "authCorpId": corpID, "suiteTicket": suiteTicket},
	})
}

// Agent is one micro app of a suite as it stands in a corp.
type Agent struct {
	ID    string // the agentId, which differs from corp to corp
	AppID string // the appId, which is the micro app's in all of them
}

// Agents asks which agents a corp that has authorised the suite has of it (page
// obtains-the-basic-information-of-an-enterprise). There is a call of v1 for it, too, but
// that needs a token of its own.
func (s *Suite) Agents(ctx context.Context, corpID, suiteTicket string) ([]Agent, error) {
	got, err := do[authInfo](ctx, s.Client, s.signed("service/get_auth_info", suiteTicket,
		map[string]string{"auth_corpid": corpID, "suite_key": s.id}))
	if err != nil {
		return nil, err
	}
	agents := make([]Agent, 0, len(got.Info.Agents))
	for _, a := range got.Info.Agents {
		if id := text(a.ID); id != "" {
			agents = append(agents, Agent{id, text(a.AppID)})
		}
	}
	return agents, nil
}

// authInfo is the answer of get_auth_info. The numbers may be texts.
type authInfo struct {
	Info struct {
		Agents []struct {
			ID    json.RawMessage `json:"agentid"`
			AppID json.RawMessage `json:"appid"`
		} `json:"agent"`
	} `json:"auth_info"`
}

func (a authInfo) missing() string {
	if a.Info.Agents == nil {
		return "auth_info.agent"
	}
	return ""
}

// signed is a call that proves the secret without sending it (page
// the-signature-calculation-method-of-the-third-party-access-interface).
func (s *Suite) signed(name, suiteTicket string, body map[string]string) call {
	now := strconv.FormatInt(time.Now().UnixMilli(), 10)
	signature := sign(s.secret, now, suiteTicket)
	return call{
		name: name, suite: true, body: body, secrets: []string{suiteTicket, signature},
		query: url.Values{"accessKey": {s.id}, "timestamp": {now}, "suiteTicket": {suiteTicket}, "signature": {signature}},
	}
}

// sign is the signature for a time in milliseconds. It is percent-encoded as all of a
// query is, once.
func sign(secret, timestamp, suiteTicket string) string {
	mac := hmac.New(sha256.New, []byte(secret))
	_, _ = mac.Write([]byte(timestamp + "\n" + suiteTicket))
	return base64.StdEncoding.EncodeToString(mac.Sum(nil))
}

// kindOfSuiteCode are the codes that mean something else, or something only, in the calls
// of a suite (page server-api-error-codes-1 and those of the calls).
var kindOfSuiteCode = map[string]Kind{
	"40013":  NotAuthorized, // no such corp
	"40082":  SuiteTicket,
	"41030":  NotAuthorized,
	"853001": Clock, // not in milliseconds
	"853002": Clock, // more than a minute from DingTalk's
	"853003": Credentials,
	"853004": Credentials,
	"853005": SuiteTicket,

	"invalidSuiteTicket": SuiteTicket,
	"invalidSuiteKey":    Credentials,
	"invalidAuthInfo":    NotAuthorized,
	"orgNotAuthApp":      NotAuthorized,
	"orgNotExist":        NotAuthorized,
	"invalidCorpId":      NotAuthorized,
}

// OneCorp says that a rate limit is that of one corp, not of the whole suite.
func (e *Error) OneCorp() bool { return e.Code == "90007" || e.Code == "90008" }
