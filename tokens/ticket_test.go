package tokens

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"go.uber.org/zap"
)

func TestTheFirstPageWaitsForTheFirstTicket(t *testing.T) {
	bubble(t, func(t *testing.T) {
		f, shared := newFake(), newShelf()
		p := newProcess(t, "p", f, shared)
		if p.Held() != nil {
			t.Error("there is a ticket before anybody asked for one")
		}
		f.wantCalls(t, 0, 0)
		ticket := p.mustPage(110 * time.Millisecond)
		if ticket.Value != f.living() || p.Held() != ticket {
			t.Errorf("got %q, holds %q, want %q", ticket.Value, p.Held().Value, f.living())
		}
		time.Sleep(time.Second)
		if stored := shared.ticket(); stored == nil || stored.Value != ticket.Value || !stored.Expires.Equal(ticket.Expires) {
			t.Errorf("stored is %v, want %v", stored, ticket)
		}
		shared.wantUnlocked(t)
		p.mustPage(0)
		f.wantCalls(t, 1, 1)
		p.wantLines()
	})
}

func TestAHeldTicketCostsNothing(t *testing.T) {
	ctx := t.Context()
	f := newFake()
	f.delay = 0
	app := newProcess(t, "p", f, newShelf()).App
	get := func() {
		if ticket, err := app.Ticket(ctx, time.Second); err != nil || ticket == nil {
			t.Fatal(ticket, err)
		}
	}
	get()
	if n := testing.AllocsPerRun(1000, get); n != 0 {
		t.Errorf("%v allocations for a page", n)
	}

	answer := make(chan struct{})
	f.set(func() {
		f.fault = func(context.Context, call) error { <-answer; return nil }
	})
	app.Suspect() // from now on a renewal is due, and soon under way
	for f.total("") < 3 {
		get()
		time.Sleep(time.Millisecond)
	}
	if n := testing.AllocsPerRun(1000, get); n != 0 {
		t.Errorf("%v allocations for a page while the ticket is renewed", n)
	}
	close(answer)
}

func BenchmarkTicket(b *testing.B) {
	f := newFake()
	f.delay = 0
	app := NewApp(Options{Name: appName, Source: f.from("p"), Storage: newShelf(), Memory: NewMemory(), Log: zap.NewNop()})
	ctx := b.Context()
	if _, err := app.Ticket(ctx, time.Second); err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		_, _ = app.Ticket(ctx, time.Second)
	}
}

func TestAThousandPagesShareOneFetch(t *testing.T) {
	bubble(t, func(t *testing.T) {
		f := newFake()
		f.delay = 500 * time.Millisecond
		p := newProcess(t, "p", f, newShelf())
		got := make([]*Token, 1000)
		var wg sync.WaitGroup
		for i := range got {
			wg.Go(func() {
				time.Sleep(time.Duration(i) * time.Millisecond)
				got[i], _ = p.page()
			})
		}
		wg.Wait()
		for i := range got {
			if got[i] == nil || got[i] != got[0] {
				t.Fatalf("page %d got %v, page 0 got %v", i, got[i], got[0])
			}
		}
		f.wantCalls(t, 1, 1)
	})
}

func TestAPageWaitsNoLongerThanItsTimeAndTheNextNotAtAll(t *testing.T) {
	bubble(t, func(t *testing.T) {
		f := newFake()
		f.delay = 4 * time.Second // two calls: 8 s
		p := newProcess(t, "p", f, newShelf())
		start := time.Now()
		var wg sync.WaitGroup
		for range 100 { // all that come before the first has waited in vain
			wg.Go(func() {
				_, err := p.page()
				if u := wantUnavailable(t, err); u.Retry != 0 || u.Err.Error() == "" {
					t.Errorf("error %v, retry in %v", u, u.Retry)
				}
			})
		}
		wg.Wait()
		if took := time.Since(start); took != 2*time.Second {
			t.Errorf("the first pages waited %v", took)
		}
		for time.Since(start) < 8*time.Second {
			before := time.Now()
			_, err := p.page()
			wantUnavailable(t, err)
			if took := time.Since(before); took != 0 {
				t.Fatalf("a later page waited %v", took)
			}
			time.Sleep(100 * time.Millisecond)
		}
		time.Sleep(100 * time.Millisecond)
		p.mustPage(0)
		f.wantCalls(t, 1, 1)

		// The next ticket's first page waits again.
		time.Sleep(2 * time.Hour)
		f.set(func() { f.delay = 50 * time.Millisecond })
		p.mustPage(110 * time.Millisecond)
		f.wantCalls(t, 2, 2)
	})
}

func TestAWaitThatEndsWithTheFetchWasNotInVain(t *testing.T) {
	s := new(state)
	s.started()
	s.succeeded()
	s.waitedInVain() // the page's time was up at the same instant
	if _, err := s.trouble(time.Now()); err != nil {
		t.Errorf("the next page that needs a fetch does not wait for it: %v", err)
	}
}

func TestAPageThatLeavesDoesNotEndTheFetch(t *testing.T) {
	bubble(t, func(t *testing.T) {
		f := newFake()
		p := newProcess(t, "p", f, newShelf())
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
		defer cancel()
		start := time.Now()
		_, err := p.Ticket(ctx, 2*time.Second)
		if !errors.Is(err, context.DeadlineExceeded) || time.Since(start) != 20*time.Millisecond {
			t.Errorf("left with %v after %v", err, time.Since(start))
		}
		time.Sleep(time.Second)
		p.mustPage(0)
		f.wantCalls(t, 1, 1)
	})
}

