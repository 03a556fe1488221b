package suite

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/caddy-dingtalk/caddy-dingtalk/internal/sandbox"
)

// leaky is a storage whose locks do nothing, which loses some of what is written, and some of
// whose reads fail.
type leaky struct {
	*shelf
	lost float64

	mu  sync.Mutex
	rng *rand.Rand
}

func newLeaky(lost float64) *leaky {
	return &leaky{shelf: newShelf(), lost: lost, rng: rand.New(rand.NewPCG(1, 2))}
}

func (l *leaky) loses() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.rng.Float64() < l.lost
}

func (l *leaky) Load(ctx context.Context, key string) ([]byte, error) {
	if l.loses() {
		l.set(func() { l.reads++ })
		return nil, errBroken
	}
	return l.shelf.Load(ctx, key)
}

func (l *leaky) Store(ctx context.Context, key string, value []byte) error {
	if l.loses() {
		return nil
	}
	return l.shelf.Store(ctx, key, value)
}

func (*leaky) Lock(context.Context, string) error   { return nil }
func (*leaky) Unlock(context.Context, string) error { return nil }

// distant is DingTalk, simulated, a tenth of a second away.
type distant struct{ http.Handler }

func (d distant) RoundTrip(r *http.Request) (*http.Response, error) {
	time.Sleep(100 * time.Millisecond)
	w := httptest.NewRecorder()
	d.ServeHTTP(w, r)
	return w.Result(), nil
}

// simulated is a suite that so many corps have authorised, and a fleet for it over a storage.
func simulated(t *testing.T, corps, nodes int, s Storage) (*sandbox.DingTalk, []*node) {
	ding := sandbox.New(sandbox.Options{Suites: []sandbox.Suite{{Key: suiteKey, Secret: "s3cret", Ticket: "ticket-1"}}})
	for i := range corps {
		if _, err := ding.Authorize(sandbox.Authorization{CorpID: corpName(i), Agents: []sandbox.Agent{{AgentID: strconv.Itoa(i)}}}); err != nil {
			t.Fatal(err)
		}
	}
	fleet := make([]*node, nodes)
	for i := range fleet {
		fleet[i] = newNode(t, nil, s, func(o *Options) { o.transport = distant{ding} })
	}
	fleet[0].mustPush(ticketEvent("ticket-1"))
	time.Sleep(time.Minute)
	return ding, fleet
}

func corpName(i int) string { return fmt.Sprintf("corp%04d", i) }

// called is how often DingTalk was called for corps.
func called(ding *sandbox.DingTalk) int {
	calls := ding.Calls()
	return calls["oapi.get_auth_info"] + calls["v1.corpAccessToken"] + calls["v1.ticket"]
}

// What one corp costs a node, which internal/simulate takes for granted.
func TestWhatAFetchCosts(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := newLeaky(0)
		ding, fleet := simulated(t, 1, 3, s)
		// reads counts those that something needs, besides the fleet's regular ones for news.
		reads := func(do func()) (n int) {
			const settled = 30 * time.Second
			s.set(func() { n = -s.reads })
			do()
			time.Sleep(settled)
			s.set(func() { n += s.reads })
			return n - len(fleet)*int(settled/pollTime)
		}
		page := func(n *node) { n.wantPage("0 "+ding.TicketFor(suiteKey, corpName(0)), corpName(0)) }

		jitter := len(fleet) // a look for news that falls into the next half minute
		if got := reads(func() {}); got < -jitter || got > jitter {
			t.Errorf("%d reads while nobody comes", got)
		}
		fetch := reads(func() { fleet[0].page(corpName(0)) })
		if calls := called(ding); calls != 3 {
			t.Errorf("%d calls, want 3", calls)
		}
		fresh := reads(func() { page(fleet[1]) }) // another may be about to replace it
		adopt := reads(func() { page(fleet[2]) })
		again := reads(func() {
			for range 1000 {
				page(fleet[1])
			}
		})
		t.Logf("reads: %d for a corp that nobody knows, %d where the storage has it for half a minute, %d where for longer, %d afterwards",
			fetch, fresh, adopt, again)
		if fetch > 21+jitter || fresh < 6-jitter || fresh > 6+jitter || adopt > 2+jitter || again > jitter {
			t.Errorf("reads: %d, %d, %d and %d, want about 21, 6, 2 and none", fetch, fresh, adopt, again)
		}
		if calls := called(ding); calls != 3 {
			t.Errorf("%d calls in the end, want 3", calls)
		}
	})
}

