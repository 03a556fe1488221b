package e2e

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"github.com/caddyserver/certmagic"

	dingtalk "github.com/caddy-dingtalk/caddy-dingtalk"
	"github.com/caddy-dingtalk/caddy-dingtalk/internal/sandbox"
	"github.com/caddy-dingtalk/caddy-dingtalk/internal/testsite"
)

// counted is a storage of files that counts what is asked of it.
type counted struct {
	certmagic.FileStorage
	Root string `json:"root"`
}

var storageCalls atomic.Int64

func init() { caddy.RegisterModule(new(counted)) }

func (*counted) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{ID: "caddy.storage.test_counted", New: func() caddy.Module { return new(counted) }}
}

func (c *counted) UnmarshalCaddyfile(d *caddyfile.Dispenser) error {
	d.Next()
	d.Args(&c.Root)
	return nil
}

func (c *counted) CertMagicStorage() (certmagic.Storage, error) {
	c.Path = c.Root
	return c, nil
}

func (c *counted) Load(ctx context.Context, key string) ([]byte, error) {
	storageCalls.Add(1)
	return c.FileStorage.Load(ctx, key)
}

func (c *counted) Store(ctx context.Context, key string, value []byte) error {
	storageCalls.Add(1)
	return c.FileStorage.Store(ctx, key, value)
}

func (c *counted) Exists(ctx context.Context, key string) bool {
	storageCalls.Add(1)
	return c.FileStorage.Exists(ctx, key)
}

func (c *counted) List(ctx context.Context, prefix string, recursive bool) ([]string, error) {
	storageCalls.Add(1)
	return c.FileStorage.List(ctx, prefix, recursive)
}

func (c *counted) Lock(ctx context.Context, name string) error {
	storageCalls.Add(1)
	return c.FileStorage.Lock(ctx, name)
}

// TestARequestWithASessionAsksNobody: revocations are read ahead, once in ten seconds,
// however many requests there are; nor does what is no session cause a look.
func TestARequestWithASessionAsksNobody(t *testing.T) {
	s, _ := loginSite(t, "storage test_counted DIR/counted\n login", sandbox.Options{})
	session := signIn(t, s, "u1")
	visitAs(t, s, "/", session) // its ticket is fetched and stored
	testsite.Eventually(t, "the ticket is stored", func() bool {
		before := storageCalls.Load()
		time.Sleep(50 * time.Millisecond)
		return storageCalls.Load() == before
	})
	begin, stored, calls := time.Now(), storageCalls.Load(), fmt.Sprint(s.Ding.Calls())
	for i := range 300 {
		if a := fetchAs(t, s, "GET", "/api", "", session); a.Status != 200 {
			t.Fatal(a.Status, a.Body)
		}
		if a := fetchAs(t, s, "GET", "/api", "", fmt.Sprintf("dingtalk-1234567890=junk%d", i)); a.Status != 401 {
			t.Fatal(a.Status, a.Body)
		}
	}
	if now := fmt.Sprint(s.Ding.Calls()); now != calls {
		t.Errorf("DingTalk was asked: %s, then %s", calls, now)
	}
	if n, ahead := storageCalls.Load()-stored, 1+int64(time.Since(begin)/(9*time.Second)); n > ahead {
		t.Errorf("the storage was asked %d times in %v", n, time.Since(begin))
	}
}

// thirtyKB is an upstream with a page of 30 KB.
var thirtyKB = http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	_, _ = w.Write(thirtyKBPage)
})

var thirtyKBPage = []byte("<!DOCTYPE html><html><head><title>t</title></head><body>" + strings.Repeat("<p>钉钉 H5</p>\n", 30<<10/len("<p>钉钉 H5</p>\n")) + "</body></html>")

