package e2e

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/caddy-dingtalk/caddy-dingtalk/internal/sandbox"
	"github.com/caddy-dingtalk/caddy-dingtalk/internal/testsite"
)

// BenchmarkAPageOfATenant compares the pages of 1000 tenants in turn with those of a
// directive that has one, in turns of 50 requests, so that whatever else the machine does
// meets both. "ratio" is the request rate with many over that with one, all in all; "median"
// and "spread" (of the middle half) are those of the turns.
//
//	go test -run - -bench APageOfATenant -benchtime 20000x ./internal/e2e
func BenchmarkAPageOfATenant(b *testing.B) {
	const many = 1000
	ding := sandbox.Options{}
	var blocks strings.Builder
	for i := range many {
		ding.Apps = append(ding.Apps, sandbox.Account{AppKey: fmt.Sprint("dingkey", i), AppSecret: fmt.Sprint("secret", i), CorpID: fmt.Sprint("dingcorp", i), AgentID: fmt.Sprint(1000 + i)})
		fmt.Fprintf(&blocks, "\t\ttenant dingcorp%d %d {\n\t\t\timport app%d\n\t\t}\n", i, 1000+i, i+2)
	}
	s := testsite.Run(b, testsite.Setup{Upstream: thirtyKB, DingTalk: ding, Sites: tenantSite("many.test", "\t\timport bases\n"+blocks.String()) +
		tenantSite("one.test", "\t\timport bases\n\t\ttenant dingcorp0 1000 {\n\t\t\timport app2\n\t\t}\n")})
	header := testsite.DocumentHeader()
	next := 0
	ask := func(host string, of int) time.Duration {
		start := time.Now()
		for range 50 {
			next++
			a := s.Do(b, http.MethodGet, fmt.Sprintf("%s/p?corpid=dingcorp%d", s.At(host), next%of), "", header)
			if a.Status != http.StatusOK || len(a.Body) < len(thirtyKBPage) {
				b.Fatal(a.Status)
			}
		}
		return time.Since(start)
	}
	for i := range many { // each has its ticket then
		if a := s.Get(b, fmt.Sprintf("%s/p?corpid=dingcorp%d", s.At("many.test"), i)); !strings.Contains(a.Body, `"signature":`) {
			b.Fatal(i, a.Status)
		}
	}
	ask("one.test", 1)
	var ratios []float64
	var all, alone time.Duration
	b.ResetTimer()
	for i := 0; i < b.N; i += 100 {
		var of [2]time.Duration // with many, with one: who begins takes turns, too
		for turn := range 2 {
			if which := (i/100 + turn) % 2; which == 0 {
				of[0] = ask("many.test", many)
			} else {
				of[1] = ask("one.test", 1)
			}
		}
		all, alone = all+of[0], alone+of[1]
		ratios = append(ratios, float64(of[1])/float64(of[0]))
	}
	slices.Sort(ratios)
	at := func(part float64) float64 { return ratios[int(part*float64(len(ratios)-1))] }
	b.ReportMetric(float64(alone)/float64(all), "ratio")
	b.ReportMetric(at(0.5), "median")
	b.ReportMetric(at(0.75)-at(0.25), "spread")
}
