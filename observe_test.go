package dingtalk

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"github.com/caddyserver/caddy/v2/modules/caddyevents"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"github.com/caddy-dingtalk/caddy-dingtalk/internal/sandbox"
)

// recorder is a handler of events that remembers them.
type recorder struct{}

var recorded struct {
	mu  sync.Mutex
	all []caddy.Event
}

func init() { caddy.RegisterModule(recorder{}) }

func (recorder) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{ID: "events.handlers.test_recorder", New: func() caddy.Module { return new(recorder) }}
}
func (recorder) UnmarshalCaddyfile(*caddyfile.Dispenser) error { return nil }

func (recorder) Handle(_ context.Context, e caddy.Event) error {
	recorded.mu.Lock()
	defer recorded.mu.Unlock()
	recorded.all = append(recorded.all, e)
	return nil
}

var _ caddyevents.Handler = recorder{}

// events returns the data of the events of that name so far.
func events(name string) (found []map[string]any) {
	recorded.mu.Lock()
	defer recorded.mu.Unlock()
	for _, e := range recorded.all {
		if e.Name() == name {
			found = append(found, e.Data)
		}
	}
	return found
}

const observed = `
http://127.0.0.1:PORT {
	metrics /metrics
	dingtalk {
		import app
	}
	reverse_proxy UPSTREAM
}
http://h5.test:PORT {
	dingtalk {
		import app
	}
	reverse_proxy UPSTREAM
}
http://:PORT {
	dingtalk {
		import app
	}
	reverse_proxy UPSTREAM
}
`

const recordAll = `events {
		on dingtalk_token_refreshed test_recorder
		on dingtalk_token_failed test_recorder
		on dingtalk_signature_refused test_recorder
		on dingtalk_url_mismatch test_recorder
	}`

// metrics returns our samples as they are scraped.
func (s *site) metrics(t *testing.T) map[string]float64 {
	t.Helper()
	samples := make(map[string]float64)
	for line := range strings.Lines(s.fetch(t, http.MethodGet, s.url+"/metrics", "").body) {
		if strings.HasPrefix(line, "caddy_dingtalk_") {
			name, value, _ := strings.Cut(strings.TrimSpace(line), " ")
			var v float64
			if _, err := fmt.Sscan(value, &v); err != nil {
				t.Fatalf("%q: %v", line, err)
			}
			samples[strings.TrimPrefix(name, "caddy_dingtalk_")] = v
		}
	}
	return samples
}

// grown returns what has been added to the counters since before.
func grown(before, after map[string]float64) map[string]float64 {
	diff := make(map[string]float64)
	for name, v := range after {
		if d := v - before[name]; d != 0 && !strings.HasPrefix(name, "ticket_expires") {
			diff[name] = d
		}
	}
	return diff
}

func TestMetricsCountWhatHappens(t *testing.T) {
	s := run(t, setup{sites: observed, upstream: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/br" {
			w.Header().Set("Content-Encoding", "br")
		}
		servePage(w, r)
	})})
	before := s.metrics(t)
	s.get(t, "/")
	s.get(t, "/")
	s.get(t, "/br")
	s.get(t, s.at("stranger.test")+"/")
	s.report(t, `{"url":"`+s.url+`/a","signed":"`+s.url+`/a","code":52013}`)
	s.report(t, `{"url":"https://other.test/a","signed":"`+s.url+`/a","code":"url_mismatch"}`)
	s.report(t, `{"url":"`+s.url+`/a","signed":"","code":7}`)
	s.report(t, `{"url":"`+s.url+`/a","signed":"`+s.url+`/a","code":7}`)
	got := grown(before, s.metrics(t))
	delete(got, `token_calls_total{kind="jsapi_ticket",outcome="ok"}`) // 1 or, if the suspicion has been followed by now, 2
	want := map[string]float64{
		`pages_total{outcome="signed"}`:                       2,
		`pages_total{outcome="unknown_coding"}`:               1,
		`pages_total{outcome="origin_unknown"}`:               1,
		`token_calls_total{kind="access_token",outcome="ok"}`: 1,
		`reports_total{verdict="refused"}`:                    1,
		`reports_total{verdict="url_mismatch"}`:               1,
		`reports_total{verdict="unsigned"}`:                   1,
		`reports_total{verdict="error"}`:                      1,
	}
	if !maps.Equal(got, want) {
		t.Errorf("got  %v\nwant %v", got, want)
	}
	left := 0
	for name, v := range s.metrics(t) {
		if strings.HasPrefix(name, "ticket_expires_seconds{") {
			left++
			if v < 7000 || v > 7200 {
				t.Errorf("%s is %v", name, v)
			}
			if o := s.ding.Options(); strings.Contains(name, o.AppKey) || strings.Contains(name, o.CorpID) {
				t.Errorf("%s tells the app", name)
			}
		}
	}
	if left != 1 {
		t.Errorf("%d apps are shown, want the one that three handlers share", left)
	}
}

