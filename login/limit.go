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

// attempts counts the invalid codes of each client address.
type attempts struct {
	mu  sync.Mutex
	all map[netip.Prefix]*tally
}

type tally struct {
	count int
	since time.Time
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

// wait returns for how long the client has to wait, 0 if it may try.
func (a *attempts) wait(ip netip.Addr, now time.Time) time.Duration {
	a.mu.Lock()
	defer a.mu.Unlock()
	t := a.all[network(ip)]
	if t == nil || t.count < invalidLimit {
		return 0
	}
	return max(invalidInterval-now.Sub(t.since), 0)
}

// invalid counts an invalid code.
func (a *attempts) invalid(ip netip.Addr, now time.Time) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.all == nil {
		a.all = make(map[netip.Prefix]*tally)
	}
	if len(a.all) >= clientLimit {
		for p, t := range a.all {
			if now.Sub(t.since) >= invalidInterval {
				delete(a.all, p)
			}
		}
		if len(a.all) >= clientLimit {
			clear(a.all)
		}
	}
	t := a.all[network(ip)]
	if t == nil || now.Sub(t.since) >= invalidInterval {
		t = &tally{since: now}
		a.all[network(ip)] = t
	}
	t.count++
}
