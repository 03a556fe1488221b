package tokens

import (
	"sync"
	"sync/atomic"
	"time"

	"github.com/patrickmn/go-cache"
	"golang.org/x/sync/singleflight"
)

// Memory is what a process remembers of its apps. It outlives a reload of the
// configuration and holds nothing of one.
type Memory struct {
	apps    *cache.Cache // name -> *record
	flights singleflight.Group
	mu      sync.Mutex // held where a record is made
}

// record is what is remembered of one app.
type record struct {
	access, ticket held
	state          state
	storage        *health // how the storage has fared for the app
}

// NewMemory returns an empty memory.
func NewMemory() *Memory {
	return &Memory{
		// Tokens know their expiry; a janitor would be a goroutine that nobody ends.
		apps: cache.New(cache.NoExpiration, 0),
	}
}

// Destruct lets Caddy's usage pool own a Memory.
func (m *Memory) Destruct() error { return nil }

func (m *Memory) record(app string) *record {
	m.mu.Lock()
	defer m.mu.Unlock()
	if r, ok := m.apps.Get(app); ok {
		return r.(*record)
	}
	r := &record{storage: new(health)}
	m.apps.Set(app, r, cache.NoExpiration)
	return r
}

// held is the place of a token, which is never changed, only replaced.
type held struct{ token atomic.Pointer[Token] }

func (h *held) get() *Token  { return h.token.Load() }
func (h *held) set(t *Token) { h.token.Store(t) }

// replace puts a token in the place of another, unless that has been replaced.
func (h *held) replace(old, t *Token) bool { return h.token.CompareAndSwap(old, t) }

// keep puts a token there unless a newer one is there.
func (h *held) keep(t *Token) {
	for {
		old := h.get()
		if !t.newer(old) || h.replace(old, t) {
			return
		}
	}
}

// suspect makes the renewal of a token due unless it has been replaced meanwhile.
func (h *held) suspect(t *Token, now time.Time) {
	suspect := *t
	suspect.renew = now
	h.replace(t, &suspect)
}

// refuse notes that DingTalk has refused a token, unless it has been replaced meanwhile.
func (h *held) refuse(t *Token) {
	refused := *t
	refused.renew = time.Time{}
	h.replace(t, &refused)
}
