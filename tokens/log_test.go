package tokens

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"go.uber.org/zap/zapcore"
)

// serve lets pages come for a while.
func (p *process) serve(d time.Duration) {
	for start := time.Now(); time.Since(start) < d; time.Sleep(pageEvery) {
		_, _ = p.page()
	}
}

// sign lets pages come for a while, each of which has to get a ticket at once.
func (p *process) sign(d time.Duration) {
	p.t.Helper()
	for start := time.Now(); time.Since(start) < d; time.Sleep(pageEvery) {
		p.mustPage(0)
	}
}

func TestEachFailureIsLoggedOnceAndItsEnd(t *testing.T) {
	bubble(t, func(t *testing.T) {
		f := newFake()
		p := newProcess(t, "p", f, newShelf())
		p.serve(time.Minute)
		p.wantLines()

		time.Sleep(2 * time.Hour)
		f.set(func() { f.fault = each("", &refusal{class: "outage"}) })
		p.serve(10 * time.Minute)
		p.wantLines(logFails)
		f.set(func() { f.fault = each("ticket", &refusal{class: "allow list"}) })
		p.serve(10 * time.Minute)
		p.wantLines(logFails)
		f.set(func() { f.fault = nil })
		p.serve(10 * time.Minute)
		p.wantLines(logRecovers)

		for _, e := range p.logs.FilterMessageSnippet(logFails).All() {
			fields := e.ContextMap()
			advice, _ := fields["advice"].(string)
			text, _ := fields["error"].(string)
			if !strings.HasPrefix(advice, "mend the ") || !strings.Contains(text, strings.TrimPrefix(advice, "mend the ")) {
				t.Errorf("advice %q for the error %q", advice, text)
			}
			if next, _ := fields["next_try"].(time.Duration); next <= 0 || next > longestDelay {
				t.Errorf("next try in %v", fields["next_try"])
			}
		}
		if tries := p.logs.FilterLevelExact(zapcore.DebugLevel).FilterMessageSnippet(logFails).Len(); tries < 20 {
			t.Errorf("%d tries are told of at level debug", tries)
		}
	})
}

func TestTheSameFailureInOtherWordsIsNotLoggedAgain(t *testing.T) {
	bubble(t, func(t *testing.T) {
		f := newFake()
		request := 0
		f.fault = func(context.Context, call) error {
			request++
			return &worded{&refusal{class: "allow list"}, request}
		}
		p := newProcess(t, "p", f, newShelf())
		p.serve(5 * time.Minute)
		p.wantLines(logFails)
	})
}

// worded is a refusal with the number of the request in its text.
type worded struct {
	*refusal
	request int
}

func (w *worded) Error() string {
	return w.refusal.Error() + " in request " + time.Duration(w.request).String()
}

func TestErrorsOfAnySortAreLoggedOnce(t *testing.T) {
	bubble(t, func(t *testing.T) {
		f := newFake()
		f.fault = each("", errors.New("no class, no advice"))
		p := newProcess(t, "p", f, newShelf())
		p.serve(5 * time.Minute)
		p.wantLines(logFails)
		_, err := p.page()
		if u := wantUnavailable(t, err); u.Error() != "no jsapi_ticket: fetching access token: no class, no advice" {
			t.Errorf("the error is %q", u)
		}
	})
}

func TestTheStoragesFailuresAreLoggedOnce(t *testing.T) {
	tests := map[string]struct {
		broken func(good Storage) Storage
		logged bool
	}{
		"it is down":                             {func(Storage) Storage { return broken{} }, true},
		"it hangs":                               {func(Storage) Storage { return hanging(heedful) }, true},
		"it is read-only":                        {readOnly, true},
		"it can be written but not read":         {func(s Storage) Storage { return &faulty{Storage: s, load: broken{}.Load} }, true},
		"its lock fails, which is only advice":   {withFailingLock, false},
		"it has no locks, which are only advice": {withoutLock, false},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				f, good := newFake(), newShelf()
				sees := newChanging(good)
				p := newProcess(t, "p", f, sees)
				p.mustPage(2 * time.Second)
				time.Sleep(time.Minute)
				p.wantLines()

				sees.turn(tt.broken(good))
				p.sign(8 * time.Hour)
				time.Sleep(time.Minute)
				if tt.logged {
					p.wantLines(logStorage)
				} else {
					p.wantLines()
				}

				sees.turn(good)
				p.sign(4 * time.Hour)
				time.Sleep(time.Minute)
				if tt.logged {
					p.wantLines(logStorageBack)
				} else {
					p.wantLines()
				}
				good.wantUnlocked(t)
			})
		})
	}
}

func TestAStorageThatRestsIsNotSaidToWork(t *testing.T) {
	bubble(t, func(t *testing.T) {
		f, shared := newFake(), newShelf()
		p := newProcess(t, "p", f, &faulty{Storage: shared, load: hanging(heedful).Load})
		p.mustPage(2 * time.Second)
		p.Suspect()
		time.Sleep(time.Second) // a second renewal, which does not read
		f.wantCalls(t, 1, 2)
		p.wantLines(logStorage, logRefused)
	})
}
