package e2e

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/caddy-dingtalk/caddy-dingtalk/internal/sandbox"
	"github.com/caddy-dingtalk/caddy-dingtalk/internal/testsite"
)

// twoSuites is a DingTalk with two suites, and an app in a corp that has both.
var twoSuites = sandbox.Options{
	Suites: []sandbox.Suite{thirdParty.Suites[0], {Key: "suitetwo", Secret: "secret-two", Token: "t0kentwo", AESKey: "Zue0EfdN5900c1ce5cf6A152c63DDe1808a60c5ecd7"}},
	Apps:   []sandbox.Account{{AppKey: "dingkeya", AppSecret: "secret-a", CorpID: "dingcorp1", AgentID: "7001"}},
}

const suiteTwoLines = "\t\tsuite suitetwo {\n\t\t\tsuite_secret secret-two\n\t\t\ttoken t0kentwo\n\t\t\taes_key Zue0EfdN5900c1ce5cf6A152c63DDe1808a60c5ecd7\n\t\t}\n"

// authorize lets a corp authorise a suite, and tells its callback.
func authorize(t *testing.T, s *testsite.Site, suite, corp, agent string) {
	t.Helper()
	if _, err := s.Ding.Authorize(sandbox.Authorization{Suite: suite, CorpID: corp, Agents: []sandbox.Agent{{AgentID: agent}}}); err != nil {
		t.Fatal(err)
	}
	if got := push(t, s, sandbox.Push{Suite: suite, Event: "org_suite_auth", CorpID: corp}); got != "200 success" {
		t.Fatal(got)
	}
}

// tenantAt is which tenant a page is for.
func tenantAt(t *testing.T, s *testsite.Site, target string, headers ...string) string {
	t.Helper()
	a := s.Get(t, s.URL+target, headers...)
	got := a.Snippet(t).Tenant()
	if strings.Contains(got, "/") {
		s.ExpectSigned(t, a, s.URL+target)
	}
	return got
}

// TestACorpWithAnAppAndTwoSuites: which is meant must be told, and each has its own ticket.
func TestACorpWithAnAppAndTwoSuites(t *testing.T) {
	lines := suiteLines + suiteTwoLines + "\t\ttenant dingcorp1 7001 {\n\t\t\timport app2\n\t\t}\n"
	s := testsite.Run(t, testsite.Setup{Sites: tenantSite("", lines), DingTalk: twoSuites})
	if got := tenantAt(t, s, "/p?corpid=dingcorp1"); got != "dingcorp1/7001 query" {
		t.Errorf("before it has any suite: %s", got)
	}
	for _, suite := range []string{"suiteone", "suitetwo"} {
		if got := push(t, s, sandbox.Push{Suite: suite, Event: "suite_ticket"}); got != "200 success" {
			t.Fatal(got)
		}
	}
	authorize(t, s, "suiteone", "dingcorp1", "501")
	authorize(t, s, "suitetwo", "dingcorp1", "601")
	authorize(t, s, "suitetwo", "dingcorp2", "602")
	for target, want := range map[string]string{
		"/p?corpid=dingcorp1":              "tenant_ambiguous",
		"/p?corpid=dingcorp1&agentid=7001": "dingcorp1/7001 query",
		"/p?corpid=dingcorp1&agentid=501":  "dingcorp1/501 query",
		"/p?corpid=dingcorp1&agentid=601":  "dingcorp1/601 query",
		"/p?corpid=dingcorp1&agentid=602":  "tenant_unknown",
		"/p?corpid=dingcorp2":              "dingcorp2/602 query",
		"/p?corpid=dingcorp2&agentid=501":  "tenant_unknown",
		"/p?agentid=7001":                  "dingcorp1/7001 query",
		"/p":                               "tenant_ambiguous",
	} {
		if got := tenantAt(t, s, target); got != want {
			t.Errorf("%s is %s, want %s", target, got, want)
		}
	}
	if a, b := s.Ding.TicketFor("suiteone", "dingcorp1"), s.Ding.TicketFor("suitetwo", "dingcorp1"); a == b || a == "" {
		t.Errorf("the tickets of both suites are %q and %q", a, b)
	}
	for _, suite := range []string{"suiteone", "suitetwo"} {
		push(t, s, sandbox.Push{Suite: suite, Event: "org_suite_relieve", CorpID: "dingcorp1"})
	}
	if got := tenantAt(t, s, "/p?corpid=dingcorp1"); got != "dingcorp1/7001 query" {
		t.Errorf("when it has no suite any more: %s", got)
	}
}

