package e2e

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/caddy-dingtalk/caddy-dingtalk/internal/sandbox"
	"github.com/caddy-dingtalk/caddy-dingtalk/internal/testsite"
)

func TestReportsAreJSONOfAtMost4KiBBesideTheirURLs(t *testing.T) {
	s := testsite.Run(t, testsite.Setup{Sites: testsite.Signed, Upstream: testsite.NoUpstream(t)})
	padded := func(n int) string {
		const frame = `{"message":""}`
		return `{"message":"` + strings.Repeat("x", n-len(frame)) + `"}`
	}
	long := func(url, message int) string {
		shown := "https://h5.test/p?q=" + strings.Repeat("x", url-len("https://h5.test/p?q="))
		return `{"url":"` + shown + `","signed":"` + shown + `","code":"7","message":"` + strings.Repeat("x", message) + `"}`
	}
	tests := map[string]struct {
		body   string
		status int
		code   string
	}{
		"all members":               {`{"url":"https://h5.test/p","signed":"https://h5.test/p","code":52013,"message":"签名校验失败"}`, 204, ""},
		"no members":                {`{}`, 204, ""},
		"space around it":           {" \n{}\n", 204, ""},
		"an unknown member":         {`{"url":"https://h5.test/p","phone":"x"}`, 204, ""},
		"a code in a string":        {`{"code":"url_mismatch"}`, 204, ""},
		"a code of null":            {`{"code":null}`, 204, ""},
		"a negative code":           {`{"code":-1}`, 204, ""},
		"a message that is no text": {`{"message":"\ud800"}`, 204, ""},
		"4096 bytes":                {padded(4096), 204, ""},
		"4097 bytes":                {padded(4097), 413, "too_large"},
		"URLs of 1500 bytes":        {long(1500, 900), 204, ""},
		"URLs of 8000 bytes":        {long(8000, 900), 204, ""},
		"URLs of 8000, 5000 beside": {long(8000, 5000), 413, "too_large"},
		"URLs of 11000 bytes":       {long(11000, 0), 413, "too_large"},
		"a megabyte":                {padded(1 << 20), 413, "too_large"},
		"nothing":                   {``, 400, "bad_report"},
		"null":                      {`null`, 400, "bad_report"},
		"an array":                  {`[{"code":1}]`, 400, "bad_report"},
		"a text":                    {`"hello"`, 400, "bad_report"},
		"half of it":                {`{"url":"https`, 400, "bad_report"},
		"two of them":               {`{}{}`, 400, "bad_report"},
		"a code that is an object":  {`{"code":{}}`, 400, "bad_report"},
		"a code that is a truth":    {`{"code":true}`, 400, "bad_report"},
		"a url that is a number":    {`{"url":1}`, 400, "bad_report"},
		"a form":                    {`url=1&signed=2`, 400, "bad_report"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			a := s.Report(t, test.body)
			if test.code != "" {
				testsite.ExpectRefusal(t, a, test.status, test.code)
				return
			}
			if a.Status != test.status || a.Body != "" {
				t.Errorf("%d %q, want %d", a.Status, a.Body, test.status)
			}
			testsite.ExpectEndpointHeaders(t, a)
		})
	}
}

