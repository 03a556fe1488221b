package tokens

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"testing"
	"time"
)

// pageEvery is how often pages come in these tests.
const pageEvery = 500 * time.Millisecond

// faults are what may befall DingTalk for a long time.
var faults = map[string]struct {
	fault   func(context.Context, call) error
	limited bool
}{
	"every call is refused":             {fault: each("", &refusal{class: "outage"})},
	"the secret is wrong":               {fault: each("token", &refusal{class: "secret"})},
	"the app has no permission":         {fault: each("ticket", &refusal{class: "permission"})},
	"the access token is refused":       {fault: each("ticket", &refusal{class: "access token", rejected: true})},
	"the app is over its limit":         {fault: each("", &refusal{class: "limit", limited: true}), limited: true},
	"tickets are over their limit":      {fault: each("ticket", &refusal{class: "limit", limited: true}), limited: true},
	"every call hangs":                  {fault: hang("")},
	"the access token call hangs":       {fault: hang("token")},
	"the ticket call hangs":             {fault: hang("ticket")},
	"the calls take long, then fail":    {fault: slowly(4900*time.Millisecond, &refusal{class: "busy"})},
	"the calls take a second, and fail": {fault: slowly(time.Second, &refusal{class: "busy"})},
	"the failures differ from each other": {fault: func(_ context.Context, c call) error {
		return &refusal{class: fmt.Sprint("class ", c.at.Second()%2)}
	}},
}

func slowly(d time.Duration, err error) func(context.Context, call) error {
	return func(ctx context.Context, _ call) error {
		_ = sleep(ctx, d)
		return err
	}
}

// situations are what a process has when a fault begins.
var situations = map[string]func(p *process){
	"a cold process": func(*process) {},
	"a process whose ticket has just ended": func(p *process) {
		p.mustPage(2 * time.Second)
		time.Sleep(2*time.Hour + time.Second)
	},
	"a process whose ticket is due": func(p *process) {
		p.mustPage(2 * time.Second)
		time.Sleep(111 * time.Minute)
	},
	"a process with an access token only": func(p *process) {
		p.from.set(func() { p.from.fault = each("ticket", &refusal{class: "before"}) })
		_, _ = p.page()
		time.Sleep(time.Hour)
		p.from.set(func() { p.from.fault = nil })
	},
	"a process with a young ticket that is suspect": func(p *process) {
		p.mustPage(2 * time.Second)
		p.from.replace()
		p.Suspect()
	},
}

// storages are what may be behind a process meanwhile.
var storages = map[string]func() Storage{
	"a good storage":          func() Storage { return newShelf() },
	"a storage that is down":  func() Storage { return broken{} },
	"a storage that hangs":    func() Storage { return hanging(heedful) },
	"a storage without locks": func() Storage { return withoutLock(newShelf()) },
}

// Whatever the fault, whatever we have when it begins: at most 5 calls in the
// first 10 s, few later, no page that waits twice, and a ticket again within 30 s
// of its end, a minute after a limit.
func TestNoFaultIsAnsweredByTooManyCalls(t *testing.T) {
	for faultName, fault := range faults {
		for situationName, situation := range situations {
			for storageName, storage := range storages {
				name := faultName + " for " + situationName + " with " + storageName
				t.Run(name, func(t *testing.T) {
					for _, length := range []time.Duration{11 * time.Second, 5*time.Minute + 3*time.Second} {
						bubble(t, func(t *testing.T) {
							p := newProcess(t, "p", newFake(), storage())
							situation(p)
							recovery := outage(p, fault.fault, length)
							limit := 30 * time.Second
							if fault.limited {
								limit = limitedDelay + limitedSpread + time.Second
							}
							if recovery > limit {
								t.Errorf("recovered %v after the end of a fault of %v", recovery, length)
							}
						})
					}
				})
			}
		}
	}
}

