package login

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strconv"
	"sync"
	"sync/atomic"
	"time"
)

// Storage is what a fleet shares: the part of certmagic.Storage that is used here.
type Storage interface {
	Load(ctx context.Context, key string) ([]byte, error)
	Store(ctx context.Context, key string, value []byte) error
	Delete(ctx context.Context, key string) error
	List(ctx context.Context, path string, recursive bool) ([]string, error)
}

// How often the storage is read, and asked again to take what it has refused, so that the
// rest of the fleet reads it within 15 s of the end of a fault, too; and how long it may
// take for one step.
const (
	revokedInterval = 10 * time.Second
	revokedRetry    = 2 * time.Second
	revokedTimeout  = 5 * time.Second
)

// Revocation ends sessions before their time: one, those of a user, or all. Later
// sign-ins are not touched.
type Revocation struct {
	Session string `json:"session,omitempty"` // hex of the session's id
	User    string `json:"user,omitempty"`    // a User's Subject, behind the scope where the app has one
	Before  int64  `json:"before"`            // sessions issued then or earlier, unix milliseconds
	Until   int64  `json:"until"`             // when all such sessions are over, unix milliseconds
}

// name is that of the entry in the storage: each revocation has one of its own, so that
// processes never overwrite what another one has written.
func (r Revocation) name() string {
	of := "all"
	switch {
	case r.Session != "":
		of = "session-" + r.Session
	case r.User != "":
		sum := sha256.Sum256([]byte(r.User))
		of = "user-" + hex.EncodeToString(sum[:8])
	}
	return of + "-" + strconv.FormatInt(r.Before, 10) + ".json"
}

// Revocations are those in force for one app, in the whole fleet as far as is known. A
// request looks them up in memory; the storage is read in the background.
type Revocations struct {
	folder string // in the storage

	known atomic.Pointer[revoked]

	mu      sync.Mutex
	storage Storage               // nil until there is one
	entries map[string]Revocation // by name
	unsaved map[string]Revocation // what the storage did not take
	failing error

	refused chan struct{} // tells Run of what the storage did not take
}

// revoked is what a request looks at; it never changes.
type revoked struct {
	sessions map[ID]struct{}
	users    map[string]int64 // before
	all      int64            // before
}

// NewRevocations returns those of the app with that name in the storage. It reads
// nothing yet.
func NewRevocations(app string, storage Storage) *Revocations {
	r := &Revocations{
		folder: path.Join("dingtalk", app, "login", "revoked"), storage: storage,
		entries: make(map[string]Revocation), unsaved: make(map[string]Revocation), refused: make(chan struct{}, 1),
	}
	r.known.Store(new(revoked))
	return r
}

// Revoked tells whether a session has been ended. The scope stands before the user in the
// revocations of an app whose users are called alike in many corps; alone it means them
// all.
func (r *Revocations) Revoked(s *Session, scope string) bool {
	k := r.known.Load()
	if s.Issued <= k.all {
		return true
	}
	if len(k.sessions) > 0 {
		if _, ended := k.sessions[s.ID]; ended {
			return true
		}
	}
	return len(k.users) > 0 && s.Issued <= k.before(scope, s.User.Subject())
}

// before is until when the sessions of a user have been ended.
func (k *revoked) before(scope, subject string) int64 {
	if scope == "" {
		return k.users[subject]
	}
	return max(k.users[scope+subject], k.users[scope])
}

// After returns when a new session of the user may be said to begin: now, or just behind
// what was revoked by a process whose clock is ahead, or within this millisecond; since is
// when sessions were last ended by something else, in unix milliseconds.
func (r *Revocations) After(scope, subject string, since int64, now time.Time) time.Time {
	k := r.known.Load()
	before := max(k.all, k.before(scope, subject), since)
	if ms := now.UnixMilli(); ms <= before && before-ms <= 2*skew.Milliseconds() {
		return time.UnixMilli(before + 1)
	}
	return now
}

// Revoke puts a revocation in force: here at once, and in the storage for the rest of the
// fleet. Where the storage does not take it, it is in force here, and stored later.
func (r *Revocations) Revoke(ctx context.Context, rev Revocation) error {
	name := rev.name()
	r.mu.Lock()
	r.entries[name] = rev
	r.unsaved[name] = rev
	r.publish(time.Now())
	r.mu.Unlock()
	err := r.save(ctx, name, rev)
	if err != nil {
		select {
		case r.refused <- struct{}{}:
		default:
		}
	}
	return err
}

func (r *Revocations) save(ctx context.Context, name string, rev Revocation) error {
	text, err := json.Marshal(rev)
	if err != nil {
		return fmt.Errorf("writing a revocation: %w", err)
	}
	storage := r.currentStorage()
	if storage == nil {
		return nil // later, with those that are not saved
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), revokedTimeout)
	defer cancel()
	if err := storage.Store(ctx, path.Join(r.folder, name), text); err != nil {
		return fmt.Errorf("storing a revocation: %w", err)
	}
	r.mu.Lock()
	delete(r.unsaved, name)
	r.mu.Unlock()
	return nil
}

