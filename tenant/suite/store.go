package suite

import (
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"sync/atomic"
	"time"

	"github.com/caddy-dingtalk/caddy-dingtalk/tokens"
)

// Storage is what the fleet shares: the part of certmagic.Storage that is used here.
type Storage interface {
	tokens.Storage
	Delete(ctx context.Context, key string) error
}

// How long the storage may take, and rests after it has hung.
const (
	readTime  = tokens.ReadTime
	writeTime = 5 * time.Second
	restTime  = 10 * time.Second
)

var (
	errHangs  = errors.New("the storage hangs")
	errRecord = errors.New("the stored record is not usable")
)

// maxRecord is far above what is stored.
const maxRecord = 64 << 10

// store reads and writes the records of a suite. A storage that hangs is left alone for
// a while: pages would wait for it.
type store struct {
	storage atomic.Pointer[Storage]
	rests   atomic.Int64 // until then, unix ns
}

// load reads a record into it. There is none where the error is fs.ErrNotExist.
func (s *store) load(ctx context.Context, key string, into any) error {
	data, err := tryStorage(ctx, s, readTime, func(ctx context.Context, storage Storage) ([]byte, error) { return storage.Load(ctx, key) })
	if err != nil {
		return err
	}
	if len(data) > maxRecord || json.Unmarshal(data, into) != nil {
		return errRecord
	}
	return nil
}

// save writes a record.
func (s *store) save(ctx context.Context, key string, record any) error {
	data, err := json.Marshal(record)
	if err != nil {
		return errRecord
	}
	_, err = tryStorage(ctx, s, writeTime, func(ctx context.Context, storage Storage) (struct{}, error) {
		return struct{}{}, storage.Store(ctx, key, data)
	})
	return err
}

func (s *store) remove(ctx context.Context, key string) error {
	_, err := tryStorage(ctx, s, writeTime, func(ctx context.Context, storage Storage) (struct{}, error) {
		return struct{}{}, storage.Delete(ctx, key)
	})
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// resting reports whether the storage is left alone.
func (s *store) resting() bool { return time.Now().UnixNano() < s.rests.Load() }

// tryStorage does something that may take so long, and lets the storage rest where that
// was not enough.
func tryStorage[T any](ctx context.Context, s *store, limit time.Duration, do func(context.Context, Storage) (T, error)) (T, error) {
	var none T
	if s.resting() {
		return none, errHangs
	}
	storage := *s.storage.Load()
	trying, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	value, err := await(trying, func() (T, error) { return do(trying, storage) })
	if trying.Err() != nil && ctx.Err() == nil {
		s.rests.Store(time.Now().Add(restTime).UnixNano())
		return none, errHangs
	}
	return value, err
}

// await returns when the context ends, even where a storage does not heed it.
func await[T any](ctx context.Context, do func() (T, error)) (T, error) {
	type result struct {
		value T
		err   error
	}
	done := make(chan result, 1)
	go func() {
		value, err := do()
		done <- result{value, err}
	}()
	select {
	case r := <-done:
		return r.value, r.err
	case <-ctx.Done():
		var none T
		return none, ctx.Err()
	}
}

// lock takes a lock of the fleet, which is advice: where it cannot be had soon, it goes on
// without. release must be called.
func (s *store) lock(ctx context.Context, name string) (release func()) {
	if s.resting() {
		return func() {}
	}
	storage := *s.storage.Load()
	life, end := context.WithCancel(context.WithoutCancel(ctx)) // some storages keep a lock as long as this
	trying, cancel := context.WithTimeout(life, writeTime)
	defer cancel()
	locked := make(chan struct{})
	go func() {
		err := storage.Lock(life, name)
		close(locked)
		if err != nil {
			return
		}
		<-life.Done()
		unlocking, cancel := context.WithTimeout(context.WithoutCancel(life), writeTime)
		defer cancel()
		_ = storage.Unlock(unlocking, name)
	}()
	select {
	case <-locked: // or failed: some storages know no lock
	case <-trying.Done():
	}
	return end
}
