package suite

import (
	"time"

	"github.com/caddy-dingtalk/caddy-dingtalk/observe"
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

// Status returns how the suite stands in this process. It never waits.
func (s *Suite) Status() observe.SuiteStatus { return s.fleet.Status() }
