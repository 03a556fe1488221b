package main

import (
	"fmt"
	"math"
	"slices"
)

// contest is one line of the table.
type contest struct {
	name string
	over protocol
	request
	around string  // directives of both contestants
	goal   float64 // of the ratio in requests per second
}

const (
	dingTalk = "User-Agent: Mozilla/5.0 (Linux; Android 14; zh-CN) AppleWebKit/537.36 (KHTML, like Gecko) Version/4.0 Chrome/122.0.6261.119 Mobile Safari/537.36 AliApp(DingTalk/7.6.15) com.alibaba.android.rimet/1 Channel/700159 language/zh-CN"
	firefox  = "User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
)

func contests() []contest {
	navigation := []string{"Accept: text/html,application/xhtml+xml,*/*;q=0.8", "Sec-Fetch-Dest: document"}
	ding := append([]string{dingTalk}, navigation...)
	gzip := append([]string{"Accept-Encoding: gzip"}, ding...)
	return []contest{
		{"1 KB page", http1, request{"/1k.html", ding, false}, "", 0.95},
		{"30 KB page", http1, request{"/30k.html", ding, false}, "", 0.95},
		{"300 KB page", http1, request{"/300k.html", ding, false}, "", 0.98},
		{"64 KB script", http1, request{"/64k.js", []string{dingTalk, "Accept: */*", "Sec-Fetch-Dest: script"}, false}, "", 0.99},
		{"30 KB page, gzip from upstream", http1, request{"/gz/30k.html", gzip, false}, "", 0.93},
		{"300 KB page, gzip from upstream", http1, request{"/gz/300k.html", gzip, false}, "", 0.95},
		{"30 KB page, encode gzip around", http1, request{"/30k.html", gzip, false}, "encode gzip\n", 0.92},
		{"30 KB page, no charset from upstream", http1, request{"/bare/30k.html", ding, false}, "", 0},
		{"30 KB page, gzip, no charset", http1, request{"/bare/gz/30k.html", gzip, false}, "", 0},
		{"30 KB page, all different URLs", http1, request{"/30k.html", ding, true}, "", 0.93},
		{"30 KB page, another browser", http1, request{"/30k.html", append([]string{firefox}, navigation...), false}, "", 0},
		{"30 KB page, TLS", https1, request{"/30k.html", ding, false}, "", 0},
		{"1 KB page, TLS and HTTP/2", https2, request{"/1k.html", ding, false}, "", 0},
		{"30 KB page, TLS and HTTP/2", https2, request{"/30k.html", ding, false}, "", 0.96},
		{"30 KB page, TLS, HTTP/2, gzip", https2, request{"/gz/30k.html", gzip, false}, "", 0},
		{"30 KB page, TLS, HTTP/2, all different", https2, request{"/30k.html", ding, true}, "", 0},
	}
}

// hold measures Caddy with the directive against Caddy without it.
func (c contest) hold(o options, upstream, directive string) (out outcome, err error) {
	var both [2]*process
	for i, more := range []string{"", directive} {
		s := site{binary: o.caddy, directives: c.around + more, upstream: upstream, over: c.over, admin: o.sample != ""}
		if both[i], err = s.start(o.dir); err != nil {
			return out, err
		}
		defer both[i].stop()
	}
	var profiles func() error
	if o.sample != "" {
		profiles = startProfiles(o, c.name, both)
	}
	if out, err = duel(c.request, both, o.rounds, o); err == nil && profiles != nil {
		err = profiles()
	}
	return out, err
}

// series are the samples of one contestant, one a round.
type series struct{ rate, cost []float64 }

func (s *series) add(one sample) {
	s.rate, s.cost = append(s.rate, one.rate), append(s.cost, one.cost)
}

// outcome is what a duel found. The ratios are of the rounds: signed to plain in
// requests per second, plain to signed in processor time.
type outcome struct {
	plain, signed series
	rate, cost    []float64
}

// duel measures both in turn.
func duel(ask request, both [2]*process, rounds int, o options) (out outcome, err error) {
	var loads [2]*load
	for i, p := range both {
		if loads[i], err = newLoad(p, ask); err != nil {
			return out, err
		}
		defer loads[i].close()
	}
	for i := -rounds / 10; i < rounds; i++ { // the first ones only warm up
		var pair [2]sample
		for turn := range 2 {
			who := (i + rounds + turn) % 2
			if pair[who], err = loads[who].run(o.slice); err != nil {
				return out, err
			}
		}
		if i >= 0 {
			out.plain.add(pair[0])
			out.signed.add(pair[1])
			out.rate = append(out.rate, pair[1].rate/pair[0].rate)
			out.cost = append(out.cost, pair[0].cost/pair[1].cost)
		}
	}
	return out, nil
}

// print prints the line of a contest, and reports whether its goal was reached.
func (out outcome) print(c contest) (reached bool) {
	verdict := ""
	if reached = median(out.rate) >= c.goal; c.goal > 0 {
		verdict = fmt.Sprintf("  goal %.2f", c.goal)
		if !reached {
			verdict += " MISSED"
		}
	}
	low, high := interval(out.rate)
	lowest, highest := interval(out.cost)
	fmt.Printf("%-38s %8.0f %8.0f %6.3f  %.3f … %.3f %8.1f %8.1f %6.3f  %.3f … %.3f%s\n", c.name,
		median(out.plain.rate), median(out.signed.rate), median(out.rate), low, high,
		median(out.plain.cost), median(out.signed.cost), median(out.cost), lowest, highest, verdict)
	return reached
}

func median(v []float64) float64 { return quantile(v, 0.5) }

// interval returns the bounds between which the median lies in 95 of 100 runs. By the
// binomial distribution of the samples on either side of it they are order statistics,
// whatever the noise is like.
func interval(v []float64) (low, high float64) {
	half := 0.98 / math.Sqrt(float64(len(v)))
	return quantile(v, max(0, 0.5-half)), quantile(v, min(1, 0.5+half))
}

func quantile(v []float64, q float64) float64 {
	return slices.Sorted(slices.Values(v))[int(math.Round(q*float64(len(v)-1)))]
}
