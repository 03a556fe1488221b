package tokens

import (
	"bytes"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"
)

// suspect lets reports come all the time, to any process of a fleet.
func suspect(fleet []*process, d time.Duration) {
	for start := time.Now(); time.Since(start) < d; time.Sleep(time.Second) {
		for _, p := range fleet {
			p.Suspect()
			p.mustPage(0)
		}
	}
}

// minutes are when tickets were asked for, in minutes from the first one.
func (f *fake) minutes() (at []int) {
	for _, c := range f.calls {
		if c.kind == "ticket" {
			at = append(at, int(c.at.Sub(f.calls[0].at).Round(time.Minute)/time.Minute))
		}
	}
	return at
}

func TestSuspicionIsFollowedOnceAMinuteAtMost(t *testing.T) {
	bubble(t, func(t *testing.T) {
		f := newFake()
		f.newValue = true
		p := newProcess(t, "p", f, newShelf())
		p.mustPage(time.Second)
		var wg sync.WaitGroup
		for range 8 {
			wg.Go(func() {
				for range 10 * 60 * 10 {
					p.Suspect()
					p.mustPage(0)
					time.Sleep(100 * time.Millisecond)
				}
			})
		}
		wg.Wait()
		f.wantCalls(t, 1, 1+10)
	})
}

// Whoever sends reports, as strangers may: the fleet asks for the same ticket ever
// more rarely, also where processes come and go.
func TestSuspicionOfATicketThatStaysTheSameIsFollowedEverMoreRarely(t *testing.T) {
	want := []int{0, 1, 3, 7, 15, 31, 63} // and then each hour
	storages := map[string]func(*shelf) Storage{
		"a fleet":                     func(s *shelf) Storage { return s },
		"a fleet without locks":       func(s *shelf) Storage { return withoutLock(s) },
		"a process without storage":   func(*shelf) Storage { return broken{} },
		"a process that cannot write": func(s *shelf) Storage { return readOnly(s) },
		"a fleet that is restarted":   func(s *shelf) Storage { return s },
	}
	for name, storage := range storages {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				f, shared := newFake(), newShelf()
				f.delay = 0
				size := fleetSize
				if len(name) > 9 && name[:9] == "a process" {
					size = 1
				}
				fleet := newFleet(t, f, func(int) Storage { return storage(shared) })[:size]
				pages(fleet)
				time.Sleep(time.Second)
				for start := time.Now(); time.Since(start) < 90*time.Minute; {
					suspect(fleet, 10*time.Minute)
					if name == "a fleet that is restarted" {
						for i, p := range fleet {
							p.Close()
							fleet[i] = newProcess(t, p.name, f, shared)
						}
						fleet[0].mustPage(time.Second)
						for _, p := range fleet {
							p.mustPage(time.Second)
						}
					}
				}
				// Without locks several may ask at the same time.
				if got := slices.Compact(f.minutes()); !slices.Equal(got, want) {
					t.Errorf("asked for a ticket at the minutes %v, want %v", got, want)
				}
			})
		})
	}
}

func TestAnotherTicketIsSuspectAfterAMinuteAgain(t *testing.T) {
	bubble(t, func(t *testing.T) {
		f, shared := newFake(), newShelf()
		p := newProcess(t, "p", f, shared)
		p.mustPage(time.Second)
		suspect([]*process{p}, 40*time.Minute)
		before := f.total("ticket") // the next one is to come at minute 63
		time.Sleep(30 * time.Minute)
		f.replace()
		suspect([]*process{p}, time.Second)
		time.Sleep(time.Second)
		if got := p.mustPage(0); got.Value != f.living() {
			t.Error("the ticket that was replaced is still in use")
		}
		f.replace()
		suspect([]*process{p}, 62*time.Second)
		if n := f.total("ticket") - before; n != 2 || p.mustPage(0).Value != f.living() {
			t.Errorf("%d tickets for two that were replaced", n)
		}
	})
}