// TestEventsInAnyOrderAndAgain: the times that DingTalk tells decide, not the order of pushes.
func TestEventsInAnyOrderAndAgain(t *testing.T) {
	s := servedSuite(t, "")
	for i, step := range []struct {
		event, time, shape string
		want               string // of the corp's page
	}{
		{"org_suite_auth", "-60m", "plain", "signed"},
		{"org_suite_relieve", "-50m", "sync", "tenant_unknown"},
		{"org_suite_auth", "-55m", "sync", "tenant_unknown"}, // older than the revocation
		{"org_suite_change", "-51m", "plain", "tenant_unknown"},
		{"org_suite_auth", "-40m", "sync", "signed"},
		{"org_suite_relieve", "-50m", "sync", "signed"}, // once more
		{"org_micro_app_stop", "-30m", "sync", "tenant_unknown"},
		{"org_micro_app_restore", "-20m", "plain", "signed"},
		{"org_micro_app_stop", "-25m", "sync", "signed"},
		{"org_remove", "-10m", "sync", "tenant_unknown"},
		{"org_suite_change", "-5m", "sync", "signed"},
	} {
		for range 2 {
			event := sandbox.Push{Event: step.event, CorpID: "dingcorp1", Shape: step.shape}
			if err := json.Unmarshal(fmt.Appendf(nil, `{"time":%q}`, step.time), &event); err != nil {
				t.Fatal(err)
			}
			if got := push(t, s, event); got != "200 success" {
				t.Fatalf("%d: %s: %s", i, step.event, got)
			}
		}
		got := tenantAt(t, s, "/p?corpid=dingcorp1")
		if step.want == "signed" {
			step.want = "dingcorp1/501 query"
		}
		if got != step.want {
			t.Fatalf("%d: after %s of %s the page is %s, want %s", i, step.event, step.time, got, step.want)
		}
		if other := tenantAt(t, s, "/p?corpid=dingcorp2"); other != "dingcorp2/502 query" {
			t.Errorf("%d: another corp is %s", i, other)
		}
	}
}

