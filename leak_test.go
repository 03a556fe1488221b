package dingtalk

import (
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/caddy-dingtalk/caddy-dingtalk/internal/sandbox"
)

// holdings is what this process has open: what must not grow.
type holdings struct {
	goroutines  int
	creators    map[string]int // of the goroutines
	descriptors int
	files       map[string]int // that the descriptors are for
}

// held counts what this process has open now.
func held(t testing.TB) holdings {
	t.Helper()
	links, err := filepath.Glob("/proc/self/fd/*")
	if err != nil {
		t.Fatal(err)
	}
	h := holdings{goroutines: runtime.NumGoroutine(), creators: creators(), files: make(map[string]int)}
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

// heldAtRest is held when nothing more goes on in the background that will end by
// itself, told by the functions that would be at work.
func heldAtRest(t testing.TB, atWork ...string) holdings {
	t.Helper()
	// Who has given back the lock of a file looks after it for another 5 s.
	atWork = append(atWork, "/tokens.(*App)", "certmagic.keepLockfileFresh")
	eventually(t, "a process at rest", func() bool {
		now := stacks()
		return !slices.ContainsFunc(atWork, func(name string) bool { return strings.Contains(now, name) })
	})
	return held(t)
}

// expectNoMore waits until nothing more is open than before.
func (before holdings) expectNoMore(t testing.TB) {
	t.Helper()
	var now holdings
	for end := time.Now().Add(20 * time.Second); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
		if now = held(t); now.goroutines <= before.goroutines && now.descriptors <= before.descriptors {
			return
		}
	}
	t.Errorf("%d goroutines, there were %d; these are more: %v", now.goroutines, before.goroutines, more(now.creators, before.creators))
	t.Errorf("%d descriptors, there were %d; these are more: %v", now.descriptors, before.descriptors, more(now.files, before.files))
	t.Log(stacks())
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

// TestFaultsOfDingTalkLeaveNothingBehind runs into each fault, and ends Caddy
// while the last calls are under way.
func TestFaultsOfDingTalkLeaveNothingBehind(t *testing.T) {
	needDescriptors(t)
	faults := []string{
		"", "hang", "slow:4s", "drip:100ms", "huge", "truncated", "html", "empty", "missing", "drop", "redirect:http://127.0.0.1:1/",
		"status:502", "rate", "secret", "banned", "expires:-1",
	}
	scenario := func(t *testing.T) {
		sites := tenants(t, 2*len(faults), "ticket_wait 50ms")
		for i, fault := range faults {
			sites[2*i].ding.SetFault(sandbox.TokenCall, sandbox.MustFault(fault))
			sites[2*i+1].ding.SetFault(sandbox.TicketCall, sandbox.MustFault(fault))
		}
		for i, s := range sites {
			if a := s.page(t); a.status != http.StatusOK || !strings.HasSuffix(a.body, thePage[len(beginning):]) {
				t.Errorf("%s: %d %s", faults[i/2], a.status, a.body)
			}
		}
	}
	t.Run("the first time", scenario) // which opens what stays open for good
	before := heldAtRest(t, "net/http.(*")
	t.Run("the second time", scenario)
	before.expectNoMore(t)
}

// needDescriptors skips a test where open descriptors cannot be listed.
func needDescriptors(t testing.TB) {
	t.Helper()
	if _, err := os.Stat("/proc/self/fd"); err != nil {
		t.Skip("this system does not list the descriptors of a process")
	}
}
