package e2e

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"github.com/caddyserver/caddy/v2/modules/caddyevents"

	"github.com/caddy-dingtalk/caddy-dingtalk/internal/sandbox"
	"github.com/caddy-dingtalk/caddy-dingtalk/internal/testsite"
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

// mismatch is the event of a URL that is not the one that was signed.
const mismatch = "dingtalk_url_mismatch"

// mostReports is how many reports of a kind are told in a minute.
const mostReports = 5

const recordAll = `events {
		on dingtalk_token_refreshed test_recorder
		on dingtalk_token_failed test_recorder
		on dingtalk_signature_refused test_recorder
		on dingtalk_url_mismatch test_recorder
	}`

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
	s := testsite.Run(t, testsite.Setup{Sites: observed, Upstream: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/br" {
			w.Header().Set("Content-Encoding", "br")
		}
		testsite.ServePage(w, r)
	})})
	testsite.Eventually(t, "the ticket of the start", func() bool { return len(s.Logged(t, "there is a jsapi_ticket")) > 0 })
	before := s.Metrics(t)
	if before[`token_calls_total{kind="access_token",outcome="ok"}`] == 0 || before[`token_calls_total{kind="jsapi_ticket",outcome="ok"}`] == 0 {
		t.Errorf("the calls of the start are not counted: %v", before)
	}
	s.Get(t, "/")
	s.Get(t, "/")
	s.Get(t, "/br")
	s.Get(t, s.At("stranger.test")+"/")
	s.Report(t, `{"url":"`+s.URL+`/a","signed":"`+s.URL+`/a","code":52013}`)
	s.Report(t, `{"url":"https://other.test/a","signed":"`+s.URL+`/a","code":"url_mismatch"}`)
	s.Report(t, `{"url":"`+s.URL+`/a","signed":"","code":7}`)
	s.Report(t, `{"url":"`+s.URL+`/a","signed":"`+s.URL+`/a","code":7}`)
	got := grown(before, s.Metrics(t))
	delete(got, `token_calls_total{kind="jsapi_ticket",outcome="ok"}`) // none or, if the suspicion has been followed by now, 1
	want := map[string]float64{
		`pages_total{outcome="signed"}`:         2,
		`pages_total{outcome="unknown_coding"}`: 1,
		`pages_total{outcome="origin_unknown"}`: 1,
		`reports_total{verdict="refused"}`:      1,
		`reports_total{verdict="url_mismatch"}`: 1,
		`reports_total{verdict="unsigned"}`:     1,
		`reports_total{verdict="error"}`:        1,
	}
	if !maps.Equal(got, want) {
		t.Errorf("got  %v\nwant %v", got, want)
	}
	left := 0
	for name, v := range s.Metrics(t) {
		if strings.HasPrefix(name, "ticket_expires_seconds{") {
			left++
			if v < 7000 || v > 7200 {
				t.Errorf("%s is %v", name, v)
			}
			if o := s.Ding.Options(); strings.Contains(name, o.AppKey) || strings.Contains(name, o.CorpID) {
				t.Errorf("%s tells the app", name)
			}
		}
	}
	if left != 1 {
		t.Errorf("%d apps are shown, want the one that three handlers share", left)
	}
}

func TestMetricsSurviveReloads(t *testing.T) {
	s := testsite.Run(t, testsite.Setup{Sites: observed})
	s.Get(t, "/")
	before := s.Metrics(t)
	for range 3 {
		if err := s.Load(t, s.Caddyfile); err != nil {
			t.Fatal(err)
		}
	}
	s.Get(t, "/")
	after := s.Metrics(t)
	if got := grown(before, after); len(got) != 1 || got[`pages_total{outcome="signed"}`] != 1 {
		t.Errorf("after three reloads and one page: %v", got)
	}
	if _, apps, _ := testsite.Admin(t, http.MethodGet, "/dingtalk/status"); len(apps) != 1 {
		t.Errorf("%d apps are in use", len(apps))
	}
}

