package suite

import (
	"testing"
	"time"

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
	most := 0
	for from := 0; ; from += stride {
		at := 0
		if !c.some(from, func(*corp) { at++ }) {
			break
		}
		most = max(most, at)
	}
	if most != stride {
		t.Errorf("%d corps are looked at under the lock, want %d", most, stride)
	}
	if authorized, revoked, held := c.count(time.Now()); authorized != (n+1)/2 || revoked != n/2 || held != 0 {
		t.Errorf("%d authorised, %d revoked, %d with a ticket", authorized, revoked, held)
	}
}

func TestWhoLeavesGivesHisSlotToWhoComes(t *testing.T) {
	const limit, n = stride + 3, 3 * stride
	c := manyCorps(n, limit)
	seen := make(map[string]int)
	c.each(func(id string, _ view) { seen[id]++ })
	if len(seen) != limit || len(c.byID) != limit || len(c.all) != limit {
		t.Errorf("%d corps, %d by their names, %d slots, want %d", len(seen), len(c.byID), len(c.all), limit)
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

func BenchmarkCountOfAHundredThousandCorps(b *testing.B) {
	c := manyCorps(maxCorps, maxCorps)
	b.ReportAllocs()
	for b.Loop() {
		c.count(time.Now())
	}
}
