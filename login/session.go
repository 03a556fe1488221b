package login

import (
	"crypto/rand"
	"encoding/binary"
	"errors"
	"slices"
	"time"
)

// Lifetimes bound a session: from sign-in to its end, and from one use to the next.
type Lifetimes struct{ Absolute, Idle time.Duration }

// skew is how far the clocks of a fleet may differ.
const skew = 60 * time.Second

// ID names a session. Every sign-in makes a new one.
type ID [16]byte

// Session is one sign-in. Times are unix milliseconds.
type Session struct {
	ID     ID
	Issued int64 // when the user signed in
	Seen   int64 // when it was sealed, at most a tenth of the idle time before its last use
	Until  int64 // its end, come what may
	User   User
	Framed bool // the page that signed in runs in a frame of another site
	Stale  bool // sealed with a key that is no longer the first
}

// NewSession begins a session.
func NewSession(u User, now time.Time, life Lifetimes) *Session {
	s := &Session{Issued: now.UnixMilli(), Seen: now.UnixMilli(), Until: now.Add(life.Absolute).UnixMilli(), User: u}
	_, _ = rand.Read(s.ID[:]) // never fails
	return s
}

// Expires is the end of the session in unix seconds.
func (s *Session) Expires() int64 { return s.Until / 1000 }

// lives tells whether a session is neither over nor from a time to come. The lifetimes
// are those of the configuration now, which may be shorter than they were at sign-in.
func (s *Session) lives(now time.Time, life Lifetimes) bool {
	ms := now.UnixMilli()
	end := min(s.Until, s.Issued+life.Absolute.Milliseconds(), s.Seen+life.Idle.Milliseconds())
	return ms < end+skew.Milliseconds() && s.Seen <= ms+skew.Milliseconds() && s.Issued <= s.Seen
}

// ahead is by how much a session is dated after now. Beyond the skew a clock of the fleet is
// wrong: nobody else seals sessions.
func (s *Session) ahead(now time.Time) time.Duration { return time.UnixMilli(s.Seen).Sub(now) }

// Due tells whether the session is to be sealed anew: a tenth of the idle time has
// passed, or its key has been followed by another.
func (s *Session) Due(now time.Time, life Lifetimes) bool {
	return s.Stale || now.UnixMilli()-s.Seen >= life.Idle.Milliseconds()/10
}

// ErrTooLarge says that the user has so many departments that no cookie holds them.
var ErrTooLarge = errors.New("sealing the session: the departments above the user do not fit into a cookie of 2 KiB")

// Seal returns the value of the session's cookie. What does not fit is left out, and is
// unknown from then on: avatar, title, job number, then the own departments; those of the
// rules stay, or nobody could say what the user may see.
func (k *Keys) Seal(s *Session) (string, error) {
	for _, leave := range []func(*User){
		func(*User) {},
		func(u *User) { u.Avatar = "" },
		func(u *User) { u.Title = "" },
		func(u *User) { u.JobNumber = "" },
		func(u *User) { u.Departments = nil },
	} {
		leave(&s.User)
		plain := s.append(nil)
		if (overhead+len(plain))*4/3+2 <= maxValue {
			return k.session[0].seal(plain), nil
		}
	}
	return "", ErrTooLarge
}

// Open returns the session in a cookie's value, whether it lives or not; nil for what is
// too long, foreign or altered.
func (k *Keys) Open(value string) *Session {
	plain, first, ok := open(k.session, value)
	if !ok {
		return nil
	}
	s, ok := parse(plain)
	if !ok {
		return nil
	}
	s.Stale = !first
	return s
}

// layout is the first byte of a sealed session: what follows, and how.
const layout = 1

// flags of a session.
const (
	flagAdmin = 1 << iota
	flagFramed
	flagDepartments
	flagWithin
)

