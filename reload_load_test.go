package dingtalk

import (
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
)

// TestAHundredReloadsUnderLoad changes the configuration again and again while
// visitors come: each of their pages is served and signed, DingTalk hears nothing
// of it, and in the end there is no more of anything than before.
func TestAHundredReloadsUnderLoad(t *testing.T) {
	needDescriptors(t)
	const reloads, visitors = 100, 4
	// Caddy's proxies keep their connections for a while, also after a reload.
	s := run(t, setup{sites: strings.Replace(signed, "reverse_proxy UPSTREAM", "reverse_proxy UPSTREAM {\n\t\ttransport http {\n\t\t\tkeepalive off\n\t\t}\n\t}", 1)})
	reload := func(i int) {
		t.Helper()
		changed := fmt.Sprintf("import app\n\t\tticket_wait %ds\n", 1+i%5)
		if err := s.load(t, strings.Replace(s.caddyfile, "import app\n", changed, 1)); err != nil {
			t.Fatal(err)
		}
	}
	s.expectSigned(t, s.get(t, "/"), s.url+"/")
	reload(0)
	before := heldAtRest(t)

	var stop atomic.Bool
	var pages atomic.Int64
	var load sync.WaitGroup
	var mu sync.Mutex
	count := make(tally)
	for v := range visitors {
		load.Go(func() {
			for n := 0; !stop.Load(); n++ {
				outcome := s.visitAgain(t, fmt.Sprintf("/p?v=%d&n=%d", v, n))
				pages.Add(1)
				mu.Lock()
				count[outcome]++
				mu.Unlock()
			}
		})
	}
	for i := range reloads {
		n := pages.Load()
		eventually(t, "pages between two reloads", func() bool { return pages.Load() > n+visitors })
		reload(i + 1)
	}
	stop.Store(true)
	load.Wait()
	s.client.CloseIdleConnections()

	count.expect(t, tally{signedPage: int(pages.Load())})
	if calls := s.ding.Calls(); calls["v1.token"] != 1 || calls["v1.ticket"] != 1 {
		t.Errorf("DingTalk was called again: %v", calls)
	}
	if n := references(); n != 1 {
		t.Errorf("%d handlers hold the memory", n)
	}
	before.expectNoMore(t)
}

// visitAgain is visit for a server that is reloaded. It resets the connections
// that wait for the listener it closes; browsers try again.
func (s *site) visitAgain(t testing.TB, path string) string {
	t.Helper()
	var err error
	for range 5 {
		var a *answer
		if a, err = s.ask(path); err == nil {
			return s.outcome(t, a, path)
		}
	}
	return err.Error()
}
