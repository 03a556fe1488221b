package tokens

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// lingering is a storage that takes its time to write and to unlock.
func lingering(s Storage, d time.Duration, ended *atomic.Int32) Storage {
	return &faulty{
		Storage: s,
		store: func(ctx context.Context, key string, value []byte) error {
			defer ended.Add(1)
			time.Sleep(d)
			return s.Store(ctx, key, value)
		},
		unlock: func(ctx context.Context, name string) error {
			defer ended.Add(1)
			time.Sleep(d)
			return s.Unlock(ctx, name)
		},
	}
}

func TestWhoWaitsFindsAllWrittenAndUnlocked(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		shared, ended := newShelf(), new(atomic.Int32)
		p := newProcess(t, "p", newFake(), lingering(shared, 3*time.Second, ended))
		ticket := p.mustPage(time.Second)
		p.Close()
		if err := p.Wait(t.Context()); err != nil {
			t.Fatal(err)
		}
		if n := ended.Load(); n != 3 { // two tokens and the lock
			t.Errorf("%d of 3 writes have ended", n)
		}
		if stored := shared.ticket(); stored == nil || stored.Value != ticket.Value {
			t.Errorf("stored is %v", stored)
		}
		shared.wantUnlocked(t)
		// Whatever is left would fail the bubble, which nobody lets come to rest.
	})
}

func TestAWaitEndsWithItsContext(t *testing.T) {
	bubble(t, func(t *testing.T) {
		p := newProcess(t, "p", newFake(), lingering(newShelf(), 3*time.Second, new(atomic.Int32)))
		p.mustPage(time.Second)
		p.Close()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := p.Wait(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("the error is %v", err)
		}
		if err := p.Wait(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

// A fetch that a page has given up is waited for, and what it leads to.
func TestAWaitOutlastsTheFetchThatIsUnderWay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, shared := newFake(), newShelf()
		f.delay = 4 * time.Second
		p := newProcess(t, "p", f, shared)
		_, err := p.page()
		wantUnavailable(t, err)
		p.Close()
		if err := p.Wait(t.Context()); err != nil {
			t.Fatal(err)
		}
		if stored := shared.ticket(); stored == nil || stored.Value != f.living() {
			t.Errorf("stored is %v", stored)
		}
	})
}

func TestAWaitSaysWhyTheTicketIsNotStored(t *testing.T) {
	bubble(t, func(t *testing.T) {
		sees := newChanging(readOnly(newShelf()))
		p := newProcess(t, "p", newFake(), sees)
		p.mustPage(time.Second)
		if err := p.Wait(t.Context()); !errors.Is(err, errStorage) {
			t.Errorf("the error is %v", err)
		}
		sees.turn(newShelf())
		if err := p.Refresh(t.Context()); err != nil {
			t.Fatal(err)
		}
		if err := p.Wait(t.Context()); err != nil {
			t.Errorf("it is stored since, but: %v", err)
		}
	})
}

func TestAppsThatDoNothingAreNotWaitedFor(t *testing.T) {
	p := newProcess(t, "p", newFake(), newShelf())
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := p.Wait(ctx); err != nil {
		t.Error(err)
	}
}
