package e2e

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/caddy-dingtalk/caddy-dingtalk/internal/sandbox"
	"github.com/caddy-dingtalk/caddy-dingtalk/internal/testsite"
)

// echo answers the headers that the upstream got, and counts.
type echo struct{ requests atomic.Int64 }

func (e *echo) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	e.requests.Add(1)
	_, _ = io.Copy(io.Discard, r.Body)
	got := make(map[string]string)
	for name, values := range r.Header {
		got[name] = strings.Join(values, "|")
	}
	for name := range r.Trailer {
		got["trailer "+name] = r.Trailer.Get(name)
	}
	if strings.Contains(r.Header.Get("Accept"), "text/html") {
		w.Header().Set("Content-Type", "text/html")
		w.Header().Set("ETag", `"same"`)
		fmt.Fprintf(w, "<!DOCTYPE html><html><head></head><body>%s</body></html>", r.Header.Get("X-Dingtalk-User-Id"))
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(got)
}

// loginSite is a site with that login block, and its upstream.
func loginSite(t *testing.T, block string, o sandbox.Options) (*testsite.Site, *echo) {
	t.Helper()
	upstream := new(echo)
	s := testsite.Run(t, testsite.Setup{Upstream: upstream, DingTalk: o, Sites: `http://h5.test:PORT {
	log
	dingtalk {
		import app
		` + block + `
	}
	reverse_proxy UPSTREAM
}
`})
	s.URL = s.At("h5.test")
	return s, upstream
}

// fetch makes a request as a script of the site does.
func fetchAs(t *testing.T, s *testsite.Site, method, path, body, cookie string, headers ...string) *testsite.Answer {
	t.Helper()
	headers = append([]string{"Sec-Fetch-Dest", "empty", "Sec-Fetch-Site", "same-origin", "Accept", "*/*"}, headers...)
	if cookie != "" {
		headers = append(headers, "Cookie", cookie)
	}
	if body != "" {
		headers = append(headers, "Content-Type", "application/json")
	}
	return s.Fetch(t, method, s.URL+path, body, headers...)
}

func visitAs(t *testing.T, s *testsite.Site, path, cookie string, headers ...string) *testsite.Answer {
	t.Helper()
	headers = append([]string{"Sec-Fetch-Dest", "document", "Sec-Fetch-Site", "none", "Accept", "text/html"}, headers...)
	if cookie != "" {
		headers = append(headers, "Cookie", cookie)
	}
	return s.Fetch(t, http.MethodGet, s.URL+path, "", headers...)
}

// signIn signs a user in and returns the cookie.
func signIn(t *testing.T, s *testsite.Site, user string) (cookie string) {
	t.Helper()
	a := fetchAs(t, s, http.MethodPost, "/.dingtalk/login", `{"code":"`+s.Ding.Code("app", user)+`"}`, "")
	if a.Status != http.StatusOK {
		t.Fatalf("signing in: %d %s", a.Status, a.Body)
	}
	return cookieOf(t, a)
}

func cookieOf(t *testing.T, a *testsite.Answer) string {
	t.Helper()
	for _, line := range a.Header["Set-Cookie"] {
		pair, _, _ := strings.Cut(line, ";")
		if name, value, _ := strings.Cut(pair, "="); value != "" && name == "dingtalk-1234567890" {
			return pair
		}
	}
	t.Fatalf("no session in %q", a.Header["Set-Cookie"])
	return ""
}

func codeOf(a *testsite.Answer) string {
	var body struct{ Error struct{ Code, Login string } }
	_ = json.Unmarshal([]byte(a.Body), &body)
	return body.Error.Code
}

