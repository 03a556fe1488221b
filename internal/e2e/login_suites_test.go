package e2e

import (
	"encoding/json"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"github.com/caddy-dingtalk/caddy-dingtalk/internal/sandbox"
	"github.com/caddy-dingtalk/caddy-dingtalk/internal/testsite"
)

// TestASignInIsTheVisitsCorps: the token of a suite's corp answers the code, its agent names
// the cookie, and a session of another corp, or from before a revocation, counts as none.
func TestASignInIsTheVisitsCorps(t *testing.T) {
	upstream := new(echo)
	lines := suiteLines + "\t\tlogin {\n\t\t\tpublic /open/*\n\t\t\tjwt crm\n\t\t}\n"
	s := testsite.Run(t, testsite.Setup{Upstream: upstream, DingTalk: thirdParty, Sites: tenantSite("", lines)})
	authorize := func(corp, agent string) {
		t.Helper()
		if _, err := s.Ding.Authorize(sandbox.Authorization{CorpID: corp, Agents: []sandbox.Agent{{AgentID: agent}}}); err != nil {
			t.Fatal(err)
		}
	}
	event := func(name, corp string) {
		t.Helper()
		if got := push(t, s, sandbox.Push{Event: name, CorpID: corp}); got != "200 success" {
			t.Fatal(got)
		}
	}
	post := func(code, corp string) *testsite.Answer {
		return fetchAs(t, s, "POST", "/.dingtalk/login", `{"code":"`+code+`"}`, "", "Referer", s.URL+"/p?corpid="+corp)
	}
	signIn := func(corp, user string) (pair string) {
		t.Helper()
		in := post(s.Ding.CodeFor(corp, "app", user), corp)
		if in.Status != http.StatusOK || !strings.Contains(in.Body, `"corpId":"`+corp+`"`) {
			t.Fatalf("signing in at %s: %d %s", corp, in.Status, in.Body)
		}
		pair, _, _ = strings.Cut(in.Header.Get("Set-Cookie"), ";")
		return pair
	}
	authorize("dingcorp1", "501")
	authorize("dingcorp2", "502")

	if a := fetchAs(t, s, "GET", "/p?corpid=dingcorp1", "", ""); a.Status != http.StatusServiceUnavailable || codeOf(a) != "dingtalk_unavailable" {
		t.Errorf("before there is a suite_ticket: %d %s", a.Status, a.Body)
	}
	event("suite_ticket", "")
	page := visitAs(t, s, "/p?corpid=dingcorp1", "")
	if page.Status != http.StatusUnauthorized || !strings.Contains(page.Body, `"corpId":"dingcorp1","clientId":"suiteone"`) {
		t.Fatalf("who comes gets %d %s", page.Status, page.Body)
	}
	one, two := signIn("dingcorp1", "u1"), signIn("dingcorp2", "u1")
	name, value, _ := strings.Cut(one, "=")
	if name != "dingtalk-501" {
		t.Errorf("the cookie is %s", name)
	}

	for what, c := range map[string]struct {
		path, cookie string
		status       int
		code         string
	}{
		"its corp":                           {"/p?corpid=dingcorp1", one, 200, ""},
		"its corp, with both cookies":        {"/p?corpid=dingcorp1", one + "; " + two, 200, ""},
		"another corp":                       {"/p?corpid=dingcorp2", one, 401, "not_signed_in"},
		"another corp, by its cookie":        {"/p?corpid=dingcorp2", "dingtalk-502=" + value, 401, "not_signed_in"},
		"nobody":                             {"/p", one, 403, "tenant_ambiguous"},
		"a stranger":                         {"/p?corpid=dingcorp9", one, 403, "tenant_unknown"},
		"no corp":                            {"/p?corpid=../x", one, 403, "tenant_unknown"},
		"what is public":                     {"/open/x?corpid=dingcorp9", one, 200, ""},
		"the user":                           {"/.dingtalk/user?corpid=dingcorp1", one, 200, ""},
		"the user of another corp":           {"/.dingtalk/user?corpid=dingcorp2", one, 401, "not_signed_in"},
		"the user of a stranger":             {"/.dingtalk/user?corpid=dingcorp9", one, 403, "tenant_unknown"},
		"the keys of what the upstream gets": {"/.dingtalk/jwks?corpid=dingcorp1", "", 200, ""},
	} {
		a := expectGuarded(t, s, upstream, what, c.path, c.cookie, value, c.status, c.code)
		if c.status == 200 && strings.HasPrefix(c.path, "/p") && !strings.Contains(a.Body, `"X-Dingtalk-Corp-Id":"dingcorp1"`) {
			t.Errorf("%s: the upstream gets %s", what, a.Body)
		}
	}
	if a := visitAs(t, s, "/p?corpid=dingcorp9", one); a.Status != http.StatusForbidden || !strings.Contains(a.Body, `data-code="tenant_unknown"`) {
		t.Errorf("a document of a stranger gets %d %s", a.Status, a.Body)
	}
	for what, c := range map[string]struct {
		code, corp, want string
		status           int
	}{
		"a user of another corp": {s.Ding.CodeFor("dingcorp2", "app", "u1"), "dingcorp1", "code_invalid", 401},
		"a corp that is unknown": {s.Ding.CodeFor("dingcorp9", "app", "u1"), "dingcorp9", "tenant_unknown", 403},
		"a code that is made up": {"made-up", "dingcorp1", "code_invalid", 401},
	} {
		if a := post(c.code, c.corp); a.Status != c.status || codeOf(a) != c.want || len(a.Header["Set-Cookie"]) > 0 {
			t.Errorf("%s: %d %s", what, a.Status, a.Body)
		}
	}

	// The same userid in another corp is somebody else.
	_, _, text := testsite.Admin(t, http.MethodGet, "/dingtalk/status")
	var status struct {
		Suites []struct {
			App   string
			Login *struct{ Outside string }
		}
	}
	if err := json.Unmarshal([]byte(text), &status); err != nil || len(status.Suites) != 1 || status.Suites[0].Login == nil {
		t.Fatal(text, err)
	}
	revoke := "/dingtalk/revoke?app=" + status.Suites[0].App
	if code, _, why := testsite.Admin(t, http.MethodPost, revoke+"&user=u1"); code != http.StatusBadRequest || !strings.Contains(why, "corpid") {
		t.Errorf("revoking a user of no corp: %d %s", code, why)
	}
	if code, _, why := testsite.Admin(t, http.MethodPost, revoke+"&user=u1&corpid=dingcorp2"); code != http.StatusOK {
		t.Errorf("%d %s", code, why)
	}
	expect := func(what, corp, cookie string, status int) {
		t.Helper()
		if a := fetchAs(t, s, "GET", "/p?corpid="+corp, "", cookie); a.Status != status {
			t.Errorf("%s: %d %s, want %d", what, a.Status, a.Body, status)
		}
	}
	expect("a user who was revoked", "dingcorp2", two, 401)
	expect("of the same name elsewhere", "dingcorp1", one, 200)
	two = signIn("dingcorp2", "u2")
	if code, _, why := testsite.Admin(t, http.MethodPost, revoke+"&corpid=dingcorp2"); code != http.StatusOK ||
		!strings.Contains(why, `"revoked":{"corp_id":"dingcorp2","user_id":"","all":true}`) {
		t.Errorf("%d %s", code, why)
	}
	expect("a corp whose sessions were ended", "dingcorp2", two, 401)

	if _, err := s.Ding.Authorize(sandbox.Authorization{CorpID: "dingcorp1", State: sandbox.Revoked}); err != nil {
		t.Fatal(err)
	}
	event("org_suite_relieve", "dingcorp1")
	expect("a session of a corp that has revoked the app", "dingcorp1", one, 403)
	if a := post(s.Ding.CodeFor("dingcorp1", "app", "u1"), "dingcorp1"); a.Status != http.StatusForbidden || codeOf(a) != "tenant_unknown" {
		t.Errorf("a sign-in there: %d %s", a.Status, a.Body)
	}
	authorize("dingcorp1", "501")
	event("org_suite_auth", "dingcorp1")
	expect("its session, after another authorisation", "dingcorp1", one, 401)
	expect("a new session", "dingcorp1", signIn("dingcorp1", "u1"), 200)

	// DingTalk itself knows better than the last event.
	authorize("dingcorp3", "503")
	event("org_suite_auth", "dingcorp3")
	if _, err := s.Ding.Authorize(sandbox.Authorization{CorpID: "dingcorp3", State: sandbox.Revoked}); err != nil {
		t.Fatal(err)
	}
	if a := post(s.Ding.CodeFor("dingcorp3", "app", "u1"), "dingcorp3"); a.Status != http.StatusForbidden || codeOf(a) != "tenant_unknown" {
		t.Errorf("a corp that DingTalk refuses: %d %s", a.Status, a.Body)
	}

	log := string(s.Log(t))
	for _, secret := range append(append(s.Ding.SuiteSecrets(), s.Ding.Issued()...), append(s.Ding.Codes(), value)...) {
		if strings.Contains(log, secret) {
			t.Error("the log has a secret")
		}
	}
	if !strings.Contains(log, `"msg":"signed in"`) || !strings.Contains(log, `"corp_id":"dingcorp2"`) {
		t.Error("the log does not tell of whose corp a user has signed in")
	}
}

