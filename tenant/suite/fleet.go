package suite

import (
	"context"
	"errors"
	"io/fs"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"golang.org/x/sync/singleflight"

	"github.com/caddy-dingtalk/caddy-dingtalk/doctor"
	"github.com/caddy-dingtalk/caddy-dingtalk/oapi"
	"github.com/caddy-dingtalk/caddy-dingtalk/observe"
	"github.com/caddy-dingtalk/caddy-dingtalk/tokens"
)

// fleet is this process's part of a suite's fleet: what it knows, which outlives a reload
// of the configuration, and what it works with, which does not.
type fleet struct {
	name    string // in the storage: dingtalk/<name>/…
	key     string // the SuiteKey
	corps   *corps
	tokens  *tokens.Group
	ticket  tickets
	journal journal
	store   store

	lookups budget
	pace    pace
	rests   atomic.Int64 // no call before, unix ns
	flights singleflight.Group
	asked   atomic.Int64 // flights under way
	refused refusals

	api atomic.Pointer[oapi.Suite]
	now atomic.Pointer[Suite] // the latest of those in use

	mu     sync.Mutex
	inUse  []*Suite
	begun  bool
	since  time.Time // of the beginning
	stale  bool      // that the suite_ticket is stale has been told
	failed error     // of the storage, when it was last read

	life  context.Context
	end   context.CancelFunc
	ended chan struct{}
}

func newFleet(name, key string, limit int) *fleet {
	f := &fleet{name: name, key: key, tokens: tokens.NewGroup(name), ended: make(chan struct{})}
	f.corps = newCorps(limit, f.tokens.App)
	f.lookups.limit = lookupsPerMinute
	f.ticket.store, f.ticket.key = &f.store, f.record("suite_ticket")
	f.journal.store, f.journal.key = &f.store, f.record("changes")
	f.life, f.end = context.WithCancel(context.Background())
	return f
}

// record is the key of a record of a suite in the storage.
func record(suite, name string) string { return "dingtalk/" + suite + "/" + name + ".json" }

func (f *fleet) record(name string) string { return record(f.name, name) }

func (f *fleet) corpRecord(id string) string { return f.record("corps/" + id) }

// use lets the fleet work with what a suite says, until stop is called. Of several in use
// the latest counts.
func (f *fleet) use(s *Suite) (stop func()) {
	o := s.o
	stopTokens := f.tokens.Use(tokens.Options{
		Storage: o.Storage, Observer: watcher{s},
		Advice:   func(err error) string { return doctor.Advice(err).EN },
		AdviceZH: func(err error) string { return doctor.Advice(err).ZH },
		// One line tells for all corps: there may be a hundred thousand.
		Log: o.Log.WithOptions(zap.WrapCore(func(c zapcore.Core) zapcore.Core {
			return zapcore.NewSamplerWithOptions(c, time.Minute, 3, 0)
		})),
	}, func(corp string) tokens.Source { return source{f, corp} })
	f.mu.Lock()
	defer f.mu.Unlock()
	f.inUse = append(f.inUse, s)
	f.turnTo(s)
	return func() {
		stopTokens()
		f.mu.Lock()
		defer f.mu.Unlock()
		f.inUse = slices.DeleteFunc(f.inUse, func(other *Suite) bool { return other == s })
		if len(f.inUse) > 0 {
			f.turnTo(f.inUse[len(f.inUse)-1])
		}
	}
}

// turnTo makes a suite the one that counts. The caller holds the lock.
func (f *fleet) turnTo(s *Suite) {
	f.store.storage.Store(&s.o.Storage)
	f.api.Store(s.api)
	f.now.Store(s)
	if s.o.Ticket != "" {
		f.ticket.fix(s.o.Ticket)
	}
}

// begin starts what keeps the fleet together. It is called when a configuration runs.
func (f *fleet) begin() {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.begun {
		return
	}
	f.begun, f.since = true, time.Now()
	go func() {
		defer close(f.ended)
		f.run(f.life)
	}()
}

// Destruct ends it.
func (f *fleet) Destruct() error {
	f.end()
	f.mu.Lock()
	begun := f.begun
	f.mu.Unlock()
	if begun {
		<-f.ended
	}
	return nil
}

// pollTime is how often the fleet's news are read. A revocation is to hold everywhere
// within 30 s.
const pollTime = 10 * time.Second

// run reads the fleet's news, and saves what could not be saved, until the context ends.
func (f *fleet) run(ctx context.Context) {
	ticker := time.NewTicker(pollTime)
	defer ticker.Stop()
	for {
		f.poll(ctx)
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return
		}
	}
}

func (f *fleet) poll(ctx context.Context) {
	f.saveAll(ctx)
	f.report(f.readNews(ctx))
	f.refused.sweep(ctx, f)
	f.watchTicket(time.Now())
}

// readNews reads what others have announced.
func (f *fleet) readNews(ctx context.Context) error {
	news, missed, err := f.journal.read(ctx)
	if err != nil {
		return err
	}
	if missed {
		f.corps.doubt("")
		news = append(news, change{}) // the ticket, too
	}
	var failed error
	for _, c := range news {
		if err := f.hear(ctx, c); err != nil {
			failed = err
			f.journal.forget(c) // it is heard again
		}
	}
	return failed
}

// hear reads what has been announced to have changed.
func (f *fleet) hear(ctx context.Context, c change) error {
	if c.Corp == "" {
		isNew, err := f.ticket.read(ctx)
		if isNew {
			f.forgive()
		}
		return err
	}
	if _, held := f.corps.peek(c.Corp); !held {
		return nil // its first page reads it
	}
	f.corps.doubt(c.Corp)
	_, err := f.read(ctx, c.Corp)
	return err
}

