package tokens

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/zap"

	"github.com/caddy-dingtalk/caddy-dingtalk/internal/sandbox"
	"github.com/caddy-dingtalk/caddy-dingtalk/oapi"
)

// A simulation of two days: 8 processes over one storage, whose pages come all
// the time, while processes are restarted, clocks are stepped, and a second
// system fetches the same app's ticket behind their back. DingTalk is the
// sandbox: it says of each page whether its ticket is alive, it lets a ticket die
// 24 h after its creation, and it announces two hours even then.
//
// All processes share the virtual clock, so a wall clock that is wrong is
// modelled where a wall clock enters: in what a process writes to the storage and
// reads from it (see clock), and in the times that it compares by the wall: that
// a token was fetched, and the end of one from the storage, unless that is tied to
// the monotonic clock when it is read (see node.step). A token also ends by the
// wall where that is ahead. All else is monotonic and feels no step, there as
// here. DingTalk's clock is always right.
const (
	simulated  = 48 * time.Hour
	roundEvery = 15 * time.Second // a page on one of the processes
	wayToThere = 40 * time.Millisecond
	reportTime = time.Second // from a page to its report, if DingTalk refuses it
	stepSize   = 2 * time.Hour
	mendEvery  = time.Hour // a single wrong clock is set right after about that time
)

// clock is the storage as a process sees it whose wall clock is ahead.
type clock struct {
	Storage
	ahead atomic.Int64
}

// shift moves the times of a stored token, whatever they are, and lets all else be.
func shift(data []byte, by time.Duration) []byte {
	var fields map[string]any
	if json.Unmarshal(data, &fields) != nil {
		return data
	}
	for name, value := range fields {
		text, _ := value.(string)
		if at, err := time.Parse(time.RFC3339Nano, text); err == nil {
			fields[name] = at.Add(by)
		}
	}
	shifted, err := json.Marshal(fields)
	if err != nil {
		return data
	}
	return shifted
}

func (c *clock) Load(ctx context.Context, key string) ([]byte, error) {
	data, err := c.Storage.Load(ctx, key)
	return shift(data, -time.Duration(c.ahead.Load())), err
}

func (c *clock) Store(ctx context.Context, key string, data []byte) error {
	return c.Storage.Store(ctx, key, shift(data, time.Duration(c.ahead.Load())))
}

// node is a process of the simulation, and the source of its tokens.
type node struct {
	*App
	clock clock
	way   Source

	off      time.Duration   // how far its clock is from those of the others
	revealed map[string]bool // tickets that have been reported and renewed since the start

	mu     sync.Mutex
	called map[string]time.Time // when this process has last asked for each
	calls  []time.Time
}

func (n *node) note(kind string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.called[kind] = time.Now()
	n.calls = append(n.calls, time.Now())
}

func (n *node) AccessToken(ctx context.Context) (string, time.Duration, error) {
	n.note(KindAccess)
	return n.way.AccessToken(ctx)
}

func (n *node) Ticket(ctx context.Context, access string) (string, time.Duration, error) {
	n.note(KindTicket)
	return n.way.Ticket(ctx, access)
}

// restart throws away what the process remembers.
func (n *node) restart() {
	n.App = NewApp(Options{Name: appName, Source: n, Storage: &n.clock, Memory: NewMemory(), Log: zap.NewNop()})
	n.revealed = make(map[string]bool)
}

// step sets the wall clock of the process ahead, or back.
func (n *node) step(by time.Duration, monotonic bool) {
	n.clock.ahead.Add(int64(by))
	n.mu.Lock()
	defer n.mu.Unlock()
	for kind, place := range map[string]*held{KindAccess: &n.access, KindTicket: &n.ticket.held} {
		t := place.get()
		if t == nil {
			continue
		}
		moved := *t
		moved.Fetched = t.Fetched.Add(-by)
		if own := t.Expires.Sub(n.called[kind]) == maxLifetime; !own && !monotonic || by > 0 {
			moved.Expires, moved.renew = t.Expires.Add(-by), t.renew.Add(-by)
		}
		place.set(&moved)
	}
}