// TestPagesOfASuitesCorpsKnowHowToSignIn: one script serves them all. It names the app, as
// the newest of DingTalk's calls asks for that.
func TestPagesOfASuitesCorpsKnowHowToSignIn(t *testing.T) {
	lines := suiteLines + "\t\tlogin {\n\t\t\tpublic *\n\t\t}\n"
	s := testsite.Run(t, testsite.Setup{DingTalk: thirdParty, Sites: tenantSite("", lines)})
	if got := push(t, s, sandbox.Push{Event: "suite_ticket"}); got != "200 success" {
		t.Fatal(got)
	}
	files := make(map[string]bool)
	for _, corp := range []string{"dingcorp1", "dingcorp2"} {
		if _, err := s.Ding.Authorize(sandbox.Authorization{CorpID: corp, Agents: []sandbox.Agent{{AgentID: "501"}}}); err != nil {
			t.Fatal(err)
		}
		page := s.Get(t, "/p?corpid="+corp)
		if !strings.Contains(page.Body, `"corpId":"`+corp+`"`) {
			t.Errorf("%s: %s", corp, page.Body)
		}
		file := regexp.MustCompile(`login\.[0-9a-f]+\.js`).FindString(page.Body)
		if a := s.Fetch(t, http.MethodGet, "/.dingtalk/"+file, ""); a.Status != http.StatusOK || strings.Contains(a.Body, corp) || !strings.Contains(a.Body, `"clientId":"suiteone"`) {
			t.Errorf("%q: %d", file, a.Status)
		}
		files[file] = true
	}
	if len(files) != 1 {
		t.Errorf("two corps have %d scripts", len(files))
	}
}

