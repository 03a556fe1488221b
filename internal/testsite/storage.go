//go:build linux || darwin

package testsite

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strconv"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"github.com/caddyserver/certmagic"
)

func init() {
	caddy.RegisterModule(TestFiles{})
}

// TestFiles is a storage for tests: the files of Caddy's own storage, with the
// faults of other storages, and a journal of what all processes do to it.
type TestFiles struct {
	// The folder of the storage, and of its journal. Required.
	Root string `json:"root,omitempty"`

	// What locking does: `file` locks as Caddy's own storage does, `none` gives
	// the lock to everybody at once, `error` fails at once. Default: `file`.
	Lock string `json:"lock,omitempty"`

	// Whether every call fails. Default: false.
	Down bool `json:"down,omitempty"`

	// How much longer each call takes. Default: 0.
	Delay caddy.Duration `json:"delay,omitempty"`
}

// CaddyModule returns the Caddy module information.
func (TestFiles) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{
		ID:  "caddy.storage.test_files",
		New: func() caddy.Module { return new(TestFiles) },
	}
}

// Validate makes sure that there is a root, and that the lock is a known one.
func (f *TestFiles) Validate() error {
	if f.Root == "" {
		return errors.New("the storage has no root: name its folder")
	}
	switch f.Lock {
	case "", "file", "none", "error":
		return nil
	}
	return fmt.Errorf("unknown lock %q: use file, none or error", f.Lock)
}

// CertMagicStorage converts f to a certmagic.Storage.
func (f *TestFiles) CertMagicStorage() (certmagic.Storage, error) {
	if err := f.await(); err != nil {
		return nil, err
	}
	return &storage{
		FileStorage: &certmagic.FileStorage{Path: f.Root},
		options:     *f,
		journal:     journal(f.Root),
	}, nil
}

// closedGate and waiting, after the root, name the file that keeps a process from
// starting, and those by which processes say that they wait: see FleetApp.Cold.
const (
	closedGate = ".closed"
	waiting    = ".waiting."
)

func (f *TestFiles) await() error {
	for first := true; ; first = false {
		if _, err := os.Stat(f.Root + closedGate); err != nil {
			return nil
		}
		if first {
			if err := os.WriteFile(f.Root+waiting+strconv.Itoa(os.Getpid()), nil, 0o600); err != nil {
				return err
			}
		}
		time.Sleep(10 * time.Millisecond)
	}
}

// UnmarshalCaddyfile sets up the storage from Caddyfile tokens. Syntax:
//
//	test_files <root> {
//	    lock  file|none|error
//	    down
//	    delay <duration>
//	}
func (f *TestFiles) UnmarshalCaddyfile(d *caddyfile.Dispenser) error {
	d.Next()
	if !d.AllArgs(&f.Root) {
		return d.ArgErr()
	}
	for d.NextBlock(0) {
		switch d.Val() {
		case "lock":
			if !d.AllArgs(&f.Lock) {
				return d.ArgErr()
			}
		case "down":
			if d.NextArg() {
				return d.ArgErr()
			}
			f.Down = true
		case "delay":
			var text string
			if !d.AllArgs(&text) {
				return d.ArgErr()
			}
			delay, err := caddy.ParseDuration(text)
			if err != nil {
				return d.Errf("reading the delay: %v", err)
			}
			f.Delay = caddy.Duration(delay)
		default:
			return d.Errf("unknown subdirective %q: use lock, down or delay", d.Val())
		}
	}
	return nil
}

// storage is what a TestFiles describes. Of the calls it changes those that the
// dingtalk handler makes.
type storage struct {
	*certmagic.FileStorage
	options TestFiles
	journal journal
}

var (
	errDown   = errors.New("the storage is down")
	errNoLock = errors.New("the storage cannot lock")
)

// reach is the way to the storage: it may take its time, and end nowhere.
func (s *storage) reach(ctx context.Context) error {
	select {
	case <-time.After(time.Duration(s.options.Delay)):
	case <-ctx.Done():
		return ctx.Err()
	}
	if s.options.Down {
		return errDown
	}
	return nil
}

// Load returns the value at the key.
func (s *storage) Load(ctx context.Context, key string) ([]byte, error) {
	if err := s.reach(ctx); err != nil {
		return nil, err
	}
	return s.FileStorage.Load(ctx, key)
}

// Store puts the value at the key.
func (s *storage) Store(ctx context.Context, key string, value []byte) error {
	if err := s.reach(ctx); err != nil {
		return err
	}
	return s.journal.record(Record{Op: "store", Key: key, Fetched: fetched(value)}, func() error {
		return s.FileStorage.Store(ctx, key, value)
	})
}

// Lock takes the lock, as the options say.
func (s *storage) Lock(ctx context.Context, name string) error {
	if err := s.reach(ctx); err != nil {
		return err
	}
	switch s.options.Lock {
	case "error":
		return errNoLock
	case "none":
	default:
		if err := s.FileStorage.Lock(ctx, name); err != nil {
			return err
		}
	}
	return s.journal.record(Record{Op: "lock", Key: name}, nil)
}

// Unlock gives the lock back.
func (s *storage) Unlock(ctx context.Context, name string) error {
	if err := s.reach(ctx); err != nil {
		return err
	}
	return s.journal.record(Record{Op: "unlock", Key: name}, func() error {
		if s.options.Lock == "none" {
			return nil
		}
		return s.FileStorage.Unlock(ctx, name)
	})
}

// Interface guards
var (
	_ caddy.StorageConverter = (*TestFiles)(nil)
	_ caddy.Validator        = (*TestFiles)(nil)
	_ caddyfile.Unmarshaler  = (*TestFiles)(nil)
	_ certmagic.Storage      = (*storage)(nil)
)
