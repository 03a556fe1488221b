package alert

import (
	"context"
	"encoding/json"
	"sync/atomic"
	"time"

	"github.com/caddyserver/certmagic"
)

// storageTime bounds one look into the storage: a fault there must not keep a
// message from being sent. Whoever does not get the lock goes on without it.
const (
	storageTime = 2 * time.Second
	lockTime    = 1200 * time.Millisecond // of these; file storage polls its lock once a second
)

// fleet shares the limit of a webhook with the other processes. It is advice: where
// the storage fails, or its lock does not hold, each process keeps the limit alone.
type fleet struct {
	key  string
	busy atomic.Bool // a look has not returned yet
}

// shared is what the storage holds, times in milliseconds.
type shared struct {
	Tries  []int64 `json:"tries"`
	Silent int64   `json:"silent_until,omitempty"`
}

// reserve enters a try of now, or returns how long to wait for the next look.
func (f *fleet) reserve(storage certmagic.Storage, now time.Time) (wait time.Duration) {
	f.update(storage, func(s *shared) (changed bool) {
		s.forget(now)
		p := pace{silent: time.UnixMilli(s.Silent)}
		for _, ms := range s.Tries {
			p.tries = append(p.tries, time.UnixMilli(ms))
		}
		if wait = p.wait(now); wait > 0 {
			return false
		}
		s.Tries = append(s.Tries, now.UnixMilli())
		return true
	})
	return wait
}

// hush tells the fleet until when DingTalk takes nothing.
func (f *fleet) hush(storage certmagic.Storage, now, until time.Time) {
	f.update(storage, func(s *shared) bool {
		s.forget(now)
		s.Silent = until.UnixMilli()
		return true
	})
}

// forget drops what no longer counts, and what a clock that is wrong has written
// into the future.
func (s *shared) forget(now time.Time) {
	kept := s.Tries[:0]
	for _, ms := range s.Tries {
		if age := now.Sub(time.UnixMilli(ms)); age < window && age > -window {
			kept = append(kept, ms)
		}
	}
	s.Tries = kept
	if time.UnixMilli(s.Silent).Sub(now) > silence {
		s.Silent = 0
	}
}

// update changes what the storage holds, under its lock. Where that takes too long
// nothing changes.
func (f *fleet) update(storage certmagic.Storage, change func(*shared) (changed bool)) {
	if storage == nil || !f.busy.CompareAndSwap(false, true) {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), storageTime)
	defer cancel()
	loaded, changed, done := make(chan shared, 1), make(chan *shared, 1), make(chan struct{})
	go func() {
		defer f.busy.Store(false)
		defer close(done)
		defer f.lock(ctx, storage)()
		var s shared
		if content, err := storage.Load(ctx, f.key); err == nil && json.Unmarshal(content, &s) != nil {
			s = shared{}
		}
		loaded <- s
		if s := <-changed; s != nil {
			content, _ := json.Marshal(s)
			_ = storage.Store(ctx, f.key, content) // advice
		}
	}()
	select {
	case s := <-loaded:
		if change(&s) {
			changed <- &s
		} else {
			changed <- nil
		}
		select {
		case <-done:
		case <-ctx.Done():
		}
	case <-ctx.Done():
		changed <- nil
	}
}

// lock takes the lock if it is to be had; what it returns gives it back.
func (f *fleet) lock(ctx context.Context, storage certmagic.Storage) (unlock func()) {
	locking, cancel := context.WithTimeout(ctx, lockTime)
	defer cancel()
	if storage.Lock(locking, f.key) != nil {
		return func() {}
	}
	return func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), storageTime)
		defer cancel()
		_ = storage.Unlock(ctx, f.key) // it ends by itself
	}
}
