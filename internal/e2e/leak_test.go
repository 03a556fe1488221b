package e2e

import (
	"net/http"
	"strings"
	"testing"

	"github.com/caddy-dingtalk/caddy-dingtalk/internal/sandbox"
	"github.com/caddy-dingtalk/caddy-dingtalk/internal/testsite"
)

// TestFaultsOfDingTalkLeaveNothingBehind runs into each fault, and ends Caddy
// while the last calls are under way.
func TestFaultsOfDingTalkLeaveNothingBehind(t *testing.T) {
	testsite.NeedDescriptors(t)
	faults := []string{
		"", "hang", "slow:4s", "drip:100ms", "huge", "truncated", "html", "empty", "missing", "drop", "redirect:http://127.0.0.1:1/",
		"status:502", "rate", "secret", "banned", "expires:-1",
	}
	scenario := func(t *testing.T) {
		sites := ownSites(t, 2*len(faults), "ticket_wait 50ms", func(i int, ding *sandbox.DingTalk) {
			call := []sandbox.Call{sandbox.TokenCall, sandbox.TicketCall}[i%2]
			ding.SetFault(call, sandbox.MustFault(faults[i/2]))
		})
		for i, s := range sites {
			if a := s.page(t); a.Status != http.StatusOK || !strings.HasSuffix(a.Body, testsite.Page[len(testsite.Beginning):]) {
				t.Errorf("%s: %d %s", faults[i/2], a.Status, a.Body)
			}
		}
	}
	t.Run("the first time", scenario) // which opens what stays open for good
	before := testsite.HeldAtRest(t, "net/http.(*")
	t.Run("the second time", scenario)
	before.ExpectNoMore(t)
}
