package e2e

import (
	"net/http"
	"testing"
	"time"

	"github.com/caddy-dingtalk/caddy-dingtalk/internal/sandbox"
	"github.com/caddy-dingtalk/caddy-dingtalk/internal/testsite"
)

// revokedWithin is how soon a revocation holds in the whole fleet.
const revokedWithin = 15 * time.Second

// TestAFleetSharesSessionsAttemptsAndRevocations has three processes with one storage,
// which is lost in the end.
func TestAFleetSharesSessionsAttemptsAndRevocations(t *testing.T) {
	a := testsite.NewFleetApp("signin", sandbox.Options{})
	a.SignIn = outsideByOAuth
	f := testsite.StartFleet(t, 3, a)
	sites := []*testsite.Site{f.Site(0, a), f.Site(1, a), f.Site(2, a)}
	everywhere := func(want int, cookie, when string) {
		t.Helper()
		for i, s := range sites {
			if got := fetchAs(t, s, "GET", "/api", "", cookie).Status; got != want {
				t.Errorf("%s: process %d answers %d, want %d", when, i, got, want)
			}
		}
	}
	soon := func(cookie string) {
		t.Helper()
		for _, s := range sites {
			testsite.EventuallyWithin(t, revokedWithin, "the revocation in each process", func() bool {
				return fetchAs(t, s, "GET", "/api", "", cookie).Status == http.StatusUnauthorized
			})
		}
	}

	first, second, other := signIn(t, sites[0], "u1"), signIn(t, sites[1], "u1"), signIn(t, sites[2], "u2")
	for _, cookie := range []string{first, second, other} {
		everywhere(200, cookie, "at the first request")
	}

	if end := beginOAuth(t, sites[0], "/a").end(t, sites[1], "code="+a.Ding.Code("oauth", "u2")); end.Status != 303 || end.Header.Get("Location") != "/a" {
		t.Errorf("another process takes DingTalk's answer with %d", end.Status)
	}
	code := a.Ding.Code("app", "u2")
	for i, want := range []int{200, 401, 401} { // DingTalk itself takes a code once
		if got := fetchAs(t, sites[i], "POST", "/.dingtalk/login", `{"code":"`+code+`"}`, "").Status; got != want {
			t.Errorf("process %d answers a code with %d, want %d", i, got, want)
		}
	}

	if got := fetchAs(t, sites[1], "POST", "/.dingtalk/logout", "", first); got.Status != 204 {
		t.Fatal(got.Status, got.Body)
	}
	if got := fetchAs(t, sites[1], "GET", "/api", "", first); got.Status != 401 {
		t.Errorf("who has signed out gets %d in the same process", got.Status)
	}
	soon(first)
	everywhere(200, second, "after a logout of another browser")
	if got := fetchAs(t, sites[2], "POST", "/.dingtalk/logout?everywhere", "", second); got.Status != 204 {
		t.Fatal(got.Status, got.Body)
	}
	soon(second)
	everywhere(200, other, "after a logout of another user")

	a.LoseStorage(t)
	everywhere(200, other, "without the storage")
	everywhere(401, first, "without the storage")
	everywhere(401, second, "without the storage")
	again := signIn(t, sites[0], "u1")
	everywhere(200, again, "signed in without the storage")
	if got := fetchAs(t, sites[0], "POST", "/.dingtalk/logout", "", again); got.Status != 204 {
		t.Errorf("logout without the storage: %d %s", got.Status, got.Body)
	}
	if got := fetchAs(t, sites[0], "GET", "/api", "", again); got.Status != 401 {
		t.Errorf("who has signed out without the storage gets %d in the same process", got.Status)
	}
	everywhere(200, other, "after a logout without the storage")
}
