package login

import (
	"context"
	"net/netip"
	"sync"
	"sync/atomic"
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

// tried is what becomes of an attempt from an address with a code that is invalid, or good.
func tried(a *attempts, from string, invalid bool) *Error {
	ip, _ := netip.ParseAddr(from)
	return a.try(context.Background(), ip, func() *Error {
		if invalid {
			return &Error{Code: CodeInvalid}
		}
		return nil
	})
}

func TestOneClientMaySend30InvalidCodesAMinute(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var a attempts
		for range invalidLimit {
			if e := tried(&a, "2001:db8::1", true); e.Code != CodeInvalid {
				t.Fatal("told to wait too early:", e)
			}
			if e := tried(&a, "", true); e.Code != CodeInvalid {
				t.Fatal("who has no address:", e)
			}
		}
		time.Sleep(20 * time.Second)
		if e := tried(&a, "2001:db8::2%eth0", false); e == nil || e.Code != CodeTooMany || e.RetryAfter != 40*time.Second {
			t.Errorf("another address of the same network: %v", e)
		}
		if e := tried(&a, "192.0.2.1", false); e != nil {
			t.Errorf("others: %v", e)
		}
		time.Sleep(40 * time.Second)
		if e := tried(&a, "2001:db8::1", false); e != nil {
			t.Errorf("after a minute: %v", e)
		}
		if len(a.all) != 1 { // the one without an address, which has not come again
			t.Errorf("%d clients are remembered", len(a.all))
		}
	})
}

func TestNoMoreThan30InvalidCodesGoHoweverManyComeAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var a attempts
		here := netip.MustParseAddr("192.0.2.1")
		for _, early := range []int{0, 29} { // those that have failed before
			for range early {
				tried(&a, here.String(), true)
			}
			var sent, refused atomic.Int32
			var all sync.WaitGroup
			for range 90 {
				all.Go(func() {
					e := a.try(context.Background(), here, func() *Error {
						sent.Add(1)
						time.Sleep(50 * time.Millisecond)
						return &Error{Code: CodeInvalid}
					})
					if e.Code == CodeTooMany {
						refused.Add(1)
					}
				})
			}
			all.Wait()
			if want := int32(invalidLimit - early); sent.Load() != want || refused.Load() != 90-want {
				t.Errorf("after %d, %d of 90 were sent and %d refused", early, sent.Load(), refused.Load())
			}
			time.Sleep(invalidInterval)
		}
	})
}

// TestAnOfficeBehindOneAddressSignsInAtTheFullRate although some of it send codes that are
// too old.
func TestAnOfficeBehindOneAddressSignsInAtTheFullRate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var a attempts
		c := newCalls()
		start := time.Now()
		var in atomic.Int32
		var all sync.WaitGroup
		for i := range 100 {
			all.Go(func() {
				e := a.try(context.Background(), netip.MustParseAddr("192.0.2.1"), func() *Error {
					done, err := c.turn(context.Background(), "getuserinfo")
					if err != nil {
						return Refusal(err)
					}
					time.Sleep(50 * time.Millisecond)
					done(false)
					if i%10 == 0 {
						return &Error{Code: CodeInvalid}
					}
					in.Add(1)
					return nil
				})
				if e != nil && e.Code != CodeInvalid {
					t.Errorf("%d: %v", i, e)
				}
			})
		}
		all.Wait()
		if took := time.Since(start); in.Load() != 90 || took > 100/callsFull*callsSecond {
			t.Errorf("%d are in after %v", in.Load(), took)
		}
	})
}

func TestWhoWaitsInVainForThePlacesOfItsAddressIsToldToComeBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var a attempts
		here := netip.MustParseAddr("192.0.2.1")
		var all sync.WaitGroup
		for range invalidLimit {
			all.Go(func() {
				_ = a.try(context.Background(), here, func() *Error {
					time.Sleep(callTimeout)
					return nil
				})
			})
		}
		synctest.Wait()
		start := time.Now()
		if e := tried(&a, here.String(), false); e == nil || e.Code != CodeBusy || e.RetryAfter != retryBusy || time.Since(start) != callsWait {
			t.Errorf("%v after %v", e, time.Since(start))
		}
		all.Wait()
		if len(a.all) != 0 {
			t.Errorf("%d clients are remembered", len(a.all))
		}
	})
}
