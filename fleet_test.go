package dingtalk

import (
	"maps"
	"sync"
	"testing"
	"time"

	"github.com/caddy-dingtalk/caddy-dingtalk/internal/sandbox"
)

const fleetSize = 8

// newTicketIn is how soon a process has a ticket that another has renewed.
const newTicketIn = time.Second

func TestAColdFleetFetchesOnceForAThousandVisitorsEach(t *testing.T) {
	const visitors = 1000
	a := newFleetApp("cold", sandbox.Options{Refetch: sandbox.NewValue})
	f := startFleet(t, fleetSize, a)
	// Time for all visitors to come before the first ticket does.
	a.ding.SetFault(sandbox.TokenCall, sandbox.MustFault("slow:1500ms"))
	a.ding.SetFault(sandbox.TicketCall, sandbox.MustFault("slow:2s"))
	f.crowd(t, a, visitors).expect(t, map[string]int{signedPage: fleetSize * visitors})
	a.expectCalls(t, 1, 1)
}

func TestAProcessThatStartsLaterTakesTheTicketOfTheFleet(t *testing.T) {
	a := newFleetApp("late", sandbox.Options{Refetch: sandbox.NewValue})
	f := startFleet(t, fleetSize-1, a)
	f.crowd(t, a, 1).expect(t, map[string]int{signedPage: fleetSize - 1})
	f.start(t)
	f.crowd(t, a, 10).expect(t, map[string]int{signedPage: 10 * fleetSize})
	a.expectCalls(t, 1, 1)
}

func TestATicketThatOneProcessRenewedIsUsedByAll(t *testing.T) {
	replaced := newFleetApp("replaced", sandbox.Options{Refetch: sandbox.NewValue})
	expired := newFleetApp("expired", sandbox.Options{Refetch: sandbox.NewValue})
	f := startFleet(t, fleetSize, replaced, expired)
	// The lives of tickets are as DingTalk announces them.
	expired.ding.SetFault(sandbox.TicketCall, sandbox.MustFault("expires:3"))
	for _, a := range f.apps {
		f.crowd(t, a, 1).expect(t, map[string]int{signedPage: fleetSize})
		a.expectCalls(t, 1, 1)
	}
	expired.ding.SetFault(sandbox.TicketCall, sandbox.Fault{})
	lastFetch := time.Now()

	t.Run("when a refusal is reported to it", func(t *testing.T) {
		replaced.ding.ExpireTicket()
		for i := range f.processes {
			s := f.site(i, replaced)
			if got := s.visit(t, "/"); got != "refused" {
				t.Fatalf("before the report to process %d: %s", i, got)
			}
			s.report(t, `{"url":"`+s.url+`/","signed":"`+s.url+`/","code":52013,"message":""}`)
			start := time.Now()
			eventually(t, "a signature that is accepted", func() bool { return s.visit(t, "/") == signedPage })
			if took := time.Since(start); took > newTicketIn {
				t.Errorf("process %d took %s", i, took)
			}
		}
		replaced.expectCalls(t, 1, 2)
	})
	t.Run("when its own has expired", func(t *testing.T) {
		time.Sleep(time.Until(lastFetch.Add(3 * time.Second)))
		for i := range f.processes {
			start := time.Now()
			if got := f.site(i, expired).visit(t, "/"); got != signedPage {
				t.Errorf("process %d: %s", i, got)
			}
			if took := time.Since(start); took > newTicketIn {
				t.Errorf("process %d took %s", i, took)
			}
		}
		expired.expectCalls(t, 1, 2)
	})
}

// TestAFleetRenewsOnceUnderLoad serves pages all the time while tickets come to
// their ends.
func TestAFleetRenewsOnceUnderLoad(t *testing.T) {
	const life, renewals = 8 * time.Second, 3
	same := newFleetApp("same", sandbox.Options{Lifetime: life, Refetch: sandbox.SameValue})
	replaced := newFleetApp("new", sandbox.Options{Lifetime: life, Refetch: sandbox.NewValue})
	f := startFleet(t, fleetSize, same, replaced)
	stop := f.load(t, 10*time.Millisecond)
	for _, a := range f.apps {
		eventuallyWithin(t, 2*renewals*life, "renewals", func() bool { return len(a.called(sandbox.TicketCall)) > renewals })
	}
	time.Sleep(2 * newTicketIn) // the last renewal is to be seen by all, too
	pages := stop()

	for _, a := range f.apps {
		for _, kind := range []sandbox.Call{sandbox.TokenCall, sandbox.TicketCall} {
			calls := a.called(kind)
			for i := 1; i < len(calls); i++ {
				// A renewal is due after eleven twelfths of a life, in all processes at
				// the same time: calls that are much closer are of one renewal.
				if apart := calls[i].at.Sub(calls[i-1].at); apart < life/2 {
					t.Errorf("%s: two %s calls within %s, by the processes %d and %d", a.name, kind, apart, calls[i-1].from, calls[i].from)
				}
			}
		}
		a.expectInOrder(t)
	}
	count := map[*fleetApp]tally{same: {}, replaced: {}}
	for _, p := range pages {
		// DingTalk kills the old ticket at once; the other processes can only know
		// when the new one is in the storage.
		if p.outcome == "refused" && p.app == replaced && follows(p, replaced.called(sandbox.TicketCall)) {
			p.outcome = signedPage
		}
		count[p.app][p.outcome]++
	}
	for a, pages := range count {
		if pages[signedPage] == 0 || len(pages) > 1 {
			t.Errorf("%s: pages %v, want them all signed and accepted", a.name, pages)
		}
	}
}

// follows reports whether the page was made while a ticket was replaced, or before
// all processes have to have the new one.
func follows(p visited, renewals []call) bool {
	for _, c := range renewals {
		if p.end.After(c.at) && p.start.Before(c.at.Add(newTicketIn)) {
			return true
		}
	}
	return false
}

// expect compares what became of pages.
func (c tally) expect(t testing.TB, want tally) {
	t.Helper()
	if !maps.Equal(c, want) {
		t.Errorf("pages %v, want %v", c, want)
	}
}

// visited is a page that somebody has asked for.
type visited struct {
	app        *fleetApp
	outcome    string
	start, end time.Time
}

// load asks each process again and again for a page of each app, until stop is
// called, which returns what has become of them.
func (f *fleet) load(t testing.TB, pause time.Duration) (stop func() []visited) {
	var (
		mu    sync.Mutex
		pages []visited
		all   sync.WaitGroup
	)
	ended := make(chan struct{})
	for i := range f.processes {
		for _, a := range f.apps {
			s := f.site(i, a)
			all.Go(func() {
				tick := time.NewTicker(pause)
				defer tick.Stop()
				for {
					select {
					case <-ended:
						return
					case <-tick.C:
					}
					start := time.Now()
					outcome := s.visit(t, "/p")
					mu.Lock()
					pages = append(pages, visited{a, outcome, start, time.Now()})
					mu.Unlock()
				}
			})
		}
	}
	stop = sync.OnceValue(func() []visited {
		close(ended)
		all.Wait()
		return pages
	})
	t.Cleanup(func() { stop() })
	return stop
}

// eventuallyWithin is eventually for what takes its time.
func eventuallyWithin(t testing.TB, limit time.Duration, what string, so func() bool) {
	t.Helper()
	for end := time.Now().Add(limit); !so(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("not within %s: %s", limit, what)
		}
	}
}
