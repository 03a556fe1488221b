package e2e

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/caddy-dingtalk/caddy-dingtalk/internal/sandbox"
	"github.com/caddy-dingtalk/caddy-dingtalk/internal/testsite"
	"github.com/caddy-dingtalk/caddy-dingtalk/login"
)

const loginKey = "0123456789abcdef0123456789abcdef"

// loginKeys are those of a site with loginKey.
func loginKeys(t *testing.T, s *testsite.Site) *login.Keys {
	t.Helper()
	o := s.Ding.Options()
	keys, err := login.NewKeys([]string{loginKey}, login.Scope{CorpID: o.CorpID, AppKey: o.AppKey, AgentID: o.AgentID})
	if err != nil {
		t.Fatal(err)
	}
	return keys
}

// aged is the cookie of a session of u1 at a site with loginKey, that began, and was last
// sealed, so long ago.
func aged(t *testing.T, s *testsite.Site, began, seen time.Duration) string {
	t.Helper()
	o, keys := s.Ding.Options(), loginKeys(t, s)
	now := time.Now()
	session := login.NewSession(login.User{UserID: "u1", CorpID: o.CorpID}, now.Add(-began), login.Lifetimes{Absolute: 12 * time.Hour, Idle: 4 * time.Hour})
	session.Seen = now.Add(-seen).UnixMilli()
	value, err := keys.Seal(session)
	if err != nil {
		t.Fatal(err)
	}
	return "dingtalk-" + o.AgentID + "=" + value
}

// resealed is a session at a site with loginKey as it would be if it had been sealed an hour
// ago.
func resealed(t *testing.T, s *testsite.Site, value string) string {
	t.Helper()
	keys := loginKeys(t, s)
	session := keys.Open(value)
	session.Issued -= time.Hour.Milliseconds()
	session.Seen = session.Issued
	value, err := keys.Seal(session)
	if err != nil {
		t.Fatal(err)
	}
	return value
}

// TestASessionSlidesOnAnswersThatNobodyElseKeeps: a cookie in an answer that a cache gives to
// others is a session for all.
func TestASessionSlidesOnAnswersThatNobodyElseKeeps(t *testing.T) {
	s := testsite.Run(t, testsite.Setup{Sites: `http://h5.test:PORT {
	dingtalk {
		import app
		login {
			key ` + loginKey + `
			public /open/*
		}
	}
	reverse_proxy UPSTREAM
}
`, Upstream: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		for _, name := range []string{"Cache-Control", "Expires"} {
			if value := r.Header.Get("X-" + name); value != "" {
				w.Header().Set(name, value)
			}
		}
	})})
	s.URL = s.At("h5.test")
	const hour = time.Hour
	cookie, fresh := aged(t, s, 2*hour, hour), aged(t, s, 2*hour, time.Minute)
	const later = "Fri, 31 Dec 2100 00:00:00 GMT"
	for name, c := range map[string]struct {
		path, cookie string
		headers      []string
		slides       bool
		caching      string
	}{
		"a fetch":                              {"/api", cookie, nil, true, "private"},
		"a fetch soon after the last":          {"/api", fresh, nil, false, "private"},
		"an image":                             {"/api", cookie, []string{"Sec-Fetch-Dest", "image"}, false, "private"},
		"a style sheet":                        {"/api", cookie, []string{"Sec-Fetch-Dest", "style"}, false, "private"},
		"a document":                           {"/doc", cookie, []string{"Sec-Fetch-Dest", "document"}, true, "private"},
		"what must not be stored":              {"/api", cookie, []string{"X-Cache-Control", "no-store"}, true, "no-store"},
		"what one browser may keep":            {"/api", cookie, []string{"X-Cache-Control", "private, max-age=60"}, true, "private, max-age=60"},
		"what is asked about each time":        {"/api", cookie, []string{"X-Cache-Control", "max-age=0, must-revalidate"}, true, "max-age=0, must-revalidate"},
		"what is public":                       {"/api", cookie, []string{"X-Cache-Control", "Public, max-age=60"}, false, "Public, max-age=60"},
		"what shared caches may keep":          {"/api", cookie, []string{"X-Cache-Control", "S-MaxAge=60"}, false, "S-MaxAge=60"},
		"what says two things at once":         {"/api", cookie, []string{"X-Cache-Control", "private, public"}, false, "private, public"},
		"what any cache may keep":              {"/api", cookie, []string{"X-Cache-Control", "max-age=60"}, false, "max-age=60"},
		"what any cache may keep until a time": {"/api", cookie, []string{"X-Cache-Control", "must-revalidate", "X-Expires", later}, false, "must-revalidate"},
		"a fetch of what is open to all":       {"/open/api", cookie, nil, true, "private"},
		"an image that is open to all":         {"/open/api", cookie, []string{"Sec-Fetch-Dest", "image"}, false, ""},
		"nobody's fetch of what is open":       {"/open/api", "", nil, false, ""},
	} {
		headers := testsite.Header("Sec-Fetch-Dest", "empty", "Accept", "*/*", "Cookie", c.cookie)
		for i := 0; i < len(c.headers); i += 2 {
			headers.Set(c.headers[i], c.headers[i+1])
		}
		a := s.Do(t, http.MethodGet, c.path, "", headers)
		if a.Status != 200 || (len(a.Header["Set-Cookie"]) == 1) != c.slides || a.Header.Get("Cache-Control") != c.caching {
			t.Errorf("%s: %d, Cache-Control %q, %q", name, a.Status, a.Header.Get("Cache-Control"), a.Header["Set-Cookie"])
		}
		if !c.slides {
			continue
		}
		again := cookieOf(t, a)
		if again == c.cookie || fetchAs(t, s, "GET", "/api", "", again).Status != 200 || !strings.Contains(a.Header.Get("Set-Cookie"), "Max-Age=3") { // 10 h
			t.Errorf("%s: %s", name, a.Header.Get("Set-Cookie"))
		}
	}
}

