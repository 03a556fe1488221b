package e2e

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/caddy-dingtalk/caddy-dingtalk/internal/sandbox"
	"github.com/caddy-dingtalk/caddy-dingtalk/internal/testsite"
)

// refuse reports that DingTalk has refused a page's parameters, with its words, and
// returns what the page is told to try.
func refuse(t *testing.T, s *testsite.Site, page, tried string, p sandbox.ConfigParams, words string) (retry string) {
	t.Helper()
	return told(t, s, page, tried, p, 52013, words)
}

func told(t *testing.T, s *testsite.Site, page, tried string, p sandbox.ConfigParams, code any, words string) (retry string) {
	t.Helper()
	body, err := json.Marshal(map[string]any{"url": page, "signed": page, "code": code, "message": words, "tried": tried,
		"timeStamp": p.TimeStamp, "nonceStr": p.NonceStr, "signature": p.Signature})
	if err != nil {
		t.Fatal(err)
	}
	a := s.Report(t, string(body))
	if a.Status != http.StatusNoContent {
		t.Fatal(a.Status, a.Body)
	}
	return a.Header.Get("DingTalk-Retry")
}

func params(t *testing.T, s *testsite.Site, path string) sandbox.ConfigParams {
	t.Helper()
	return s.Get(t, path).Snippet(t).Params(t)
}

// tickets returns how often DingTalk has been asked for a ticket.
func tickets(s *testsite.Site) int { return s.Ding.Calls()["v1.ticket"] }

func TestARefusedPageIsToldToReloadWhereThatHelps(t *testing.T) {
	page := func(s *testsite.Site) string { return s.URL + "/p" }
	t.Run("where its ticket has been replaced by another program", func(t *testing.T) {
		s := testsite.Run(t, testsite.Setup{Sites: testsite.Signed})
		p := params(t, s, "/p")
		s.Ding.ExpireTicket()
		if got := refuse(t, s, page(s), "", p, ""); got != "reload" || tickets(s) != 2 {
			t.Errorf("told to try %q after %d calls", got, tickets(s))
		}
		if v := s.Ding.Verify(params(t, s, "/p"), page(s)); !v.OK {
			t.Errorf("the reloaded page is refused, too: %+v", v)
		}
	})
	t.Run("where it is older than the ticket", func(t *testing.T) {
		s := testsite.Run(t, testsite.Setup{Sites: testsite.Signed, DingTalk: sandbox.Options{Refetch: sandbox.NewValue}})
		p := params(t, s, "/p")
		s.Refresh(t)
		if got := refuse(t, s, page(s), "", p, ""); got != "reload" || tickets(s) != 2 {
			t.Errorf("told to try %q after %d calls", got, tickets(s))
		}
	})
	t.Run("where DingTalk says that it has checked another URL", func(t *testing.T) {
		s := testsite.Run(t, testsite.Setup{Sites: testsite.Signed})
		p := params(t, s, "/p")
		words := "Code:52013 - Message:签名校验失败,nonce:[x],timestamp:[1],url:[" + s.URL + "/entry],ticketList:[]"
		if got := refuse(t, s, page(s), "", p, words); got != "reload" || tickets(s) != 1 {
			t.Errorf("told to try %q after %d calls: the ticket is not to blame", got, tickets(s))
		}
	})
}

func TestARefusedPageWithTheRightTicketIsToldToTryAnotherForm(t *testing.T) {
	const target = "/%E4%B8%AD?q=a+b%20c"
	s := testsite.Run(t, testsite.Setup{Sites: testsite.Signed}) // a refetch prolongs the ticket
	page := s.URL + target
	p := params(t, s, target)
	var told []string
	for range 6 {
		told = append(told, refuse(t, s, page, "", p, ""))
	}
	want := "hash=sha256, url_policy=raw, url_policy=decoded, hash=sha256&url_policy=raw, hash=sha256&url_policy=decoded, hash=sha256"
	if got := strings.Join(told, ", "); got != want {
		t.Errorf("told to try %s", got)
	}
	if tickets(s) != 2 {
		t.Errorf("%d calls: the ticket is to be suspected once a minute", tickets(s))
	}

	if got := refuse(t, s, page, "hash=sha256", p, ""); got != "" {
		t.Errorf("a page that has tried something is told to try %q", got)
	}
}

