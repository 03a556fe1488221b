package e2e

import (
	"encoding/json"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/caddy-dingtalk/caddy-dingtalk/internal/sandbox"
	"github.com/caddy-dingtalk/caddy-dingtalk/internal/testsite"
)

// findings are what the doctor says.
type findings struct {
	Findings []struct {
		Name, Status string
		Text         struct{ ZH, EN string }
		Cures        []struct{ ZH, EN string }
	}
	URL struct {
		Shown, Signed []struct {
			Text    string
			Differs bool
		}
		Differs []string
	}
	Request struct {
		Peer         string
		Trusted, TLS bool
		SNI, Host    string
		EarlyData    bool `json:"early_data"`
		Headers      []struct {
			Name, Value, Status string
			Believed            bool
			Why                 struct{ ZH, EN string }
		}
	}
	Ticket struct {
		Held      bool
		ExpiresIn int `json:"expires_in_seconds"`
		Error     *struct {
			Kind, Message string
			Advice        struct{ ZH, EN string }
		}
	}
	Config struct{ Outcome, Code, Message string }
	Lines  []struct{ Where, Text string }
}

func (f *findings) read(t testing.TB, text string) {
	t.Helper()
	if err := json.Unmarshal([]byte(text), f); err != nil {
		t.Fatalf("%v: %s", err, text)
	}
	if len(f.Findings) == 0 {
		t.Fatalf("no findings: %s", text)
	}
}

// inDoctorPage returns the findings that the page begins with.
func inDoctorPage(t testing.TB, a *testsite.Answer) (f findings) {
	t.Helper()
	_, rest, found := strings.Cut(a.Body, `<script type="application/json" id="findings">`)
	text, _, closed := strings.Cut(rest, "</script>")
	if a.Status != http.StatusOK || !found || !closed {
		t.Fatalf("status %d: %s", a.Status, a.Body)
	}
	f.read(t, text)
	return f
}

// consult asks as the page does that is at the URL.
func consult(t testing.TB, s *testsite.Site, where, body string, headers ...string) *testsite.Answer {
	t.Helper()
	return s.Fetch(t, http.MethodPost, where, body, append([]string{"Content-Type", "application/json"}, headers...)...)
}

func TestTheDoctorSaysWhatIsWrong(t *testing.T) {
	s := testsite.Run(t, testsite.Setup{Sites: doctored, Upstream: testsite.NoUpstream(t)})
	here := s.At("h5.test") + doctorPath
	there := strings.Replace(here, "http:", "https:", 1)
	params := s.Get(t, here).Snippet(t).Params(t)
	script := regexp.MustCompile(`data-scripts="(rest\.[0-9a-f]+\.js)"`).FindStringSubmatch(s.Get(t, here).Body)
	if script == nil {
		t.Fatal("the page names no script to look for")
	}
	report := func(members map[string]any) string {
		text, _ := json.Marshal(members)
		return string(text)
	}
	ticket := s.Ding.Ticket(sandbox.App)
	mask := ticket[:10] + "***" + ticket[len(ticket)-10:]
	refusal := func(tickets string) string {
		return "Code:52013 - Message:签名校验失败,nonce:[" + params.NonceStr + "],timestamp:[" + params.TimeStamp + "],url:[" + here + "],ticketList:[" + tickets + "]"
	}
	tests := map[string]struct {
		body    map[string]any
		headers []string
		name    string
		words   []string // of the cures
		lines   []string
	}{
		"all is well":     {map[string]any{"url": here, "signed": here, "outcome": "ready"}, nil, "ready", nil, nil},
		"outside":         {map[string]any{"url": here + "#x", "signed": here, "outcome": "outside"}, nil, "outside", []string{"open this page in DingTalk"}, nil},
		"nothing is said": {map[string]any{}, nil, "ticket_late", nil, nil},
		"the scheme is hidden": {map[string]any{"url": there, "signed": here, "outcome": "error", "code": 52013, "message": "签名校验失败"}, nil, "url_mismatch",
			[]string{"X-Forwarded-Proto $scheme"}, []string{"nginx", "ingress-nginx", "caddy", "caddy"}},
		"the proxy is not trusted": {map[string]any{"url": there, "signed": here}, []string{"X-Forwarded-Proto", "https"}, "url_mismatch",
			[]string{"127.0.0.1", "trusted_proxies static private_ranges"}, []string{"caddy"}},
		"a script is lost": {map[string]any{"url": here, "signed": here, "outcome": "ready", "lost": map[string]any{"name": script[1], "status": 404}}, nil, "scripts",
			[]string{"/.dingtalk/" + script[1] + " (status 404", "location ^~ /.dingtalk/ {"}, []string{"nginx"}},
		"a script that is none of ours": {map[string]any{"url": here, "signed": here, "outcome": "ready", "lost": map[string]any{"name": "<b>", "status": 404}}, nil, "ready", nil, nil},
		"our ticket is listed": {map[string]any{"url": here, "signed": here, "outcome": "error", "code": "3", "message": refusal(mask)}, nil, "form",
			[]string{"hash sha256"}, []string{"caddy"}},
		"our ticket is not listed": {map[string]any{"url": here, "signed": here, "outcome": "error", "code": 52013, "message": refusal("aaaaaaaaaa***bbbbbbbbbb")}, nil,
			"ticket_replaced", []string{"fetched again"}, nil},
		"a guess of the ticket": {map[string]any{"url": here, "signed": here, "outcome": "error", "code": 52013, "message": refusal(ticket[:1] + "***")}, nil,
			"ticket_replaced", nil, nil},
		"another ticket has signed the page": {map[string]any{"url": here, "signed": here, "outcome": "error", "code": 52013, "message": "",
			"timeStamp": params.TimeStamp, "nonceStr": params.NonceStr, "signature": strings.Repeat("0", 40)}, nil, "older_ticket", []string{"reload"}, nil},
		"this ticket has signed the page": {map[string]any{"url": here, "signed": here, "outcome": "error", "code": 52013, "message": "",
			"timeStamp": params.TimeStamp, "nonceStr": params.NonceStr, "signature": params.Signature}, nil, "refused", []string{"fetched again"}, nil},
		"the agentId is wrong": {map[string]any{"url": here, "signed": here, "outcome": "error", "code": 9, "message": "无效的agentid"}, nil, "52019", []string{"AgentId"}, nil},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			a := consult(t, s, here, report(test.body), test.headers...)
			if a.Status != http.StatusOK || a.Header.Get("Content-Type") != "application/json" {
				t.Fatal(a.Status, a.Body)
			}
			testsite.ExpectEndpointHeaders(t, a)
			var f findings
			f.read(t, a.Body)
			if f.Findings[0].Name != test.name {
				t.Errorf("%s, want %s", f.Findings[0].Name, test.name)
			}
			text, _ := json.Marshal(f.Findings[0])
			for _, word := range test.words {
				if !strings.Contains(string(text), word) {
					t.Errorf("the finding lacks %q: %s", word, text)
				}
			}
			var where []string
			for _, line := range f.Lines {
				where = append(where, line.Where)
			}
			if !slices.Equal(where, test.lines) {
				t.Errorf("lines for %q, want %q", where, test.lines)
			}
		})
	}
	if lines := s.Logged(t, `"signed":`); len(lines) != 0 {
		t.Errorf("asking the doctor is logged as a report: %v", lines)
	}
	if calls := s.Ding.Calls()["v1.ticket"]; calls != 1 {
		t.Errorf("asking the doctor makes %d calls of DingTalk", calls)
	}
}

