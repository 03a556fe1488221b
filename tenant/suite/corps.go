package suite

import (
	"sync"
	"time"

	"github.com/caddy-dingtalk/caddy-dingtalk/tokens"
)

// maxCorps is how many corps of a suite are held in memory. Beyond it the one that was
// asked for longest ago leaves, with its tokens: the storage has both.
const maxCorps = 100_000

// corp is what is held of one corp. There may be a hundred thousand: no field is spent
// lightly.
type corp struct {
	id         string
	standing   Standing
	tokens     *tokens.App
	read       bool  // the storage has been read, and says nothing newer as far as is known
	slot       int32 // among all
	prev, next *corp
}

// corps are those that are held, the least recently used first to leave.
type corps struct {
	limit  int
	tokens func(id string) *tokens.App

	mu      sync.Mutex
	byID    map[string]*corp
	all     []*corp         // the same; nobody moves in it, so that a walk misses nobody
	root    corp            // of the ring: next was used last, prev longest ago
	unsaved map[string]bool // whose standing the storage has not taken
}

func newCorps(limit int, tokens func(id string) *tokens.App) *corps {
	c := &corps{limit: limit, tokens: tokens, byID: make(map[string]*corp), unsaved: make(map[string]bool)}
	c.root.next, c.root.prev = &c.root, &c.root
	return c
}

// view is what is known of a corp at one moment. What it refers to does not change, but
// for the tokens.
type view struct {
	standing Standing
	tokens   *tokens.App
	read     bool
}

// use returns a corp for a page, false if it is not held.
func (c *corps) use(id string) (view, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	held := c.byID[id]
	if held == nil {
		return view{}, false
	}
	c.touch(held)
	return view{held.standing, held.tokens, held.read}, true
}

// touch makes a corp the one that was used last.
func (c *corps) touch(held *corp) {
	if held.prev != nil {
		held.prev.next, held.next.prev = held.next, held.prev
	}
	held.prev, held.next = &c.root, c.root.next
	held.prev.next, held.next.prev = held, held
}

// learn joins what is known of a corp with something else, and returns it before and
// after. fromStorage says that it is what the storage has.
func (c *corps) learn(id string, news Standing, fromStorage bool) (before, after view) {
	c.mu.Lock()
	defer c.mu.Unlock()
	held := c.byID[id]
	if held == nil {
		held = &corp{id: id, tokens: c.tokens(id), slot: int32(len(c.all))} //nolint:gosec // at most limit
		if len(c.all) < c.limit {
			c.all = append(c.all, held)
		} else {
			held.slot = c.drop(c.root.prev)
			c.all[held.slot] = held
		}
		c.byID[id] = held
		c.touch(held)
	}
	before = view{held.standing, held.tokens, held.read}
	held.standing = held.standing.join(news)
	held.read = held.read || fromStorage
	return before, view{held.standing, held.tokens, held.read}
}

// drop lets a corp leave, and returns its slot, which another takes.
func (c *corps) drop(held *corp) (slot int32) {
	held.prev.next, held.next.prev = held.next, held.prev
	delete(c.byID, held.id)
	return held.slot
}

// saved notes whether the storage has what is known of a corp.
func (c *corps) saved(id string, is bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if is {
		delete(c.unsaved, id)
	} else {
		c.unsaved[id] = true
	}
}

// isSaved reports whether it has, as far as is known.
func (c *corps) isSaved(id string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return !c.unsaved[id]
}

// toSave are the corps of which the storage has not taken what is known.
func (c *corps) toSave() (ids []string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for id := range c.unsaved {
		ids = append(ids, id)
	}
	return ids
}

// doubt lets the storage be read again before a corp, or any ("" is all), is served.
func (c *corps) doubt(id string) {
	if id == "" {
		for from := 0; c.some(from, func(held *corp) { held.read = false }); from += stride {
		}
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if held := c.byID[id]; held != nil {
		held.read = false
	}
}

// peek returns a corp without using it, false if it is not held.
func (c *corps) peek(id string) (view, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	held := c.byID[id]
	if held == nil {
		return view{}, false
	}
	return view{held.standing, held.tokens, held.read}, true
}

// stride is how many corps are looked at under the lock, which each page takes, before it
// is given back.
const stride = 256

// some calls back for the next corps from a slot on, a stride of them, under the lock. It
// reports whether there were any. Who comes during a walk over all may be left out.
func (c *corps) some(from int, do func(held *corp)) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if from >= len(c.all) {
		return false
	}
	for _, held := range c.all[from:min(from+stride, len(c.all))] {
		do(held)
	}
	return true
}

// each calls back for all corps that are held, in no order, without the lock.
func (c *corps) each(do func(id string, v view)) {
	type entry struct {
		id string
		view
	}
	entries := make([]entry, 0, stride)
	for from := 0; c.some(from, func(held *corp) {
		entries = append(entries, entry{held.id, view{held.standing, held.tokens, held.read}})
	}); from += stride {
		for _, e := range entries {
			do(e.id, e.view)
		}
		entries = entries[:0]
	}
}

// count returns how many corps are held in each state, and how many of them with a ticket.
func (c *corps) count(now time.Time) (authorized, gone, withTicket int) {
	c.each(func(_ string, v view) {
		switch v.standing.state(now) {
		case served, unlisted:
			authorized++
		case revoked:
			gone++
		case refused:
			if v.standing.Authorized > 0 {
				gone++
			}
		}
		if v.tokens.Held() != nil {
			withTicket++
		}
	})
	return authorized, gone, withTicket
}
