package alert

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// result returns how often messages have ended so.
func result(t *testing.T, name string) float64 {
	t.Helper()
	registry := prometheus.NewRegistry()
	registry.MustRegister(messagesTotal)
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range families[0].GetMetric() {
		if m.GetLabel()[0].GetValue() == name {
			return m.GetCounter().GetValue()
		}
	}
	t.Fatalf("no result %s", name)
	return 0
}

func TestABurstOfEventsMakesTwoMessagesAndLosesNone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := new(group)
		h, _ := handler(t, g, nil, numbered)
		overflow := result(t, resultOverflow)
		for n := range 1500 {
			emit(h, n/2) // each twice
			if n == 0 {
				synctest.Wait()
			}
		}
		time.Sleep(9 * time.Second)
		if n := len(g.got()); n != 1 {
			t.Fatalf("%d messages within every, want 1", n)
		}
		time.Sleep(10 * time.Second)
		posts := g.got()
		if len(posts) != 2 || posts[0].text != "event 0" || posts[1].at.Sub(posts[0].at) < 10*time.Second {
			t.Fatalf("got %d: %+v", len(posts), posts)
		}
		if posts[1].title != "[web-1] 1499 条消息 messages" {
			t.Errorf("title %q", posts[1].title)
		}
		lines := strings.Split(posts[1].text, "\n")
		var told, more int
		for _, line := range lines {
			switch {
			case strings.HasSuffix(line, "×2"):
				told += 2
			case strings.HasPrefix(line, "- "):
				told++
			case strings.HasPrefix(line, "+"):
				_, _ = fmt.Sscanf(line, "+%d more", &more)
			}
		}
		if told+more != 1499 || strings.Count(posts[1].text, "- ") != digestLines {
			t.Errorf("told %d and %d more of 1499:\n%s", told, more, posts[1].text)
		}
		if got := result(t, resultOverflow) - overflow; got != 499 {
			t.Errorf("overflow %v, want 499: the first was sent, 1000 waited", got)
		}
		_ = h.queue.Destruct()
	})
}

func TestASingleMessageThatHadToWaitIsSentAsItIs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := new(group)
		h, _ := handler(t, g, nil, func(h *Robot) {
			h.Link = &Link{"t {event.data.n}", "x", "https://example.com/{event.data.n}", ""}
		})
		emit(h, 1)
		synctest.Wait()
		emit(h, 2)
		time.Sleep(time.Minute)
		if posts := g.got(); len(posts) != 2 || posts[1].title != "t 2" || !strings.Contains(posts[1].body, `"messageUrl":"https://example.com/2"`) {
			t.Errorf("%+v", posts)
		}
		_ = h.queue.Destruct()
	})
}

func TestFailuresAreMetBy(t *testing.T) {
	ok := `{"errcode":0}`
	tests := map[string]struct {
		answers []string // the last again and again
		within  time.Duration
		tries   []time.Duration
		uuids   int
		kind    string
	}{
		"busy twice: three tries of one message":       {[]string{refusal(-1), refusal(-1), ok}, time.Hour, []time.Duration{0, 1, 6}, 1, "busy"},
		"no JSON for ever: four tries":                 {[]string{"<html>"}, time.Hour, []time.Duration{0, 1, 6, 36}, 1, "network"},
		"a refusal of the settings: one try":           {[]string{refusal(310000)}, time.Hour, []time.Duration{0}, 1, "security"},
		"a webhook that leads nowhere: one try":        {[]string{refusal(300001)}, time.Hour, []time.Duration{0}, 1, "config"},
		"300005: once more":                            {[]string{refusal(300005)}, time.Hour, []time.Duration{0, 1}, 1, "config"},
		"too many: ten minutes of silence, then again": {[]string{refusal(130101), ok}, time.Hour, []time.Duration{0, 600}, 2, "throttled"},
		"a code that is not known: one try":            {[]string{refusal(88)}, time.Hour, []time.Duration{0}, 1, "unknown"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				g := &group{answer: func(n int) string { return test.answers[min(n, len(test.answers)-1)] }}
				h, logs := handler(t, g, nil, numbered)
				start := time.Now()
				emit(h, 1)
				time.Sleep(test.within)
				uuids, signs := map[string]bool{}, map[string]bool{}
				var tries []time.Duration
				for _, p := range g.got() {
					tries = append(tries, p.at.Sub(start)/time.Second)
					uuids[p.uuid], signs[p.query] = true, true
				}
				if fmt.Sprint(tries) != fmt.Sprint(test.tries) || len(uuids) != test.uuids || len(signs) != len(test.tries) {
					t.Errorf("tries at %v, %d msgUuids, %d signs", tries, len(uuids), len(signs))
				}
				failures := logs.FilterMessage("robot messages are not taken").All()
				if len(failures) != 1 || failures[0].ContextMap()["kind"] != test.kind || failures[0].ContextMap()["advice"] == "" {
					t.Errorf("logged %v", failures)
				}
				if ends := logs.FilterMessage("robot messages are taken again").Len(); ends > 1 || (ends == 1) != (test.answers[len(test.answers)-1] == ok) {
					t.Errorf("%d ends", ends)
				}
				_ = h.queue.Destruct()
			})
		})
	}
}

