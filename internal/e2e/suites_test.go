package e2e

import (
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

func TestACorpOfASuiteIsServedFromItsAuthorisationToItsRevocation(t *testing.T) {
	s := testsite.Run(t, testsite.Setup{Sites: tenantSite("", suiteLines), DingTalk: thirdParty})
	isv := s.URL
	page := isv + "/p?corpid=dingcorp1"
	push := func(event string) {
		t.Helper()
		reply, err := s.Ding.Push(t.Context(), sandbox.Push{URL: s.URL + "/.dingtalk/callback", Event: event, CorpID: "dingcorp1"})
		if err != nil || reply.Status != http.StatusOK {
			t.Fatalf("%s: %+v, %v", event, reply, err)
		}
	}
	if got := s.Get(t, isv+"/p").Snippet(t); got.Tenant() != "tenant_ambiguous" {
		t.Errorf("a page that names nobody: %s", got.Tenant())
	}
	s.ExpectUnsigned(t, s.Get(t, page), "ticket_unavailable", "suite_ticket again")

	if _, err := s.Ding.Authorize(sandbox.Authorization{Suite: "suiteone", CorpID: "dingcorp1", Agents: []sandbox.Agent{{AgentID: "501"}}}); err != nil {
		t.Fatal(err)
	}
	push("suite_ticket")
	push("org_suite_auth")
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

	push("org_suite_relieve")
	s.ExpectUnsigned(t, s.Get(t, page), "tenant_unknown")
	testsite.ExpectRefusal(t, s.Config(t, isv, page), http.StatusForbidden, "tenant_unknown")
}
