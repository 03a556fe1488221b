package doctor

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/caddy-dingtalk/caddy-dingtalk/signer"
)

func TestWhatBecameOfAPushIsSaidWithItsCure(t *testing.T) {
	for name, tt := range map[string]struct {
		push Callback
		want string // status and parts of the English text and cures
	}{
		"success":                  {Callback{Status: 200, Success: true, Took: 12 * time.Millisecond}, "ok|answered with success in 12 ms"},
		"a slow success":           {Callback{Status: 200, Success: true, Took: 2 * time.Second}, "warning|took 2.0 s|slow proxy"},
		"no connection":            {Callback{Err: errors.New("connection refused")}, "error|is not reached: connection refused|DNS"},
		"no answer in time":        {Callback{Err: context.DeadlineExceeded}, "error|does not answer in time|firewall drops"},
		"a certificate":            {Callback{Certificate: errors.New("expired")}, "error|expired|whole chain"},
		"other keys":               {Callback{Ours: true, Status: 403, Code: "bad_signature"}, "error|403 bad_signature|another token, aes_key or suite_key|letter by letter|leads to the right one"},
		"other clocks":             {Callback{Ours: true, Status: 403, Code: "stale"}, "error|403 stale|NTP"},
		"no suite there":           {Callback{Ours: true, Status: 404, Code: "not_found"}, "error|404 not_found|caddy reload"},
		"a storage that is down":   {Callback{Ours: true, Status: 503, Code: "storage_unavailable"}, "error|503 storage_unavailable|check the storage"},
		"a body that was changed":  {Callback{Ours: true, Status: 400, Code: "bad_push"}, "error|400 bad_push|unchanged"},
		"nobody there":             {Callback{Status: 404}, "error|status 404, but not by the directive|lead /x/callback to Caddy"},
		"the app instead of us":    {Callback{Status: 200}, "error|status 200, but not by the directive|lead /x/callback to Caddy"},
		"a firewall":               {Callback{Status: 403}, "error|status 403|let POST /x/callback pass"},
		"a sign-in in front":       {Callback{Status: 401}, "error|status 401|let POST /x/callback pass"},
		"a proxy without Caddy":    {Callback{Status: 502}, "error|status 502|reaches Caddy"},
		"a redirect":               {Callback{Status: 301, Location: "https://www.h5.test/"}, "error|redirects to https://www.h5.test/, and DingTalk does not follow|public_origin"},
		"the app's own callback":   {Callback{App: true, Status: 200}, "error|the app answers itself, gives status 200|leave out the line callback"},
		"an app's own that is not": {Callback{App: true, Status: 404}, "error|the app answers itself, gives status 404|leave out the line callback"},
	} {
		t.Run(name, func(t *testing.T) {
			tt.push.Origin, tt.push.Path = signer.Origin{Scheme: "https", Host: "h5.test"}, "/x/callback"
			f := tt.push.Finding()
			expectFinding(t, f, "callback", tt.want)
			if !strings.Contains(f.Text.EN, "https://h5.test/x/callback") || !strings.Contains(f.Text.ZH, "https://h5.test/x/callback") {
				t.Errorf("it does not name the address: %v", f.Text)
			}
		})
	}
	expectFinding(t, Callback{Path: "/x/callback"}.Finding(), "callback", "open|add public_origin to the directive|/x/callback")
}

func TestHowASuiteTicketStands(t *testing.T) {
	for _, tt := range []struct {
		ticket SuiteTicket
		want   string
	}{
		{SuiteTicket{Fixed: true}, "ok|stands in the configuration"},
		{SuiteTicket{Age: 20 * time.Second}, "ok|received 20s ago"},
		{SuiteTicket{Age: StaleSuiteTicket - time.Minute}, "ok|received 5h59m ago"},
		{SuiteTicket{Age: StaleSuiteTicket}, "warning|received 6h0m ago, and another one is overdue|重新推送|one storage that persists"},
		{SuiteTicket{None: true}, "error|no suite_ticket has been received|重新推送"},
		{SuiteTicket{Err: errors.New("the disk is gone")}, "open|the disk is gone"},
	} {
		expectFinding(t, tt.ticket.Finding(), "suite_ticket", tt.want)
	}
}

// expectFinding compares a finding with its status and parts of what it says, and sees to
// it that it says so in both languages, and what to do.
func expectFinding(t *testing.T, f Finding, name, want string) {
	t.Helper()
	parts := strings.Split(want, "|")
	said := f.Advice().EN
	if f.Name != name || string(f.Status) != parts[0] {
		t.Errorf("%s is %s: %s, want %s", f.Name, f.Status, said, want)
	}
	for _, part := range parts[1:] {
		if !strings.Contains(said, part) {
			t.Errorf("no %q in %q", part, said)
		}
	}
	if f.Status == Error && len(f.Cures) == 0 {
		t.Errorf("no cure of %q", said)
	}
	for _, text := range append([]Text{f.Text}, f.Cures...) {
		if !strings.ContainsFunc(text.ZH, func(r rune) bool { return r >= 0x4e00 }) || strings.Contains(text.EN+text.ZH, "%!") {
			t.Errorf("%q is %q in Chinese", text.EN, text.ZH)
		}
	}
}
