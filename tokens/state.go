package tokens

import (
	"errors"
	"math/rand/v2"
	"sync"
	"time"
)

// state is how an app has fared with DingTalk and the storage lately.
type state struct {
	mu        sync.Mutex
	flying    bool // a renewal is under way
	waited    bool // a page has waited in vain since the last success
	access    bool // the failure is that there is no access token
	storage   bool // the storage is failing
	smooth    bool // it has not failed since it was last tried
	failures  uint8
	look      time.Time  // no look into the storage before this time
	next      time.Time  // no call of DingTalk before this time
	err       error      // the failure that the app is in, nil if none
	suspicion *suspicion // the last one that was followed, nil if none
	accused   *Token     // the ticket of it, as it was before
	refused   time.Time  // when an access token was last given up for being refused
	rest      time.Time  // the storage hangs and is not read before this time
}

const (
	firstDelay   = 2 * time.Second
	longestDelay = 24 * time.Second // recovery within 30 s of a fault's end, a call that hangs on for 5 s included
	limitedDelay = time.Minute      // after a rate limit, at least
	// limitedSpread keeps a fleet from coming back all at once then.
	limitedSpread = time.Second
	lookDelay     = 2 * time.Second // others may have been luckier with DingTalk
	restDelay     = 30 * time.Second
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
	return !s.flying && !now.Before(s.look)
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
	return s.flying || !now.Before(s.look)
}

// trouble returns the time until DingTalk is asked again and the failure that the
// app is in. Pages do not wait while there is one.
func (s *state) trouble(now time.Time) (retry time.Duration, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	err = s.err
	if err == nil && s.waited {
		err = errSlow
	}
	return max(s.next.Sub(now), 0), err
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
	s.flying, s.smooth = true, true
}

// storageTried begins a reading and writing that tell whether the storage works.
func (s *state) storageTried() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.smooth = true
}

// paused ends a renewal that comes too early to ask DingTalk: it returns the
// failure that the app is in. It returns nil where DingTalk may be asked.
func (s *state) paused(now time.Time) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !now.Before(s.next) {
		return nil
	}
	s.flying = false
	s.look = now.Add(min(s.next.Sub(now), lookDelay)) // the storage is cheaper to ask, and sooner
	return s.err
}

// failed notes a failure and reports whether it is a new one.
func (s *state) failed(err error, now time.Time) (isNew bool, delay time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	isNew = class(err) != class(s.err)
	var access *accessError
	s.err, s.access = err, errors.As(err, &access)
	// Up to a fifth less, so that a fleet does not come back all at once.
	delay = min(firstDelay<<min(s.failures, 8), longestDelay)
	delay -= rand.N(delay / 5)
	s.failures += min(1, 255-s.failures)
	var l limited
	if errors.As(err, &l) && l.RateLimited() {
		delay = limitedDelay + rand.N(limitedSpread)
	}
	s.next = now.Add(delay)
	s.look = now.Add(min(delay, lookDelay))
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
	if s.access && now.Before(s.next) {
		return s.err
	}
	return nil
}

// accessWorks ends a failure for want of an access token, and reports whether
// there was one.
func (s *state) accessWorks() (recovered bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.access {
		return false
	}
	s.recover()
	return true
}

// refuseAccess reports whether an access token is to be given up for being refused.
func (s *state) refuseAccess(now time.Time) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.refused.IsZero() && now.Sub(s.refused) < rejectedAge {
		return false
	}
	s.refused = now
	return true
}

// recover ends the failure.
func (s *state) recover() {
	s.failures, s.access, s.err, s.next, s.look = 0, false, nil, time.Time{}, time.Time{}
}

// succeeded ends a failure and reports whether there was one.
func (s *state) succeeded() (recovered bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	recovered = s.err != nil
	s.flying, s.waited = false, false
	s.recover()
	return recovered
}

// storageFailed notes a failure of the storage and reports whether it is a new one.
func (s *state) storageFailed() (isNew bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	isNew = !s.storage
	s.storage, s.smooth = true, false
	return isNew
}

// storageServed ends a failure of the storage, if all went well since it was last
// tried, and reports whether there was one.
func (s *state) storageServed() (recovered bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	recovered = s.storage && s.smooth
	s.storage = s.storage && !s.smooth
	return recovered
}

// storageHangs lets the storage rest. Unlike one that fails at once, it would
// make each page wait.
func (s *state) storageHangs(now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.rest = now.Add(restDelay)
}

func (s *state) storageRests(now time.Time) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return now.Before(s.rest)
}

// suspect reports whether a suspicion of that ticket is to be followed now.
func (s *state) suspect(t *Token, now time.Time) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.suspicion.rests(t, now) {
		return false
	}
	s.suspicion = &suspicion{Asked: now, Ticket: fingerprint(t), Again: s.suspicion.again(t)}
	s.accused = t
	return true
}

// accusedAs returns the ticket that is held as suspect as it was before, nil where
// it is not held for that, or due for renewal by itself.
func (s *state) accusedAs(held *Token, now time.Time) *Token {
	s.mu.Lock()
	defer s.mu.Unlock()
	t := s.accused
	if t == nil || held == nil || t.Value != held.Value || !t.Fetched.Equal(held.Fetched) || t.due(now) {
		return nil
	}
	return t
}

// suspicionOf returns the last suspicion that was followed, nil if none.
func (s *state) suspicionOf() *suspicion {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.suspicion
}

// asked notes when DingTalk was asked on suspicion, here or by another process.
func (s *state) asked(now *suspicion) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.suspicion, s.accused = now, nil
}

// standing returns the failure that the app is in, the time until DingTalk is
// asked again, and whether the storage works.
func (s *state) standing(now time.Time) (retry time.Duration, storage bool, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return max(s.next.Sub(now), 0), !s.storage, s.err
}

// forgive lets DingTalk be asked at once: somebody has mended something.
func (s *state) forgive() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.next, s.look, s.rest = time.Time{}, time.Time{}, time.Time{}
	s.accused = nil
}
