package tokens

import (
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"math/rand/v2"
	"strings"
	"sync/atomic"
	"time"

	"github.com/caddyserver/certmagic"
	"go.uber.org/zap"
)

const (
	// ReadTime bounds one look into the storage, so that the first page, which
	// waits 2 s, gets its ticket from DingTalk even if the storage hangs.
	ReadTime = 1500 * time.Millisecond
	// writeTime bounds what no page waits for.
	writeTime = 10 * time.Second
	// lockTime is how long another process is waited for. It must outlast a
	// holder that works, two calls of 5 s, and the 11 s after which Caddy's file
	// storage takes the lock of a dead one (measured); 20 s are the limit. Who
	// waits longest by up to lockSpread finds what another has fetched.
	lockTime   = 13 * time.Second
	lockSpread = 4 * time.Second
	// settleTime is the time between the looks that make sure that the fleet has
	// one ticket, on an average: see agree.
	settleTime  = 3 * time.Second
	settleLooks = 4
	// agreedTime is how old a ticket is when the fleet has agreed upon one.
	agreedTime = 2 * settleLooks * settleTime * 3 / 2
	// pollTime is how often a waiting process looks whether the one that holds
	// the lock has stored its ticket. Locks themselves poll once a second.
	pollTime = 200 * time.Millisecond
)

// obtain gets a ticket from DingTalk, or from the storage if another process is
// faster. It waits for its turn in the fleet.
func (a *App) obtain(ctx context.Context) (*Token, error) {
	release, t := a.lock(ctx, a.Name(), &a.locking, a.adopt)
	if t == nil {
		// The lock is advice: somebody may have been faster, with or without it.
		t = a.adopt(ctx)
	}
	if t != nil {
		release()
		a.group.work.run(a.agree)
		return t, nil
	}
	held := a.ticket.get()
	t, suspected := a.acquit(ctx, held)
	if t != nil {
		release()
		return t, nil
	}
	t, err := a.fetch(ctx)
	if err != nil {
		release()
		return nil, err
	}
	t.follow(held)
	for _, before := range []*Token{held, a.load(ctx, a.key(KindTicket))} {
		t.prolongs(before, t.Fetched)
	}
	a.ticket.set(t)
	if suspected != nil {
		a.asked(suspected, t)
	}
	a.group.work.run(func() { // no page waits for the storage to write
		a.publish(t)
		release()
		a.forgetAccess()
		a.agree()
	})
	return t, nil
}

// agree makes sure that the fleet ends up with one ticket, the newest: without a
// lock that holds, several processes fetch at the same time, and what one reads
// another may be about to replace. The looks are at random times, so that those of
// two processes cross at most by chance; who has written looks again, as what it has
// written over may have been newer.
func (a *App) agree() {
	wrote := false
	for look := 0; look < settleLooks || wrote && look < 2*settleLooks; look++ {
		select {
		case <-time.After(settleTime/2 + rand.N(settleTime)):
		case <-a.means().life.Done():
			return // the next configuration goes on with it
		}
		if t := a.ticket.get(); t.valid(time.Now()) {
			wrote = a.publish(t)
		}
	}
}

// publish makes a ticket the one of the fleet, unless there is a newer one by now, or it
// has been forgotten. It tells whether it has written it.
func (a *App) publish(t *Token) (wrote bool) {
	ctx, now := context.Background(), time.Now()
	if a.forgotten() {
		return false
	}
	a.group.health.tried()
	stored := a.load(ctx, a.key(KindTicket))
	switch {
	case stored.valid(now) && !stored.due(now) && stored.newer(t):
		a.ticket.keep(stored)
	case stored != nil && stored.Value == t.Value && stored.Fetched.Equal(t.Fetched):
	default:
		if err := a.store(ctx, a.key(KindTicket), t); err != nil {
			a.unstored.Store(&err)
			return false
		}
		wrote = true
		if a.forgotten() { // while it was written
			a.remove(ctx, a.key(KindTicket))
		}
	}
	a.unstored.Store(nil)
	if a.group.health.served() {
		a.means().log.Info("the storage works again")
	}
	return wrote
}

// adopt takes over the ticket in the storage if that helps: any unexpired one
// where none is held, else one that is newer than the held one and not itself
// due for renewal.
func (a *App) adopt(ctx context.Context) *Token {
	now := time.Now()
	held := a.ticket.get()
	if held.valid(now) && !held.due(now) {
		return held // it has been renewed while the lock was waited for
	}
	t := a.load(ctx, a.key(KindTicket))
	if t != nil {
		t.prolongs(held, now)
	}
	if !t.valid(now) {
		return nil
	}
	if held.valid(now) && (t.due(now) || !t.newer(held)) {
		return nil
	}
	a.ticket.set(t)
	return t
}

