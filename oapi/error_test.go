package oapi

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httputil"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"
)

const (
	ofToken  = 1 << iota // the case holds for calls that send the secret
	ofTicket             // for calls that send the access token
	ofBoth   = ofToken | ofTicket
)

func TestEveryRefusalIsSorted(t *testing.T) {
	tests := []struct {
		name   string
		of     int
		status int
		body   string
		kind   Kind
		code   string
	}{
		// Legacy plain, HTTP 200.
		{"system busy", ofBoth, 200, `{"errcode":-1,"errmsg":"系统繁忙"}`, Busy, "-1"},
		{"wrong secret", ofToken, 200, `{"errcode":40001,"errmsg":"获取access_token时Secret错误"}`, Credentials, "40001"},
		{"wrong secret on a ticket", ofTicket, 200, `{"errcode":40001,"errmsg":"access_token无效"}`, Token, "40001"},
		{"bad access token", ofTicket, 200, `{"errcode":40014,"errmsg":"不合法的access_token"}`, Token, "40014"},
		{"bad access token as text", ofTicket, 200, `{"errcode":"40014","errmsg":"不合法的access_token"}`, Token, "40014"},
		{"bad access token as a float", ofTicket, 200, `{"errcode":40014.0,"errmsg":"不合法的access_token"}`, Token, "40014"},
		{"bad access token beside a value", ofTicket, 200, `{"errcode":40014,"ticket":"v","jsapiTicket":"v"}`, Token, "40014"},
		{"expired access token", ofTicket, 200, `{"errcode":42001,"errmsg":"access_token超时"}`, Token, "42001"},
		{"expired access token, older", ofTicket, 200, `{"errcode":33001,"errmsg":"无效的会话"}`, Token, "33001"},
		{"missing access token", ofTicket, 200, `{"errcode":41001,"errmsg":"缺少access_token"}`, Token, "41001"},
		{"bad parameter", ofBoth, 200, `{"errcode":40035,"errmsg":"缺少参数 corpid or appkey"}`, Parameter, "40035"},
		{"temporary code used", ofBoth, 200, `{"errcode":40078,"errmsg":"不存在的临时授权码"}`, Parameter, "40078"},
		{"bad suite token", ofTicket, 200, `{"errcode":40082,"errmsg":"不合法的suite_token"}`, Token, "40082"},
		{"bad suite key", ofToken, 200, `{"errcode":40088,"errmsg":"不合法的suite_key"}`, Credentials, "40088"},
		{"bad corpid", ofToken, 200, `{"errcode":40089,"errmsg":"不合法的corpid或corpsecret"}`, Credentials, "40089"},
		{"bad appkey", ofToken, 200, `{"errcode":40096,"errmsg":"不合法的appKey或appSecret"}`, Credentials, "40096"},
		{"content type", ofBoth, 200, `{"errcode":43004,"errmsg":"需要content-type"}`, Parameter, "43004"},
		{"too many calls", ofBoth, 200, `{"errcode":45009,"errmsg":"接口调用超过限制"}`, RateLimit, "45009"},
		{"user out of scope", ofBoth, 200, `{"errcode":50002,"errmsg":"不在应用可见范围"}`, Permission, "50002"},
		{"no permission", ofBoth, 200, `{"errcode":60011,"errmsg":"没有调用该接口的权限"}`, Permission, "60011"},
		{
			"caller not in the allow list", ofBoth, 200,
			`{"errcode":60020,"errmsg":"访问ip不在白名单之中,request ip=203.0.113.7,appKey(ding1)"}`,
			AllowList, "60020",
		},
		{"user not found", ofBoth, 200, `{"errcode":60121,"errmsg":"找不到该用户"}`, Other, "60121"},
		{"global QPS", ofBoth, 200, `{"errcode":90002,"errmsg":"qps"}`, RateLimit, "90002"},
		{"app QPS", ofBoth, 200, `{"errcode":90018,"errmsg":"qps"}`, RateLimit, "90018"},
		{"monthly quota", ofBoth, 200, `{"errcode":90020,"errmsg":"quota"}`, RateLimit, "90020"},
		{"unknown number", ofBoth, 200, `{"errcode":123456,"errmsg":"?"}`, Other, "123456"},
		{"unknown path", ofBoth, 200, `{"errcode":404,"errmsg":"请求的URI地址不存在"}`, Parameter, "404"},
		{"errcode an object", ofBoth, 200, `{"errcode":{"code":0},"access_token":"v","ticket":"v","accessToken":"v","jsapiTicket":"v"}`, Other, "…"},
		{"errcode of another type", ofBoth, 200, `{"errcode":true,"access_token":"v","ticket":"v","accessToken":"v","jsapiTicket":"v"}`, Other, "true"},

		// The topapi wrapper.
		{
			"wrapped token error", ofTicket, 200,
			`{"errcode":88,"sub_code":"40014","sub_msg":"不合法的access_token","errmsg":"ding talk error[subcode=40014]","request_id":"r"}`,
			Token, "40014",
		},
		{"wrapped, sub_code a number", ofBoth, 200, `{"errcode":"88","sub_code":90018,"errmsg":"x"}`, RateLimit, "90018"},
		{"wrapped allow list", ofBoth, 200, `{"errcode":88,"sub_code":"60020","sub_msg":"request ip=2001:db8::7"}`, AllowList, "60020"},
		{"wrapped without sub_code", ofBoth, 200, `{"errcode":88,"errmsg":"ding talk error"}`, Other, "88"},

		// v1.
		{"wrong client", ofToken, 400, `{"code":"invalidClientIdOrSecret","requestid":"r","message":"无效的clientId或者clientSecret"}`, Credentials, "invalidClientIdOrSecret"},
		{"wrong client on a ticket", ofTicket, 400, `{"code":"invalidClientIdOrSecret","requestid":"r","message":"x"}`, Token, "invalidClientIdOrSecret"},
		{"authentication", ofTicket, 400, `{"code":"InvalidAuthentication","message":"不合法的access_token"}`, Token, "InvalidAuthentication"},
		{"authentication of a token call", ofToken, 400, `{"code":"InvalidAuthentication","message":"x"}`, Credentials, "InvalidAuthentication"},
		{"missing header", ofTicket, 400, `{"code":"AuthenticationFailed.MissingParameter","message":"x"}`, Token, "AuthenticationFailed.MissingParameter"},
		{"missing body", ofBoth, 400, `{"code":"Missingbody","message":"body is mandatory"}`, Parameter, "Missingbody"},
		{"busy", ofBoth, 500, `{"code":"systemBusy","message":"系统繁忙"}`, Busy, "systemBusy"},
		{
			"v1 allow list", ofBoth, 403,
			`{"code":"Forbidden.AccessDenied.IpNotInWhiteList","message":"ip [198.51.100.4] is not in white list","accessdenieddetail":{}}`,
			AllowList, "Forbidden.AccessDenied.IpNotInWhiteList",
		},
		{"v1 allow list without address", ofBoth, 403, `{"code":"Forbidden.AccessDenied.IpNotInWhiteList","message":"no"}`, AllowList, "Forbidden.AccessDenied.IpNotInWhiteList"},
		{"v1 permission", ofBoth, 403, `{"code":"Forbidden.AccessDenied.AccessTokenPermissionDenied","message":"应用尚未开通所需的权限"}`, Permission, "Forbidden.AccessDenied.AccessTokenPermissionDenied"},
		{"v1 app QPS", ofBoth, 403, `{"code":"Forbidden.AccessDenied.QpsLimitForAppkeyAndApi"}`, RateLimit, "Forbidden.AccessDenied.QpsLimitForAppkeyAndApi"},
		{"v1 QPS", ofBoth, 403, `{"code":"Forbidden.AccessDenied.QpsLimitForApi"}`, RateLimit, "Forbidden.AccessDenied.QpsLimitForApi"},
		{"v1 QPM", ofBoth, 403, `{"code":"Forbidden.AccessDenied.QpmLimitForApi"}`, RateLimit, "Forbidden.AccessDenied.QpmLimitForApi"},
		{"v1 quota", ofBoth, 403, `{"code":"Forbidden.AccessDenied.ApiCountLimitForOrg"}`, RateLimit, "Forbidden.AccessDenied.ApiCountLimitForOrg"},
		{"number as text", ofToken, 400, `{"code":"40096","message":"x"}`, Credentials, "40096"},
		{"number as number", ofTicket, 400, `{"code":40014,"message":"x"}`, Token, "40014"},
		{"unified wrong client", ofToken, 400, `{"code":"invalid.client"}`, Credentials, "invalid.client"},
		{"unified grant type", ofBoth, 400, `{"code":"unsupported.grant.type"}`, Parameter, "unsupported.grant.type"},
		{"unified unauthorized", ofToken, 401, `{"code":"unauthorized.client"}`, Credentials, "unauthorized.client"},
		{"unified server error", ofBoth, 500, `{"code":"server.error"}`, Busy, "server.error"},
		{"a refusal with HTTP 200", ofToken, 200, `{"code":"invalidClientIdOrSecret"}`, Credentials, "invalidClientIdOrSecret"},
		{"unknown text", ofBoth, 400, `{"code":"Something.New","message":"?"}`, Other, "Something.New"},
		{"unknown text, 401", ofTicket, 401, `{"code":"Something.New"}`, Token, "Something.New"},
		{"unknown text, 404", ofBoth, 404, `{"code":"InvalidAction.NotFound"}`, Parameter, "InvalidAction.NotFound"},

		// By status alone.
		{"a known code beats the status", ofToken, 500, `{"code":"invalidClientIdOrSecret"}`, Credentials, "invalidClientIdOrSecret"},
		{"429 with JSON", ofBoth, 429, `{"message":"slow"}`, RateLimit, ""},
		{"429 with HTML", ofBoth, 429, `<html>slow</html>`, RateLimit, ""},
		{"503 with JSON", ofBoth, 503, `{"code":"Odd"}`, Busy, "Odd"},
		{"502 with HTML", ofBoth, 502, `<html>bad gateway</html>`, Busy, ""},
		{"500 with a value", ofBoth, 500, `{"access_token":"v","ticket":"v","accessToken":"v","jsapiTicket":"v"}`, Busy, ""},
		{"400 with a value", ofBoth, 400, `{"access_token":"v","ticket":"v","accessToken":"v","jsapiTicket":"v"}`, Other, ""},

		// The IP ban.
		{"ban", ofBoth, 200, `{"status":1111,"wait":5,"source":"x5","punish":"deny","uuid":"u"}`, RateLimit, "1111"},
		{"ban, 403", ofBoth, 403, `{"status":"1111","wait":5,"source":"x5","punish":"deny","uuid":"u"}`, RateLimit, "1111"},
		{"another status", ofBoth, 400, `{"status":400,"error":"Bad Request"}`, Other, ""},

		// Not DingTalk.
		{"HTML", ofBoth, 200, `<!DOCTYPE html><html><title>Login</title></html>`, Garbage, ""},
		{"HTML, 403", ofBoth, 403, `<html>forbidden</html>`, Garbage, ""},
		{"HTML, 404", ofBoth, 404, `<html>not found</html>`, Garbage, ""},
		{"nothing", ofBoth, 200, ``, Garbage, ""},
		{"no content", ofBoth, 204, ``, Garbage, ""},
		{"cut off", ofBoth, 200, `{"errcode":0,"access_token":"v","ticket":"v","accessToken":"v","jsapiTicket":"v"`, Garbage, ""},
		{"more than one", ofBoth, 200, `{"access_token":"v"}{"access_token":"v"}`, Garbage, ""},
		{"an array", ofBoth, 200, `[{"access_token":"v"}]`, Garbage, ""},
		{"null", ofBoth, 200, `null`, Garbage, ""},
		{"a string", ofBoth, 200, `"access_token"`, Garbage, ""},
		{"deep", ofBoth, 200, strings.Repeat(`{"a":`, 11000), Garbage, ""},
		{"no value", ofBoth, 200, `{"errcode":0,"errmsg":"ok"}`, Garbage, ""},
		{"64 KiB and more", ofBoth, 200, `{"access_token":"v","ticket":"v","accessToken":"v","jsapiTicket":"v"}` + strings.Repeat(" ", bodyLimit), Garbage, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			base := serve(t, answer(tt.status, tt.body))
			for _, call := range apiCalls {
				if isTicket := strings.Contains(call.name, "ticket"); isTicket && tt.of&ofTicket == 0 || !isTicket && tt.of&ofToken == 0 {
					continue
				}
				value, lifetime, err := call.at(base)
				if value != "" || lifetime != 0 {
					t.Errorf("%s: an error with the value %q, %v", call.name, value, lifetime)
				}
				e := failed(t, err)
				if e.Kind != tt.kind || e.Code != tt.code || e.Status != tt.status {
					t.Errorf("%s: %v is of kind %v, code %q, status %d", call.name, e, e.Kind, e.Code, e.Status)
				}
				if e.TokenRejected() != (tt.kind == Token) || e.RateLimited() != (tt.kind == RateLimit) {
					t.Errorf("%s: token rejected %t, rate limited %t", call.name, e.TokenRejected(), e.RateLimited())
				}
			}
		})
	}
}

