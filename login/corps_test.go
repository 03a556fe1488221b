package login

import (
	"fmt"
	"testing"
	"time"
)

func TestWhatIsAskedForStaysAndTheRestLeaves(t *testing.T) {
	l := lately[int]{limit: 10}
	made := 0
	get := func(key string) int {
		t.Helper()
		v, err := l.get(key, func() (int, error) { made++; return made, nil })
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	first := get("kept")
	for i := range 1000 {
		get(fmt.Sprint("stranger ", i))
		if i%5 == 0 && get("kept") != first {
			t.Fatal("what is asked for again and again was made anew")
		}
		if n := len(l.new) + len(l.old); n > 2*l.limit {
			t.Fatalf("%d are kept", n)
		}
	}
	if again := get("stranger 0"); again <= 1000 {
		t.Errorf("the first stranger is still there: %d", again)
	}
	if _, err := l.get("broken", func() (int, error) { return 0, ErrTooLarge }); err != ErrTooLarge || get("broken") == 0 {
		t.Error("what could not be made is kept")
	}
}

func TestUsersOfManyCorpsAreRevokedByTheirCorp(t *testing.T) {
	now := time.UnixMilli(1_700_000_000_000)
	session := func(user string) *Session {
		return NewSession(User{UserID: user}, now, Lifetimes{time.Hour, time.Hour})
	}
	r := NewRevocations("app", nil)
	until := time.Now().Add(time.Hour).UnixMilli()
	_ = r.Revoke(t.Context(), Revocation{User: scopeOf("corp1") + "u1", Before: now.UnixMilli(), Until: until})
	_ = r.Revoke(t.Context(), Revocation{User: scopeOf("corp2"), Before: now.UnixMilli(), Until: until})
	for _, tt := range []struct {
		corp, user string
		want       bool
	}{{"corp1", "u1", true}, {"corp1", "u2", false}, {"corp2", "u1", true}, {"corp2", "u2", true}, {"corp3", "u1", false}, {"corp11", "u1", false}} {
		if got := r.Revoked(session(tt.user), scopeOf(tt.corp)); got != tt.want {
			t.Errorf("%s of %s: %v", tt.user, tt.corp, got)
		}
	}
	if r.Revoked(session("u1"), "") {
		t.Error("a user of an app with one corp is revoked")
	}
	if got := r.After(scopeOf("corp3"), "u1", now.UnixMilli()+1000, now); got.UnixMilli() != now.UnixMilli()+1001 {
		t.Errorf("a session begins at %v, within a revocation", got)
	}
}
