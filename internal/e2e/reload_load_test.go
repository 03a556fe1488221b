package e2e

import (
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/caddy-dingtalk/caddy-dingtalk/internal/testsite"
)

// TestAHundredReloadsUnderLoad changes the configuration again and again while
// visitors come: each of their pages is served and signed, DingTalk hears nothing
// of it, and in the end there is no more of anything than before.
func TestAHundredReloadsUnderLoad(t *testing.T) {
	testsite.NeedDescriptors(t)
	const reloads, visitors = 100, 4
	// Caddy's proxies keep their connections for a while, also after a reload.
	s := testsite.Run(t, testsite.Setup{Sites: strings.Replace(testsite.Signed, "reverse_proxy UPSTREAM", "reverse_proxy UPSTREAM {\n\t\ttransport http {\n\t\t\tkeepalive off\n\t\t}\n\t}", 1)})
	reload := func(i int) {
		t.Helper()
		changed := fmt.Sprintf("import app\n\t\tticket_wait %ds\n", 1+i%5)
		if err := s.Load(t, strings.Replace(s.Caddyfile, "import app\n", changed, 1)); err != nil {
			t.Fatal(err)
		}
	}
	s.ExpectSigned(t, s.Get(t, "/"), s.URL+"/")
	reload(0)
	before := testsite.HeldAtRest(t)

	var stop atomic.Bool
	var pages atomic.Int64
	var load sync.WaitGroup
	var mu sync.Mutex
	count := make(testsite.Tally)
	for v := range visitors {
		load.Go(func() {
			for n := 0; !stop.Load(); n++ {
				outcome := visitAgain(t, s, fmt.Sprintf("/p?v=%d&n=%d", v, n))
				pages.Add(1)
				mu.Lock()
				count[outcome]++
				mu.Unlock()
			}
		})
	}
	for i := range reloads {
		n := pages.Load()
		testsite.Eventually(t, "pages between two reloads", func() bool { return pages.Load() > n+visitors })
		reload(i + 1)
	}
	stop.Store(true)
	load.Wait()
	s.Client.CloseIdleConnections()

	count.Expect(t, testsite.Tally{testsite.SignedPage: int(pages.Load())})
	if calls := s.Ding.Calls(); calls["v1.token"] != 1 || calls["v1.ticket"] != 1 {
		t.Errorf("DingTalk was called again: %v", calls)
	}
	before.ExpectNoMore(t)
	expectForgetting(t, s, s.Caddyfile)
}

// visitAgain is visit for a server that is reloaded. It resets the connections
// that wait for the listener it closes; browsers try again.
func visitAgain(t testing.TB, s *testsite.Site, path string) string {
	t.Helper()
	var err error
	for range 5 {
		var a *testsite.Answer
		if a, err = s.Ask(path); err == nil {
			return s.Outcome(t, a, path)
		}
	}
	return err.Error()
}
