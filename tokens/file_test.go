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

// Caddy's own storage, in real time.

func TestTwoProcessesShareAFileStorage(t *testing.T) {
	t.Parallel()
	f, dir := newFake(), t.TempDir()
	one := newProcess(t, "one", f, &certmagic.FileStorage{Path: dir})
	two := newProcess(t, "two", f, &certmagic.FileStorage{Path: dir})
	start := time.Now()
	var wg sync.WaitGroup
	for _, p := range []*process{one, two} {
		wg.Go(func() {
			if ticket, err := p.page(); err != nil {
				t.Errorf("%s: %v", p.name, err)
			} else if ticket.Value != f.living() {
				t.Errorf("%s has another ticket", p.name)
			}
		})
	}
	wg.Wait()
	f.wantCalls(t, 1, 1)
	if took := time.Since(start); took > 900*time.Millisecond {
		t.Errorf("it took %v, longer than a look into the storage", took)
	}

	three := newProcess(t, "three", f, &certmagic.FileStorage{Path: dir})
	three.mustPage(time.Second)
	f.wantCalls(t, 1, 1)
	for _, p := range []*process{one, two, three} {
		p.wantLines()
	}

	for name, mode := range map[string]os.FileMode{"jsapi_ticket.json": 0o600, "access_token.json": 0o600} {
		info, err := os.Stat(filepath.Join(dir, "dingtalk", appName, name))
		if err != nil {
			t.Fatal(err)
		}
		if info.Mode().Perm() != mode {
			t.Errorf("%s has the mode %v", name, info.Mode())
		}
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
		newProcess(t, "p0", f, &certmagic.FileStorage{Path: dir}),
		newProcess(t, "p1", f, &certmagic.FileStorage{Path: dir}),
	}
	if took := pages(fleet); took < time.Second || took > 10*time.Second {
		t.Errorf("took over after %v", took)
	}
	// certmagic lets two take a stale lock that look at the same instant. They
	// end up with one ticket all the same.
	if n := f.total("ticket"); n > 2 {
		t.Errorf("%d tickets", n)
	}
	eventually(t, "the fleet has several tickets", func() bool {
		return fleet[0].Held().Value == f.living() && fleet[1].Held().Value == f.living()
	})
}

func TestAFileStorageThatCannotBeWritten(t *testing.T) {
	t.Parallel()
	f, dir := newFake(), filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(dir, nil, 0o600); err != nil { // a file where the directory should be
		t.Fatal(err)
	}
	var stores atomic.Int32
	files := &certmagic.FileStorage{Path: dir}
	p := newProcess(t, "p", f, &faulty{Storage: files, store: func(ctx context.Context, key string, value []byte) error {
		defer stores.Add(1)
		return files.Store(ctx, key, value)
	}})
	p.mustPage(time.Second)
	f.wantCalls(t, 1, 1)
	eventually(t, "the tokens are not stored", func() bool { return stores.Load() == 3 }) // the ticket twice
	p.wantLines(logStorage)
}

// eventually waits until something is so, which another goroutine brings about.
func eventually(t *testing.T, what string, is func() bool) {
	t.Helper()
	for start := time.Now(); !is(); time.Sleep(5 * time.Millisecond) {
		if time.Since(start) > 10*time.Second {
			t.Fatal(what)
		}
	}
}
