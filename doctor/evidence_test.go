package doctor

import (
	"slices"
	"strings"
	"testing"

	"github.com/caddy-dingtalk/caddy-dingtalk/signer"
)

func TestEvidenceIsTakenOutOfTheRefusal(t *testing.T) {
	const head = "Code:52013 - Message:签名校验失败,nonce:[abc],timestamp:[1700000000],"
	tests := map[string]struct {
		message, url string
		tickets      []string
	}{
		"one ticket":                    {head + "url:[https://h5.test/p?x=1],ticketList:[abcdefghij***0123456789]", "https://h5.test/p?x=1", []string{"abcdefghij***0123456789"}},
		"several tickets":               {head + "url:[https://h5.test/],ticketList:[aaaaaaaaaa***bbbbbbbbbb, cccccccccc***dddddddddd]", "https://h5.test/", []string{"aaaaaaaaaa***bbbbbbbbbb", "cccccccccc***dddddddddd"}},
		"the PC client, without a code": {"签名校验失败,nonce:[a],timestamp:[1],url:[https://h5.test/p],ticketList:[a***b]", "https://h5.test/p", []string{"a***b"}},
		"nothing in it":                 {"签名校验失败,nonce:[],timestamp:[],url:[],ticketList:[]", "", nil},
		"brackets in the URL":           {head + "url:[https://h5.test/p?x[]=1&y=[2]],ticketList:[a***b]", "https://h5.test/p?x[]=1&y=[2]", []string{"a***b"}},
		"a decoded URL":                 {head + "url:[https://h5.test/p?q=中 文],ticketList:[a***b]", "https://h5.test/p?q=中 文", []string{"a***b"}},
		"no list of tickets":            {head + "url:[https://h5.test/p]", "https://h5.test/p", nil},
		"cut off within the URL":        {head + "url:[https://h5.test/pa", "", nil},
		"cut off within the tickets":    {head + "url:[https://h5.test/p],ticketList:[abcdefghij***01", "https://h5.test/p", nil},
		"no URL":                        {"无效的agentid", "", nil},
		"nothing":                       {"", "", nil},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			url, tickets := Evidence(test.message)
			if url != test.url || !slices.Equal(tickets, test.tickets) {
				t.Errorf("%q %q, want %q %q", url, tickets, test.url, test.tickets)
			}
		})
	}
}

func TestATicketIsListedByItsWholeMask(t *testing.T) {
	const ticket = "abcdefghij-the-middle-0123456789"
	tests := map[string]struct {
		masked []string
		want   Answer
	}{
		"its mask":           {[]string{"abcdefghij***0123456789"}, Yes},
		"among others":       {[]string{"x***y", "abcdefghij***0123456789"}, Yes},
		"another one's":      {[]string{"bbbbbbbbbb***0123456789"}, No},
		"a part of its mask": {[]string{"a***9"}, No},
		"its beginning":      {[]string{"abcdefghij***"}, No},
		"more than its mask": {[]string{"abcdefghij-***-0123456789"}, No},
		"the ticket itself":  {[]string{ticket}, No},
		"a pattern":          {[]string{"***"}, No},
		"no list":            {nil, Unknown},
	}
	for name, test := range tests {
		if got := Listed(ticket, test.masked); got != test.want {
			t.Errorf("%s: %d, want %d", name, got, test.want)
		}
	}
	if got := Listed("short", []string{"short***short"}); got != Unknown {
		t.Errorf("a ticket that the mask would show: %d", got)
	}
}