// TestAPushToAnAppsOwnCallbackNeedsNoSession: DingTalk has none. Whoever else comes there
// signs in.
func TestAPushToAnAppsOwnCallbackNeedsNoSession(t *testing.T) {
	lines := strings.Replace(suiteLines, "\t\t\ttoken", "\t\t\tcallback /ding/cb\n\t\t\ttoken", 1) + "\t\tlogin {\n\t\t\trequire /ding/* {\n\t\t\t\tdepartment 1\n\t\t\t}\n\t\t}\n"
	upstream := new(echo)
	s := testsite.Run(t, testsite.Setup{Upstream: upstream, DingTalk: thirdParty, Sites: tenantSite("", lines)})
	for what, tt := range map[string]struct {
		path string
		push sandbox.Push
		want int
	}{
		"a push":                       {"/ding/cb", sandbox.Push{Event: "suite_ticket"}, http.StatusOK},
		"one that names a corp":        {"/ding/cb?corpid=dingcorp1", sandbox.Push{Event: "suite_ticket"}, http.StatusOK},
		"one that is not signed":       {"/ding/cb", sandbox.Push{Event: "suite_ticket", Tamper: "signature"}, http.StatusForbidden},
		"one for another path":         {"/ding/cb/x", sandbox.Push{Event: "suite_ticket"}, http.StatusForbidden},
		"one sealed for somebody else": {"/ding/cb", sandbox.Push{Event: "suite_ticket", Tamper: "key"}, http.StatusForbidden},
	} {
		before := upstream.requests.Load()
		if a := pushed(t, s, tt.path, tt.push); a.Status != tt.want {
			t.Errorf("%s: %d %s, want %d", what, a.Status, a.Body, tt.want)
		}
		if came := upstream.requests.Load() > before; came != (tt.want == http.StatusOK) {
			t.Errorf("%s: it reaches the app: %v", what, came)
		}
	}
}
