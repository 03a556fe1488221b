package tokens

import (
	"context"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest/observer"

	"github.com/caddy-dingtalk/caddy-dingtalk/internal/sandbox"
	"github.com/caddy-dingtalk/caddy-dingtalk/oapi"
)

// pipes is a listener in memory, so that HTTP keeps to virtual time.
type pipes struct {
	conns  chan net.Conn
	closed chan struct{}
}

func (p *pipes) Accept() (net.Conn, error) {
	select {
	case c := <-p.conns:
		return c, nil
	case <-p.closed:
		return nil, net.ErrClosed
	}
}

func (p *pipes) Close() error   { close(p.closed); return nil }
func (p *pipes) Addr() net.Addr { return &net.TCPAddr{} }

func (p *pipes) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	client, server := net.Pipe()
	select {
	case p.conns <- server:
		return client, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// overPipes serves a handler and returns the way to it.
func overPipes(t *testing.T, h http.Handler) http.RoundTripper {
	p := &pipes{make(chan net.Conn), make(chan struct{})}
	server := &http.Server{Handler: h, ErrorLog: log.New(io.Discard, "", 0)}
	go func() { _ = server.Serve(p) }()
	transport := &http.Transport{DialContext: p.dial, DisableCompression: true}
	t.Cleanup(func() {
		transport.CloseIdleConnections()
		_ = server.Close()
	})
	return transport
}

// logins are the ways to log in, as sources, with the sandbox's name for each.
var logins = map[string]struct {
	source func(sandbox.Options, oapi.Options) Source
	token  string
	ticket string
	kind   sandbox.Kind
}{
	"an app": {func(s sandbox.Options, o oapi.Options) Source { return oapi.NewApp(s.AppKey, s.AppSecret, o) },
		"v1.token", "v1.ticket", sandbox.App},
	"an app at oapi": {func(s sandbox.Options, o oapi.Options) Source { return oapi.NewLegacyApp(s.AppKey, s.AppSecret, o) },
		"oapi.token", "oapi.ticket", sandbox.App},
	"a corp": {func(s sandbox.Options, o oapi.Options) Source { return oapi.NewCorp(s.CorpID, s.CorpSecret, o) },
		"corp.token", "oapi.ticket", sandbox.Corp},
	"a service window": {func(s sandbox.Options, o oapi.Options) Source { return oapi.NewChannel(s.CorpID, s.ChannelSecret, o) },
		"channel.token", "channel.ticket", sandbox.Channel},
}

// tenant is a process whose DingTalk is the sandbox, over HTTP.
type tenant struct {
	*process
	dingtalk *sandbox.DingTalk
}

func newTenant(t *testing.T, login string, dingtalk *sandbox.DingTalk, o oapi.Options) *tenant {
	core, logs := observer.New(zapcore.DebugLevel)
	n := &tenant{&process{
		App: NewApp(Options{
			Name: appName, Source: logins[login].source(dingtalk.Options(), o),
			Storage: newShelf(), Memory: NewMemory(), Log: zap.New(core), Advice: func(error) string { return "mend it" },
		}),
		t: t, name: login, logs: logs,
	}, dingtalk}
	t.Cleanup(n.wantNoSecrets)
	return n
}

// newVirtualTenant is one in virtual time.
func newVirtualTenant(t *testing.T, login string, o sandbox.Options) *tenant {
	dingtalk := sandbox.New(o)
	return newTenant(t, login, dingtalk, oapi.Options{
		API: "http://dingtalk.test", OAPI: "http://dingtalk.test", Transport: overPipes(t, dingtalk),
	})
}

func (n *tenant) wantNoSecrets() {
	o := n.dingtalk.Options()
	wantNone(n.t, append(n.dingtalk.Issued(), o.AppSecret, o.CorpSecret, o.ChannelSecret), renderedLines(n.t, n.logs)...)
}

// calls is how often DingTalk was called for anything.
func (n *tenant) calls() (sum int) {
	for _, calls := range n.dingtalk.Calls() {
		sum += calls
	}
	return sum
}

func TestEachLoginGetsItsTicketOverHTTP(t *testing.T) {
	for name, login := range logins {
		t.Run(name, func(t *testing.T) {
			dingtalk := sandbox.New(sandbox.Options{})
			server := httptest.NewServer(dingtalk)
			defer server.Close()
			n := newTenant(t, name, dingtalk, oapi.Options{API: server.URL, OAPI: server.URL})
			if got := n.mustPage(2 * time.Second); got.Value != dingtalk.Ticket(login.kind) || got.Value == "" {
				t.Errorf("got %v, want the living ticket", got)
			}
			n.mustPage(2 * time.Second)
			if calls := dingtalk.Calls(); calls[login.token] != 1 || calls[login.ticket] != 1 || n.calls() != 2 {
				t.Errorf("the calls are %v", calls)
			}
		})
	}
}

func TestEachFaultOfTheSandbox(t *testing.T) {
	const (
		refused = iota // no ticket while it lasts
		limited        // nor for up to a minute more
		served         // a ticket all the same
	)
	faults := map[string]struct{ token, ticket int }{
		"errcode:-1:系统繁忙":       {refused, refused},
		"errcode:88":            {refused, refused},
		"code:systemBusy:500":   {refused, refused},
		"ip":                    {refused, refused},
		"rate":                  {limited, limited},
		"quota":                 {limited, limited},
		"banned":                {limited, limited},
		"busy":                  {refused, refused},
		"secret":                {refused, refused},
		"token":                 {refused, refused},
		"permission":            {refused, refused},
		"slow:1500ms":           {served, served},
		"slow:6s":               {refused, refused},
		"hang":                  {refused, refused},
		"drip":                  {served, served},
		"drip:200ms":            {refused, refused},
		"html":                  {refused, refused},
		"html:502":              {refused, refused},
		"truncated":             {refused, refused},
		"empty":                 {refused, refused},
		"missing":               {refused, refused},
		"huge":                  {refused, refused},
		"expires:0":             {served, served},
		"expires:-1":            {served, served},
		`expires:"7200"`:        {served, served},
		"expires:1e12":          {served, served},
		"expires:null":          {served, served},
		"expires:missing":       {served, served},
		"redirect:http://a.b/c": {refused, refused},
		"drop":                  {refused, refused},
		"status:503":            {refused, refused},
		"status:429":            {limited, limited},
	}
	for text, fault := range faults {
		for call, effect := range map[sandbox.Call]int{sandbox.TokenCall: fault.token, sandbox.TicketCall: fault.ticket} {
			for login := range logins {
				t.Run(text+" at the "+string(call)+" call for "+login, func(t *testing.T) {
					bubble(t, func(t *testing.T) {
						n := newVirtualTenant(t, login, sandbox.Options{})
						n.dingtalk.SetFault(call, sandbox.MustFault(text))
						if effect == served {
							n.testServed()
							return
						}
						limit := 30 * time.Second
						if effect == limited {
							limit = limitedDelay + limitedSpread + time.Second
						}
						n.testRefused(limit)
					})
				})
			}
		}
	}
}

// testServed expects tickets in spite of a fault, and no storm of calls.
func (n *tenant) testServed() {
	n.mustPage(2 * time.Second)
	start := n.calls()
	n.sign(5 * time.Minute)
	if calls := n.calls() - start; calls > 12 {
		n.t.Errorf("%d calls in five minutes", calls)
	}
	n.wantLines()
}

// testRefused expects pages without a ticket while a fault lasts.
func (n *tenant) testRefused(limit time.Duration) {
	start := time.Now()
	for time.Since(start) < 10*time.Second {
		_, err := n.page()
		u := wantUnavailable(n.t, err)
		wantNone(n.t, append(n.dingtalk.Issued(), n.dingtalk.Options().AppSecret), u.Error())
		if u.Retry > limitedDelay+limitedSpread {
			n.t.Errorf("retry in %v", u.Retry)
		}
		time.Sleep(pageEvery)
	}
	if calls := n.calls(); calls > 5 {
		n.t.Errorf("%d calls in the first 10 s", calls)
	}
	n.serve(3 * time.Minute)
	n.wantLines(logFails)
	failure := n.logs.FilterMessageSnippet(logFails).All()[0].ContextMap()
	if advice, _ := failure["advice"].(string); advice == "" {
		n.t.Errorf("the failure comes without advice: %v", failure)
	}

	n.dingtalk.Reset()
	end := time.Now()
	for n.Held() == nil {
		_, _ = n.page()
		time.Sleep(pageEvery)
		if time.Since(end) > limit {
			n.t.Fatalf("no recovery within %v", limit)
		}
	}
	n.wantLines(logRecovers)
}

func TestATicketThatAnotherProgramReplacedIsNoticedByTheRefusal(t *testing.T) {
	for _, refetch := range []sandbox.Refetch{sandbox.SameValue, sandbox.NewValue} {
		for login, l := range logins {
			t.Run(string(refetch)+" for "+login, func(t *testing.T) {
				bubble(t, func(t *testing.T) {
					n := newVirtualTenant(t, login, sandbox.Options{Refetch: refetch})
					first := n.mustPage(time.Second)
					n.dingtalk.ExpireTicket()
					n.Suspect() // a page was refused with 52013
					time.Sleep(time.Second)
					second := n.mustPage(0)
					if second.Value == first.Value || second.Value != n.dingtalk.Ticket(l.kind) {
						t.Errorf("got %v, want the living one", second)
					}
					n.wantLines(logRefused)

					// The access token, too.
					time.Sleep(2 * time.Minute)
					n.dingtalk.ExpireToken()
					n.dingtalk.ExpireTicket()
					n.Suspect()
					time.Sleep(time.Second)
					if got := n.mustPage(0); got.Value != n.dingtalk.Ticket(l.kind) {
						t.Errorf("got %v, want the living one", got)
					}
					n.wantLines(logRefused)
				})
			})
		}
	}
}

// DingTalk lets a ticket die 24 hours after its creation and announces a longer
// life. The first page that is refused then is the last.
func TestATicketThatDiesAfter24HoursCostsOnePage(t *testing.T) {
	bubble(t, func(t *testing.T) {
		n := newVirtualTenant(t, "an app", sandbox.Options{})
		start := time.Now()
		refused := 0
		for time.Since(start) < 73*time.Hour {
			time.Sleep(10 * time.Second)
			if ticket, err := n.page(); err != nil {
				t.Fatal(err)
			} else if ticket.Value != n.dingtalk.Ticket(sandbox.App) {
				refused++
				n.Suspect()
			}
		}
		if refused > 3+1 {
			t.Errorf("%d pages refused in three days", refused)
		}
		if calls := n.dingtalk.Calls(); calls["v1.ticket"] > 45 {
			t.Errorf("%d tickets in three days", calls["v1.ticket"])
		}
	})
}

func TestTheErrorOfDingTalkCanBeReadFromThatOfThePage(t *testing.T) {
	bubble(t, func(t *testing.T) {
		n := newVirtualTenant(t, "an app at oapi", sandbox.Options{})
		n.dingtalk.SetFault(sandbox.TicketCall, sandbox.MustFault("ip"))
		_, err := n.page()
		var e *oapi.Error
		if u := wantUnavailable(t, err); !errors.As(err, &e) || e.Code != "60020" || u.Retry <= 0 {
			t.Errorf("the error is %v, retry in %v", err, u.Retry)
		}
		_, err = n.page() // the second, which does not ask
		if !errors.As(err, &e) || e.Kind != oapi.AllowList {
			t.Errorf("the error is %v", err)
		}
	})
}