func TestARefusalOfTheRightURLIsExplainedByItsEvidence(t *testing.T) {
	const page, escaped = "https://h5.test/p", "https://h5.test/p?q=%E4%B8%AD+a"
	refusal := func(url string) string {
		return "Code:52013 - Message:签名校验失败,nonce:[a],timestamp:[1],url:[" + url + "],ticketList:[a***b]"
	}
	tests := map[string]struct {
		page   Page
		ticket Ticket
		name   string
		words  []string
		not    []string
		lines  string // of the directive
	}{
		"no evidence": {Page{Code: "52013"}, Ticket{}, "refused",
			[]string{"DingTalk refused the signature of the URL that the browser shows", "may have been replaced by another program", "it is fetched again"}, nil, ""},
		"the PC client's words": {Page{Code: "9", Message: "签名校验失败"}, Ticket{}, "refused", []string{"DingTalk refused the signature"}, nil, ""},
		"our ticket is not listed": {Page{Message: refusal(page)}, Ticket{Listed: No}, "ticket_replaced",
			[]string{"does not hold ours", "another program", "app_key and corp_id", "it is fetched again"}, []string{"hash"}, ""},
		"the page has another ticket": {Page{Message: refusal(page)}, Ticket{Other: true}, "older_ticket", []string{"another jsapi_ticket", "reload"}, []string{"hash"}, ""},
		"our ticket is listed": {Page{Message: refusal(page)}, Ticket{Listed: Yes}, "form",
			[]string{"the URL and the jsapi_ticket are right", "hash sha256"}, []string{"url_policy", "another program"}, "hash sha256"},
		"our ticket is listed, and the URL has other forms": {Page{Signed: escaped, Message: refusal("https://h5.test/p?q=中 a")}, Ticket{Listed: Yes}, "form",
			[]string{"hash sha256", "url_policy raw", "url_policy decoded"}, nil, "hash sha256\n\turl_policy raw\n\turl_policy decoded"},
		"the URL is quoted as it is signed": {Page{Signed: escaped, Message: refusal("https://h5.test/p?q=中 a")}, Ticket{}, "refused", []string{"it is fetched again"}, []string{"url_policy"}, ""},
		"the URL is quoted in another form": {Page{Signed: escaped, Message: refusal(escaped)}, Ticket{Listed: Yes}, "url_policy",
			[]string{"form of url_policy raw, ours is query_decoded", "try the line url_policy raw"}, []string{"hash"}, "url_policy raw"},
		"another URL is quoted": {Page{Message: refusal("https://h5.test/entry")}, Ticket{Listed: Yes}, "checked_elsewhere",
			[]string{"another URL: https://h5.test/entry", "router"}, []string{"url_policy"}, ""},
		"a ticket that cannot be read": {Page{Code: "52011", Message: "Code:52011 - Message:jsapi ticket 读取失败"}, Ticket{}, "52011",
			[]string{"another organisation than corp_id", "fetched again"}, nil, ""},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			p := test.page
			if p.Signed == "" {
				p.Signed = page
			}
			p.URL, p.Outcome = p.Signed, Failed
			f := Examine(Facts{Page: p, Ticket: test.ticket, Settings: Settings{Signer: signer.Signer{}}}).Verdict()
			if f.Name != test.name || f.Status != Error {
				t.Errorf("%s %s, want %s", f.Name, f.Status, test.name)
			}
			expectWords(t, f, test.words, test.not)
			got := ""
			for _, line := range f.lines {
				got += line.Text
			}
			if want := "dingtalk {\n\t" + test.lines + "\n}"; test.lines != "" && got != want || test.lines == "" && got != "" {
				t.Errorf("lines %q, want %q", got, want)
			}
		})
	}
}

func TestTheOtherFormsOfSHA256AreOfSHA1(t *testing.T) {
	f := Facts{Page: Page{Signed: "https://h5.test/p"}, Settings: Settings{Signer: signer.Signer{Policy: signer.Raw, Hash: signer.SHA256}}}
	if got := f.otherForms(); !slices.Equal(got, []string{"hash sha1"}) {
		t.Errorf("%q", got)
	}
}

func TestASuccessInAnotherFormNamesTheLine(t *testing.T) {
	f := Examine(Facts{Page: Page{URL: "https://h5.test/p", Signed: "https://h5.test/p", Outcome: Ready, Form: signer.Signer{Policy: signer.Raw, Hash: signer.SHA256}}}).Verdict()
	if f.Name != "accepted_form" || f.Status != Warning || !strings.Contains(f.lines[0].Text, "hash sha256\n\turl_policy raw") {
		t.Errorf("%+v", f)
	}
	expectWords(t, f, []string{"hash sha256, url_policy raw"}, nil)
}