// readsMonotonic tells whether the end of a token from the storage is tied to
// the monotonic clock. There is none in virtual time.
func readsMonotonic(t *testing.T) bool {
	now := time.Now()
	data, err := json.Marshal(newToken("v", now.Add(-time.Hour), time.Hour+time.Minute))
	if err != nil {
		t.Fatal(err)
	}
	read, err := decode(data, now)
	if err != nil {
		t.Fatal(err)
	}
	return read.Expires != read.Expires.Round(0)
}

// trouble is what happens in the two days, each about once in its time.
type trouble struct {
	restart, stepOne, stepAll, second time.Duration

	astray bool // reports reach any process, as behind a balancer, not that of the page
}

// wrongClocks tells whether clocks are stepped.
func (t trouble) wrongClocks() bool { return t.stepOne+t.stepAll > 0 }

// world is a simulation under way.
type world struct {
	trouble
	t         *testing.T
	rng       *rand.Rand
	dingtalk  *sandbox.DingTalk
	way       Source
	nodes     []*node
	monotonic bool

	pages, waited, unsigned int
	elsewhere               int // fetches of the second system
	dead                    int // pages signed with a ticket that DingTalk did not accept
	late                    int // of these, those after the renewal that followed the ticket's report
}

// simulate runs two days.
func simulate(t *testing.T, seed uint64, refetch sandbox.Refetch, what trouble, monotonic bool) *world {
	dingtalk := sandbox.New(sandbox.Options{Refetch: refetch})
	far := http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		time.Sleep(wayToThere)
		dingtalk.ServeHTTP(rw, r)
	})
	o := dingtalk.Options()
	way := oapi.NewApp(o.AppKey, o.AppSecret, oapi.Options{API: "http://dingtalk.test", Transport: overPipes(t, far)})
	t.Cleanup(func() { time.Sleep(time.Minute) }) // before the way is closed: the last page may have started a call
	w := &world{trouble: what, t: t, rng: rand.New(rand.NewPCG(seed, 0)), dingtalk: dingtalk, way: way, monotonic: monotonic}
	shared := newShelf()
	for range fleetSize {
		n := &node{clock: clock{Storage: shared}, way: way, called: make(map[string]time.Time)}
		n.restart()
		w.nodes = append(w.nodes, n)
	}
	for start := time.Now(); time.Since(start) < simulated; time.Sleep(roundEvery) {
		w.disturb()
		n := w.any()
		if refused := w.page(n); refused != nil {
			time.Sleep(reportTime)
			if w.astray {
				n = w.any()
			}
			n.report(refused)
		}
	}
	return w
}

// happens tells at random whether what happens once in a while, 0 for never,
// happens in this round.
func (w *world) happens(every time.Duration) bool {
	return every > 0 && w.rng.Int64N(int64(every)) < int64(roundEvery)
}

func (w *world) disturb() {
	if w.happens(w.restart) {
		w.any().restart()
	}
	for _, n := range w.nodes {
		if n.off != 0 && w.happens(mendEvery) {
			n.step(-n.off, w.monotonic)
			n.off = 0
		}
	}
	if n := w.any(); n.off == 0 && w.happens(w.stepOne) {
		n.off = w.away()
		n.step(n.off, w.monotonic)
	}
	if w.happens(w.stepAll) {
		by := w.away()
		for _, n := range w.nodes {
			n.step(by, w.monotonic)
		}
	}
	if w.happens(w.second) {
		w.fetchElsewhere()
	}
}

func (w *world) any() *node { return w.nodes[w.rng.IntN(len(w.nodes))] }

func (w *world) away() time.Duration {
	return []time.Duration{-stepSize, stepSize}[w.rng.IntN(2)]
}

// fetchElsewhere is the second system, with the same credentials.
func (w *world) fetchElsewhere() {
	w.elsewhere++
	access, _, err := w.way.AccessToken(w.t.Context())
	if err != nil {
		w.t.Fatal(err)
	}
	if _, _, err := w.way.Ticket(w.t.Context(), access); err != nil {
		w.t.Fatal(err)
	}
}

// page is a page of a process. It returns the ticket if DingTalk refuses it.
func (w *world) page(n *node) (refused *Token) {
	start := time.Now()
	ticket, err := n.App.Ticket(w.t.Context(), 2*time.Second)
	w.pages++
	if time.Since(start) > 0 {
		w.waited++
	}
	if err != nil {
		w.unsigned++
		return nil
	}
	if ticket.Value == w.dingtalk.Ticket(sandbox.App) {
		return nil
	}
	w.dead++
	if n.revealed[ticket.Value] {
		w.late++
	}
	return ticket
}

