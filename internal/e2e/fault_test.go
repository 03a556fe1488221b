package e2e

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/caddy-dingtalk/caddy-dingtalk/internal/sandbox"
	"github.com/caddy-dingtalk/caddy-dingtalk/internal/testsite"
)

// ownSite is one of several sites, each with a DingTalk of its own.
type ownSite struct {
	*testsite.Site
	host string
}

// ownSites runs sites at once: faults take their time, and need not wait for each
// other. lines are what the directive of each says besides the credentials.
func ownSites(t *testing.T, count int, lines string, before func(i int, ding *sandbox.DingTalk)) []ownSite {
	t.Helper()
	s := testsite.Run(t, testsite.Setup{Sites: "http://first.test:PORT {\n\trespond ok\n}"})
	upstream := s.Fill.Replace("UPSTREAM")
	var all []ownSite
	var text strings.Builder
	for i := range count {
		own := *s
		own.Ding = sandbox.New(sandbox.Options{})
		before(i, own.Ding)
		one := ownSite{&own, fmt.Sprintf("t%d.test", i)}
		fmt.Fprintf(&text, "http://%s:%s {\n\tdingtalk {\n\t\t%s\n\t\t%s\n\t}\n\treverse_proxy %s\n}\n",
			one.host, s.Port, s.Credentials(t, own.Ding), s.Fill.Replace(lines), upstream)
		all = append(all, one)
	}
	if err := s.Load(t, s.Caddyfile+text.String()); err != nil {
		t.Fatal(err)
	}
	return all
}

func (s ownSite) page(t *testing.T) *testsite.Answer {
	t.Helper()
	return s.Get(t, s.At(s.host)+"/p")
}

func (s ownSite) isSigned(t *testing.T) bool {
	t.Helper()
	got := s.page(t).Snippet(t)
	return got != nil && got.Sidecar.Error == nil && s.Ding.Verify(got.Params(t), s.At(s.host)+"/p").OK
}

func TestAFaultOfDingTalkNeverFailsAPage(t *testing.T) {
	const wait = time.Second
	tests := []struct {
		name    string
		call    sandbox.Call
		fault   string
		words   []string // of the message
		recover bool     // within the test's patience
	}{
		{"the server's address is not on the list", sandbox.TokenCall, "ip", []string{"Add the public address of this server", "服务器出口IP"}, true},
		{"the secret is wrong", sandbox.TokenCall, "secret", []string{"Compare app_key and app_secret"}, true},
		{"a permission is missing", sandbox.TicketCall, "permission", []string{"权限管理"}, true},
		{"DingTalk is busy", sandbox.TicketCall, "busy", []string{"DingTalk is in trouble itself"}, true},
		{"the token is refused", sandbox.TicketCall, "token", []string{"access token"}, true},
		{"a proxy answers with a page", sandbox.TokenCall, "html", []string{"Something other than DingTalk answered"}, true},
		{"a gateway fails", sandbox.TicketCall, "status:502", []string{"DingTalk gives no jsapi_ticket"}, true},
		{"the answer is cut off", sandbox.TokenCall, "truncated", []string{"DingTalk gives no jsapi_ticket"}, true},
		{"the answer has no ticket", sandbox.TicketCall, "missing", []string{"DingTalk gives no jsapi_ticket"}, true},
		{"the ticket is empty", sandbox.TicketCall, "empty", []string{"DingTalk gives no jsapi_ticket"}, true},
		{"the answer is a redirect", sandbox.TokenCall, "redirect:http://127.0.0.1:1/", []string{"DingTalk gives no jsapi_ticket"}, true},
		{"the connection closes", sandbox.TokenCall, "drop", []string{"DNS", "firewall", "api_base"}, true},
		{"the answer is too slow for the first page", sandbox.TicketCall, "slow:4s", []string{"ticket"}, true},
		{"there is no answer", sandbox.TokenCall, "hang", []string{"ticket"}, false},
		{"too many calls", sandbox.TokenCall, "rate", []string{"Calls slow down by themselves"}, false},
	}
	sites := ownSites(t, len(tests), "ticket_wait 1s", func(i int, ding *sandbox.DingTalk) {
		ding.SetFault(tests[i].call, sandbox.MustFault(tests[i].fault))
	})
	for i, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			s := sites[i]
			start := time.Now()
			a := s.page(t)
			if took := time.Since(start); took > wait+3*time.Second {
				t.Errorf("the first page took %s", took)
			}
			got := s.ExpectUnsigned(t, a, "ticket_unavailable", test.words...)
			if a.Status != http.StatusOK || !strings.HasSuffix(a.Body, testsite.Page[len(testsite.Beginning):]) {
				t.Errorf("%d %s", a.Status, a.Body)
			}
			if got.Sidecar.URL == nil || *got.Sidecar.URL != s.At(s.host)+"/p" {
				t.Error("the URL is known, and the client needs it")
			}

			start = time.Now()
			s.ExpectUnsigned(t, s.page(t), "ticket_unavailable")
			if took := time.Since(start); took > wait-100*time.Millisecond {
				t.Errorf("the second page waited as well: %s", took)
			}
			config := s.Config(t, s.At(s.host), s.At(s.host)+"/p")
			testsite.ExpectRefusal(t, config, http.StatusServiceUnavailable, "ticket_unavailable")
			if seconds, err := strconv.Atoi(config.Header.Get("Retry-After")); err != nil || seconds < 1 || seconds > 61 || (test.fault == "rate") != (seconds > 40) {
				t.Errorf("Retry-After: %q", config.Header.Get("Retry-After"))
			}
			for _, secret := range append(s.Ding.Issued(), s.Ding.Options().AppSecret, "Add 127.0.0.1") {
				if strings.Contains(a.Body+config.Body, secret) {
					t.Errorf("%.10s… is shown", secret)
				}
			}
		})
	}
	for _, s := range sites {
		s.Ding.Reset()
	}
	for i, test := range tests {
		if test.recover {
			testsite.Eventually(t, "a signature after: "+test.name, func() bool { return sites[i].isSigned(t) })
		}
	}
	t.Run("the log tells of each fault once, with the advice", func(t *testing.T) {
		lines := sites[0].Logged(t, `"level":"error"`, "cannot fetch a jsapi_ticket")
		if len(lines) == 0 || len(lines) > len(tests) {
			t.Errorf("%d lines of %d faults", len(lines), len(tests))
		}
		if lines := sites[0].Logged(t, `"level":"error"`, "服务器出口IP", "127.0.0.1", `"advice":`); len(lines) != 1 {
			t.Errorf("%d lines of the address", len(lines))
		}
		if lines := sites[0].Logged(t, "there is a jsapi_ticket again"); len(lines) == 0 {
			t.Error("no line of the recovery")
		}
	})
}

