package main

import (
	"fmt"
	"strings"
)

// figures are what a simulation shows, by minutes.
type figures struct {
	params
	minutes []minute
	signed  []bool // by corp: that a page of it was
	shutOut int
	active  float64 // corps with a ticket on a node, on an average
}

// minute is what happened in one.
type minute struct {
	pages, unsigned int
	calls           [callKinds]int
	refused         int
	reads, writes   int
}

func newFigures(p params) *figures {
	return &figures{params: p, minutes: make([]minute, int(p.For.Minutes())+2), signed: make([]bool, p.Corps)}
}

func (g *figures) at(now float64) *minute {
	return &g.minutes[min(int(now/60), len(g.minutes)-1)]
}

func (g *figures) page(now float64, corp int32, signed bool) {
	m := g.at(now)
	m.pages++
	if signed {
		g.signed[corp] = true
	} else {
		m.unsigned++
	}
}

func (g *figures) call(now float64, kind call, answered bool) {
	m := g.at(now)
	m.calls[kind]++
	if !answered {
		m.refused++
	}
}

func (g *figures) reads(now float64, n int) { g.at(now).reads += n }
func (g *figures) writes(now float64)       { g.at(now).writes++ }

func (g *figures) end(f *fleet) *figures {
	g.shutOut = f.dingtalk.shutOut
	held := 0
	for _, h := range f.held {
		if f.age(h) < life {
			held++
		}
	}
	g.active = float64(held) / float64(f.Nodes)
	g.minutes = g.minutes[:int(g.For.Minutes())]
	return g
}

// between adds up some minutes.
func (g *figures) between(from, to int) (sum minute) {
	for _, m := range g.minutes[from:to] {
		sum.pages += m.pages
		sum.unsigned += m.unsigned
		sum.refused += m.refused
		sum.reads += m.reads
		sum.writes += m.writes
		for k, n := range m.calls {
			sum.calls[k] += n
		}
	}
	return sum
}

// steady is the last life of tickets.
func (g *figures) steady() (sum minute, seconds float64) {
	last := len(g.minutes)
	return g.between(last-110, last), 110 * 60
}

// calls of all kinds.
func (m minute) all() (sum int) {
	for _, n := range m.calls {
		sum += n
	}
	return sum
}

func (m minute) unsignedShare() float64 { return float64(m.unsigned) / float64(max(m.pages, 1)) }

// service is the first minute from which on no more than that share of pages was unsigned, -1 if
// there is none.
func (g *figures) service(share float64) int {
	since := -1
	for i, m := range g.minutes {
		switch {
		case m.unsignedShare() > share:
			since = -1
		case since < 0:
			since = i
		}
	}
	return since
}

// String is what to size by.
func (g *figures) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%d nodes behind %d addresses, %d corps, %g pages/s, DingTalk answers %g calls/s an interface, %g %% of reads and writes lost, no locks\n",
		g.Nodes, g.Addresses, g.Corps, g.Pages, g.PerInterface, 100*g.Lost)
	m, s := g.steady()
	fmt.Fprintf(&b, "in the last 110 minutes:\n  corps with a ticket on a node  %.0f\n  calls of DingTalk              %.1f/s", g.active, float64(m.all())/s)
	for k, n := range m.calls {
		fmt.Fprintf(&b, "%s%s %.2f/s", map[bool]string{true: "  (", false: ", "}[k == 0], callNames[k], float64(n)/s)
	}
	fmt.Fprintf(&b, ")\n  of these refused               %.2f/s\n  reads of the storage           %.1f/s, and %.1f/s for news\n  writes                         %.1f/s\n  unsigned pages                 %.4f %%\n",
		float64(m.refused)/s, float64(m.reads)/s, float64(g.Nodes)/newsEvery, float64(m.writes)/s, 100*m.unsignedShare())
	most := 0
	for _, one := range g.minutes {
		most = max(most, one.reads)
	}
	fmt.Fprintf(&b, "busiest minute: %.0f reads/s; addresses shut out for five minutes: %d times\n", float64(most)/60, g.shutOut)
	if g.Empty || g.Alone {
		b.WriteString("from an empty storage:\n  unsigned pages in the minute  ")
		for _, at := range []int{0, 1, 5, 10, 30, 60, 90, 120, 180} {
			if at < len(g.minutes) {
				fmt.Fprintf(&b, " %d: %.1f %%", at, 100*g.minutes[at].unsignedShare())
			}
		}
		b.WriteByte('\n')
		for _, share := range []float64{0.5, 0.1, 0.01, 0.001} {
			fmt.Fprintf(&b, "  %5g %% of pages signed       ", 100*(1-share))
			if at := g.service(share); at >= 0 {
				fmt.Fprintf(&b, "after %d minutes\n", at)
			} else {
				b.WriteString("not in this time\n")
			}
		}
	}
	return b.String()
}
