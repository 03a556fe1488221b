package tokens

import (
	"context"
	"errors"
	"time"

	"go.uber.org/zap"
	"golang.org/x/sync/singleflight"
)

// AccessToken returns the app's access token, the one that its tickets are fetched
// with, for other calls of DingTalk. Where an unexpired one is held it returns at
// once; a renewal that is due runs behind it. Else it waits for the fetch, one at
// a time, which ctx does not end. While DingTalk gives none it is asked as rarely
// as for tickets, and the error is why: the Source's, wrapped, or that of ctx.
//
// Where DingTalk refuses the token, tell [App.RefuseAccess] and ask again, once.
func (a *App) AccessToken(ctx context.Context) (*Token, error) {
	now := time.Now()
	paused := a.state.accessPaused(now)
	if held := a.access.get(); held.valid(now) && !held.refused() {
		if held.due(now) && paused == nil {
			a.renewAccess(true)
		}
		return held, nil
	}
	if paused != nil {
		return nil, paused
	}
	select {
	case result := <-a.renewAccess(true):
		if result.Err != nil {
			return nil, result.Err
		}
		return result.Val.(*Token), nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// RefuseAccess says that DingTalk refused the access token with this value, so
// that the next one is another, if DingTalk gives another. It does nothing where
// that has happened already, and is heeded once in ten seconds, and once more if
// the new one is refused as soon: then for another reason.
func (a *App) RefuseAccess(value string) {
	if held := a.access.get(); held != nil && held.Value == value && !held.refused() && a.state.refuseAccess(time.Now()) {
		a.access.refuse(held)
	}
}

// accessError is an error of the call for an access token.
type accessError struct{ err error }

func (f *accessError) Error() string { return "fetching access token: " + f.err.Error() }
func (f *accessError) Unwrap() error { return f.err }

// renewAccess starts a fetch of the access token unless one is under way, and
// returns its result. A renewal of the ticket, of which it is a part, notes its
// failure itself; else it is noted here.
func (a *App) renewAccess(noted bool) <-chan singleflight.Result {
	return a.fly(a.name+"/access_token", func() (*Token, error) {
		ctx, cancel := context.WithTimeout(context.Background(), flightTime)
		defer cancel()
		t, err := a.obtainAccess(ctx)
		switch {
		case !noted:
		case err != nil:
			isNew, delay := a.state.failed(err, time.Now())
			a.tellFailure("cannot fetch an access token", err, isNew, delay)
		case a.state.accessWorks():
			a.means().log.Info("there is an access token again", zap.Time("expires", t.Expires))
		}
		return t, err
	})
}

// obtainAccess gets an access token out of memory or the storage, where another
// process may have put it, else from DingTalk. Unlike a ticket that of an app is
// fetched without the fleet's lock: DingTalk answers with the same value.
func (a *App) obtainAccess(ctx context.Context) (*Token, error) {
	if t := a.adoptAccess(ctx); t != nil {
		return t, nil
	}
	if a.group.fresh {
		release, t := a.lock(ctx, a.Name()+"/"+KindAccess, &a.lockingAccess, a.adoptAccess)
		defer release()
		if t == nil {
			t = a.adoptAccess(ctx)
		}
		if t != nil {
			return t, nil
		}
	}
	now := time.Now()
	value, lifetime, err := a.source().AccessToken(ctx)
	if err == nil && !usable(value) {
		err = errIssued
	}
	a.means().observer.Called(KindAccess, err)
	if err != nil {
		return nil, &accessError{err}
	}
	t := newToken(value, now, lifetime)
	a.access.set(t)
	store := func() { _ = a.store(context.WithoutCancel(ctx), a.key(KindAccess), t) }
	if a.group.fresh {
		store() // before the lock is released
	} else {
		a.group.work.run(store)
	}
	return t, nil
}

// adoptAccess returns the access token that is held, or takes over the stored one, if
// that helps; else nil.
func (a *App) adoptAccess(ctx context.Context) *Token {
	held := a.access.get()
	helps := func(t *Token) bool {
		now := time.Now()
		return t.valid(now) && !t.due(now) && (!held.refused() || t.newer(held) && t.Value != held.Value)
	}
	if held != nil && !held.refused() && helps(held) {
		return held
	}
	t := a.load(ctx, a.key(KindAccess))
	if !helps(t) {
		return nil
	}
	a.access.set(t)
	return t
}

// forgetAccess drops an access token of which there may be many: the ticket that was
// fetched with it lives as long, and the storage has it. Where it has not, or DingTalk
// has refused the token, it stays.
func (a *App) forgetAccess() {
	if held := a.access.get(); a.group.fresh && held != nil && !held.refused() && a.group.health.works() {
		a.access.replace(held, nil)
	}
}

// tokenRejected is an error that says that the access token is not accepted.
type tokenRejected interface {
	error
	TokenRejected() bool
}

// unsent is an error that says that a call was never made.
type unsent interface {
	error
	Unsent() bool
}

// rejectedAge is how old an access token must be to be worth a fresh one. A
// younger one that is refused is refused for another reason, and there are to be
// no more than 5 calls in the first 10 s of a fault.
const rejectedAge = 10 * time.Second

// rejects reports whether an error says that an access token is to be replaced.
// One with which no call can even be made is, however young.
func rejects(err error, access *Token, now time.Time) bool {
	var rejected tokenRejected
	if !errors.As(err, &rejected) || !rejected.TokenRejected() {
		return false
	}
	var never unsent
	return errors.As(err, &never) && never.Unsent() || !access.young(now)
}
