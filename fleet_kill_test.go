package dingtalk

import (
	"fmt"
	"testing"
	"time"

	"github.com/caddy-dingtalk/caddy-dingtalk/internal/sandbox"
)

// takeOver is how long pages may wait if the process dies that fetches their
// ticket. It is their ticket_wait, too.
const takeOver = 20 * time.Second

// TestAFleetOutlivesTheProcessThatFetches kills a process that holds the lock of
// the storage, in the middle of its call of DingTalk.
func TestAFleetOutlivesTheProcessThatFetches(t *testing.T) {
	const visitors = 5
	stages := map[*fleetApp]sandbox.Call{
		newFleetApp("token", sandbox.Options{Refetch: sandbox.NewValue}):  sandbox.TokenCall,
		newFleetApp("ticket", sandbox.Options{Refetch: sandbox.NewValue}): sandbox.TicketCall,
	}
	var apps []*fleetApp
	for a, stage := range stages {
		a.ding.SetFault(stage, sandbox.MustFault("hang"))
		apps = append(apps, a)
	}
	f := startFleet(t, fleetSize, apps...)
	type visit struct {
		app     *fleetApp
		process int
		outcome string
	}
	visits := make(chan visit)
	for _, a := range apps {
		for i := range f.processes {
			s := f.site(i, a)
			for n := range visitors {
				go func() { visits <- visit{a, i, s.visit(t, fmt.Sprint("/p?n=", n))} }()
			}
		}
	}

	victims := make(map[int]bool)
	for _, a := range apps {
		eventually(t, "a call that is not answered", func() bool { return len(a.called(stages[a])) > 0 })
		a.ding.SetFault(stages[a], sandbox.Fault{}) // for the calls that follow
		victim := a.called(stages[a])[0].from
		if holder := a.holder(t); holder != f.processes[victim].cmd.Process.Pid {
			t.Fatalf("%s: the process %d calls DingTalk, and the process with the pid %d has the lock", a.name, victim, holder)
		}
		victims[victim] = true
	}
	killed := time.Now()
	for victim := range victims {
		f.kill(victim)
	}

	count := make(map[*fleetApp]tally)
	for _, a := range apps {
		count[a] = make(tally)
	}
	for range len(apps) * len(f.processes) * visitors {
		if v := <-visits; !victims[v.process] {
			count[v.app][v.outcome]++
		}
	}
	if took := time.Since(killed); took > takeOver {
		t.Errorf("pages waited %s", took)
	}
	for _, a := range apps {
		if heirs := a.expectTakeOver(t, stages[a]); heirs > 1 {
			// Each fetches, and DingTalk takes the later ticket only: the pages of that
			// moment may have the earlier, and all processes soon have the later.
			count[a][signedPage] += count[a]["refused"]
			delete(count[a], "refused")
			for i := range f.processes {
				if !victims[i] {
					eventually(t, "the ticket that DingTalk takes", func() bool { return f.site(i, a).visit(t, "/") == signedPage })
				}
			}
		}
		count[a].expect(t, tally{signedPage: (fleetSize - len(victims)) * visitors})
	}
	f.start(t)
	for _, a := range apps {
		before := len(a.called(sandbox.TicketCall))
		if got := f.site(fleetSize, a).visit(t, "/"); got != signedPage || len(a.called(sandbox.TicketCall)) != before {
			t.Errorf("%s: the successor of the dead process asks DingTalk, its page is %s", a.name, got)
		}
	}
}

// kill ends a process as kill -9 does.
func (f *fleet) kill(number int) {
	_ = f.processes[number].cmd.Process.Kill()
	_ = f.processes[number].cmd.Wait()
}

// holder returns the pid of the process that has the lock of the app's storage,
// or 0.
func (a *fleetApp) holder(t *testing.T) (pid int) {
	t.Helper()
	for _, r := range a.journal(t) {
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
func (a *fleetApp) expectTakeOver(t *testing.T, stage sandbox.Call) (heirs int) {
	t.Helper()
	had := make(map[int]bool) // the lock, before there was a ticket
	for _, r := range a.journal(t) {
		if r.isTicket() {
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
	gotToken, gotTicket := len(a.called(sandbox.TokenCall)), len(a.called(sandbox.TicketCall))
	t.Logf("%s: %d processes had the lock, %d access token calls, %d ticket calls", a.name, len(had), gotToken, gotTicket)
	// An heir may find the dead one's access token.
	if gotToken > token || gotTicket > ticket {
		t.Errorf("%s: %d access token calls and %d ticket calls, want at most %d and %d", a.name, gotToken, gotTicket, token, ticket)
	}
	return len(had) - 1
}