func TestFailuresAreCountedByTheirKind(t *testing.T) {
	s := testsite.Run(t, testsite.Setup{Sites: observed})
	s.Get(t, "/")
	before, o := s.Metrics(t), s.Ding.Options()
	if err := s.Load(t, strings.Replace(s.Caddyfile, "app_key "+o.AppKey, "app_key other", 1)); err != nil { // of another app, which begins cold
		t.Fatal(err)
	}
	testsite.Eventually(t, "the failure of the start", func() bool { return len(s.Logged(t, "cannot fetch a jsapi_ticket")) > 0 })
	s.Get(t, "/")
	got := grown(before, s.Metrics(t))
	if got[`token_calls_total{kind="access_token",outcome="credentials"}`] != 1 || got[`pages_total{outcome="ticket_unavailable"}`] != 1 {
		t.Errorf("%v", got)
	}
	for name, v := range s.Metrics(t) {
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
	recorded.mu.Lock()
	recorded.all = nil
	recorded.mu.Unlock()
	s := testsite.Run(t, testsite.Setup{Global: recordAll, Sites: observed, Faults: map[sandbox.Call]string{sandbox.TokenCall: "secret"}})
	eventOf := func(name string) map[string]any {
		t.Helper()
		var all []map[string]any
		testsite.Eventually(t, name, func() bool { all = events(name); return len(all) > 0 })
		return all[0]
	}
	if e := eventOf("dingtalk_token_failed"); e["kind"] != "credentials" || e["advice"] == "" || e["advice_zh"] == "" || e["advice_zh"] == nil || e["error"] == "" || e["app"] == "" {
		t.Errorf("%v", e)
	}
	s.Ding.SetFault(sandbox.TokenCall, sandbox.Fault{})
	s.Refresh(t)
	if e := eventOf("dingtalk_token_refreshed"); e["app"] == "" || e["expires"] == nil {
		t.Errorf("%v", e)
	}
	s.Report(t, `{"url":"`+s.URL+`/a","signed":"`+s.URL+`/a","code":52013,"message":"no"}`)
	if e := eventOf("dingtalk_signature_refused"); e["url"] != s.URL+"/a" || e["code"] != "52013" || e["message"] != "no" {
		t.Errorf("%v", e)
	}
	s.Report(t, `{"url":"https://other.test/a","signed":"`+s.URL+`/a","code":"url_mismatch"}`)
	if e := eventOf(mismatch); e["url"] != "https://other.test/a" || !strings.Contains(fmt.Sprint(e["advice"]), "public_origin") {
		t.Errorf("%v", e)
	}
	text := fmt.Sprint(recorded.all)
	for _, secret := range secretsOf(s.Ding) {
		if strings.Contains(text, secret) {
			t.Errorf("an event holds %q", secret)
		}
	}
}

func TestStrangersCannotFloodTheSubscribersOfEvents(t *testing.T) {
	s := testsite.Run(t, testsite.Setup{Global: recordAll, Sites: observed})
	seen := len(events(mismatch))
	for i := range 50 { // in the host, or in the path as well
		s.Report(t, `{"url":"https://other.test/`+[]string{"a", "b"}[i%2]+`","signed":"`+s.URL+`/a","code":"url_mismatch"}`)
	}
	testsite.Eventually(t, "five events", func() bool { return len(events(mismatch)) >= seen+mostReports })
	if n := len(events(mismatch)) - seen; n != mostReports {
		t.Errorf("%d events", n)
	}
}

func TestTheAdminAPIShowsHowTheAppsStand(t *testing.T) {
	s := testsite.Run(t, testsite.Setup{Sites: observed})
	testsite.Eventually(t, "a ticket before the first page", func() bool {
		_, apps, _ := testsite.Admin(t, http.MethodGet, "/dingtalk/status")
		if len(apps) != 1 || apps[0].Error != nil || apps[0].CorpID != s.Ding.Options().CorpID {
			t.Fatalf("before the first page: %+v", apps)
		}
		return apps[0].JSAPITicket != nil
	})
	_, apps, text := testsite.Admin(t, http.MethodGet, "/dingtalk/status")
	if ticket := apps[0].JSAPITicket; ticket == nil || ticket.ExpiresIn < 7000 || ticket.Age > 60 || apps[0].AccessToken == nil || apps[0].Storage != "ok" {
		t.Errorf("%s", text)
	}
	for _, secret := range secretsOf(s.Ding) {
		if strings.Contains(text, secret) {
			t.Errorf("the status holds %q", secret)
		}
	}

	if _, apps, _ = testsite.Admin(t, http.MethodPost, "/dingtalk/refresh?app="+apps[0].App); apps[0].Error != nil {
		t.Errorf("%+v", apps[0])
	}
	if calls := s.Ding.Calls(); calls["v1.ticket"] != 2 {
		t.Errorf("a refresh makes these calls: %v", calls)
	}

	s.Ding.SetFault(sandbox.TicketCall, sandbox.MustFault("status:500"))
	_, apps, text = testsite.Admin(t, http.MethodPost, "/dingtalk/refresh")
	if e := apps[0].Error; e == nil || e.Kind != "busy" || e.Advice == "" || e.NextTry > 60 || apps[0].JSAPITicket == nil {
		t.Errorf("%s", text)
	}
	s.ExpectSigned(t, s.Get(t, "/"), s.URL+"/")
}

func TestTheAdminAPIRefusesWhatItDoesNotKnow(t *testing.T) {
	testsite.Run(t, testsite.Setup{Sites: observed})
	for target, want := range map[string]struct {
		method string
		status int
	}{
		"/dingtalk/status":           {http.MethodPost, http.StatusMethodNotAllowed},
		"/dingtalk/refresh":          {http.MethodGet, http.StatusMethodNotAllowed},
		"/dingtalk/refresh?app=none": {http.MethodPost, http.StatusNotFound},
	} {
		if status, _, text := testsite.Admin(t, want.method, target); status != want.status {
			t.Errorf("%s %s: %d %s", want.method, target, status, text)
		}
	}
}
