package main

import (
	"container/heap"
	"math/rand/v2"
	"time"
)

// params are what a simulation begins with.
type params struct {
	Nodes, Corps int
	Pages        float64       // a second
	PerInterface float64       // calls a second that DingTalk answers; 0: any number
	Addresses    int           // of the fleet, as DingTalk sees them
	Lost         float64       // share of writes and reads
	For          time.Duration // virtual
	Rest, Spread time.Duration // after a limit
	Alone, Empty bool
}

var defaults = params{Nodes: 1000, Corps: 100_000, Pages: 5000, PerInterface: 20, Addresses: 2, Lost: 0.01,
	For: 4 * time.Hour, Rest: time.Minute, Spread: time.Minute}

// shortest is two lives of tickets: the second one is like all that follow.
const shortest = 4 * time.Hour

// What the model takes for granted, in seconds, and in reads and writes of the storage.
const (
	life        = 7200.0
	renewAfter  = life * 11 / 12
	wait        = 2.0      // ticket_wait
	callTime    = 0.1      // a call of DingTalk, there and back
	storageTime = 0.002    // a read
	callGap     = 1.0 / 20 // of one process: 20 calls a second
	maxQueue    = 10.0     // seconds of calls that wait for their turn
	lookups     = 60       // for corps that nobody knows: a minute and process
	nextLook    = 3.0      // after a fetch, on an average
	looksAgain  = 2.0      // how often the storage is looked into while DingTalk refuses
	limited     = 60.0     // how long a corp's tokens wait after a limit, and up to a second more
	fetchReads  = 6        // before the lock, within it, for the access token twice, what is prolonged, before the write
	agreeReads  = 4        // in the 18 s after a fetch, and after a find of a ticket younger than agreedAge
	agreedAge   = 36.0     // seconds
	newsEvery   = 10.0     // between two looks of a node at what the others announce
	askReads    = 2        // the record of a corp, within the lock and before it is written
)

// call is one of the interfaces of DingTalk.
type call int

const (
	authInfo call = iota
	corpToken
	ticket
	callKinds
)

var callNames = [callKinds]string{"get_auth_info", "corpAccessToken", "jsapiTickets"}

// fetch is what a node does for a corp that it cannot sign for, or not much longer.
type fetch struct {
	node, corp int32
	next       call
	waiting    []float64 // pages, by the time they came
}

// pair is a corp on a node.
type pair struct{ node, corp int32 }

// node is a process.
type node struct {
	turn     float64 // of the next call
	rests    float64 // until then
	minute   float64 // when the look-ups of this minute began
	lookedUp int
}

// fleet is a simulation under way.
type fleet struct {
	params
	rng    *rand.Rand
	now    float64
	events queue
	corps  *zipf

	nodes   []node
	held    []float32 // by node and corp: when the ticket was fetched, plus 1; 0 is none
	known   []bool    // by node and corp: that the corp has authorised the suite
	fetches map[pair]*fetch
	refused map[pair]refusal

	stored   []float32 // by corp, what the storage has: a ticket
	tokens   []float32 // an access token
	recorded []bool    // and the corp's record

	dingtalk dingtalk
	seen     *figures
}

// refusal is how a corp's tokens fare on a node while DingTalk refuses.
type refusal struct{ look, next float64 }

func newFleet(p params) *fleet {
	f := &fleet{
		params: p, rng: rand.New(rand.NewPCG(1, 2)), corps: newZipf(p.Corps),
		nodes: make([]node, p.Nodes), held: make([]float32, p.Nodes*p.Corps), known: make([]bool, p.Nodes*p.Corps),
		fetches: make(map[pair]*fetch), refused: make(map[pair]refusal),
		stored: make([]float32, p.Corps), tokens: make([]float32, p.Corps), recorded: make([]bool, p.Corps),
		dingtalk: newDingTalk(p), seen: newFigures(p),
	}
	if !p.Empty && !p.Alone {
		for c := range f.stored { // of all ages
			f.stored[c] = float32(-f.rng.Float64()*renewAfter) + 1
			f.tokens[c], f.recorded[c] = f.stored[c], true
		}
	}
	return f
}

// run goes on until the time is over.
func (f *fleet) run() *figures {
	page := f.gap()
	for end := f.For.Seconds(); ; {
		if len(f.events) > 0 && f.events[0].at <= page {
			e := heap.Pop(&f.events).(event)
			f.now = e.at
			if e.do != nil {
				e.do()
			} else {
				f.step(e.fetch)
			}
			continue
		}
		if f.now = page; f.now >= end {
			return f.seen.end(f)
		}
		f.page(int32(f.rng.IntN(f.Nodes)), f.corps.draw(f.rng))
		page += f.gap()
	}
}

// gap is the time to the next page.
func (f *fleet) gap() float64 { return f.rng.ExpFloat64() / f.Pages }

// age is how old a ticket is; what is not there is older than any.
func (f *fleet) age(fetched float32) float64 {
	if fetched == 0 {
		return 2 * life
	}
	return f.now - float64(fetched-1)
}

// page is one of a corp on a node.
func (f *fleet) page(n, c int32) {
	at := int(n)*f.Corps + int(c)
	age := f.age(f.held[at])
	signed := age < life
	if signed {
		f.seen.page(f.now, c, true)
		if age < renewAfter {
			return
		}
	}
	key := pair{n, c}
	if flying := f.fetches[key]; flying != nil {
		if !signed {
			flying.waiting = append(flying.waiting, f.now)
		}
		return
	}
	late, isRefused := f.refused[key]
	if isRefused && f.now < late.look {
		if !signed {
			f.seen.page(f.now, c, false)
		}
		return
	}
	flying := &fetch{node: n, corp: c, next: corpToken}
	switch {
	case signed:
	case isRefused: // it does not wait for what has failed
		f.seen.page(f.now, c, false)
	default:
		flying.waiting = append(flying.waiting, f.now)
	}
	f.fetches[key] = flying
	f.start(flying, at)
}

