package tokens

import (
	"errors"
	"math/rand/v2"
	"sync"
	"time"
)

// state is how an app has fared with DingTalk lately.
type state struct {
	mu        sync.Mutex
	failures  int
	next      time.Time // no fetch before this time
	err       error     // the failure that the app is in, nil if none
	storage   bool      // the storage is failing
	waited    bool      // a page has waited in vain since the last success
	suspected time.Time // when a ticket was last suspected
}

const (
	firstDelay   = 2 * time.Second
	longestDelay = 25 * time.Second // recovery within 30 s of a fault's end
	limitedDelay = time.Minute      // after a rate limit
	suspectDelay = time.Minute
)

// limited is an error that asks for a longer pause.
type limited interface {
	error
	RateLimited() bool
}

// classed is an error that tells its class, so that the same failure with
// another wording is not logged again.
type classed interface {
	error
	Class() string
}

func class(err error) string {
	var c classed
	if errors.As(err, &c) {
		return c.Class()
	}
	if err == nil {
		return ""
	}
	return err.Error()
}

// due reports whether a fetch may be tried.
func (s *state) due(now time.Time) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return !now.Before(s.next)
}

// trouble returns the failure that the app is in, and the time until the next
// try. Pages do not wait while it is not nil.
func (s *state) trouble(now time.Time) (error, time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	err := s.err
	if err == nil && s.waited {
		err = errSlow
	}
	return err, max(s.next.Sub(now), 0)
}

func (s *state) waitedInVain() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.waited = true
}

// failed notes a failure and reports whether it is a new one.
func (s *state) failed(err error, now time.Time) (isNew bool, delay time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	isNew = class(err) != class(s.err)
	s.err = err
	delay = min(firstDelay<<min(s.failures, 8), longestDelay)
	s.failures++
	var l limited
	if errors.As(err, &l) && l.RateLimited() {
		delay = limitedDelay
	}
	// Up to a fifth less, so that a fleet does not come back all at once.
	delay -= time.Duration(rand.Int64N(int64(delay) / 5))
	s.next = now.Add(delay)
	return isNew, delay
}

// succeeded ends a failure and reports whether there was one.
func (s *state) succeeded() (recovered bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	recovered = s.err != nil
	s.failures, s.err, s.next, s.waited = 0, nil, time.Time{}, false
	return recovered
}

// storageFails notes how the storage does and reports whether that is new.
func (s *state) storageFails(failing bool) (isNew bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	isNew = s.storage != failing
	s.storage = failing
	return isNew
}

// suspect reports whether a suspicion may be followed now.
func (s *state) suspect(now time.Time) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.suspected.IsZero() && now.Sub(s.suspected) < suspectDelay {
		return false
	}
	s.suspected = now
	return true
}
