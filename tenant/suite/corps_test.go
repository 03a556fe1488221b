package suite

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/caddy-dingtalk/caddy-dingtalk/tokens"
)

// manyCorps are so many, of which every second has revoked the suite.
func manyCorps(n, limit int) *corps {
	c := newCorps(limit, tokens.NewGroup("suite").App)
	for i := range n {
		c.learn(corpNumber(i), Standing{Authorized: 2, Listed: 2, Revoked: int64(1 + i%2)}, true)
	}
	return c
}

// Whoever looks at all corps, as the status and each scrape of the metrics do, keeps no page
// waiting: a page takes the lock that the walk would hold.
func TestAWalkOverAllCorpsLetsPagesThrough(t *testing.T) {
	const n = 3*stride + 7
	c := manyCorps(n, n)
	seen := make(map[string]bool)
	c.each(func(id string, _ view) {
		seen[id] = true
		if _, held := c.use(id); !held { // it would wait for ever under the lock
			t.Errorf("%s is not held", id)
		}
	})
	if len(seen) != n {
		t.Errorf("%d corps of %d", len(seen), n)
	}
	at := 0
	if c.some(after(""), func(*corp) { at++ }); at != stride {
		t.Errorf("%d corps are looked at under the lock, want %d", at, stride)
	}
	if authorized, revoked := c.count(); authorized != (n+1)/2 || revoked != n/2 {
		t.Errorf("%d authorised, %d revoked", authorized, revoked)
	}
}

func TestWhoIsHeldIsInOrderAndCounted(t *testing.T) {
	const limit, n = stride + 3, 3 * stride
	c := manyCorps(n, limit)
	seen := make(map[string]int)
	c.each(func(id string, _ view) { seen[id]++ })
	if len(seen) != limit || len(c.byID) != limit {
		t.Errorf("%d corps, %d by their names, want %d", len(seen), len(c.byID), limit)
	}
	if authorized, revoked := c.count(); authorized+revoked != limit || authorized-revoked > 1 || revoked-authorized > 1 {
		t.Errorf("%d authorised, %d revoked", authorized, revoked)
	}
	for i := n - limit; i < n; i++ {
		if seen[corpNumber(i)] != 1 {
			t.Errorf("corp %d is seen %d times", i, seen[corpNumber(i)])
		}
	}
	c.doubt("")
	c.each(func(id string, v view) {
		if v.read {
			t.Errorf("%s is not doubted", id)
		}
	})
}

// TestTheOrderHoldsWhoeverComesAndLeaves against a list that is sorted.
func TestTheOrderHoldsWhoeverComesAndLeaves(t *testing.T) {
	var o order
	all := make(map[string]*corp)
	for step := range 20_000 {
		id := fmt.Sprint(rand.N(4000))
		if c := all[id]; c != nil && step > 5000 {
			o.remove(c)
			delete(all, id)
		} else if c == nil {
			all[id] = &corp{id: id}
			o.add(all[id])
		}
		if step%500 != 499 {
			continue
		}
		from, n := fmt.Sprint(rand.N(4000)), 1+rand.N(3*maxChunk)
		var want, got []string
		for _, id := range slices.Sorted(maps.Keys(all)) {
			if id > from && len(want) < n {
				want = append(want, id)
			}
		}
		o.from(after(from), n, func(c *corp) { got = append(got, c.id) })
		if !slices.Equal(got, want) {
			t.Fatalf("after %d steps, %d behind %s are %v, want %v", step, n, from, got, want)
		}
		for _, chunk := range o.chunks {
			if len(chunk) == 0 || cap(chunk) > maxChunk {
				t.Fatalf("a chunk of %d, with room for %d", len(chunk), cap(chunk))
			}
		}
	}
	if len(o.chunks) < 3 {
		t.Errorf("only %d chunks", len(o.chunks))
	}
	for _, c := range all {
		o.remove(c)
	}
	if o.from(after(""), 1, func(c *corp) { t.Errorf("%s is left", c.id) }); len(o.chunks) != 0 {
		t.Errorf("%d chunks are left", len(o.chunks))
	}
}

// pagedFleet has so many corps, without tickets.
func pagedFleet(n int) *fleet {
	f := newFleet("suite-0", "suite", n)
	f.now.Store(&Suite{})
	for i := range n {
		f.learn(corpNumber(i), Standing{Authorized: 2, Listed: 2, Revoked: int64(1 + i%2), Agents: []Agent{{ID: "7", Started: 2}}}, true)
	}
	return f
}

// TestTheListOfCorpsGoesOnWhereItEnded: each corp once, whoever comes and leaves, and from any
// key.
func TestTheListOfCorpsGoesOnWhereItEnded(t *testing.T) {
	const n, page = 1000, 64
	f := pagedFleet(n)
	seen := make(map[string]int)
	key := ""
	for {
		all := f.After(key, page)
		for i, one := range all {
			seen[one.CorpID]++
			if i > 0 && one.Key() <= all[i-1].Key() || one.Key() <= key {
				t.Fatalf("%s comes behind %s", one.Key(), key)
			}
		}
		if len(all) < page {
			break
		}
		key = all[page-1].Key()
		f.learn(fmt.Sprint("a0", len(seen)), Standing{Authorized: 1}, true) // the least recently used leaves
	}
	for i := n / 2; i < n; i++ {
		if seen[corpNumber(i)] != 1 {
			t.Errorf("%s stands in it %d times", corpNumber(i), seen[corpNumber(i)])
		}
	}
}

func TestTheListOfCorpsGoesOnFromAnyKey(t *testing.T) {
	f := pagedFleet(20)
	id, next := corpNumber(8), corpNumber(9)
	for key, want := range map[string]string{
		"": corpNumber(0), "Z": corpNumber(0), "zzz": "", id[:len(id)-1]: corpNumber(0), corpNumber(19) + "~": "",
		id: id, id + "-": id, id + ".": id, id + ".6": id, id + ".7.suite-": id,
		id + ".7.suite-0": next, id + ".8": next, id + ".~": next, id + "0": next,
	} {
		got := ""
		if all := f.After(key, 1); len(all) > 0 {
			got = all[0].CorpID
		}
		if got != want {
			t.Errorf("behind %q stands %q, want %q", key, got, want)
		}
	}
}

func BenchmarkAPageOfAHundredThousandCorps(b *testing.B) {
	f := pagedFleet(maxCorps)
	b.ReportAllocs()
	for i := 0; b.Loop(); i += 7919 {
		if all := f.After(corpNumber(i%(maxCorps-1000)), 1000); len(all) != 1000 {
			b.Fatal(len(all))
		}
	}
}

func BenchmarkCountOfAHundredThousandCorps(b *testing.B) {
	f := pagedFleet(maxCorps)
	b.ReportAllocs()
	for b.Loop() {
		f.Status()
	}
}
