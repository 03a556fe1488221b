package suite

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/caddy-dingtalk/caddy-dingtalk/oapi"
)

// maxAsked is how many corps may be looked up at the same time. Beyond them they count as
// unknown: whoever asks for random ones must not fill the memory.
const maxAsked = 256

// flightTime bounds a look-up.
const flightTime = 30 * time.Second

var errSlow = errors.New("neither the storage nor DingTalk has answered yet")

// find returns a corp as it stands, after reading the storage and asking DingTalk where
// that is needed. It waits no longer than wait.
func (f *fleet) find(ctx context.Context, id string, wait time.Duration) (view, error) {
	v, held := f.corps.use(id)
	if held && v.read && settled(v.standing.state(time.Now())) {
		return v, nil
	}
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case result := <-f.flights.DoChan(id, func() (any, error) { return f.lookUp(id) }):
		return result.Val.(view), result.Err
	case <-timer.C:
		return v, &Error{Unavailable, id, errSlow}
	case <-ctx.Done():
		return v, ctx.Err()
	}
}

// settled reports whether a page needs to ask nobody.
func settled(s state) bool { return s == served || s == revoked || s == refused }

// listed reports whether nothing is left to ask for.
func (v view) listed() bool {
	s := v.standing.state(time.Now())
	return settled(s) && (s != served || v.standing.Listed >= v.standing.Authorized)
}

// lookUp reads the storage and, where that says nothing, asks DingTalk.
func (f *fleet) lookUp(id string) (view, error) {
	if f.asked.Add(1) > maxAsked {
		f.asked.Add(-1)
		return view{}, &Error{Unknown, id, nil}
	}
	defer f.asked.Add(-1)
	ctx, cancel := context.WithTimeout(f.life, flightTime)
	defer cancel()
	v, _ := f.read(ctx, id) // where the storage fails, DingTalk knows
	if v.listed() {
		return v, nil
	}
	if f.ticket.usable(ctx) == "" && !settled(v.standing.state(time.Now())) {
		return v, &Error{Unavailable, id, &oapi.Error{Call: "suite_ticket", Kind: oapi.SuiteTicket, Err: errNoTicket}}
	}
	if v.standing.Authorized == 0 && !f.lookups.admit(time.Now()) {
		return v, &Error{Unknown, id, nil}
	}
	release := f.store.lock(ctx, "dingtalk-"+f.name+"-corps-"+id)
	defer release()
	if v, _ = f.read(ctx, id); v.listed() { // another process has been faster
		return v, nil
	}
	return f.ask(ctx, id, v)
}

// ask asks DingTalk for the agents of a corp, and tells the fleet.
func (f *fleet) ask(ctx context.Context, id string, v view) (view, error) {
	var found []oapi.Agent
	err := f.call(ctx, func(api *oapi.Suite, ticket string) (err error) {
		found, err = api.Agents(ctx, id, ticket)
		return err
	})
	now := time.Now()
	switch {
	case oapi.KindOf(err) == oapi.NotAuthorized:
		f.deny(ctx, id)
		v, _ = f.corps.peek(id)
		return v, nil
	case err != nil && settled(v.standing.state(now)):
		return v, nil // with the agents that it had
	case err != nil:
		return v, &Error{Unavailable, id, err}
	}
	agents := make([]Agent, 0, len(found))
	for _, a := range found {
		agents = append(agents, Agent{ID: a.ID, AppID: a.AppID})
	}
	f.learn(id, v.standing.confirm(agents, now), false)
	_ = f.save(ctx, id) // where it fails, it is tried again
	v, _ = f.corps.peek(id)
	return v, nil
}

// refusals are the corps that DingTalk has refused of late, whose records are to be
// deleted: nobody else would, and strangers may name any corp.
type refusals struct {
	mu  sync.Mutex
	all []refusal
}

type refusal struct {
	corp string
	at   time.Time
}

func (r *refusals) add(corp string, at time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.all = append(r.all, refusal{corp, at})
}

// sweep deletes the records of refusals that count no longer, unless more is known of the
// corp by now.
func (r *refusals) sweep(ctx context.Context, f *fleet) {
	r.mu.Lock()
	var due []refusal
	for len(r.all) > 0 && time.Since(r.all[0].at) >= refusedTime {
		due, r.all = append(due, r.all[0]), r.all[1:]
	}
	r.mu.Unlock()
	for _, d := range due {
		var stored Standing
		if f.store.load(ctx, f.corpRecord(d.corp), &stored) == nil && stored.Authorized == 0 && stored.Revoked == 0 &&
			len(stored.Agents) == 0 && stored.state(time.Now()) == unknown {
			_ = f.store.remove(ctx, f.corpRecord(d.corp))
		}
	}
}
