package e2e

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/caddy-dingtalk/caddy-dingtalk/internal/sandbox"
	"github.com/caddy-dingtalk/caddy-dingtalk/internal/testsite"
)

// BenchmarkUsersDuringAStorm has a thousand people sign in at once, against a DingTalk that
// answers 20 calls a second, and tells how long who is signed in waits for an answer before
// and meanwhile, and when the last one is in. It takes more than a minute.
//
//	go test -run - -bench UsersDuringAStorm -benchtime 1x ./internal/e2e
func BenchmarkUsersDuringAStorm(b *testing.B) {
	s := testsite.Run(b, testsite.Setup{Upstream: new(echo), DingTalk: sandbox.Options{Rate: 20}, Sites: comparedLogin})
	header := testsite.Header("Sec-Fetch-Dest", "empty", "Accept", "*/*", "Cookie", signedInAt(b, s, "u1"))
	probe := func(over func() bool) (waits []time.Duration) {
		for !over() {
			start := time.Now()
			if a := s.Do(b, http.MethodGet, s.At("h5.test")+"/api", "", header); a.Status != http.StatusOK {
				b.Fatal(a.Status, a.Body)
			}
			waits = append(waits, time.Since(start))
			time.Sleep(5 * time.Millisecond)
		}
		slices.Sort(waits)
		return waits
	}
	for b.Loop() {
		quiet := time.Now()
		before := probe(func() bool { return time.Since(quiet) > 20*time.Second })
		begin := time.Now()
		done := make(chan struct{})
		var all sync.WaitGroup
		for range 1000 {
			all.Go(func() {
				if err := comeIn(s); err != nil {
					b.Error(err)
				}
			})
		}
		go func() {
			all.Wait()
			close(done)
		}()
		during := probe(func() bool {
			select {
			case <-done:
				return true
			default:
				return false
			}
		})
		p := func(waits []time.Duration, percent int) float64 { return float64(waits[len(waits)*percent/100]) / 1e6 }
		b.ReportMetric(p(before, 50), "ms-p50-before")
		b.ReportMetric(p(during, 50), "ms-p50-during")
		b.ReportMetric(p(before, 99), "ms-p99-before")
		b.ReportMetric(p(during, 99), "ms-p99-during")
		b.ReportMetric(p(during, 99)/p(before, 99), "p99-ratio")
		b.ReportMetric(time.Since(begin).Seconds(), "s-last-in")
	}
}

// comeIn signs in as the page does: with a fresh code, and after what Retry-After says with
// another, up to twenty times.
func comeIn(s *testsite.Site) error {
	for range 21 {
		r, err := http.NewRequest(http.MethodPost, s.At("h5.test")+"/.dingtalk/login", strings.NewReader(`{"code":"`+s.Ding.Code("app", "u2")+`"}`))
		if err != nil {
			return err
		}
		r.Header = testsite.Header("Content-Type", "application/json", "Sec-Fetch-Site", "same-origin")
		resp, err := s.Client.Do(r)
		if err != nil {
			return err
		}
		a := testsite.Read(resp)
		wait, _ := strconv.Atoi(a.Header.Get("Retry-After"))
		switch {
		case a.Status == http.StatusOK:
			return nil
		case a.Status != http.StatusServiceUnavailable || wait == 0:
			return fmt.Errorf("signing in: %d %s", a.Status, a.Body)
		}
		time.Sleep(time.Duration(float64(wait) * (1 + rand.Float64()) * float64(time.Second)))
	}
	return fmt.Errorf("somebody has given up")
}

func TestAStormOfSignInsKeepsToTheRateAndHurtsNobodySignedIn(t *testing.T) {
	if testing.Short() {
		t.Skip("takes ten seconds")
	}
	s, _ := loginSite(t, "login", sandbox.Options{Rate: 20})
	session := signIn(t, s, "u2")
	time.Sleep(1100 * time.Millisecond)
	var in, busy, limited atomic.Int64
	var all sync.WaitGroup
	for range 130 {
		all.Go(func() {
			body := `{"code":"` + s.Ding.Code("app", "u1") + `"}`
			r, _ := http.NewRequest("POST", s.URL+"/.dingtalk/login", strings.NewReader(body))
			r.Header = http.Header{"Content-Type": {"application/json"}, "Sec-Fetch-Site": {"same-origin"}}
			resp, err := s.Client.Do(r)
			if err != nil {
				t.Error(err)
				return
			}
			a := testsite.Read(resp)
			switch {
			case a.Status == 200:
				in.Add(1)
			case codeOf(a) == "busy":
				busy.Add(1)
			case codeOf(a) == "rate_limited":
				limited.Add(1)
			default:
				t.Errorf("%d %s", a.Status, a.Body)
			}
		})
	}
	for range 20 {
		if a := fetchAs(t, s, "GET", "/api", "", session); a.Status != 200 {
			t.Errorf("who has a session gets %d", a.Status)
		}
	}
	all.Wait()
	// The pace is tested in virtual time; here calls may arrive closer together than
	// they left.
	if limited.Load() > in.Load() || in.Load() < 40 || in.Load()+busy.Load()+limited.Load() != 130 {
		t.Errorf("%d in, %d told to come back, %d beyond DingTalk's limit", in.Load(), busy.Load(), limited.Load())
	}
}
