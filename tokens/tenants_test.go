package tokens

import (
	"context"
	"fmt"
	"io/fs"
	"runtime"
	"runtime/debug"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/zap"
)

// One memory for the tokens of many corps.
const (
	corps     = 100_000
	corpsHeap = 64 << 20 // what they may take, in bytes
)

// landlord is DingTalk as one of many corps sees it. Its values are as long as
// DingTalk's.
type landlord struct {
	corp  string
	calls *atomic.Int64 // of all corps
}

func (l *landlord) AccessToken(context.Context) (string, time.Duration, error) {
	l.calls.Add(1)
	return fmt.Sprintf("%032.32s", l.corp), 2 * time.Hour, nil
}

func (l *landlord) Ticket(context.Context, string) (string, time.Duration, error) {
	l.calls.Add(1)
	return fmt.Sprintf("%086.86s", l.corp), 2 * time.Hour, nil
}

// void is a storage that keeps nothing, so that the memory alone is measured.
type void struct{}

func (void) Load(context.Context, string) ([]byte, error) { return nil, fs.ErrNotExist }
func (void) Store(context.Context, string, []byte) error  { return nil }
func (void) Lock(context.Context, string) error           { return nil }
func (void) Unlock(context.Context, string) error         { return nil }

var silent = zap.NewNop()

// newCorp is one of many, with a name as long as those of root.
func newCorp(i int, memory *Memory, calls *atomic.Int64) *App {
	corp := fmt.Sprintf("ding%016x-%012x", i, i)
	return NewApp(Options{Name: corp, Source: &landlord{corp, calls}, Storage: void{}, Memory: memory, Log: silent})
}

// settle leaves the app as a fetch does, which takes too long to be made a
// hundred thousand times.
func (a *App) settle(tb testing.TB) {
	tb.Helper()
	source, now := a.source(), time.Now()
	access, lifetime, err := source.AccessToken(tb.Context())
	if err != nil {
		tb.Fatal(err)
	}
	a.access.set(newToken(access, now, lifetime))
	ticket, lifetime, err := source.Ticket(tb.Context(), access)
	if err != nil {
		tb.Fatal(err)
	}
	a.ticket.set(newToken(ticket, now, lifetime))
}

func newCorps(tb testing.TB) (*Memory, []*App) {
	defer debug.SetGCPercent(debug.SetGCPercent(-1)) // most of what is made stays
	memory, apps, calls := NewMemory(), make([]*App, corps), new(atomic.Int64)
	for i := range apps {
		apps[i] = newCorp(i, memory, calls)
		apps[i].settle(tb)
	}
	return memory, apps
}

func heapInUse() int {
	runtime.GC()
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	return int(stats.HeapAlloc)
}

func TestManyCorpsFitIntoMemoryAndALookUpAmongThemCostsNothing(t *testing.T) {
	before := heapInUse()
	memory, apps := newCorps(t)
	whole := heapInUse() - before

	i, ctx := 0, t.Context()
	if n := testing.AllocsPerRun(10_000, func() {
		i = (i + 7919) % corps
		if ticket, err := apps[i].Ticket(ctx, time.Second); err != nil || ticket == nil {
			t.Fatal(ticket, err)
		}
	}); n != 0 {
		t.Errorf("%v allocations for a page", n)
	}

	clear(apps)
	cached := heapInUse() - before - 8*corps // the slice that was cleared
	t.Logf("%d corps take %.1f MB, %d bytes each; with what asks for them %.1f MB", corps, float64(cached)/1e6, cached/corps, float64(whole)/1e6)
	if cached > corpsHeap {
		t.Errorf("%d bytes, want at most %d", cached, corpsHeap)
	}
	runtime.KeepAlive(apps)
	runtime.KeepAlive(memory)
}

func BenchmarkTicketAmongManyCorps(b *testing.B) {
	_, apps := newCorps(b)
	i, ctx := 0, b.Context()
	b.ReportAllocs()
	for b.Loop() {
		i = (i + 7919) % corps
		_, _ = apps[i].Ticket(ctx, time.Second)
	}
}

// A corp without pages costs no call, whatever the others do.
func TestIdleCorpsAreNotRefreshed(t *testing.T) {
	const many, busy = 500, 3
	bubble(t, func(t *testing.T) {
		memory, calls, busyCalls := NewMemory(), new(atomic.Int64), new(atomic.Int64)
		apps := make([]*App, many)
		for i := range apps {
			c := calls
			if i < busy {
				c = busyCalls
			}
			apps[i] = newCorp(i, memory, c)
			if _, err := apps[i].Ticket(t.Context(), time.Second); err != nil {
				t.Fatal(err)
			}
		}
		for start := time.Now(); time.Since(start) < 24*time.Hour; time.Sleep(time.Minute) {
			for _, app := range apps[:busy] {
				if _, err := app.Ticket(t.Context(), time.Second); err != nil {
					t.Fatal(err)
				}
			}
		}
		if n := calls.Load(); n != 2*(many-busy) {
			t.Errorf("%d calls for %d idle corps, want the first two each", n, many-busy)
		}
		if n := busyCalls.Load(); n != 2*busy*14 { // a day is thirteen lives of 110 minutes, and the fourteenth begins
			t.Errorf("%d calls for %d busy corps", n, busy)
		}
		if n := memory.apps.ItemCount(); n != many {
			t.Errorf("%d apps of %d are remembered", n, many)
		}
	})
}