// outage lets a fault befall DingTalk while pages come, watches the calls, and
// returns the time from its end to the first page with a ticket of after it.
func outage(p *process, fault func(context.Context, call) error, length time.Duration) (recovery time.Duration) {
	p.t.Helper()
	held := p.Held()
	start := time.Now()
	p.from.set(func() { p.from.fault = fault })
	waited := 0
	serve := func() *Token {
		began := time.Now()
		ticket, err := p.page()
		if took := time.Since(began); took > 2*time.Second {
			p.t.Errorf("a page took %v", took)
		} else if took > 0 {
			waited++
		}
		if held.valid(began) && err != nil {
			p.t.Errorf("a page has no ticket while one lives: %v", err)
		}
		return ticket
	}
	for time.Since(start) < length {
		serve()
		time.Sleep(pageEvery)
	}
	end := time.Now()
	p.from.set(func() { p.from.fault = nil })
	for ticket := serve(); ticket == nil || held != nil && !ticket.newer(held); ticket = serve() {
		if time.Since(end) > 2*time.Minute {
			p.t.Fatal("no recovery within two minutes")
		}
		time.Sleep(pageEvery)
	}
	recovery = time.Since(end)
	if waited > 1 {
		p.t.Errorf("%d pages waited", waited)
	}

	if n := p.from.count("", start, start.Add(10*time.Second)); n > 5 {
		p.t.Errorf("%d calls in the first 10 s", n)
	}
	for minute := start.Add(time.Minute); minute.Before(end.Add(-time.Minute)); minute = minute.Add(time.Second) {
		if n := p.from.count("", minute, minute.Add(time.Minute)); n > 12 {
			p.t.Errorf("%d calls in the minute after %v", n, minute.Sub(start))
			break
		}
	}
	return recovery
}

func TestTheCurveOfCalls(t *testing.T) {
	for _, name := range []string{"every call is refused", "the access token is refused", "tickets are over their limit", "every call hangs"} {
		bubble(t, func(t *testing.T) {
			p := newProcess(t, "p", newFake(), newShelf())
			start := time.Now()
			outage(p, faults[name].fault, 10*time.Minute)
			var curve []int
			for minute := range 10 {
				begin := start.Add(time.Duration(minute) * time.Minute)
				curve = append(curve, p.from.count("", begin, begin.Add(time.Minute)))
			}
			t.Logf("%s: %d calls in the first 10 s, then a minute: %v", name, p.from.count("", start, start.Add(10*time.Second)), curve)
			if last := slices.Max(curve[1:]); last > curve[0] {
				t.Errorf("the calls do not become fewer")
			}
		})
	}
}

func TestALimitIsFollowedByAMinuteOfSilence(t *testing.T) {
	bubble(t, func(t *testing.T) {
		f := newFake()
		p := newProcess(t, "p", f, newShelf())
		outage(p, each("token", &refusal{class: "limit", limited: true}), 20*time.Minute)
		for i, c := range f.calls[1 : len(f.calls)-1] { // but the last, which is a ticket
			if gap := c.at.Sub(f.calls[i].at); gap < limitedDelay || gap > limitedDelay+limitedSpread+time.Second {
				t.Errorf("call %d came %v after the one before", i+1, gap)
			}
		}
	})
}

func TestTheNextFaultIsMetAfresh(t *testing.T) {
	bubble(t, func(t *testing.T) {
		f := newFake()
		p := newProcess(t, "p", f, newShelf())
		fault := each("", &refusal{class: "outage"})
		outage(p, fault, 10*time.Minute)
		time.Sleep(3 * time.Hour)
		start := time.Now()
		outage(p, fault, 10*time.Second)
		if n := f.count("", start, start.Add(10*time.Second)); n != 3 {
			t.Errorf("%d calls in the first 10 s, want 3 as at the first time", n)
		}
	})
}

