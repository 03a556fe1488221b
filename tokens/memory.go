package tokens

import (
	"sync"
	"time"

	"github.com/patrickmn/go-cache"
	"golang.org/x/sync/singleflight"
)

// Memory is what a process remembers of its apps. It outlives a reload of the
// configuration and holds nothing of one.
type Memory struct {
	tokens  *cache.Cache // key -> *Token
	flights singleflight.Group

	mu     sync.Mutex
	states map[string]*state // app -> state
}

// NewMemory returns an empty memory.
func NewMemory() *Memory {
	return &Memory{
		// Tokens know their expiry; a janitor would be a goroutine that nobody ends.
		tokens: cache.New(cache.NoExpiration, 0),
		states: make(map[string]*state),
	}
}

// Destruct lets Caddy's usage pool own a Memory.
func (m *Memory) Destruct() error { return nil }

func (m *Memory) get(key string) *Token {
	v, _ := m.tokens.Get(key)
	t, _ := v.(*Token)
	return t
}

// keep puts a token into the memory unless a newer one is there, and returns
// the one that is there then.
func (m *Memory) keep(key string, t *Token) *Token {
	m.mu.Lock()
	defer m.mu.Unlock()
	if old := m.get(key); old != nil && !t.newer(old) && old.valid(time.Now()) {
		return old
	}
	m.tokens.Set(key, t, cache.NoExpiration)
	return t
}

func (m *Memory) state(app string) *state {
	m.mu.Lock()
	defer m.mu.Unlock()
	s := m.states[app]
	if s == nil {
		s = new(state)
		m.states[app] = s
	}
	return s
}
