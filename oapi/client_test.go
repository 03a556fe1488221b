package oapi

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"
	"unicode"
)

// Credentials that every kind of escaping changes.
const (
	testSecret = `S3cret/+=&%"<é> x_9`
	testToken  = `t0ken+/=&%41"<~>zZ`
)

// apiCall is one call of the package as a user makes it.
type apiCall struct {
	name string
	new  func(id, secret string, o Options) *Client
	make func(context.Context, *Client) (string, time.Duration, error)
}

func token(ctx context.Context, c *Client) (string, time.Duration, error) { return c.AccessToken(ctx) }
func ticket(ctx context.Context, c *Client) (string, time.Duration, error) {
	return c.Ticket(ctx, testToken)
}

// apiCalls are all of them.
var apiCalls = []apiCall{
	{"access token of an app", NewApp, token},
	{"ticket of an app", NewApp, ticket},
	{"access token of a legacy app", NewLegacyApp, token},
	{"ticket of a legacy app", NewLegacyApp, ticket},
	{"access token of a corp", NewCorp, token},
	{"ticket of a corp", NewCorp, ticket},
	{"access token of a channel", NewChannel, token},
	{"ticket of a channel", NewChannel, ticket},
}

// at makes the call against a base that serves both families.
func (a apiCall) at(base string) (string, time.Duration, error) {
	return a.with(Options{API: base, OAPI: base})
}

func (a apiCall) with(o Options) (string, time.Duration, error) {
	return a.make(context.Background(), a.new("ding+id", testSecret, o))
}

func serve(t *testing.T, h http.HandlerFunc) string {
	t.Helper()
	server := httptest.NewServer(h)
	t.Cleanup(server.Close)
	return server.URL
}

func answer(status int, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(status)
		io.WriteString(w, body)
	}
}

// failed asserts what holds for every error of the package, and returns it.
func failed(t *testing.T, err error) *Error {
	t.Helper()
	var e *Error
	if !errors.As(err, &e) {
		t.Fatalf("got %v (%T), want an *Error", err, err)
	}
	if e.Call == "" || e.Error() == "" {
		t.Errorf("the error says too little: %+v", e)
	}
	if want := strings.Contains(e.Call, "oauth2/") || strings.Contains(e.Call, "contact/"); e.V1 != want {
		t.Errorf("%s is of v1: %t", e.Call, e.V1)
	}
	if len(e.Message) > maxMessage || len(e.Code) > maxCode {
		t.Errorf("message of %d bytes, code of %d", len(e.Message), len(e.Code))
	}
	texts := []string{e.Code, e.Message, e.Address(), e.Scope(), fmt.Sprintf("%v %+v %#v %q", err, e, e, e)}
	for err := error(e); err != nil; err = errors.Unwrap(err) {
		texts = append(texts, err.Error(), fmt.Sprintf("%+v %#v", err, err))
	}
	encoded, err := json.Marshal(e)
	if err != nil {
		t.Error(err)
	}
	for _, text := range append(texts, string(encoded)) {
		withoutSecrets(t, text)
	}
	for _, r := range e.Error() {
		if !unicode.IsPrint(r) {
			t.Errorf("the error holds %U: %q", r, e.Error())
		}
	}
	return e
}

// withoutSecrets fails on a secret in any form, whatever the escaping.
func withoutSecrets(t *testing.T, text string) {
	t.Helper()
	forms := []string{text}
	if plain, err := url.PathUnescape(text); err == nil {
		forms = append(forms, plain)
	}
	if plain, err := url.QueryUnescape(text); err == nil {
		forms = append(forms, plain)
	}
	for _, form := range forms {
		// The first characters that no escaping touches, and the last.
		for _, part := range []string{testSecret, testToken, "S3cret", "x_9", "t0ken", "zZ"} {
			if strings.Contains(form, part) {
				t.Errorf("%q shows the secret's %q", text, part)
			}
		}
	}
}

