package e2e

import (
	"fmt"
	"testing"
	"time"

	"github.com/caddy-dingtalk/caddy-dingtalk/internal/sandbox"
	"github.com/caddy-dingtalk/caddy-dingtalk/internal/testsite"
)

// takeOver is how long pages may wait if the process dies that fetches their
// ticket. It is their ticket_wait, too.
const takeOver = 20 * time.Second

// TestAFleetOutlivesTheProcessThatFetches kills a process that holds the lock of
// the storage, in the middle of its call of DingTalk.
func TestAFleetOutlivesTheProcessThatFetches(t *testing.T) {
	const visitors = 5
	stages := map[*testsite.FleetApp]sandbox.Call{
		testsite.NewFleetApp("token", sandbox.Options{Refetch: sandbox.NewValue}):  sandbox.TokenCall,
		testsite.NewFleetApp("ticket", sandbox.Options{Refetch: sandbox.NewValue}): sandbox.TicketCall,
	}
	var apps []*testsite.FleetApp
	for a, stage := range stages {
		a.Ding.SetFault(stage, sandbox.MustFault("hang"))
		a.Cold = true
		apps = append(apps, a)
	}
	f := testsite.StartFleet(t, fleetSize, apps...)
	type visit struct {
		app     *testsite.FleetApp
		process int
		outcome string
	}
	visits := make(chan visit)
	for _, a := range apps {
		for i := range f.Processes {
			s := f.Site(i, a)
			for n := range visitors {
				go func() { visits <- visit{a, i, s.Visit(t, fmt.Sprint("/p?n=", n))} }()
			}
		}
	}

	victims := make(map[int]bool)
	for _, a := range apps {
		a.Warm(t)
	}
	for _, a := range apps {
		testsite.Eventually(t, "a call that is not answered", func() bool { return len(a.Called(stages[a])) > 0 })
		a.Ding.SetFault(stages[a], sandbox.Fault{}) // for the calls that follow
		victim := a.Called(stages[a])[0].From
		if holder := holder(t, a); holder != f.Processes[victim].Cmd.Process.Pid {
			t.Fatalf("%s: the process %d calls DingTalk, and the process with the pid %d has the lock", a.Name, victim, holder)
		}
		victims[victim] = true
	}
	killed := time.Now()
	for victim := range victims {
		f.Kill(victim)
	}

	count := make(map[*testsite.FleetApp]testsite.Tally)
	for _, a := range apps {
		count[a] = make(testsite.Tally)
	}
	for range len(apps) * len(f.Processes) * visitors {
		if v := <-visits; !victims[v.process] {
			count[v.app][v.outcome]++
		}
	}
	if took := time.Since(killed); took > takeOver {
		t.Errorf("pages waited %s", took)
	}
	for _, a := range apps {
		if heirs := expectTakeOver(t, a, stages[a]); heirs > 1 {
			// Each fetches within the same milliseconds, and DingTalk takes only the ticket
			// that it gave last: the pages of that moment may have the other, and so may all
			// processes where their clocks tell another order. Then a refused page's report
			// brings a new one.
			count[a][testsite.SignedPage] += count[a]["refused"]
			delete(count[a], "refused")
			for i := range f.Processes {
				if !victims[i] {
					s := f.Site(i, a)
					testsite.Eventually(t, "the ticket that DingTalk takes", func() bool {
						got := s.Visit(t, "/")
						if got == "refused" {
							s.Report(t, `{"url":"`+s.URL+`/","signed":"`+s.URL+`/","code":52013,"message":""}`)
						}
						return got == testsite.SignedPage
					})
				}
			}
		}
		count[a].Expect(t, testsite.Tally{testsite.SignedPage: (fleetSize - len(victims)) * visitors})
	}
	f.Start(t)
	for _, a := range apps {
		before := len(a.Called(sandbox.TicketCall))
		if got := f.Site(fleetSize, a).Visit(t, "/"); got != testsite.SignedPage || len(a.Called(sandbox.TicketCall)) != before {
			t.Errorf("%s: the successor of the dead process asks DingTalk, its page is %s", a.Name, got)
		}
	}
}

// holder returns the pid of the process that has the lock of the app's storage,
// or 0.
func holder(t *testing.T, a *testsite.FleetApp) (pid int) {
	t.Helper()
	for _, r := range a.Journal(t) {
		switch r.Op {
		case "lock":
			pid = r.PID
		case "unlock":
			pid = 0
		}
	}
	return pid
}

// expectTakeOver makes sure that one process has taken the place of the one that
// has died at this stage, and returns how many have all the same.
func expectTakeOver(t *testing.T, a *testsite.FleetApp, stage sandbox.Call) (heirs int) {
	t.Helper()
	had := make(map[int]bool) // the lock, before there was a ticket
	for _, r := range a.Journal(t) {
		if r.IsTicket() {
			break
		}
		if r.Op == "lock" {
			had[r.PID] = true
		}
	}
	// Mostly the dead one and its heir. But certmagic's file storage says itself
	// that it may give a stale lock to all who find it at the same instant.
	token, ticket := len(had), len(had)
	if stage == sandbox.TokenCall {
		ticket-- // the dead one did not come that far
	}
	gotToken, gotTicket := len(a.Called(sandbox.TokenCall)), len(a.Called(sandbox.TicketCall))
	t.Logf("%s: %d processes had the lock, %d access token calls, %d ticket calls", a.Name, len(had), gotToken, gotTicket)
	// An heir may find the dead one's access token.
	if gotToken > token || gotTicket > ticket {
		t.Errorf("%s: %d access token calls and %d ticket calls, want at most %d and %d", a.Name, gotToken, gotTicket, token, ticket)
	}
	return len(had) - 1
}
