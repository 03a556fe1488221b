package observe

import (
	"testing"
	"testing/synctest"
	"time"

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
