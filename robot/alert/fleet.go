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
	storageTime = 5 * time.Second
	lockTime    = 4 * time.Second        // of these; file storage polls its lock once a second, and each process may be early
	lastTime    = 400 * time.Millisecond // for the look before the last message, in a shutdown
)

// fleet shares the limit of a webhook with the other processes. It is advice: where
// the storage fails, or its lock does not hold, each process keeps the limit alone.
type fleet struct {
	key    string
	busy   atomic.Bool  // a look has not returned yet
	missed atomic.Int32 // how often in a row the lock was not had
}

// mayMiss is how often in a row a look without the lock changes nothing: others hold
// it and are entering their tries, which would be lost. After that the lock seems dead.
const mayMiss = 2

// shared is what the storage holds, times in milliseconds.
type shared struct {
	Tries  []int64 `json:"tries"`
	Silent int64   `json:"silent_until,omitempty"`
}

// reserve enters a try of now, or returns how long to wait for the next look.
func (f *fleet) reserve(ctx context.Context, storage certmagic.Storage, now time.Time) (wait time.Duration) {
	f.update(ctx, storage, func(s *shared, held bool) (changed bool) {
		if held {
			f.missed.Store(0)
		} else if f.missed.Add(1) <= mayMiss {
			wait = time.Second
			return false
		}
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
	f.update(context.Background(), storage, func(s *shared, _ bool) bool {
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
func (f *fleet) update(ctx context.Context, storage certmagic.Storage, change func(s *shared, held bool) (changed bool)) {
	if storage == nil || !f.busy.CompareAndSwap(false, true) {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, storageTime)
	defer cancel()
	loaded, changed, done := make(chan shared, 1), make(chan *shared, 1), make(chan struct{})
	held := false
	go func() {
		defer f.busy.Store(false)
		defer close(done)
		unlock := f.lock(ctx, storage)
		if held = unlock != nil; held {
			defer unlock()
		}
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
		if change(&s, held) {
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

// lock takes the lock; what it returns gives it back. It is nil where others have held
// the lock all the time; a lock that fails is done without. Some of the time stays for
// the look itself.
func (f *fleet) lock(ctx context.Context, storage certmagic.Storage) (unlock func()) {
	end, _ := ctx.Deadline() // update has set one
	locking, cancel := context.WithTimeout(ctx, min(lockTime, time.Until(end)*3/4))
	defer cancel()
	if err := storage.Lock(locking, f.key); err != nil {
		if locking.Err() != nil {
			return nil
		}
		return func() {}
	}
	return func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), storageTime)
		defer cancel()
		_ = storage.Unlock(ctx, f.key) // it ends by itself
	}
}
