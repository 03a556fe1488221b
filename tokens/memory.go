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
	apps    *cache.Cache // name -> *remembered
	flights singleflight.Group
	mu      sync.Mutex // held where one is made
}

// remembered is what is remembered of one app that is of no group.
type remembered struct {
	record
	health health // of the storage, as it has fared for the app
}

// record is what an app has. There may be a hundred thousand: no field is spent lightly.
type record struct {
	access held
	ticket counted
	state  state
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

func (m *Memory) of(app string) *remembered {
	m.mu.Lock()
	defer m.mu.Unlock()
	if r, ok := m.apps.Get(app); ok {
		return r.(*remembered)
	}
	r := new(remembered)
	m.apps.Set(app, r, cache.NoExpiration)
	return r
}

// held is the place of a token, which is never changed, only replaced.
type held struct{ token atomic.Pointer[Token] }

func (h *held) get() *Token  { return h.token.Load() }
func (h *held) set(t *Token) { h.token.Store(t) }

// replace puts a token in the place of another, unless that has been replaced.
func (h *held) replace(old, t *Token) bool { return h.token.CompareAndSwap(old, t) }

// refuse notes that DingTalk has refused a token, unless it has been replaced meanwhile.
func (h *held) refuse(t *Token) {
	refused := *t
	refused.renew = time.Time{}
	h.replace(t, &refused)
}

// counted is the place of a token that is counted.
type counted struct {
	held
	tally *tally // nil where nobody wants to know
}

func (c *counted) set(t *Token) { c.tally.replaced(c.token.Swap(t), t) }

// replace puts a token in the place of another, unless that has been replaced.
func (c *counted) replace(old, t *Token) bool {
	done := c.held.replace(old, t)
	if done {
		c.tally.replaced(old, t)
	}
	return done
}

// keep puts a token there unless a newer one is there.
func (c *counted) keep(t *Token) {
	for {
		old := c.get()
		if !t.newer(old) || c.replace(old, t) {
			return
		}
	}
}

// suspect makes the renewal of a token due unless it has been replaced meanwhile.
func (c *counted) suspect(t *Token, now time.Time) {
	suspect := *t
	suspect.renew = now
	c.replace(t, &suspect)
}