func (s *Session) append(b []byte) []byte {
	flags := byte(0)
	for _, f := range []struct {
		set bool
		bit byte
	}{
		{s.User.Admin, flagAdmin}, {s.Framed, flagFramed},
		{s.User.Departments != nil, flagDepartments}, {s.User.Within != nil, flagWithin},
	} {
		if f.set {
			flags |= f.bit
		}
	}
	b = append(b, layout, flags)
	b = append(b, s.ID[:]...)
	for _, t := range []int64{s.Issued, s.Seen - s.Issued, s.Until - s.Issued} {
		b = binary.AppendVarint(b, t)
	}
	for _, text := range s.User.texts() {
		b = append(binary.AppendUvarint(b, uint64(len(*text))), *text...)
	}
	if s.User.Departments != nil {
		b = appendList(b, s.User.Departments)
	}
	if s.User.Within != nil {
		b = appendList(b, s.User.Within)
	}
	return b
}

func (u *User) texts() [8]*string {
	return [...]*string{&u.UserID, &u.UnionID, &u.OpenID, &u.Name, &u.CorpID, &u.Title, &u.JobNumber, &u.Avatar}
}

// appendList writes numbers as their distances: those of one organisation are close.
func appendList(b []byte, numbers []int64) []byte {
	b = binary.AppendUvarint(b, uint64(len(numbers)))
	last := int64(0)
	for _, n := range numbers {
		b = binary.AppendVarint(b, n-last)
		last = n
	}
	return b
}

// parse reads what append has written. It is sealed, so a fault in it is one of ours.
func parse(b []byte) (*Session, bool) {
	if len(b) < 2+len(ID{}) || b[0] != layout {
		return nil, false
	}
	s := new(Session)
	flags := b[1]
	s.User.Admin, s.Framed = flags&flagAdmin != 0, flags&flagFramed != 0
	r := reader{rest: b[2+copy(s.ID[:], b[2:]):]}
	s.Issued = r.number()
	s.Seen = s.Issued + r.number()
	s.Until = s.Issued + r.number()
	r.all = string(r.rest) // one text, of which all others are parts
	for _, text := range s.User.texts() {
		*text = r.text()
	}
	if flags&flagDepartments != 0 {
		s.User.Departments = r.list()
	}
	if flags&flagWithin != 0 {
		s.User.Within = r.list()
	}
	return s, !r.failed && len(r.rest) == 0
}

type reader struct {
	rest   []byte
	all    string // what the rest was when the texts began
	failed bool
}

func (r *reader) number() int64 {
	n, size := binary.Varint(r.rest)
	return r.took(n, size)
}

func (r *reader) count() int {
	n, size := binary.Uvarint(r.rest)
	if n > uint64(len(r.rest)) {
		size = 0
	}
	return int(r.took(int64(n), size))
}

func (r *reader) took(n int64, size int) int64 {
	if size <= 0 {
		r.failed, r.rest = true, nil
		return 0
	}
	r.rest = r.rest[size:]
	return n
}

func (r *reader) text() string {
	n := r.count()
	if n > len(r.rest) {
		r.failed, r.rest = true, nil
		return ""
	}
	at := len(r.all) - len(r.rest)
	r.rest = r.rest[n:]
	return r.all[at : at+n]
}

func (r *reader) list() []int64 {
	n := r.count()
	if n > len(r.rest) {
		r.failed, r.rest = true, nil
		return nil
	}
	numbers := make([]int64, n)
	last := int64(0)
	for i := range numbers {
		last += r.number()
		numbers[i] = last
	}
	return numbers
}

// MayBe tells whether the session can answer for those departments at all: where
// DingTalk was never asked, the user has to sign in again.
func (s *Session) answersFor(departments []int64) bool {
	return len(departments) == 0 || s.User.Within != nil
}

// within tells whether the user is in one of the departments, or below it.
func (u *User) within(departments []int64) bool {
	return slices.ContainsFunc(departments, func(d int64) bool { return slices.Contains(u.Within, d) })
}