// A fleet over a storage that loses one in a hundred, whose locks do nothing, for four hours: no
// page is unsigned, each corp costs little more than two calls in 110 minutes whatever the number
// of nodes, and a node one read. internal/simulate goes on from here to a thousand nodes and a
// hundred thousand corps.
func TestAFleetOfManyCorpsOverALossyStorage(t *testing.T) {
	if testing.Short() {
		t.Skip("takes its time")
	}
	const (
		nodes, corps = 8, 150
		pause        = 100 * time.Millisecond // between two pages
		length       = 4 * time.Hour
		life         = 110 * time.Minute
	)
	bubble(t, func(t *testing.T) {
		s := newLeaky(0.01)
		ding, fleet := simulated(t, corps, nodes, s)
		rng := rand.New(rand.NewPCG(3, 4))
		draw := zipf(rng, corps)

		var visits sync.WaitGroup
		var unsigned atomic.Int64
		pages, reads, calls := 0, 0, 0
		for start := time.Now(); time.Since(start) < length; time.Sleep(time.Duration(rng.ExpFloat64() * float64(pause))) {
			if time.Since(start) >= length-life && reads == 0 { // by now what is seen is what goes on
				s.set(func() { reads = s.reads })
				calls = called(ding)
			}
			n, corp := fleet[rng.IntN(nodes)], draw()
			pages++
			visits.Go(func() {
				if n.page(corpName(corp)) != fmt.Sprint(corp, " ", ding.TicketFor(suiteKey, corpName(corp))) {
					unsigned.Add(1)
				}
			})
		}
		visits.Wait()
		s.set(func() { reads = s.reads - reads })
		calls = called(ding) - calls
		news := nodes * int(life/pollTime)
		t.Logf("%d pages, %d without a ticket that DingTalk takes; in the last 110 minutes %d calls for %d corps, and %d reads by %d nodes besides %d for news",
			pages, unsigned.Load(), calls, corps, reads-news, nodes, news)
		if n := unsigned.Load(); n > 0 {
			t.Errorf("%d of %d pages are unsigned", n, pages)
		}
		if calls < corps || calls > 3*corps {
			t.Errorf("%d calls for %d corps, want about two each", calls, corps)
		}
		if reads-news > 4*corps*nodes {
			t.Errorf("%d reads, want about one for each of %d corps on each of %d nodes, four more where the ticket is new, and a dozen for each fetch", reads-news, corps, nodes)
		}
	})
}

// zipf draws the nth of so many 1/n as often as the first.
func zipf(rng *rand.Rand, size int) func() int {
	upTo, sum := make([]float64, size), 0.0
	for i := range upTo {
		sum += 1 / float64(i+1)
		upTo[i] = sum
	}
	return func() int {
		i, _ := slices.BinarySearch(upTo, rng.Float64()*sum)
		return i
	}
}

// Processes that DingTalk has asked for fewer calls come back at different times.
func TestProcessesRestForDifferentTimesAfterALimit(t *testing.T) {
	bubble(t, func(t *testing.T) {
		ding, fleet := simulated(t, 1, 12, newLeaky(0))
		ding.SetFault(sandbox.AuthInfoCall, sandbox.MustFault("rate"))
		back := make(map[time.Duration]bool)
		for _, n := range fleet {
			n.page(corpName(0))
			rests := time.Until(time.Unix(0, n.fleet.rests.Load()))
			if rests < limitedRest-5*time.Second || rests > limitedRest+limitedSpread {
				t.Errorf("a process rests for %s", rests)
			}
			back[rests.Round(time.Second)] = true
		}
		if len(back) < 6 {
			t.Errorf("%d processes come back at %d different seconds", len(fleet), len(back))
		}
	})
}