func TestAPageThatDoesNotWaitStartsTheFetch(t *testing.T) {
	bubble(t, func(t *testing.T) {
		f := newFake()
		p := newProcess(t, "p", f, newShelf())
		for range 3 {
			start := time.Now()
			_, err := p.Ticket(t.Context(), 0)
			wantUnavailable(t, err)
			if took := time.Since(start); took != 0 {
				t.Errorf("waited %v", took)
			}
		}
		time.Sleep(time.Second)
		p.mustPage(0)
		f.wantCalls(t, 1, 1)
	})
}

func TestATicketIsRenewedAheadOfItsEndWhileNoPageWaits(t *testing.T) {
	bubble(t, func(t *testing.T) {
		f := newFake()
		f.newValue = true
		p := newProcess(t, "p", f, newShelf())
		first := p.mustPage(time.Second)
		f.set(func() { f.delay = 4 * time.Second })

		time.Sleep(time.Until(first.Fetched.Add(110*time.Minute - time.Second)))
		p.mustPage(0)
		time.Sleep(500 * time.Millisecond)
		f.wantCalls(t, 1, 1) // too early

		time.Sleep(time.Second)
		for range 100 { // while the renewal is under way
			if got := p.mustPage(0); got != first {
				t.Fatal("the old ticket is gone before there is a new one")
			}
			time.Sleep(50 * time.Millisecond)
		}
		time.Sleep(4 * time.Second)
		if got := p.mustPage(0); got == first || got.Value != f.living() {
			t.Errorf("got %v, want the new ticket", got)
		}
		f.wantCalls(t, 2, 2)
		p.wantLines()
	})
}

func TestATicketThatNobodyUsesIsNotRenewed(t *testing.T) {
	bubble(t, func(t *testing.T) {
		f := newFake()
		p := newProcess(t, "p", f, newShelf())
		p.mustPage(time.Second)
		time.Sleep(24 * time.Hour)
		f.wantCalls(t, 1, 1)
		if p.Held() != nil {
			t.Error("an expired ticket is held")
		}
		p.mustPage(time.Second)
		f.wantCalls(t, 2, 2)
	})
}

func TestPagesGetALivingTicketWhileDingTalkIsDown(t *testing.T) {
	bubble(t, func(t *testing.T) {
		f := newFake()
		p := newProcess(t, "p", f, newShelf())
		ticket := p.mustPage(time.Second)
		f.set(func() { f.fault = each("", &refusal{class: "outage"}) })
		for time.Until(ticket.Expires) > 0 {
			if got := p.mustPage(0); got != ticket {
				t.Fatal("another ticket, from nowhere")
			}
			time.Sleep(time.Second)
		}
		_, err := p.page()
		if u := wantUnavailable(t, err); u.Err.Error() != "fetching access token: refused: outage" || u.Retry > longestDelay {
			t.Errorf("error %q, retry in %v", u, u.Retry)
		}
		p.wantLines(logNotRenewed)
		f.set(func() { f.fault = nil })
		time.Sleep(longestDelay)
		_, _ = p.page()
		time.Sleep(time.Second)
		p.mustPage(0)
		p.wantLines(logRecovers)
	})
}

func TestAppsWithTheSameNameShareAndOthersDoNot(t *testing.T) {
	bubble(t, func(t *testing.T) {
		f, other := newFake(), newFake()
		memory, shared := NewMemory(), newShelf()
		one := NewApp(Options{Name: "one", Source: f.from("one"), Storage: shared, Memory: memory, Log: zap.NewNop()})
		same := NewApp(Options{Name: "one", Source: f.from("same"), Storage: shared, Memory: memory, Log: zap.NewNop()})
		two := NewApp(Options{Name: "two", Source: other.from("two"), Storage: shared, Memory: memory, Log: zap.NewNop()})
		var wg sync.WaitGroup
		for _, app := range []*App{one, same, two} {
			wg.Go(func() {
				if _, err := app.Ticket(t.Context(), time.Second); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		if one.Held() == nil || one.Held() != same.Held() || one.Held() == two.Held() {
			t.Errorf("held are %p, %p and %p", one.Held(), same.Held(), two.Held())
		}
		f.wantCalls(t, 1, 1)
		other.wantCalls(t, 1, 1)
	})
}

func TestAReloadGoesOnWithoutACall(t *testing.T) {
	bubble(t, func(t *testing.T) {
		f := newFake()
		p := newProcess(t, "p", f, newShelf())
		ticket := p.mustPage(time.Second)
		if got := p.reloaded().mustPage(0); got != ticket {
			t.Errorf("after the reload got %v, want %v", got, ticket)
		}
		f.wantCalls(t, 1, 1)
	})
	bubble(t, func(t *testing.T) { // also amid a fetch
		f := newFake()
		p := newProcess(t, "p", f, newShelf())
		_, _ = p.Ticket(t.Context(), 10*time.Millisecond)
		time.Sleep(200 * time.Millisecond)
		p.reloaded().mustPage(0)
		f.wantCalls(t, 1, 1)
	})
	bubble(t, func(t *testing.T) { // and amid a failure, which is not logged again
		f := newFake()
		f.fault = each("", &refusal{class: "outage"})
		p := newProcess(t, "p", f, newShelf())
		_, _ = p.page()
		next := p.reloaded()
		start := time.Now()
		_, err := next.page()
		wantUnavailable(t, err)
		if time.Since(start) != 0 {
			t.Errorf("a page waited %v after the reload", time.Since(start))
		}
		time.Sleep(5 * time.Second)
		_, _ = next.page()
		p.wantLines(logFails)
	})
}
