package tokens

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest/observer"
)

// refusal is an error of a fake DingTalk, with all that tokens looks for.
type refusal struct {
	class    string
	rejected bool
	limited  bool
}

func (r *refusal) Error() string       { return "refused: " + r.class }
func (r *refusal) Class() string       { return r.class }
func (r *refusal) TokenRejected() bool { return r.rejected }
func (r *refusal) RateLimited() bool   { return r.limited }

// advise is what to do about a refusal.
func advise(err error) string {
	var r *refusal
	if !errors.As(err, &r) {
		return ""
	}
	return "mend the " + r.class
}

// callTimeout is how long a source of ours lets a call take, as oapi's does.
const callTimeout = 5 * time.Second

// settled is more than a fleet takes to agree on one ticket.
const settled = (settleLooks + 1) * settleTime * 3 / 2

// call is one call that a fake DingTalk has got.
type call struct {
	kind string // "token" or "ticket"
	from string
	at   time.Time
}

// fake is DingTalk: what one app of it hands out, and every call.
type fake struct {
	delay    time.Duration // of each answer
	lifetime time.Duration // as it is told
	newValue bool          // a ticket that is asked for again dies and is replaced

	// fault is asked before each answer. It may block, as long as ctx lets it.
	fault func(ctx context.Context, c call) error

	mu      sync.Mutex
	calls   []call
	issued  []string
	access  string
	ticket  string
	renewed time.Time // when the ticket was last handed out
}

func newFake() *fake { return &fake{delay: 50 * time.Millisecond, lifetime: 2 * time.Hour} }

// answer is the common part of the two calls.
func (f *fake) answer(ctx context.Context, kind, from string) error {
	f.mu.Lock()
	c := call{kind, from, time.Now()}
	f.calls = append(f.calls, c)
	delay, fault := f.delay, f.fault
	f.mu.Unlock()
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	if fault != nil {
		if err := fault(ctx, c); err != nil {
			return err
		}
	}
	return sleep(ctx, delay)
}

func (f *fake) issue(kind string) string {
	value := fmt.Sprintf("value-of-%s-%d", kind, len(f.issued))
	f.issued = append(f.issued, value)
	return value
}

// from is the source of one process.
func (f *fake) from(process string) Source { return &caller{f, process} }

type caller struct {
	*fake
	name string
}

func (c *caller) AccessToken(ctx context.Context) (string, time.Duration, error) {
	if err := c.answer(ctx, "token", c.name); err != nil {
		return "", 0, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.access == "" {
		c.access = c.issue("token")
	}
	return c.access, c.lifetime, nil
}

func (c *caller) Ticket(ctx context.Context, access string) (string, time.Duration, error) {
	if err := c.answer(ctx, "ticket", c.name); err != nil {
		return "", 0, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if access != c.access {
		return "", 0, &refusal{class: "access token", rejected: true}
	}
	now := time.Now()
	if c.ticket == "" || c.newValue || now.Sub(c.renewed) >= 2*time.Hour {
		c.ticket = c.issue("ticket")
	}
	c.renewed = now
	return c.ticket, c.lifetime, nil
}

// set changes the fake while it is in use.
func (f *fake) set(change func()) {
	f.mu.Lock()
	defer f.mu.Unlock()
	change()
}

// revoke ends the access token without telling anybody.
func (f *fake) revoke() { f.set(func() { f.access = "" }) }

// replace is another program that asks for the ticket.
func (f *fake) replace() { f.set(func() { f.ticket = f.issue("ticket") }) }

// count counts the calls of a kind that were made within a time.
func (f *fake) count(kind string, since, until time.Time) int {
	f.mu.Lock()
	defer f.mu.Unlock()
	n := 0
	for _, c := range f.calls {
		if (kind == "" || c.kind == kind) && !c.at.Before(since) && c.at.Before(until) {
			n++
		}
	}
	return n
}

func (f *fake) total(kind string) int {
	return f.count(kind, time.Time{}, time.Now().Add(time.Hour))
}

// wantCalls compares the numbers of calls so far.
func (f *fake) wantCalls(t *testing.T, token, ticket int) {
	t.Helper()
	if gotToken, gotTicket := f.total("token"), f.total("ticket"); gotToken != token || gotTicket != ticket {
		t.Errorf("%d access token and %d ticket calls, want %d and %d", gotToken, gotTicket, token, ticket)
	}
}

// living is the ticket that DingTalk would accept.
func (f *fake) living() string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.ticket
}

// each returns the faults that befall calls of one kind.
func each(kind string, err error) func(context.Context, call) error {
	return func(_ context.Context, c call) error {
		if kind == "" || c.kind == kind {
			return err
		}
		return nil
	}
}

var errTimeout = &refusal{class: "timeout"}

// hang is the fault of a DingTalk that takes calls and never answers.
func hang(kind string) func(context.Context, call) error {
	return func(ctx context.Context, c call) error {
		if kind == "" || c.kind == kind {
			<-ctx.Done()
			return errTimeout
		}
		return nil
	}
}

func sleep(ctx context.Context, d time.Duration) error {
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return errTimeout
	}
}

