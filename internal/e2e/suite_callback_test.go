package e2e

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/caddy-dingtalk/caddy-dingtalk/internal/sandbox"
	"github.com/caddy-dingtalk/caddy-dingtalk/internal/testsite"
)

// labelled adds headers to all requests.
type labelled struct {
	http.RoundTripper
	header http.Header
}

func (l labelled) RoundTrip(r *http.Request) (*http.Response, error) {
	for name, values := range l.header {
		r.Header[name] = values
	}
	return l.RoundTripper.RoundTrip(r)
}

// pushed pushes with further headers.
func pushed(t *testing.T, s *testsite.Site, path string, p sandbox.Push, headers ...string) sandbox.PushReply {
	t.Helper()
	p.URL = s.URL + path
	answer, err := s.Ding.PushBy(t.Context(), &http.Client{Transport: labelled{s.Client.Transport, testsite.Header(headers...)}}, p)
	if err != nil {
		t.Fatal(err)
	}
	return answer
}

func TestWhatTheCallbackOfASuiteAnswers(t *testing.T) {
	s := testsite.Run(t, testsite.Setup{Sites: tenantSite("", suiteLines), DingTalk: thirdParty})
	var inSeconds sandbox.Push
	if err := json.Unmarshal(fmt.Appendf(nil, `{"event":"suite_ticket","timestamp":%d}`, time.Now().Unix()), &inSeconds); err != nil {
		t.Fatal(err)
	}
	const ticket = `{"EventType":"suite_ticket","SuiteTicket":"stolen"}`
	for name, tt := range map[string]struct {
		push    sandbox.Push
		headers []string
		want    string
	}{
		"a suite_ticket":                             {sandbox.Push{Event: "suite_ticket"}, nil, "200 success"},
		"one by SyncHTTP, as text":                   {sandbox.Push{Event: "suite_ticket", Shape: "sync"}, nil, "200 success"},
		"one by SyncHTTP, as an object":              {sandbox.Push{Event: "suite_ticket", Shape: "sync", Object: true}, nil, "200 success"},
		"signed under the newer name":                {sandbox.Push{Event: "suite_ticket", SignedBy: "msg_signature"}, nil, "200 success"},
		"a time in seconds":                          {inSeconds, nil, "200 success"},
		"23 hours old":                               {sandbox.Push{Event: "suite_ticket", Time: "-23h"}, nil, "200 success"},
		"25 hours old":                               {sandbox.Push{Event: "suite_ticket", Time: "-25h"}, nil, "403 stale"},
		"two hours ahead":                            {sandbox.Push{Event: "suite_ticket", Time: "2h"}, nil, "403 stale"},
		"the check of the address":                   {sandbox.Push{Event: "check_url"}, nil, "200 success"},
		"the check before there is a suite":          {sandbox.Push{Event: "check_create_suite_url"}, nil, "200 success"},
		"the check of a change":                      {sandbox.Push{Event: "check_update_suite_url"}, nil, "200 success"},
		"a suite_ticket for who checks":              {sandbox.Push{Event: "check_create_suite_url", Message: ticket}, nil, "403 bad_signature"},
		"something new":                              {sandbox.Push{Message: `{"EventType":"brand_new"}`}, nil, "200 success"},
		"no JSON":                                    {sandbox.Push{Event: "suite_ticket", Tamper: "not_json"}, nil, "400 bad_push"},
		"a browser's headers, from somewhere else":   {sandbox.Push{Event: "suite_ticket"}, []string{"Origin", "https://elsewhere.example", "Sec-Fetch-Site", "cross-site"}, "200 success"},
		"the same, without a signature that is good": {sandbox.Push{Event: "suite_ticket", Tamper: "signature"}, []string{"Origin", "https://elsewhere.example"}, "403 bad_signature"},
	} {
		t.Run(name, func(t *testing.T) {
			a := pushed(t, s, "/.dingtalk/callback", tt.push, tt.headers...)
			status, word, _ := strings.Cut(tt.want, " ")
			if strconv.Itoa(a.Status) != status || a.Reply != word && !strings.Contains(a.Body, `"`+word+`"`) {
				t.Errorf("%d %q %s, want %s", a.Status, a.Reply, a.Body, tt.want)
			}
		})
	}

	refused := pushed(t, s, "/.dingtalk/callback", sandbox.Push{Event: "suite_ticket", Tamper: "signature"}).Body
	for _, tamper := range []string{
		"encrypt", "nonce", "timestamp", "token", "aes_key", "key", "short_padding", "long_padding", "length", "one_block",
		"15_bytes", "17_bytes", "empty", "not_base64", "no_query",
	} {
		for _, name := range []string{"signature", "msg_signature"} {
			a := pushed(t, s, "/.dingtalk/callback", sandbox.Push{Event: "suite_ticket", Tamper: tamper, SignedBy: name})
			if a.Status != http.StatusForbidden || a.Body != refused {
				t.Errorf("%s (%s): %d %s, want the bytes of all others: %s", tamper, name, a.Status, a.Body, refused)
			}
		}
	}
	testsite.ExpectRefusal(t, s.Fetch(t, http.MethodGet, "/.dingtalk/callback", ""), http.StatusMethodNotAllowed, "method_not_allowed")
	testsite.ExpectRefusal(t, s.Fetch(t, http.MethodPost, "/.dingtalk/callback", strings.Repeat(" ", 1<<20+1)), http.StatusRequestEntityTooLarge, "too_large")
}

// TestAnAppsOwnCallbackGetsWhatItAlwaysGot: its answer goes back to DingTalk, and we have heard.
func TestAnAppsOwnCallbackGetsWhatItAlwaysGot(t *testing.T) {
	var got, query string
	own := strings.Replace(suiteLines, "\t\t\ttoken", "\t\t\tcallback /ding/cb\n\t\t\ttoken", 1)
	s := testsite.Run(t, testsite.Setup{Sites: tenantSite("", own), DingTalk: thirdParty, Upstream: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/ding/cb" {
			testsite.ServePage(w, r)
			return
		}
		body, _ := io.ReadAll(r.Body)
		got, query = string(body), r.URL.RawQuery
		w.WriteHeader(http.StatusAccepted)
		_, _ = io.WriteString(w, "the app's answer")
	})})
	if _, err := s.Ding.Authorize(sandbox.Authorization{CorpID: "dingcorp1", Agents: []sandbox.Agent{{AgentID: "501"}}}); err != nil {
		t.Fatal(err)
	}
	for _, push := range []struct {
		sandbox.Push
		want string // of a page afterwards
	}{
		{sandbox.Push{Event: "suite_ticket", Tamper: "signature"}, "ticket_unavailable"},
		{sandbox.Push{Event: "suite_ticket"}, testsite.SignedPage},
		{sandbox.Push{Event: "org_suite_relieve", CorpID: "dingcorp1", Tamper: "key"}, testsite.SignedPage},
		{sandbox.Push{Event: "org_suite_relieve", CorpID: "dingcorp1"}, "tenant_unknown"},
	} {
		a := pushed(t, s, "/ding/cb", push.Push)
		if a.Status != http.StatusAccepted || a.Body != "the app's answer" || got != a.Sent || query != a.Query {
			t.Errorf("%+v: DingTalk gets %d %q, the app %q and %q", push, a.Status, a.Body, query, got)
		}
		testsite.Eventually(t, "a page that is "+push.want, func() bool { return strings.HasPrefix(s.Visit(t, "/p?corpid=dingcorp1"), push.want) })
	}
}