func TestErrorsNameTheCall(t *testing.T) {
	want := []string{
		"oauth2/accessToken", "oauth2/jsapiTickets", "gettoken", "get_jsapi_ticket", "gettoken", "get_jsapi_ticket",
		"channel/get_channel_token", "channel/get_channel_jsapi_ticket",
	}
	base := serve(t, answer(400, `{"errcode":40035,"errmsg":"缺少参数"}`))
	for i, call := range apiCalls {
		_, _, err := call.at(base)
		e := failed(t, err)
		if e.Call != want[i] || e.Error() != "calling "+want[i]+": refused with 40035: HTTP status 400: 缺少参数" {
			t.Errorf("%s gives call %q, error %q", call.name, e.Call, e)
		}
	}
}

func TestTheCallersAddressIsFoundInTheMessage(t *testing.T) {
	tests := map[string]string{
		"访问ip不在白名单之中,request ip=203.0.113.7,appKey(ding1)":       "203.0.113.7",
		"访问ip不在白名单之中，request ip=203.0.113.7 corpId(dingab12)":    "203.0.113.7",
		"gateway 10.0.0.1 says request ip=203.0.113.7.":          "203.0.113.7",
		"request ip=2001:db8::7,appKey(x)":                       "2001:db8::7",
		"request ip=::ffff:203.0.113.7":                          "203.0.113.7",
		"ip:203.0.113.7不在白名单":                                    "203.0.113.7",
		"not in whitelist: [203.0.113.7]":                        "203.0.113.7",
		"not in whitelist":                                       "",
		"request ip=,appKey(dingabc)":                            "",
		"request ip=999.1.1.1":                                   "",
		"a :: b, v1.2.3":                                         "",
		"":                                                       "",
		"request ip=203.0.113.7,request ip=198.51.100.1 (twice)": "203.0.113.7",
	}
	for message, want := range tests {
		if got := (&Error{Kind: AllowList, Message: message}).Address(); got != want {
			t.Errorf("%q: got %q, want %q", message, got, want)
		}
	}
}

