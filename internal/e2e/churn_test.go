package e2e

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/caddy-dingtalk/caddy-dingtalk/internal/testsite"
)

// TestAbandonedRequestsLeaveTheProcessAlone: a dial of reverse_proxy outlives its
// request and reads the request's variables, so that whoever writes them while a
// response arrives ends Caddy ("concurrent map read and map write"). Under the race
// detector that shows at once; the rest is that nothing is left behind.
func TestAbandonedRequestsLeaveTheProcessAlone(t *testing.T) {
	testsite.NeedDescriptors(t)
	var served atomic.Int64
	site := testsite.Setup{
		Sites: `http://:PORT {
	dingtalk {
		import app
		public_host h5.test
	}
	reverse_proxy UPSTREAM {
		transport http {
			keepalive off
		}
	}
}`,
		Upstream: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			n := served.Add(1)
			w.Header().Set("Content-Type", "text/html; charset=utf-8")
			w.Header().Set("Connection", "close")
			if n%3 == 0 {
				select { // slow, but it lets go of who has gone
				case <-time.After(20 * time.Millisecond):
				case <-r.Context().Done():
				}
			}
			_, _ = io.WriteString(w, testsite.Page)
		}),
	}
	scenario := func(t *testing.T) {
		s := testsite.Run(t, site)
		s.ExpectSigned(t, s.Get(t, "/", "Host", "h5.test"), "http://h5.test/")
		end := time.Now().Add(churnTime(t))
		var visitors sync.WaitGroup
		for visitor := range 16 {
			visitors.Go(func() {
				for i := 0; i < 40 || time.Now().Before(end); i++ {
					patience := time.Duration((visitor+i)%7) * time.Millisecond
					if i%8 == 7 {
						patience = 10 * time.Second // some wait for the page
					}
					ctx, cancel := context.WithTimeout(context.Background(), patience)
					r, _ := http.NewRequestWithContext(ctx, http.MethodGet, fmt.Sprintf("%s/p?%d-%d", s.URL, visitor, i), nil)
					r.Host, r.Header = "h5.test", testsite.DocumentHeader()
					if resp, err := s.Client.Do(r); err == nil {
						_, _ = io.Copy(io.Discard, resp.Body)
						_ = resp.Body.Close()
					} // a reload closes a socket: who still waits at it is lost, with any handler
					cancel()
				}
			})
		}
		for i := 0; i < 2 || time.Now().Before(end); i++ {
			if err := s.Load(t, s.Caddyfile); err != nil {
				t.Error(err)
			}
		}
		visitors.Wait()
		s.ExpectSigned(t, s.Get(t, "/", "Host", "h5.test"), "http://h5.test/")
	}
	t.Run("the first time", scenario)
	before, heap := testsite.HeldAtRest(t, "net/http.(*"), liveHeap()
	t.Run("the second time", scenario)
	before.ExpectNoMore(t)
	if now := liveHeap(); now > heap+8<<20 {
		t.Errorf("%d bytes are live, there were %d", now, heap)
	}
}

// churnTime is how long the churn lasts at least: CHURN, as `make churn` sets it once a
// week. Without it the test is over in seconds, which the race that it was made for
// may survive.
func churnTime(t *testing.T) time.Duration {
	t.Helper()
	text := os.Getenv("CHURN")
	if text == "" {
		return 0
	}
	long, err := time.ParseDuration(text)
	if err != nil {
		t.Fatalf("CHURN: %v", err)
	}
	return long
}

// liveHeap is how many bytes are in use once the garbage has gone, that of pools too.
func liveHeap() uint64 {
	var m runtime.MemStats
	for range 3 {
		runtime.GC()
	}
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}
