package e2e

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/caddy-dingtalk/caddy-dingtalk/internal/sandbox"
	"github.com/caddy-dingtalk/caddy-dingtalk/internal/testsite"
)

// outsideByOAuth lets browsers outside DingTalk sign in.
const outsideByOAuth = "login {\n outside oauth\n login_base https://login.dingtalk.test\n}"

// attempt is an OAuth2 sign-in that a browser has begun.
type attempt struct{ state, cookie string }

// beginOAuth begins one, to come back to a place, which is given as in a query.
func beginOAuth(t *testing.T, s *testsite.Site, to string) attempt {
	t.Helper()
	begin := visitAs(t, s, "/.dingtalk/login?to="+to, "")
	at, err := url.Parse(begin.Header.Get("Location"))
	if err != nil || begin.Status != http.StatusFound {
		t.Fatalf("an attempt begins with %d %v", begin.Status, begin.Header)
	}
	cookie, _, _ := strings.Cut(begin.Header.Get("Set-Cookie"), ";")
	return attempt{at.Query().Get("state"), cookie}
}

// end brings DingTalk's answer, by the same browser.
func (a attempt) end(t *testing.T, s *testsite.Site, answer string) *testsite.Answer {
	t.Helper()
	return visitAs(t, s, "/.dingtalk/callback?"+answer+"&state="+a.state, a.cookie, "Sec-Fetch-Site", "cross-site")
}

func TestOAuthComesBackToWhereItBeganAndEachStateIsGoodOnce(t *testing.T) {
	s, _ := loginSite(t, outsideByOAuth, sandbox.Options{})
	begin := visitAs(t, s, "/.dingtalk/login?to=%2Fa%3Fx%3D%2520y%23%2Fr", "")
	to, err := url.Parse(begin.Header.Get("Location"))
	if err != nil || begin.Status != 302 || to.Host != "login.dingtalk.test" || to.Path != "/oauth2/auth" {
		t.Fatalf("%d to %v", begin.Status, to)
	}
	q := to.Query()
	for name, want := range map[string]string{
		"client_id": s.Ding.Options().AppKey, "redirect_uri": s.URL + "/.dingtalk/callback", "response_type": "code",
		"scope": "openid corpid", "prompt": "consent", "corpId": s.Ding.Options().CorpID,
	} {
		if q.Get(name) != want {
			t.Errorf("%s is %q, want %q", name, q.Get(name), want)
		}
	}
	state, _, _ := strings.Cut(begin.Header.Get("Set-Cookie"), ";")
	back := "/.dingtalk/callback?code=" + s.Ding.Code("oauth", "u2") + "&state=" + q.Get("state")
	end := visitAs(t, s, back, state, "Sec-Fetch-Site", "cross-site")
	if end.Status != 303 || end.Header.Get("Location") != "/a?x=%20y#/r" {
		t.Fatalf("%d to %s: %s", end.Status, end.Header.Get("Location"), end.Body)
	}
	if a := fetchAs(t, s, "GET", "/.dingtalk/user", "", cookieOf(t, end)); !strings.Contains(a.Body, `"userId":"u2"`) || !strings.Contains(a.Body, `"name":"李四"`) {
		t.Error(a.Body)
	}
	if a := visitAs(t, s, back, state); a.Status != 400 || !strings.Contains(a.Body, "bad_state") {
		t.Errorf("a replay: %d", a.Status)
	}
	log := string(s.Log(t))
	for _, secret := range append(s.Ding.Codes(), q.Get("state"), strings.TrimPrefix(state, "dingtalk-1234567890-s-")[9:], cookieOf(t, end)[20:]) {
		if strings.Contains(log, secret) {
			t.Errorf("the log holds %.12s…", secret)
		}
	}
	if !strings.Contains(log, `"uri":"/.dingtalk/callback"`) || !strings.Contains(log, `"uri":"/.dingtalk/login"`) {
		t.Error("the access log lacks the calls")
	}
}

