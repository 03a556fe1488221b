package tokens

import (
	"errors"
	"math/rand/v2"
	"sync"
	"time"
)

// state is how an app has fared with DingTalk lately.
type state struct {
	mu     sync.Mutex
	flying bool     // a renewal is under way
	waited bool     // a page has waited in vain since the last success
	past   *history // nil where there is none: a process holds many apps, and most of them are well
}

// history is what an app remembers of failures and refusals.
type history struct {
	access    bool // the failure is that there is no access token
	failures  uint8
	look      time.Time  // no look into the storage before this time
	next      time.Time  // no call of DingTalk before this time
	err       error      // the failure that the app is in, nil if none
	suspicion *suspicion // the last one that was followed, nil if none
	accused   *Token     // the ticket of it, as it was before
	refused   time.Time  // until when access tokens given up for being refused count, each for rejectedAge
}

const (
	firstDelay   = 2 * time.Second
	longestDelay = 22 * time.Second // recovery within 30 s of a fault's end, a call that hangs for 5 s and a storage that hangs for ReadTime included
	limitedDelay = time.Minute      // after a rate limit, at least
	// limitedSpread keeps a fleet from coming back all at once then.
	limitedSpread = time.Second
	lookDelay     = 2 * time.Second // others may have been luckier with DingTalk
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

// due reports whether a renewal may be started.
func (s *state) due(now time.Time) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return !s.flying && !now.Before(s.of().look)
}

// renewing reports whether a renewal is under way.
func (s *state) renewing() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.flying
}

// mayRenew reports whether a renewal is under way, or may be started.
func (s *state) mayRenew(now time.Time) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.flying || !now.Before(s.of().look)
}

// trouble returns the time until DingTalk is asked again and the failure that the
// app is in. Pages do not wait while there is one.
func (s *state) trouble(now time.Time) (retry time.Duration, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	err = s.of().err
	if err == nil && s.waited {
		err = errSlow
	}
	return max(s.of().next.Sub(now), 0), err
}

// waitedInVain notes that a page has given up waiting for the renewal that is
// under way. One that has ended since was not in vain.
func (s *state) waitedInVain() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.waited = s.waited || s.flying
}

func (s *state) started() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.flying = true
}

// paused ends a renewal that comes too early to ask DingTalk: it returns the
// failure that the app is in. It returns nil where DingTalk may be asked.
func (s *state) paused(now time.Time) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	p := s.remember()
	if !now.Before(p.next) {
		return nil
	}
	s.flying = false
	p.look = now.Add(min(p.next.Sub(now), lookDelay)) // the storage is cheaper to ask, and sooner
	return p.err
}

// failed notes a failure and reports whether it is a new one.
func (s *state) failed(err error, now time.Time) (isNew bool, delay time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	p := s.remember()
	isNew = class(err) != class(p.err)
	var access *accessError
	p.err, p.access = err, errors.As(err, &access)
	// Up to a fifth less, so that a fleet does not come back all at once.
	delay = min(firstDelay<<min(p.failures, 8), longestDelay)
	delay -= rand.N(delay / 5)
	p.failures += min(1, 255-p.failures)
	var l limited
	if errors.As(err, &l) && l.RateLimited() {
		delay = limitedDelay + rand.N(limitedSpread)
	}
	p.next = now.Add(delay)
	p.look = now.Add(min(delay, lookDelay))
	return isNew, delay
}

// landed ends a renewal without success.
func (s *state) landed() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.flying = false
}

// accessPaused returns why there is no access token, if DingTalk is not to be
// asked for one again yet.
func (s *state) accessPaused(now time.Time) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.of().access && now.Before(s.of().next) {
		return s.of().err
	}
	return nil
}

// accessWorks ends a failure for want of an access token, and reports whether
// there was one.
func (s *state) accessWorks() (recovered bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.of().access {
		return false
	}
	s.recover()
	return true
}

// refuseAccess reports whether an access token is to be given up for being refused: once
// in ten seconds, and once more ahead of that, as the new one may be ended like the old.
func (s *state) refuseAccess(now time.Time) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	p := s.remember()
	if p.refused.Sub(now) > rejectedAge {
		return false
	}
	if p.refused.Before(now) {
		p.refused = now
	}
	p.refused = p.refused.Add(rejectedAge)
	return true
}

// recover ends the failure. What was suspect or refused stays known.
func (s *state) recover() {
	p := s.past
	switch {
	case p == nil:
	case p.suspicion == nil && p.accused == nil && p.refused.IsZero():
		s.past = nil
	default:
		p.failures, p.access, p.err, p.next, p.look = 0, false, nil, time.Time{}, time.Time{}
	}
}

// calm is the history of an app that has none; it is never changed.
var calm history

// of returns what is remembered, to be read.
func (s *state) of() *history {
	if s.past == nil {
		return &calm
	}
	return s.past
}

// remember returns what is remembered, to be changed.
func (s *state) remember() *history {
	if s.past == nil {
		s.past = new(history)
	}
	return s.past
}

// succeeded ends a failure and reports whether there was one.
func (s *state) succeeded() (recovered bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	recovered = s.of().err != nil
	s.flying, s.waited = false, false
	s.recover()
	return recovered
}

// suspect reports whether a suspicion of that ticket is to be followed now.
func (s *state) suspect(t *Token, now time.Time) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	p := s.remember()
	if p.suspicion.rests(t, now) {
		return false
	}
	p.suspicion = &suspicion{Asked: now, Ticket: fingerprint(t), Again: p.suspicion.again(t)}
	p.accused = t
	return true
}

// accusedAs returns the ticket that is held as suspect as it was before, nil where
// it is not held for that, or due for renewal by itself.
func (s *state) accusedAs(held *Token, now time.Time) *Token {
	s.mu.Lock()
	defer s.mu.Unlock()
	t := s.of().accused
	if t == nil || held == nil || t.Value != held.Value || !t.Fetched.Equal(held.Fetched) || t.due(now) {
		return nil
	}
	return t
}

// suspicionOf returns the last suspicion that was followed, nil if none.
func (s *state) suspicionOf() *suspicion {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.of().suspicion
}

// asked notes when DingTalk was asked on suspicion, here or by another process.
func (s *state) asked(now *suspicion) {
	s.mu.Lock()
	defer s.mu.Unlock()
	p := s.remember()
	p.suspicion, p.accused = now, nil
}

// standing returns the failure that the app is in and the time until DingTalk is
// asked again.
func (s *state) standing(now time.Time) (retry time.Duration, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return max(s.of().next.Sub(now), 0), s.of().err
}

// forgive lets DingTalk be asked at once: somebody has mended something.
func (s *state) forgive() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if p := s.past; p != nil {
		p.next, p.look, p.accused = time.Time{}, time.Time{}, nil
	}
}

// absolve ends the failure, though nothing has succeeded yet.
func (s *state) absolve() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.waited = false
	s.recover()
}
