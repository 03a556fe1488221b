package e2e

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/caddy-dingtalk/caddy-dingtalk/internal/sandbox"
	"github.com/caddy-dingtalk/caddy-dingtalk/internal/testsite"
)

// endless is a body that nobody should read.
type endless struct{ read atomic.Int64 }

func (e *endless) Read(p []byte) (int, error) {
	e.read.Add(int64(len(p)))
	return len(p), nil
}

func TestAnUploadOfWhoIsNotSignedInIsAnsweredBeforeItIsRead(t *testing.T) {
	s, upstream := loginSite(t, "login", sandbox.Options{})
	body := new(endless)
	req, _ := http.NewRequestWithContext(t.Context(), http.MethodPost, s.URL+"/upload", io.LimitReader(body, 1<<30))
	req.ContentLength = 1 << 30
	req.Header = testsite.Header("Sec-Fetch-Dest", "empty")
	resp, err := s.Client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	if a := testsite.Read(resp); a.Status != 401 || upstream.requests.Load() != 0 || body.read.Load() > 64<<20 {
		t.Errorf("%d after %d bytes, %d requests at the upstream", a.Status, body.read.Load(), upstream.requests.Load())
	}
}

func TestAHEADAndAFetchOfADocumentGetWhatTheyCanUse(t *testing.T) {
	s, _ := loginSite(t, "login", sandbox.Options{})
	head := s.Fetch(t, http.MethodHead, s.URL+"/", "", "Sec-Fetch-Dest", "document", "Accept", "text/html")
	if head.Status != 401 || head.Body != "" || !strings.HasPrefix(head.Header.Get("Content-Type"), "text/html") || head.Header.Get("Content-Security-Policy") == "" {
		t.Errorf("a HEAD gets %d %v", head.Status, head.Header)
	}
	for name, c := range map[string]struct {
		headers []string
		page    bool
	}{
		"no Sec-Fetch-Dest, Accept: text/html": {[]string{"Accept", "text/html"}, true},
		"jQuery":                               {[]string{"Accept", "text/html", "X-Requested-With", "XMLHttpRequest"}, false},
		"an Android app":                       {[]string{"Accept", "text/html", "X-Requested-With", "com.alibaba.android.rimet"}, true},
		"htmx":                                 {[]string{"Accept", "text/html", "HX-Request", "true"}, false},
		"curl":                                 {[]string{"Accept", "*/*"}, false},
	} {
		a := s.Fetch(t, http.MethodGet, s.URL+"/", "", c.headers...)
		if page := strings.HasPrefix(a.Header.Get("Content-Type"), "text/html"); a.Status != 401 || page != c.page {
			t.Errorf("%s: %d %s", name, a.Status, a.Header.Get("Content-Type"))
		}
	}
	form := s.Fetch(t, http.MethodPost, s.URL+"/save", "a=1", "Sec-Fetch-Dest", "document", "Content-Type", "application/x-www-form-urlencoded")
	if form.Status != 401 || !strings.Contains(form.Body, `"posted":true`) {
		t.Errorf("a form gets %d", form.Status)
	}
}

func TestWhatIsPublicIsSoByTheFirstLineThatFits(t *testing.T) {
	upstream := new(echo)
	s := testsite.Run(t, testsite.Setup{Upstream: upstream, Sites: `http://h5.test:PORT {
	@pre method OPTIONS
	@in client_ip 10.0.0.0/8
	@key header X-Key open
	@ex expression path("/ex*")
	dingtalk {
	import app
	login {
		public @pre
		public @in
		public @key
		public @ex
		require /admin/* {
			admin
		}
	}
	}
	reverse_proxy UPSTREAM
}
`})
	s.URL = s.At("h5.test")
	li := signIn(t, s, "u2")
	for name, c := range map[string]struct {
		method, path, cookie string
		headers              []string
		status               int
	}{
		"a preflight that is public":     {"OPTIONS", "/api", "", nil, 200},
		"a header":                       {"GET", "/api", "", []string{"X-Key", "open"}, 200},
		"another value of it":            {"GET", "/api", "", []string{"X-Key", "shut"}, 401},
		"an expression":                  {"GET", "/ex/a", "", nil, 200},
		"an address that is another":     {"GET", "/api", "", []string{"X-Forwarded-For", "10.0.0.1"}, 401},
		"nobody in a line with rules":    {"GET", "/admin/x", "", nil, 401},
		"somebody whom no rule fits":     {"GET", "/admin/x", li, nil, 403},
		"somebody in what no line names": {"GET", "/x", li, nil, 200},
	} {
		before := upstream.requests.Load()
		a := fetchAs(t, s, c.method, c.path, "", c.cookie, c.headers...)
		if a.Status != c.status || (upstream.requests.Load() > before) != (c.status == 200) {
			t.Errorf("%s: %d, want %d: %s", name, a.Status, c.status, a.Body)
		}
	}
}

