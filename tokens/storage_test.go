package tokens

import (
	"context"
	"errors"
	"io/fs"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// shelf is a storage that a fleet shares. Its lock holds.
type shelf struct {
	latency time.Duration

	mu     sync.Mutex
	values map[string][]byte
	locks  map[string]chan struct{} // holds an element while the lock is taken
	older  int                      // how often an older ticket was put over a newer one
}

func newShelf() *shelf {
	return &shelf{latency: time.Millisecond, values: make(map[string][]byte), locks: make(map[string]chan struct{})}
}

func (s *shelf) Load(ctx context.Context, key string) ([]byte, error) {
	if err := sleep(ctx, s.latency); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	value, ok := s.values[key]
	if !ok {
		return nil, fs.ErrNotExist
	}
	return value, nil
}

func (s *shelf) Store(ctx context.Context, key string, value []byte) error {
	if err := sleep(ctx, s.latency); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	now := time.Now()
	before, _ := decode(s.values[key], now)
	if t, err := decode(value, now); !strings.HasSuffix(key, "/suspicion.json") && err != nil || strings.HasSuffix(key, "/jsapi_ticket.json") && before.valid(now) && before.newer(t) {
		s.older++
	}
	s.values[key] = value
	return nil
}

func (s *shelf) lock(name string) chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.locks[name] == nil {
		s.locks[name] = make(chan struct{}, 1)
	}
	return s.locks[name]
}

func (s *shelf) Lock(ctx context.Context, name string) error {
	select {
	case s.lock(name) <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (s *shelf) Unlock(_ context.Context, name string) error {
	select {
	case <-s.lock(name):
		return nil
	default:
		return errors.New("unlocking what is not locked")
	}
}

// put stores a value as another process would, nil to remove it.
func (s *shelf) put(key string, value []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if value == nil {
		delete(s.values, key)
		return
	}
	s.values[key] = value
}

// ticket is the ticket that the fleet shares, nil if none.
func (s *shelf) ticket() *Token {
	s.mu.Lock()
	defer s.mu.Unlock()
	t, _ := decode(s.values["dingtalk/"+appName+"/jsapi_ticket.json"], time.Now())
	return t
}

// wantUnlocked makes sure that nobody holds a lock any more.
func (s *shelf) wantUnlocked(t *testing.T) {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	for name, lock := range s.locks {
		if len(lock) != 0 {
			t.Errorf("the lock %s was left behind", name)
		}
	}
}

// faulty is how one process sees a storage. A func that is not nil takes the
// place of what the storage does.
type faulty struct {
	Storage
	load         func(ctx context.Context, key string) ([]byte, error)
	store        func(ctx context.Context, key string, value []byte) error
	lock, unlock func(ctx context.Context, name string) error
}

func (f *faulty) Load(ctx context.Context, key string) ([]byte, error) {
	if f.load != nil {
		return f.load(ctx, key)
	}
	return f.Storage.Load(ctx, key)
}

func (f *faulty) Store(ctx context.Context, key string, value []byte) error {
	if f.store != nil {
		return f.store(ctx, key, value)
	}
	return f.Storage.Store(ctx, key, value)
}

func (f *faulty) Lock(ctx context.Context, name string) error {
	if f.lock != nil {
		return f.lock(ctx, name)
	}
	return f.Storage.Lock(ctx, name)
}

func (f *faulty) Unlock(ctx context.Context, name string) error {
	if f.unlock != nil {
		return f.unlock(ctx, name)
	}
	return f.Storage.Unlock(ctx, name)
}

// changing is a storage that turns into another.
type changing struct{ now atomic.Pointer[Storage] }

func newChanging(s Storage) *changing {
	c := new(changing)
	c.turn(s)
	return c
}

func (c *changing) turn(s Storage) { c.now.Store(&s) }

func (c *changing) Load(ctx context.Context, key string) ([]byte, error) {
	return (*c.now.Load()).Load(ctx, key)
}

func (c *changing) Store(ctx context.Context, key string, value []byte) error {
	return (*c.now.Load()).Store(ctx, key, value)
}

func (c *changing) Lock(ctx context.Context, name string) error {
	return (*c.now.Load()).Lock(ctx, name)
}

func (c *changing) Unlock(ctx context.Context, name string) error {
	return (*c.now.Load()).Unlock(ctx, name)
}

var errStorage = errors.New("the storage is broken")

func withoutLock(s Storage) Storage {
	free := func(context.Context, string) error { return nil }
	return &faulty{Storage: s, lock: free, unlock: free}
}

func withFailingLock(s Storage) Storage {
	return &faulty{Storage: s, lock: broken{}.Lock}
}

func readOnly(s Storage) Storage { return &faulty{Storage: broken{}, load: s.Load} }

// broken is a storage that fails at once.
type broken struct{}

func (broken) Load(context.Context, string) ([]byte, error) { return nil, errStorage }
func (broken) Store(context.Context, string, []byte) error  { return errStorage }
func (broken) Lock(context.Context, string) error           { return errStorage }
func (broken) Unlock(context.Context, string) error         { return errStorage }

// hanging is a storage that does not answer before its func returns.
type hanging func(ctx context.Context)

func (h hanging) Load(ctx context.Context, _ string) ([]byte, error)  { h(ctx); return nil, errStorage }
func (h hanging) Store(ctx context.Context, _ string, _ []byte) error { h(ctx); return errStorage }
func (h hanging) Lock(ctx context.Context, _ string) error            { h(ctx); return errStorage }
func (h hanging) Unlock(ctx context.Context, _ string) error          { h(ctx); return errStorage }

func heedful(ctx context.Context) { <-ctx.Done() }
