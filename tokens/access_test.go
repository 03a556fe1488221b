package tokens

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/caddy-dingtalk/caddy-dingtalk/internal/sandbox"
)

// mustAccess is a call that has to get its access token within d.
func (p *process) mustAccess(d time.Duration) *Token {
	p.t.Helper()
	start := time.Now()
	token, err := p.AccessToken(context.Background())
	if err != nil {
		p.t.Fatalf("%s: there is no access token: %v", p.name, err)
	}
	if took := time.Since(start); took > d {
		p.t.Errorf("%s: an access token took %v, want at most %v", p.name, took, d)
	}
	return token
}

const logNoAccess, logAccess = "cannot fetch an access token", "there is an access token again"

func TestTicketsAndOtherCallsShareOneAccessToken(t *testing.T) {
	bubble(t, func(t *testing.T) {
		f, shared := newFake(), newShelf()
		p := newProcess(t, "p", f, shared)
		var wg sync.WaitGroup
		for range 1000 {
			wg.Go(func() { p.mustAccess(100 * time.Millisecond) })
		}
		wg.Go(func() { p.mustPage(200 * time.Millisecond) })
		wg.Wait()
		f.wantCalls(t, 1, 1)
		if got := p.mustAccess(0); got.Value != f.access {
			t.Errorf("got %q", got.Value)
		}
		time.Sleep(time.Second)
		newProcess(t, "later", f, shared).mustAccess(5 * time.Millisecond)
		f.wantCalls(t, 1, 1)
		p.wantLines()
	})
}

func TestAnAccessTokenIsRenewedAheadOfItsEndWhileNoCallWaits(t *testing.T) {
	bubble(t, func(t *testing.T) {
		f := newFake()
		p := newProcess(t, "p", f, newShelf())
		first := p.mustAccess(time.Second)
		time.Sleep(111 * time.Minute)
		if got := p.mustAccess(0); got != first {
			t.Error("the old one is gone before there is a new one")
		}
		time.Sleep(time.Second)
		if got := p.mustAccess(0); !got.newer(first) {
			t.Error("it is not renewed")
		}
		f.wantCalls(t, 2, 0)
	})
}

func TestARefusedAccessTokenIsFetchedAnewOnce(t *testing.T) {
	bubble(t, func(t *testing.T) {
		f, shared := newFake(), newShelf()
		one, two := newProcess(t, "one", f, shared), newProcess(t, "two", f, shared)
		first := one.mustAccess(time.Second)
		time.Sleep(time.Second)
		two.mustAccess(time.Second)
		f.revoke()
		for range 3 { // all that were under way with it
			one.RefuseAccess(first.Value)
		}
		second := one.mustAccess(time.Second)
		if second.Value == first.Value || second.Value != f.access {
			t.Errorf("got %q, which DingTalk has refused", second.Value)
		}
		one.RefuseAccess(first.Value) // one that comes late
		if got := one.mustAccess(0); got != second {
			t.Error("a late refusal of the old one has ended the new one")
		}
		time.Sleep(time.Second)
		two.RefuseAccess(first.Value)
		if got := two.mustAccess(5 * time.Millisecond); got.Value != second.Value {
			t.Error("the other process does not follow")
		}
		f.wantCalls(t, 2, 0)
		two.mustPage(time.Second)
		f.wantCalls(t, 2, 1)
	})
}

func TestRefusalsThatDoNotEndAreHeededEveryTenSeconds(t *testing.T) {
	bubble(t, func(t *testing.T) {
		f := newFake()
		p := newProcess(t, "p", f, newShelf())
		for start := time.Now(); time.Since(start) < time.Minute; time.Sleep(50 * time.Millisecond) {
			p.RefuseAccess(p.mustAccess(time.Second).Value)
		}
		if n := f.total("token"); n > 1+1+6 {
			t.Errorf("%d access tokens in a minute", n)
		}
	})
}

