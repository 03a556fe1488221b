package tokens

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"go.uber.org/zap"
	"golang.org/x/sync/singleflight"
)

// Source is where tokens come from. A lifetime of 0 stands for an unknown one.
// It is safe for concurrent use and bounds the time of its calls.
type Source interface {
	AccessToken(ctx context.Context) (value string, lifetime time.Duration, err error)
	Ticket(ctx context.Context, accessToken string) (value string, lifetime time.Duration, err error)
}

// Storage is what a fleet shares. It is the part of certmagic.Storage that is
// used here; its lock is advice, many storages have none that holds.
type Storage interface {
	Load(ctx context.Context, key string) ([]byte, error)
	Store(ctx context.Context, key string, value []byte) error
	Lock(ctx context.Context, name string) error
	Unlock(ctx context.Context, name string) error
}

// App gives the tokens of one app.
type App struct {
	name  string // within its group
	group *Group
	*record
	unstored      atomic.Pointer[error] // why the ticket is not in the storage, nil if it is
	locking       atomic.Bool           // the storage is asked for the lock of the ticket
	lockingAccess atomic.Bool           // the same for the access token
}

// Options are what an [App] is made of. All must be set but those that have a default.
type Options struct {
	// Name names the app. It becomes part of the storage's keys,
	// `dingtalk/<name>/…`; apps with the same name share everything.
	Name string

	// Source is where the tokens come from: DingTalk.
	Source Source

	// Storage is what the fleet shares.
	Storage Storage

	// Memory is what the process remembers of its apps.
	Memory *Memory

	// Log tells of failures, each once, and of their ends.
	Log *zap.Logger

	// Observer is told how the app fares. Default: nobody is.
	Observer Observer

	// Advice says what to do about an error of Source, for the log; "" where it
	// does not know. Default: it never does.
	Advice func(error) string

	// AdviceZH is Advice in Chinese. Default: it never knows.
	AdviceZH func(error) string
}

// NewApp returns the tokens of an app.
func NewApp(o Options) *App {
	m := o.Memory.of(o.Name)
	g := &Group{flights: &o.Memory.flights, health: &m.health}
	g.Use(o, func(string) Source { return o.Source })
	return &App{name: o.Name, group: g, record: &m.record}
}

// TakeOver shares what the process has had, or is fetching, since before a reload of
// the configuration: the storage may be another one now, and the old one closed
// before all was written.
func (a *App) TakeOver() {
	if a.ticket.get() != nil || a.state.renewing() {
		a.group.work.run(a.agree)
	}
}

// Close says that the configuration of the app is no longer used, and with it its
// storage, which may be closed from now on. Fetches and writes that are under way
// come to their end, as the next configuration may wait for them; looks into the
// storage that are still to come do not.
func (a *App) Close() { a.means().end() }

// Wait waits until all that the app does in the background has ended: fetches,
// writes to the storage, the release of its lock, and, unless the app is closed,
// the looks at what the fleet has. The error is that of ctx, or says why the ticket
// could not be stored.
func (a *App) Wait(ctx context.Context) error {
	if err := a.group.work.wait(ctx); err != nil {
		return err
	}
	if err := a.unstored.Load(); err != nil {
		return *err
	}
	return nil
}

// Unavailable is the error of Ticket: there is no ticket.
type Unavailable struct {
	Err   error         // why, safe to show
	Retry time.Duration // when DingTalk will be asked again
}

func (u *Unavailable) Error() string { return "no jsapi_ticket: " + u.Err.Error() }
func (u *Unavailable) Unwrap() error { return u.Err }

var errSlow = errors.New("DingTalk has not answered yet: check that this server reaches it")

