package dingtalk

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/caddy-dingtalk/caddy-dingtalk/internal/sandbox"
)

// tenant is one of several sites, each with a DingTalk of its own.
type tenant struct {
	*site
	host string
}

// tenants runs sites at once: faults take their time, and need not wait for each
// other. lines are what the directive of each says besides the credentials.
func tenants(t *testing.T, count int, lines string) []tenant {
	t.Helper()
	s := run(t, setup{sites: "http://first.test:PORT {\n\trespond ok\n}"})
	upstream := s.fill.Replace("UPSTREAM")
	var all []tenant
	var text strings.Builder
	for i := range count {
		own := *s
		own.ding = sandbox.New(sandbox.Options{})
		one := tenant{&own, fmt.Sprintf("t%d.test", i)}
		fmt.Fprintf(&text, "http://%s:%s {\n\tdingtalk {\n\t\t%s\n\t\t%s\n\t}\n\treverse_proxy %s\n}\n",
			one.host, s.port, s.credentials(t, own.ding), s.fill.Replace(lines), upstream)
		all = append(all, one)
	}
	if err := s.load(t, s.caddyfile+text.String()); err != nil {
		t.Fatal(err)
	}
	return all
}

func (s tenant) page(t *testing.T) *answer {
	t.Helper()
	return s.get(t, s.at(s.host)+"/p")
}

func (s tenant) isSigned(t *testing.T) bool {
	t.Helper()
	got := s.page(t).snippet(t)
	return got != nil && got.Sidecar.Error == nil && s.ding.Verify(got.params(t), s.at(s.host)+"/p").OK
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
	sites := tenants(t, len(tests), "ticket_wait 1s")
	for i, test := range tests {
		sites[i].ding.SetFault(test.call, sandbox.MustFault(test.fault))
	}
	for i, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			s := sites[i]
			start := time.Now()
			a := s.page(t)
			if took := time.Since(start); took > wait+3*time.Second {
				t.Errorf("the first page took %s", took)
			}
			got := s.expectUnsigned(t, a, "ticket_unavailable", test.words...)
			if a.status != http.StatusOK || !strings.HasSuffix(a.body, thePage[len(beginning):]) {
				t.Errorf("%d %s", a.status, a.body)
			}
			if got.Sidecar.URL == nil || *got.Sidecar.URL != s.at(s.host)+"/p" {
				t.Error("the URL is known, and the client needs it")
			}

			start = time.Now()
			s.expectUnsigned(t, s.page(t), "ticket_unavailable")
			if took := time.Since(start); took > wait-100*time.Millisecond {
				t.Errorf("the second page waited as well: %s", took)
			}
			config := s.config(t, s.at(s.host), s.at(s.host)+"/p")
			expectRefusal(t, config, http.StatusServiceUnavailable, "ticket_unavailable")
			if seconds, err := strconv.Atoi(config.header.Get("Retry-After")); err != nil || seconds < 1 || seconds > 61 || (test.fault == "rate") != (seconds > 40) {
				t.Errorf("Retry-After: %q", config.header.Get("Retry-After"))
			}
			for _, secret := range append(s.ding.Issued(), s.ding.Options().AppSecret, "Add 127.0.0.1") {
				if strings.Contains(a.body+config.body, secret) {
					t.Errorf("%.10s… is shown", secret)
				}
			}
		})
	}
	for _, s := range sites {
		s.ding.Reset()
	}
	for i, test := range tests {
		if test.recover {
			eventually(t, "a signature after: "+test.name, func() bool { return sites[i].isSigned(t) })
		}
	}
	t.Run("the log tells of each fault once, with the advice", func(t *testing.T) {
		lines := sites[0].logged(t, `"level":"error"`, "cannot fetch a jsapi_ticket")
		if len(lines) == 0 || len(lines) > len(tests) {
			t.Errorf("%d lines of %d faults", len(lines), len(tests))
		}
		if lines := sites[0].logged(t, `"level":"error"`, "服务器出口IP", "127.0.0.1", `"advice":`); len(lines) != 1 {
			t.Errorf("%d lines of the address", len(lines))
		}
		if lines := sites[0].logged(t, "there is a jsapi_ticket again"); len(lines) == 0 {
			t.Error("no line of the recovery")
		}
	})
}

func TestATicketThatLivesOutlastsAFault(t *testing.T) {
	s := run(t, setup{sites: signed})
	s.expectSigned(t, s.get(t, "/"), s.url+"/")
	s.ding.SetFault(sandbox.TokenCall, sandbox.MustFault("secret"))
	s.ding.SetFault(sandbox.TicketCall, sandbox.MustFault("busy"))
	s.report(t, `{"url":"`+s.url+`/","signed":"`+s.url+`/","code":52013,"message":""}`)
	eventually(t, "a renewal that fails", func() bool {
		return len(s.logged(t, "cannot renew the jsapi_ticket, pages are signed with the one that is held")) > 0
	})
	for range 3 {
		s.expectSigned(t, s.get(t, "/"), s.url+"/")
	}
}

func TestAFaultOfTheStorageNeverFailsAPage(t *testing.T) {
	// Nothing can be below a file, not even for root.
	sites := tenants(t, 2, "ticket_wait 1s\n\t\tstorage file_system DIR/log/below")
	working, failing := sites[0], sites[1]
	for range 3 {
		working.expectSigned(t, working.page(t), working.at(working.host)+"/p")
	}
	if calls := working.ding.Calls(); calls["v1.token"] != 1 || calls["v1.ticket"] != 1 {
		t.Errorf("calls %v", calls)
	}
	failing.ding.SetFault(sandbox.TicketCall, sandbox.MustFault("busy"))
	failing.expectUnsigned(t, failing.page(t), "ticket_unavailable", "DingTalk is in trouble itself")
	eventually(t, "a line that names the trouble", func() bool {
		return len(working.logged(t, `"level":"warn"`, "the storage fails", "not a directory")) > 0
	})
	if lines := working.logged(t, "the storage fails"); len(lines) > 4 {
		t.Errorf("%d lines", len(lines))
	}
}