func TestClocksOfAFleetMayDifferByAMinute(t *testing.T) {
	s, _ := loginSite(t, "login {\n key "+loginKey+"\n}", sandbox.Options{})
	for name, c := range map[string]struct {
		began, seen time.Duration
		status      int
	}{
		"now": {0, 0, 200}, "50 s ahead": {-50 * time.Second, -50 * time.Second, 200}, "ten minutes ahead": {-10 * time.Minute, -10 * time.Minute, 401},
		"idle for less than four hours": {5 * time.Hour, 4*time.Hour - time.Minute, 200}, "idle for more": {5 * time.Hour, 4*time.Hour + 2*time.Minute, 401},
		"less than twelve hours old": {12*time.Hour - time.Minute, time.Minute, 200}, "older": {12*time.Hour + 2*time.Minute, time.Minute, 401},
	} {
		if a := fetchAs(t, s, "GET", "/api", "", aged(t, s, c.began, c.seen)); a.Status != c.status {
			t.Errorf("%s: %d, want %d", name, a.Status, c.status)
		}
	}
	if log := s.Logged(t, "after this machine's now", "NTP"); len(log) != 1 {
		t.Errorf("the log has %d lines on the clock that is wrong", len(log))
	}
}

// TestASignInTakesOverNothingFromACookieThatWasThere: who planted it would be signed in, too.
func TestASignInTakesOverNothingFromACookieThatWasThere(t *testing.T) {
	s, _ := loginSite(t, "login", sandbox.Options{})
	planted := signIn(t, s, "u2")
	a := fetchAs(t, s, "POST", "/.dingtalk/login", `{"code":"`+s.Ding.Code("app", "u1")+`"}`, planted)
	own := cookieOf(t, a)
	if own == planted || len(a.Header["Set-Cookie"]) != 1 {
		t.Fatalf("%q", a.Header["Set-Cookie"])
	}
	for session, user := range map[string]string{planted: "u2", own: "u1"} {
		if got := upstreamGets(t, s, session); got["X-Dingtalk-User-Id"] != user {
			t.Errorf("%s is %v", user, got)
		}
	}
	if a := fetchAs(t, s, "POST", "/.dingtalk/logout", "", planted); a.Status != 204 {
		t.Fatal(a.Status)
	}
	if got := upstreamGets(t, s, own); got["X-Dingtalk-User-Id"] != "u1" {
		t.Errorf("the end of the planted session leaves %v", got)
	}
}

// TestAFramedSessionStaysOneWhenItSlides: its cookie is third-party, and kept apart for each
// site that frames the page.
func TestAFramedSessionStaysOneWhenItSlides(t *testing.T) {
	s := testsite.Run(t, testsite.Setup{Global: behindProxy, Upstream: new(echo), Sites: "http://h5.test:PORT {\n\tdingtalk {\n\t\timport app\n\t\tlogin {\n\t\t\tkey " + loginKey + "\n\t\t}\n\t}\n\treverse_proxy UPSTREAM\n}\n"})
	s.URL = s.At("h5.test")
	const attributes = "SameSite=None; Partitioned"
	for scheme, framed := range map[string]bool{"https": true, "http": false} {
		in := fetchAs(t, s, "POST", "/.dingtalk/login", `{"code":"`+s.Ding.Code("app", "u1")+`","framed":true}`, "", "X-Forwarded-Proto", scheme)
		if line := in.Header.Get("Set-Cookie"); in.Status != 200 || strings.Contains(line, attributes) != framed || strings.Contains(line, "; Secure") != framed {
			t.Errorf("%s: %d %s", scheme, in.Status, line)
		}
		if !framed {
			continue
		}
		name, value, _ := strings.Cut(in.Header.Get("Set-Cookie"), "=")
		value, _, _ = strings.Cut(value, ";")
		again := fetchAs(t, s, "GET", "/api", "", name+"="+resealed(t, s, value), "X-Forwarded-Proto", scheme)
		if line := again.Header.Get("Set-Cookie"); again.Status != 200 || !strings.Contains(line, attributes) {
			t.Errorf("when it slides: %d %q", again.Status, line)
		}
		out := fetchAs(t, s, "POST", "/.dingtalk/logout", "", name+"="+value, "X-Forwarded-Proto", scheme)
		if lines := strings.Join(out.Header["Set-Cookie"], "\n"); strings.Count(lines, name+"=;") != 2 || !strings.Contains(lines, attributes) {
			t.Errorf("signing out ends %q", lines)
		}
	}
}