func TestMetricsSurviveReloads(t *testing.T) {
	s := run(t, setup{sites: observed})
	s.get(t, "/")
	before := s.metrics(t)
	for range 3 {
		if err := s.load(t, s.caddyfile); err != nil {
			t.Fatal(err)
		}
	}
	s.get(t, "/")
	after := s.metrics(t)
	if got := grown(before, after); len(got) != 1 || got[`pages_total{outcome="signed"}`] != 1 {
		t.Errorf("after three reloads and one page: %v", got)
	}
	if len(running.apps()) != 1 {
		t.Errorf("%d apps are in use", len(running.apps()))
	}
}

func TestFailuresAreCountedByTheirKind(t *testing.T) {
	s := run(t, setup{sites: observed})
	before := s.metrics(t)
	s.ding.SetFault(sandbox.TokenCall, sandbox.MustFault("secret"))
	s.get(t, "/")
	got := grown(before, s.metrics(t))
	if got[`token_calls_total{kind="access_token",outcome="credentials"}`] != 1 || got[`pages_total{outcome="ticket_unavailable"}`] != 1 {
		t.Errorf("%v", got)
	}
	for name, v := range s.metrics(t) {
		if strings.HasPrefix(name, "ticket_expires") && v != 0 {
			t.Errorf("%s is %v without a ticket", name, v)
		}
	}
}

// secretsOf returns what must never be shown.
func secretsOf(ding *sandbox.DingTalk) []string {
	return append(ding.Issued(), ding.Options().AppSecret)
}

