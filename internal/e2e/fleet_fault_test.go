package e2e

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/caddy-dingtalk/caddy-dingtalk/internal/sandbox"
	"github.com/caddy-dingtalk/caddy-dingtalk/internal/testsite"
)

// poorStorage is a storage with a fault, and what to expect of a fleet over it.
type poorStorage struct {
	name    string
	options []string
	calls   int  // of each kind when cold, 0: up to one of each process
	alone   bool // nothing is shared
}

// TestAColdFleetOverAPoorStorage signs all pages, and no process calls DingTalk
// more than once, whatever the storage does.
func TestAColdFleetOverAPoorStorage(t *testing.T) {
	tests := []poorStorage{
		{name: "whose lock is given to everybody", options: []string{"lock none"}},
		{name: "whose lock fails at once", options: []string{"lock error"}},
		{name: "that takes 300 ms for each call", options: []string{"delay 300ms"}, calls: 1},
		{name: "that is slow and has no lock", options: []string{"lock none", "delay 300ms"}},
		{name: "that is down", options: []string{"down"}, calls: fleetSize, alone: true},
	}
	// What becomes of the tickets of those who fetch at the same time.
	semantics := map[string]sandbox.Refetch{"it stays the same": sandbox.SameValue, "the last one kills the others": sandbox.NewValue}

	apps := make(map[string]*testsite.FleetApp)
	var all []*testsite.FleetApp
	for i, test := range tests {
		for name, refetch := range semantics {
			a := testsite.NewFleetApp(fmt.Sprintf("%s-%d", strings.ReplaceAll(string(refetch), "_", "-"), i), sandbox.Options{Refetch: refetch}, test.options...)
			a.Ding.SetFault(sandbox.TicketCall, sandbox.MustFault("slow:200ms"))
			apps[test.name+name], all = a, append(all, a)
		}
	}
	f := testsite.StartFleet(t, fleetSize, all...)
	for _, test := range tests {
		for name, refetch := range semantics {
			t.Run(test.name+", "+name, func(t *testing.T) { test.cold(t, f, apps[test.name+name], refetch) })
		}
	}
	// By now the first ones have had time to agree.
	for _, test := range tests {
		for name := range semantics {
			if test.alone {
				continue
			}
			t.Run("in the end there is one ticket in a storage "+test.name+", "+name, func(t *testing.T) {
				expectOneTicket(t, f, apps[test.name+name])
			})
		}
	}
}

// cold loads the fleet's first pages of the app.
func (p poorStorage) cold(t *testing.T, f *testsite.Fleet, a *testsite.FleetApp, refetch sandbox.Refetch) {
	const visitors = 20
	pages := f.Crowd(t, a, visitors)
	if refetch == sandbox.NewValue {
		// Those who fetched at the same time cannot know whose ticket was the last.
		pages[testsite.SignedPage] += pages["refused"]
		delete(pages, "refused")
	}
	pages.Expect(t, testsite.Tally{testsite.SignedPage: fleetSize * visitors})
	for _, kind := range []sandbox.Call{sandbox.TokenCall, sandbox.TicketCall} {
		seen := make(map[int]bool)
		for _, c := range a.Called(kind) {
			if seen[c.From] {
				t.Errorf("process %d has made more than one %s call", c.From, kind)
			}
			seen[c.From] = true
		}
	}
	if p.calls != 0 {
		a.ExpectCalls(t, p.calls, p.calls)
		expectInOrder(t, a)
	}
}

// expectOneTicket waits until all processes of the fleet sign with one ticket, and
// the newest is in the storage. Where no lock holds, an older one may get there
// first, or over it by a write that was on its way.
func expectOneTicket(t *testing.T, f *testsite.Fleet, a *testsite.FleetApp) {
	t.Helper()
	calls := len(a.Called(sandbox.TicketCall))
	inUse := make(map[string]int) // by the ETags, which tell tickets apart where the origin is the same
	isOne := func() bool {
		clear(inUse)
		for i := range f.Processes {
			inUse[f.Site(i, a).Get(t, "/", "Host", a.Name+".test").Header.Get("ETag")]++
		}
		last, newest := stored(t, a)
		return len(inUse) == 1 && !newest.IsZero() && last.Equal(newest)
	}
	for end := time.Now().Add(30 * time.Second); !isOne(); time.Sleep(100 * time.Millisecond) {
		if time.Now().After(end) {
			last, newest := stored(t, a)
			t.Fatalf("of %d tickets there are %d in use (%v), and the stored one is %s older than the newest", calls, len(inUse), inUse, newest.Sub(last))
		}
	}
	if n := len(a.Called(sandbox.TicketCall)); n != calls {
		t.Errorf("%d more calls of a fleet that has a ticket", n-calls)
	}
}

// stored returns when the ticket was fetched that was written last to the app's
// storage, and the newest of all that were.
func stored(t *testing.T, a *testsite.FleetApp) (last, newest time.Time) {
	t.Helper()
	for _, r := range a.Journal(t) {
		if r.IsTicket() {
			last = r.Fetched
			if last.After(newest) {
				newest = last
			}
		}
	}
	return last, newest
}

// expectInOrder makes sure that no older ticket was ever written over a newer one.
// Only a lock that holds can do so: the others read and write with time between.
func expectInOrder(t *testing.T, a *testsite.FleetApp) {
	t.Helper()
	var before time.Time
	for _, r := range a.Journal(t) {
		if !r.IsTicket() {
			continue
		}
		if r.Fetched.Before(before) {
			t.Errorf("%s: a ticket was written over one that is %s newer", a.Name, before.Sub(r.Fetched))
		}
		before = r.Fetched
	}
}
