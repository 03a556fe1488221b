package doctor

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/caddy-dingtalk/caddy-dingtalk/oapi"
	"github.com/caddy-dingtalk/caddy-dingtalk/signer"
)

func TestTheVerdict(t *testing.T) {
	const url = "https://h5.test/p"
	held := Ticket{Held: true, Age: time.Minute, Left: time.Hour}
	refused := fmt.Errorf("fetching access token: %w", &oapi.Error{Call: "oauth2/accessToken", Code: "invalidClientIdOrSecret", Kind: oapi.Credentials})
	unknown := &signer.Error{Reason: signer.Unvouched, Subject: "http://h5.test"}
	tests := map[string]struct {
		facts  Facts
		status Status
		names  []string // of all findings
		words  []string // of the first
	}{
		"before the page has said anything": {Facts{Page: Page{Signed: url}, Ticket: held}, Open, []string{"pending"}, []string{"trying"}},
		"all is well":                       {Facts{Page: Page{URL: url, Signed: url, Outcome: Ready}, Ticket: held}, OK, []string{"ready"}, []string{"all is well"}},
		"outside, and all is well so far":   {Facts{Page: Page{URL: url, Signed: url, Outcome: Outside}, Ticket: held}, Open, []string{"outside"}, []string{"so far all is well", "open this page in DingTalk"}},
		"outside, with a wrong URL": {Facts{Page: Page{URL: url, Signed: "http://h5.test/p", Outcome: Outside}, Ticket: held}, Error,
			[]string{"url_mismatch", "outside"}, []string{"the scheme"}},
		"no script":               {Facts{Page: Page{URL: url, Signed: url, Outcome: NoScript}, Ticket: held}, Error, []string{"no_script"}, []string{"cannot be loaded", "jsapi_url"}},
		"no answer":               {Facts{Page: Page{URL: url, Signed: url, Outcome: Silent}, Ticket: held}, Error, []string{"silent"}, []string{"answered nothing"}},
		"an outcome that is none": {Facts{Page: Page{URL: url, Signed: url, Outcome: "<b>"}, Ticket: held}, Open, []string{"pending"}, nil},
		"DingTalk gives no ticket": {Facts{Page: Page{URL: url}, Ticket: Ticket{Err: refused}}, Error, []string{"ticket_unavailable"},
			[]string{"DingTalk gives no jsapi_ticket", "Compare app_key and app_secret"}},
		"DingTalk has not answered yet": {Facts{Page: Page{URL: url}}, Error, []string{"ticket_unavailable"}, []string{"no jsapi_ticket yet", "reload"}},
		"the ticket has come since":     {Facts{Page: Page{URL: url}, Ticket: held}, Warning, []string{"ticket_late"}, []string{"now there is one", "reload"}},
		"the ticket is not renewed": {Facts{Page: Page{URL: url, Signed: url, Outcome: Ready}, Ticket: Ticket{Held: true, Left: 9 * time.Minute, Err: refused}}, Warning,
			[]string{"ticket_not_renewed"}, []string{"valid for 9 minutes more"}},
		"nobody vouches for the origin": {Facts{Page: Page{URL: url}, Request: Request{Asked: url, Unknown: unknown}, Ticket: held}, Error, []string{"origin_unknown"},
			[]string{"the page is not signed", "https://h5.test is this site", "public_origin"}},
		"a target that no browser sends": {Facts{Page: Page{URL: url}, Request: Request{Unknown: &signer.Error{Reason: signer.BadTarget}}, Ticket: held}, Error,
			[]string{"bad_url"}, []string{"none that a browser sends"}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			d := Examine(test.facts)
			var names []string
			for _, f := range d.Findings {
				names = append(names, f.Name)
				expectWords(t, f, nil, nil)
			}
			if !slices.Equal(names, test.names) || d.Verdict().Status != test.status {
				t.Errorf("%s %q, want %s %q", d.Verdict().Status, names, test.status, test.names)
			}
			expectWords(t, d.Verdict(), test.words, nil)
		})
	}
}

func TestAnUnsignedPageNamesTheLineToAdd(t *testing.T) {
	unknown := &signer.Error{Reason: signer.Unvouched, Subject: "http://h5.test"}
	page := Page{URL: "https://h5.test/p"}

	r := arrived("X-Forwarded-Proto", "https")
	r.Unknown = unknown
	d := Examine(Facts{Page: page, Request: r, Settings: Settings{Public: origins("https://a.test", "https://b.test")}})
	if len(d.Lines) != 1 || !strings.Contains(d.Lines[0].Text, "public_origin https://h5.test https://a.test https://b.test\n") {
		t.Errorf("%+v", d.Lines)
	}
	if zh := d.Verdict().Cures[0].ZH; !strings.Contains(zh, "https://h5.test 是本站") || !strings.Contains(zh, "public_origin") {
		t.Error(zh)
	}

	r = arrived("X-Forwarded-Host", "a.test, b.test").trusted()
	r.Unknown = &signer.Error{Reason: signer.BadHeader, Subject: "X-Forwarded-Host"}
	d = Examine(Facts{Page: page, Request: r})
	if zh := d.Verdict().Cures[0].ZH; !strings.Contains(zh, "X-Forwarded-Host") || len(d.Lines) != 0 {
		t.Errorf("%s %+v", zh, d.Lines)
	}

	r = arrived()
	r.Unknown, r.Asked = unknown, "" // before the page has told what the browser shows
	d = Examine(Facts{Request: r})
	if len(d.Lines) != 1 || !strings.Contains(d.Lines[0].Text, "public_origin http://h5.test\n") {
		t.Errorf("%+v", d.Lines)
	}
}

func TestTheJSONHasNoNull(t *testing.T) {
	for name, facts := range map[string]Facts{
		"nothing": {}, "a page": {Page: Page{URL: "https://h5.test/p", Signed: "https://h5.test/p", Outcome: Ready}},
	} {
		text, err := json.Marshal(Examine(facts))
		if err != nil {
			t.Fatal(err)
		}
		if rest := strings.ReplaceAll(string(text), `"error":null`, ""); strings.Contains(rest, "null") {
			t.Errorf("%s: %s", name, text)
		}
	}
}
