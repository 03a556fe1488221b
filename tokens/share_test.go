package tokens

import (
	"bytes"
	"context"
	"encoding/json"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

func TestWhatIsStoredIsWhatOthersRead(t *testing.T) {
	bubble(t, func(t *testing.T) {
		f, shared := newFake(), newShelf()
		p := newProcess(t, "p", f, shared)
		ticket := p.mustPage(time.Second)
		time.Sleep(time.Second)
		synctest.Wait()
		for key, value := range map[string]string{p.key(KindTicket): ticket.Value, p.key(KindAccess): f.access} {
			data := shared.values[key]
			if !bytes.Contains(data, []byte(`"value":"`+value+`"`)) || !bytes.Contains(data, []byte(`"expires":"`)) {
				t.Errorf("%s is %s", key, data)
			}
		}
		if p.key(KindTicket) != "dingtalk/ding1-abc/jsapi_ticket.json" || p.key(KindAccess) != "dingtalk/ding1-abc/access_token.json" {
			t.Errorf("the keys are %s and %s", p.key(KindTicket), p.key(KindAccess))
		}
	})
}

func TestTheMemoryKeepsTheNewest(t *testing.T) {
	var memory counted
	now := time.Now()
	older, newer := newToken("older", now, time.Hour), newToken("newer", now.Add(1), time.Hour)
	for _, tokens := range [][]*Token{{older, newer}, {newer, older}, {newer, newer}} {
		for _, token := range tokens {
			memory.keep(token)
		}
		if memory.get() != newer {
			t.Error("an older token has replaced a newer one")
		}
	}
	memory.suspect(older, now) // which was renewed while somebody suspected it
	if memory.get() != newer {
		t.Error("a suspicion has brought an older token back")
	}
	memory.suspect(newer, now)
	if got := memory.get(); !got.due(now) || got.Value != newer.Value || newer.due(now) {
		t.Error("a suspicion has not made the renewal due, or has changed a token that is in use")
	}
}

func TestATicketThatIsItselfDueIsNoRenewal(t *testing.T) {
	bubble(t, func(t *testing.T) {
		f, shared := newFake(), newShelf()
		p := newProcess(t, "p", f, shared)
		p.mustPage(time.Second)
		time.Sleep(111 * time.Minute)
		data, err := json.Marshal(shortLived(time.Now().Add(-11*time.Second), 12*time.Second))
		if err != nil {
			t.Fatal(err)
		}
		shared.put(p.key(KindTicket), data)
		p.mustPage(0)
		time.Sleep(200 * time.Millisecond)
		if got := p.mustPage(0); got.Value != f.living() || got.due(time.Now()) {
			t.Errorf("got %v, want a fresh one", got)
		}
		time.Sleep(settled)
		if got := p.mustPage(0); got.Value != f.living() || shared.ticket().Value != f.living() {
			t.Errorf("ends up with %v, want a fresh one", got)
		}
	})
}

func TestATicketThatIsDueByTheTimeItIsSeenIsNotTheFleets(t *testing.T) {
	bubble(t, func(t *testing.T) {
		f, shared := newFake(), newShelf()
		p := newProcess(t, "p", f, withoutLock(shared))
		f.fault = func(ctx context.Context, c call) error {
			if c.kind == "token" {
				return nil
			}
			_ = sleep(ctx, 10*time.Millisecond)
			data, err := json.Marshal(shortLived(time.Now(), 5*time.Second))
			if err != nil {
				t.Error(err)
			}
			shared.put(p.key(KindTicket), data)
			return sleep(ctx, 4700*time.Millisecond)
		}
		_, _ = p.page()
		time.Sleep(10 * time.Second)
		if got := p.mustPage(0); got.Value != f.living() || shared.ticket().Value != f.living() {
			t.Errorf("ends up with %v, want what was fetched", got)
		}
		f.wantCalls(t, 1, 1)
	})
}

func TestTheStorageIsLookedAtNowAndThenWhileDingTalkIsLeftAlone(t *testing.T) {
	bubble(t, func(t *testing.T) {
		f, shared := newFake(), newShelf()
		f.fault = each("", &refusal{class: "outage"})
		var looks atomic.Int32
		p := newProcess(t, "p", f, &faulty{Storage: shared, load: func(ctx context.Context, key string) ([]byte, error) {
			looks.Add(1)
			return shared.Load(ctx, key)
		}})
		p.serve(time.Minute)
		looks.Store(0)
		for start := time.Now(); time.Since(start) < time.Minute; time.Sleep(10 * time.Millisecond) {
			_, _ = p.page()
		}
		if n := looks.Load(); n < 20 || n > 45 {
			t.Errorf("%d looks in a minute", n)
		}
	})
}

func TestAStorageThatDoesNotHeedItsContextHoldsNobodyUp(t *testing.T) {
	bubble(t, func(t *testing.T) {
		f := newFake()
		back := make(chan struct{})
		storage := hanging(func(context.Context) { <-back })
		p := newProcess(t, "p", f, storage)
		p.mustPage(2 * time.Second)
		f.wantCalls(t, 1, 1)
		first := p.Held()
		time.Sleep(111 * time.Minute)
		p.mustPage(0)
		time.Sleep(5 * time.Second)
		if p.mustPage(0) == first {
			t.Error("the ticket is not renewed")
		}
		f.wantCalls(t, 2, 2)
		p.wantLines(logStorage) // writing never ends
		close(back)
	})
}

func TestAHungStorageIsLeftAloneForAWhile(t *testing.T) {
	bubble(t, func(t *testing.T) {
		f, shared := newFake(), newShelf()
		var looks atomic.Int32
		storage := newChanging(&faulty{Storage: shared, load: func(ctx context.Context, _ string) ([]byte, error) {
			looks.Add(1)
			<-ctx.Done()
			return nil, ctx.Err()
		}})
		f.fault = each("", &refusal{class: "outage"})
		p := newProcess(t, "p", f, storage)
		p.serve(5 * time.Minute)
		if n := looks.Load(); n < 5 || n > 11 {
			t.Errorf("%d looks in five minutes", n)
		}
		data, err := json.Marshal(newToken("from-another-process", time.Now(), time.Hour))
		if err != nil {
			t.Fatal(err)
		}
		shared.put(p.key(KindTicket), data)
		storage.turn(shared)
		back := time.Now()
		for p.Held() == nil {
			p.serve(pageEvery)
		}
		if took := time.Since(back); took > restDelay+2*lookDelay {
			t.Errorf("the storage's ticket was found after %v", took)
		}
		p.wantLines(logStorage, logFails, logRecovers)

		f.set(func() { f.fault = nil })
		time.Sleep(time.Hour)
		p.mustPage(time.Second)
		time.Sleep(time.Second)
		p.wantLines(logStorageBack) // not before it has been written, too
	})
}

// shortLived is a token of a process that takes seconds for a life.
func shortLived(fetched time.Time, life time.Duration) *Token {
	return &Token{Value: "of-a-short-life", Fetched: fetched, Expires: fetched.Add(life)}
}