// publish makes what requests look at. The caller holds the lock.
func (r *Revocations) publish(now time.Time) {
	k := &revoked{sessions: make(map[ID]struct{}), users: make(map[string]int64)}
	for name, rev := range r.entries {
		var id ID
		switch {
		case rev.Until+skew.Milliseconds() < now.UnixMilli():
			delete(r.entries, name)
			delete(r.unsaved, name)
		case rev.Session != "":
			if n, err := hex.Decode(id[:], []byte(rev.Session)); err == nil && n == len(id) {
				k.sessions[id] = struct{}{}
			}
		case rev.User != "":
			k.users[rev.User] = max(k.users[rev.User], rev.Before)
		default:
			k.all = max(k.all, rev.Before)
		}
	}
	r.known.Store(k)
}

// Run reads the storage every ten seconds until the context ends, and more often while it
// has not taken something. report is told of each change between failing and not.
func (r *Revocations) Run(ctx context.Context, report func(error)) {
	for {
		next := time.After(revokedInterval)
		err := r.Read(ctx)
		if ctx.Err() != nil {
			return
		}
		r.mu.Lock()
		changed := (err == nil) != (r.failing == nil)
		r.failing = err
		r.mu.Unlock()
		if changed {
			report(err)
		}
		if !r.rest(ctx, next) {
			return
		}
	}
}

// rest waits for the next reading, or until the storage is to be asked again to take
// something. It returns false when the context ends.
func (r *Revocations) rest(ctx context.Context, next <-chan time.Time) bool {
	retry := time.After(revokedRetry)
	for {
		select {
		case <-ctx.Done():
			return false
		case <-next:
			return true
		case <-r.refused:
			retry = time.After(revokedRetry)
		case <-retry:
			if len(r.waiting()) > 0 {
				return true
			}
		}
	}
}

// Read stores what the storage had not taken, reads what is new in it, though it may be too
// full to take anything, and deletes what has served its time. Where it fails, what was
// read before holds.
func (r *Revocations) Read(ctx context.Context) error {
	storage := r.currentStorage()
	var refused error
	for name, rev := range r.waiting() {
		if refused = r.save(ctx, name, rev); refused != nil {
			break
		}
	}
	listing, cancel := context.WithTimeout(ctx, revokedTimeout)
	keys, err := storage.List(listing, r.folder, false)
	cancel()
	if err != nil && !errors.Is(err, fs.ErrNotExist) { // nothing was ever revoked
		return fmt.Errorf("listing revocations: %w", err)
	}
	found := make(map[string]Revocation)
	for _, key := range keys {
		name := path.Base(key)
		if r.has(name) {
			continue
		}
		rev, ok, err := load(ctx, storage, key)
		if err != nil {
			return err
		}
		if !ok {
			continue
		}
		if rev.Until+skew.Milliseconds() < time.Now().UnixMilli() {
			forget(ctx, storage, key)
			continue
		}
		found[name] = rev
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	for name, rev := range found {
		r.entries[name] = rev
	}
	r.publish(time.Now())
	return refused
}

// setStorage replaces the storage: a reload may bring another.
func (r *Revocations) setStorage(storage Storage) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.storage = storage
}

func (r *Revocations) currentStorage() Storage {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.storage
}

func (r *Revocations) waiting() map[string]Revocation {
	r.mu.Lock()
	defer r.mu.Unlock()
	out := make(map[string]Revocation, len(r.unsaved))
	for name, rev := range r.unsaved {
		out[name] = rev
	}
	return out
}

func (r *Revocations) has(name string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	_, known := r.entries[name]
	return known
}

// load reads one entry. One that is no revocation is as good as none: it must not keep
// the others from being read.
func load(ctx context.Context, storage Storage, key string) (rev Revocation, ok bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, revokedTimeout)
	defer cancel()
	text, err := storage.Load(ctx, key)
	switch {
	case errors.Is(err, fs.ErrNotExist): // another process has just deleted it
		return Revocation{}, false, nil
	case err != nil:
		return Revocation{}, false, fmt.Errorf("loading a revocation: %w", err)
	}
	return rev, json.Unmarshal(text, &rev) == nil, nil
}

func forget(ctx context.Context, storage Storage, key string) {
	ctx, cancel := context.WithTimeout(ctx, revokedTimeout)
	defer cancel()
	_ = storage.Delete(ctx, key) // the next process or reading tries again
}

// Failing is why the storage could not be read the last time, nil if it could.
func (r *Revocations) Failing() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.failing
}

// Count is how many revocations are in force.
func (r *Revocations) Count() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.entries)
}