// TestNoErrorRepeatsWhatTheServerEchoes has a server that puts the request
// into every field of its refusal, in all the ways a gateway might write it.
func TestNoErrorRepeatsWhatTheServerEchoes(t *testing.T) {
	lowerHex := func(s string) string {
		return regexp.MustCompile("%[0-9A-F]{2}").ReplaceAllStringFunc(s, strings.ToLower)
	}
	broken := func(s string) string { return strings.Join(strings.Split(s, ""), "\x00\n\u200b") }
	echoes := map[string]func(dump, credential string) string{
		"the dump of the request":         func(dump, _ string) string { return dump },
		"the bare credential":             func(_, c string) string { return c },
		"the credential, query-escaped":   func(_, c string) string { return url.QueryEscape(c) },
		"the same in lower case":          func(_, c string) string { return lowerHex(url.QueryEscape(c)) },
		"the credential, path-escaped":    func(_, c string) string { return lowerHex(url.PathEscape(c)) },
		"the credential, as JSON":         func(_, c string) string { return "got " + quote(c) },
		"the credential, as JSON in JSON": func(_, c string) string { return quote(quote(c)) + fmt.Sprintf("%q", fmt.Sprintf("%q", c)) },
		"the credential, escaped twice":   func(_, c string) string { return url.QueryEscape(url.QueryEscape(c)) },
		"the credential between its like": func(_, c string) string { return c + c + "x" + c },
		"the credential in pieces":        func(_, c string) string { return broken(c) },
		"the credential far behind":       func(_, c string) string { return strings.Repeat("长", 95) + c + strings.Repeat(c, 50) },
	}
	shapes := []string{
		`{"errcode":40035,"errmsg":%[1]s}`,
		`{"errcode":%[1]s,"errmsg":%[1]s}`,
		`{"errcode":88,"sub_code":%[1]s,"sub_msg":%[1]s,"errmsg":%[1]s}`,
		`{"errcode":88,"sub_code":"1","errmsg":%[1]s}`,
		`{"code":%[1]s,"message":%[1]s}`,
		`{"errcode":1,"errmsg":{"request":%[1]s}}`,
		`{"errcode":0,"errmsg":%[1]s,"message":%[1]s}`,
		`<html>%[1]s</html>`,
	}
	for _, call := range apiCalls[:4] { // one of each way to send a credential
		credential := testSecret
		if strings.Contains(call.name, "ticket") {
			credential = testToken
		}
		for name, echo := range echoes {
			for _, shape := range shapes {
				for _, status := range []int{200, 302} {
					base := serve(t, func(w http.ResponseWriter, r *http.Request) {
						dump, _ := httputil.DumpRequest(r, true)
						w.Header().Set("Location", "http://"+url.PathEscape(echo(string(dump), credential))+".example/"+r.RequestURI)
						w.WriteHeader(status)
						fmt.Fprintf(w, shape, quote(echo(string(dump), credential)))
					})
					_, _, err := call.at(base)
					failed(t, err)
					if t.Failed() {
						t.Fatalf("%s, %s as %s", call.name, name, shape)
					}
				}
			}
		}
	}
}

