package login

import (
	"context"
	"encoding/hex"
	"errors"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// shared is a storage in memory.
type shared struct {
	mu      sync.Mutex
	all     map[string][]byte
	failing error
	calls   int
}

func (s *shared) do(f func() error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.calls++
	if s.failing != nil {
		return s.failing
	}
	return f()
}

func (s *shared) Load(_ context.Context, key string) (value []byte, err error) {
	err = s.do(func() error {
		var ok bool
		if value, ok = s.all[key]; !ok {
			return fs.ErrNotExist
		}
		return nil
	})
	return value, err
}

func (s *shared) Store(_ context.Context, key string, value []byte) error {
	return s.do(func() error {
		if s.all == nil {
			s.all = make(map[string][]byte)
		}
		s.all[key] = value
		return nil
	})
}

func (s *shared) Delete(_ context.Context, key string) error {
	return s.do(func() error { delete(s.all, key); return nil })
}

func (s *shared) List(_ context.Context, folder string, _ bool) (keys []string, err error) {
	err = s.do(func() error {
		for key := range maps.Keys(s.all) {
			if path.Dir(key) == folder {
				keys = append(keys, key)
			}
		}
		if keys == nil {
			return fs.ErrNotExist
		}
		return nil
	})
	slices.Sort(keys)
	return keys, err
}

func (s *shared) fail(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.failing = err
}

// taken is how many calls there were since it was asked last.
func (s *shared) taken() (n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	n, s.calls = s.calls, 0
	return n
}

func begun(subject string, at time.Time) *Session {
	return NewSession(User{UserID: subject}, at, life)
}

func TestARevocationHoldsInTheWholeFleetWithin15Seconds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		storage := new(shared)
		here, there := NewRevocations("app", storage), NewRevocations("app", storage)
		for _, r := range []*Revocations{here, there} {
			go r.Run(ctx, func(err error) { t.Errorf("reported %v", err) })
		}
		now := time.Now()
		one, mine, other := begun("u1", now), begun("u1", now), begun("u2", now)
		synctest.Wait()
		time.Sleep(time.Millisecond)

		if err := here.Revoke(ctx, Revocation{Session: hex.EncodeToString(one.ID[:]), Until: now.Add(life.Absolute).UnixMilli()}); err != nil {
			t.Fatal(err)
		}
		if !here.Revoked(one, "") || here.Revoked(mine, "") || there.Revoked(one, "") {
			t.Error("a session: here at once, and that one only")
		}
		if err := here.Revoke(ctx, Revocation{User: "u1", Before: time.Now().UnixMilli(), Until: now.Add(life.Absolute).UnixMilli()}); err != nil {
			t.Fatal(err)
		}
		time.Sleep(15 * time.Second)
		if !there.Revoked(one, "") || !there.Revoked(mine, "") || there.Revoked(other, "") || there.Revoked(begun("u1", time.Now()), "") {
			t.Error("a user: everywhere after 15 s, and nobody else")
		}
		if err := there.Revoke(ctx, Revocation{Before: time.Now().UnixMilli(), Until: now.Add(life.Absolute).UnixMilli()}); err != nil {
			t.Fatal(err)
		}
		time.Sleep(15 * time.Second)
		if !here.Revoked(other, "") || here.Revoked(begun("u2", time.Now()), "") {
			t.Error("all: everywhere, and not who signs in later")
		}
		for key := range storage.all {
			if !strings.HasPrefix(key, "dingtalk/app/login/revoked/") {
				t.Errorf("stored under %s", key)
			}
		}
		time.Sleep(life.Absolute + 5*time.Minute)
		synctest.Wait()
		if len(storage.all) != 0 || here.Count() != 0 || there.Count() != 0 {
			t.Errorf("left behind when all such sessions are over: %d stored, %d and %d known", len(storage.all), here.Count(), there.Count())
		}
		cancel()
	})
}