func TestEveryCallIsMadeExactlyAsDingTalkDescribesIt(t *testing.T) {
	q := url.QueryEscape
	const jsonType = "application/json"
	tests := []struct {
		request, body, contentType, tokenHeader string
		answer                                  string
	}{
		{
			"POST /v1.0/oauth2/accessToken", `{"appKey":"ding+id","appSecret":` + quote(testSecret) + `}`, jsonType, "",
			`{"accessToken":"v-1","expireIn":7200}`,
		},
		{
			"POST /v1.0/oauth2/jsapiTickets", `{}`, jsonType, testToken,
			`{"jsapiTicket":"v-1","expireIn":7200}`,
		},
		{
			"GET /gettoken?appkey=ding%2Bid&appsecret=" + q(testSecret), "", "", "",
			`{"errcode":0,"errmsg":"ok","access_token":"v-1","expires_in":7200}`,
		},
		{
			"GET /get_jsapi_ticket?access_token=" + q(testToken), "", "", "",
			`{"errcode":0,"errmsg":"ok","ticket":"v-1","expires_in":7200}`,
		},
		{
			"GET /gettoken?corpid=ding%2Bid&corpsecret=" + q(testSecret), "", "", "",
			`{"errcode":0,"errmsg":"ok","access_token":"v-1","expires_in":7200}`,
		},
		{
			"GET /get_jsapi_ticket?access_token=" + q(testToken), "", "", "",
			`{"errcode":0,"errmsg":"ok","ticket":"v-1","expires_in":7200}`,
		},
		{
			"GET /channel/get_channel_token?channel_secret=" + q(testSecret) + "&corpid=ding%2Bid", "", "", "",
			`{"errcode":0,"errmsg":"ok","access_token":"v-1","expires_in":7200}`,
		},
		{
			"GET /channel/get_channel_jsapi_ticket?access_token=" + q(testToken), "", "", "",
			`{"errcode":0,"errmsg":"ok","ticket":"v-1","expires_in":7200}`,
		},
	}
	for i, call := range apiCalls {
		tt := tests[i]
		for _, prefix := range []string{"", "/dedicated"} {
			t.Run(call.name+" below "+prefix+"/", func(t *testing.T) {
				var calls int
				base := serve(t, func(w http.ResponseWriter, r *http.Request) {
					calls++
					body, _ := io.ReadAll(r.Body)
					method, path, _ := strings.Cut(tt.request, " ")
					if r.Method != method || r.RequestURI != prefix+path {
						t.Errorf("request %s %s, want %s", r.Method, r.RequestURI, tt.request)
					}
					if !sameJSON(string(body), tt.body) {
						t.Errorf("body %q, want %q", body, tt.body)
					}
					want := http.Header{"Accept": {"application/json"}, "Connection": {"close"}, "User-Agent": {"test/1"}}
					if tt.body != "" {
						want.Set("Content-Length", fmt.Sprint(len(body)))
						want.Set("Content-Type", tt.contentType)
					}
					if tt.tokenHeader != "" {
						want.Set("x-acs-dingtalk-access-token", tt.tokenHeader)
					}
					if got, want := fmt.Sprint(r.Header), fmt.Sprint(want); got != want {
						t.Errorf("headers\n%s, want\n%s", got, want)
					}
					// A cookie must not come back with the second call.
					http.SetCookie(w, &http.Cookie{Name: "session", Value: "1", Path: "/"})
					io.WriteString(w, tt.answer)
				})
				// A base may end in a slash.
				o := Options{API: base + prefix + "/", OAPI: base + prefix, UserAgent: "test/1"}
				for range 2 {
					value, lifetime, err := call.with(o)
					if value != "v-1" || lifetime != 2*time.Hour || err != nil {
						t.Errorf("got %q, %v, %v", value, lifetime, err)
					}
				}
				if calls != 2 {
					t.Errorf("%d calls arrived, want 2: nothing is cached, nothing repeated", calls)
				}
			})
		}
	}
}

func TestTheFamiliesHaveTheirOwnBases(t *testing.T) {
	var api, oapi int
	o := Options{
		API:  serve(t, func(w http.ResponseWriter, _ *http.Request) { api++; io.WriteString(w, `{"accessToken":"v"}`) }),
		OAPI: serve(t, func(w http.ResponseWriter, _ *http.Request) { oapi++; io.WriteString(w, `{"access_token":"v"}`) }),
	}
	for _, call := range apiCalls {
		call.with(o)
	}
	if api != 2 || oapi != 6 {
		t.Errorf("api got %d calls, oapi %d, want 2 and 6", api, oapi)
	}
}

// capture is a transport that notes the request and answers nothing.
type capture struct{ got *http.Request }

func (c *capture) RoundTrip(r *http.Request) (*http.Response, error) {
	c.got = r
	return nil, errors.New("captured")
}

func TestTheDefaultsAreDingTalksOwnHosts(t *testing.T) {
	for _, call := range apiCalls {
		var c capture
		_, _, err := call.with(Options{Transport: &c})
		failed(t, err)
		want := "oapi.dingtalk.com"
		if c.got.Method == http.MethodPost {
			want = "api.dingtalk.com"
		}
		if c.got.URL.Scheme != "https" || c.got.URL.Host != want || c.got.UserAgent() != "caddy-dingtalk" {
			t.Errorf("%s goes to %s as %s, want https://%s", call.name, c.got.URL, c.got.UserAgent(), want)
		}
		deadline, ok := c.got.Context().Deadline()
		if left := time.Until(deadline); !ok || left > DefaultTimeout {
			t.Errorf("%s has %v left, want at most %v", call.name, left, DefaultTimeout)
		}
	}
}