// TestARevocationDuringAPage: what is on its way arrives whole, and the next page is unsigned,
// whatever names the corp.
func TestARevocationDuringAPage(t *testing.T) {
	rest := make(chan struct{})
	s := testsite.Run(t, testsite.Setup{Sites: tenantSite("", suiteLines), DingTalk: thirdParty, Upstream: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/slow" {
			testsite.ServePage(w, r)
			return
		}
		w.Header().Set("Content-Type", "text/html")
		_, _ = io.WriteString(w, testsite.Page)
		_ = http.NewResponseController(w).Flush()
		<-rest
		_, _ = io.WriteString(w, "<p>the end")
	})})
	push(t, s, sandbox.Push{Event: "suite_ticket"})
	authorize(t, s, "suiteone", "dingcorp1", "501")
	s.ExpectSigned(t, s.Get(t, s.URL+"/p?corpid=dingcorp1"), s.URL+"/p?corpid=dingcorp1")
	old := s.Ding.TicketFor("suiteone", "dingcorp1")

	res := s.Open(t, http.MethodGet, "/slow?corpid=dingcorp1", nil, testsite.DocumentHeader())
	if _, err := s.Ding.Authorize(sandbox.Authorization{CorpID: "dingcorp1", State: sandbox.Revoked}); err != nil {
		t.Fatal(err)
	}
	push(t, s, sandbox.Push{Event: "org_suite_relieve", CorpID: "dingcorp1"})
	close(rest)
	body, err := io.ReadAll(res.Body)
	if err != nil || !bytes.HasSuffix(body, []byte("<p>the end")) || !bytes.Contains(body, []byte(`"signature"`)) {
		t.Errorf("%v in %s", err, body)
	}
	for target, headers := range map[string][]string{
		"/p?corpid=dingcorp1": nil, "/p?corpid=dingcorp1&agentid=501": nil,
		"/q": {"Cookie", "dingtalk_tenant=dingcorp1.501"}, "/r": {"Referer", s.URL + "/p?corpid=dingcorp1"},
	} {
		if got := tenantAt(t, s, target, headers...); got != "tenant_unknown" {
			t.Errorf("%s is %s", target, got)
		}
	}
	testsite.ExpectRefusal(t, s.Config(t, s.URL, s.URL+"/p?corpid=dingcorp1"), http.StatusForbidden, "tenant_unknown")

	authorize(t, s, "suiteone", "dingcorp1", "503")
	if got := tenantAt(t, s, "/p?corpid=dingcorp1"); got != "dingcorp1/503 query" {
		t.Errorf("after a new authorisation it is %s", got)
	}
	if got := s.Ding.TicketFor("suiteone", "dingcorp1"); got == old || got == "" {
		t.Errorf("its ticket is %q, before %q", got, old)
	}
	if got := tenantAt(t, s, "/q", "Cookie", "dingtalk_tenant=dingcorp1.501"); got != "tenant_unknown" {
		t.Errorf("the agent from before is %s", got)
	}
}

// TestWhateverComesToAnAppsOwnCallbackGoesOn: other methods, other paths, and what is longer
// than any push.
func TestWhateverComesToAnAppsOwnCallbackGoesOn(t *testing.T) {
	own := strings.Replace(suiteLines, "\t\t\ttoken", "\t\t\tcallback /ding/cb\n\t\t\ttoken", 1)
	s := testsite.Run(t, testsite.Setup{Sites: tenantSite("", own), DingTalk: thirdParty, Upstream: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/p" {
			testsite.ServePage(w, r)
			return
		}
		n, err := io.Copy(io.Discard, r.Body)
		_, _ = fmt.Fprintf(w, "%s %s %d %v %v", r.Method, r.RequestURI, n, err, r.TransferEncoding)
	})})
	long := strings.Repeat("x", 3<<20)
	for _, tt := range []struct{ method, target, body, want string }{
		{"GET", "/ding/cb?a=b", "", "GET /ding/cb?a=b 0 <nil> []"},
		{"PUT", "/ding/cb", "x", "PUT /ding/cb 1 <nil> []"},
		{"POST", "/ding/cb?a=%zz", "x", "POST /ding/cb?a=%zz 1 <nil> []"},
		{"POST", "/ding/cb", "", "POST /ding/cb 0 <nil> []"},
		{"POST", "/ding/cb", long, fmt.Sprintf("POST /ding/cb %d <nil> []", len(long))},
		{"POST", "/ding/cb", long[:1<<20], fmt.Sprintf("POST /ding/cb %d <nil> []", 1<<20)},
		{"POST", "/ding/cb", long[:1<<20+1], fmt.Sprintf("POST /ding/cb %d <nil> []", 1<<20+1)},
	} {
		if a := s.Fetch(t, tt.method, tt.target, tt.body); a.Body != tt.want {
			t.Errorf("%s %s: %d %s, want %s", tt.method, tt.target, a.Status, a.Body, tt.want)
		}
	}
	chunked := s.Open(t, http.MethodPost, "/ding/cb", io.MultiReader(strings.NewReader(long)), testsite.Header())
	if body, err := io.ReadAll(chunked.Body); err != nil || string(body) != fmt.Sprintf("POST /ding/cb %d <nil> [chunked]", len(long)) {
		t.Errorf("in chunks: %s %v", body, err)
	}
	for _, path := range []string{"/ding/cb/", "/ding/%63b", "/ding/CB", "//ding/cb"} {
		if a := pushed(t, s, path, sandbox.Push{Event: "suite_ticket"}); a.Status != http.StatusOK {
			t.Errorf("%s: %d %s", path, a.Status, a.Body)
		}
		if got := tenantAt(t, s, "/p?corpid=dingcorp1"); got != "ticket_unavailable" {
			t.Errorf("a push to %s was heard: %s", path, got)
		}
	}
}