func TestANewAccessTokenThatIsRefusedAtOnceIsReplacedOnceMore(t *testing.T) {
	bubble(t, func(t *testing.T) {
		f := newFake()
		p := newProcess(t, "p", f, newShelf())
		for range 2 {
			dead := p.mustAccess(time.Second)
			f.revoke()
			p.RefuseAccess(dead.Value)
			if got := p.mustAccess(time.Second); got.Value == dead.Value || got.Value != f.access {
				t.Fatalf("got %q, which DingTalk has refused", got.Value)
			}
		}
		dead := p.mustAccess(time.Second)
		p.RefuseAccess(dead.Value)
		if got := p.mustAccess(time.Second); got != dead {
			t.Error("a third one is fetched within ten seconds")
		}
		f.wantCalls(t, 3, 0)
	})
}

// Pages and other calls together: no more calls than pages alone make.
func TestAFaultIsAnsweredByFewCallsHoweverManyWantAnAccessToken(t *testing.T) {
	for name, fault := range map[string]func(context.Context, call) error{
		"refused": each("token", &refusal{class: "secret"}), "hanging": hang("token"),
	} {
		for _, pages := range []bool{true, false} {
			t.Run(name, func(t *testing.T) {
				bubble(t, func(t *testing.T) {
					f := newFake()
					p := newProcess(t, "p", f, newShelf())
					f.set(func() { f.fault = fault })
					start := time.Now()
					serve := func(d time.Duration) {
						for begin := time.Now(); time.Since(begin) < d; time.Sleep(100 * time.Millisecond) {
							ctx, cancel := context.WithTimeout(t.Context(), time.Second)
							token, err := p.AccessToken(ctx)
							cancel()
							var why *refusal
							if token != nil || !errors.As(err, &why) && !errors.Is(err, context.DeadlineExceeded) {
								t.Fatalf("got %v, %v", token, err)
							}
							if pages {
								_, _ = p.page()
							}
						}
					}
					serve(5 * time.Minute)
					if n := f.count("", start, start.Add(10*time.Second)); n > 5 {
						t.Errorf("%d calls in the first 10 s", n)
					}
					if n := f.count("", start.Add(time.Minute), start.Add(2*time.Minute)); n > 12 {
						t.Errorf("%d calls in the second minute", n)
					}
					if lines := p.logs.FilterMessage(logNoAccess).Len() + p.logs.FilterMessageSnippet(logFails).Len(); lines == 0 {
						t.Error("nobody is told")
					}
					f.set(func() { f.fault = nil })
					end := time.Now()
					for time.Since(end) < time.Minute {
						if _, err := p.AccessToken(t.Context()); err == nil {
							break
						}
						time.Sleep(100 * time.Millisecond)
					}
					if took := time.Since(end); took > 30*time.Second {
						t.Errorf("recovered after %v", took)
					}
					if s := p.Status(); s.Err != nil || s.Access == nil {
						t.Errorf("%+v", s)
					}
				})
			})
		}
	}
}

func TestAnAccessTokenFailureIsLoggedOnceAndItsEnd(t *testing.T) {
	bubble(t, func(t *testing.T) {
		f := newFake()
		p := newProcess(t, "p", f, newShelf())
		f.fault = each("token", &refusal{class: "secret"})
		for range 100 {
			_, _ = p.AccessToken(t.Context())
			time.Sleep(time.Second)
		}
		p.wantLines(logNoAccess)
		f.set(func() { f.fault = nil })
		for range 30 {
			_, _ = p.AccessToken(t.Context())
			time.Sleep(time.Second)
		}
		p.wantLines(logAccess)
		p.mustPage(time.Second)
	})
}

// One that somebody has broken in memory or storage, whatever the storage lets pass.
func TestAnAccessTokenWithWhichNoCallCanBeMadeIsDroppedAtOnce(t *testing.T) {
	for login := range logins {
		bubble(t, func(t *testing.T) {
			n := newVirtualTenant(t, login, sandbox.Options{})
			n.access.set(newToken("broken\ntoken", time.Now(), 2*time.Hour))
			n.mustPage(time.Second)
			n.wantLines()
			if err := n.Status().Err; err != nil {
				t.Errorf("the status says %v", err)
			}
		})
	}
}
