package suite

import (
	"slices"
	"strings"
	"time"

	"github.com/caddy-dingtalk/caddy-dingtalk/observe"
	"github.com/caddy-dingtalk/caddy-dingtalk/tokens"
)

// Name is the suite's in the storage.
func (f *fleet) Name() string { return f.name }

// Ticket is how old the suite_ticket is, nil where none has been received.
func (f *fleet) Ticket() *observe.SuiteTicketStatus {
	t := f.ticket.get()
	if t.Value == "" || t.Received.IsZero() {
		return nil
	}
	return &observe.SuiteTicketStatus{Received: t.Received, Age: int(time.Since(t.Received).Seconds())}
}

// Status returns how the suite stands in this process. It never waits.
func (f *fleet) Status() observe.SuiteStatus {
	now := time.Now()
	s := observe.SuiteStatus{App: f.name, SuiteKey: f.key, Ticket: f.Ticket()}
	s.Corps.Authorized, s.Corps.Revoked, s.Corps.Held = f.corps.count(now)
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

// Status returns how the suite stands in this process. It never waits.
func (s *Suite) Status() observe.SuiteStatus { return s.fleet.Status() }