// TestTheLengthOfAPush: what is as long as may be is read, one byte more is not.
func TestTheLengthOfAPush(t *testing.T) {
	s := testsite.Run(t, testsite.Setup{Sites: tenantSite("", suiteLines), DingTalk: thirdParty})
	body := func(n int) string { return `{"encrypt":"` + strings.Repeat("A", n-len(`{"encrypt":""}`)) + `"}` }
	testsite.ExpectRefusal(t, s.Fetch(t, http.MethodPost, "/.dingtalk/callback?signature=x&timestamp=1&nonce=n", body(1<<20)), http.StatusForbidden, "bad_signature")
	testsite.ExpectRefusal(t, s.Fetch(t, http.MethodPost, "/.dingtalk/callback?signature=x&timestamp=1&nonce=n", body(1<<20+1)), http.StatusRequestEntityTooLarge, "too_large")
	refused := s.Fetch(t, http.MethodPost, "/.dingtalk/callback?signature=x&timestamp=1&nonce=n", `{"encrypt":"AAAA"}`).Body
	for _, bad := range []string{`{"encrypt":7}`, `{"encrypt":null}`, `[]`, `"x"`, `null`, `{}`, `{"Encrypt":"AAAA"}`} {
		if a := s.Fetch(t, http.MethodPost, "/.dingtalk/callback?signature=x&timestamp=1&nonce=n", bad); a.Status != http.StatusForbidden || a.Body != refused {
			t.Errorf("%s: %d %s", bad, a.Status, a.Body)
		}
	}
	for _, bad := range []string{``, `{`, `encrypt=AAAA`, "\xff"} {
		testsite.ExpectRefusal(t, s.Fetch(t, http.MethodPost, "/.dingtalk/callback?signature=x&timestamp=1&nonce=n", bad), http.StatusBadRequest, "bad_push")
	}
	for _, method := range []string{http.MethodGet, http.MethodHead, http.MethodPut, http.MethodDelete} {
		if a := s.Fetch(t, method, "/.dingtalk/callback", ""); a.Status != http.StatusMethodNotAllowed || a.Header.Get("Allow") != "POST" {
			t.Errorf("%s: %d %v", method, a.Status, a.Header)
		}
	}
}

// TestReloadsOfASuite: what the fleet knows survives that the suite goes and comes back, and that
// its keys are changed.
func TestReloadsOfASuite(t *testing.T) {
	s := servedSuite(t, "")
	for _, corp := range []string{"dingcorp1", "dingcorp2"} {
		push(t, s, sandbox.Push{Event: "org_suite_auth", CorpID: corp})
		if got := tenantAt(t, s, "/p?corpid="+corp); !strings.HasPrefix(got, corp) {
			t.Fatal(got)
		}
	}
	push(t, s, sandbox.Push{Event: "org_suite_relieve", CorpID: "dingcorp2"})
	before := s.Ding.Calls()
	without := strings.Replace(s.Caddyfile, suiteLines, "\t\timport bases\n\t\ttenant dingcorp9 1 {\n\t\t\tapp_key a\n\t\t\tapp_secret b\n\t\t}\n", 1)
	if err := s.Load(t, without); err != nil {
		t.Fatal(err)
	}
	if got := tenantAt(t, s, "/p?corpid=dingcorp1"); got != "tenant_unknown" {
		t.Errorf("without the suite: %s", got)
	}
	if a := pushed(t, s, "/.dingtalk/callback", sandbox.Push{Event: "suite_ticket"}); a.Status != http.StatusNotFound {
		t.Errorf("a push without the suite: %d %s", a.Status, a.Body)
	}
	if err := s.Load(t, s.Caddyfile); err != nil {
		t.Fatal(err)
	}
	for corp, want := range map[string]string{"dingcorp1": "dingcorp1/501 query", "dingcorp2": "tenant_unknown"} {
		if got := tenantAt(t, s, "/p?corpid="+corp); got != want {
			t.Errorf("with the suite again, %s is %s, want %s", corp, got, want)
		}
	}
	after := s.Ding.Calls()
	for _, call := range []string{"oapi.get_auth_info", "v1.corp_token", "v1.ticket"} {
		if call != "v1.ticket" && after[call] != before[call] || after[call] > before[call]+2 { // those of the other configuration
			t.Errorf("%s: %d calls, before %d", call, after[call], before[call])
		}
	}
	if err := s.Load(t, strings.Replace(s.Caddyfile, "token t0ken", "token an0ther", 1)); err != nil {
		t.Fatal(err)
	}
	if a := pushed(t, s, "/.dingtalk/callback", sandbox.Push{Event: "suite_ticket"}); a.Status != http.StatusForbidden {
		t.Errorf("a push with the token from before: %d %s", a.Status, a.Body)
	}
	if got := tenantAt(t, s, "/p?corpid=dingcorp1"); got != "dingcorp1/501 query" {
		t.Errorf("with another token: %s", got)
	}
}

