package tokens

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

const fleetSize = 8

// newFleet is some processes that see one storage, each in its way.
func newFleet(t *testing.T, f *fake, storage func(i int) Storage) []*process {
	fleet := make([]*process, fleetSize)
	for i := range fleet {
		fleet[i] = newProcess(t, fmt.Sprint("p", i), f, storage(i))
	}
	return fleet
}

// pages lets each process serve pages until it has a ticket, all at once, and
// returns how long the slowest took.
func pages(fleet []*process) (slowest time.Duration) {
	start := time.Now()
	took := make([]time.Duration, len(fleet))
	var wg sync.WaitGroup
	for i, p := range fleet {
		wg.Go(func() {
			for time.Since(start) < time.Minute {
				if ticket, _ := p.page(); ticket != nil {
					break
				}
				time.Sleep(100 * time.Millisecond)
			}
			took[i] = time.Since(start)
		})
	}
	wg.Wait()
	for _, d := range took {
		slowest = max(slowest, d)
	}
	return slowest
}

// wantAtMostOneCallEach makes sure that no process asked DingTalk twice.
func wantAtMostOneCallEach(t *testing.T, f *fake) {
	t.Helper()
	seen := make(map[string]int)
	for _, c := range f.calls {
		if seen[c.from+c.kind]++; seen[c.from+c.kind] > 1 {
			t.Errorf("%s called for a %s more than once", c.from, c.kind)
		}
	}
}

// coldFleet is what to expect of a fleet that has no ticket yet.
type coldFleet struct {
	storage  func(shared *shelf, i int) Storage // as the process i sees it
	rubbish  bool                               // is in the storage
	fetches  int                                // 0: up to one of each process
	within   time.Duration
	isShared bool // all end up with the same ticket
}

func TestAColdFleet(t *testing.T) {
	tests := map[string]coldFleet{
		"with a proper lock fetches once": {
			storage: func(s *shelf, _ int) Storage { return s },
			fetches: 1, within: 500 * time.Millisecond, isShared: true,
		},
		"without a lock keeps the newest": {
			storage: func(s *shelf, _ int) Storage { return withoutLock(s) },
			within:  600 * time.Millisecond, isShared: true,
		},
		"with a lock that fails keeps the newest": {
			storage: func(s *shelf, _ int) Storage { return withFailingLock(s) },
			within:  600 * time.Millisecond, isShared: true,
		},
		"whose storage is down has a ticket all the same": {
			storage: func(*shelf, int) Storage { return broken{} },
			within:  600 * time.Millisecond,
		},
		"whose storage hangs has a ticket before the first page gives up": {
			storage: func(*shelf, int) Storage { return hanging(heedful) },
			within:  2 * time.Second,
		},
		"whose storage is read-only has a ticket all the same": {
			storage: func(s *shelf, _ int) Storage { return readOnly(s) },
			within:  600 * time.Millisecond,
		},
		"whose storage can be written by all but one": {
			storage: func(s *shelf, i int) Storage {
				if i == 0 {
					return readOnly(s)
				}
				return s
			},
			fetches: 2, within: 600 * time.Millisecond,
		},
		"whose storage holds rubbish fetches once": {
			storage: func(s *shelf, _ int) Storage { return s }, rubbish: true,
			fetches: 1, within: 500 * time.Millisecond, isShared: true,
		},
	}
	orders := map[string]time.Duration{ // how much longer than the next process each waits for its ticket
		", answered in order":         0,
		", answered in reverse order": 40 * time.Millisecond,
	}
	for name, tt := range tests {
		for order, longer := range orders {
			t.Run(name+order, func(t *testing.T) { bubble(t, func(t *testing.T) { tt.test(t, longer) }) })
		}
	}
}

func (c coldFleet) test(t *testing.T, longer time.Duration) {
	f, shared := newFake(), newShelf()
	f.newValue = true
	f.fault = func(ctx context.Context, c call) error {
		i := time.Duration(c.from[1] - '0')
		if c.kind == "token" {
			return sleep(ctx, i*20*time.Millisecond)
		}
		return sleep(ctx, (fleetSize-i)*longer)
	}
	if c.rubbish {
		shared.put("dingtalk/"+appName+"/jsapi_ticket.json", []byte(`{"value":"half a`))
		shared.put("dingtalk/"+appName+"/access_token.json", []byte{0, 0, 0})
	}
	fleet := newFleet(t, f, func(i int) Storage { return c.storage(shared, i) })
	if took := pages(fleet); took > c.within {
		t.Errorf("it took %v until all had a ticket, want at most %v", took, c.within)
	}
	time.Sleep(settled)
	wantAtMostOneCallEach(t, f)
	if c.fetches != 0 {
		f.wantCalls(t, c.fetches, c.fetches)
	}
	if shared.older != 0 {
		t.Errorf("%d times an older ticket was stored over a newer one", shared.older)
	}
	shared.wantUnlocked(t)
	newest := fleet[0].mustPage(0)
	for _, p := range fleet {
		if got := p.mustPage(0); got.newer(newest) {
			newest = got
		}
	}
	if !c.isShared {
		return
	}
	late := newProcess(t, "late", f, shared)
	late.mustPage(5 * time.Millisecond)
	for _, p := range append(fleet, late) {
		if got := p.mustPage(0); got.Value != newest.Value {
			t.Errorf("%s has another ticket than the newest", p.name)
		}
	}
	for _, c := range f.calls {
		if c.from == late.name {
			t.Error("a process that starts later asks DingTalk")
		}
	}
}

