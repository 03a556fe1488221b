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
	tokens  *cache.Cache // key -> *Token, which is never changed, only replaced
	flights singleflight.Group

	mu     sync.Mutex        // held where a token is replaced
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

// set puts a token into the memory.
func (m *Memory) set(key string, t *Token) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.tokens.Set(key, t, cache.NoExpiration)
}

// keep puts a token into the memory unless a newer one is there.
func (m *Memory) keep(key string, t *Token) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if t.newer(m.get(key)) {
		m.tokens.Set(key, t, cache.NoExpiration)
	}
}

// suspect makes the renewal of a token due unless it has been replaced meanwhile.
func (m *Memory) suspect(key string, t *Token, now time.Time) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.get(key) == t {
		suspect := *t
		suspect.renew = now
		m.tokens.Set(key, &suspect, cache.NoExpiration)
	}
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