func TestWhileTheStorageFailsWhatWasReadHoldsAndLocalOnesCount(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		storage := new(shared)
		here, there := NewRevocations("app", storage), NewRevocations("app", storage)
		var told []string
		go here.Run(ctx, func(err error) {
			if err == nil {
				told = append(told, "well")
			} else {
				told = append(told, "failing")
			}
		})
		now := time.Now()
		until := now.Add(life.Absolute).UnixMilli()
		one, two := begun("u1", now), begun("u2", now)
		_ = there.Revoke(ctx, Revocation{User: "u1", Before: now.UnixMilli(), Until: until})
		time.Sleep(11 * time.Second)
		storage.fail(errors.New("no route"))
		if err := here.Revoke(ctx, Revocation{User: "u2", Before: now.UnixMilli(), Until: until}); err == nil {
			t.Error("nobody is told that the fleet does not know")
		}
		time.Sleep(time.Minute)
		if !here.Revoked(one, "") || !here.Revoked(two, "") || here.Failing() == nil {
			t.Error("forgotten while the storage fails")
		}
		storage.fail(nil)
		time.Sleep(11 * time.Second)
		if err := there.Read(ctx); err != nil || !there.Revoked(two, "") {
			t.Errorf("not stored when the storage came back: %v", err)
		}
		synctest.Wait()
		if !slices.Equal(told, []string{"failing", "well"}) {
			t.Errorf("told %v", told)
		}
	})
}

// full is a storage that can be read, and takes nothing.
type full struct{ *shared }

func (full) Store(context.Context, string, []byte) error {
	return errors.New("no space left on device")
}

func TestAStorageThatIsFullIsStillRead(t *testing.T) {
	storage := new(shared)
	here, there := NewRevocations("app", full{storage}), NewRevocations("app", storage)
	one, two := begun("u1", time.Now()), begun("u2", time.Now())
	if here.Revoke(t.Context(), Revocation{Session: hex.EncodeToString(one.ID[:]), Until: one.Until}) == nil {
		t.Fatal("it takes a revocation")
	}
	if err := there.Revoke(t.Context(), Revocation{Session: hex.EncodeToString(two.ID[:]), Until: two.Until}); err != nil {
		t.Fatal(err)
	}
	if err := here.Read(t.Context()); err == nil || !here.Revoked(one, "") || !here.Revoked(two, "") {
		t.Errorf("%v; known are the own one: %v, the other's: %v", err, here.Revoked(one, ""), here.Revoked(two, ""))
	}
}

func TestWhoWasRevokedCanSignInAgainAtOnce(t *testing.T) {
	r := NewRevocations("app", new(shared))
	now := time.Now()
	_ = r.Revoke(t.Context(), Revocation{User: "u1", Before: now.Add(30 * time.Second).UnixMilli(), Until: now.Add(time.Hour).UnixMilli()})
	s := begun("u1", r.After("", "u1", 0, now)) // revoked by a process whose clock is ahead
	if r.Revoked(s, "") || !s.lives(now, life) {
		t.Error("the new session is none")
	}
	if !r.After("", "u2", 0, now).Equal(now) {
		t.Error("somebody else begins later")
	}
}

func TestAnEntryThatIsNoRevocationHarmsNothing(t *testing.T) {
	storage := &shared{all: map[string][]byte{"dingtalk/app/login/revoked/x.json": []byte("{"), "dingtalk/app/login/revoked/y.json": []byte("[]")}}
	r := NewRevocations("app", storage)
	if err := r.Read(t.Context()); err != nil || r.Count() != 0 || len(storage.all) != 2 {
		t.Errorf("%v, %d known, %d stored", err, r.Count(), len(storage.all))
	}
}

func TestWhatTheStorageRefusedReachesTheFleetWithin15SecondsOfItsReturn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		storage := new(shared)
		here, there := NewRevocations("app", storage), NewRevocations("app", storage)
		go here.Run(ctx, func(error) {})
		time.Sleep(3 * time.Second) // they do not read together
		go there.Run(ctx, func(error) {})
		for _, down := range []time.Duration{time.Second, 4 * time.Second, 9 * time.Second, time.Minute} {
			for phase := range 10 {
				time.Sleep(time.Duration(phase) * time.Second)
				one := begun("u1", time.Now())
				storage.fail(errors.New("down"))
				if err := here.Revoke(ctx, Revocation{Session: hex.EncodeToString(one.ID[:]), Until: one.Until}); err == nil {
					t.Fatal("a storage that is down takes it")
				}
				storage.taken()
				time.Sleep(down)
				if n, most := storage.taken(), 4+3*int(down/revokedRetry); n > most {
					t.Errorf("%d calls in %v", n, down)
				}
				storage.fail(nil)
				time.Sleep(15 * time.Second)
				if !there.Revoked(one, "") {
					t.Errorf("down for %v from second %d on: the other process does not know", down, phase)
				}
			}
		}
		cancel()
		synctest.Wait()
	})
}
