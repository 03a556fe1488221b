package tokens

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"testing/synctest"
	"time"
)

// TestTheTallyCountsWhatEachAppHolds: whatever happens to the tickets of a group, the count is
// that of those who would say that they hold one.
func TestTheTallyCountsWhatEachAppHolds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := NewGroup("suite")
		apps := make([]*App, 20)
		for i := range apps {
			apps[i] = g.App(fmt.Sprint(i))
		}
		most := 0
		for step := range 5000 {
			a, lifetime := apps[rand.N(len(apps))], time.Duration(rand.N(int64(3*time.Hour)))
			switch token := newToken("ticket", time.Now(), lifetime); rand.N(8) {
			case 0:
				a.Forget()
			case 1:
				a.ticket.keep(token)
			case 2:
				if held := a.Held(); held != nil {
					a.ticket.suspect(held, time.Now())
				}
			case 3:
				a.ticket.replace(a.ticket.get(), token)
			case 4:
				a.ticket.replace(token, nil) // it is not there
			case 5:
				a.access.set(token)
			default:
				a.ticket.set(token)
			}
			if step%3 == 0 {
				time.Sleep(rand.N(20 * time.Minute).Truncate(time.Second))
			}
			want := 0
			for _, a := range apps {
				if t := a.ticket.get(); t != nil && !t.Expires.Truncate(time.Second).Before(time.Now()) {
					want++
				}
			}
			if got := g.Held(); got != want {
				t.Fatalf("after %d steps the count is %d, want %d", step, got, want)
			}
			most = max(most, want)
		}
		if most < 3 || len(g.tally.ends) > len(apps) {
			t.Errorf("at most %d were held, and %d seconds are remembered", most, len(g.tally.ends))
		}
	})
}