func TestLifetimesAreDingTalksOrZero(t *testing.T) {
	tests := map[string]time.Duration{
		`7200`:        2 * time.Hour,
		`7200.0`:      2 * time.Hour,
		`72e2`:        2 * time.Hour,
		`1`:           time.Second,
		`60.9`:        time.Minute,
		`7201`:        7201 * time.Second,
		`86400`:       24 * time.Hour,
		`86401`:       0,
		`86400.5`:     0,
		`0`:           0,
		`0.5`:         0,
		`-1`:          0,
		`-7200`:       0,
		`1e300`:       0,
		`1e999`:       0,
		`-1e999`:      0,
		`"7200"`:      0,
		`""`:          0,
		`null`:        0,
		`true`:        0,
		`[7200]`:      0,
		`{"s":7200}`:  0,
		`99999999999`: 0,
	}
	for literal, want := range tests {
		for _, call := range apiCalls {
			base := serve(t, answer(200, fmt.Sprintf(`{"errcode":0,"accessToken":"v","access_token":"v","jsapiTicket":"v","ticket":"v",`+
				`"expireIn":%[1]s,"expires_in":%[1]s}`, literal)))
			if value, got, err := call.at(base); value != "v" || got != want || err != nil {
				t.Errorf("%s, lifetime %s: got %q, %v, %v, want %v", call.name, literal, value, got, err, want)
			}
		}
	}
	// Each call looks at its own field only.
	base := serve(t, answer(200, `{"accessToken":"v","expires_in":7200}`))
	if value, got, err := apiCalls[0].at(base); value != "v" || got != 0 || err != nil {
		t.Errorf("lifetime missing: got %q, %v, %v", value, got, err)
	}
}

func TestASuccessHasAUsableValueOfTheCallsOwnField(t *testing.T) {
	tests := []struct {
		name, body, want string // "" is Garbage
	}{
		{"as documented", `{"accessToken":"abc"}`, "abc"},
		{"errcode as text", `{"errcode":"0","accessToken":"abc"}`, "abc"},
		{"errcode as a float", `{"errcode":0.0,"accessToken":"abc"}`, "abc"},
		{"errcode null", `{"errcode":null,"accessToken":"abc"}`, "abc"},
		{"as long as can be", `{"accessToken":"` + strings.Repeat("a", 512) + `"}`, strings.Repeat("a", 512)},
		{"too long", `{"accessToken":"` + strings.Repeat("a", 513) + `"}`, ""},
		{"empty", `{"accessToken":""}`, ""},
		{"missing", `{"expireIn":7200}`, ""},
		{"null", `{"accessToken":null}`, ""},
		{"a number", `{"accessToken":12345}`, ""},
		{"an object", `{"accessToken":{"value":"abc"}}`, ""},
		{"blank", `{"accessToken":" "}`, ""},
		{"with a space", `{"accessToken":"a b"}`, ""},
		{"with a line break", `{"accessToken":"a\r\nX-Injected: 1"}`, ""},
		{"not ASCII", `{"accessToken":"é"}`, ""},
		{"the other family's spelling", `{"access_token":"abc"}`, ""},
		{"another case", `{"accesstoken":"abc"}`, ""},
		{"code 0 and nothing else", `{"code":"0"}`, ""},
		{"empty object", `{}`, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			value, _, err := apiCalls[0].at(serve(t, answer(200, tt.body)))
			if value != tt.want {
				t.Errorf("got %q, want %q", value, tt.want)
			}
			if tt.want != "" {
				if err != nil {
					t.Error(err)
				}
				return
			}
			if e := failed(t, err); e.Kind != Garbage || e.Status != 200 || e.Code != "" || !strings.Contains(e.Error(), "accessToken") {
				t.Errorf("got %v, kind %v, want garbage that names the field", e, e.Kind)
			}
		})
	}
}

func TestTheClientPrintsWithoutItsSecret(t *testing.T) {
	c := NewCorp("ding1", testSecret, Options{})
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x"} {
		text := fmt.Sprintf(verb, c)
		withoutSecrets(t, text)
		if !strings.Contains(text, "ding1") {
			t.Errorf("%s gives %q", verb, text)
		}
	}
}

func quote(s string) string {
	b, _ := json.Marshal(s)
	return string(b)
}

func sameJSON(a, b string) bool {
	var x, y any
	if json.Unmarshal([]byte(a), &x) != nil || json.Unmarshal([]byte(b), &y) != nil {
		return a == b
	}
	return fmt.Sprint(x) == fmt.Sprint(y)
}