// Ticket returns the app's jsapi_ticket. Where an unexpired one is held it
// returns at once, without allocating; a renewal that is due runs behind it.
// Else it waits for the first fetch, but not longer than wait, and not at all
// where a fetch has failed and none has succeeded since. The error is an
// *Unavailable, or that of ctx.
func (a *App) Ticket(ctx context.Context, wait time.Duration) (*Token, error) {
	now := time.Now()
	if t := a.ticket.get(); t.valid(now) {
		if t.due(now) && a.state.due(now) {
			a.renew()
		}
		return t, nil
	}
	if retry, err := a.state.trouble(now); err != nil {
		if a.state.due(now) {
			a.renew()
		}
		return nil, &Unavailable{err, retry}
	}
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case result := <-a.renew():
		if result.Err != nil {
			retry, _ := a.state.trouble(time.Now())
			return nil, &Unavailable{result.Err, retry}
		}
		return result.Val.(*Token), nil
	case <-timer.C:
		a.state.waitedInVain()
		return nil, &Unavailable{errSlow, 0}
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// Held returns the unexpired ticket in memory, or nil. It never waits.
func (a *App) Held() *Token {
	if t := a.ticket.get(); t.valid(time.Now()) {
		return t
	}
	return nil
}

// flightTime bounds a renewal: waiting for the lock, then up to four calls.
const flightTime = 40 * time.Second

// renew starts the renewal of the ticket unless one is under way, and returns
// its result. It is not bound to any request or configuration: whoever started
// it may be gone when the others still want its result.
func (a *App) renew() <-chan singleflight.Result { return a.fly(a.name, a.renewal) }

// fly does something unless it is under way, and returns its result.
func (a *App) fly(what string, do func() (*Token, error)) <-chan singleflight.Result {
	flight := a.group.flights.DoChan(what, func() (any, error) { return do() })
	result := make(chan singleflight.Result, 1)
	a.group.work.run(func() { result <- <-flight })
	return result
}

// renewal is one renewal of the ticket.
func (a *App) renewal() (*Token, error) {
	ctx, cancel := context.WithTimeout(context.Background(), flightTime)
	defer cancel()
	a.state.started()
	a.group.health.tried()
	t := a.adopt(ctx)
	if t != nil && time.Since(t.Fetched) < agreedTime {
		a.group.work.run(a.agree) // another may be about to replace it
	}
	if t == nil {
		if err := a.state.paused(time.Now()); err != nil {
			return nil, err
		}
		var err error
		if t, err = a.obtain(ctx); err != nil {
			isNew, delay := a.state.failed(err, time.Now())
			a.state.landed()
			if held := a.Held(); held != nil {
				a.tellFailure("cannot renew the jsapi_ticket, pages are signed with the one that is held until it expires, and pass unsigned then",
					err, isNew, delay, zap.Time("expires", held.Expires))
			} else {
				a.tellFailure("cannot fetch a jsapi_ticket, pages without one pass unsigned", err, isNew, delay)
			}
			return nil, err
		}
	}
	if a.state.succeeded() {
		a.means().log.Info("there is a jsapi_ticket again", zap.Time("expires", t.Expires))
	}
	return t, nil
}

// tellFailure logs a failure once, not once a try, and tells the observer.
func (a *App) tellFailure(what string, err error, isNew bool, delay time.Duration, more ...zap.Field) {
	log := a.means().log.Debug
	if isNew {
		log = a.means().log.Error
	}
	fields := append([]zap.Field{zap.Error(err), zap.Duration("next_try", delay)}, more...)
	if advice := a.means().advice(err); advice != "" {
		fields = append(fields, zap.String("advice", advice))
	}
	if advice := a.means().adviceZH(err); advice != "" {
		fields = append(fields, zap.String("advice_zh", advice))
	}
	log(what, fields...)
	if isNew {
		a.means().observer.Failed(err, delay)
	}
}

// fetch asks DingTalk for a ticket.
func (a *App) fetch(ctx context.Context) (*Token, error) {
	access, err := a.accessForTicket()
	if err != nil {
		return nil, err
	}
	now := time.Now()
	value, lifetime, err := a.ask(ctx, access)
	if rejects(err, access, now) {
		a.access.refuse(access)
		if access, err = a.accessForTicket(); err != nil {
			return nil, err
		}
		now = time.Now()
		value, lifetime, err = a.ask(ctx, access)
	}
	if err != nil {
		return nil, fmt.Errorf("fetching jsapi_ticket: %w", err)
	}
	t := newToken(value, now, lifetime)
	a.means().observer.Fetched(t.Expires)
	return t, nil
}

// accessForTicket returns an access token that is not due.
func (a *App) accessForTicket() (*Token, error) {
	result := <-a.renewAccess(false)
	if result.Err != nil {
		return nil, result.Err
	}
	return result.Val.(*Token), nil
}

// ask calls DingTalk for a ticket.
func (a *App) ask(ctx context.Context, access *Token) (value string, lifetime time.Duration, err error) {
	value, lifetime, err = a.source().Ticket(ctx, access.Value)
	if err == nil && !usable(value) {
		err = errIssued
	}
	a.means().observer.Called(KindTicket, err)
	return value, lifetime, err
}
