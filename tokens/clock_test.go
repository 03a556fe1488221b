package tokens

import (
	"testing"
	"time"
	"unsafe"
)

// wall returns a time whose clock on the wall has moved while the monotonic one has
// not, as when a machine wakes up, or a clock is set. There is no other way to make
// one: Add moves both.
func wall(t *testing.T, at time.Time, by time.Duration) time.Time {
	t.Helper()
	moved := at
	(*struct{ wall uint64 })(unsafe.Pointer(&moved)).wall += uint64(by/time.Second) << 30 // see time.Time
	if moved.Sub(at) != 0 || moved.Round(0).Sub(at.Round(0)) != by {
		t.Fatalf("time.Time is made otherwise: %v, %v", at, moved)
	}
	return moved
}

func TestATokenEndsByTheClockThatIsAhead(t *testing.T) {
	now := time.Now()
	stored, err := decode([]byte(stored("v", 0, 2*time.Hour)), now)
	if err != nil {
		t.Fatal(err)
	}
	for name, token := range map[string]*Token{"fetched": newToken("v", now, 2*time.Hour), "from the storage": stored} {
		t.Run(name, func(t *testing.T) {
			tests := map[string]struct {
				now        time.Time
				valid, due bool
			}{
				"at once":                                 {now, true, false},
				"two hours awake":                         {now.Add(2*time.Hour + time.Second), false, true},
				"suspended for a minute":                  {wall(t, now, time.Minute), true, false},
				"suspended until it is due":               {wall(t, now, 111*time.Minute), true, true},
				"suspended for a night":                   {wall(t, now, 9*time.Hour), false, true},
				"an hour awake, an hour asleep":           {wall(t, now.Add(time.Hour), time.Hour+time.Second), false, true},
				"a clock that is set back":                {wall(t, now, -3*time.Hour), true, false},
				"a clock that is set back, and two hours": {wall(t, now.Add(2*time.Hour+time.Second), -3*time.Hour), false, true},
			}
			for name, tt := range tests {
				if token.valid(tt.now) != tt.valid || token.due(tt.now) != tt.due {
					t.Errorf("%s: valid %t, due %t, want %t, %t", name, token.valid(tt.now), token.due(tt.now), tt.valid, tt.due)
				}
			}
		})
	}
}

// A lifetime of a second is not worth a call a second, of either kind.
func TestFetchesAreAMinuteApartWhateverLifetimeIsTold(t *testing.T) {
	for _, lifetime := range []time.Duration{time.Second, 10 * time.Second, time.Minute, 65 * time.Second} {
		bubble(t, func(t *testing.T) {
			f := newFake()
			f.lifetime, f.delay = lifetime, 0
			p := newProcess(t, "p", f, newShelf())
			p.mustPage(time.Second)
			for start := time.Now(); time.Since(start) < 10*time.Minute; time.Sleep(100 * time.Millisecond) {
				p.mustPage(0)
				p.mustAccess(0)
			}
			last := make(map[string]time.Time)
			for _, c := range f.calls {
				if before, again := last[c.kind]; again && c.at.Sub(before) < time.Minute {
					t.Errorf("%v: two calls for a %s within %v", lifetime, c.kind, c.at.Sub(before))
				}
				last[c.kind] = c.at
			}
			if n := f.total("ticket"); n < 9 {
				t.Errorf("%v: %d tickets in ten minutes", lifetime, n)
			}
		})
	}
}
