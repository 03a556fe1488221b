package suite

import (
	"context"
	"errors"
	"math/rand/v2"
	"time"

	"github.com/caddy-dingtalk/caddy-dingtalk/oapi"
)

// source is where the tokens of one corp come from.
type source struct {
	fleet *fleet
	corp  string
}

// AccessToken asks for the corp's access token.
func (s source) AccessToken(ctx context.Context) (value string, lifetime time.Duration, err error) {
	err = s.fleet.call(ctx, func(api *oapi.Suite, ticket string) (err error) {
		value, lifetime, err = api.CorpToken(ctx, s.corp, ticket)
		return err
	})
	if oapi.KindOf(err) == oapi.NotAuthorized {
		s.fleet.deny(ctx, s.corp)
	}
	return value, lifetime, err
}

// Ticket asks for the corp's jsapi_ticket.
func (s source) Ticket(ctx context.Context, accessToken string) (value string, lifetime time.Duration, err error) {
	err = s.fleet.spaced(ctx, func(api *oapi.Suite) (err error) {
		value, lifetime, err = api.Ticket(ctx, accessToken)
		return err
	})
	return value, lifetime, err
}

var (
	errNoTicket = errors.New("no suite_ticket that DingTalk takes has been pushed yet")
	errResting  = errors.New("DingTalk has asked for fewer calls: waiting for a minute or two")
)

// limitedRest is how long all corps rest after a limit that is not one corp's, at least. Up to
// limitedSpread more keeps the processes of a fleet from coming back all at once, when DingTalk
// answers the first few of their calls and the others rest again: see internal/simulate.
const (
	limitedRest   = time.Minute
	limitedSpread = time.Minute
)

// call makes a call with the suite_ticket. Where DingTalk refuses that, the storage is
// read again and the call repeated, once, if there is a newer one. Then nobody asks again
// before another is pushed.
func (f *fleet) call(ctx context.Context, do func(api *oapi.Suite, ticket string) error) error {
	for last := ""; ; {
		ticket := f.ticket.usable(ctx)
		if ticket == "" || last != "" && ticket == last {
			return &oapi.Error{Call: "suite_ticket", Kind: oapi.SuiteTicket, Err: errNoTicket}
		}
		err := f.spaced(ctx, func(api *oapi.Suite) error { return do(api, ticket) })
		if oapi.KindOf(err) != oapi.SuiteTicket {
			return err
		}
		f.ticket.refuse(ticket)
		if last != "" {
			return err
		}
		if isNew, _ := f.ticket.read(ctx); !isNew && f.ticket.get().Value == ticket {
			return err
		}
		last = ticket
	}
}

// spaced makes a call in its turn, unless the suite rests.
func (f *fleet) spaced(ctx context.Context, do func(api *oapi.Suite) error) error {
	if time.Now().UnixNano() < f.rests.Load() {
		return &oapi.Error{Call: "rate_limit", Kind: oapi.RateLimit, Err: errResting}
	}
	if err := f.pace.wait(ctx); err != nil {
		return &oapi.Error{Call: "rate_limit", Kind: oapi.Busy, Err: err}
	}
	err := do(f.api.Load())
	var refusal *oapi.Error
	if errors.As(err, &refusal) && refusal.Kind == oapi.RateLimit && !refusal.OneCorp() {
		f.rests.Store(time.Now().Add(limitedRest + rand.N(limitedSpread)).UnixNano()) //nolint:gosec // it only spreads the processes of a fleet
	}
	return err
}

// deny notes that DingTalk says that a corp has not, or no longer, authorised the suite.
func (f *fleet) deny(ctx context.Context, id string) {
	now := time.Now()
	v, _ := f.corps.peek(id)
	f.learn(id, v.standing.refuse(now), false)
	f.refused.add(id, now)
	_ = f.save(context.WithoutCancel(ctx), id)
	f.dropTokens(context.WithoutCancel(ctx), id)
}

// dropTokens deletes the tokens of a corp, here and in the storage.
func (f *fleet) dropTokens(ctx context.Context, id string) {
	v, held := f.corps.peek(id)
	if !held {
		return
	}
	v.tokens.Forget()
	for _, key := range v.tokens.Keys() {
		_ = f.store.remove(ctx, key) // who finds them there cannot use them: the corp is not served
	}
}