func TestSilenceCollectsIntoOneDigest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := &group{answer: func(n int) string {
			if n == 0 {
				return refusal(130101)
			}
			return `{"errcode":0}`
		}}
		h, _ := handler(t, g, nil, numbered)
		for n := range 9 {
			emit(h, n%3)
			time.Sleep(time.Minute)
		}
		time.Sleep(time.Hour)
		posts := g.got()
		if len(posts) != 2 || posts[1].at.Sub(posts[0].at) < 10*time.Minute || strings.Count(posts[1].text, "×3") != 3 {
			t.Errorf("%+v", posts)
		}
		_ = h.queue.Destruct()
	})
}

func TestAFailureIsLoggedOnceForFiftyEvents(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := &group{answer: func(n int) string {
			if n < 50 {
				return refusal(310000)
			}
			return `{"errcode":0}`
		}}
		h, logs := handler(t, g, nil, numbered)
		for n := range 51 {
			emit(h, n)
			time.Sleep(time.Minute)
		}
		if n := logs.FilterMessage("robot messages are not taken").Len(); n != 1 {
			t.Errorf("logged %d times", n)
		}
		if end := logs.FilterMessage("robot messages are taken again").All(); len(end) != 1 || end[0].ContextMap()["lost"] != int64(50) {
			t.Errorf("its end: %v", end)
		}
		_ = h.queue.Destruct()
	})
}

// The worst group: every try fails, so that retries come on top, and events never
// stop. Three processes share a storage, and one of them reloads.
func TestNoMinuteSeesMoreThanTwentyTriesOfAFleet(t *testing.T) {
	answers := map[string]func(int) string{
		"that takes everything": nil,
		"that is busy":          func(int) string { return refusal(-1) },
		"whose webhook comes and goes": func(n int) string {
			if n%3 == 0 {
				return `{"errcode":0}`
			}
			return refusal(300005)
		},
	}
	for name, answer := range answers {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				g, storage := &group{answer: answer}, new(memory)
				fast := func(h *Robot) { numbered(h); h.Every = 3e9; h.storage = storage }
				var processes []*Robot
				for range 3 {
					h, _ := handler(t, g, nil, fast)
					processes = append(processes, h)
				}
				for n := range 1200 {
					if n == 500 { // the reload: the new handler takes the queue, the old one goes
						old := processes[0]
						processes[0], _ = handler(t, g, old.queue, fast)
						old.queue.detach(old)
					}
					for i, h := range processes {
						emit(h, n*3+i)
					}
					time.Sleep(500 * time.Millisecond)
				}
				for _, h := range processes {
					_ = h.queue.Destruct()
				}
				posts := g.got()
				if len(posts) < 100 {
					t.Errorf("only %d tries in ten minutes: the limit is not made use of", len(posts))
				}
				end := posts[len(posts)-1].at
				for i := range posts {
					n := 0
					for j := i; j < len(posts) && posts[j].at.Sub(posts[i].at) <= time.Minute; j++ {
						n++
					}
					if n > maxTries && posts[i].at.Add(time.Minute).Before(end) {
						t.Fatalf("%d tries in the minute from %s", n, posts[i].at)
					}
				}
			})
		})
	}
}

