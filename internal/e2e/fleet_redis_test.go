//go:build linux || darwin

package e2e

import (
	"testing"
	"time"

	"github.com/caddy-dingtalk/caddy-dingtalk/internal/sandbox"
	"github.com/caddy-dingtalk/caddy-dingtalk/internal/testsite"
)

// redisFleet is a fleet over a Redis of its own.
func redisFleet(t *testing.T, size int, a *testsite.FleetApp) *testsite.Fleet {
	t.Helper()
	if testing.Short() {
		t.Skip("takes its time")
	}
	a.Redis = testsite.StartRedis(t)
	return testsite.StartFleet(t, size, a)
}

func TestAColdFleetOverRedisFetchesOnce(t *testing.T) {
	const visitors = 50
	a := testsite.NewFleetApp("cold", sandbox.Options{Refetch: sandbox.NewValue})
	a.Ding.SetFault(sandbox.TokenCall, sandbox.MustFault("slow:2s"))
	a.Ding.SetFault(sandbox.TicketCall, sandbox.MustFault("slow:2s"))
	f := redisFleet(t, fleetSize-1, a)
	f.Crowd(t, a, visitors).Expect(t, testsite.Tally{testsite.SignedPage: (fleetSize - 1) * visitors})
	a.ExpectCalls(t, 1, 1)

	f.Start(t)
	f.Crowd(t, a, 1).Expect(t, testsite.Tally{testsite.SignedPage: fleetSize})
	a.ExpectCalls(t, 1, 1)
	expectInOrder(t, a)
}

func TestATicketThatWasRenewedOverRedisIsUsedByAll(t *testing.T) {
	a := testsite.NewFleetApp("renewed", sandbox.Options{Refetch: sandbox.NewValue})
	f := redisFleet(t, fleetSize, a)
	f.Crowd(t, a, 1).Expect(t, testsite.Tally{testsite.SignedPage: fleetSize})
	a.Ding.ExpireTicket()
	for i := range f.Processes {
		s := f.Site(i, a)
		if got := s.Visit(t, "/"); got != "refused" {
			t.Fatalf("before the report to process %d: %s", i, got)
		}
		s.Report(t, `{"url":"`+s.URL+`/","signed":"`+s.URL+`/","code":52013,"message":""}`)
		testsite.Eventually(t, "a signature that is accepted", func() bool { return s.Visit(t, "/") == testsite.SignedPage })
	}
	a.ExpectCalls(t, 1, 2)
}

func TestAFleetOverRedisOutlivesTheProcessThatHoldsTheLock(t *testing.T) {
	a := testsite.NewFleetApp("heir", sandbox.Options{Refetch: sandbox.NewValue})
	a.Ding.SetFault(sandbox.TicketCall, sandbox.MustFault("hang"))
	f := redisFleet(t, 3, a)
	outcomes := make(chan string, len(f.Processes))
	for i := range f.Processes {
		go func() { outcomes <- f.Site(i, a).Visit(t, "/") }()
	}
	testsite.Eventually(t, "a call that is not answered", func() bool { return len(a.Called(sandbox.TicketCall)) > 0 })
	a.Ding.SetFault(sandbox.TicketCall, sandbox.Fault{})
	f.Kill(a.Called(sandbox.TicketCall)[0].From)
	signed := 0
	for range f.Processes {
		if <-outcomes == testsite.SignedPage {
			signed++
		}
	}
	if signed != len(f.Processes)-1 {
		t.Errorf("%d pages are signed, want those of all that live", signed)
	}
	a.ExpectCalls(t, 1, 2)
}

// What is held serves while Redis is away or hangs, and what was in Redis when it went is there
// again for a process that starts later.
func TestAFleetOutlivesItsRedis(t *testing.T) {
	a := testsite.NewFleetApp("away", sandbox.Options{Refetch: sandbox.NewValue})
	f := redisFleet(t, 2, a)
	f.Crowd(t, a, 1).Expect(t, testsite.Tally{testsite.SignedPage: 2})
	testsite.Eventually(t, "a ticket in Redis", func() bool { return len(a.Redis.Do(t, "KEYS", "caddy/*jsapi_ticket.json").([]any)) == 1 })

	a.Redis.Hang()
	f.Crowd(t, a, 5).Expect(t, testsite.Tally{testsite.SignedPage: 10})
	a.Redis.Resume()
	a.Redis.Kill()
	f.Crowd(t, a, 5).Expect(t, testsite.Tally{testsite.SignedPage: 10})
	a.ExpectCalls(t, 1, 1)

	a.Redis.Start(t)
	f.Start(t)
	f.Crowd(t, a, 1).Expect(t, testsite.Tally{testsite.SignedPage: 3})
	a.ExpectCalls(t, 1, 1)
}

// An emptied Redis costs a process that starts later one fetch, and those that hold a ticket
// nothing: they agree on the newer one.
func TestAnEmptiedRedisCostsOneFetch(t *testing.T) {
	a := testsite.NewFleetApp("empty", sandbox.Options{Refetch: sandbox.SameValue})
	f := redisFleet(t, 2, a)
	f.Crowd(t, a, 1).Expect(t, testsite.Tally{testsite.SignedPage: 2})
	time.Sleep(settled) // or what is still being written comes after
	a.Redis.Do(t, "FLUSHALL")
	f.Start(t)
	f.Crowd(t, a, 5).Expect(t, testsite.Tally{testsite.SignedPage: 15})
	a.ExpectCalls(t, 2, 2)
}

// settled is when processes have agreed on a ticket: three looks, each after 4.5 s at most.
const settled = 14 * time.Second