// BenchmarkASignedInPage compares a signed-in user's page of 30 KB with the same page on a
// site without login: both through Caddy and a proxied upstream, in short turns, by the
// time of processors that they cost, so that whatever else the machine does meets both.
// "ratio" is the request rate with login over that without: the median of the turns, with
// the tenths at both ends.
//
//	go test -run - -bench ASignedInPage -benchtime 20000x ./internal/e2e
func BenchmarkASignedInPage(b *testing.B) {
	s := testsite.Run(b, testsite.Setup{Upstream: thirtyKB, Sites: comparedLogin})
	header := testsite.DocumentHeader("Cookie", signedInAt(b, s, "u1"))
	const turn = 250
	ask := func(host string) time.Duration {
		start := processorTime(b)
		for range turn {
			if a := s.Do(b, http.MethodGet, s.At(host)+"/p", "", header); a.Status != 200 || len(a.Body) < len(thirtyKBPage) {
				b.Fatal(a.Status)
			}
		}
		return processorTime(b) - start
	}
	hosts := []string{"h5.test", "without.test"}
	ask(hosts[0])
	ask(hosts[1])
	var ratios []float64
	b.ResetTimer()
	for i := 0; i < b.N; i += 2 * turn {
		first := len(ratios) % 2 // who comes first has it harder, or easier
		took := [2]time.Duration{}
		took[first] = ask(hosts[first])
		took[1-first] = ask(hosts[1-first])
		ratios = append(ratios, float64(took[1])/float64(took[0]))
	}
	slices.Sort(ratios)
	b.ReportMetric(ratios[len(ratios)/2], "ratio")
	b.ReportMetric(ratios[len(ratios)/10], "ratio-p10")
	b.ReportMetric(ratios[len(ratios)*9/10], "ratio-p90")
}

// processorTime is what this process has used so far.
func processorTime(tb testing.TB) time.Duration {
	tb.Helper()
	var used syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &used); err != nil {
		tb.Skip(err)
	}
	return time.Duration(used.Utime.Nano() + used.Stime.Nano())
}

// comparedLogin are a site with sign-in and the same without.
const comparedLogin = `http://h5.test:PORT {
	dingtalk {
		import app
		login
	}
	reverse_proxy UPSTREAM
}
http://without.test:PORT {
	dingtalk {
		import app
	}
	reverse_proxy UPSTREAM
}
`

// signedInAt signs a user in at h5.test, and returns the cookie.
func signedInAt(tb testing.TB, s *testsite.Site, user string) string {
	tb.Helper()
	in := s.Fetch(tb, http.MethodPost, s.At("h5.test")+"/.dingtalk/login", `{"code":"`+s.Ding.Code("app", user)+`"}`,
		"Sec-Fetch-Site", "same-origin", "Content-Type", "application/json")
	if in.Status != http.StatusOK {
		tb.Fatal(in.Status, in.Body)
	}
	session, _, _ := strings.Cut(in.Header.Get("Set-Cookie"), ";")
	return session
}

func TestWhatARequestOfAUserAllocates(t *testing.T) {
	if raceDetector {
		t.Skip("counts nothing under the race detector")
	}
	h, cookie := signedInHandler(t)
	w := &sink{header: make(http.Header)}
	r := request(w, false)
	next := upstreamOf(typeScript)
	n := testing.AllocsPerRun(500, func() {
		anew(r)
		clear(w.header)
		r.Header["Cookie"] = cookie
		_ = h.ServeHTTP(w, r, next)
	})
	if n > 17 || r.Header.Get("X-Dingtalk-User-Id") != "u1" {
		t.Errorf("%v allocations, user %q", n, r.Header.Get("X-Dingtalk-User-Id"))
	}
}

// BenchmarkAVerifiedRequest is what the handler does to a fetch with a session: all but
// the server around it and the upstream behind it.
func BenchmarkAVerifiedRequest(b *testing.B) {
	h, cookie := signedInHandler(b)
	w := &sink{header: make(http.Header)}
	r := request(w, false)
	next := upstreamOf(typeScript)
	b.ReportAllocs()
	for b.Loop() {
		anew(r)
		clear(w.header)
		r.Header["Cookie"] = cookie
		delete(r.Header, "X-Dingtalk-User-Id")
		if err := h.ServeHTTP(w, r, next); err != nil || r.Header.Get("X-Dingtalk-User-Id") != "u1" {
			b.Fatal(err, r.Header)
		}
	}
}

// signedInHandler is a handler with sign-in, and the cookies of a user.
func signedInHandler(tb testing.TB) (h *dingtalk.Handler, cookie []string) {
	tb.Helper()
	h, ding := provisionedWith(tb, `"login":{}`)
	w := httptest.NewRecorder()
	r := httptest.NewRequest(http.MethodPost, "/.dingtalk/login", strings.NewReader(`{"code":"`+ding.Code("app", "u1")+`"}`))
	r.Host = "h5.example.com"
	r.Header = testsite.Header("Sec-Fetch-Site", "same-origin", "Content-Type", "application/json")
	if err := h.ServeHTTP(w, caddyhttp.PrepareRequest(r, caddy.NewReplacer(), w, nil), nil); err != nil || w.Code != http.StatusOK {
		tb.Fatal(err, w.Code, w.Body)
	}
	pair, _, _ := strings.Cut(w.Header().Get("Set-Cookie"), ";")
	return h, []string{pair}
}
