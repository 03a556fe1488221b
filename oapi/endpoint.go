package oapi

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// place says how a call carries its credentials, and with that of which of
// DingTalk's two families it is. They do not cross over: oapi.dingtalk.com
// ignores the header, api.dingtalk.com/v1.0 the query.
type place int

const (
	inQuery  place = iota // oapi: GET, and HTTP 200 also for refusals
	inBody                // v1: POST, as the fields of a JSON object
	inHeader              // v1: POST, beside an empty JSON object
)

// endpoint is a row of the table below: one call, as DingTalk spells it.
type endpoint struct {
	call            string // the path behind the base, and Error.Call
	place           place
	id, secret      string // names of what is sent; a ticket call sends an access token alone
	value, lifetime string // names of what is answered
}

// The table. Sources: DingTalk pages obtain-the-access-token-of-an-internal-app,
// create-a-jsapi-ticket, obtain-orgapp-token and obtain-jsapi-ticket; the
// channel calls as old SDKs make them.
var (
	appToken  = endpoint{"oauth2/accessToken", inBody, "appKey", "appSecret", "accessToken", "expireIn"}
	appTicket = endpoint{"oauth2/jsapiTickets", inHeader, "", "x-acs-dingtalk-access-token", "jsapiTicket", "expireIn"}

	legacyToken  = endpoint{"gettoken", inQuery, "appkey", "appsecret", "access_token", "expires_in"}
	corpToken    = endpoint{"gettoken", inQuery, "corpid", "corpsecret", "access_token", "expires_in"}
	legacyTicket = endpoint{"get_jsapi_ticket", inQuery, "", "access_token", "ticket", "expires_in"}

	channelToken  = endpoint{"channel/get_channel_token", inQuery, "corpid", "channel_secret", "access_token", "expires_in"}
	channelTicket = endpoint{"channel/get_channel_jsapi_ticket", inQuery, "", "access_token", "ticket", "expires_in"}
)

func (e endpoint) isTicket() bool { return e.id == "" }

var errBase = errors.New("the base is no http or https URL")

// request builds the call. Its error tells nothing of the credentials, nor of
// the base, where somebody may have put a password.
func (e endpoint) request(ctx context.Context, o Options, id, secret string) (*http.Request, error) {
	method, base := http.MethodPost, strings.TrimRight(o.API, "/")+"/v1.0/"
	if e.place == inQuery {
		method, base = http.MethodGet, strings.TrimRight(o.OAPI, "/")+"/"
	}
	u, err := url.Parse(base + e.call)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return nil, errBase
	}

	header := http.Header{"Accept": {"application/json"}, "User-Agent": {o.UserAgent}}
	var body string
	switch e.place {
	case inQuery:
		query := url.Values{e.secret: {secret}}
		if !e.isTicket() {
			query.Set(e.id, id)
		}
		u.RawQuery = query.Encode()
	case inBody:
		fields, _ := json.Marshal(map[string]string{e.id: id, e.secret: secret}) // strings always marshal
		body = string(fields)
	case inHeader:
		header.Set(e.secret, secret)
		body = "{}"
	}
	if body != "" {
		header.Set("Content-Type", "application/json")
	}

	req, err := http.NewRequestWithContext(ctx, method, u.String(), strings.NewReader(body))
	if err != nil {
		return nil, errBase
	}
	req.Header = header
	return req, nil
}

// read turns an answer into the value and its lifetime, or into the error that
// it stands for. It is a success only if the HTTP status is 2xx, errcode is
// absent or 0, and the value is one.
func (e endpoint) read(status int, body []byte, hide redactor) (string, time.Duration, error) {
	failure := &Error{Call: e.call, Status: status}
	var fields map[string]json.RawMessage
	switch {
	case len(body) > bodyLimit:
		failure.Err = fmt.Errorf("the answer is longer than %d KiB", bodyLimit>>10)
	case json.Unmarshal(body, &fields) != nil || fields == nil:
		failure.Err = errors.New("the answer is no JSON object")
	}
	if failure.Err != nil {
		if failure.Kind = kindOfStatus(status); failure.Kind == Other {
			failure.Kind = Garbage
		}
		return "", 0, failure
	}

	var value string
	_ = json.Unmarshal(fields[e.value], &value) // anything but a string is no value
	code, message, refused := refusal(fields)
	if status/100 == 2 && !refused && isToken(value) {
		return value, lifetime(fields[e.lifetime]), nil
	}
	if status/100 == 2 && code == "" {
		failure.Kind = Garbage
		failure.Err = fmt.Errorf("the answer has no usable %s", e.value)
		return "", 0, failure
	}
	if isToken(value) {
		hide.secrets = append(hide.secrets, value)
	}
	failure.Kind = e.kind(status, code)
	failure.Code = hide.clean(code, maxCode)
	failure.Message = hide.clean(message, maxMessage)
	return "", 0, failure
}

// refusal finds the code and the message in any of the shapes that DingTalk
// gives an error. Refused says that errcode alone rules out a success.
func refusal(fields map[string]json.RawMessage) (code, message string, refused bool) {
	code, message = text(fields["errcode"]), text(fields["errmsg"])
	switch code {
	default:
		return code, message, true
	case "88": // a wrapper: "ding talk error[subcode=40014,submsg=…]"
		if sub := text(fields["sub_code"]); sub != "" {
			return sub, cmp.Or(text(fields["sub_msg"]), message), true
		}
		return code, message, true
	case "", "0":
	}
	code, message = text(fields["code"]), text(fields["message"])
	switch {
	case code == "0":
		code = ""
	case code == "" && text(fields["status"]) == codeBanned:
		code = codeBanned
	}
	return code, message, false
}

// text is a field's text. Numbers are taken for codes, which some gateways
// write as 40014.0. Objects and lists are not spelled out: escaped twice, a
// secret that the server echoes in one would not be found.
func text(raw json.RawMessage) string {
	var s string
	if len(raw) == 0 || json.Unmarshal(raw, &s) == nil { // also null
		return strings.TrimSpace(s)
	}
	if n, err := strconv.ParseFloat(string(raw), 64); err == nil && n == math.Trunc(n) && math.Abs(n) < 1e15 {
		return strconv.FormatInt(int64(n), 10)
	}
	if raw[0] == '{' || raw[0] == '[' {
		return "…"
	}
	return string(raw)
}

// isToken tells whether a value can be sent back in a header and a query.
func isToken(value string) bool {
	for _, c := range []byte(value) {
		if c <= ' ' || c > '~' {
			return false
		}
	}
	return value != "" && len(value) <= 512
}

// lifetime reads whole seconds, 1 to 86400 (a ticket lives 24 hours at most);
// anything else is 0.
func lifetime(raw json.RawMessage) time.Duration {
	seconds, err := strconv.ParseFloat(string(raw), 64)
	if err != nil || !(seconds > 0 && seconds <= 24*60*60) {
		return 0
	}
	return time.Duration(seconds) * time.Second
}
