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
	"time"
)

// Token is an access token or a jsapi_ticket.
type Token struct {
	Value   string    `json:"value"`
	Fetched time.Time `json:"fetched"`
	Expires time.Time `json:"expires"`

	renew time.Time // from then on a use of the token starts its renewal
}

// String tells of the token without its value.
func (t Token) String() string { return "token until " + t.Expires.Format(time.RFC3339) }

// Format prints the token without its value, whatever the verb.
func (t Token) Format(w fmt.State, _ rune) { _, _ = io.WriteString(w, t.String()) }

const (
	maxLifetime  = 2 * time.Hour  // what DingTalk grants, whatever it says
	saneLifetime = 24 * time.Hour // beyond it a lifetime is absurd
	badLifetime  = time.Minute    // what counts in place of a missing or absurd one

	// maxSkew is how far the clocks of a fleet may differ: as much as renewal is
	// ahead, so that no token is used beyond its end.
	maxSkew = 10 * time.Minute
)

// newToken returns a token that DingTalk issued at the time now for the given
// lifetime, which is 0 where DingTalk named none.
func newToken(value string, now time.Time, lifetime time.Duration) *Token {
	if lifetime <= 0 || lifetime > saneLifetime {
		lifetime = badLifetime
	}
	t := &Token{Value: value, Fetched: now, Expires: now.Add(min(lifetime, maxLifetime))}
	t.setRenew()
	return t
}

// setRenew plans the renewal for ten minutes before the end of two hours
// (DingTalk, server-api-calling-guide) and in proportion for shorter lives.
func (t *Token) setRenew() {
	t.renew = t.Expires.Add(-t.Expires.Sub(t.Fetched) / 12)
}

// valid reports whether DingTalk should still accept the token.
func (t *Token) valid(now time.Time) bool { return t != nil && now.Before(t.Expires) }

// due reports whether the token should be renewed.
func (t *Token) due(now time.Time) bool { return !now.Before(t.renew) }

// newer reports whether t was fetched after u, by the clocks on the wall: those
// are all that the processes of a fleet have in common.
func (t *Token) newer(u *Token) bool { return u == nil || t.Fetched.Round(0).After(u.Fetched) }

// follow makes t, which was fetched while u was held, newer than u. It is not by
// itself where the clock has been set back, or another one that is ahead of ours
// has dated u.
func (t *Token) follow(u *Token) {
	if !t.newer(u) && u.Fetched.Sub(t.Fetched.Round(0)) <= maxSkew {
		t.Fetched = u.Fetched.Add(1)
	}
}

var (
	errStored = errors.New("the stored token is not usable")
	errFuture = errors.New("the stored token is dated more than 10 minutes ahead: set the clocks of all machines that share the storage, best by NTP")
)

// decode reads a token as another process stored it. Its clock may differ and
// its write may have been cut off, so nothing is believed that cannot be true.
func decode(data []byte, now time.Time) (*Token, error) {
	t := new(Token)
	if err := json.Unmarshal(data, t); err != nil {
		return nil, errStored // the cause would quote the data
	}
	lifetime := t.Expires.Sub(t.Fetched)
	if t.Value == "" || lifetime <= 0 || lifetime > saneLifetime {
		return nil, errStored
	}
	if t.Fetched.After(now.Add(maxSkew)) {
		return nil, errFuture
	}
	if latest := now.Add(maxLifetime); t.Expires.After(latest) {
		t.Expires = latest
	}
	t.setRenew()
	return t, nil
}
