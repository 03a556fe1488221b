package suite

import (
	"slices"
	"strings"
	"time"

	"github.com/caddy-dingtalk/caddy-dingtalk/observe"
	"github.com/caddy-dingtalk/caddy-dingtalk/tokens"
)

// Status returns how the suite stands in this process. It never waits.
func (f *fleet) Status() observe.SuiteStatus {
	now := time.Now()
	s := observe.SuiteStatus{App: f.name, SuiteKey: f.key}
	s.Corps.Authorized, s.Corps.Revoked, s.Corps.Held = f.corps.count(now)
	if t := f.ticket.get(); t.Value != "" && !t.Received.IsZero() {
		s.Ticket = &observe.SuiteTicketStatus{Received: t.Received, Age: int(now.Sub(t.Received).Seconds())}
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.failed != nil {
		text := f.failed.Error()
		s.Error = &text
	}
	return s
}

// CorpStatus is how a corp stands in this process.
type CorpStatus struct {
	ID         string
	Authorized bool
	Agents     []Agent // those that work
	Tokens     *tokens.App
}

// Corps returns up to n of the corps that are held, in the order of their corpIds, from
// behind one of them.
func (s *Suite) Corps(after string, n int) []CorpStatus {
	now := time.Now()
	var all []CorpStatus
	s.fleet.corps.each(func(id string, v view) {
		if id > after {
			all = append(all, v.status(id, now, s.o.AppID))
		}
	})
	slices.SortFunc(all, func(a, b CorpStatus) int { return strings.Compare(a.ID, b.ID) })
	return all[:min(n, len(all))]
}

// Corp returns how one corp stands, false if it is not held.
func (s *Suite) Corp(id string) (CorpStatus, bool) {
	v, held := s.fleet.corps.peek(id)
	return v.status(id, time.Now(), s.o.AppID), held
}

func (v view) status(id string, now time.Time, app string) CorpStatus {
	st := v.standing.state(now)
	c := CorpStatus{ID: id, Authorized: st == served || st == unlisted, Tokens: v.tokens}
	if c.Authorized {
		c.Agents = v.standing.active(app)
	}
	return c
}
