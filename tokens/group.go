package tokens

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"go.uber.org/zap"
	"golang.org/x/sync/singleflight"
)

// Group are apps that are alike but for their names, as the corps that have authorised
// one third-party app. All of them share what they work with, so that one more costs
// little besides its tokens; nothing in it runs while nobody asks for a ticket.
//
// DingTalk answers each call for a corp's access token with another one, so they are
// fetched under the fleet's lock, and not held in memory longer than they are needed.
type Group struct {
	prefix  string // of the names of its apps in the storage
	flights *singleflight.Group
	work    work
	health  *health // of the storage, which all its apps share
	fresh   bool    // DingTalk answers each call for an access token with another one
	tally   *tally  // of the tickets of its apps, nil where there is but one

	current atomic.Pointer[means]
	mu      sync.Mutex
	all     []*means // of the configurations that are in use, the latest last
}

// means are what the apps of one configuration work with.
type means struct {
	source   func(app string) Source
	storage  Storage
	observer Observer
	advice   func(error) string
	adviceZH func(error) string
	log      *zap.Logger
	life     context.Context // ends with the configuration
	end      context.CancelFunc
}

// NewGroup returns a group that has nothing to work with yet: see [Group.Use]. Its apps
// stand in the storage under `dingtalk/<name>/…`.
func NewGroup(name string) *Group {
	return &Group{prefix: name + "/", flights: new(singleflight.Group), health: new(health), fresh: true, tally: new(tally)}
}

// Use lets the apps of the group work with what the options say, the Name, the Source
// and the Memory of which do not count, and with sources of their own. stop ends that:
// the storage may be closed from then on. Where several are in use, the latest counts.
func (g *Group) Use(o Options, source func(app string) Source) (stop func()) {
	if o.Observer == nil {
		o.Observer = nobody{}
	}
	silent := func(error) string { return "" }
	if o.Advice == nil {
		o.Advice = silent
	}
	if o.AdviceZH == nil {
		o.AdviceZH = silent
	}
	m := &means{source: source, storage: o.Storage, observer: o.Observer, advice: o.Advice, adviceZH: o.AdviceZH, log: o.Log}
	m.life, m.end = context.WithCancel(context.Background())
	g.mu.Lock()
	defer g.mu.Unlock()
	g.all = append(g.all, m)
	g.current.Store(m)
	return func() { g.stop(m) }
}

// stop ends the use of some means. The last ones stay: what is under way may still look
// at them, and finds that their life has ended.
func (g *Group) stop(m *means) {
	m.end()
	g.mu.Lock()
	defer g.mu.Unlock()
	for i, other := range g.all {
		if other == m && len(g.all) > 1 {
			g.all = append(g.all[:i:i], g.all[i+1:]...)
			break
		}
	}
	g.current.Store(g.all[len(g.all)-1])
}

// App returns the tokens of a new app of the group, which has none yet.
func (g *Group) App(name string) *App {
	return &App{name: name, group: g, record: &record{ticket: counted{tally: g.tally}}}
}

// Held returns how many of its apps hold an unexpired ticket in memory, to the second. It
// looks at none of them. An app that is of no more use must be told to Forget, or counts
// until its ticket expires.
func (g *Group) Held() int { return g.tally.count(time.Now()) }

func (a *App) means() *means { return a.group.current.Load() }

func (a *App) source() Source { return a.means().source(a.name) }

// Forget drops the tokens that are held in memory: they are not to be used any more.
// What is under way may still bring others.
func (a *App) Forget() {
	a.access.set(nil)
	a.ticket.set(nil)
}

// forgotten tells whether the tokens that were held are not to be used any more.
func (a *App) forgotten() bool { return a.ticket.get() == nil }

// Keys are those under which the tokens stand in the storage.
func (a *App) Keys() []string { return []string{a.key(KindAccess), a.key(KindTicket)} }

// Forgive forgets the failure that the app is in, so that a page waits for DingTalk again:
// something that the app depends on has been mended.
func (a *App) Forgive() { a.state.absolve() }