// read reads what the storage knows of a corp, and joins it with what is known here.
func (f *fleet) read(ctx context.Context, id string) (view, error) {
	var stored Standing
	err := f.store.load(ctx, f.corpRecord(id), &stored)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		if _, held := f.corps.peek(id); !held {
			return view{}, nil
		}
		_, v := f.corps.learn(id, Standing{}, true)
		return v, nil
	case err != nil:
		v, _ := f.corps.peek(id)
		return v, err
	}
	return f.learn(id, stored, true), nil
}

// learn joins news of a corp with what is known here. A corp that loses something loses
// its tokens.
func (f *fleet) learn(id string, news Standing, fromStorage bool) view {
	before, after := f.corps.learn(id, news, fromStorage)
	now := time.Now()
	was, is := before.standing.state(now), after.standing.state(now)
	switch {
	case after.standing.Revoked > before.standing.Revoked, is == refused && was != refused:
		f.outdate(id, after)
	case len(after.standing.active("")) < len(before.standing.active("")):
		after.tokens.Forget()
	case is == served && was != served:
		after.tokens.Forgive()
	}
	return after
}

// outdate drops tokens from before a revocation, which hold no longer even if the corp has
// authorised the suite again since. A process that has put its own into the storage before
// it heard of it takes them out, too.
func (f *fleet) outdate(id string, v view) {
	held := v.tokens.Held() != nil
	v.tokens.Forget()
	v.tokens.Forgive()
	if held {
		go f.dropTokens(f.life, id)
	}
}

// save makes what is known of a corp, or the suite_ticket (""), what the fleet knows, and
// announces it.
func (f *fleet) save(ctx context.Context, id string) error {
	if id == "" {
		return f.ticket.save(ctx, func() error { return f.journal.announce(ctx, "") })
	}
	err := f.saveCorp(ctx, id)
	f.corps.saved(id, err == nil)
	return err
}

func (f *fleet) saveCorp(ctx context.Context, id string) error {
	var stored Standing
	err := f.store.load(ctx, f.corpRecord(id), &stored)
	if err != nil && !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, errRecord) {
		return err
	}
	v := f.learn(id, stored, true)
	if err == nil && v.standing.equal(stored) {
		return nil
	}
	if err := f.store.save(ctx, f.corpRecord(id), v.standing); err != nil {
		return err
	}
	return f.journal.announce(ctx, id)
}

// saveAll saves what the storage has not taken, and once more what it has taken of late:
// a process that saved at the same time may have written over it.
func (f *fleet) saveAll(ctx context.Context) {
	ids := append(f.corps.toSave(), f.journal.recent()...)
	if !f.ticket.isSaved() {
		ids = append(ids, "")
	}
	slices.Sort(ids)
	for _, id := range slices.Compact(ids) {
		if err := f.save(ctx, id); err != nil {
			return
		}
	}
}

// report logs once that the storage fails, and once that it works again.
func (f *fleet) report(err error) {
	f.mu.Lock()
	changed := (err == nil) != (f.failed == nil)
	f.failed = err
	f.mu.Unlock()
	switch log := f.now.Load().o.Log; {
	case !changed || f.life.Err() != nil:
	case err == nil:
		log.Info("what the fleet knows of the suite's corps is read from the storage again", zap.String("suite_key", f.key))
	default:
		log.Error("what the fleet knows of the suite's corps cannot be read from the storage: what was read before holds, and what other processes are told "+
			"is not heard of. Check the storage and this machine's access to it", zap.String("suite_key", f.key), zap.Error(err))
	}
}

// forgive lets all corps ask DingTalk at once: the suite_ticket is a new one.
func (f *fleet) forgive() {
	f.corps.each(func(_ string, v view) { v.tokens.Forgive() })
}

// staleStart is how long there may be no suite_ticket before that is told.
const staleStart = 10 * time.Minute

// watchTicket tells once that the suite_ticket is stale.
func (f *fleet) watchTicket(now time.Time) {
	t := f.ticket.get()
	stale := !f.ticket.fixed && (t.Value == "" && now.Sub(f.since) >= staleStart || t.Value != "" && now.Sub(t.Received) >= doctor.StaleSuiteTicket)
	f.mu.Lock()
	told := f.stale
	f.stale = stale
	f.mu.Unlock()
	if !stale || told {
		return
	}
	o := f.now.Load().o
	data := map[string]any{"app": f.name, "suite_key": f.key}
	fields := []zap.Field{zap.String("suite_key", f.key)}
	if t.Value != "" {
		data["age_seconds"] = int(now.Sub(t.Received).Seconds())
		fields = append(fields, zap.Time("received", t.Received))
	}
	o.Log.Warn("no new suite_ticket has been pushed: push it again in the developer console, and check that DingTalk reaches the callback", fields...)
	f.emit(observe.EventSuiteTicketStale, data)
}

func (f *fleet) emit(name string, data map[string]any) {
	if events := f.now.Load().o.Events; events != nil {
		events.Emit(name, data)
	}
}

// watcher tells metrics and events how the tokens fare: what happens to one of many corps
// is counted, and told at most so often.
type watcher struct{ of *Suite }

func (watcher) Called(kind string, err error) { observe.CountCall(kind, err) }
func (watcher) Fetched(time.Time)             {}

func (w watcher) Failed(err error, delay time.Duration) {
	if w.of.o.Events != nil && w.of.notices.Admit(5, observe.EventFailed) {
		observe.Watcher{App: w.of.fleet.name, Events: w.of.o.Events}.Failed(err, delay)
	}
}