// TestWhatTheAdminAPIIsAskedOfCorps: nonsense costs no call and is no fault of the server's.
func TestWhatTheAdminAPIIsAskedOfCorps(t *testing.T) {
	s := servedSuite(t, "")
	for _, corp := range []string{"dingcorp1", "dingcorp2"} {
		tenantAt(t, s, "/p?corpid="+corp)
	}
	before := s.Ding.Calls()
	for _, tt := range []struct {
		method, target string
		status         int
		part           string
	}{
		{"GET", "/dingtalk/tenants?corpid=..%2Fx", 404, "no tenant of corp"},
		{"GET", "/dingtalk/tenants?corpid=dingcorp9", 404, "no tenant of corp"},
		{"GET", "/dingtalk/tenants?corpid=" + strings.Repeat("a", 65), 404, "no tenant of corp"},
		{"GET", "/dingtalk/tenants?after=%00%ff", 200, `"corp_id":"dingcorp1"`},
		{"GET", "/dingtalk/tenants?after=zzz", 200, `{"tenants":[],"after":null}`},
		{"GET", "/dingtalk/tenants?after=dingcorp1", 200, `"corp_id":"dingcorp1"`},
		{"GET", "/dingtalk/tenants?after=dingcorp1.501.~", 200, `{"tenants":[{"corp_id":"dingcorp2"`},
		{"POST", "/dingtalk/tenants", 405, ""},
		{"GET", "/dingtalk/refresh?corpid=dingcorp1", 405, ""},
		{"POST", "/dingtalk/refresh?corpid=dingcorp9", 404, ""},
		{"POST", "/dingtalk/refresh?app=nobody&corpid=dingcorp1", 404, ""},
	} {
		status, _, text := testsite.Admin(t, tt.method, tt.target)
		if status != tt.status || !strings.Contains(text, tt.part) {
			t.Errorf("%s %s: %d %s, want %d %s", tt.method, tt.target, status, text, tt.status, tt.part)
		}
	}
	if after := s.Ding.Calls(); fmt.Sprint(after) != fmt.Sprint(before) {
		t.Errorf("calls %v, before %v", after, before)
	}
	_, _, text := testsite.Admin(t, http.MethodGet, "/dingtalk/status")
	if !strings.Contains(text, `"corps":{"authorized":2,"revoked":0,"held":2}`) {
		t.Error(text)
	}
	push(t, s, sandbox.Push{Event: "org_suite_relieve", CorpID: "dingcorp1"})
	if _, _, text = testsite.Admin(t, http.MethodGet, "/dingtalk/status"); !strings.Contains(text, `"corps":{"authorized":1,"revoked":1,"held":1}`) {
		t.Error(text)
	}
}
