package tokens

import (
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"time"

	"go.uber.org/zap"
)

const (
	// storageTime bounds one look into the storage.
	storageTime = 3 * time.Second
	// lockTime is how long another process is waited for. It must outlast a
	// holder that works, two calls of 5 s, and the 11 s after which Caddy's file
	// storage takes the lock of a dead one (measured); 20 s are the limit.
	lockTime = 14 * time.Second
	// pollTime is how often a waiting process looks whether the one that holds
	// the lock has stored its ticket. Locks themselves poll once a second.
	pollTime = 200 * time.Millisecond
)

// obtain gets a ticket that is better than the one in memory: from the storage
// if another process has put it there, else from DingTalk.
func (a *App) obtain(ctx context.Context) (*Token, error) {
	if t := a.adopt(ctx); t != nil {
		return t, nil
	}
	unlock, t := a.lock(ctx)
	if t != nil {
		return t, nil
	}
	defer unlock()
	// The lock is advice: somebody may have been faster, with or without it.
	if t := a.adopt(ctx); t != nil {
		return t, nil
	}
	t, err := a.fetch(ctx)
	if err != nil {
		return nil, err
	}
	if stored := a.load(ctx, a.ticketKey); stored.valid(time.Now()) && stored.newer(t) {
		return a.memory.keep(a.ticketKey, stored), nil
	}
	a.store(ctx, a.ticketKey, t)
	return a.memory.keep(a.ticketKey, t), nil
}

// adopt takes over the ticket in the storage if that helps: any unexpired one
// where none is held, else one that is newer than the held one and not itself
// due for renewal.
func (a *App) adopt(ctx context.Context) *Token {
	now := time.Now()
	t := a.load(ctx, a.ticketKey)
	if !t.valid(now) {
		return nil
	}
	if held := a.memory.get(a.ticketKey); held.valid(now) && (t.due(now) || !t.newer(held)) {
		return nil
	}
	return a.memory.keep(a.ticketKey, t)
}

// lock takes the fleet's lock for this app. While it waits it watches the
// storage and returns a ticket as soon as another process has put it there.
// Where the lock cannot be had, it goes on without.
func (a *App) lock(ctx context.Context) (unlock func(), found *Token) {
	name := "dingtalk-" + a.name
	// Some storages keep a lock alive only as long as this context.
	lockCtx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	release := func() {
		defer cancel()
		ctx, stop := context.WithTimeout(context.WithoutCancel(ctx), storageTime)
		defer stop()
		if err := a.storage.Unlock(ctx, name); err != nil {
			a.log.Debug("unlocking the storage", zap.Error(err))
		}
	}
	locked := make(chan error, 1)
	go func() { locked <- a.storage.Lock(lockCtx, name) }()
	abandon := func() {
		cancel()
		go func() {
			if <-locked == nil {
				release()
			}
		}()
	}
	poll := time.NewTicker(pollTime)
	defer poll.Stop()
	limit := time.NewTimer(lockTime)
	defer limit.Stop()
	for {
		select {
		case err := <-locked:
			a.storageState(err)
			if err == nil {
				return release, nil
			}
			cancel()
			return func() {}, nil
		case <-poll.C:
			if t := a.adopt(ctx); t != nil {
				abandon()
				return nil, t
			}
		case <-limit.C:
			abandon()
			return func() {}, nil
		}
	}
}

// load reads a token from the storage, nil if there is none that can be used.
func (a *App) load(ctx context.Context, key string) *Token {
	ctx, cancel := context.WithTimeout(ctx, storageTime)
	defer cancel()
	data, err := a.storage.Load(ctx, key)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err == nil {
		var t *Token
		if t, err = decode(data, time.Now()); err == nil {
			return t
		}
	}
	a.storageState(err)
	return nil
}

func (a *App) store(ctx context.Context, key string, t *Token) {
	data, err := json.Marshal(t)
	if err == nil {
		ctx, cancel := context.WithTimeout(ctx, storageTime)
		defer cancel()
		err = a.storage.Store(ctx, key, data)
	}
	a.storageState(err)
}

// storageState logs the storage's troubles, once a state.
func (a *App) storageState(err error) {
	if !a.state.storageFails(err != nil) {
		return
	}
	if err != nil {
		a.log.Warn("the storage fails; this process keeps its own tokens: check the storage that the dingtalk directive or Caddy's global options name", zap.Error(err))
		return
	}
	a.log.Info("the storage works again")
}
