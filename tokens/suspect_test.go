package tokens

import (
	"context"
	"encoding/json"
	"errors"
	"testing"
	"time"
)

func TestASuspectTicketIsFetchedAgainWhilePagesGoOnWithIt(t *testing.T) {
	for name, newValue := range map[string]bool{
		"where a refetch prolongs the ticket": false,
		"where a refetch kills the old one":   true,
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				f, shared := newFake(), newShelf()
				f.newValue = newValue
				p := newProcess(t, "p", f, shared)
				first := p.mustPage(time.Second)
				time.Sleep(time.Minute)
				f.set(func() { f.delay = time.Second })
				p.Suspect()
				for range 5 {
					if got := p.mustPage(0); got.Value != first.Value {
						t.Error("the suspect ticket is gone before there is another")
					}
					time.Sleep(100 * time.Millisecond)
				}
				time.Sleep(time.Second)
				second := p.mustPage(0)
				if second.Value != f.living() || (second.Value == first.Value) == newValue {
					t.Errorf("got %v, the living one is another", second)
				}
				if !second.newer(first) || time.Until(second.Expires) < 119*time.Minute {
					t.Errorf("the new ticket was fetched %v and ends %v", second.Fetched, second.Expires)
				}
				f.wantCalls(t, 1, 2)
				if stored := shared.ticket(); stored.Value != second.Value || stored.newer(second) {
					t.Error("the fleet has another ticket")
				}
				p.wantLines(logRefused)
			})
		})
	}
}

func TestWhoSettlesKnowsWhetherTheTicketHasBeenReplaced(t *testing.T) {
	bubble(t, func(t *testing.T) {
		f := newFake()
		f.newValue = true
		p := newProcess(t, "p", f, newShelf())
		settle := func(want bool, took time.Duration) {
			t.Helper()
			start := time.Now()
			if got := p.Settle(t.Context(), 2*time.Second); got != want || time.Since(start).Round(10*time.Millisecond) != took {
				t.Errorf("settled %v after %v, want %v after %v", got, time.Since(start), want, took)
			}
		}
		first := p.mustPage(time.Second)
		time.Sleep(2 * time.Minute)
		settle(true, 0) // nothing is under way

		f.set(func() { f.delay = time.Second })
		p.Suspect()
		settle(true, time.Second)
		second := p.Held()
		if second.Value == first.Value {
			t.Error("there is no other ticket after it")
		}
		p.Suspect() // too early: nothing follows
		settle(true, 0)
		f.wantCalls(t, 1, 2)

		time.Sleep(2 * time.Minute)
		f.set(func() { f.delay = 3 * time.Second })
		p.Suspect()
		settle(false, 2*time.Second)
		settle(true, time.Second)

		time.Sleep(2 * time.Minute)
		f.set(func() { f.delay, f.fault = 0, func(context.Context, call) error { return errors.New("down") } })
		p.Suspect()
		settle(false, 0)
		settle(false, 0) // DingTalk is not asked again so soon
	})
}

func TestSuspicionWithoutATicketIsNothing(t *testing.T) {
	bubble(t, func(t *testing.T) {
		f := newFake()
		p := newProcess(t, "p", f, newShelf())
		p.Suspect()
		time.Sleep(time.Second)
		f.wantCalls(t, 0, 0)
		p.mustPage(time.Second)
		p.Suspect() // counts: the one before did not
		time.Sleep(time.Second)
		f.wantCalls(t, 1, 2)
		time.Sleep(3 * time.Hour)
		p.Suspect()
		time.Sleep(time.Second)
		f.wantCalls(t, 1, 2)
	})
}

func TestAFleetThatHasRefetchedIsFollowedWithoutACall(t *testing.T) {
	bubble(t, func(t *testing.T) {
		f, shared := newFake(), newShelf()
		f.newValue = true
		fleet := newFleet(t, f, func(int) Storage { return shared })
		pages(fleet)
		time.Sleep(time.Minute)
		f.replace() // another program
		for range 3 {
			for _, p := range fleet { // each page of each process is refused, at once or later
				p.Suspect()
			}
			time.Sleep(5 * time.Second)
		}
		f.wantCalls(t, 1, 2)
		for _, p := range fleet {
			if got := p.mustPage(0); got.Value != f.living() {
				t.Errorf("%s has not followed", p.name)
			}
		}
	})
}

// A fleet whose pages are refused for another reason asks once a minute, not
// once a minute each.
func TestAFleetUnderLastingSuspicionAsksOnceAMinute(t *testing.T) {
	bubble(t, func(t *testing.T) {
		f, shared := newFake(), newShelf()
		f.newValue = true
		fleet := newFleet(t, f, func(int) Storage { return shared })
		pages(fleet)
		start := time.Now()
		for time.Since(start) < 10*time.Minute {
			for _, p := range fleet {
				p.Suspect()
				time.Sleep(100 * time.Millisecond)
			}
		}
		if n := f.total("ticket"); n > 12 {
			t.Errorf("%d tickets in ten minutes", n)
		}
	})
}

