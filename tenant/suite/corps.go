package suite

import (
	"sync"

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
	read       bool // the storage has been read, and says nothing newer as far as is known
	prev, next *corp
}

// corps are those that are held, the least recently used first to leave.
type corps struct {
	limit  int
	tokens func(id string) *tokens.App

	mu      sync.Mutex
	byID    map[string]*corp
	order   order           // the same
	root    corp            // of the ring: next was used last, prev longest ago
	unsaved map[string]bool // whose standing the storage has not taken
	counts  [3]int          // how many there are of each side
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
		if len(c.byID) >= c.limit {
			c.drop(c.root.prev)
		}
		held = &corp{id: id, tokens: c.tokens(id)}
		c.byID[id] = held
		c.order.add(held)
		c.touch(held)
		c.counts[held.standing.side()]++
	}
	before = view{held.standing, held.tokens, held.read}
	c.counts[held.standing.side()]--
	held.standing = held.standing.join(news)
	c.counts[held.standing.side()]++
	held.read = held.read || fromStorage
	return before, view{held.standing, held.tokens, held.read}
}

// drop lets a corp leave, with its tokens.
func (c *corps) drop(held *corp) {
	held.prev.next, held.next.prev = held.next, held.prev
	delete(c.byID, held.id)
	c.order.remove(held)
	c.counts[held.standing.side()]--
	held.tokens.Forget()
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
		for last, more := "", true; more; {
			last, more = c.some(after(last), func(held *corp) { held.read = false })
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

// after is for the walk over what comes behind an id.
func after(last string) (follows func(id string) bool) {
	return func(id string) bool { return id > last }
}

// some calls back for the first corps that follow, a stride of them, in the order of their
// ids, under the lock. It returns the id of the last one, and whether there was any. See
// order.from.
func (c *corps) some(follows func(id string) bool, do func(held *corp)) (last string, found bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.order.from(follows, stride, func(held *corp) {
		do(held)
		last, found = held.id, true
	})
	return last, found
}

// walk calls back for the corps that follow, in the order of their ids, without the lock,
// until do returns false. Who comes or leaves meanwhile may be left out.
func (c *corps) walk(follows func(id string) bool, do func(id string, v view) (more bool)) {
	type entry struct {
		id string
		view
	}
	entries := make([]entry, 0, stride)
	for {
		last, found := c.some(follows, func(held *corp) {
			entries = append(entries, entry{held.id, view{held.standing, held.tokens, held.read}})
		})
		if !found {
			return
		}
		for _, e := range entries {
			if !do(e.id, e.view) {
				return
			}
		}
		follows, entries = after(last), entries[:0]
	}
}

// each calls back for all corps that are held, without the lock.
func (c *corps) each(do func(id string, v view)) {
	c.walk(after(""), func(id string, v view) bool {
		do(id, v)
		return true
	})
}

// count returns how many corps have authorised the suite, and how many had.
func (c *corps) count() (authorized, gone int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.counts[within], c.counts[formerly]
}