// start looks into the storage, and asks DingTalk where that has nothing new.
func (f *fleet) start(x *fetch, at int) {
	if !f.known[at] && !f.find(x, at) {
		x.next = authInfo
	}
	if x.next == corpToken && f.adopt(x) {
		return
	}
	if late, ok := f.refused[pair{x.node, x.corp}]; ok && f.now < late.next {
		f.fail(x, late.next)
		return
	}
	f.ask(x)
}

// find looks for the corp's record, as adopt does for the ticket.
func (f *fleet) find(x *fetch, at int) bool {
	for range 2 {
		f.read(1)
		if !f.loses() {
			f.known[at] = !f.Alone && f.recorded[x.corp]
			return f.known[at]
		}
	}
	return false
}

// adopt takes the ticket out of the storage, if that is a good one. Where the storage fails it is
// looked into again, under the lock.
func (f *fleet) adopt(x *fetch) bool {
	for range 2 {
		f.read(1)
		if f.loses() {
			continue
		}
		stored := f.stored[x.corp]
		if f.Alone || f.age(stored) >= renewAfter {
			return false
		}
		if f.age(stored) < agreedAge {
			f.read(agreeReads)
		}
		f.succeed(x, stored, storageTime)
		return true
	}
	return false
}

// ask waits for the node's turn, and calls DingTalk.
func (f *fleet) ask(x *fetch) {
	n := &f.nodes[x.node]
	if f.now < n.rests {
		f.fail(x, f.now+limited+f.rng.Float64())
		return
	}
	if x.next == authInfo {
		if f.now-n.minute >= 60 {
			n.minute, n.lookedUp = f.now, 0
		}
		if n.lookedUp++; n.lookedUp > lookups {
			f.fail(x, f.now) // the next page may ask again
			return
		}
	}
	turn := max(n.turn, f.now)
	if turn-f.now > maxQueue {
		f.fail(x, f.now+2)
		return
	}
	n.turn = turn + callGap
	heap.Push(&f.events, event{at: turn, fetch: x})
}

// step is a call of DingTalk.
func (f *fleet) step(x *fetch) {
	n := &f.nodes[x.node]
	if f.now < n.rests {
		f.fail(x, f.now+limited+f.rng.Float64())
		return
	}
	if x.next == corpToken && !f.Alone && f.age(f.tokens[x.corp]) < renewAfter && !f.loses() {
		x.next = ticket // another process has left its access token
	}
	if !f.dingtalk.answers(f.now, x.next, int(x.node)%max(f.Addresses, 1)) {
		f.seen.call(f.now, x.next, false)
		n.rests = f.now + f.Rest.Seconds() + f.rng.Float64()*f.Spread.Seconds()
		f.fail(x, f.now+limited+f.rng.Float64())
		return
	}
	f.seen.call(f.now, x.next, true)
	switch x.next {
	case authInfo:
		f.known[int(x.node)*f.Corps+int(x.corp)] = true
		f.read(askReads)
		f.write(func() { f.recorded[x.corp] = true })
	case corpToken:
		f.write(func() { f.tokens[x.corp] = float32(f.now) + 1 })
	case ticket:
		f.read(fetchReads + agreeReads)
		f.write(func() { f.stored[x.corp] = float32(f.now) + 1 })
		f.succeed(x, float32(f.now)+1, callTime)
		return
	}
	x.next++
	turn := max(n.turn, f.now+callTime)
	n.turn = turn + callGap
	heap.Push(&f.events, event{at: turn, fetch: x})
}

// succeed ends a fetch with a ticket that is there in a moment.
func (f *fleet) succeed(x *fetch, fetched float32, in float64) {
	f.held[int(x.node)*f.Corps+int(x.corp)] = fetched
	f.end(x, f.now+in, true)
	delete(f.refused, pair{x.node, x.corp})
}

// fail ends a fetch without one. DingTalk is not asked before next.
func (f *fleet) fail(x *fetch, next float64) {
	f.end(x, f.now, false)
	f.refused[pair{x.node, x.corp}] = refusal{min(next, f.now+looksAgain), next}
}

// end tells the pages that have waited.
func (f *fleet) end(x *fetch, at float64, ok bool) {
	for _, came := range x.waiting {
		f.seen.page(at, x.corp, ok && at-came <= wait)
	}
	delete(f.fetches, pair{x.node, x.corp})
}

func (f *fleet) read(n int) { f.seen.reads(f.now, n) }

// write writes to the storage. What that loses is written again at the next look.
func (f *fleet) write(do func()) {
	f.seen.writes(f.now)
	if !f.loses() {
		do()
		return
	}
	heap.Push(&f.events, event{at: f.now + nextLook, do: func() { f.write(do) }})
}

func (f *fleet) loses() bool { return f.Lost > 0 && f.rng.Float64() < f.Lost }

// event is what is due: a call, or something else.
type event struct {
	at    float64
	fetch *fetch
	do    func()
}

// queue is a heap of events, the next first.
type queue []event

func (q queue) Len() int           { return len(q) }
func (q queue) Less(i, j int) bool { return q[i].at < q[j].at }
func (q queue) Swap(i, j int)      { q[i], q[j] = q[j], q[i] }
func (q *queue) Push(e any)        { *q = append(*q, e.(event)) }
func (q *queue) Pop() any {
	last := len(*q) - 1
	e := (*q)[last]
	*q = (*q)[:last]
	return e
}
