package main

import (
	"math"
	"math/rand/v2"
	"strings"
	"testing"
	"time"
)

// small is a fleet whose figures are known beforehand, near enough.
var small = params{Nodes: 40, Corps: 2000, Pages: 400, PerInterface: 20, Addresses: 2, Lost: 0.01,
	For: 4 * time.Hour, Rest: time.Minute, Spread: time.Minute}

func with(change func(*params)) params {
	p := small
	change(&p)
	return p
}

// Each corp that is asked for costs the fleet two calls in 110 minutes, however many nodes there
// are, and each node one read.
func TestAFleetThatSharesCallsDingTalkOnceACorp(t *testing.T) {
	g := newFleet(small).run()
	m, seconds := g.steady()
	once := 2 * float64(small.Corps) / seconds // nearly all are asked for within that time
	if got := float64(m.all()) / seconds; got < 0.9*once || got > 1.3*once {
		t.Errorf("%.2f calls a second, want about %.2f", got, once)
	}
	if m.unsigned > 0 || m.refused > 0 {
		t.Errorf("%d pages are unsigned and %d calls refused while all is well", m.unsigned, m.refused)
	}
	if reads, each := float64(m.reads)/seconds, g.active*float64(small.Nodes)/seconds; reads < 0.8*each || reads > 2*each {
		t.Errorf("%.1f reads a second, want about those of one for each node and corp in 110 minutes: %.1f", reads, each)
	}

	alone := newFleet(with(func(p *params) { p.Alone, p.PerInterface = true, 0 })).run()
	a, _ := alone.steady()
	if a.all() < 10*m.all() {
		t.Errorf("%d calls where nothing is shared, and %d where all is", a.all(), m.all())
	}
	if out := g.String(); !strings.Contains(out, "calls of DingTalk") || !strings.Contains(out, "reads of the storage") {
		t.Errorf("printed %s", out)
	}
}

// What the code itself does, see TestAFleetOfManyCorpsOverALossyStorage in tenant/suite: 304 calls
// and 3315 reads.
func TestTheModelAgreesWithTheCode(t *testing.T) {
	g := newFleet(with(func(p *params) { p.Nodes, p.Corps, p.Pages = 8, 150, 10 })).run()
	m, _ := g.steady()
	if n := m.all(); n < 270 || n > 340 {
		t.Errorf("%d calls, want about 304", n)
	}
	if m.reads < 2800 || m.reads > 3900 {
		t.Errorf("%d reads, want about 3315", m.reads)
	}
}

// From an empty storage a fleet gets on as fast as DingTalk's limit lets it. That needs processes
// that come back at different times after a refusal.
func TestAnEmptyStorageFillsAsFastAsDingTalkAnswers(t *testing.T) {
	empty := with(func(p *params) { p.Empty, p.PerInterface = true, 2 })
	spread := newFleet(empty).run()
	empty.Spread = 0
	together := newFleet(empty).run()

	fastest := float64(small.Corps) / 2 / 60 // minutes
	after := spread.service(0.01)
	if after < 0 || float64(after) > 5*fastest {
		t.Errorf("99 %% of pages are signed after %d minutes, want at most five times the %.0f that all calls take\n%s", after, fastest, spread)
	}
	if later := together.service(0.01); later >= 0 && later <= after {
		t.Errorf("99 %% of pages are signed after %d minutes where all processes rest equally long, and after %d where not", later, after)
	}
}

func TestZipf(t *testing.T) {
	const corps, draws = 1000, 1_000_000
	z, rng := newZipf(corps), rand.New(rand.NewPCG(1, 1))
	count := make([]int, corps)
	for range draws {
		count[z.draw(rng)]++
	}
	sum := 0.0
	for i := range corps {
		sum += 1 / float64(i+1)
	}
	for _, i := range []int{0, 1, 9, 99, 999} {
		want := draws / (float64(i+1) * sum)
		if math.Abs(float64(count[i])-want) > 6*math.Sqrt(want) {
			t.Errorf("corp %d was drawn %d times, want %.0f", i, count[i], want)
		}
	}
}

func TestDingTalkRefusesBeyondItsLimits(t *testing.T) {
	d := newDingTalk(params{PerInterface: 20, Addresses: 1})
	answered := 0
	for i := range 1000 {
		if d.answers(10+float64(i)/100, ticket, 0) { // 100 a second, for ten seconds
			answered++
		}
	}
	if answered < 200 || answered > 225 {
		t.Errorf("%d calls are answered in ten seconds, want 20 a second", answered)
	}
	d = newDingTalk(params{Addresses: 1})
	for range addressLimit {
		if !d.answers(100, ticket, 0) {
			t.Fatal("refused within the limit of an address")
		}
	}
	if d.answers(100, ticket, 0) || d.answers(399, ticket, 0) || !d.answers(401, ticket, 0) || d.shutOut != 1 {
		t.Error("too many calls of one address do not shut it out for five minutes")
	}
}
