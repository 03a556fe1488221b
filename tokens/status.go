package tokens

import (
	"context"
	"time"
)

// Status is how an app stands in this process. It holds no value of a token.
type Status struct {
	Access  *Span         // of the access token, nil if none is held
	Ticket  *Span         // of the jsapi_ticket, nil if none is held
	Err     error         // the failure that the app is in, nil if none
	Retry   time.Duration // until DingTalk is asked again; 0 if there is no failure
	Storage bool          // the storage works, as far as known
}

// Span is the life of a token.
type Span struct{ Fetched, Expires time.Time }

// Name returns the app's name, as it stands in the keys of the storage.
func (a *App) Name() string { return a.group.prefix + a.name }

// Status returns how the app stands. It never waits.
func (a *App) Status() Status {
	now := time.Now()
	s := Status{Access: span(a.access.get(), now), Ticket: span(a.ticket.get(), now), Storage: a.group.health.works()}
	s.Retry, s.Err = a.state.standing(now)
	return s
}

func span(t *Token, now time.Time) *Span {
	if !t.valid(now) {
		return nil
	}
	return &Span{t.Fetched, t.Expires}
}

// Refresh gets a ticket that has been fetched after now, whatever is held and
// whatever has failed before, and waits for it. A fleet's other processes take it
// over when they renew theirs.
func (a *App) Refresh(ctx context.Context) error {
	asked := time.Now()
	for range 2 { // the storage may have one that is newer than ours, but older than this call
		if held := a.ticket.get(); held != nil {
			a.ticket.suspect(held, time.Now())
		}
		a.state.forgive()
		a.group.health.forgive()
		select {
		case result := <-a.renew():
			if result.Err != nil {
				return result.Err
			}
			if !result.Val.(*Token).Fetched.Before(asked) {
				return nil
			}
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}
