package alert

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/url"
	"sync"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/certmagic"
)

const (
	maxWaiting   = 1000                    // messages; more are counted only
	shutdownTime = 1700 * time.Millisecond // of the 2 s that a shutdown may take
	flightTime   = 900 * time.Millisecond  // of these, for the try that is under way
)

// queues are the queues by webhook, over handlers and reloads.
var queues = caddy.NewUsagePool()

// poolKey names a webhook without telling its token. Where it is asked for several
// times the order of a query does not matter.
func poolKey(webhook string) string {
	u, err := url.Parse(webhook)
	if err != nil {
		return ""
	}
	sum := sha256.Sum256([]byte(u.Scheme + "://" + u.Host + u.Path + "?" + u.Query().Encode()))
	return hex.EncodeToString(sum[:16])
}

func (h *Robot) takeQueue() error {
	q, _, err := queues.LoadOrNew(h.key, func() (caddy.Destructor, error) { return newQueue(h.key), nil })
	if err != nil {
		return fmt.Errorf("taking the webhook's queue: %w", err)
	}
	h.queue = q.(*queue)
	h.queue.attach(h)
	h.release = sync.OnceValue(func() error {
		endOrphans()
		h.queue.detach(h)
		_, err := queues.Delete(h.key)
		return err
	})
	return nil
}

// queue holds the messages for one webhook. What handlers and reloads change, it
// asks the newest handler for.
type queue struct {
	sender *sender

	mu       sync.Mutex
	handlers []*Robot // the newest last
	waiting  []*entry
	known    map[content]*entry // of those waiting
	total    int                // messages of those waiting
	more     int                // beyond them
	failures map[string]time.Time
	last     string // the event that ended the last failure
	started  bool

	ending           sync.Once
	wake, stop, done chan struct{}
}

func newQueue(key string) *queue {
	q := &queue{
		known: make(map[content]*entry), failures: make(map[string]time.Time),
		wake: make(chan struct{}, 1), stop: make(chan struct{}), done: make(chan struct{}),
	}
	q.sender = &sender{queue: q, fleet: fleet{key: "dingtalk/robot/" + key + ".json"}}
	return q
}

func (q *queue) attach(h *Robot) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.handlers = append(q.handlers, h)
}

// detach leaves the last handler: the queue's end needs a logger and a name.
func (q *queue) detach(h *Robot) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for i, other := range q.handlers {
		if other == h && len(q.handlers) > 1 {
			q.handlers = append(q.handlers[:i:i], q.handlers[i+1:]...)
			return
		}
	}
}

// newest returns the handler of the newest configuration.
func (q *queue) newest() *Robot {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.handlers[len(q.handlers)-1]
}

// every is the largest of the handlers'.
func (q *queue) every() (every time.Duration) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for _, h := range q.handlers {
		every = max(every, time.Duration(h.Every))
	}
	return every
}

func (q *queue) storage() certmagic.Storage { return q.newest().storage }

// admits reports whether one more message may wait; if not, it is counted, and its
// maker spared the work.
func (q *queue) admits() bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.total < maxWaiting {
		return true
	}
	q.overflow(1)
	return false
}

func (q *queue) overflow(n int) {
	q.more += n
	count(resultOverflow, n)
}

// add queues a message. The first starts the goroutine that sends: a configuration
// that is only validated needs none.
func (q *queue) add(e *entry) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.stopped() || q.total >= maxWaiting {
		q.overflow(1)
		return
	}
	e.count = 1
	q.put(e)
	if !q.started {
		q.started = true
		go q.run()
	}
	select {
	case q.wake <- struct{}{}:
	default:
	}
}

// put adds an entry to an equal one, or behind the others.
func (q *queue) put(e *entry) {
	if equal := q.known[e.content]; equal != nil {
		equal.count += e.count
		equal.robot = e.robot
	} else {
		q.waiting = append(q.waiting, e)
		q.known[e.content] = e
	}
	q.total += e.count
}

// take empties the queue; nil if nothing waits.
func (q *queue) take() *batch {
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.waiting) == 0 {
		return nil
	}
	b := &batch{entries: q.waiting, more: q.more}
	q.waiting, q.total, q.more = nil, 0, 0
	clear(q.known)
	return b
}

// putBack puts a batch in front of what has come since.
func (q *queue) putBack(b *batch) {
	q.mu.Lock()
	defer q.mu.Unlock()
	since := q.waiting
	q.waiting, q.total = nil, 0
	clear(q.known)
	q.more += b.more
	for _, e := range append(b.entries, since...) {
		if q.total+e.count > maxWaiting {
			q.overflow(e.count)
			continue
		}
		q.put(e)
	}
}

func (q *queue) stopped() bool {
	select {
	case <-q.stop:
		return true
	default:
		return false
	}
}

// run sends until the queue's end.
func (q *queue) run() {
	defer close(q.done)
	for q.await() {
		q.sender.deliver(q.take())
	}
	q.sender.finish(q.take())
}

// await waits until something may be sent. It returns false at the queue's end.
func (q *queue) await() bool {
	for {
		q.mu.Lock()
		empty := len(q.waiting) == 0
		q.mu.Unlock()
		if empty {
			select {
			case <-q.wake:
				continue
			case <-q.stop:
				return false
			}
		}
		if wait := time.Until(q.sender.next(q.every())); wait > 0 {
			if !q.sleep(wait) {
				return false
			}
			continue // every may have changed
		}
		return q.sender.reserve()
	}
}

// sleep returns false at the queue's end.
func (q *queue) sleep(d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-q.stop:
		return false
	}
}

// endOrphans begins the end of all queues that no configuration has any more, so
// that a shutdown waits 2 s for all of them rather than for each.
func endOrphans() {
	queues.Range(func(_, value any) bool {
		if q := value.(*queue); q.orphaned() {
			q.end()
		}
		return true
	})
}

func (q *queue) orphaned() bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	for _, h := range q.handlers {
		if h.ctx.Err() == nil {
			return false
		}
	}
	return len(q.handlers) > 0
}

// end makes the queue send what waits as one message, and stop.
func (q *queue) end() {
	q.ending.Do(func() {
		ctx, cancel := context.WithTimeout(context.Background(), shutdownTime)
		context.AfterFunc(ctx, cancel)
		q.sender.end(ctx)
		q.mu.Lock()
		defer q.mu.Unlock()
		close(q.stop)
		if !q.started {
			close(q.done)
		}
	})
}

// Destruct ends the queue when its last handler has gone, within 2 s.
func (q *queue) Destruct() error {
	q.end()
	<-q.done
	return nil
}

// fail notes since when an app has no ticket.
func (q *queue) fail(app string, since time.Time) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if _, ok := q.failures[app]; !ok {
		q.failures[app] = since
	}
}

// recover returns since when the app had no ticket, to the first who asks.
func (q *queue) recover(app, event string) (since time.Time, ok bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if since, ok = q.failures[app]; ok {
		delete(q.failures, app)
		q.last = event
	}
	return since, ok
}

// told reports whether the event has been told as the end of a failure.
func (q *queue) told(event string) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.last == event
}

// Interface guard
var _ caddy.Destructor = (*queue)(nil)