func TestAPageMayAskForAnotherFormOfSignature(t *testing.T) {
	const target = "/%E4%B8%AD?q=a+b%20c"
	tests := map[string]struct {
		query string
		form  sandbox.Form
		hash  sandbox.Hash
	}{
		"none":                          {"", sandbox.QueryDecoded, sandbox.SHA1},
		"another hash":                  {"&hash=sha256", sandbox.QueryDecoded, sandbox.SHA256},
		"another policy":                {"&url_policy=raw", sandbox.Raw, sandbox.SHA1},
		"both":                          {"&hash=sha256&url_policy=decoded", sandbox.Decoded, sandbox.SHA256},
		"both the other way round":      {"&url_policy=decoded&hash=sha256", sandbox.Decoded, sandbox.SHA256},
		"ours, and another hash":        {"&url_policy=query_decoded&hash=sha256", sandbox.QueryDecoded, sandbox.SHA256},
		"ours, and another policy":      {"&hash=sha1&url_policy=raw", sandbox.Raw, sandbox.SHA1},
		"what a tab has kept otherwise": {"&reload", sandbox.QueryDecoded, sandbox.SHA1},
	}
	s := testsite.Run(t, testsite.Setup{Sites: testsite.Signed, Upstream: testsite.NoUpstream(t)})
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			a := s.Fetch(t, http.MethodGet, "/.dingtalk/config?url="+url.QueryEscape(s.URL+target)+test.query, "")
			var p sandbox.ConfigParams
			if err := json.Unmarshal([]byte(a.Body), &p); err != nil {
				t.Fatal(err, a.Body)
			}
			if v := s.Ding.Verify(p, s.URL+target); !v.OK || v.Form != test.form || v.Hash != test.hash {
				t.Errorf("%+v", v)
			}
		})
	}
}

func TestAFormThatNobodyKnowsIsRefused(t *testing.T) {
	s := testsite.Run(t, testsite.Setup{Sites: testsite.Signed, Upstream: testsite.NoUpstream(t)})
	for name, query := range map[string]string{
		"a hash":                     "&hash=md5",
		"a hash in capitals":         "&hash=SHA256",
		"a policy":                   "&url_policy=x",
		"an empty policy":            "&url_policy=",
		"a known one and an unknown": "&hash=sha256&url_policy=x",
	} {
		t.Run(name, func(t *testing.T) {
			a := s.Fetch(t, http.MethodGet, "/.dingtalk/config?url="+url.QueryEscape(s.URL+"/p")+query, "")
			testsite.ExpectRefusal(t, a, http.StatusBadRequest, "bad_url", "hash is sha1 or sha256")
		})
	}
}

func TestAFormThatDingTalkAcceptsIsLoggedAsAdvice(t *testing.T) {
	s := testsite.Run(t, testsite.Setup{Sites: testsite.Signed})
	page := s.URL + "/p?q=a+b"
	var p sandbox.ConfigParams
	a := s.Fetch(t, http.MethodGet, "/.dingtalk/config?hash=sha256&url_policy=raw&url="+url.QueryEscape(page), "")
	if err := json.Unmarshal([]byte(a.Body), &p); err != nil {
		t.Fatal(err, a.Body)
	}
	const message = "DingTalk refuses the configured form of signature and accepts another"
	forged := p
	forged.Signature = strings.Repeat("0", 64)
	told(t, s, page, "hash=sha256&url_policy=raw", forged, "healed", "")
	told(t, s, page, "hash=sha256", p, "healed", "")
	told(t, s, page, "", params(t, s, "/p?q=a+b"), "healed", "")
	if lines := s.Logged(t, message); len(lines) != 0 {
		t.Fatalf("without proof: %v", lines)
	}
	for range 3 {
		told(t, s, page, "hash=sha256&url_policy=raw", p, "healed", "")
	}
	if lines := s.Logged(t, message, "`hash sha256`, `url_policy raw`"); len(lines) != 1 {
		t.Errorf("%d lines", len(lines))
	}
}