// report is that of a page whose ticket was refused.
func (n *node) report(refused *Token) {
	if held := n.Held(); held != nil && held.Value == refused.Value { // it tells which one
		n.Suspect()
		if s := n.state.suspicionOf(); !s.Asked.Equal(time.Now()) {
			return
		}
		time.Sleep(reportTime) // the renewal
		if after := n.Held(); after != nil && after.Fetched.Equal(held.Fetched) {
			return // another process has asked within the last minute: none follows
		}
	}
	n.revealed[refused.Value] = true
}

// mostCalls is the largest number of calls that a process made within a minute.
func (w *world) mostCalls() (most int) {
	for _, n := range w.nodes {
		for i, at := range n.calls {
			end := i
			for end < len(n.calls) && n.calls[end].Sub(at) < time.Minute {
				end++
			}
			most = max(most, end-i)
		}
	}
	return most
}

func (w *world) String() string {
	calls := w.dingtalk.Calls()
	return fmt.Sprintf("%d pages, %d waited, %d unsigned, %d with a dead ticket, %d of them after its renewal; %d tickets and %d access tokens asked for, at most %d calls a minute of a process",
		w.pages, w.waited, w.unsigned, w.dead, w.late, calls["v1.ticket"], calls["v1.token"], w.mostCalls())
}

// lives is how many tickets a fleet needs in the two days.
const lives = int(simulated/(110*time.Minute)) + 1

// Where a refetch prolongs the ticket, no page is signed with a dead one, or, if
// the clocks of the fleet are wrong when it dies, one of each process. Where a
// refetch kills the ticket, a process signs no page with the dead one after the
// renewal that follows the first report that it gets of it. Such renewals come
// once a minute at most, and where the clocks are right not more often than the
// second system fetches.
func TestTwoDaysOfTrouble(t *testing.T) {
	monotonic := readsMonotonic(t)
	troubles := []struct {
		name  string
		what  trouble
		seeds uint64
	}{
		{"nothing happens", trouble{}, 1},
		{"a second system fetches", trouble{second: 2 * time.Hour}, 1},
		{"a second system fetches and processes are restarted", trouble{second: 2 * time.Hour, restart: 30 * time.Minute}, 2},
		{"single clocks are stepped", trouble{stepOne: 4 * time.Hour}, 1},
		{"all clocks are stepped", trouble{stepAll: 10 * time.Hour}, 1},
		{"all of that happens", trouble{30 * time.Minute, 4 * time.Hour, 10 * time.Hour, 2 * time.Hour, false}, 1},
		{"reports go astray", trouble{astray: true}, 1},
	}
	for _, refetch := range []sandbox.Refetch{sandbox.SameValue, sandbox.NewValue} {
		for _, tt := range troubles {
			for seed := range tt.seeds {
				t.Run(fmt.Sprintf("%s, %s, seed %d", refetch, tt.name, seed), func(t *testing.T) {
					bubble(t, func(t *testing.T) {
						w := simulate(t, seed, refetch, tt.what, monotonic)
						t.Log(w)
						w.check(refetch)
					})
				})
			}
		}
	}
}

func (w *world) check(refetch sandbox.Refetch) {
	if w.unsigned != 0 {
		w.t.Errorf("%d pages are unsigned while DingTalk answers", w.unsigned)
	}
	most := 0
	if w.wrongClocks() {
		most = fleetSize
	}
	if refetch == sandbox.SameValue && w.dead > most {
		w.t.Errorf("%d pages were signed with a dead ticket, want at most %d", w.dead, most)
	}
	if w.late != 0 {
		w.t.Errorf("%d pages were signed with a dead ticket that had been reported and renewed", w.late)
	}
	if n := w.mostCalls(); n > 5 {
		w.t.Errorf("%d calls within a minute of one process", n)
	}
	if n := w.dingtalk.Calls()["v1.ticket"]; !w.wrongClocks() && n > lives+2*w.elsewhere+fleetSize {
		w.t.Errorf("%d tickets asked for, %d of them by the second system: the fleet needs %d", n, w.elsewhere, lives)
	}
}