func TestAReportIsLoggedWithItsCure(t *testing.T) {
	const equal = `"url":"https://h5.test/p#x","signed":"https://h5.test/p",`
	tests := map[string]struct {
		body string
		want []string
	}{
		"the scheme differs": {`{"url":"https://h5.test/p","signed":"http://h5.test/p","code":"url_mismatch","message":""}`,
			[]string{"another URL than the one that was signed", `"differs":["scheme"]`, "X-Forwarded-Proto", "public_origin https://h5.test "}},
		"several parts differ": {`{"url":"https://h5.test/app/p?x","signed":"http://h5.test:8080/p","code":52013,"message":""}`,
			[]string{`"differs":["scheme","port","path","query"]`, "forwarded X-Original-URI", `"code":"52013"`}},
		"a refusal without a difference": {`{` + equal + `"code":52013,"message":"签名校验失败"}`,
			[]string{"DingTalk refused the signature", "it is fetched again", `"url":"https://h5.test/p"`}},
		"the PC client's refusal, which has no code": {`{` + equal + `"code":9,"message":"签名校验失败,nonce:[x]"}`,
			[]string{"DingTalk refused the signature"}},
		"a ticket that cannot be read":   {`{` + equal + `"code":"52011","message":""}`, []string{"DingTalk refused the signature"}},
		"the wrong corpId":               {`{` + equal + `"code":52010,"message":"无效的corpid"}`, []string{"corp_id is wrong", `"message":"无效的corpid"`}},
		"the wrong agentId":              {`{` + equal + `"code":52019,"message":""}`, []string{"agent_id does not belong"}},
		"an unknown name in jsApiList":   {`{` + equal + `"code":52017,"message":""}`, []string{"jsApiList names an API that does not exist"}},
		"the wrong type":                 {`{` + equal + `"code":52022,"message":""}`, []string{"type 1 is for service windows"}},
		"a code that nobody knows":       {`{` + equal + `"code":7,"message":"cancel"}`, []string{"dd.config failed in a page", `"code":"7"`, "cancel"}},
		"no code":                        {`{` + equal + `"code":"","message":"?"}`, []string{"dd.config failed in a page"}},
		"a page that has no signature":   {`{"url":"https://h5.test/p","signed":"","code":3,"message":""}`, []string{"a page without a signature"}},
		"a URL that is none":             {`{"url":"javascript:x","signed":"https://h5.test/p","code":"url_mismatch","message":""}`, []string{"no setting cures", "javascript:x"}},
		"a text that would be two lines": {`{` + equal + `"code":8,"message":"a\n{\"level\":\"error\"}"}`, []string{`"a{\"level\"`}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			s := testsite.Run(t, testsite.Setup{Sites: origins}) // a handler writes few lines of a kind a minute
			if a := s.Fetch(t, http.MethodPost, s.At("h5.test")+"/.dingtalk/report", test.body); a.Status != http.StatusNoContent {
				t.Fatal(a.Status, a.Body)
			}
			lines := s.Logged(t, `"signed":`)
			if len(lines) != 1 || lines[0].Level != "warn" {
				t.Fatalf("%d lines: %v", len(lines), lines)
			}
			if !strings.Contains(lines[0].Msg, "a visitor's page claims: ") {
				t.Errorf("the line says as true what a stranger says: %s", lines[0].Msg)
			}
			for _, word := range test.want {
				if !strings.Contains(lines[0].Text, word) {
					t.Errorf("the line lacks %q: %s", word, lines[0].Text)
				}
			}
		})
	}
}

// What proxies send along with a report, and what DingTalk quotes, is evidence.
func TestAReportIsExplainedByItsEvidence(t *testing.T) {
	s := testsite.Run(t, testsite.Setup{Sites: testsite.Signed, DingTalk: sandbox.Options{Refetch: sandbox.NewValue}})
	s.Get(t, "/p")
	shown := strings.Replace(s.URL, "http:", "https:", 1)
	body := `{"url":"` + shown + `/p","signed":"` + s.URL + `/p","code":"url_mismatch"}`
	s.Fetch(t, http.MethodPost, "/.dingtalk/report", body, "X-Forwarded-Proto", "https")
	s.Report(t, `{"url":"`+s.URL+`/p","signed":"`+s.URL+`/p","code":52013,"message":"签名校验失败,nonce:[a],timestamp:[1],url:[`+s.URL+`/p],ticketList:[aaaaaaaaaa***bbbbbbbbbb]"}`)
	for _, words := range [][]string{
		{"the scheme is https, not http", "127.0.0.1 sends what is needed", "trusted_proxies static private_ranges"},
		{"DingTalk refused the signature", "does not hold ours", "it is fetched again"},
	} {
		if lines := s.Logged(t, words...); len(lines) != 1 {
			t.Errorf("%d lines with %q in %s", len(lines), words, s.Log(t))
		}
	}
}

// TestReportsDoNotFloodTheLog because anybody can send them.
func TestReportsDoNotFloodTheLog(t *testing.T) {
	s := testsite.Run(t, testsite.Setup{Sites: testsite.Signed})
	for i := range 300 {
		for _, signed := range []string{"", "https://h5.test/p", fmt.Sprintf("https://h%d.test/p", i)} {
			body, _ := json.Marshal(map[string]any{"url": "https://h5.test/p", "signed": signed, "code": i, "message": strings.Repeat("x", 1000)})
			if a := s.Report(t, string(body)); a.Status != http.StatusNoContent {
				t.Fatal(a.Status, a.Body)
			}
		}
	}
	if lines := s.Logged(t); len(lines) > 20 {
		t.Errorf("%d lines of 900 reports", len(lines))
	}
}