func TestSuspicionWhileDingTalkIsDownKeepsTheTicket(t *testing.T) {
	bubble(t, func(t *testing.T) {
		f := newFake()
		p := newProcess(t, "p", f, newShelf())
		first := p.mustPage(time.Second)
		p.Suspect()
		if recovery := outage(p, each("", &refusal{class: "outage"}), 5*time.Minute); recovery > 30*time.Second {
			t.Errorf("recovered after %v", recovery)
		}
		if got := p.mustPage(0); !got.newer(first) {
			t.Error("the ticket is still the suspect one")
		}
	})
}

// A clock that is ahead, here or at another process, dates tickets into the
// future. What is fetched after them must replace them, and stop the fetching.
func TestTicketsOfClocksThatAreAheadAreReplaced(t *testing.T) {
	tests := map[string]struct {
		ahead  time.Duration
		first  int      // calls for a ticket of a cold process that finds this one
		logged []string // until a suspicion has been followed
	}{
		"five minutes: the ticket is used":     {5 * time.Minute, 0, []string{logRefused}},
		"an hour: the ticket is not believed":  {time.Hour, 1, []string{logStorage, logRefused, logStorageBack}},
		"half a day: neither is it, for hours": {12 * time.Hour, 1, []string{logStorage, logRefused, logStorageBack}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				f, shared := newFake(), newShelf()
				f.newValue = true
				p := newProcess(t, "p", f, shared)
				ahead := newToken("dated-ahead", time.Now().Add(tt.ahead), 2*time.Hour)
				data, err := json.Marshal(ahead)
				if err != nil {
					t.Fatal(err)
				}
				shared.put(p.key(KindTicket), data)
				p.mustPage(time.Second)
				if n := f.total("ticket"); n != tt.first {
					t.Errorf("%d tickets fetched, want %d", n, tt.first)
				}
				for range 10 {
					p.mustPage(0)
					time.Sleep(100 * time.Millisecond)
				}

				p.Suspect()
				for range 100 {
					p.mustPage(0)
					time.Sleep(100 * time.Millisecond)
				}
				if got := p.mustPage(0); got.Value != f.living() {
					t.Error("the suspect ticket is still in use")
				}
				if n := f.total("ticket"); n != tt.first+1 {
					t.Errorf("%d tickets fetched after a suspicion, want %d", n, tt.first+1)
				}
				if stored := shared.ticket(); stored == nil || stored.Value != f.living() {
					t.Error("the fleet does not get to know the new ticket")
				}
				// One that still holds the ticket of the fast clock, and suspects it, follows.
				if tt.first == 0 {
					other := newProcess(t, "other", f, shared)
					other.ticket.set(ahead)
					other.Suspect()
					time.Sleep(time.Second)
					if got := other.mustPage(0); got.Value != f.living() {
						t.Error("another process does not follow")
					}
					if n := f.total("ticket"); n != tt.first+1 {
						t.Errorf("another process fetches a ticket of its own")
					}
				}
				p.wantLines(tt.logged...)
			})
		})
	}
}

func TestAClockThatIsSetBackStartsNoStormOfCalls(t *testing.T) {
	for _, step := range []time.Duration{time.Minute, 9 * time.Minute, 3 * time.Hour, 48 * time.Hour} {
		bubble(t, func(t *testing.T) {
			f, shared := newFake(), newShelf()
			f.newValue = true
			p := newProcess(t, "p", f, shared)
			// Fetched and stored before the step: the wall clock is all that is left of it.
			before := newToken("before", time.Now().Add(step).Round(0), 2*time.Hour)
			data, err := json.Marshal(before)
			if err != nil {
				t.Fatal(err)
			}
			shared.put(p.key(KindTicket), data)
			before.Expires = time.Now().Add(5 * time.Minute)
			before.renew = time.Now()
			p.ticket.set(before)
			start := time.Now()
			for time.Since(start) < time.Hour {
				p.mustPage(0)
				time.Sleep(pageEvery)
			}
			if n := f.total("ticket"); n != 1 {
				t.Errorf("a step of %v: %d tickets in an hour", step, n)
			}
			if got := p.mustPage(0); got.Value != f.living() {
				t.Errorf("a step of %v: the ticket is not the new one", step)
			}
			if stored := shared.ticket(); stored == nil || stored.Value != f.living() {
				t.Errorf("a step of %v: the fleet's ticket is not the new one", step)
			}
		})
	}
}
