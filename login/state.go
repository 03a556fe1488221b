package login

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"
)

// The state of an OAuth2 attempt lives in a cookie of its own, so that tabs do not
// disturb each other and any process of a fleet can take the answer: 256 random bits go
// to DingTalk, their hash stays here, sealed with the place to come back to.
const (
	stateLife  = 10 * time.Minute
	stateLimit = 5 // attempts that a browser may have under way
	stateSize  = 32
)

// Attempt is an OAuth2 sign-in that has begun.
type Attempt struct {
	State string // for DingTalk
	To    string // where to go after it
}

// begin starts an attempt and writes its cookie. Of the attempts under way the oldest
// end beyond the limit.
func (k *Keys) begin(request, response http.Header, c Cookies, to string, secure bool, now time.Time) Attempt {
	var random [stateSize]byte
	_, _ = rand.Read(random[:]) // never fails
	a := Attempt{State: base64.RawURLEncoding.EncodeToString(random[:]), To: to}

	kept := k.underWay(request, c, secure, now)
	for ; len(kept) >= stateLimit; kept = kept[1:] {
		k.end(response, c, kept[0].name, secure)
	}
	hash := sha256.Sum256([]byte(a.State))
	plain := append(hash[:], binary.BigEndian.AppendUint64(nil, uint64(now.UnixMilli()))...)
	cookie := c.base(stateName(c, hash, secure), k.state[0].seal(append(plain, to...)), secure)
	cookie.MaxAge = int(stateLife.Seconds())
	response.Add("Set-Cookie", cookie.String())
	return a
}

// finish returns where the attempt with that state began, and ends its cookie. It fails
// where this browser has not begun it, or too long ago.
func (k *Keys) finish(request, response http.Header, c Cookies, state string, secure bool, now time.Time) (to string, ok bool) {
	hash := sha256.Sum256([]byte(state))
	name := stateName(c, hash, secure)
	value := Read(request, name)
	if value == "" {
		return "", false
	}
	k.end(response, c, name, secure)
	found, ok := k.openState(value, now)
	if !ok || found.hash != hash {
		return "", false
	}
	return found.to, true
}

func stateName(c Cookies, hash [sha256.Size]byte, secure bool) string {
	return c.Name(secure) + "-s-" + hex.EncodeToString(hash[:4])
}

func (k *Keys) end(response http.Header, c Cookies, name string, secure bool) {
	gone := c.base(name, "", secure)
	gone.MaxAge = -1
	response.Add("Set-Cookie", gone.String())
}

// openedState is what a state cookie holds.
type openedState struct {
	name string
	hash [sha256.Size]byte
	to   string
	at   int64
}

func (k *Keys) openState(value string, now time.Time) (openedState, bool) {
	plain, _, ok := open(k.state, value)
	if !ok || len(plain) < sha256.Size+8 {
		return openedState{}, false
	}
	s := openedState{
		hash: [sha256.Size]byte(plain),
		at:   int64(binary.BigEndian.Uint64(plain[sha256.Size:])),
		to:   string(plain[sha256.Size+8:]),
	}
	age := now.UnixMilli() - s.at
	return s, age >= -skew.Milliseconds() && age < stateLife.Milliseconds()
}

// underWay are the attempts of a browser, the oldest first. A cookie that does not open
// comes before all: it is of no use to anybody.
func (k *Keys) underWay(request http.Header, c Cookies, secure bool, now time.Time) []openedState {
	var all []openedState
	prefix := c.Name(secure) + "-s-"
	for _, line := range request["Cookie"] {
		for pair := range strings.SplitSeq(line, ";") {
			name, value := nameAndValue(pair)
			if !strings.HasPrefix(name, prefix) || len(name) != len(prefix)+8 {
				continue
			}
			s, ok := k.openState(value, now)
			if !ok {
				s.at = 0
			}
			s.name = name
			all = append(all, s)
		}
	}
	slices.SortFunc(all, func(a, b openedState) int { return int(min(max(a.at-b.at, -1), 1)) })
	return all
}

// once remembers for a while what must not be taken twice, as hashes. Two maps take
// turns, so that forgetting costs nothing: what is put in is known for life, and no
// longer than twice that.
type once struct {
	life time.Duration

	mu       sync.Mutex
	new, old map[[sha256.Size]byte]struct{}
	turned   time.Time
}

// onceLimit bounds what strangers can make us remember: then the older half goes early.
const onceLimit = 100_000

// take reports whether a value is taken for the first time.
func (o *once) take(value string, now time.Time) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	if age := now.Sub(o.turned); o.new == nil || age >= o.life || len(o.new) >= onceLimit {
		o.old = o.new
		if age >= 2*o.life {
			o.old = nil
		}
		o.new, o.turned = make(map[[sha256.Size]byte]struct{}), now
	}
	hash := sha256.Sum256([]byte(value))
	if _, seen := o.new[hash]; seen {
		return false
	}
	if _, seen := o.old[hash]; seen {
		return false
	}
	o.new[hash] = struct{}{}
	return true
}

// giveBack forgets a value that was not used after all.
func (o *once) giveBack(value string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	hash := sha256.Sum256([]byte(value))
	delete(o.new, hash)
	delete(o.old, hash)
}
