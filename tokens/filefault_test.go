package tokens

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"go.uber.org/zap/zapcore"
)

// What may befall the files of a fleet, over Caddy's own storage and in real
// time: both processes have a ticket after one fetch each at the most, and what
// can be mended is.
func TestEachFaultOfTheFiles(t *testing.T) {
	write := func(file string, data []byte) error {
		return errors.Join(os.MkdirAll(filepath.Dir(file), 0o700), os.WriteFile(file, data, 0o600))
	}
	failing := func(files Storage, errno syscall.Errno) *faulty {
		fail := func(name string) error { return &fs.PathError{Op: "open", Path: name, Err: errno} }
		return &faulty{
			Storage: files,
			store:   func(_ context.Context, key string, _ []byte) error { return fail(key) },
			lock:    func(_ context.Context, name string) error { return fail(name) },
		}
	}
	tests := map[string]struct {
		begin   func(file string) error // what the ticket's file is at first
		storage func(files Storage) Storage
		mended  bool     // the storage has the ticket in the end
		logged  []string // by each process
	}{
		"read-only": {
			storage: func(files Storage) Storage { return failing(files, syscall.EROFS) },
			logged:  []string{logStorage},
		},
		"full": {
			storage: func(files Storage) Storage { return failing(files, syscall.ENOSPC) },
			logged:  []string{logStorage},
		},
		"full, amid a write": {
			storage: func(files Storage) Storage {
				full := failing(files, syscall.ENOSPC)
				full.store = func(ctx context.Context, key string, data []byte) error {
					return errors.Join(files.Store(ctx, key, data[:len(data)/2]), syscall.ENOSPC)
				}
				return full
			},
			logged: []string{logStorage},
		},
		"corrupt": {
			begin:  func(file string) error { return write(file, []byte("\x00\xff{{{")) },
			mended: true, logged: []string{logStorage},
		},
		"half-written": {
			begin:  func(file string) error { return write(file, []byte(`{"value":"half a tick`)) },
			mended: true, logged: []string{logStorage},
		},
		"empty": {
			begin:  func(file string) error { return write(file, nil) },
			mended: true, logged: []string{logStorage},
		},
		"a directory": {
			begin:  func(file string) error { return os.MkdirAll(filepath.Join(file, "x"), 0o700) },
			logged: []string{logStorage},
		},
		"slow": {
			storage: func(files Storage) Storage { return lagging(files, 250*time.Millisecond) },
			mended:  true,
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			file := filepath.Join(dir, "dingtalk", appName, "jsapi_ticket.json")
			if tt.begin != nil {
				if err := tt.begin(file); err != nil {
					t.Fatal(err)
				}
			}
			f := newFake()
			var fleet []*process
			for _, name := range []string{"one", "two"} {
				files := fileStorage(t, dir)
				if tt.storage != nil {
					files = tt.storage(files)
				}
				fleet = append(fleet, newProcess(t, name, f, files))
			}
			pages(fleet)
			for _, p := range fleet {
				if ticket := p.Held(); ticket == nil || ticket.Value != f.living() {
					t.Errorf("%s holds %v, want the living ticket", p.name, ticket)
				}
			}
			wantAtMostOneCallEach(t, f)
			if tt.mended {
				eventually(t, "the ticket is not stored", func() bool {
					data, err := os.ReadFile(file)
					stored, bad := decode(data, time.Now())
					return err == nil && bad == nil && stored.Value == f.living()
				})
				f.wantCalls(t, 1, 1)
			}
			for _, p := range fleet { // what no page waits for may still be under way
				eventually(t, "the failure is not logged", func() bool {
					return p.logs.FilterLevelExact(zapcore.WarnLevel).Len() >= len(tt.logged)
				})
				p.wantLines(tt.logged...)
			}
		})
	}
}

// lagging is a storage that takes its time.
func lagging(s Storage, by time.Duration) Storage {
	return &faulty{
		Storage: s,
		load: func(ctx context.Context, key string) ([]byte, error) {
			_ = sleep(ctx, by)
			return s.Load(ctx, key)
		},
		store: func(ctx context.Context, key string, value []byte) error {
			_ = sleep(ctx, by)
			return s.Store(ctx, key, value)
		},
	}
}
