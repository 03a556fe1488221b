package testsite

import (
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"
)

// EventuallyWithin is eventually for what takes its time.
func EventuallyWithin(t testing.TB, limit time.Duration, what string, so func() bool) {
	t.Helper()
	for end := time.Now().Add(limit); !so(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("not within %s: %s", limit, what)
		}
	}
}

// Stacks returns what all goroutines are doing.
func Stacks() string {
	buf := make([]byte, 4<<20)
	return string(buf[:runtime.Stack(buf, true)])
}

// creators counts the goroutines by what has started them.
func creators() map[string]int {
	count := make(map[string]int)
	for line := range strings.Lines(Stacks()) {
		if name, ok := strings.CutPrefix(line, "created by "); ok {
			name, _, _ = strings.Cut(name, " in goroutine")
			count[name]++
		}
	}
	return count
}

// Eventually waits until something is so that other goroutines bring about.
func Eventually(t testing.TB, what string, so func() bool) {
	t.Helper()
	for end := time.Now().Add(20 * time.Second); !so(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("not within 20 s: %s", what)
		}
	}
}

// Holdings is what this process has open: what must not grow.
type Holdings struct {
	goroutines  int
	creators    map[string]int // of the goroutines
	descriptors int
	files       map[string]int // that the descriptors are for
}

// held counts what this process has open now.
func held(t testing.TB) Holdings {
	t.Helper()
	links, err := filepath.Glob("/proc/self/fd/*")
	if err != nil {
		t.Fatal(err)
	}
	h := Holdings{goroutines: runtime.NumGoroutine(), creators: creators(), files: make(map[string]int)}
	for _, link := range links {
		target, err := os.Readlink(link)
		if err != nil {
			continue // the one with which the folder was read
		}
		if strings.HasPrefix(target, scratch) && filepath.Base(target) == "log" {
			continue // Caddy leaves that of its last configuration open
		}
		target, _, _ = strings.Cut(target, ":[") // the kind only of what has no name
		h.files[target]++
		h.descriptors++
	}
	return h
}

// HeldAtRest is held when nothing more goes on in the background that will end by
// itself, told by the functions that would be at work.
func HeldAtRest(t testing.TB, atWork ...string) Holdings {
	t.Helper()
	// Who has given back the lock of a file looks after it for another 5 s.
	atWork = append(atWork, "/tokens.(*App)", "certmagic.keepLockfileFresh")
	Eventually(t, "a process at rest", func() bool {
		now := Stacks()
		return !slices.ContainsFunc(atWork, func(name string) bool { return strings.Contains(now, name) })
	})
	return held(t)
}

// ExpectNoMore waits until nothing more is open than before.
func (before Holdings) ExpectNoMore(t testing.TB) {
	t.Helper()
	var now Holdings
	for end := time.Now().Add(20 * time.Second); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
		if now = held(t); now.goroutines <= before.goroutines && now.descriptors <= before.descriptors {
			return
		}
	}
	t.Errorf("%d goroutines, there were %d; these are more: %v", now.goroutines, before.goroutines, more(now.creators, before.creators))
	t.Errorf("%d descriptors, there were %d; these are more: %v", now.descriptors, before.descriptors, more(now.files, before.files))
	t.Log(Stacks())
}

// more returns by how much which counts have grown.
func more(now, before map[string]int) map[string]int {
	grown := make(map[string]int)
	for name, count := range now {
		if count > before[name] {
			grown[name] = count - before[name]
		}
	}
	return grown
}

// NeedDescriptors skips a test where open descriptors cannot be listed.
func NeedDescriptors(t testing.TB) {
	t.Helper()
	if _, err := os.Stat("/proc/self/fd"); err != nil {
		t.Skip("this system does not list the descriptors of a process")
	}
}
