package suite

import (
	"context"
	"fmt"
	"runtime"
	"runtime/debug"
	"strings"
	"testing"
	"time"
)

// heapInUse is what is live.
func heapInUse() int {
	runtime.GC()
	runtime.GC() // what finalizers have let go of
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	return int(stats.HeapAlloc)
}

// corpNumber is as long as DingTalk's.
func corpNumber(i int) string { return fmt.Sprintf("ding%032x", i) }

// stocked is a storage that has all corps with their tickets, and keeps nothing: each is
// made when it is read, so that the memory of a process alone is measured.
type stocked struct{ *shelf }

func (s stocked) Load(ctx context.Context, key string) ([]byte, error) {
	now := time.Now()
	switch {
	case strings.Contains(key, "/corps/ding"):
		return fmt.Appendf(nil, `{"authorized":1700000000000,"listed":1700000000000,"agents":[{"agent_id":"1234567890","app_id":"12345","started":1700000000000}]}`), nil
	case strings.HasSuffix(key, "jsapi_ticket.json"):
		return fmt.Appendf(nil, `{"value":"%086d","fetched":%q,"expires":%q}`, 7, now.Add(-time.Minute).Format(time.RFC3339), now.Add(119*time.Minute).Format(time.RFC3339)), nil
	}
	return s.shelf.Load(ctx, key)
}

// TestAHundredThousandCorpsFitIntoMemory: each is signed once, all are held, and nothing
// runs for any of them.
func TestAHundredThousandCorpsFitIntoMemory(t *testing.T) {
	if testing.Short() {
		t.Skip("it reads a hundred thousand records")
	}
	const limit = 64_000_000
	n := newNode(t, newPlatform(), stocked{newShelf()})
	goroutines, before := runtime.NumGoroutine(), heapInUse()
	defer debug.SetGCPercent(debug.SetGCPercent(400))
	for i := range maxCorps {
		found, err := n.Find(t.Context(), corpNumber(i), "", 10*time.Second)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := found.Tokens.Ticket(t.Context(), 10*time.Second); err != nil {
			t.Fatal(err)
		}
	}
	after := heapInUse() - before
	t.Logf("%d corps take %.1f MB, %d bytes each", maxCorps, float64(after)/1e6, after/maxCorps)
	if after > limit {
		t.Errorf("%d bytes, want at most %d", after, limit)
	}
	if more := runtime.NumGoroutine() - goroutines; more > 10 {
		t.Errorf("%d goroutines more", more)
	}
	if s := n.fleet.Status(); s.Corps.Authorized != maxCorps || s.Corps.Held != maxCorps {
		t.Errorf("the status is %+v", s.Corps)
	}
	if _, err := n.Find(t.Context(), "oneMore", "", time.Second); err == nil {
		t.Error("a corp that nobody knows is found")
	}
	n.fleet.learn("oneMore", Standing{Authorized: 1}, true)
	if _, held := n.fleet.corps.peek(corpNumber(0)); held {
		t.Error("the one that was used longest ago has not left")
	}
	if len(n.fleet.corps.byID) != maxCorps {
		t.Errorf("%d are held", len(n.fleet.corps.byID))
	}
	runtime.KeepAlive(n)
}

func BenchmarkFindAmongManyCorps(b *testing.B) {
	n := newNode(b, newPlatform(), newShelf())
	standing := authorized(time.Now().UnixMilli(), []Agent{{ID: "1001", AppID: "5"}})
	names := make([]string, 100_000)
	for i := range names {
		names[i] = corpNumber(i)
		n.fleet.learn(names[i], standing, true)
	}
	i := 0
	b.ReportAllocs()
	for b.Loop() {
		i = (i + 7919) % len(names)
		if _, err := n.Find(b.Context(), names[i], "", time.Second); err != nil {
			b.Fatal(err)
		}
	}
}
