package e2e

import (
	"fmt"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/caddy-dingtalk/caddy-dingtalk/internal/sandbox"
	"github.com/caddy-dingtalk/caddy-dingtalk/internal/testsite"
)

// servedSuite is a site of a suite that two corps have authorised.
func servedSuite(t *testing.T, global string) *testsite.Site {
	t.Helper()
	s := testsite.Run(t, testsite.Setup{Global: global, Sites: strings.Replace(tenantSite("", suiteLines), "\treverse_proxy", "\tmetrics /metrics\n\treverse_proxy", 1), DingTalk: thirdParty})
	for i, corp := range []string{"dingcorp1", "dingcorp2"} {
		if _, err := s.Ding.Authorize(sandbox.Authorization{CorpID: corp, Agents: []sandbox.Agent{{AgentID: fmt.Sprint(501 + i)}}}); err != nil {
			t.Fatal(err)
		}
	}
	if got := push(t, s, sandbox.Push{Event: "suite_ticket"}); got != "200 success" {
		t.Fatal(got)
	}
	return s
}

// TestNothingThatASuiteKeepsToItselfIsShown: its secrets stand in the configuration in plain
// text, the worst case, and no label of a metric names a corp, of which there may be many.
func TestNothingThatASuiteKeepsToItselfIsShown(t *testing.T) {
	s := servedSuite(t, "debug\n\tservers {\n\t\ttrace\n\t}")
	served := make(map[string]string)
	visit := func(when string) {
		for _, corp := range []string{"dingcorp1", "dingcorp2", "dingstranger"} {
			page := s.Get(t, "/p?corpid="+corp)
			_, _, tenants := testsite.Admin(t, http.MethodGet, "/dingtalk/tenants?corpid="+corp)
			served[when+corp] = fmt.Sprint(page.Header, page.Body, s.Config(t, s.URL, s.URL+"/p?corpid="+corp).Body, tenants)
		}
	}
	visit("served: ")
	for _, tamper := range []string{"signature", "key", "length", "not_json"} {
		served[tamper] = pushed(t, s, "/.dingtalk/callback", sandbox.Push{Event: "suite_ticket", Tamper: tamper}).Body
	}
	push(t, s, sandbox.Push{Event: "org_suite_relieve", CorpID: "dingcorp2"})
	s.Ding.NewSuiteTicket("", "") // the one that is held is refused from now on
	testsite.Admin(t, http.MethodPost, "/dingtalk/refresh?corpid=dingcorp1")
	s.Ding.ExpireTicketFor("dingcorp1")
	visit("refused: ")
	_, _, served["status"] = testsite.Admin(t, http.MethodGet, "/dingtalk/status")
	served["metrics"] = s.Fetch(t, http.MethodGet, "/metrics", "").Body
	served["log"] = string(s.Log(t))

	if !strings.Contains(served["status"], `"suite_key":"suiteone"`) || !strings.Contains(served["metrics"], "caddy_dingtalk_callbacks_total") || !strings.Contains(served["log"], `"suite(suiteone)"`) {
		t.Fatalf("the test has seen nothing: %s", served["status"])
	}
	secrets := append(s.Ding.SuiteSecrets(), s.Ding.Issued()...)
	if len(secrets) < 8 {
		t.Fatalf("only %d secrets", len(secrets))
	}
	for what, text := range served {
		for _, secret := range secrets {
			if i := strings.Index(text, secret); i >= 0 {
				t.Errorf("%s has a secret: %s", what, text[max(0, i-200):min(len(text), i+100)])
			}
		}
	}
	if strings.Contains(served["metrics"], "dingcorp") {
		t.Error("a metric names a corp")
	}
}

// TestReloadsUnderLoadCostASuiteNothing: what is known of its corps goes on.
func TestReloadsUnderLoadCostASuiteNothing(t *testing.T) {
	s := servedSuite(t, "")
	corps := []string{"dingcorp1", "dingcorp2"}
	for _, corp := range corps {
		s.ExpectSigned(t, s.Get(t, "/p?corpid="+corp), s.URL+"/p?corpid="+corp)
	}
	before := s.Ding.Calls()
	var stop atomic.Bool
	var pages atomic.Int64
	var load sync.WaitGroup
	var others sync.Map
	for _, corp := range corps {
		load.Go(func() {
			for !stop.Load() {
				if got := visitAgain(t, s, "/p?corpid="+corp); got != testsite.SignedPage {
					others.Store(got, true)
				}
				pages.Add(1)
			}
		})
	}
	for i := range 10 {
		n := pages.Load()
		testsite.Eventually(t, "pages between two reloads", func() bool { return pages.Load() > n+4 })
		if err := s.Load(t, strings.Replace(s.Caddyfile, "import bases\n", fmt.Sprintf("import bases\n\t\tticket_wait %ds\n", 3+i), 1)); err != nil {
			t.Fatal(err)
		}
	}
	stop.Store(true)
	load.Wait()
	others.Range(func(what, _ any) bool { t.Errorf("a page is %s", what); return true })
	if after := s.Ding.Calls(); fmt.Sprint(after) != fmt.Sprint(before) {
		t.Errorf("DingTalk was called again: %v, before %v", after, before)
	}
}