func TestATicketThatLivesOutlastsAFault(t *testing.T) {
	s := testsite.Run(t, testsite.Setup{Sites: testsite.Signed})
	s.ExpectSigned(t, s.Get(t, "/"), s.URL+"/")
	s.Ding.SetFault(sandbox.TokenCall, sandbox.MustFault("secret"))
	s.Ding.SetFault(sandbox.TicketCall, sandbox.MustFault("busy"))
	s.Report(t, `{"url":"`+s.URL+`/","signed":"`+s.URL+`/","code":52013,"message":""}`)
	testsite.Eventually(t, "a renewal that fails", func() bool {
		return len(s.Logged(t, "cannot renew the jsapi_ticket, pages are signed with the one that is held")) > 0
	})
	for range 3 {
		s.ExpectSigned(t, s.Get(t, "/"), s.URL+"/")
	}
}

func TestAFaultOfTheStorageNeverFailsAPage(t *testing.T) {
	// Nothing can be below a file, not even for root.
	sites := ownSites(t, 2, "ticket_wait 1s\n\t\tstorage file_system DIR/log/below", func(i int, ding *sandbox.DingTalk) {
		if i == 1 {
			ding.SetFault(sandbox.TicketCall, sandbox.MustFault("busy"))
		}
	})
	working, failing := sites[0], sites[1]
	for range 3 {
		working.ExpectSigned(t, working.page(t), working.At(working.host)+"/p")
	}
	if calls := working.Ding.Calls(); calls["v1.token"] != 1 || calls["v1.ticket"] != 1 {
		t.Errorf("calls %v", calls)
	}
	failing.ExpectUnsigned(t, failing.page(t), "ticket_unavailable", "DingTalk is in trouble itself")
	testsite.Eventually(t, "a line that names the trouble", func() bool {
		return len(working.Logged(t, `"level":"warn"`, "the storage fails", "not a directory")) > 0
	})
	if lines := working.Logged(t, "the storage fails"); len(lines) > 4 {
		t.Errorf("%d lines", len(lines))
	}
}