func TestAStorageThatFailsKeepsNoMessageBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := new(group)
		h, _ := handler(t, g, nil, func(h *Robot) { numbered(h); h.storage = &memory{fails: true} })
		emit(h, 1)
		synctest.Wait()
		if n := len(g.got()); n != 1 {
			t.Errorf("%d messages", n)
		}
		_ = h.queue.Destruct()
	})
}

func TestShutdownSendsTheRestInOneMessageWithinTwoSeconds(t *testing.T) {
	tests := map[string]struct {
		prepare func(g *group)
		posts   int
		within  time.Duration
	}{
		"at once where nothing is under way":      {func(*group) {}, 2, 0},
		"while the first message hangs":           {func(g *group) { g.hang = true }, 2, 2 * time.Second},
		"while a retry is waited for":             {func(g *group) { g.answer = func(int) string { return refusal(-1) } }, 2, 0},
		"but not while DingTalk wants no message": {func(g *group) { g.answer = func(int) string { return refusal(130101) } }, 1, 0},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				g := new(group)
				test.prepare(g)
				h, _ := handler(t, g, nil, numbered)
				emit(h, 0)
				synctest.Wait()
				for n := range 30 {
					emit(h, n+1)
				}
				start := time.Now()
				if err := h.queue.Destruct(); err != nil {
					t.Fatal(err)
				}
				if took := time.Since(start); took > test.within {
					t.Errorf("took %s", took)
				}
				posts := g.got()
				if len(posts) != test.posts || test.posts > 1 && !strings.Contains(posts[1].text, "more") {
					t.Errorf("%d posts: %+v", len(posts), posts)
				}
			})
		})
	}
}

func TestHandlersOfOneWebhookShareTheLargestEvery(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := new(group)
		a, _ := handler(t, g, nil, numbered)
		b, _ := handler(t, g, a.queue, func(h *Robot) { numbered(h); h.Every = 60e9 })
		emit(a, 1)
		synctest.Wait()
		emit(a, 2)
		emit(b, 3)
		time.Sleep(59 * time.Second)
		if n := len(g.got()); n != 1 {
			t.Errorf("%d messages in a minute", n)
		}
		time.Sleep(2 * time.Second)
		if n := len(g.got()); n != 2 {
			t.Errorf("%d messages after it", n)
		}
		_ = a.queue.Destruct()
	})
}

func TestARobotNeverTellsOfARobotsFailure(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := new(group)
		h, _ := handler(t, g, nil, nil)
		_ = h.Handle(context.Background(), event(eventRobotFailed, nil))
		time.Sleep(time.Minute)
		if n := len(g.got()); n != 0 {
			t.Errorf("%d messages", n)
		}
		_ = h.queue.Destruct()
	})
}

// Handle is called by whoever emits an event, a page's request among them.
func BenchmarkHandle(b *testing.B) {
	for name, change := range map[string]func(*Robot){"default": nil, "placeholders": numbered} {
		b.Run(name, func(b *testing.B) {
			h, _ := handler(b, &group{hang: true}, nil, change)
			data := map[string]any{"app": "v1/ding0123456789abcdef", "kind": "network", "error": "dial tcp: no route to host", "advice": "Check DNS.", "n": 7}
			e := event(eventFailed, data)
			b.ReportAllocs()
			for b.Loop() {
				_ = h.Handle(context.Background(), e)
				h.queue.mu.Lock()
				h.queue.total = 0 // never full: that would be cheaper
				h.queue.mu.Unlock()
			}
		})
	}
}
