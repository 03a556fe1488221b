package login

import (
	"context"
	"net/netip"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

func TestNoMoreThan20CallsGoInAnySecondAndOthersWait5(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCalls()
		var mu sync.Mutex
		var went []time.Time
		busy := 0
		var all sync.WaitGroup
		start := time.Now()
		for range 300 {
			all.Go(func() {
				done, err := c.turn(context.Background(), "api")
				mu.Lock()
				defer mu.Unlock()
				if err != nil {
					if !isCode(err, CodeBusy) || time.Since(start) > callsWait {
						t.Errorf("%v after %v", err, time.Since(start))
					}
					busy++
					return
				}
				went = append(went, time.Now())
				done(false)
			})
		}
		all.Wait()
		for i := callsFull; i < len(went); i++ {
			if went[i].Sub(went[i-callsFull]) < time.Second {
				t.Fatalf("call %d goes %v after call %d", i, went[i].Sub(went[i-callsFull]), i-callsFull)
			}
		}
		if len(went) != 100 || busy != 200 {
			t.Errorf("%d went and %d were told to come back, want 100 and 200", len(went), busy)
		}
	})
}

func TestNoMoreThan16CallsAreUnderWayTogether(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCalls()
		var ends []func(bool)
		for i := range callsAtOnce {
			done, err := c.turn(t.Context(), []string{"a", "b"}[i%2])
			if err != nil {
				t.Fatal(err)
			}
			ends = append(ends, done)
		}
		if _, err := c.turn(t.Context(), "c"); !isCode(err, CodeBusy) {
			t.Errorf("one more: %v", err)
		}
		ends[0](false)
		if _, err := c.turn(t.Context(), "c"); err != nil {
			t.Errorf("after one has ended: %v", err)
		}
	})
}

func TestTheRateHalvesAtEachRefusalAndComesBackByOneASecond(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &pace{next: make(chan struct{}, 1), limit: callsFull}
		burst := func() (n int) {
			for p.take(time.Now()) <= 0 {
				n++
			}
			return n
		}
		p.slower(time.Now())
		p.slower(time.Now()) // of the same moment: one refusal
		if n := burst(); n != 10 {
			t.Errorf("%d after a refusal, want 10", n)
		}
		time.Sleep(2 * callsSecond)
		p.slower(time.Now())
		if n := burst(); n != 6 {
			t.Errorf("%d after another, want 6 (half of 12)", n)
		}
		time.Sleep(30 * time.Second)
		if n := burst(); n != callsFull {
			t.Errorf("%d after half a minute, want %d", n, callsFull)
		}
	})
}

func TestOneClientMaySend30InvalidCodesAMinute(t *testing.T) {
	var a attempts
	here, there := netip.MustParseAddr("2001:db8::1"), netip.MustParseAddr("192.0.2.1")
	for range invalidLimit {
		if a.wait(here, t0) != 0 {
			t.Fatal("told to wait too early")
		}
		a.invalid(here, t0)
	}
	if a.wait(netip.MustParseAddr("2001:db8::2%eth0"), t0.Add(20*time.Second)) != 40*time.Second {
		t.Error("another address of the same network may go on")
	}
	if a.wait(there, t0) != 0 || a.wait(netip.Addr{}, t0) != 0 || a.wait(here, t0.Add(time.Minute)) != 0 {
		t.Error("others, or the same after a minute, have to wait")
	}
	a.invalid(netip.Addr{}, t0)
}
