// Package tokens keeps one access token and one jsapi_ticket per app for a
// whole fleet: in memory, behind it in a shared storage, behind that at
// DingTalk. It fetches ahead of expiry, one fetch at a time, and goes on with
// what it has when storage or DingTalk fails.
package tokens

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"
)

// Token is an access token or a jsapi_ticket.
type Token struct {
	Value   string    `json:"value"`
	Fetched time.Time `json:"fetched"`
	Expires time.Time `json:"expires"`
	// Ends is when the value dies at the latest, however often it is prolonged.
	Ends time.Time `json:"ends,omitzero"`

	renew time.Time // from then on a use of the token starts its renewal; zero once DingTalk has refused it
}

// String tells of the token without its value.
func (t Token) String() string { return "token until " + t.Expires.Format(time.RFC3339) }

// Format prints the token without its value, whatever the verb.
func (t Token) Format(w fmt.State, _ rune) { _, _ = io.WriteString(w, t.String()) }

const (
	maxLifetime  = 2 * time.Hour  // what DingTalk grants, whatever it says
	saneLifetime = 24 * time.Hour // beyond it a lifetime is absurd
	// valueLifetime is how long DingTalk prolongs a value, whatever lifetime it
	// announces: a ticket lives at most 24 hours from its creation.
	valueLifetime = 24 * time.Hour
	badLifetime   = time.Minute // what counts in place of a missing or absurd one
	// shortLifetime is what counts in place of a shorter one, so that DingTalk is
	// not asked each second because it says so: its renewal is due after a minute.
	shortLifetime = 66 * time.Second

	// MaxSkew is how far the clocks of a fleet may differ: as much as renewal is
	// ahead, so that no token is used beyond its end.
	MaxSkew = 10 * time.Minute
)

// newToken returns a token that DingTalk issued at the time now for the given
// lifetime, which is 0 where DingTalk named none.
func newToken(value string, now time.Time, lifetime time.Duration) *Token {
	if lifetime <= 0 || lifetime > saneLifetime {
		lifetime = badLifetime
	} else {
		lifetime = min(max(lifetime, shortLifetime), maxLifetime)
	}
	t := &Token{Value: value, Fetched: now, Expires: now.Add(lifetime), Ends: now.Add(valueLifetime)}
	t.setRenew()
	return t
}

// setRenew plans the renewal for ten minutes before the end of two hours
// (DingTalk, server-api-calling-guide) and in proportion for shorter lives.
func (t *Token) setRenew() {
	t.renew = t.Expires.Add(-t.Expires.Sub(t.Fetched) / 12)
}

// prolongs cuts the life of a token that has the value of u, which is older, to
// the end of that value. It is not worth asking for another before it: DingTalk
// would give the same. One that lives on beyond its end is asked for each minute.
func (t *Token) prolongs(u *Token, now time.Time) {
	if u == nil || u.Value != t.Value {
		return
	}
	if u.Ends.Before(t.Ends) {
		t.Ends = u.Ends
	}
	switch latest := now.Add(shortLifetime); {
	case t.Ends.After(now) && t.Ends.Before(t.Expires):
		t.Expires, t.renew = t.Ends, t.Ends
	case !t.Ends.After(now) && t.Expires.After(latest):
		t.Expires = latest
		t.renew = now.Add(shortLifetime * 11 / 12)
	}
}

// valid reports whether DingTalk should still accept the token.
func (t *Token) valid(now time.Time) bool { return t != nil && !come(t.Expires, now) }

// due reports whether the token should be renewed.
func (t *Token) due(now time.Time) bool { return come(t.renew, now) }

// come reports whether a time has come by either clock: the monotonic one stands
// still while the machine is suspended, and the one on the wall may be set back.
func come(t, now time.Time) bool { return !now.Before(t) || !now.Round(0).Before(t.Round(0)) }

// refused reports whether DingTalk has refused the token.
func (t *Token) refused() bool { return t != nil && t.renew.IsZero() }

// young reports whether the token was fetched just now, by the clocks on the wall.
func (t *Token) young(now time.Time) bool {
	age := now.Round(0).Sub(t.Fetched)
	return age >= 0 && age <= rejectedAge
}

// newer reports whether t was fetched after u, by the clocks on the wall: those
// are all that the processes of a fleet have in common.
func (t *Token) newer(u *Token) bool { return u == nil || t.Fetched.Round(0).After(u.Fetched) }

// follow makes t, which was fetched while u was held, newer than u. It is not by
// itself where the clock has been set back, or another one that is ahead of ours
// has dated u.
func (t *Token) follow(u *Token) {
	if !t.newer(u) && u.Fetched.Sub(t.Fetched.Round(0)) <= MaxSkew {
		t.Fetched = u.Fetched.Add(1)
	}
}

const (
	maxValue  = 512     // far above what DingTalk issues: 32 to 90 bytes
	maxRecord = 4 << 10 // far above a stored token
)

// usable tells whether a value can be a token: what RFC 6750, section 2.1, calls a
// b64token. DingTalk's are letters and digits, with - and _ in tickets. Anything
// else could end a header, or be read as another part of what is hashed.
func usable(value string) bool {
	core := strings.TrimRight(value, "=")
	return core != "" && len(value) <= maxValue && !strings.ContainsFunc(core, func(c rune) bool {
		return !(c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || strings.ContainsRune("-._~+/", c))
	})
}

var (
	errIssued = errors.New("the value that DingTalk gave cannot be a token")
	errStored = errors.New("the stored token is not usable")
	errFuture = errors.New("the stored token is dated more than 10 minutes ahead: set the clocks of all machines that share the storage, best by NTP")
)

// decode reads a token as another process stored it. Its clock may differ, its
// write may have been cut off, and others may write there, so nothing is believed
// that cannot be true.
func decode(data []byte, now time.Time) (*Token, error) {
	if len(data) > maxRecord {
		return nil, errStored
	}
	t := new(Token)
	if err := json.Unmarshal(data, t); err != nil {
		return nil, errStored // the cause would quote the data
	}
	lifetime := t.Expires.Sub(t.Fetched)
	if !usable(t.Value) || lifetime <= 0 || lifetime > saneLifetime {
		return nil, errStored
	}
	if t.Fetched.After(now.Add(MaxSkew)) {
		return nil, errFuture
	}
	if t.Ends.IsZero() {
		t.Ends = t.Fetched.Add(valueLifetime)
	}
	// From here on the process goes by its own clock, whatever the wall's does.
	left := func(end time.Time) time.Duration { return end.Sub(now.Round(0)) }
	t.Expires = now.Add(min(left(t.Expires), maxLifetime))
	t.Ends = now.Add(min(left(t.Ends), valueLifetime))
	t.setRenew()
	if !t.Expires.Before(t.Ends) {
		t.renew = t.Expires // as prolongs does
	}
	return t, nil
}