func TestProcessesDoNotComeBackAllAtOnce(t *testing.T) {
	bubble(t, func(t *testing.T) {
		f := newFake()
		f.fault = each("", &refusal{class: "outage"})
		start := time.Now()
		done := make(chan bool)
		for range 20 {
			p := newProcess(t, "p", f, broken{})
			go func() {
				for time.Since(start) < 3*time.Minute {
					_, _ = p.page()
					time.Sleep(10 * time.Millisecond)
				}
				done <- true
			}()
		}
		for range 20 {
			<-done
		}
		worst := 0
		for at := start.Add(time.Minute); at.Before(start.Add(3 * time.Minute)); at = at.Add(100 * time.Millisecond) {
			worst = max(worst, f.count("", at, at.Add(100*time.Millisecond)))
		}
		if worst > 10 {
			t.Errorf("%d of 20 processes called within the same tenth of a second", worst)
		}
	})
}

func TestARejectedAccessTokenIsReplacedAtOnce(t *testing.T) {
	rejected := each("ticket", &refusal{class: "access token", rejected: true})
	bubble(t, func(t *testing.T) {
		f := newFake()
		p := newProcess(t, "p", f, newShelf())
		p.mustPage(time.Second)
		time.Sleep(time.Hour)
		f.revoke()
		f.replace()
		p.Suspect()
		time.Sleep(time.Second)
		if got := p.mustPage(0); got.Value != f.living() {
			t.Errorf("got %v, want the living one", got)
		}
		f.wantCalls(t, 2, 3)
		p.wantLines(logRefused)
	})
	bubble(t, func(t *testing.T) { // once: the second refusal is a failure
		f := newFake()
		p := newProcess(t, "p", f, newShelf())
		p.mustPage(time.Second)
		time.Sleep(111 * time.Minute / 2)
		f.set(func() { f.fault = rejected })
		p.Suspect()
		time.Sleep(time.Second)
		f.wantCalls(t, 2, 3)
		p.wantLines(logRefused, logNotRenewed)
		p.mustPage(0)
	})
	bubble(t, func(t *testing.T) { // a young one: within the 30 s that a recovery may take
		f := newFake()
		p := newProcess(t, "p", f, newShelf())
		p.mustPage(time.Second)
		f.revoke()
		f.replace()
		p.Suspect()
		start := time.Now()
		for p.mustPage(0).Value != f.living() {
			time.Sleep(pageEvery)
		}
		if took := time.Since(start); took > 20*time.Second {
			t.Errorf("took %v", took)
		}
		f.wantCalls(t, 2, 6) // refused four times, until the token is old enough to be the reason
	})
}

func TestARejectedAccessTokenIsReplacedByANewerOneOnly(t *testing.T) {
	const rejected, good = "rejected", "good"
	tests := map[string]struct {
		value         string // what the storage holds when it turns out
		age, lifetime time.Duration
		calls         int // of the access token
	}{
		"the rejected one is in the storage":              {rejected, time.Hour, 2 * time.Hour, 1},
		"an older one is in the storage":                  {"older", 90 * time.Minute, 2 * time.Hour, 1},
		"the rejected value was given to another process": {rejected, time.Minute, 2 * time.Hour, 1},
		"another process has stored a new one":            {good, time.Minute, 2 * time.Hour, 0},
		"another process has stored one that is due":      {good, 10 * time.Minute, 10*time.Minute + time.Second, 1},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				f, shared := newFake(), newShelf()
				f.access = rejected
				p := newProcess(t, "p", f, shared)
				p.mustPage(time.Second)
				time.Sleep(time.Hour)
				f.set(func() { f.access = good })
				f.replace()
				data, err := json.Marshal(newToken(tt.value, time.Now().Add(-tt.age), tt.lifetime))
				if err != nil {
					t.Fatal(err)
				}
				shared.put(p.key(KindAccess), data)
				p.Suspect()
				time.Sleep(time.Second)
				f.wantCalls(t, 1+tt.calls, 3)
				if got := p.mustPage(0); got.Value != f.living() {
					t.Errorf("got %v, want the living ticket", got)
				}
			})
		})
	}
}