func TestARefusalForTheRightURLMakesTheTicketSuspect(t *testing.T) {
	s := testsite.Run(t, testsite.Setup{Sites: testsite.Signed, DingTalk: sandbox.Options{Refetch: sandbox.NewValue}})
	calls := func() int { return s.Ding.Calls()["v1.ticket"] }
	s.ExpectSigned(t, s.Get(t, "/p"), s.URL+"/p")
	report := func(url, signed string, code any, message string) {
		t.Helper()
		body, _ := json.Marshal(map[string]any{"url": url, "signed": signed, "code": code, "message": message})
		if a := s.Report(t, string(body)); a.Status != http.StatusNoContent {
			t.Fatal(a.Status, a.Body)
		}
	}
	page := s.URL + "/p"
	report(page, s.URL+"/q", 52013, "")
	report(page, page, 52010, "")
	report(page, page, "url_mismatch", "")
	report(page, page, 9, "无效的agentid")
	report(page, "", 52013, "")
	report("", "", 52013, "签名校验失败")
	if lines := s.Logged(t, "DingTalk refused a signature for the right URL"); len(lines) != 0 || calls() != 1 {
		t.Fatalf("reports that do not speak of the ticket make it suspect: %d calls, %v", calls(), lines)
	}

	s.Ding.ExpireTicket() // another program has taken it
	if v := s.Ding.Verify(s.Get(t, "/p").Snippet(t).Params(t), page); v.OK {
		t.Fatal("the ticket is still good")
	}
	report(page+"#top", page, "9", "签名校验失败,nonce:[x]") // as PC clients report it, without a code
	testsite.Eventually(t, "a fresh ticket", func() bool { return calls() == 2 })
	testsite.Eventually(t, "a page that DingTalk accepts", func() bool {
		return s.Ding.Verify(s.Get(t, "/p").Snippet(t).Params(t), page).OK
	})
	if lines := s.Logged(t, "DingTalk refused a signature for the right URL"); len(lines) != 1 {
		t.Errorf("%d lines", len(lines))
	}

	for range 5 { // at most once a minute
		report(page, page, 52013, "")
		s.Get(t, "/p")
	}
	if n := calls(); n != 2 {
		t.Errorf("%d calls", n)
	}
}

func TestARefusalOfAnotherTicketDoesNotMakeOursSuspect(t *testing.T) {
	s := testsite.Run(t, testsite.Setup{Sites: testsite.Signed, DingTalk: sandbox.Options{Refetch: sandbox.NewValue}})
	calls := func() int { return s.Ding.Calls()["v1.ticket"] }
	page := s.URL + "/p"
	refuse := func(p sandbox.ConfigParams) {
		t.Helper()
		body, _ := json.Marshal(map[string]any{"url": page, "signed": page, "code": 52013, "message": "",
			"timeStamp": p.TimeStamp, "nonceStr": p.NonceStr, "signature": p.Signature})
		if a := s.Report(t, string(body)); a.Status != http.StatusNoContent {
			t.Fatal(a.Status, a.Body)
		}
	}
	old := s.Get(t, "/p").Snippet(t).Params(t)
	s.Refresh(t) // as it is renewed ahead of its end
	refuse(old)  // of a page that was open meanwhile
	forged := old
	forged.Signature = strings.Repeat("0", 40)
	refuse(forged)
	if lines := s.Logged(t, "DingTalk refused a signature for the right URL"); len(lines) != 0 || calls() != 2 {
		t.Fatalf("%d calls, %v", calls(), lines)
	}
	refuse(s.Get(t, "/p").Snippet(t).Params(t))
	testsite.Eventually(t, "a fresh ticket", func() bool { s.Get(t, "/p"); return calls() == 3 })
}