func TestWhoIsNotSignedInGetsAPageOrAnErrorAndReachesNothing(t *testing.T) {
	s, upstream := loginSite(t, "login", sandbox.Options{})
	page := visitAs(t, s, "/a?x=1", "")
	if page.Status != 401 || !strings.Contains(page.Body, `data-state="asking"`) || page.Header.Get("Cache-Control") != "no-store" {
		t.Errorf("a document gets %d %s", page.Status, page.Header)
	}
	for name, a := range map[string]*testsite.Answer{
		"a fetch":     fetchAs(t, s, "GET", "/api", "", ""),
		"a preflight": fetchAs(t, s, "OPTIONS", "/api", "", "", "Origin", "https://other.test", "Access-Control-Request-Method", "POST"),
		"a WebSocket": fetchAs(t, s, "GET", "/ws", "", "", "Connection", "Upgrade", "Upgrade", "websocket"),
		"an image":    fetchAs(t, s, "GET", "/a.png", "", "", "Sec-Fetch-Dest", "image"),
		"a PUT":       fetchAs(t, s, "PUT", "/api", `{"a":1}`, ""),
	} {
		if a.Status != 401 || codeOf(a) != "not_signed_in" || a.Header.Get("WWW-Authenticate") != "DingTalk" ||
			!strings.Contains(a.Body, `"login":"/.dingtalk/login"`) || a.Header.Get("Location") != "" {
			t.Errorf("%s gets %d %v %s", name, a.Status, a.Header, a.Body)
		}
	}
	if n := upstream.requests.Load(); n != 0 {
		t.Errorf("%d requests reached the upstream", n)
	}
}

func TestTheUpstreamLearnsWhoAsksAndNobodyElseTellsIt(t *testing.T) {
	s, _ := loginSite(t, "login {\n public /open/*\n detail full\n jwt app1\n}", sandbox.Options{})
	cookie := signIn(t, s, "u1")
	smuggled := []string{"X-DingTalk-User-Id", "evil", "X_DingTalk_Name", "evil", "x.dingtalk-admin", "true", "Connection", "X-DingTalk-User-Id"}
	for path, cookies := range map[string]string{"/api": "a=1; " + cookie + "; b=2", "/open/api": "a=1; b=2"} {
		var got map[string]string
		if err := json.Unmarshal([]byte(fetchAs(t, s, "GET", path, "", cookies, smuggled...).Body), &got); err != nil {
			t.Fatal(err)
		}
		if got["Cookie"] != "a=1; b=2" {
			t.Errorf("%s: Cookie is %q", path, got["Cookie"])
		}
		for name, value := range got {
			if strings.Contains(value, "evil") || path != "/api" && strings.Contains(strings.ToLower(name), "dingtalk") {
				t.Errorf("%s: %s is %q", path, name, value)
			}
		}
		if path != "/api" {
			continue
		}
		for name, want := range map[string]string{
			"X-Dingtalk-User-Id": "u1", "X-Dingtalk-Union-Id": "union-u1", "X-Dingtalk-Name": "%E5%BC%A0%E4%B8%89",
			"X-Dingtalk-Corp-Id": s.Ding.Options().CorpID, "X-Dingtalk-Admin": "true", "X-Dingtalk-Departments": "11", "X-Dingtalk-Open-Id": "",
		} {
			if got[name] != want {
				t.Errorf("%s is %q, want %q", name, got[name], want)
			}
		}
		if strings.Count(got["X-Dingtalk-Jwt"], ".") != 2 {
			t.Errorf("the token is %q", got["X-Dingtalk-Jwt"])
		}
	}
	testsite.Eventually(t, "the ticket of the start", func() bool { return len(s.Logged(t, "there is a jsapi_ticket")) > 0 })
	calls := s.Ding.Calls()
	for range 20 {
		fetchAs(t, s, "GET", "/api", "", cookie)
	}
	if now := s.Ding.Calls(); fmt.Sprint(now) != fmt.Sprint(calls) {
		t.Errorf("requests with a session call DingTalk: %v, then %v", calls, now)
	}
}

// TestPagesAndErrorsSpeakTheLanguageOfWhoReadsThem: without one pages are Chinese, as
// their users are, and errors English, as those of all endpoints are.
func TestPagesAndErrorsSpeakTheLanguageOfWhoReadsThem(t *testing.T) {
	s, _ := loginSite(t, "login", sandbox.Options{})
	const zh, en = "您还没有登录", "You are not signed in"
	for accept, want := range map[string][3]string{ // a page, an error for it, and one of another endpoint
		"":               {"zh-CN", en, "There is no such endpoint"},
		"de":             {"zh-CN", en, "There is no such endpoint"},
		"en-GB":          {"en", en, "There is no such endpoint"},
		"zh-CN,en;q=0.5": {"zh-CN", zh, "没有"},
		"zh;q=0.1, en":   {"en", en, "There is no such endpoint"},
	} {
		if a := visitAs(t, s, "/", "", "Accept-Language", accept); !strings.Contains(a.Body, `lang="`+want[0]+`"`) {
			t.Errorf("%q gets the page %.60s", accept, a.Body)
		}
		if a := fetchAs(t, s, "GET", "/", "", "", "Accept-Language", accept); !strings.Contains(a.Body, want[1]) {
			t.Errorf("%q gets %s", accept, a.Body)
		}
		if a := fetchAs(t, s, "GET", "/.dingtalk/callback", "", "", "Accept-Language", accept); !strings.Contains(strings.ToLower(a.Body), strings.ToLower(want[2])) {
			t.Errorf("%q gets %s of no endpoint", accept, a.Body)
		}
	}
}