func TestSignInWithTheOlderCallsTellsNoneOfThemInTheLog(t *testing.T) {
	s, _ := loginSite(t, "api legacy\n login", sandbox.Options{})
	session := signIn(t, s, "u1")
	if calls := s.Ding.Calls(); calls["legacy.getuserinfo"] != 1 || calls["legacy.user_get"] != 1 {
		t.Errorf("calls: %v", calls)
	}
	if a := fetchAs(t, s, "GET", "/.dingtalk/user", "", session); !strings.Contains(a.Body, `"unionId":"union-u1"`) {
		t.Error(a.Body)
	}
	for _, secret := range s.Ding.Codes() {
		if strings.Contains(string(s.Log(t)), secret) {
			t.Errorf("the log holds a code")
		}
	}
}

func TestTheUserIsToldWithExactlyItsFields(t *testing.T) {
	s, _ := loginSite(t, "login", sandbox.Options{})
	if a := fetchAs(t, s, "GET", "/.dingtalk/user", "", ""); a.Status != 401 || codeOf(a) != "not_signed_in" {
		t.Errorf("a stranger gets %d %s", a.Status, a.Body)
	}
	session := signIn(t, s, "u2")
	if a := fetchAs(t, s, "POST", "/.dingtalk/user", "", session); a.Status != 405 || a.Header.Get("Allow") == "" {
		t.Errorf("POST gets %d", a.Status)
	}
	a := fetchAs(t, s, "GET", "/.dingtalk/user", "", session)
	var got map[string]any
	if err := json.Unmarshal([]byte(a.Body), &got); err != nil {
		t.Fatal(err)
	}
	expires, _ := got["expires"].(float64)
	delete(got, "expires")
	want := map[string]any{
		"userId": "u2", "unionId": "union-u2", "openId": nil, "name": "李四", "admin": false, "corpId": s.Ding.Options().CorpID,
		"departments": nil, "title": nil, "jobNumber": nil, "avatar": nil,
	}
	if fmt.Sprint(got) != fmt.Sprint(want) || expires < 1e9 || a.Header.Get("X-DingTalk-User-Id") != "u2" || a.Header.Get("Cache-Control") != "no-store" {
		t.Errorf("%v, %v, want %v", a.Header, a.Body, want)
	}
}

func TestWayBackStaysOnTheSite(t *testing.T) {
	s, _ := loginSite(t, "login {\n outside oauth\n login_base https://login.dingtalk.test\n}", sandbox.Options{})
	for to, want := range map[string]string{
		"%2F%2Fevil.test": "/", "/%5Cevil.test": "/", "/%09/evil.test": "/", "/%0d/evil.test": "/", "https%3A%2F%2Fevil.test": "/", "%00": "/",
		"/" + strings.Repeat("a", 3000): "/", "/.dingtalk/logout": "/", "/.dingtalk/login%3Fto=/": "/", "": "/", "/a&to=/b": "/",
		"/%252e%252e//evil.test": "/", "%2Fa%3Fx%3D%2520y%23%2Fr": "/a?x=%20y#/r",
		"/%E4%B8%AD": "/", "/%25E4%25B8%25AD": "/%E4%B8%AD", "javascript:alert(1)": "/",
	} {
		begin := visitAs(t, s, "/.dingtalk/login?to="+to, "")
		state, _, _ := strings.Cut(begin.Header.Get("Set-Cookie"), ";")
		_, q, _ := strings.Cut(begin.Header.Get("Location"), "state=")
		q, _, _ = strings.Cut(q, "&")
		end := visitAs(t, s, "/.dingtalk/callback?code="+s.Ding.Code("oauth", "u2")+"&state="+q, state, "Sec-Fetch-Site", "cross-site")
		if end.Status != 303 || end.Header.Get("Location") != want {
			t.Errorf("to=%.60s leads to %d %q, want %q", to, end.Status, end.Header.Get("Location"), want)
		}
	}
	if a := fetchAs(t, s, "GET", "/secret", "", ""); a.Status != 401 || len(a.Header["Set-Cookie"]) != 0 {
		t.Errorf("a fetch outside: %d %v", a.Status, a.Header)
	}
	var cookies []string
	for range 7 {
		for _, line := range visitAs(t, s, "/.dingtalk/login?to=/", strings.Join(cookies, "; ")).Header["Set-Cookie"] {
			pair, rest, _ := strings.Cut(line, ";")
			name, _, _ := strings.Cut(pair, "=")
			if !strings.Contains(rest, "Max-Age=0") {
				cookies = append(cookies, pair)
				continue
			}
			for i, held := range cookies {
				if strings.HasPrefix(held, name+"=") {
					cookies = append(cookies[:i:i], cookies[i+1:]...)
					break
				}
			}
		}
	}
	if len(cookies) != 5 {
		t.Errorf("seven attempts leave %d cookies", len(cookies))
	}
}

