package examine

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/certmagic"

	"github.com/caddy-dingtalk/caddy-dingtalk/config"
	"github.com/caddy-dingtalk/caddy-dingtalk/tokens"
)

// Modules returns a context to load modules in, of a configuration that is empty:
// nothing is started and nothing listens. From then on Caddy logs warnings only.
func Modules() (caddy.Context, error) {
	quiet := caddy.CustomLog{BaseLog: caddy.BaseLog{Level: "WARN"}}
	ctx, err := caddy.ProvisionContext(&caddy.Config{
		Logging: &caddy.Logging{Logs: map[string]*caddy.CustomLog{caddy.DefaultLoggerName: &quiet}},
	})
	if err != nil {
		return ctx, fmt.Errorf("preparing to load modules: %w", err)
	}
	return ctx, nil
}

// store is the storage that the tokens of an app are in.
type store struct {
	certmagic.Storage // nil if it cannot be opened
	name              string
	err               error
	byDefault         bool // nobody has chosen it
	sound             bool // written and read like one that servers can share
	cancel            context.CancelFunc
}

// open opens the storage of a handler: its own, else Caddy's.
func (e *examiner) open(c *config.Config) *store {
	ctx, cancel := caddy.NewContext(e.Modules)
	s := &store{cancel: cancel}
	raw, whose := c.StorageRaw, "the directive's storage"
	if raw == nil {
		raw, whose = e.storage, "Caddy's storage"
	}
	if raw == nil {
		s.Storage, s.byDefault = caddy.DefaultStorage, true
	} else {
		s.Storage, s.err = config.OpenStorage(ctx, &config.Config{StorageRaw: raw})
	}
	s.name = whose + " (" + s.where(raw) + ")"
	return s
}

func (s *store) close() { s.cancel() }

// where says which storage it is. The texts of other modules are not shown: they
// may hold passwords.
func (s *store) where(raw json.RawMessage) string {
	if files, ok := s.Storage.(*certmagic.FileStorage); ok {
		path, err := filepath.Abs(files.Path)
		if err != nil {
			path = files.Path
		}
		return "the folder " + path
	}
	var module struct {
		Name string `json:"module"`
	}
	_ = json.Unmarshal(raw, &module)
	return "module " + module.Name
}

const (
	storageAdvice = "Check the storage that the dingtalk directive or Caddy's global options name: that this user may read and write it, " +
		"that it is not full, and that it is reached. Pages are signed all the same, but each server fetches its own ticket."
	// storageTime bounds what a storage may take for one key.
	storageTime = 10 * time.Second
	// lockTime is how long the second one waits for a lock that the first one
	// holds: long enough for a storage that only looks once a second.
	lockTime = 1500 * time.Millisecond
)

// check tries the storage with one key and its lock with two who want it.
func (s *store) check(ctx context.Context) []Check {
	storage := s.storageCheck(ctx)
	if !s.sound {
		return []Check{storage, unchecked("lock", "it is kept in the storage")}
	}
	return []Check{storage, s.lockCheck(ctx)}
}

func (s *store) storageCheck(ctx context.Context) Check {
	const name = "storage"
	if s.err != nil {
		return bad(name, s.name+" cannot be opened: "+s.err.Error(), "Correct the storage option: Caddy does not start with it.")
	}
	if owner := s.owner(); owner != "" {
		return warn(name, s.name+" belongs to user "+owner+", so it was only read: files of root would stand in that user's way",
			"Run the doctor as the user that Caddy runs as: sudo -H -u "+owner+" caddy dingtalk doctor …")
	}
	if s.unused() {
		return warn(name, s.name+" does not exist: Caddy has not run as this user yet",
			"Run the doctor as the user that Caddy runs as, such as sudo -H -u caddy caddy dingtalk doctor … "+
				"If Caddy has never run, start it once, then run the doctor again. Until then no ticket is fetched: "+
				"it could end that of servers whose storage is elsewhere.")
	}
	start := time.Now()
	if err := within(ctx, storageTime, s.try); err != nil {
		return bad(name, s.name+" does not work: "+err.Error(), storageAdvice)
	}
	if took := time.Since(start); took > tokens.ReadTime {
		return warn(name, fmt.Sprintf("%s is slow: a value was stored, loaded and deleted in %.1f s", s.name, took.Seconds()),
			"Servers wait 1.5 s at most and then fetch tickets of their own: choose a storage that is nearer.")
	}
	s.sound = true
	return good(name, s.name+" takes a value, gives it back and deletes it")
}

// try stores, loads and deletes a key of our own.
func (s *store) try(ctx context.Context) (err error) {
	key, value := "dingtalk/doctor-"+rand.Text(), "a test that may be deleted"
	if err := s.Store(ctx, key, []byte(value)); err != nil {
		return fmt.Errorf("storing: %w", err)
	}
	loaded, err := s.Load(ctx, key)
	if err != nil {
		err = fmt.Errorf("loading: %w", err)
	} else if string(loaded) != value {
		err = errors.New("loading: it gives back something else than was stored")
	}
	if deleted := s.Delete(context.WithoutCancel(ctx), key); deleted != nil && err == nil {
		err = fmt.Errorf("deleting: %w", deleted)
	}
	return err
}

// lockCheck lets two want the same lock. Locks are advice for us, so whatever is
// wrong is a warning.
func (s *store) lockCheck(ctx context.Context) Check {
	const (
		name   = "lock"
		advice = "Pages are signed all the same. At a cold start each server may call DingTalk once, instead of one for all of them."
	)
	lock := "dingtalk-doctor-" + rand.Text()
	first, cancel := context.WithTimeout(context.WithoutCancel(ctx), storageTime)
	defer cancel()
	if err := within(ctx, storageTime, func(context.Context) error { return s.Lock(first, lock) }); err != nil {
		return warn(name, "the storage gives no lock: "+err.Error(), advice)
	}
	err := within(ctx, lockTime, func(ctx context.Context) error {
		if err := s.Lock(ctx, lock); err != nil {
			return err
		}
		return s.Unlock(context.WithoutCancel(ctx), lock)
	})
	// Two who hold the lock unlock it twice, which some storages do not take.
	if unlocked := s.Unlock(first, lock); unlocked != nil && err != nil {
		return warn(name, "a lock cannot be released: "+unlocked.Error(), storageAdvice)
	}
	if err == nil {
		return warn(name, "the storage gives the same lock to two at a time", advice)
	}
	return good(name, "only one at a time gets it")
}

// within runs what may not heed its context, as a file system that hangs.
func within(ctx context.Context, limit time.Duration, do func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, limit)
	ended := make(chan error, 1)
	go func() {
		defer cancel()
		ended <- do(ctx)
	}()
	select {
	case err := <-ended:
		return err
	case <-time.After(limit + time.Second):
		return errors.New("no answer in time")
	}
}

// unused reports whether this is the folder that Caddy makes for each user who
// runs it, and this one has not.
func (s *store) unused() bool {
	files, ok := s.Storage.(*certmagic.FileStorage)
	if !ok || !s.byDefault {
		return false
	}
	_, err := os.Stat(files.Path)
	return errors.Is(err, fs.ErrNotExist)
}

// owner is whose files the storage is made of, where root must not add its own:
// the owner could not read them. It is "" where there is no such owner.
func (s *store) owner() string {
	files, ok := s.Storage.(*certmagic.FileStorage)
	if !ok {
		return ""
	}
	return otherOwner(files.Path, os.Geteuid())
}
