package tokens

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"time"
)

// client is a connection to a shelf, which can be closed, and counts.
type client struct {
	*shelf
	closed atomic.Bool
	loads  atomic.Int32
}

var errClosed = errors.New("the client is closed")

func (c *client) Load(ctx context.Context, key string) ([]byte, error) {
	c.loads.Add(1)
	if c.closed.Load() {
		return nil, errClosed
	}
	return c.shelf.Load(ctx, key)
}

func (c *client) Store(ctx context.Context, key string, value []byte) error {
	if c.closed.Load() {
		return errClosed
	}
	return c.shelf.Store(ctx, key, value)
}

// TestAReloadThatClosesTheStorageIsNoFailure: work of the old configuration is still
// under way, and goes by its own storage.
func TestAReloadThatClosesTheStorageIsNoFailure(t *testing.T) {
	bubble(t, func(t *testing.T) {
		old := &client{shelf: newShelf()}
		p := newProcess(t, "a", newFake(), old)
		p.mustPage(2 * time.Second)
		time.Sleep(500 * time.Millisecond) // within the looks at what the fleet has
		p.store = &client{shelf: old.shelf}
		next := p.reloaded()
		p.Close()
		old.closed.Store(true)
		for range 10 {
			time.Sleep(2 * time.Second)
			next.mustPage(time.Second)
			if !next.Status().Storage {
				t.Fatal("the new storage works, but is said to fail")
			}
		}
		if old.loads.Load() == 0 {
			t.Error("nothing was under way")
		}
		p.wantLines()
	})
}

// TestATicketThatIsUnderWayAtAReloadIsShared: by the new configuration, for the
// storage of the old one is closed when it comes.
func TestATicketThatIsUnderWayAtAReloadIsShared(t *testing.T) {
	bubble(t, func(t *testing.T) {
		from, old := newFake(), &client{shelf: newShelf()}
		from.delay = 500 * time.Millisecond
		p := newProcess(t, "a", from, old)
		go func() { _, _ = p.page() }()
		time.Sleep(300 * time.Millisecond)
		p.store = &client{shelf: old.shelf}
		next := p.reloaded()
		next.TakeOver()
		p.Close()
		old.closed.Store(true)
		time.Sleep(20 * time.Second)
		next.mustPage(time.Second)
		calls := from.total("ticket")
		newProcess(t, "b", from, old.shelf).mustPage(2 * time.Second)
		if n := from.total("ticket"); n != calls {
			t.Errorf("another process has asked DingTalk %d times", n-calls)
		}
		p.wantLines()
	})
}

// TestOneFailureOfTheStorageIsNotTheLastWord: what can be read again and is as it
// should be ends it.
func TestOneFailureOfTheStorageIsNotTheLastWord(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := newShelf()
		s.values["dingtalk/"+appName+"/jsapi_ticket.json"] = []byte("{half")
		p := newProcess(t, "a", newFake(), s)
		p.mustPage(2 * time.Second)
		time.Sleep(time.Minute)
		if !p.Status().Storage {
			t.Error("the storage is said to fail, a minute after it was written and read well")
		}
		p.wantLines(logStorage, logStorageBack)
	})
}

// stuck is a storage whose lock nobody gets, and which heeds no context.
type stuck struct {
	*shelf
	waiting atomic.Int32
	end     chan struct{}
}

func (s *stuck) Lock(context.Context, string) error {
	s.waiting.Add(1)
	<-s.end
	return errClosed
}

func TestOneGoroutineAtMostWaitsForALockThatHangs(t *testing.T) {
	bubble(t, func(t *testing.T) {
		from, s := newFake(), &stuck{shelf: newShelf(), end: make(chan struct{})}
		from.fault = each("", errTimeout)
		p := newProcess(t, "a", from, s)
		for range 300 {
			_, _ = p.page()
			time.Sleep(2 * time.Second)
		}
		if n := s.waiting.Load(); n != 1 {
			t.Errorf("%d goroutines wait", n)
		}
		from.set(func() { from.fault = nil })
		time.Sleep(time.Minute)
		_, _ = p.page()
		time.Sleep(20 * time.Second)
		p.mustPage(time.Second)
		close(s.end)
	})
}

// TestReportsDoNotReadTheStorageWhileDingTalkFails: anybody can send them.
func TestReportsDoNotReadTheStorageWhileDingTalkFails(t *testing.T) {
	bubble(t, func(t *testing.T) {
		from, s := newFake(), &client{shelf: newShelf()}
		p := newProcess(t, "a", from, s)
		p.mustPage(2 * time.Second)
		time.Sleep(20 * time.Second)
		from.set(func() { from.fault = each("", errTimeout) })
		p.Suspect()
		time.Sleep(3 * time.Second)
		before, calls := s.loads.Load(), from.total("")
		for range 1000 {
			p.Suspect()
			if p.Settle(context.Background(), 2*time.Second) {
				t.Fatal("the suspect ticket is said to be settled")
			}
		}
		if reads, calls := s.loads.Load()-before, from.total("")-calls; reads > 10 || calls > 5 {
			t.Errorf("%d reads of the storage and %d calls for 1000 reports", reads, calls)
		}
	})
}
