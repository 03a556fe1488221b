package login

import (
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"
)

var (
	life  = Lifetimes{Absolute: 12 * time.Hour, Idle: 4 * time.Hour}
	scope = Scope{CorpID: "dingcorp", AppKey: "dingkey", AgentID: "1234567890"}
	t0    = time.UnixMilli(1_800_000_000_000)
)

const (
	oldSecret = "0123456789abcdef0123456789abcdef"
	newSecret = "fedcba9876543210fedcba9876543210"
)

func keys(t testing.TB, secrets ...string) *Keys {
	t.Helper()
	k, err := NewKeys(secrets, scope)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func zhang() User {
	return User{
		UserID: "u%1", UnionID: "un1", Name: "张三 \"\\\n", CorpID: "dingcorp", Admin: true, Title: "经理", JobNumber: "007",
		Avatar: "https://static.example/a.png", Departments: []int64{11}, Within: []int64{1, 11},
	}
}

func sealed(t testing.TB, k *Keys, s *Session) string {
	t.Helper()
	value, err := k.Seal(s)
	if err != nil {
		t.Fatal(err)
	}
	return value
}

// opened is the session in a value, nil where none lives.
func opened(k *Keys, value string, at time.Time, life Lifetimes) *Session {
	if s := k.Open(value); s != nil && s.lives(at, life) {
		return s
	}
	return nil
}

func TestASessionComesBackAsItWasSealed(t *testing.T) {
	k := keys(t, oldSecret)
	for name, u := range map[string]User{
		"everything known": zhang(),
		"nothing known":    {CorpID: "dingcorp", OpenID: "op1"},
		"in no department": {UserID: "u", Within: []int64{}, Departments: []int64{}},
		"the whole range":  {UserID: "u", Departments: []int64{-1, 1, 1<<62 - 1, 5}},
	} {
		t.Run(name, func(t *testing.T) {
			s := NewSession(u, t0, life)
			s.Framed = true
			got := opened(k, sealed(t, k, s), t0, life)
			if !reflect.DeepEqual(got, s) {
				t.Errorf("opened %+v, sealed %+v", got, s)
			}
		})
	}
}

func TestWhatDoesNotFitIsLeftOutTheLongestOptionalFirst(t *testing.T) {
	k := keys(t, oldSecret)
	u := zhang()
	u.Avatar = strings.Repeat("a", 1600)
	for i := range int64(64) {
		u.Departments = append(u.Departments, 1_000_000_000+i*7919)
	}
	s := NewSession(u, t0, life)
	value := sealed(t, k, s)
	got := opened(k, value, t0, life)
	if len(value) > maxValue || got == nil || got.User.Avatar != "" || got.User.Title != "经理" || len(got.User.Departments) != 65 {
		t.Errorf("%d bytes, opened %+v", len(value), got)
	}
	for i := range int64(1000) {
		u.Departments = append(u.Departments, i*1_000_003)
	}
	if got := opened(k, sealed(t, k, NewSession(u, t0, life)), t0, life); got == nil || got.User.Departments != nil || got.User.UserID != u.UserID {
		t.Error("departments in plenty keep their user out, or are cut")
	}
	for i := range int64(5000) {
		u.Within = append(u.Within, i*1_000_003)
	}
	if _, err := k.Seal(NewSession(u, t0, life)); err != ErrTooLarge {
		t.Errorf("5000 departments: %v", err)
	}
}

func TestASessionLivesWithinItsTimesGiveOrTakeAMinute(t *testing.T) {
	k := keys(t, oldSecret)
	s := NewSession(zhang(), t0, life)
	s.Seen = t0.Add(9 * time.Hour).UnixMilli()
	value := sealed(t, k, s)
	for name, c := range map[string]struct {
		at    time.Duration
		life  Lifetimes
		lives bool
	}{
		"just used":                            {9 * time.Hour, life, true},
		"by a clock that is a minute behind":   {9*time.Hour - time.Minute, life, true},
		"by a clock that is far behind":        {9*time.Hour - 2*time.Minute, life, false},
		"shortly before the end":               {12*time.Hour - time.Second, life, true},
		"a minute behind the end":              {12*time.Hour + 61*time.Second, life, false},
		"idle for too long":                    {10*time.Hour + 2*time.Minute, Lifetimes{24 * time.Hour, time.Hour}, false},
		"the configuration has become shorter": {9 * time.Hour, Lifetimes{8 * time.Hour, 4 * time.Hour}, false},
		"the configuration has become longer":  {13 * time.Hour, Lifetimes{24 * time.Hour, 8 * time.Hour}, false},
	} {
		t.Run(name, func(t *testing.T) {
			if got := opened(k, value, t0.Add(c.at), c.life); (got != nil) != c.lives {
				t.Errorf("lives: %v", got != nil)
			}
		})
	}
}

func TestOnlyTheRightKeysOfTheRightAppOpen(t *testing.T) {
	value := sealed(t, keys(t, oldSecret), NewSession(zhang(), t0, life))
	if opened(keys(t, newSecret), value, t0, life) != nil {
		t.Error("another secret opens")
	}
	s := opened(keys(t, newSecret, oldSecret), value, t0, life)
	if s == nil || !s.Stale || !s.Due(t0, life) {
		t.Errorf("a retired key that is still listed: %+v", s)
	}
	for _, other := range []Scope{{"dingother", "dingkey", "1234567890"}, {"dingcorp", "dingother", "1234567890"}, {"dingcorp", "dingkey", "2"}} {
		k, _ := NewKeys([]string{oldSecret}, other)
		if opened(k, value, t0, life) != nil {
			t.Errorf("it opens for %+v", other)
		}
	}
	k := keys(t, oldSecret)
	if _, ok := k.openState(value, t0); ok {
		t.Error("a session opens as a state")
	}
	for i := range len(value) {
		altered := []byte(value)
		altered[i] ^= 1
		if opened(k, string(altered), t0, life) != nil {
			t.Fatalf("altered at %d it opens", i)
		}
		if opened(k, value[:i], t0, life) != nil {
			t.Fatalf("cut at %d it opens", i)
		}
	}
	if opened(k, value+"A", t0, life) != nil || opened(k, value+"=", t0, life) != nil || opened(k, strings.Repeat("A", 5000), t0, life) != nil {
		t.Error("with something behind it opens")
	}
}

func TestASessionIsSealedAnewAfterATenthOfItsIdleTime(t *testing.T) {
	s := NewSession(zhang(), t0, life)
	if s.Due(t0.Add(23*time.Minute), life) || !s.Due(t0.Add(24*time.Minute), life) {
		t.Error("not at 24 minutes of 4 hours")
	}
}

func FuzzOpen(f *testing.F) {
	k := keys(f, oldSecret)
	f.Add(sealed(f, k, NewSession(zhang(), t0, life)))
	f.Add("")
	f.Fuzz(func(t *testing.T, value string) {
		if s := opened(k, value, t0, life); s != nil && value != f.Name() && s.User.CorpID != "dingcorp" {
			t.Errorf("%q opens as %+v", value, s)
		}
	})
}

func FuzzParse(f *testing.F) {
	f.Add(NewSession(zhang(), t0, life).append(nil))
	f.Fuzz(func(t *testing.T, plain []byte) {
		if s, ok := parse(plain); ok {
			again, ok := parse(s.append(nil))
			if !ok || !reflect.DeepEqual(s, again) {
				t.Errorf("%+v became %+v", s, again)
			}
		}
	})
}

// checking is what each request with a session costs: its cookie is opened and held against
// the times and what has been revoked, of which there is much.
func checking(tb testing.TB) func() bool {
	tb.Helper()
	k := keys(tb, oldSecret)
	value := sealed(tb, k, NewSession(zhang(), t0, life))
	revoked := NewRevocations("app", new(shared))
	for i := range 1000 {
		until := t0.Add(life.Absolute).UnixMilli()
		for _, r := range []Revocation{{User: fmt.Sprint("left", i), Before: t0.UnixMilli(), Until: until}, {Session: fmt.Sprintf("%032x", i), Until: until}} {
			revoked.entries[r.name()] = r
		}
	}
	revoked.publish(t0)
	return func() bool {
		s := k.Open(value)
		return s != nil && s.lives(t0, life) && !revoked.Revoked(s, "")
	}
}

func TestOpeningAndCheckingASessionAllocatesLittle(t *testing.T) {
	check := checking(t)
	if n := testing.AllocsPerRun(1000, func() { check() }); n > 5 || !check() {
		t.Errorf("%v allocations, want at most 5; it counts: %v", n, check())
	}
}

// BenchmarkOpenAndCheck is to stay below 2 µs and 5 allocations.
func BenchmarkOpenAndCheck(b *testing.B) {
	check := checking(b)
	b.ReportAllocs()
	for b.Loop() {
		if !check() {
			b.Fatal("the session does not count")
		}
	}
}
