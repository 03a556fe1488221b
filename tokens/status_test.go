package tokens

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"
)

func TestARefreshFetchesWhateverIsHeld(t *testing.T) {
	bubble(t, func(t *testing.T) {
		shelf, ding := newShelf(), newFake()
		one, two := newProcess(t, "one", ding, shelf), newProcess(t, "two", ding, shelf)
		one.mustPage(2 * time.Second)
		time.Sleep(time.Minute)
		two.mustPage(2 * time.Second)
		time.Sleep(time.Minute)
		if err := one.Refresh(context.Background()); err != nil {
			t.Fatal(err)
		}
		ding.wantCalls(t, 1, 2)
		time.Sleep(time.Minute)
		// The storage now has a newer one than two: that is not what was asked for.
		asked := time.Now()
		if err := two.Refresh(context.Background()); err != nil {
			t.Fatal(err)
		}
		ding.wantCalls(t, 1, 3)
		if s := two.Status(); s.Ticket.Fetched.Before(asked) || s.Err != nil || !s.Storage {
			t.Errorf("%+v", s)
		}
	})
}

func TestARefreshDoesNotWaitForTheEndOfABackoff(t *testing.T) {
	bubble(t, func(t *testing.T) {
		ding := newFake()
		p := newProcess(t, "one", ding, newShelf())
		ding.fault = each("ticket", &refusal{class: "limit", limited: true})
		_, _ = p.page()
		if s := p.Status(); s.Err == nil || s.Retry < 30*time.Second || s.Ticket != nil || s.Access == nil {
			t.Fatalf("%+v", s)
		}
		if err := p.Refresh(context.Background()); err == nil {
			t.Error("a refresh that fails says nothing")
		}
		ding.set(func() { ding.fault = nil })
		if err := p.Refresh(context.Background()); err != nil {
			t.Error(err)
		}
		if s := p.Status(); s.Err != nil || s.Retry != 0 || s.Ticket == nil {
			t.Errorf("%+v", s)
		}
	})
}

// diary remembers what an observer is told.
type diary struct {
	mu    sync.Mutex
	lines []string
}

func (d *diary) note(format string, args ...any) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.lines = append(d.lines, fmt.Sprintf(format, args...))
}

func (d *diary) Called(kind string, err error)     { d.note("called %s %v", kind, err == nil) }
func (d *diary) Fetched(expires time.Time)         { d.note("fetched for %v", time.Until(expires)) }
func (d *diary) Failed(err error, _ time.Duration) { d.note("failed: %v", err) }

func TestAnObserverIsToldEachCallAndEachFailureOnce(t *testing.T) {
	bubble(t, func(t *testing.T) {
		ding := newFake()
		ding.delay = 0
		var d diary
		p := newObserved(t, "one", ding, newShelf(), &d)
		ding.fault = each("ticket", &refusal{class: "outage"})
		for range 3 {
			_, _ = p.page()
			time.Sleep(time.Minute)
		}
		ding.set(func() { ding.fault = nil })
		_, _ = p.page() // starts what the next page finds
		time.Sleep(time.Second)
		p.mustPage(0)
		want := []string{
			"called access_token true", "called jsapi_ticket false", "failed: fetching jsapi_ticket: refused: outage",
			"called jsapi_ticket false", "called jsapi_ticket false",
			"called jsapi_ticket true", "fetched for 2h0m0s",
		}
		if !slices.Equal(d.lines, want) {
			t.Errorf("got  %q\nwant %q", d.lines, want)
		}
	})
}
