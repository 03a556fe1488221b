package tokens

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/caddyserver/certmagic"
)

// fileStorage is Caddy's own storage, in real time. Nothing is written to it once
// the test is over.
func fileStorage(t *testing.T, dir string) Storage {
	files := &certmagic.FileStorage{Path: dir}
	var mu sync.RWMutex
	over := false
	t.Cleanup(func() {
		mu.Lock()
		defer mu.Unlock()
		over = true
	})
	write := func(do func() error) error {
		mu.RLock()
		defer mu.RUnlock()
		if over {
			return errStorage
		}
		return do()
	}
	return &faulty{
		Storage: files,
		store: func(ctx context.Context, key string, value []byte) error {
			return write(func() error { return files.Store(ctx, key, value) })
		},
		lock: func(ctx context.Context, name string) error {
			return write(func() error { return files.Lock(ctx, name) })
		},
	}
}

func TestTwoProcessesShareAFileStorage(t *testing.T) {
	t.Parallel()
	f, dir := newFake(), t.TempDir()
	one := newProcess(t, "one", f, fileStorage(t, dir))
	two := newProcess(t, "two", f, fileStorage(t, dir))
	pages([]*process{one, two})
	if one.Held().Value != f.living() || two.Held().Value != f.living() {
		t.Error("they do not have the same ticket")
	}
	f.wantCalls(t, 1, 1)

	three := newProcess(t, "three", f, fileStorage(t, dir))
	pages([]*process{three})
	f.wantCalls(t, 1, 1)
	for _, p := range []*process{one, two, three} {
		p.wantLines()
	}

	for _, name := range []string{"jsapi_ticket.json", "access_token.json"} {
		eventually(t, name+" is not there, or open to all", func() bool {
			info, err := os.Stat(filepath.Join(dir, "dingtalk", appName, name))
			return err == nil && info.Mode().Perm() == 0o600
		})
	}
	eventually(t, "the lock is left behind", func() bool {
		locks, err := filepath.Glob(filepath.Join(dir, "locks", "*"))
		return err == nil && len(locks) == 0
	})
}

func TestTheFileLockOfADeadProcessIsTakenOver(t *testing.T) {
	t.Parallel()
	f, dir := newFake(), t.TempDir()
	// As certmagic writes it; its owner died 8 s ago.
	died := time.Now().Add(-8 * time.Second)
	lock, err := json.Marshal(map[string]time.Time{"created": died, "updated": died})
	if err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(filepath.Join(dir, "locks"), 0o700); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(dir, "locks", certmagic.StorageKeys.Safe("dingtalk-"+appName)+".lock")
	if err := os.WriteFile(file, lock, 0o600); err != nil {
		t.Fatal(err)
	}
	f.newValue = true
	fleet := []*process{
		newProcess(t, "p0", f, fileStorage(t, dir)),
		newProcess(t, "p1", f, fileStorage(t, dir)),
	}
	if took := pages(fleet); took < time.Second || took > 20*time.Second {
		t.Errorf("took over after %v", took)
	}
	// certmagic lets two take a stale lock that look at the same instant. They
	// end up with one ticket all the same.
	if n := f.total("ticket"); n > 2 {
		t.Errorf("%d tickets", n)
	}
	eventually(t, "the fleet has several tickets", func() bool { return fleet[0].Held().Value == fleet[1].Held().Value })
}

func TestAFileStorageThatCannotBeWritten(t *testing.T) {
	t.Parallel()
	f, dir := newFake(), filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(dir, nil, 0o600); err != nil { // a file where the directory should be
		t.Fatal(err)
	}
	var stores atomic.Int32
	files := fileStorage(t, dir)
	p := newProcess(t, "p", f, &faulty{Storage: files, store: func(ctx context.Context, key string, value []byte) error {
		defer stores.Add(1)
		return files.Store(ctx, key, value)
	}})
	pages([]*process{p})
	f.wantCalls(t, 1, 1)
	eventually(t, "the tokens are not stored", func() bool { return stores.Load() == 3 }) // the ticket twice
	p.wantLines(logStorage)
}

// eventually waits until something is so, which another goroutine brings about.
func eventually(t *testing.T, what string, is func() bool) {
	t.Helper()
	for start := time.Now(); !is(); time.Sleep(5 * time.Millisecond) {
		if time.Since(start) > 30*time.Second {
			t.Fatal(what)
		}
	}
}
