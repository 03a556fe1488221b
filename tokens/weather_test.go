package tokens

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/caddy-dingtalk/caddy-dingtalk/internal/sandbox"
	"github.com/caddy-dingtalk/caddy-dingtalk/oapi"
)

// road is the way to DingTalk, which may be blocked, with a record of who went.
type road struct {
	way http.RoundTripper

	mu      sync.Mutex
	blocked func(*http.Request) (*http.Response, error) // what happens in place of a call
	calls   []time.Time
	hosts   map[string]bool
}

func (r *road) RoundTrip(req *http.Request) (*http.Response, error) {
	r.mu.Lock()
	r.calls = append(r.calls, time.Now())
	r.hosts[req.URL.Host] = true
	blocked := r.blocked
	r.mu.Unlock()
	if blocked != nil {
		return blocked(req)
	}
	return r.way.RoundTrip(req)
}

func (r *road) block(how func(*http.Request) (*http.Response, error)) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.blocked = how
}

// since returns the calls from a time on, as the time from then.
func (r *road) since(start time.Time) (calls []time.Duration) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, at := range r.calls {
		if !at.Before(start) {
			calls = append(calls, at.Sub(start))
		}
	}
	return calls
}

func refuseConnection(*http.Request) (*http.Response, error) {
	return nil, &net.OpError{Op: "dial", Net: "tcp", Err: syscall.ECONNREFUSED}
}

func losePackets(req *http.Request) (*http.Response, error) {
	<-req.Context().Done()
	return nil, req.Context().Err()
}

// answer is a fault that the sandbox does not know: an answer to every call.
func answer(status int, body string) func(*http.Request) (*http.Response, error) {
	return func(req *http.Request) (*http.Response, error) {
		return &http.Response{StatusCode: status, Body: io.NopCloser(strings.NewReader(body)), Request: req}, nil
	}
}

// weather is a permanent fault.
type weather struct {
	name   string
	login  string                                      // "" for an app
	fault  string                                      // the sandbox's, of every call
	ticket bool                                        // of the ticket call only
	short  bool                                        // lasts ten minutes, not an hour
	block  func(*http.Request) (*http.Response, error) // a fault of the way there instead
	effect effect
}

type effect int

const (
	refuses effect = iota // no ticket while it lasts
	limits                // nor for up to a minute more
	serves                // a ticket all the same, for a minute at a time
)

// weathers are the faults in the platform's documents and in the field.
func weathers() []weather {
	all := []weather{
		{name: "DingTalk is down", block: refuseConnection},
		{name: "packets to DingTalk vanish", block: losePackets},
		{name: "DingTalk hangs up", fault: "drop"},
		{name: "DingTalk takes 30 s", fault: "slow:30s"},
		{name: "the answer comes byte by byte", fault: "drip:200ms"},
		{name: "a proxy answers in HTML", fault: "html"},
		{name: "a proxy answers 502 in HTML", fault: "html:502", short: true},
		{name: "the answer is cut off", fault: "truncated"},
		{name: "the answer has 1 GB", fault: "huge"},
		{name: "the token is empty", fault: "empty"},
		{name: "the token is missing", fault: "missing", short: true},
		{name: "the ticket is empty", fault: "empty", ticket: true},
		{name: "the ticket is missing", fault: "missing", ticket: true, short: true},
		{name: "the lifetime is 0", fault: "expires:0", effect: serves},
		{name: "the lifetime is -1", fault: "expires:-1", effect: serves, short: true},
		{name: "the lifetime is a text", fault: `expires:"7200"`, effect: serves, short: true},
		{name: "the lifetime is missing", fault: "expires:missing", effect: serves},
		{name: "the secret is wrong", fault: "secret"},
		{name: "the address is not allowed", fault: "ip"},
		{name: "the app has no permission", fault: "permission", ticket: true},
		{name: "the access token is refused", fault: "token", ticket: true},
		{name: "the app is over its limit", fault: "rate", effect: limits},
		{name: "the month's quota is used up", fault: "quota", effect: limits, short: true},
		{name: "the address is banned", fault: "banned", effect: limits},
		{name: "a redirect to a private address", fault: "redirect:http://169.254.169.254/latest"},
		{name: "a redirect to loopback", fault: "redirect:http://127.0.0.1:2019/config", ticket: true, short: true},
		{name: "88 around 40014", block: answer(200, `{"errcode":88,"sub_code":"40014","sub_msg":"不合法的access_token"}`), short: true},
		{name: "88 around 90018", block: answer(200, `{"errcode":88,"sub_code":"90018","sub_msg":"qps"}`), effect: limits, short: true},
	}
	limiting := []string{"45009", "90002", "90018", "90020", "Limit"}
	add := func(login string, ticket bool, prefix string, codes ...string) {
		for _, code := range codes {
			w := weather{name: code, login: login, fault: prefix + code, ticket: ticket, short: true}
			if slices.ContainsFunc(limiting, func(s string) bool { return strings.Contains(code, s) }) {
				w.effect = limits
			}
			all = append(all, w)
		}
	}
	add("an app at oapi", false, "errcode:", "-1", "33001", "40001", "40035", "40088", "40089", "40096", "43004", "45009",
		"60020", "90002", "90018", "90020")
	add("an app at oapi", true, "errcode:", "40014", "40078", "40082", "41001", "42001", "50002", "60011", "60121")
	const denied = "Forbidden.AccessDenied."
	add("an app", false, "code:", "invalidClientIdOrSecret:400", "systemBusy:500", denied+"IpNotInWhiteList:403",
		denied+"QpsLimitForApi:403", denied+"QpsLimitForAppkeyAndApi:403", denied+"QpmLimitForAppkeyAndApi:403",
		denied+"ApiCountLimitForOrg:403", "invalid.client:400", "unsupported.grant.type:400", "unauthorized.client:401", "server.error:500")
	add("an app", true, "code:", "InvalidAuthentication:400", "AuthenticationFailed.MissingParameter:400",
		denied+"AccessTokenPermissionDenied:403")
	return all
}