func TestAnOlderTicketThatIsWrittenLateIsReplaced(t *testing.T) {
	bubble(t, func(t *testing.T) {
		f, shared := newFake(), newShelf()
		slow := &faulty{Storage: withoutLock(shared), store: func(ctx context.Context, key string, value []byte) error {
			_ = sleep(ctx, time.Second)
			return shared.Store(ctx, key, value)
		}}
		one, two := newProcess(t, "one", f, slow), newProcess(t, "two", f, withoutLock(shared))
		go func() {
			time.Sleep(80 * time.Millisecond)
			_, _ = two.page()
		}()
		older := one.mustPage(time.Second)
		time.Sleep(1500 * time.Millisecond)
		synctest.Wait()
		if newer := two.mustPage(0); !newer.newer(older) || shared.older != 1 {
			t.Fatal("the older ticket is not written late")
		}
		reader := newProcess(t, "reader", f, withoutLock(shared))
		if reader.mustPage(time.Second).newer(older) {
			t.Fatal("who reads the storage now does not find the older ticket")
		}
		time.Sleep(settled)
		if stored := shared.ticket(); !stored.newer(older) {
			t.Error("the fleet stays with the older ticket")
		}
		for _, p := range []*process{one, two, reader} {
			if got := p.mustPage(0); !got.newer(older) {
				t.Errorf("%s stays with the older ticket", p.name)
			}
		}
	})
}

func TestAFleetRenewsOnce(t *testing.T) {
	bubble(t, func(t *testing.T) {
		f, shared := newFake(), newShelf()
		f.newValue = true
		fleet := newFleet(t, f, func(int) Storage { return shared })
		pages(fleet)
		start := time.Now()
		for time.Since(start) < 12*time.Hour {
			time.Sleep(10 * time.Second)
			for _, p := range fleet {
				p.mustPage(0)
			}
		}
		// Twelve hours are six lives and a half of 110 minutes.
		f.wantCalls(t, 7, 7)
		for _, p := range fleet {
			if got := p.mustPage(0); got.Value != f.living() {
				t.Errorf("%s has %v, which DingTalk has replaced", p.name, got)
			}
			p.wantLines()
		}
	})
}

func TestWaitersTakeTheTicketFromTheStorageBeforeTheyGetTheLock(t *testing.T) {
	bubble(t, func(t *testing.T) {
		f, shared := newFake(), newShelf()
		f.delay = 900 * time.Millisecond // two calls: 1.8 s
		slow := &faulty{Storage: shared, unlock: func(ctx context.Context, name string) error {
			_ = sleep(ctx, 5*time.Second)
			return shared.Unlock(ctx, name)
		}}
		first := newProcess(t, "first", f, slow)
		fleet := newFleet(t, f, func(int) Storage { return shared })
		go func() { _, _ = first.page() }()
		time.Sleep(10 * time.Millisecond)
		if took := pages(fleet); took > 2*time.Second {
			t.Errorf("waited %v for a ticket that was there after 1.8 s", took)
		}
		f.wantCalls(t, 1, 1)
		time.Sleep(10 * time.Second)
		shared.wantUnlocked(t)
	})
}

func TestTheLockOfADeadProcessIsNotWaitedForLongerThan20s(t *testing.T) {
	const runs = 20
	fetches := 0
	for range runs {
		bubble(t, func(t *testing.T) {
			f, shared := newFake(), newShelf()
			if err := shared.Lock(t.Context(), "dingtalk-"+appName); err != nil {
				t.Fatal(err)
			}
			fleet := newFleet(t, f, func(int) Storage { return shared })
			took := pages(fleet)
			if took < 11*time.Second || took > 20*time.Second {
				t.Errorf("took over after %v", took)
			}
			fetches += f.total("ticket")
			if len(shared.lock("dingtalk-"+appName)) != 1 {
				t.Error("somebody has broken the lock of another")
			}
		})
	}
	if fetches > 2*runs {
		t.Errorf("%d tickets for %d dead processes: too many run off at the same time", fetches, runs)
	}
}

func TestAProcessThatDiesWhileItFetchesIsReplaced(t *testing.T) {
	bubble(t, func(t *testing.T) {
		f, shared := newFake(), newShelf()
		f.fault = func(ctx context.Context, c call) error {
			if c.from == "dead" {
				<-ctx.Done()
				return errTimeout
			}
			return nil
		}
		dead := newProcess(t, "dead", f, shared)
		go func() { _, _ = dead.page() }()
		time.Sleep(10 * time.Millisecond)
		fleet := newFleet(t, f, func(int) Storage { return shared })
		if took := pages(fleet); took > 20*time.Second {
			t.Errorf("took over after %v", took)
		}
		if n := f.total("ticket"); n != 1 {
			t.Errorf("%d tickets", n)
		}
	})
}

func TestOneProcessRecoversAndTheOthersFollow(t *testing.T) {
	limited := &refusal{class: "limit", limited: true}
	bubble(t, func(t *testing.T) {
		f, shared := newFake(), newShelf()
		f.fault = func(_ context.Context, c call) error {
			if c.from == "p3" {
				return nil
			}
			return limited
		}
		fleet := newFleet(t, f, func(int) Storage { return withoutLock(shared) })
		if took := pages(fleet); took > 3*time.Second {
			t.Errorf("the ticket of one process reached the last of the others after %v", took)
		}
		wantAtMostOneCallEach(t, f)
	})
}
