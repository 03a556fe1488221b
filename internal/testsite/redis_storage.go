//go:build linux || darwin

package testsite

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"github.com/caddyserver/certmagic"
)

func init() {
	caddy.RegisterModule(TestRedis{})
}

// TestRedis is a storage for tests in a real Redis, which does to it what the published storage
// modules do: a key a value, and locks by SET NX that live 5 s, are prolonged every 3 s and asked
// for once a second. It keeps a journal as TestFiles does.
type TestRedis struct {
	// The unix socket of the server. Required.
	Socket string `json:"socket,omitempty"`

	// The folder of the journal. Required.
	Root string `json:"root,omitempty"`
}

// CaddyModule returns the Caddy module information.
func (TestRedis) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{
		ID:  "caddy.storage.test_redis",
		New: func() caddy.Module { return new(TestRedis) },
	}
}

// CertMagicStorage converts r to a certmagic.Storage.
func (r *TestRedis) CertMagicStorage() (certmagic.Storage, error) {
	return &redisStorage{redis: newRedis(r.Socket), journal: journal(r.Root), locks: make(map[string]context.CancelFunc)}, nil
}

// UnmarshalCaddyfile sets up the storage from Caddyfile tokens. Syntax:
//
//	test_redis <socket> <root>
func (r *TestRedis) UnmarshalCaddyfile(d *caddyfile.Dispenser) error {
	d.Next()
	if !d.AllArgs(&r.Socket, &r.Root) {
		return d.ArgErr()
	}
	return nil
}

// The times of a lock, which are those of the storage module with the most users.
const (
	redisLockLife    = 5 * time.Second
	redisLockProlong = 3 * time.Second
	redisLockPoll    = time.Second
)

// redisStorage is a certmagic.Storage in Redis.
type redisStorage struct {
	redis   *redis
	journal journal

	mu    sync.Mutex
	locks map[string]context.CancelFunc // end the prolonging
}

const redisPrefix = "caddy/"

func (s *redisStorage) Load(ctx context.Context, key string) ([]byte, error) {
	got, err := s.redis.do(ctx, "GET", redisPrefix+key)
	if errors.Is(err, errNil) {
		return nil, fmt.Errorf("loading %s: %w", key, fs.ErrNotExist)
	}
	value, _ := got.(string)
	return []byte(value), err
}

func (s *redisStorage) Store(ctx context.Context, key string, value []byte) error {
	return s.journal.record(Record{Op: "store", Key: key, Fetched: fetched(value)}, func() error {
		_, err := s.redis.do(ctx, "SET", redisPrefix+key, string(value))
		return err
	})
}

func (s *redisStorage) Delete(ctx context.Context, key string) error {
	keys, err := s.List(ctx, key, true)
	if err != nil {
		return err
	}
	args := []string{"DEL", redisPrefix + key}
	for _, k := range keys {
		args = append(args, redisPrefix+k)
	}
	_, err = s.redis.do(ctx, args...)
	return err
}

func (s *redisStorage) Exists(ctx context.Context, key string) bool {
	n, err := s.redis.do(ctx, "EXISTS", redisPrefix+key)
	return err == nil && n == int64(1)
}

func (s *redisStorage) List(ctx context.Context, dir string, recursive bool) ([]string, error) {
	got, err := s.redis.do(ctx, "KEYS", redisPrefix+strings.TrimSuffix(dir, "/")+"/*")
	if err != nil {
		return nil, err
	}
	all, _ := got.([]any)
	seen := make(map[string]bool)
	var keys []string
	for _, k := range all {
		key := strings.TrimPrefix(fmt.Sprint(k), redisPrefix)
		if !recursive {
			first, _, _ := strings.Cut(strings.TrimPrefix(key, strings.TrimSuffix(dir, "/")+"/"), "/")
			key = path.Join(dir, first)
		}
		if !seen[key] {
			seen[key], keys = true, append(keys, key)
		}
	}
	return keys, nil
}

func (s *redisStorage) Stat(ctx context.Context, key string) (certmagic.KeyInfo, error) {
	value, err := s.Load(ctx, key)
	return certmagic.KeyInfo{Key: key, Size: int64(len(value)), IsTerminal: true}, err
}

func (s *redisStorage) Lock(ctx context.Context, name string) error {
	key, mine := redisPrefix+name+".lock", rand.Text()
	for {
		_, err := s.redis.do(ctx, "SET", key, mine, "NX", "PX", fmt.Sprint(redisLockLife.Milliseconds()))
		if err == nil {
			break
		}
		if !errors.Is(err, errNil) {
			return err
		}
		select {
		case <-time.After(redisLockPoll):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	life, end := context.WithCancel(ctx)
	s.mu.Lock()
	s.locks[name] = end
	s.mu.Unlock()
	go s.prolong(life, key, mine) //nolint:gosec // ctx is what the lock lives as long as
	return s.journal.record(Record{Op: "lock", Key: name}, nil)
}

// prolong keeps a lock alive until it is given back, and then gives it back.
func (s *redisStorage) prolong(life context.Context, key, mine string) {
	const own = `if redis.call("get",KEYS[1])==ARGV[1] then return redis.call(ARGV[2],KEYS[1],ARGV[3]) end`
	for life.Err() == nil {
		select {
		case <-time.After(redisLockProlong):
			_, _ = s.redis.do(life, "EVAL", own, "1", key, mine, "pexpire", fmt.Sprint(redisLockLife.Milliseconds())) // or it ends by itself
		case <-life.Done():
		}
	}
	const free = `if redis.call("get",KEYS[1])==ARGV[1] then return redis.call("del",KEYS[1]) end`
	_, _ = s.redis.do(context.Background(), "EVAL", free, "1", key, mine) // or it ends by itself
}

func (s *redisStorage) Unlock(_ context.Context, name string) error {
	s.mu.Lock()
	end, held := s.locks[name]
	delete(s.locks, name)
	s.mu.Unlock()
	if !held {
		return fmt.Errorf("unlocking %s: it is not locked here", name)
	}
	return s.journal.record(Record{Op: "unlock", Key: name}, func() error {
		end()
		return nil
	})
}

// Hang stops it from answering, its connections and all, until Resume.
func (r *Redis) Hang() { _ = r.cmd.Process.Signal(syscall.SIGSTOP) }

// Resume ends Hang.
func (r *Redis) Resume() { _ = r.cmd.Process.Signal(syscall.SIGCONT) }

// Interface guards
var (
	_ caddy.StorageConverter = (*TestRedis)(nil)
	_ caddyfile.Unmarshaler  = (*TestRedis)(nil)
	_ certmagic.Storage      = (*redisStorage)(nil)
)