// set lets the fault befall a tenant; lift ends it.
func (w *weather) set(n *tenant, r *road) {
	if w.block != nil {
		r.block(w.block)
		return
	}
	if !w.ticket {
		n.dingtalk.SetFault(sandbox.TokenCall, sandbox.MustFault(w.fault))
	}
	n.dingtalk.SetFault(sandbox.TicketCall, sandbox.MustFault(w.fault))
}

func (w *weather) lift(n *tenant, r *road) {
	r.block(nil)
	n.dingtalk.Reset()
}

func (w *weather) tenant(t *testing.T) (*tenant, *road) {
	dingtalk := sandbox.New(sandbox.Options{})
	r := &road{way: overPipes(t, dingtalk), hosts: make(map[string]bool)}
	t.Cleanup(func() { time.Sleep(time.Minute) }) // before the way is closed: the last page may have started a call
	login := cmp.Or(w.login, "an app")
	return newTenant(t, login, dingtalk, oapi.Options{API: "http://dingtalk.test", OAPI: "http://dingtalk.test", Transport: r}), r
}

// pageInWeather is how often pages come after the first minute. Each starts a
// try that is due.
const pageInWeather = 5 * time.Second

func (w *weather) lasts() time.Duration {
	if w.short {
		return 10 * time.Minute
	}
	return time.Hour
}

// Whatever befalls DingTalk for long: the first page waits, at most its time,
// and no other does; DingTalk is called at most 5 times in the first 10 s and
// about twice a minute later, once a minute where it limits the calls; one line
// is logged at the beginning and one at the end; and there is a ticket again
// within 30 s of the end, a minute after a limit.
func TestEachPermanentFaultOfDingTalk(t *testing.T) {
	var table []string
	for _, w := range weathers() {
		t.Run(w.name, func(t *testing.T) {
			bubble(t, func(t *testing.T) { table = append(table, w.endure(t)) })
		})
	}
	t.Logf("%-54s %4s %5s %6s %4s  %-12s  %s\n%s", "calls within", "10 s", "1 min", "10 min", "1 h", "pauses then", "recovery",
		strings.Join(table, "\n"))
}

