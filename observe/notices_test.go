package observe

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"
)

func TestANoticeIsLoggedOnceAMinuteOfEachKind(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		core, lines := observer.New(zap.WarnLevel)
		log := zap.New(core)
		n := NewNotices(log)
		for range 100 {
			n.Once("a", "of a")
			n.Once("b", "of b")
		}
		if lines.Len() != 2 {
			t.Errorf("%d lines for two kinds", lines.Len())
		}
		time.Sleep(noticeInterval - time.Nanosecond)
		if n.Once("a", "of a"); lines.Len() != 2 {
			t.Error("again before the minute is over")
		}
		time.Sleep(time.Nanosecond)
		if n.Once("a", "of a"); lines.Len() != 3 {
			t.Error("not again after a minute")
		}
		for range 100 {
			n.AtMost(5, "c", "of c")
		}
		if lines.Len() != 3+5 {
			t.Errorf("%d lines where 5 of a kind may be", lines.Len()-3)
		}
	})
}

// TestStrangersCannotForgeLinesOfTheLog: the console shows a message as it is.
func TestStrangersCannotForgeLinesOfTheLog(t *testing.T) {
	core, logs := observer.New(zap.InfoLevel)
	NewNotices(zap.New(core)).Once("kind", "DingTalk has checked https://h5.test/中\n2026/11/20 ERROR \x1b[31mrun this\u2028\u202e\r")
	if got, want := logs.All()[0].Message, "DingTalk has checked https://h5.test/中2026/11/20 ERROR [31mrun this"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}

func TestAPageThatPassesSilentlyIsCountedAndLoggedWithItsCure(t *testing.T) {
	core, logs := observer.New(zap.WarnLevel)
	n := NewNotices(zap.New(core))
	for why := range passed {
		before := pages(t, string(why))
		logs.TakeAll()
		for range 3 {
			n.Passed(why, zap.String("host", "h5.test"))
		}
		if got := pages(t, string(why)) - before; got != 3 {
			t.Errorf("%s: %v counted", why, got)
		}
		lines := logs.TakeAll()
		if len(lines) != 1 || !strings.Contains(lines[0].Message, "passes unsigned") || !strings.Contains(lines[0].Message, ": ") || len(lines[0].Context) != 1 {
			t.Errorf("%s: %v", why, lines)
		}
	}
}

// pages is how many pages with that outcome are counted.
func pages(t *testing.T, outcome string) float64 {
	t.Helper()
	registry := prometheus.NewRegistry()
	registry.MustRegister(pagesTotal)
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range families[0].GetMetric() {
		if m.GetLabel()[0].GetValue() == outcome {
			return m.GetCounter().GetValue()
		}
	}
	t.Fatalf("no outcome %s", outcome)
	return 0
}

// What a field quotes is cleaned, too: events and some encoders show it as it is.
func TestFieldsOfTheLogAreClean(t *testing.T) {
	core, logs := observer.New(zap.WarnLevel)
	field := zap.String("url", "https://h5.test/\n\x1b[31mx")
	NewNotices(zap.New(core)).Once("kind", "m", field)
	if got := logs.All()[0].ContextMap()["url"]; got != "https://h5.test/[31mx" {
		t.Errorf("%q", got)
	}
}