func TestATokenBesideARefusalIsNotRepeated(t *testing.T) {
	base := serve(t, answer(200, `{"errcode":1,"errmsg":"issued zZ-fresh","access_token":"zZ-fresh"}`))
	_, _, err := apiCalls[2].at(base)
	if e := failed(t, err); e.Message != "issued [secret]" {
		t.Errorf("message %q", e.Message)
	}
}

func TestMessagesAreCutAtACharacterAndKeptOtherwise(t *testing.T) {
	tests := map[string]string{
		"不合法的appKey或appSecret，ok":              "不合法的appKey或appSecret，ok",
		"  two\r\nlines\x1b[31m \u202e ":       "twolines[31m",
		strings.Repeat("a", 300):               strings.Repeat("a", 300),
		strings.Repeat("a", 301):               strings.Repeat("a", 297) + "…",
		strings.Repeat("长", 101):               strings.Repeat("长", 99) + "…",
		"a" + strings.Repeat("长", 101):         "a" + strings.Repeat("长", 98) + "…",
		"a [secret] is no secret of this call": "a [secret] is no secret of this call",
	}
	for message, want := range tests {
		base := serve(t, answer(200, `{"errcode":1,"errmsg":`+quote(message)+`}`))
		_, _, err := apiCalls[2].at(base)
		if e := failed(t, err); e.Message != want {
			t.Errorf("%q becomes %q, want %q", message, e.Message, want)
		}
	}
}

