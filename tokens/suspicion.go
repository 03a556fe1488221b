package tokens

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"time"

	"go.uber.org/zap"
)

// Suspect says that DingTalk refused a signature although the URL was right: the
// ticket may have been replaced behind our back. It is fetched again in the
// background, and used until then: DingTalk may have meant something else. The
// whole fleet asks at most once a minute, and while DingTalk gives the same
// ticket again and again, each time half as often, down to once an hour.
func (a *App) Suspect() {
	now := time.Now()
	t := a.ticket.get()
	if !t.valid(now) || !a.state.suspect(t, now) {
		return
	}
	a.ticket.suspect(t, now)
	a.means().log.Info("DingTalk refused a signature for the right URL: fetching the jsapi_ticket again",
		zap.Time("fetched", t.Fetched))
	if a.state.due(now) {
		a.renew()
	}
}

// Settle waits until the renewal of a suspect ticket is over, but not longer than
// wait. It reports whether it is, or there was none.
func (a *App) Settle(ctx context.Context, wait time.Duration) bool {
	if !a.ticket.get().due(time.Now()) {
		return true
	}
	if !a.state.mayRenew(time.Now()) {
		return false
	}
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-a.renew(): // joins it
	case <-timer.C:
	case <-ctx.Done():
	}
	return !a.ticket.get().due(time.Now())
}

// suspicion is when DingTalk was last asked for a ticket because the one before
// was suspect. It stands in the storage, too, for the fleet: reports come from
// anybody, and to any process.
type suspicion struct {
	Asked  time.Time `json:"asked"`
	Ticket string    `json:"ticket"` // which one it gave: the beginning of its hash
	Again  int       `json:"again"`  // how often in a row it has given that one
}

const (
	suspectDelay   = time.Minute
	longestSuspect = time.Hour
)

// pause is how long a suspicion of that ticket is not followed again.
func (s *suspicion) pause(t *Token) time.Duration {
	pause := suspectDelay
	for range s.again(t) - 1 {
		pause = min(2*pause, longestSuspect)
	}
	return pause
}

// again is how often in a row DingTalk has given this ticket on suspicion.
func (s *suspicion) again(t *Token) int {
	if s == nil || s.Ticket != fingerprint(t) {
		return 0
	}
	return s.Again
}

// rests reports whether a suspicion of that ticket comes too early.
func (s *suspicion) rests(t *Token, now time.Time) bool {
	return s != nil && !come(s.Asked.Add(s.pause(t)), now)
}

// fingerprint tells tickets apart without telling them.
func fingerprint(t *Token) string {
	sum := sha256.Sum256([]byte(t.Value))
	return hex.EncodeToString(sum[:5])
}

// decodeSuspicion reads what another process stored. One that cannot be true is
// none: it will be replaced.
func decodeSuspicion(data []byte, now time.Time) (*suspicion, error) {
	s := new(suspicion)
	if len(data) > maxRecord || json.Unmarshal(data, s) != nil || s.Again < 0 || s.Asked.After(now.Add(MaxSkew)) {
		return nil, nil
	}
	s.Again = min(s.Again, 10) // more make no difference
	if s.Asked.After(now) {
		s.Asked = now
	}
	return s, nil
}

// acquit lets a suspect ticket be what it was before, if the fleet has asked for
// it just now: nil if it has not, or the ticket is to be renewed anyway. Else it
// tells what is known of the suspicion.
func (a *App) acquit(ctx context.Context, held *Token) (acquitted *Token, known *suspicion) {
	now := time.Now()
	accused := a.state.accusedAs(held, now)
	if accused == nil {
		return nil, nil
	}
	known = look(ctx, a, a.key(kindSuspicion), decodeSuspicion)
	if known.rests(held, now) && a.ticket.replace(held, accused) {
		a.state.asked(known)
		return accused, nil
	}
	if local := a.state.suspicionOf(); known.again(held) < local.again(held) {
		known = local
	}
	return nil, &suspicion{Ticket: fingerprint(held), Again: known.again(held)}
}

// asked notes that DingTalk has been asked on suspicion and gave the ticket t.
func (a *App) asked(before *suspicion, t *Token) {
	after := &suspicion{Asked: t.Fetched, Ticket: fingerprint(t)}
	if after.Ticket == before.Ticket {
		after.Again = before.Again + 1
	}
	a.state.asked(after)
	a.group.work.run(func() { _ = a.store(context.Background(), a.key(kindSuspicion), after) })
}