// endure lets a cold process go through the fault, and returns the figures.
func (w *weather) endure(t *testing.T) string {
	n, r := w.tenant(t)
	w.set(n, r)
	start := time.Now()
	n.endurePage(2*time.Second, w.effect == serves)
	for time.Since(start) < w.lasts() {
		if time.Since(start) < time.Minute {
			time.Sleep(pageEvery)
		} else {
			time.Sleep(pageInWeather)
		}
		n.endurePage(0, w.effect == serves)
	}
	calls := r.since(start)
	w.lift(n, r)
	recovery := n.recover(w.limit())
	if w.effect == serves {
		n.wantLines()
	} else {
		n.wantLines(logFails, logRecovers)
	}
	if len(r.hosts) != 1 || !r.hosts["dingtalk.test"] {
		t.Errorf("other hosts were called: %v", r.hosts)
	}
	shortest, longest := w.wantFew(t, calls)
	hour := ""
	if !w.short {
		hour = fmt.Sprint(len(calls))
	}
	return fmt.Sprintf("%-54s %4d %5d %6d %4s  %2.0f s to %2.0f s  %4.1f s", w.name, within(calls, 10*time.Second),
		within(calls, time.Minute), within(calls, 10*time.Minute), hour, shortest.Seconds(), longest.Seconds(), recovery.Seconds())
}

// limit is how long a recovery may take.
func (w *weather) limit() time.Duration {
	if w.effect == limits {
		return limitedDelay + time.Second
	}
	return 30 * time.Second
}

func within(calls []time.Duration, d time.Duration) int {
	n, _ := slices.BinarySearch(calls, d)
	return n
}

// wantFew compares the calls with the rules, and returns the shortest and the
// longest pause between the tries of the second half of the hour.
func (w *weather) wantFew(t *testing.T, calls []time.Duration) (shortest, longest time.Duration) {
	if n := within(calls, 10*time.Second); n > 5 {
		t.Errorf("%d calls in the first 10 s", n)
	}
	shortest = w.lasts()
	for i, at := range calls[1:] {
		pause := at - calls[i]
		if at < w.lasts()/2 || pause < time.Second {
			continue // the calls of one try come at once
		}
		shortest, longest = min(shortest, pause), max(longest, pause)
	}
	least, most := longestDelay*4/5, longestDelay+callTimeout+pageInWeather
	if w.effect != refuses {
		least, most = limitedDelay*4/5, limitedDelay+pageInWeather
	}
	if shortest < least || longest > most {
		t.Errorf("the pauses are %v to %v, want %v to %v", shortest, longest, least, most)
	}
	return shortest, longest
}

// endurePage is a page that waits no longer than d and is signed or not.
func (n *tenant) endurePage(d time.Duration, signed bool) {
	n.t.Helper()
	start := time.Now()
	_, err := n.page()
	if took := time.Since(start); took > d {
		n.t.Errorf("a page waited %v, want at most %v", took, d)
	}
	var u *Unavailable
	if signed && err != nil || !signed && !errors.As(err, &u) {
		n.t.Fatalf("the error is %v where signed is %t", err, signed)
	}
}

// recover serves pages until one is signed, none of which waits.
func (n *tenant) recover(limit time.Duration) time.Duration {
	n.t.Helper()
	for end := time.Now(); ; time.Sleep(pageEvery) {
		start := time.Now()
		ticket, _ := n.page()
		if took := time.Since(start); took != 0 {
			n.t.Errorf("a page waited %v", took)
		}
		if ticket != nil {
			return time.Since(end)
		}
		if time.Since(end) > limit {
			n.t.Fatalf("no recovery within %v", limit)
		}
	}
}

// The same faults while a ticket lives: its renewal comes to nothing, and no
// page notices before its end, nor waits then.
func TestNoFaultOfDingTalkIsNoticedWhileATicketLives(t *testing.T) {
	for _, w := range weathers() {
		if w.short {
			continue // is met like another of its sort
		}
		t.Run(w.name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				n, r := w.tenant(t)
				ticket := n.mustPage(2 * time.Second)
				time.Sleep(time.Until(ticket.Expires) - MaxSkew)
				w.set(n, r)
				start := time.Now()
				for time.Until(ticket.Expires) > 0 {
					n.endurePage(0, true)
					time.Sleep(pageInWeather)
				}
				for range 12 {
					n.endurePage(0, w.effect == serves)
					time.Sleep(pageInWeather)
				}
				if calls := within(r.since(start), 10*time.Second); calls > 5 {
					t.Errorf("%d calls in the first 10 s", calls)
				}
				w.lift(n, r)
				n.recover(w.limit())
				if w.effect == serves {
					n.wantLines()
				} else {
					n.wantLines(logNotRenewed, logRecovers)
				}
			})
		})
	}
}
