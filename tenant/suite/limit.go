package suite

import (
	"context"
	"errors"
	"sync"
	"time"
)

// What a process may ask of DingTalk.
const (
	callsPerSecond   = 20
	maxQueue         = 10 * callsPerSecond // calls that wait for their turn
	lookupsPerMinute = 60                  // for corps that nobody knows
)

var errQueue = errors.New("too many calls of DingTalk are waiting in this process")

// pace spaces calls.
type pace struct {
	mu   sync.Mutex
	next time.Time
}

// wait waits for the next turn.
func (p *pace) wait(ctx context.Context) error {
	const gap = time.Second / callsPerSecond
	p.mu.Lock()
	now := time.Now()
	turn := p.next
	if turn.Before(now) {
		turn = now
	}
	if turn.Sub(now) > maxQueue*gap {
		p.mu.Unlock()
		return errQueue
	}
	p.next = turn.Add(gap)
	p.mu.Unlock()
	if !turn.After(now) {
		return nil
	}
	timer := time.NewTimer(turn.Sub(now))
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// budget admits so much in a minute, which begins with the first.
type budget struct {
	limit int

	mu    sync.Mutex
	since time.Time
	used  int
}

func (b *budget) admit(now time.Time) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if now.Sub(b.since) >= time.Minute {
		b.since, b.used = now, 0
	}
	b.used++
	return b.used <= b.limit
}
