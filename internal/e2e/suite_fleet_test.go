//go:build linux || darwin

package e2e

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/caddy-dingtalk/caddy-dingtalk/internal/sandbox"
	"github.com/caddy-dingtalk/caddy-dingtalk/internal/testsite"
)

// suiteApp is a site of a suite that the corps c1 and c2 have authorised.
func suiteApp(t *testing.T, name string) *testsite.FleetApp {
	t.Helper()
	a := testsite.NewFleetApp(name, sandbox.Options{Suites: make([]sandbox.Suite, 1)})
	for i, corp := range []string{"corp1", "corp2"} {
		if _, err := a.Ding.Authorize(sandbox.Authorization{CorpID: corp, Agents: []sandbox.Agent{{AgentID: fmt.Sprint(101 + i)}}}); err != nil {
			t.Fatal(err)
		}
	}
	s := a.Ding.Suites()[0]
	a.Login = fmt.Sprintf("suite %s {\n\t\t\tsuite_secret %s\n\t\t\ttoken %s\n\t\t\taes_key %s\n\t\t}", s.Key, s.Secret, s.Token, s.AESKey)
	return a
}

func TestASuiteOnAFleet(t *testing.T) {
	a := suiteApp(t, "suite")
	liveThrough(t, a, testsite.StartFleet(t, 3, a))
}

func TestASuiteOnAFleetOverRedis(t *testing.T) {
	a := suiteApp(t, "suite")
	liveThrough(t, a, redisFleet(t, 3, a))
}

// liveThrough is a suite from its first ticket to a revocation and on, on three processes.
func liveThrough(t *testing.T, a *testsite.FleetApp, f *testsite.Fleet) {
	t.Helper()
	visit := func(i int, corp string) string { return f.Site(i, a).Visit(t, "/p?corpid="+corp) }
	event := func(i int, name, corp string) {
		t.Helper()
		if got := push(t, f.Site(i, a), sandbox.Push{Event: name, CorpID: corp}); got != "200 success" {
			t.Errorf("%s of %s: %s", name, corp, got)
		}
	}

	if got := visit(0, "corp1"); !strings.HasPrefix(got, "ticket_unavailable") {
		t.Errorf("before any suite_ticket: %s", got)
	}
	event(0, "suite_ticket", "")
	for i := range f.Processes {
		for _, corp := range []string{"corp1", "corp2"} {
			testsite.EventuallyWithin(t, 15*time.Second, "a page of "+corp, func() bool { return visit(i, corp) == testsite.SignedPage })
		}
	}
	for call, want := range map[sandbox.Call]int{sandbox.AuthInfoCall: 2, sandbox.CorpTokenCall: 2, sandbox.TicketCall: 2} {
		if got := len(a.Called(call)); got != want {
			t.Errorf("%d calls of %s for two corps on three processes, want %d", got, call, want)
		}
	}
	if got := visit(0, "stranger"); !strings.HasPrefix(got, "tenant_unknown") {
		t.Errorf("a page of a stranger: %s", got)
	}

	for _, tamper := range []string{"signature", "encrypt", "token", "aes_key", "key", "short_padding", "long_padding", "length", "one_block", "15_bytes", "empty", "no_query"} {
		if got := push(t, f.Site(0, a), sandbox.Push{Event: "org_suite_relieve", CorpID: "corp2", Tamper: tamper}); got != "403" {
			t.Errorf("a push with a wrong %s: %s", tamper, got)
		}
	}

	if _, err := a.Ding.Authorize(sandbox.Authorization{CorpID: "corp1", State: sandbox.Revoked}); err != nil {
		t.Fatal(err)
	}
	revoked := time.Now()
	event(1, "org_suite_relieve", "corp1")
	if got := visit(1, "corp1"); !strings.HasPrefix(got, "tenant_unknown") {
		t.Errorf("where the revocation was pushed: %s", got)
	}
	for i := range f.Processes {
		testsite.EventuallyWithin(t, 30*time.Second, "the revocation", func() bool { return strings.HasPrefix(visit(i, "corp1"), "tenant_unknown") })
		if got := visit(i, "corp2"); got != testsite.SignedPage {
			t.Errorf("the other corp on process %d: %s", i, got)
		}
	}
	t.Logf("revoked everywhere after %s", time.Since(revoked).Round(time.Second))
	if got := push(t, f.Site(0, a), sandbox.Push{Event: "org_suite_auth", CorpID: "corp1", Time: "-1h"}); got != "200 success" {
		t.Errorf("an older authorisation: %s", got)
	}
	if got := visit(0, "corp1"); !strings.HasPrefix(got, "tenant_unknown") {
		t.Errorf("after an older authorisation: %s", got)
	}

	if _, err := a.Ding.Authorize(sandbox.Authorization{CorpID: "corp1"}); err != nil {
		t.Fatal(err)
	}
	event(2, "org_suite_auth", "corp1")
	for i := range f.Processes {
		testsite.EventuallyWithin(t, 30*time.Second, "the new authorisation", func() bool { return visit(i, "corp1") == testsite.SignedPage })
	}
	f.Start(t)
	if got := visit(3, "corp2"); got != testsite.SignedPage {
		t.Errorf("a process that starts later: %s", got)
	}
	if got := len(a.Called(sandbox.AuthInfoCall)); got > 4 {
		t.Errorf("%d calls of get_auth_info in the end", got)
	}
	for i := range f.Processes {
		log := f.Stop(t, i)
		for _, secret := range append(a.Ding.SuiteSecrets(), a.Ding.Issued()...) {
			if strings.Contains(log, secret) {
				t.Errorf("the log of process %d has a secret", i)
			}
		}
	}
	looked := len(a.Called(sandbox.AuthInfoCall))
	f.Start(t) // when all others are gone
	if got := visit(4, "corp2"); got != testsite.SignedPage {
		t.Errorf("after all processes were gone: %s", got)
	}
	if got := len(a.Called(sandbox.AuthInfoCall)); got != looked {
		t.Errorf("%d look-ups after all processes were gone", got-looked)
	}
}

// While the storage fails DingTalk is told so, that it repeats; what is held serves.
func TestASuiteWhoseStorageFails(t *testing.T) {
	a := suiteApp(t, "failing")
	f := redisFleet(t, 1, a)
	s := f.Site(0, a)
	if got := push(t, s, sandbox.Push{Event: "suite_ticket"}); got != "200 success" {
		t.Fatal(got)
	}
	testsite.Eventually(t, "a signed page", func() bool { return s.Visit(t, "/p?corpid=corp1") == testsite.SignedPage })

	a.Redis.Kill()
	a.Ding.NewSuiteTicket("", "")
	if got := push(t, s, sandbox.Push{Event: "suite_ticket"}); got != "503" {
		t.Errorf("a push while the storage is away: %s", got)
	}
	if got := s.Visit(t, "/p?corpid=corp1"); got != testsite.SignedPage {
		t.Errorf("a corp whose ticket is held: %s", got)
	}
	_ = os.Remove(a.Redis.Socket)
	a.Redis.Start(t)
	testsite.EventuallyWithin(t, 20*time.Second, "success for the repeated push", func() bool {
		return push(t, s, sandbox.Push{Event: "suite_ticket"}) == "200 success"
	})
}
