package tokens

import (
	"sync"
	"time"
)

// health is how a storage has fared lately.
type health struct {
	mu      sync.Mutex
	failing bool
	smooth  bool      // it has not failed since it was last tried
	rest    time.Time // it hangs and is not read before this time
}

const restDelay = 30 * time.Second

// tried begins a reading and writing that tell whether the storage works.
func (h *health) tried() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.smooth = true
}

// failed notes a failure and reports whether it is a new one.
func (h *health) failed() (isNew bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	isNew = !h.failing
	h.failing, h.smooth = true, false
	return isNew
}

// served ends a failure, if all went well since the storage was last tried, and
// reports whether there was one.
func (h *health) served() (recovered bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	recovered = h.failing && h.smooth
	h.failing = h.failing && !h.smooth
	return recovered
}

// hangs lets the storage rest. Unlike one that fails at once, it would make each page
// wait.
func (h *health) hangs(now time.Time) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.rest = now.Add(restDelay)
}

func (h *health) rests(now time.Time) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return now.Before(h.rest)
}

// works reports whether the storage works, as far as known.
func (h *health) works() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return !h.failing
}

// forgive lets the storage be read at once: somebody has mended something.
func (h *health) forgive() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.rest = time.Time{}
}