// TestTheCookieFitsTheSchemeThatBrowsersSee: TLS may end before Caddy, but only a trusted
// proxy tells.
func TestTheCookieFitsTheSchemeThatBrowsersSee(t *testing.T) {
	for name, c := range map[string]struct{ global, begins, lacks string }{
		"a trusted proxy": {behindProxy, "__Host-dingtalk-1234567890=", "Domain"},
		"a stranger":      {"", "dingtalk-1234567890=", "Secure"},
	} {
		t.Run(name, func(t *testing.T) {
			s := testsite.Run(t, testsite.Setup{Global: c.global, Upstream: new(echo), Sites: "http://h5.test:PORT {\n\tdingtalk {\n\t\timport app\n\t\tlogin\n\t}\n\treverse_proxy UPSTREAM\n}\n"})
			s.URL = s.At("h5.test")
			a := fetchAs(t, s, "POST", "/.dingtalk/login", `{"code":"`+s.Ding.Code("app", "u1")+`"}`, "", "X-Forwarded-Proto", "https")
			line := a.Header.Get("Set-Cookie")
			if a.Status != 200 || !strings.HasPrefix(line, c.begins) || strings.Contains(line, c.lacks) {
				t.Fatalf("%d %s", a.Status, line)
			}
			for _, part := range []string{"HttpOnly", "SameSite=Lax", "Path=/", "Max-Age=43"} { // 43 200 s, or a little less
				if !strings.Contains(line, part) {
					t.Errorf("%s lacks %s", line, part)
				}
			}
			pair, _, _ := strings.Cut(line, ";")
			if strings.HasPrefix(pair, "__Host-") != strings.Contains(line, "Secure") {
				t.Error(line)
			}
			if a := fetchAs(t, s, "GET", "/api", "", pair, "X-Forwarded-Proto", "https"); a.Status != 200 {
				t.Errorf("with it: %d", a.Status)
			}
		})
	}
}

func TestOddUsersArriveWhole(t *testing.T) {
	odd := sandbox.Person{UserID: "a%2Fb c", UnionID: "union-odd", Name: "张三 \"\\\n", Avatar: "https://a.test/" + strings.Repeat("a", 1500)}
	for i := range 64 {
		odd.Departments = append(odd.Departments, 900_000_000+i*7919)
	}
	s, _ := loginSite(t, "login {\n detail full\n}", sandbox.Options{People: []sandbox.Person{odd}})
	cookie := signIn(t, s, odd.UserID)
	if len(cookie) > 2<<10+len("dingtalk-1234567890=") {
		t.Errorf("the cookie has %d bytes", len(cookie))
	}
	a := fetchAs(t, s, "GET", "/api", "", cookie)
	for _, part := range []string{`"X-Dingtalk-User-Id":"a%252Fb%20c"`, `"X-Dingtalk-Name":"%E5%BC%A0%E4%B8%89%20\"\\%0A"`, `"X-Dingtalk-Departments":"900000000,900007919,`, `,900498897"`} {
		if !strings.Contains(a.Body, part) {
			t.Errorf("the upstream lacks %s in %s", part, a.Body)
		}
	}
	if a := fetchAs(t, s, "GET", "/.dingtalk/user", "", cookie); !strings.Contains(a.Body, `"userId":"a%2Fb c"`) || !strings.Contains(a.Body, `"avatar":null`) {
		t.Error(a.Body)
	}
}

func TestANewSecretEndsSessionsUnlessThereIsAKey(t *testing.T) {
	for name, c := range map[string]struct {
		block  string
		status int
	}{"derived": {"login", 401}, "a key of its own": {"login {\n key " + loginKey + "\n}", 200}} {
		t.Run(name, func(t *testing.T) {
			s, _ := loginSite(t, c.block, sandbox.Options{})
			session := signIn(t, s, "u1")
			if a := fetchAs(t, s, "GET", "/api", "", session); a.Status != 200 {
				t.Fatal(a.Status)
			}
			s.Write(t, map[string]string{"other": "another-secret"})
			before, rest, _ := strings.Cut(s.Caddyfile, "app_secret {")
			_, after, _ := strings.Cut(rest, "}")
			if err := s.Load(t, before+"app_secret {file."+s.Dir+"/other}"+after); err != nil {
				t.Fatal(err)
			}
			if a := fetchAs(t, s, "GET", "/api", "", session); a.Status != c.status {
				t.Errorf("with another secret: %d, want %d", a.Status, c.status)
			}
		})
	}
}