func TestACodeThatIsNoneIsRefusedWithoutACall(t *testing.T) {
	s, _ := loginSite(t, "login", sandbox.Options{})
	for body, want := range map[string]int{
		`{}`: 400, `{"code":1}`: 400, `{"code":""}`: 400, `{"code":"` + strings.Repeat("x", 513) + `"}`: 400, `{"code":"a b"}`: 400,
		`{"code":"中"}`: 400, `{"code":"a","code":"b"}`: 400, `{"code":"a"} x`: 400, `[`: 400, `{"code":"` + strings.Repeat("x", 4097) + `"}`: 413,
	} {
		if a := fetchAs(t, s, "POST", "/.dingtalk/login", body, ""); a.Status != want {
			t.Errorf("%.40s: %d %s, want %d", body, a.Status, a.Body, want)
		}
	}
	if a := s.Fetch(t, "POST", s.URL+"/.dingtalk/login", "code=x", "Sec-Fetch-Site", "same-origin", "Content-Type", "application/x-www-form-urlencoded"); a.Status != 415 {
		t.Errorf("a form: %d", a.Status)
	}
	if a := fetchAs(t, s, "POST", "/.dingtalk/login", "", ""); a.Status != 400 || codeOf(a) != "bad_code" {
		t.Errorf("nothing at all: %d %s", a.Status, a.Body)
	}
	for _, headers := range [][]string{{"Sec-Fetch-Site", "cross-site"}, {"Origin", "https://evil.test"}, {"Content-Type", "application/json"}} {
		if a := s.Fetch(t, "POST", s.URL+"/.dingtalk/login", `{"code":"x"}`, headers...); a.Status != 403 || codeOf(a) != "cross_origin" {
			t.Errorf("%q: %d %s", headers, a.Status, a.Body)
		}
	}
	if n := s.Ding.Calls()["oapi.getuserinfo"]; n != 0 {
		t.Errorf("%d calls", n)
	}
}

func TestThirtyInvalidCodesAMinuteAreEnough(t *testing.T) {
	s, _ := loginSite(t, "login", sandbox.Options{})
	session := signIn(t, s, "u1")
	for i := range 30 {
		if a := fetchAs(t, s, "POST", "/.dingtalk/login", fmt.Sprintf(`{"code":"x%d"}`, i), ""); a.Status != 401 || codeOf(a) != "code_invalid" {
			t.Fatalf("%d: %d %s", i, a.Status, a.Body)
		}
	}
	calls := s.Ding.Calls()["oapi.getuserinfo"]
	a := fetchAs(t, s, "POST", "/.dingtalk/login", `{"code":"y"}`, "")
	if a.Status != 429 || codeOf(a) != "too_many_attempts" || a.Header.Get("Retry-After") == "" || s.Ding.Calls()["oapi.getuserinfo"] != calls {
		t.Errorf("%d %s %v", a.Status, a.Body, a.Header)
	}
	if a := fetchAs(t, s, "GET", "/api", "", session); a.Status != 200 {
		t.Errorf("who has a session gets %d", a.Status)
	}
}

func TestAPageOfOneUserIsNotTheKeptPageOfAnother(t *testing.T) {
	s, _ := loginSite(t, "login", sandbox.Options{})
	zhang, li := signIn(t, s, "u1"), signIn(t, s, "u2")
	kept := visitAs(t, s, "/", zhang).Header.Get("ETag")
	if a := visitAs(t, s, "/", li, "If-None-Match", kept); a.Status != 200 || a.Header.Get("ETag") == kept || !strings.Contains(a.Body, "u2") {
		t.Errorf("%d, ETag %s after %s", a.Status, a.Header.Get("ETag"), kept)
	}
}

