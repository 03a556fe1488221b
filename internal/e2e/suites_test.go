package e2e

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/caddy-dingtalk/caddy-dingtalk/internal/sandbox"
	"github.com/caddy-dingtalk/caddy-dingtalk/internal/testsite"
)

// thirdParty is a DingTalk with a suite, whose ticket has not been pushed yet.
var thirdParty = sandbox.Options{Suites: []sandbox.Suite{{
	Key: "suiteone", Secret: "suite-secret", Token: "t0ken", AESKey: "Yue0EfdN5900c1ce5cf6A152c63DDe1808a60c5ecd7",
}}}

const suiteLines = "\t\timport bases\n\t\tsuite suiteone {\n\t\t\tsuite_secret suite-secret\n\t\t\ttoken t0ken\n\t\t\taes_key Yue0EfdN5900c1ce5cf6A152c63DDe1808a60c5ecd7\n\t\t}\n"

// push sends an event to one process's callback, and returns status and decrypted answer.
func push(t *testing.T, s *testsite.Site, p sandbox.Push) string {
	t.Helper()
	p.URL = s.URL + "/.dingtalk/callback"
	answer, err := s.Ding.PushBy(t.Context(), s.Client, p)
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(fmt.Sprint(answer.Status, " ", answer.Reply))
}

func TestACorpOfASuiteIsServedFromItsAuthorisationToItsRevocation(t *testing.T) {
	s := testsite.Run(t, testsite.Setup{Sites: tenantSite("", suiteLines), DingTalk: thirdParty})
	isv := s.URL
	page := isv + "/p?corpid=dingcorp1"
	event := func(name string) {
		t.Helper()
		if got := push(t, s, sandbox.Push{Event: name, CorpID: "dingcorp1"}); got != "200 success" {
			t.Fatalf("%s: %s", name, got)
		}
	}
	if got := s.Get(t, isv+"/p").Snippet(t); got.Tenant() != "tenant_ambiguous" {
		t.Errorf("a page that names nobody: %s", got.Tenant())
	}
	s.ExpectUnsigned(t, s.Get(t, page), "ticket_unavailable", "suite_ticket again")

	if _, err := s.Ding.Authorize(sandbox.Authorization{Suite: "suiteone", CorpID: "dingcorp1", Agents: []sandbox.Agent{{AgentID: "501"}}}); err != nil {
		t.Fatal(err)
	}
	event("suite_ticket")
	event("org_suite_auth")
	a := s.Get(t, page)
	got := s.ExpectSigned(t, a, page)
	if got.Tenant() != "dingcorp1/501 query" || !strings.Contains(string(got.Config), `"appId":"501"`) {
		t.Errorf("%s: %s", got.Tenant(), got.Config)
	}
	if cookie := a.Header.Get("Set-Cookie"); !strings.HasPrefix(cookie, "dingtalk_tenant=dingcorp1.501;") {
		t.Errorf("cookie %q", cookie)
	}
	if got := s.Get(t, isv+"/p?corpid=dingcorp9").Snippet(t); got.Tenant() != "tenant_unknown" {
		t.Errorf("a corp that has not authorised it: %s", got.Tenant())
	}
	status, _, text := testsite.Admin(t, http.MethodGet, "/dingtalk/tenants?corpid=dingcorp1")
	if status != http.StatusOK || !strings.Contains(text, `"state":"authorized"`) || !strings.Contains(text, `"agent_id":"501"`) {
		t.Errorf("%d %s", status, text)
	}

	event("org_suite_relieve")
	s.ExpectUnsigned(t, s.Get(t, page), "tenant_unknown")
	testsite.ExpectRefusal(t, s.Config(t, isv, page), http.StatusForbidden, "tenant_unknown")
}