func TestWayBackStaysOnTheSite(t *testing.T) {
	s, _ := loginSite(t, outsideByOAuth, sandbox.Options{})
	for to, want := range map[string]string{
		"%2F%2Fevil.test": "/", "/%5Cevil.test": "/", "/%09/evil.test": "/", "/%0d/evil.test": "/", "https%3A%2F%2Fevil.test": "/", "%00": "/",
		"/" + strings.Repeat("a", 3000): "/", "/.dingtalk/logout": "/", "/.dingtalk/login%3Fto=/": "/", "": "/", "/a&to=/b": "/",
		"/%252e%252e//evil.test": "/", "%2Fa%3Fx%3D%2520y%23%2Fr": "/a?x=%20y#/r",
		"/%E4%B8%AD": "/", "/%25E4%25B8%25AD": "/%E4%B8%AD", "javascript:alert(1)": "/",
	} {
		end := beginOAuth(t, s, to).end(t, s, "code="+s.Ding.Code("oauth", "u2"))
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
	s, _ := loginSite(t, outsideByOAuth, sandbox.Options{})
	come := func(user string) *testsite.Answer {
		return beginOAuth(t, s, "/").end(t, s, "authCode="+s.Ding.Code("oauth", user))
	}
	for _, user := range []string{"x1", "f1"} {
		if a := come(user); a.Status != 403 || !strings.Contains(a.Body, "not_a_member") {
			t.Errorf("%s: %d", user, a.Status)
		}
	}
	end := come("u2")
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

// TestOAuthBehindAProxyThatCutsThePath comes back to the address that browsers see; where
// nobody vouches for that, nobody is sent anywhere.
func TestOAuthBehindAProxyThatCutsThePath(t *testing.T) {
	s := testsite.Run(t, testsite.Setup{Global: behindProxy, Upstream: new(echo), Sites: `http://:PORT {
	dingtalk {
		import app
		endpoint /app/.dingtalk
		public_host h5.test
		forwarded X-Forwarded-Prefix
		login {
			outside oauth
			login_base https://login.dingtalk.test
		}
	}
	reverse_proxy UPSTREAM
}
`})
	ask := func(host, path string, more ...string) *testsite.Answer {
		t.Helper()
		headers := append([]string{"Host", host, "X-Forwarded-Proto", "https", "X-Forwarded-Prefix", "/app"}, more...)
		return visitAs(t, s, path, "", headers...)
	}
	begin := ask("h5.test", "/.dingtalk/login?to=%2Fapp%2Fx")
	to, _ := url.Parse(begin.Header.Get("Location"))
	if begin.Status != 302 || to.Query().Get("redirect_uri") != "https://h5.test/app/.dingtalk/callback" {
		t.Fatalf("%d to %v", begin.Status, to)
	}
	state, _, _ := strings.Cut(begin.Header.Get("Set-Cookie"), ";")
	if !strings.HasPrefix(state, "__Host-dingtalk-1234567890-s-") {
		t.Errorf("the cookie is %s", state)
	}
	end := ask("h5.test", "/.dingtalk/callback?code="+s.Ding.Code("oauth", "u2")+"&state="+to.Query().Get("state"), "Cookie", state)
	if end.Status != 303 || end.Header.Get("Location") != "/app/x" || !strings.Contains(strings.Join(end.Header["Set-Cookie"], "\n"), "__Host-dingtalk-1234567890=") {
		t.Errorf("%d to %s, %q", end.Status, end.Header.Get("Location"), end.Header["Set-Cookie"])
	}
	for _, path := range []string{"/x", "/.dingtalk/login?to=/x"} {
		a := ask("stranger.test", path)
		if a.Status != 503 || !strings.Contains(a.Body, `data-code="origin_unknown"`) || a.Header.Get("Location") != "" {
			t.Errorf("%s of a stranger: %d %v", path, a.Status, a.Header)
		}
	}
	if log := s.Logged(t, "nobody can sign in here", "public_origin"); len(log) != 1 {
		t.Errorf("the log has %d lines with the cure", len(log))
	}
}

func TestTheOrganisationIsTheAppsOwn(t *testing.T) {
	s, _ := loginSite(t, outsideByOAuth, sandbox.Options{ChosenCorp: "dingsomeotherorganisation"})
	end := beginOAuth(t, s, "/").end(t, s, "code="+s.Ding.CodeFor("dingsomeotherorganisation", "oauth", "u1"))
	calls := s.Ding.Calls()
	if end.Status != 403 || !strings.Contains(end.Body, `data-code="wrong_corp"`) || calls["v1.userAccessToken"] != 1 || calls["oapi.getbyunionid"] != 0 || calls["v1.users_me"] != 0 {
		t.Errorf("%d after %v", end.Status, calls)
	}
}

// TestAnAnswerThatIsNoneSignsNobodyIn: each has a button to try again, leads to where the
// attempt began, and keeps its code out of what the browser tells of the page.
func TestAnAnswerThatIsNoneSignsNobodyIn(t *testing.T) {
	s, _ := loginSite(t, outsideByOAuth, sandbox.Options{})
	other := beginOAuth(t, s, "/")
	code := func() string { return "code=" + s.Ding.Code("oauth", "u2") }
	for name, c := range map[string]struct {
		end    func(a attempt) *testsite.Answer
		status int
		code   string
		next   string
	}{
		"a code that is none":      {func(a attempt) *testsite.Answer { return a.end(t, s, "code=nonsense") }, 401, "code_invalid", "/a?b"},
		"a code of the app":        {func(a attempt) *testsite.Answer { return a.end(t, s, "code="+s.Ding.Code("app", "u2")) }, 401, "code_invalid", "/a?b"},
		"two codes":                {func(a attempt) *testsite.Answer { return a.end(t, s, code()+"&"+code()) }, 400, "bad_code", "/a?b"},
		"no code":                  {func(a attempt) *testsite.Answer { return a.end(t, s, "x=y") }, 400, "bad_code", "/a?b"},
		"a refusal":                {func(a attempt) *testsite.Answer { return a.end(t, s, "error=access_denied") }, 401, "refused", "/a?b"},
		"the state of another tab": {func(a attempt) *testsite.Answer { return attempt{other.state, a.cookie}.end(t, s, code()) }, 400, "bad_state", "/"},
		"no cookie":                {func(a attempt) *testsite.Answer { return attempt{a.state, ""}.end(t, s, code()) }, 400, "bad_state", "/"},
		"two cookies of one name": {func(a attempt) *testsite.Answer {
			return attempt{a.state, a.cookie + "; " + a.cookie}.end(t, s, code())
		}, 400, "bad_state", "/"},
		"a cookie that was altered": {func(a attempt) *testsite.Answer {
			return attempt{a.state, a.cookie[:len(a.cookie)-2] + "xx"}.end(t, s, code())
		}, 400, "bad_state", "/"},
		"two states":                  {func(a attempt) *testsite.Answer { return a.end(t, s, code()+"&state="+a.state) }, 400, "bad_state", "/"},
		"a session instead of states": {func(a attempt) *testsite.Answer { return attempt{a.state, signIn(t, s, "u1")}.end(t, s, code()) }, 400, "bad_state", "/"},
	} {
		a := beginOAuth(t, s, "/a%3Fb")
		end := c.end(a)
		if end.Status != c.status || !strings.Contains(end.Body, `data-code="`+c.code+`"`) || !strings.Contains(end.Body, `"next":"`+c.next+`"`) ||
			!strings.Contains(end.Body, `<meta name="referrer" content="no-referrer">`) {
			t.Errorf("%s: %d %s", name, end.Status, end.Body[:min(len(end.Body), 200)])
		}
		for _, line := range end.Header["Set-Cookie"] {
			if !strings.Contains(line, "Max-Age=0") {
				t.Errorf("%s sets %s", name, line)
			}
		}
	}
	a := beginOAuth(t, s, "/a") // it is DingTalk's page that comes back, not a script
	if got := fetchAs(t, s, "GET", "/.dingtalk/callback?"+code()+"&state="+a.state, "", a.cookie); got.Status != 401 || len(got.Header["Set-Cookie"]) != 0 {
		t.Errorf("a fetch: %d %v", got.Status, got.Header)
	}
	if end := a.end(t, s, code()+"&authCode=nonsense&error=x"); end.Status != 303 || end.Header.Get("Location") != "/a" {
		t.Errorf("code wins over all else: %d %s", end.Status, end.Header.Get("Location"))
	}
}