func TestLogoutEndsASessionAndEverywhereAllOfTheUser(t *testing.T) {
	s, _ := loginSite(t, "login", sandbox.Options{})
	first, second, other := signIn(t, s, "u1"), signIn(t, s, "u1"), signIn(t, s, "u2")
	is := func(want int, cookies ...string) {
		t.Helper()
		for _, cookie := range cookies {
			if a := fetchAs(t, s, "GET", "/api", "", cookie); a.Status != want {
				t.Errorf("%d, want %d", a.Status, want)
			}
		}
	}
	if a := fetchAs(t, s, "POST", "/.dingtalk/logout", "", first); a.Status != 204 {
		t.Fatal(a.Status, a.Body)
	}
	is(401, first)
	is(200, second, other)
	if a := fetchAs(t, s, "POST", "/.dingtalk/logout?everywhere", "", second); a.Status != 204 {
		t.Fatal(a.Status, a.Body)
	}
	is(401, first, second)
	is(200, other, signIn(t, s, "u1"))
	_, apps, _ := testsite.Admin(t, http.MethodGet, "/dingtalk/status")
	if status, _, text := testsite.Admin(t, http.MethodPost, "/dingtalk/revoke?app="+url.QueryEscape(apps[0].App)+"&user=u2"); status != 200 {
		t.Fatal(status, text)
	}
	is(401, other)
	if status, _, _ := testsite.Admin(t, http.MethodPost, "/dingtalk/revoke?app=nobody"); status != 404 {
		t.Errorf("an unknown app: %d", status)
	}
}

func TestASlidingSessionIsSealedAnewOnlyWhereNobodyElseKeepsTheAnswer(t *testing.T) {
	s, _ := loginSite(t, "login", sandbox.Options{})
	cookie := signIn(t, s, "u1")
	if a := fetchAs(t, s, "GET", "/api", "", cookie); len(a.Header["Set-Cookie"]) != 0 || a.Header.Get("Cache-Control") != "private" {
		t.Errorf("at once: %v", a.Header)
	}
	for name, broken := range map[string]string{
		"doubled": cookie + "; " + cookie, "cut": cookie[:len(cookie)-3], "altered": cookie[:len(cookie)-3] + "AAA", "empty": "dingtalk-1234567890=",
		"of another name": "__Host-" + cookie,
	} {
		if a := fetchAs(t, s, "GET", "/api", "", broken); a.Status != 401 {
			t.Errorf("a cookie that is %s: %d", name, a.Status)
		}
	}
}

func TestADingTalkRefusalBecomesOurCodeAndNoSession(t *testing.T) {
	s, _ := loginSite(t, "login", sandbox.Options{})
	for fault, want := range map[string]struct {
		status int
		code   string
		retry  string
	}{
		"errcode:50002": {403, "not_visible", ""}, "permission": {502, "no_permission", ""}, "ip": {502, "ip_not_allowed", ""},
		"secret": {502, "bad_credentials", ""}, "rate": {503, "rate_limited", "5"}, "banned": {503, "rate_limited", "300"},
		"quota": {502, "quota_exhausted", ""}, "busy": {503, "dingtalk_unavailable", "3"}, "drop": {503, "dingtalk_unavailable", "3"},
		"status:500": {503, "dingtalk_unavailable", "3"}, "html": {502, "dingtalk_error", ""}, "truncated": {502, "dingtalk_error", ""},
		"missing": {502, "dingtalk_error", ""}, "huge": {502, "dingtalk_error", ""},
	} {
		s.Ding.SetFault(sandbox.UserInfoCall, sandbox.MustFault(fault))
		a := fetchAs(t, s, "POST", "/.dingtalk/login", `{"code":"`+s.Ding.Code("app", "u1")+`"}`, "")
		if a.Status != want.status || codeOf(a) != want.code || a.Header.Get("Retry-After") != want.retry || len(a.Header["Set-Cookie"]) > 0 {
			t.Errorf("%s: %d %s, Retry-After %q", fault, a.Status, a.Body, a.Header.Get("Retry-After"))
		}
	}
}