// bubble runs a test in virtual time. What it leaves under way has two minutes to
// end; a goroutine that is left then fails the test.
func bubble(t *testing.T, test func(t *testing.T)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		t.Cleanup(func() { time.Sleep(2 * time.Minute) })
		test(t)
	})
}

// process is one process of a fleet.
type process struct {
	*App
	t      *testing.T
	name   string
	from   *fake
	store  Storage
	memory *Memory
	logs   *observer.ObservedLogs
	read   int // log lines that wantLines has seen
}

const appName = "ding1-abc"

func newProcess(t *testing.T, name string, f *fake, storage Storage) *process {
	return newObserved(t, name, f, storage, nil)
}

// newObserved is a process of which an observer is told.
func newObserved(t *testing.T, name string, f *fake, storage Storage, o Observer) *process {
	core, logs := observer.New(zapcore.DebugLevel)
	memory := NewMemory()
	p := &process{
		App: NewApp(Options{
			Name: appName, Source: f.from(name), Storage: storage, Memory: memory,
			Log: zap.New(core), Observer: o, Advice: advise,
		}),
		t: t, name: name, from: f, store: storage, memory: memory, logs: logs,
	}
	t.Cleanup(func() { p.wantNoSecrets() })
	return p
}

// reloaded is the process after a reload of its configuration.
func (p *process) reloaded() *process {
	next := *p
	next.App = NewApp(Options{Name: appName, Source: p.from.from(p.name), Storage: p.store, Memory: p.memory, Log: p.means().log, Observer: p.means().observer, Advice: advise})
	return &next
}

// page asks for the ticket as a page does.
func (p *process) page() (*Token, error) { return p.Ticket(context.Background(), 2*time.Second) }

// mustPage is a page that has to get its ticket within d.
func (p *process) mustPage(d time.Duration) *Token {
	p.t.Helper()
	start := time.Now()
	ticket, err := p.page()
	if err != nil {
		p.t.Fatalf("%s: the page has no ticket: %v", p.name, err)
	}
	if took := time.Since(start); took > d {
		p.t.Errorf("%s: the page waited %v, want at most %v", p.name, took, d)
	}
	return ticket
}

// wantLines compares what was logged at level info or above since the last time,
// by the start of each message.
func (p *process) wantLines(want ...string) {
	p.t.Helper()
	all := p.logs.All()
	var got []string
	for _, e := range all[p.read:] {
		if e.Level >= zapcore.InfoLevel {
			got = append(got, e.Message)
		}
	}
	p.read = len(all)
	if !slices.EqualFunc(got, want, strings.HasPrefix) {
		p.t.Errorf("%s logged %q, want %q", p.name, got, want)
	}
}

const (
	logFails       = "cannot fetch a jsapi_ticket"
	logNotRenewed  = "cannot renew the jsapi_ticket, pages are signed"
	logRecovers    = "there is a jsapi_ticket again"
	logRefused     = "DingTalk refused a signature"
	logStorage     = "the storage fails"
	logStorageBack = "the storage works again"
)

// wantNoSecrets searches all log lines for what DingTalk has issued.
func (p *process) wantNoSecrets() {
	p.t.Helper()
	p.from.mu.Lock()
	defer p.from.mu.Unlock()
	wantNone(p.t, p.from.issued, renderedLines(p.t, p.logs)...)
}

// wantNone makes sure that none of the secrets is in any of the texts.
func wantNone(t *testing.T, secrets []string, texts ...string) {
	t.Helper()
	for _, text := range texts {
		for _, secret := range secrets {
			if strings.Contains(text, secret) {
				t.Errorf("%q is told in %q", secret, text)
			}
		}
	}
}

// renderedLines are log lines as they would be written, fields and all.
func renderedLines(t *testing.T, logs *observer.ObservedLogs) []string {
	t.Helper()
	encoder := zapcore.NewJSONEncoder(zap.NewProductionEncoderConfig())
	var lines []string
	for _, e := range logs.All() {
		line, err := encoder.EncodeEntry(e.Entry, e.Context)
		if err != nil {
			t.Fatal(err)
		}
		lines = append(lines, line.String())
	}
	return lines
}

// wantUnavailable expects the error of a page without a ticket.
func wantUnavailable(t *testing.T, err error) *Unavailable {
	t.Helper()
	var u *Unavailable
	if !errors.As(err, &u) {
		t.Fatalf("the error is %v, want an *Unavailable", err)
	}
	return u
}
