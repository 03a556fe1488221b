package suite

import (
	"time"

	"github.com/caddy-dingtalk/caddy-dingtalk/doctor"
	"github.com/caddy-dingtalk/caddy-dingtalk/observe"
)

// Name is the suite's in the storage.
func (f *fleet) Name() string { return f.name }

// HasTicket tells whether there is a suite_ticket.
func (f *fleet) HasTicket() bool { return f.ticket.get().Value != "" }

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
	s := observe.SuiteStatus{App: f.name, SuiteKey: f.key, Ticket: f.Ticket()}
	s.Corps.Authorized, s.Corps.Revoked = f.corps.count()
	s.Corps.Held = f.tokens.Held()
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.failed != nil {
		text := f.failed.Error()
		s.Error = &text
	}
	return s
}

// Facts tell the doctor page how the suite stands in this process. They never wait.
func (s *Suite) Facts() doctor.SuiteAt {
	status := s.Status()
	ticket := doctor.SuiteTicket{Fixed: s.o.Ticket != "", None: status.Ticket == nil}
	if status.Ticket != nil {
		ticket.Age = time.Since(status.Ticket.Received)
	}
	return doctor.SuiteAt{
		Key: s.o.Key, Ticket: ticket, Failing: status.Error != nil,
		Authorized: status.Corps.Authorized, Revoked: status.Corps.Revoked,
	}
}

// Status returns how the suite stands in this process. It never waits.
func (s *Suite) Status() observe.SuiteStatus { return s.fleet.Status() }