func TestASuspicionThatTheFleetHasFollowedLeavesTheTicketAsItWas(t *testing.T) {
	bubble(t, func(t *testing.T) {
		f, shared := newFake(), newShelf()
		one, two := newProcess(t, "one", f, shared), newProcess(t, "two", f, shared)
		pages([]*process{one, two})
		time.Sleep(time.Minute)
		one.Suspect()
		time.Sleep(time.Second)
		two.Suspect() // has what one has fetched
		time.Sleep(2 * time.Minute)
		one.Suspect()
		time.Sleep(50 * time.Second)
		before := two.mustPage(0)
		two.Suspect() // too early for the fleet
		if !two.Settle(t.Context(), 2*time.Second) {
			t.Error("the suspicion is not settled")
		}
		if after := two.mustPage(0); after.Value != before.Value || after.due(time.Now()) {
			t.Error("the ticket is still suspect")
		}
		f.wantCalls(t, 1, 3)
		if err := two.Refresh(t.Context()); err != nil { // but who asks for a fresh one gets it
			t.Fatal(err)
		}
		f.wantCalls(t, 1, 4)
	})
}

func TestTheStorageKnowsOfASuspicionButNotTheTicket(t *testing.T) {
	bubble(t, func(t *testing.T) {
		f, shared := newFake(), newShelf()
		p := newProcess(t, "p", f, shared)
		ticket := p.mustPage(time.Second)
		time.Sleep(time.Minute)
		p.Suspect()
		time.Sleep(time.Second)
		p.Close()
		if err := p.Wait(t.Context()); err != nil {
			t.Fatal(err)
		}
		data := shared.values["dingtalk/ding1-abc/suspicion.json"]
		if !bytes.Contains(data, []byte(`"asked":"`)) || bytes.Contains(data, []byte(ticket.Value)) {
			t.Errorf("it holds %s", data)
		}
	})
}

// Nobody who writes to the storage keeps the fleet from following for more than
// an hour, nor drives it to follow more often.
func TestASuspicionInTheStorageIsBelievedWhereItCanBeTrue(t *testing.T) {
	now := time.Now()
	ticket := newToken("v", now, 2*time.Hour)
	record := func(asked time.Duration, of string, again int) string {
		return fmt.Sprintf(`{"asked":%q,"ticket":%q,"again":%d}`, now.Add(asked).Format(time.RFC3339Nano), of, again)
	}
	ours := fingerprint(ticket)
	tests := map[string]struct {
		data  string
		rests time.Duration // from now on
	}{
		"just now":                       {record(0, ours, 1), time.Minute},
		"just now, for the fourth time":  {record(0, ours, 4), 8 * time.Minute},
		"just now, for ever":             {record(0, ours, 1<<40), time.Hour},
		"just now, of another ticket":    {record(0, "other", 10), time.Minute},
		"half an hour ago":               {record(-30*time.Minute, ours, 7), 30 * time.Minute},
		"a day ago":                      {record(-24*time.Hour, ours, 7), 0},
		"by a clock that is a bit ahead": {record(5*time.Minute, ours, 1), time.Minute},
		"in the far future":              {record(24*time.Hour, ours, 7), 0},
		"less than never":                {record(0, ours, -1), 0},
		"no JSON":                        {"x", 0},
		"a list":                         {"[]", 0},
		"null":                           {"null", 0},
		"nothing":                        {"", 0},
		"10 MB":                          {`{"x":"` + string(bytes.Repeat([]byte("a"), 10<<20)) + `"}`, 0},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			s, err := decodeSuspicion([]byte(tt.data), now)
			if err != nil {
				t.Fatal(err)
			}
			if tt.rests > 0 && !s.rests(ticket, now.Add(tt.rests-time.Second)) {
				t.Error("it does not rest long enough")
			}
			if s.rests(ticket, now.Add(tt.rests)) {
				t.Error("it rests for too long")
			}
		})
	}
}