// TestARefusalOfAForeignURLCallsNobody: whoever asks DingTalk because of it can be
// made to ask for ever.
func TestARefusalOfAForeignURLCallsNobody(t *testing.T) {
	s := testsite.Run(t, testsite.Setup{Sites: testsite.Signed, DingTalk: sandbox.Options{Refetch: sandbox.NewValue}})
	s.Get(t, "/p")
	for _, page := range []string{"https://evil.test/p", strings.Replace(s.URL, "http:", "https:", 1) + "/p", s.URL, "x", "javascript:alert(1)"} {
		body, _ := json.Marshal(map[string]any{"url": page, "signed": page, "code": 52013, "message": "签名校验失败"})
		if a := s.Report(t, string(body)); a.Status != http.StatusNoContent || a.Header.Get("DingTalk-Retry") != "" {
			t.Errorf("%s: %d, told to try %q", page, a.Status, a.Header.Get("DingTalk-Retry"))
		}
	}
	s.Get(t, "/p")
	if lines := s.Logged(t, "DingTalk refused a signature for the right URL"); len(lines) != 0 || tickets(s) != 1 {
		t.Errorf("%d calls, %v", tickets(s), lines)
	}
}

func TestAReportNamesNoLineForAHostThatNobodyVouchesFor(t *testing.T) {
	for _, sites := range []string{testsite.Signed, strings.Replace(testsite.Signed, "import app", "import app\n\t\tpublic_origin https://h5.test", 1)} {
		s := testsite.Run(t, testsite.Setup{Global: recordAll, Sites: sites})
		before := len(events(mismatch))
		signed := s.Get(t, "/p").Snippet(t).Sidecar.URL
		for _, shown := range []string{"https://evil.test/p", "https://evil.test/"} {
			body, _ := json.Marshal(map[string]any{"url": shown, "signed": signed, "code": "url_mismatch"})
			s.Fetch(t, http.MethodPost, "/.dingtalk/report", string(body))
		}
		lines := s.Logged(t, "evil.test", "in public_origin, if it is yours")
		if len(lines) == 0 {
			t.Fatal("the reports are not logged")
		}
		testsite.Eventually(t, "the events", func() bool { return len(events(mismatch)) > before })
		for _, text := range append(lineTexts(lines), fmt.Sprint(events(mismatch)[before:])) {
			if strings.Contains(text, "public_origin https://evil") || strings.Contains(text, "public_host evil") || strings.Contains(text, "change it to") {
				t.Errorf("ready to paste: %s", text)
			}
		}
	}
}

func lineTexts(lines []testsite.Entry) (texts []string) {
	for _, line := range lines {
		texts = append(texts, line.Text)
	}
	return texts
}

func TestReportsAreToldWithoutWhatTheirQueriesHold(t *testing.T) {
	s := testsite.Run(t, testsite.Setup{Global: recordAll, Sites: testsite.Signed})
	before := [2]int{len(events(mismatch)), len(events("dingtalk_signature_refused"))}
	page := s.URL + "/p?code=s3cret&state=s3cret%20s3cret&flag"
	const decoded = "/p?code=s3cret&state=s3cret s3cret&flag"
	for _, report := range []map[string]any{
		{"url": page, "signed": page, "code": 52013, "message": "签名校验失败\n\x1b[31m$(reboot),nonce:[a],url:[" + s.URL + decoded + "],ticketList:[]"},
		{"url": page, "signed": page, "code": 52013, "message": "签名校验失败,url:[" + s.URL + "/entry?code=s3cret s3cret],ticketList:[]"},
		{"url": page, "signed": page, "code": 52013, "message": "签名校验失败,url:[" + s.URL + decoded},
		{"url": page, "signed": s.URL + "/p?code=s3cret2", "code": "url_mismatch", "message": "see https://x.test/?code=s3cret or so"},
		{"url": page, "signed": page, "code": "x?y=s3cret", "message": "?code=s3cret"},
		{"url": page, "signed": "", "code": 3, "message": ""},
	} {
		body, _ := json.Marshal(report)
		s.Report(t, string(body))
	}
	testsite.Eventually(t, "the events", func() bool {
		return len(events(mismatch)) > before[0] && len(events("dingtalk_signature_refused")) >= before[1]+3
	})
	told := append(events(mismatch)[before[0]:], events("dingtalk_signature_refused")[before[1]:]...)
	for _, data := range told {
		for key, value := range data {
			if text, _ := value.(string); strings.ContainsAny(text, "\n\x1b") || strings.Contains(text, "s3cret") {
				t.Errorf("the event has %s %q", key, text)
			}
		}
	}
	lines := s.Logged(t, `"signed":`)
	if len(lines) != 6 {
		t.Errorf("%d lines", len(lines))
	}
	for _, line := range lines {
		if strings.Contains(line.Text, "s3cret") || !strings.Contains(line.Text, "code=***&state=***&flag") {
			t.Errorf("the log has %s", line.Text)
		}
	}
}
