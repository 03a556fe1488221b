package alert

import (
	"context"
	"sync"
	"time"
)

// endings lets a shutdown cut short what is under way.
type endings struct {
	mu     sync.Mutex
	ctx    context.Context // of the shutdown, nil before
	cancel func()          // of the try that is under way, nil if there is none
}

// flight notes the try that is under way; what it returns must be called after it.
func (e *endings) flight(cancel func()) (landed func()) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.cancel = cancel
	if e.ctx != nil {
		context.AfterFunc(e.ctx, cancel)
	}
	return func() {
		e.mu.Lock()
		defer e.mu.Unlock()
		e.cancel = nil
	}
}

// end begins the shutdown that ctx bounds: the try that is under way has a second
// to end, because it may well be shown.
func (s *sender) end(ctx context.Context) {
	s.ending.mu.Lock()
	s.ending.ctx = ctx
	flying := s.ending.cancel
	s.ending.mu.Unlock()
	if flying != nil {
		time.AfterFunc(flightTime, flying)
	}
}

// rest is the time that is left for the last message.
func (e *endings) rest() (context.Context, context.CancelFunc) {
	e.mu.Lock()
	defer e.mu.Unlock()
	return context.WithCancel(e.ctx)
}