func TestOAuthRefusesWhoIsNotOfTheOrganisation(t *testing.T) {
	const block = "login {\n outside oauth\n login_base https://login.dingtalk.test\n}"
	attempt := func(s *testsite.Site, user string) *testsite.Answer {
		begin := visitAs(t, s, "/.dingtalk/login?to=/", "")
		state, _, _ := strings.Cut(begin.Header.Get("Set-Cookie"), ";")
		_, q, _ := strings.Cut(begin.Header.Get("Location"), "state=")
		q, _, _ = strings.Cut(q, "&")
		return visitAs(t, s, "/.dingtalk/callback?authCode="+s.Ding.Code("oauth", user)+"&state="+q, state)
	}
	s, _ := loginSite(t, block, sandbox.Options{})
	for _, user := range []string{"x1", "f1"} {
		if a := attempt(s, user); a.Status != 403 || !strings.Contains(a.Body, "not_a_member") {
			t.Errorf("%s: %d", user, a.Status)
		}
	}
	end := attempt(s, "u2")
	session := cookieOf(t, end)
	for name, value := range map[string]string{"api": fetchAs(t, s, "GET", "/api", "", session).Body, "log": string(s.Log(t))} {
		for _, claim := range []string{"ceo@other.example", "13800138000", "u1 张三 admin"} {
			if strings.Contains(value, claim) {
				t.Errorf("what a user claims is in the %s: %s", name, claim)
			}
		}
	}
	for target, want := range map[string]string{
		"/.dingtalk/callback": "bad_state", "/.dingtalk/callback?code=x&state=y": "bad_state", "/.dingtalk/callback?error=access_denied&state=": "bad_state",
	} {
		if a := visitAs(t, s, target, ""); a.Status != 400 || !strings.Contains(a.Body, want) {
			t.Errorf("%s: %d", target, a.Status)
		}
	}
}

func TestAKeyThatIsRetiredOpensUntilItIsRemoved(t *testing.T) {
	const first, second = "0123456789abcdef0123456789abcdef", "fedcba9876543210fedcba9876543210"
	s, _ := loginSite(t, "login {\n key "+first+"\n}", sandbox.Options{})
	session := signIn(t, s, "u1")
	with := func(keys string) *testsite.Answer {
		t.Helper()
		if err := s.Load(t, strings.Replace(s.Caddyfile, "key "+first, "key "+keys, 1)); err != nil {
			t.Fatal(err)
		}
		return fetchAs(t, s, "GET", "/api", "", session)
	}
	if a := with(first); a.Status != 200 || len(a.Header["Set-Cookie"]) != 0 {
		t.Errorf("after a reload: %d %v", a.Status, a.Header["Set-Cookie"])
	}
	if a := with(second + " " + first); a.Status != 200 || len(a.Header["Set-Cookie"]) != 1 {
		t.Errorf("while both are there: %d %v", a.Status, a.Header["Set-Cookie"])
	} else if again := cookieOf(t, a); with(second).Status != 401 || fetchAs(t, s, "GET", "/api", "", again).Status != 200 {
		t.Error("what the retired key sealed opens, or what the new one sealed does not")
	}
}

func TestTheEndpointsOfSignInAreThereOnlyWithIt(t *testing.T) {
	s, _ := loginSite(t, "", sandbox.Options{})
	for _, name := range []string{"login", "callback", "user", "logout", "jwks"} {
		if a := visitAs(t, s, "/.dingtalk/"+name, ""); a.Status != 404 || codeOf(a) != "not_found" {
			t.Errorf("%s: %d %s", name, a.Status, a.Body)
		}
	}
}
