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

// TestKeysChangeInThreeStepsWhileUsersStaySignedIn: each step meets processes of the one
// before it.
func TestKeysChangeInThreeStepsWhileUsersStaySignedIn(t *testing.T) {
	const before, after = "0123456789abcdef0123456789abcdef", "fedcba9876543210fedcba9876543210"
	steps := []string{before, before + " " + after, after + " " + before, after}
	sites := ""
	for i, keys := range steps {
		sites += fmt.Sprintf("http://step%d.test:PORT {\n\tdingtalk {\n\t\timport app\n\t\tlogin {\n\t\t\tkey %s\n\t\t}\n\t}\n\treverse_proxy UPSTREAM\n}\n", i, keys)
	}
	s := testsite.Run(t, testsite.Setup{Upstream: new(echo), Sites: sites})
	s.URL = s.At("step0.test")
	session := signIn(t, s, "u1")
	for step := 1; step < len(steps); step++ {
		for _, process := range []int{step, step - 1, step} { // requests go to this one or that
			s.URL = s.At(fmt.Sprintf("step%d.test", process))
			a := fetchAs(t, s, "GET", "/api", "", session)
			if a.Status != 200 {
				t.Fatalf("step %d: a process with %q answers %d", step, steps[process], a.Status)
			}
			if len(a.Header["Set-Cookie"]) > 0 {
				session = cookieOf(t, a)
			}
		}
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
