package e2e

import (
	"testing"
	"time"

	"github.com/caddy-dingtalk/caddy-dingtalk/internal/sandbox"
	"github.com/caddy-dingtalk/caddy-dingtalk/internal/testsite"
)

const fleetSize = 8

// newTicketIn is how soon a process has a ticket that another has renewed.
const newTicketIn = time.Second

func TestAColdFleetFetchesOnceForAThousandVisitorsEach(t *testing.T) {
	visitors := 1000
	if raceDetector { // which starves the processes until the lock of a living one counts as stale
		visitors = 100
	}
	a := testsite.NewFleetApp("cold", sandbox.Options{Refetch: sandbox.NewValue})
	a.Cold = true
	f := testsite.StartFleet(t, fleetSize, a)
	// Time for all visitors to come before the first ticket does.
	a.Ding.SetFault(sandbox.TokenCall, sandbox.MustFault("slow:1500ms"))
	a.Ding.SetFault(sandbox.TicketCall, sandbox.MustFault("slow:2s"))
	a.Warm(t)
	f.Crowd(t, a, visitors).Expect(t, map[string]int{testsite.SignedPage: fleetSize * visitors})
	a.ExpectCalls(t, 1, 1)
}

func TestAProcessThatStartsLaterTakesTheTicketOfTheFleet(t *testing.T) {
	a := testsite.NewFleetApp("late", sandbox.Options{Refetch: sandbox.NewValue})
	f := testsite.StartFleet(t, fleetSize-1, a)
	f.Crowd(t, a, 1).Expect(t, map[string]int{testsite.SignedPage: fleetSize - 1})
	f.Start(t)
	f.Crowd(t, a, 10).Expect(t, map[string]int{testsite.SignedPage: 10 * fleetSize})
	a.ExpectCalls(t, 1, 1)
}

func TestATicketThatOneProcessRenewedIsUsedByAll(t *testing.T) {
	replaced := testsite.NewFleetApp("replaced", sandbox.Options{Refetch: sandbox.NewValue})
	expired := testsite.NewFleetApp("expired", sandbox.Options{Refetch: sandbox.NewValue})
	// A told life that is shorter than shortestLife counts as that.
	expired.Ding.SetFault(sandbox.TicketCall, sandbox.MustFault("expires:3"))
	f := testsite.StartFleet(t, fleetSize, replaced, expired)
	for _, a := range f.Apps {
		f.Crowd(t, a, 1).Expect(t, map[string]int{testsite.SignedPage: fleetSize})
		a.ExpectCalls(t, 1, 1)
	}
	expired.Ding.SetFault(sandbox.TicketCall, sandbox.Fault{})
	lastFetch := time.Now()

	t.Run("when a refusal is reported to it", func(t *testing.T) {
		replaced.Ding.ExpireTicket()
		for i := range f.Processes {
			s := f.Site(i, replaced)
			if got := s.Visit(t, "/"); got != "refused" {
				t.Fatalf("before the report to process %d: %s", i, got)
			}
			s.Report(t, `{"url":"`+s.URL+`/","signed":"`+s.URL+`/","code":52013,"message":""}`)
			start := time.Now()
			testsite.Eventually(t, "a signature that is accepted", func() bool { return s.Visit(t, "/") == testsite.SignedPage })
			if took := time.Since(start); took > newTicketIn {
				t.Errorf("process %d took %s", i, took)
			}
		}
		replaced.ExpectCalls(t, 1, 2)
	})
	t.Run("when its own has expired", func(t *testing.T) {
		time.Sleep(time.Until(lastFetch.Add(shortestLife)))
		for i := range f.Processes {
			start := time.Now()
			if got := f.Site(i, expired).Visit(t, "/"); got != testsite.SignedPage {
				t.Errorf("process %d: %s", i, got)
			}
			if took := time.Since(start); took > newTicketIn {
				t.Errorf("process %d took %s", i, took)
			}
		}
		expired.ExpectCalls(t, 1, 2)
	})
}

// shortestLife is the shortest that a token has, so that DingTalk is not asked more
// than once a minute.
const shortestLife = 66 * time.Second

// TestAFleetRenewsOnceUnderLoad serves pages all the time while tickets come to
// their ends.
func TestAFleetRenewsOnceUnderLoad(t *testing.T) {
	const life, renewals = shortestLife, 1
	same := testsite.NewFleetApp("same", sandbox.Options{Lifetime: life, Refetch: sandbox.SameValue})
	replaced := testsite.NewFleetApp("new", sandbox.Options{Lifetime: life, Refetch: sandbox.NewValue})
	f := testsite.StartFleet(t, fleetSize, same, replaced)
	stop := f.Load(t, 50*time.Millisecond)
	for _, a := range f.Apps {
		testsite.EventuallyWithin(t, 2*renewals*life, "renewals", func() bool { return len(a.Called(sandbox.TicketCall)) > renewals })
	}
	time.Sleep(2 * newTicketIn) // the last renewal is to be seen by all, too
	pages := stop()

	for _, a := range f.Apps {
		for _, kind := range []sandbox.Call{sandbox.TokenCall, sandbox.TicketCall} {
			calls := a.Called(kind)
			for i := 1; i < len(calls); i++ {
				// A renewal is due after eleven twelfths of a life, in all processes at
				// the same time: calls that are much closer are of one renewal.
				if apart := calls[i].At.Sub(calls[i-1].At); apart < life/2 {
					t.Errorf("%s: two %s calls within %s, by the processes %d and %d", a.Name, kind, apart, calls[i-1].From, calls[i].From)
				}
			}
		}
		expectInOrder(t, a)
	}
	count := map[*testsite.FleetApp]testsite.Tally{same: {}, replaced: {}}
	for _, p := range pages {
		// DingTalk kills the old ticket at once; the other processes can only know
		// when the new one is in the storage.
		if p.Outcome == "refused" && p.App == replaced && follows(p, replaced.Called(sandbox.TicketCall)) {
			p.Outcome = testsite.SignedPage
		}
		count[p.App][p.Outcome]++
	}
	for a, pages := range count {
		if pages[testsite.SignedPage] == 0 || len(pages) > 1 {
			t.Errorf("%s: pages %v, want them all signed and accepted", a.Name, pages)
		}
	}
}

// follows reports whether the page was made while a ticket was replaced, or before
// all processes have to have the new one.
func follows(p testsite.Visited, renewals []testsite.Call) bool {
	for _, c := range renewals {
		if p.End.After(c.At) && p.Start.Before(c.At.Add(newTicketIn)) {
			return true
		}
	}
	return false
}