// lock takes the fleet's lock of that name. While it waits it watches the storage
// and returns a token as soon as another process has put it there. Where the lock
// cannot be had, it goes on without. release must be called.
func (a *App) lock(ctx context.Context, of string, locking *atomic.Bool, adopt func(context.Context) *Token) (release func(), found *Token) {
	if a.group.health.rests(time.Now()) || !locking.CompareAndSwap(false, true) {
		return func() {}, nil // the storage has not given up the last try: one goroutine that hangs is enough
	}
	name := "dingtalk-" + strings.ReplaceAll(of, "/", "-") // some storages make a file of it
	// Some storages keep a lock alive only as long as this context.
	lockCtx, release := context.WithCancel(context.WithoutCancel(ctx))
	locked := make(chan error, 1)
	m := a.means()
	a.group.work.run(func() {
		err := m.storage.Lock(lockCtx, name)
		locking.Store(false)
		locked <- err
		if err != nil {
			return
		}
		<-lockCtx.Done()
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), writeTime)
		defer cancel()
		if err := m.storage.Unlock(ctx, name); err != nil {
			a.means().log.Debug("unlocking the storage", zap.Error(err))
		}
	})
	poll := time.NewTicker(pollTime)
	defer poll.Stop()
	limit := time.NewTimer(lockTime + rand.N(lockSpread))
	defer limit.Stop()
	for !a.group.health.rests(time.Now()) {
		select {
		case err := <-locked:
			if err != nil { // some storages know no lock, or do not wait for it
				a.means().log.Debug("locking the storage", zap.Error(err))
			}
			return release, nil
		case <-poll.C:
			if t := adopt(ctx); t != nil {
				return release, t
			}
		case <-limit.C:
			return release, nil
		}
	}
	return release, nil
}

// kindSuspicion is what stands in the storage beside the two tokens.
const kindSuspicion = "suspicion"

// key is the storage's key of a kind of record.
func (a *App) key(kind string) string { return "dingtalk/" + a.Name() + "/" + kind + ".json" }

// load reads a token from the storage, nil if there is none that can be used.
func (a *App) load(ctx context.Context, key string) *Token { return look(ctx, a, key, decode) }

// look reads a record from the storage, nil if there is none that can be used. It
// gives up after ReadTime even if the storage does not heed its context, as a
// file system that hangs.
func look[T any](ctx context.Context, a *App, key string, decode func([]byte, time.Time) (*T, error)) *T {
	if a.group.health.rests(time.Now()) {
		a.group.health.failed()
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, ReadTime)
	defer cancel()
	type reply struct {
		record *T
		err    error
	}
	replies := make(chan reply, 1)
	a.group.work.run(func() {
		data, err := a.read(ctx, key)
		if err != nil {
			replies <- reply{nil, err}
			return
		}
		record, err := decode(data, time.Now())
		replies <- reply{record, err}
	})
	var r reply
	select {
	case r = <-replies:
	case <-ctx.Done():
		r.err = ctx.Err()
	}
	if r.err == nil || errors.Is(r.err, fs.ErrNotExist) {
		return r.record
	}
	if ctx.Err() != nil && a.means().life.Err() == nil {
		a.group.health.hangs(time.Now())
	}
	a.logStorage("reading", r.err)
	return nil
}

// sizer is a storage that tells how large a value is, as those of Caddy do.
type sizer interface {
	Stat(ctx context.Context, key string) (certmagic.KeyInfo, error)
}

// read loads a value, unless it is too large to be a token.
func (a *App) read(ctx context.Context, key string) ([]byte, error) {
	if s, ok := a.means().storage.(sizer); ok {
		// Where there is no value, which is what a cold start finds, this is all.
		info, err := s.Stat(ctx, key)
		if errors.Is(err, fs.ErrNotExist) {
			return nil, err
		}
		if err == nil && info.Size > maxRecord {
			return nil, errStored
		}
	}
	return a.means().storage.Load(ctx, key)
}

// store writes a record to the storage, which is nice to have, but not needed.
func (a *App) store(ctx context.Context, key string, record any) error {
	data, err := json.Marshal(record)
	if err == nil {
		ctx, cancel := context.WithTimeout(ctx, writeTime)
		defer cancel()
		err = a.means().storage.Store(ctx, key, data)
	}
	if err != nil {
		a.logStorage("writing", err)
	}
	return err
}

// remove takes a record out of the storage again, where the storage can do that.
func (a *App) remove(ctx context.Context, key string) {
	if s, ok := a.means().storage.(interface {
		Delete(ctx context.Context, key string) error
	}); ok {
		ctx, cancel := context.WithTimeout(ctx, writeTime)
		defer cancel()
		if err := s.Delete(ctx, key); err != nil && !errors.Is(err, fs.ErrNotExist) {
			a.logStorage("deleting", err)
		}
	}
}

// logStorage logs that the storage fails, once a state. One that is closed, because
// the configuration has been replaced, says nothing of the next.
func (a *App) logStorage(doing string, err error) {
	if a.means().life.Err() != nil {
		return
	}
	if a.group.health.failed() {
		a.means().log.Warn("the storage fails; this process keeps its own tokens: check the storage that the dingtalk directive or Caddy's global options name",
			zap.String("doing", doing), zap.Error(err))
	}
}