func TestAnEmptySecretHidesNothing(t *testing.T) {
	base := serve(t, answer(200, `{"errcode":40035,"errmsg":"缺少参数"}`))
	o := Options{OAPI: base}
	_, _, err := NewLegacyApp("", "", o).AccessToken(t.Context())
	if e := failed(t, err); e.Message != "缺少参数" {
		t.Errorf("message %q", e.Message)
	}
}

func TestTheSearchForSecretsHasBounds(t *testing.T) {
	long := strings.Repeat("😀", maxSearched/4)
	tests := []struct{ name, secret, message, want string }{
		{"a message too long to search", testSecret, strings.Repeat("a", maxSearched) + testSecret, "…"},
		{"a secret as long as the message", long, long, "[secret]"},
		{"a secret that cannot be in the message", strings.Repeat("s", 1<<20), "缺少参数", "缺少参数"},
		{"a secret that does not print", "\x00\n", "缺少参数", "缺少参数"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := (redactor{"https://h.example/", []string{tt.secret}}).clean(tt.message, maxMessage); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

func TestKindsHaveStableNames(t *testing.T) {
	want := map[Kind]string{
		Other: "other", Network: "network", Timeout: "timeout", Garbage: "garbage", Busy: "busy", Credentials: "credentials",
		AllowList: "allow_list", Permission: "permission", RateLimit: "rate_limit", Token: "token", Parameter: "parameter",
		SuiteTicket: "suite_ticket", NotAuthorized: "not_authorized", Clock: "clock",
		Kind(-1): "other", Kind(99): "other",
	}
	for kind, name := range want {
		if kind.String() != name {
			t.Errorf("%d is %q, want %q", kind, kind, name)
		}
	}
	if len(kindNames) != int(Clock)+1 {
		t.Errorf("%d names", len(kindNames))
	}
}

// readGrant reads an answer to the call of a row.
func readGrant(e endpoint, status int, body []byte) (string, time.Duration, error) {
	made := e.login("id", testSecret)
	if e.id == "" {
		made = e.ticket(testToken)
	}
	got, err := made.read(status, body, redactor{"https://h.example/?s=x", []string{testSecret, testToken}})
	if err != nil {
		return "", 0, err
	}
	return e.granted(got)
}

// FuzzRead has any body and status read as the answer to any call.
func FuzzRead(f *testing.F) {
	for _, body := range []string{
		`{"accessToken":"v","expireIn":7200}`, `{"errcode":0,"access_token":"v","expires_in":7200}`,
		`{"errcode":88,"sub_code":"40014"}`, `{"code":"x","message":"m"}`, `{"status":1111}`, `<html>`, `null`, ``, `{"errcode":1e400}`,
		`{"accessToken":"\ud800"}`, `{"errcode":60020,"errmsg":"request ip=1.2.3.4"}`, `{"errcode":" "}`, "\xef\xbb\xbf{}",
	} {
		f.Add(200, []byte(body))
		f.Add(400, []byte(body))
	}
	all := []endpoint{appToken, appTicket, legacyToken, corpToken, legacyTicket, channelToken, channelTicket}
	f.Fuzz(func(t *testing.T, status int, body []byte) {
		for _, e := range all {
			value, lifetime, err := readGrant(e, status, body)
			if err == nil {
				if !isToken(value) || status/100 != 2 || lifetime < 0 || lifetime.Hours() > 24 {
					t.Fatalf("success with %q, %v, status %d", value, lifetime, status)
				}
				continue
			}
			var failure *Error
			if !errors.As(err, &failure) || value != "" || lifetime != 0 {
				t.Fatalf("got %q, %v, %v", value, lifetime, err)
			}
			if len(failure.Message) > maxMessage || len(failure.Code) > maxCode || failure.Error() == "" {
				t.Fatalf("bad error %+v", failure)
			}
			if text := failure.Error() + failure.Address() + failure.Scope(); printable(text) != text ||
				strings.Contains(text, testSecret) || strings.Contains(text, testToken) {
				t.Fatalf("the error shows too much: %q", text)
			}
		}
	})
}

func TestThePermissionThatIsMissingIsFoundInTheMessage(t *testing.T) {
	tests := map[string]string{
		"应用尚未开通所需的权限：[qyapi_get_member]，点击链接申请并开通即可：https://open-dev.dingtalk.com/appscope/apply?content=x": "qyapi_get_member",
		"应用尚未开通所需的权限：[Contact.User.Read]": "Contact.User.Read",
		"缺少权限【qyapi_base】":                "qyapi_base",
		"应用尚未开通所需的权限":                     "",
		"[]":                              "",
		"[1234]":                          "",
		"[a b]":                           "",
	}
	for message, want := range tests {
		if got := (&Error{Kind: Permission, Message: message}).Scope(); got != want {
			t.Errorf("%q: got %q, want %q", message, got, want)
		}
		if got := (&Error{Kind: Busy, Message: message}).Scope(); got != "" {
			t.Errorf("%q: a failure of another kind lacks %q", message, got)
		}
	}
}
