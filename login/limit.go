package login

import (
	"context"
	"net/netip"
	"sync"
	"time"
)

// What a process may ask of DingTalk at once, and in a second of each API: most
// organisations have 20 (page call-frequency-limit). The second is a little longer than
// one, as calls do not all travel equally fast.
const (
	callsAtOnce = 16
	callsFull   = 20
	callsSecond = 1050 * time.Millisecond
	callsWait   = 5 * time.Second // how long a call waits for its turn
)

// calls lets the calls of all sign-ins of an app go, some at a time and some a second.
type calls struct {
	atOnce chan struct{}

	mu   sync.Mutex
	apis map[string]*pace
}

func newCalls() *calls {
	return &calls{atOnce: make(chan struct{}, callsAtOnce), apis: make(map[string]*pace)}
}

// turn waits for the turn of a call of that API. done must be called with what became of
// the call. It fails with errBusy.
func (c *calls) turn(ctx context.Context, api string) (done func(refused bool), err error) {
	c.mu.Lock()
	p := c.apis[api]
	if p == nil {
		p = &pace{next: make(chan struct{}, 1), limit: callsFull}
		c.apis[api] = p
	}
	c.mu.Unlock()

	ctx, cancel := context.WithTimeout(ctx, callsWait)
	defer cancel()
	if !p.wait(ctx, c.atOnce) {
		return nil, &Error{Code: CodeBusy, RetryAfter: retryBusy}
	}
	return func(refused bool) {
		<-c.atOnce
		if refused {
			p.slower(time.Now())
		}
	}, nil
}

// pace is the rate of one API. Who waits stands in a line: the channel holds the one at
// its front, and channels serve those that wait in their order.
type pace struct {
	next chan struct{}

	mu     sync.Mutex
	recent []time.Time // calls within the last second, the oldest first
	limit  int         // of calls in a second
	raised time.Time   // when the limit was last changed
}

func (p *pace) wait(ctx context.Context, atOnce chan struct{}) bool {
	select {
	case p.next <- struct{}{}:
		defer func() { <-p.next }()
	case <-ctx.Done():
		return false
	}
	select {
	case atOnce <- struct{}{}:
	case <-ctx.Done():
		return false
	}
	for {
		wait := p.take(time.Now())
		if wait <= 0 {
			return true
		}
		select {
		case <-time.After(wait):
		case <-ctx.Done():
			<-atOnce
			return false
		}
	}
}

// take notes a call that may go now, or returns how long it has to wait.
func (p *pace) take(now time.Time) time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.recover(now)
	for len(p.recent) > 0 && now.Sub(p.recent[0]) >= callsSecond {
		p.recent = p.recent[1:]
	}
	if len(p.recent) < p.limit {
		p.recent = append(p.recent, now)
		return 0
	}
	return callsSecond - now.Sub(p.recent[len(p.recent)-p.limit])
}

// recover raises a limit that was lowered by one a second.
func (p *pace) recover(now time.Time) {
	if steps := int(now.Sub(p.raised) / time.Second); p.limit < callsFull && steps > 0 {
		p.limit = min(p.limit+steps, callsFull)
		p.raised = p.raised.Add(time.Duration(steps) * time.Second)
	}
}

// slower halves the rate after DingTalk has refused it, once for all the calls that were
// under way together.
func (p *pace) slower(now time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.limit < callsFull && now.Sub(p.raised) < time.Second/4 {
		return
	}
	p.recover(now)
	p.limit, p.raised = max(p.limit/2, 1), now
}

// How many invalid codes one client may send, and who one client is.
const (
	invalidLimit    = 30
	invalidInterval = time.Minute
	clientLimit     = 10_000
)

// attempts bounds the invalid codes of each client address. An attempt takes one of its
// client's places, and gives it back unless its code was invalid: so never more are under
// way than may still be invalid. An office behind one address, which sends good codes, has
// as many places as DingTalk lets through; at worst it waits for one.
type attempts struct {
	mu  sync.Mutex
	all map[netip.Prefix]*tally
}

// tally is that of one client. All but its places is guarded by the lock of attempts.
type tally struct {
	places  chan struct{} // taken by attempts under way, and by invalid codes
	full    chan struct{} // closed when invalid codes have taken all
	present int           // attempts under way or waiting
	invalid int           // codes
	since   time.Time     // the first of them
}

// network takes the addresses of one IPv6 network for one client: everybody has many.
func network(ip netip.Addr) netip.Prefix {
	ip = ip.Unmap()
	bits := ip.BitLen()
	if ip.Is6() {
		bits = 64
	}
	p, _ := ip.WithZone("").Prefix(bits)
	return p
}

// try makes an attempt as soon as its client has a place for it. Where it gets none it
// fails with CodeTooMany, or with CodeBusy if that was only for now.
func (a *attempts) try(ctx context.Context, ip netip.Addr, attempt func() *Error) (failure *Error) {
	address := network(ip)
	t, full := a.enter(address, time.Now())
	placed := false
	defer func() {
		a.leave(address, t, placed, placed && failure != nil && failure.Code == CodeInvalid, time.Now())
	}()
	waiting, cancel := context.WithTimeout(ctx, callsWait)
	defer cancel()
	select {
	case t.places <- struct{}{}:
		placed = true
		return attempt()
	case <-full:
		return &Error{Code: CodeTooMany, RetryAfter: a.rest(t, time.Now())}
	case <-waiting.Done():
		return &Error{Code: CodeBusy, RetryAfter: retryBusy}
	}
}

// enter returns the client at an address, and what is closed when it has sent too many.
func (a *attempts) enter(address netip.Prefix, now time.Time) (t *tally, full chan struct{}) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if t = a.all[address]; t == nil {
		a.makeRoom(now)
		t = &tally{places: make(chan struct{}, invalidLimit), full: make(chan struct{})}
		a.all[address] = t
	} else if t.over(now) {
		t.forgive()
	}
	t.present++
	return t, t.full
}

// forgive gives back what the invalid codes of a minute took.
func (t *tally) forgive() {
	for range t.invalid {
		<-t.places
	}
	if t.invalid == invalidLimit {
		t.full = make(chan struct{})
	}
	t.invalid = 0
}

// leave ends an attempt, which had a place or none.
func (a *attempts) leave(address netip.Prefix, t *tally, placed, invalid bool, now time.Time) {
	a.mu.Lock()
	defer a.mu.Unlock()
	t.present--
	switch {
	case invalid:
		if t.invalid++; t.invalid == 1 {
			t.since = now
		}
		if t.invalid == invalidLimit {
			close(t.full)
		}
	case placed:
		<-t.places
	}
	if t.present == 0 && t.invalid == 0 && a.all[address] == t {
		delete(a.all, address)
	}
}

// rest is how long a client that has sent too many has to wait.
func (a *attempts) rest(t *tally, now time.Time) time.Duration {
	a.mu.Lock()
	defer a.mu.Unlock()
	return max(invalidInterval-now.Sub(t.since), time.Second)
}

// over tells whether the minute of the client's invalid codes is over.
func (t *tally) over(now time.Time) bool {
	return t.invalid > 0 && now.Sub(t.since) >= invalidInterval
}

// makeRoom bounds what strangers can make us remember.
func (a *attempts) makeRoom(now time.Time) {
	if a.all == nil {
		a.all = make(map[netip.Prefix]*tally)
	}
	if len(a.all) < clientLimit {
		return
	}
	for address, t := range a.all {
		if t.present == 0 && t.over(now) {
			delete(a.all, address)
		}
	}
	if len(a.all) >= clientLimit {
		clear(a.all)
	}
}