func TestTheDoctorAnswersItsOwnPageOnly(t *testing.T) {
	s := testsite.Run(t, testsite.Setup{Sites: doctored, Upstream: testsite.NoUpstream(t)})
	here := s.At("h5.test") + doctorPath
	own := s.At("h5.test")
	tests := map[string]struct {
		headers []string
		allowed bool
	}{
		"the page itself":                          {[]string{"Origin", own, "Sec-Fetch-Site", "same-origin"}, true},
		"the page in an old webview":               {[]string{"Origin", own}, true},
		"no page at all":                           {nil, true},
		"the page behind a proxy without a scheme": {[]string{"Origin", "https://h5.test", "Sec-Fetch-Site", "same-origin"}, true},
		"that in an old webview":                   {[]string{"Origin", "https://h5.test"}, true},
		"the page behind a proxy without a host":   {[]string{"Origin", "https://outside.test", "Sec-Fetch-Site", "same-origin"}, true},
		"another site":                             {[]string{"Origin", "https://evil.test", "Sec-Fetch-Site", "cross-site"}, false},
		"another site in an old webview":           {[]string{"Origin", "https://evil.test"}, false},
		"a page below the same domain":             {[]string{"Origin", "http://a.h5.test", "Sec-Fetch-Site", "same-site"}, false},
		"another port of the same host":            {[]string{"Origin", "http://h5.test:1", "Sec-Fetch-Site", "same-site"}, false},
		"a sandboxed frame":                        {[]string{"Origin", "null"}, false},
		"another site, without an Origin":          {[]string{"Sec-Fetch-Site", "cross-site"}, false},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			a := consult(t, s, here, "{}", test.headers...)
			if test.allowed != (a.Status == http.StatusOK) {
				t.Fatalf("%d %s", a.Status, a.Body)
			}
			if !test.allowed {
				testsite.ExpectRefusal(t, a, http.StatusForbidden, "origin_not_allowed")
			}
			if a.Header.Get("Access-Control-Allow-Origin") != "" {
				t.Error("others may read it")
			}
		})
	}
	t.Run("a preflight", func(t *testing.T) {
		a := s.Fetch(t, http.MethodOptions, here, "", "Origin", "https://evil.test", "Access-Control-Request-Method", "POST")
		testsite.ExpectRefusal(t, a, http.StatusMethodNotAllowed, "method_not_allowed")
	})
	t.Run("too much", func(t *testing.T) {
		testsite.ExpectRefusal(t, consult(t, s, here, `{"message":"`+strings.Repeat("x", 16<<10)+`"}`), http.StatusRequestEntityTooLarge, "too_large")
	})
	t.Run("no JSON", func(t *testing.T) {
		testsite.ExpectRefusal(t, consult(t, s, here, `url=1`), http.StatusBadRequest, "bad_report")
	})
}

func TestTheDoctorTellsWhyThereIsNoTicket(t *testing.T) {
	s := testsite.Run(t, testsite.Setup{Sites: doctored, Upstream: testsite.NoUpstream(t), Faults: map[sandbox.Call]string{sandbox.TokenCall: "secret"}})
	here := s.At("h5.test") + doctorPath
	a := s.Get(t, here)
	s.ExpectUnsigned(t, a, "ticket_unavailable")
	f := inDoctorPage(t, a)
	if f.Findings[0].Name != "ticket_unavailable" || f.Ticket.Held || f.Ticket.Error == nil || f.Ticket.Error.Kind != "credentials" ||
		!strings.Contains(f.Ticket.Error.Advice.ZH, "app_secret") || !strings.Contains(f.Ticket.Error.Advice.EN, "app_secret") {
		t.Errorf("%+v", f)
	}
	f.read(t, consult(t, s, here, `{"url":"`+here+`","signed":"","outcome":""}`).Body)
	if f.Findings[0].Name != "ticket_unavailable" {
		t.Errorf("%+v", f.Findings)
	}
}