func TestEventsTellWhatHappens(t *testing.T) {
	s := run(t, setup{global: recordAll, sites: observed})
	recorded.mu.Lock()
	recorded.all = nil
	recorded.mu.Unlock()
	eventOf := func(name string) map[string]any {
		t.Helper()
		var all []map[string]any
		eventually(t, name, func() bool { all = events(name); return len(all) > 0 })
		return all[0]
	}
	s.ding.SetFault(sandbox.TokenCall, sandbox.MustFault("secret"))
	s.get(t, "/")
	if e := eventOf(eventFailed); e["kind"] != "credentials" || e["advice"] == "" || e["error"] == "" || e["app"] == "" {
		t.Errorf("%v", e)
	}
	s.ding.SetFault(sandbox.TokenCall, sandbox.Fault{})
	for _, a := range running.apps() {
		if err := a.tokens.Refresh(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if e := eventOf(eventRefreshed); e["app"] == "" || e["expires"] == nil {
		t.Errorf("%v", e)
	}
	s.report(t, `{"url":"`+s.url+`/a","signed":"`+s.url+`/a","code":52013,"message":"no"}`)
	if e := eventOf(eventRefused); e["url"] != s.url+"/a" || e["code"] != "52013" || e["message"] != "no" {
		t.Errorf("%v", e)
	}
	s.report(t, `{"url":"https://other.test/a","signed":"`+s.url+`/a","code":"url_mismatch"}`)
	if e := eventOf(eventMismatch); e["url"] != "https://other.test/a" || !strings.Contains(fmt.Sprint(e["advice"]), "public_origin") {
		t.Errorf("%v", e)
	}
	text := fmt.Sprint(recorded.all)
	for _, secret := range secretsOf(s.ding) {
		if strings.Contains(text, secret) {
			t.Errorf("an event holds %q", secret)
		}
	}
}

func TestStrangersCannotFloodTheSubscribersOfEvents(t *testing.T) {
	s := run(t, setup{global: recordAll, sites: observed})
	seen := len(events(eventMismatch))
	for i := range 50 { // in the host, or in the path as well
		s.report(t, `{"url":"https://other.test/`+[]string{"a", "b"}[i%2]+`","signed":"`+s.url+`/a","code":"url_mismatch"}`)
	}
	eventually(t, "five events", func() bool { return len(events(eventMismatch)) >= seen+someReports })
	if n := len(events(eventMismatch)) - seen; n != someReports {
		t.Errorf("%d events", n)
	}
}

// TestStrangersCannotForgeLinesOfTheLog: the console shows a message as it is.
func TestStrangersCannotForgeLinesOfTheLog(t *testing.T) {
	core, logs := observer.New(zap.InfoLevel)
	new(notices).once(zap.New(core), "kind", "DingTalk has checked https://h5.test/中\n2026/11/20 ERROR \x1b[31mrun this\u2028\u202e\r")
	if got, want := logs.All()[0].Message, "DingTalk has checked https://h5.test/中2026/11/20 ERROR [31mrun this"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}

// admin calls the admin API as Caddy does, and returns the answer.
func admin(t *testing.T, method, target string) (status int, apps []appStatus, text string) {
	t.Helper()
	w := httptest.NewRecorder()
	r := httptest.NewRequest(method, target, nil)
	for _, route := range (adminAPI{}).Routes() {
		if route.Pattern != r.URL.Path {
			continue
		}
		if err := route.Handler.ServeHTTP(w, r); err != nil {
			e, ok := err.(caddy.APIError)
			if !ok {
				t.Fatal(err)
			}
			return e.HTTPStatus, nil, e.Error()
		}
	}
	var body struct {
		Apps []appStatus `json:"apps"`
	}
	text = w.Body.String()
	if err := json.Unmarshal(w.Body.Bytes(), &body); err != nil {
		t.Fatalf("%v: %s", err, text)
	}
	return w.Code, body.Apps, text
}

func TestTheAdminAPIShowsHowTheAppsStand(t *testing.T) {
	s := run(t, setup{sites: observed})
	_, apps, _ := admin(t, http.MethodGet, "/dingtalk/status")
	if len(apps) != 1 || apps[0].JSAPITicket != nil || apps[0].Error != nil || apps[0].CorpID != s.ding.Options().CorpID {
		t.Fatalf("before the first page: %+v", apps)
	}
	s.get(t, "/")
	_, apps, text := admin(t, http.MethodGet, "/dingtalk/status")
	if ticket := apps[0].JSAPITicket; ticket == nil || ticket.ExpiresIn < 7000 || ticket.Age > 60 || apps[0].AccessToken == nil || apps[0].Storage != "ok" {
		t.Errorf("%s", text)
	}
	for _, secret := range secretsOf(s.ding) {
		if strings.Contains(text, secret) {
			t.Errorf("the status holds %q", secret)
		}
	}

	if _, apps, _ = admin(t, http.MethodPost, "/dingtalk/refresh?app="+apps[0].App); apps[0].Error != nil {
		t.Errorf("%+v", apps[0])
	}
	if calls := s.ding.Calls(); calls["v1.ticket"] != 2 {
		t.Errorf("a refresh makes these calls: %v", calls)
	}

	s.ding.SetFault(sandbox.TicketCall, sandbox.MustFault("status:500"))
	_, apps, text = admin(t, http.MethodPost, "/dingtalk/refresh")
	if e := apps[0].Error; e == nil || e.Kind != "busy" || e.Advice == "" || e.NextTry > 60 || apps[0].JSAPITicket == nil {
		t.Errorf("%s", text)
	}
	s.expectSigned(t, s.get(t, "/"), s.url+"/")
}

func TestTheAdminAPIRefusesWhatItDoesNotKnow(t *testing.T) {
	run(t, setup{sites: observed})
	for target, want := range map[string]struct {
		method string
		status int
	}{
		"/dingtalk/status":           {http.MethodPost, http.StatusMethodNotAllowed},
		"/dingtalk/refresh":          {http.MethodGet, http.StatusMethodNotAllowed},
		"/dingtalk/refresh?app=none": {http.MethodPost, http.StatusNotFound},
	} {
		if status, _, text := admin(t, want.method, target); status != want.status {
			t.Errorf("%s %s: %d %s", want.method, target, status, text)
		}
	}
}
