package dingtalk

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/caddy-dingtalk/caddy-dingtalk/internal/sandbox"
)

// refuse reports that DingTalk has refused a page's parameters, with its words, and
// returns what the page is told to try.
func (s *site) refuse(t *testing.T, page, tried string, p sandbox.ConfigParams, words string) (retry string) {
	t.Helper()
	return s.told(t, page, tried, p, 52013, words)
}

func (s *site) told(t *testing.T, page, tried string, p sandbox.ConfigParams, code any, words string) (retry string) {
	t.Helper()
	body, err := json.Marshal(map[string]any{"url": page, "signed": page, "code": code, "message": words, "tried": tried,
		"timeStamp": p.TimeStamp, "nonceStr": p.NonceStr, "signature": p.Signature})
	if err != nil {
		t.Fatal(err)
	}
	a := s.report(t, string(body))
	if a.status != http.StatusNoContent {
		t.Fatal(a.status, a.body)
	}
	return a.header.Get("DingTalk-Retry")
}

func (s *site) params(t *testing.T, path string) sandbox.ConfigParams {
	t.Helper()
	return s.get(t, path).snippet(t).params(t)
}

// tickets returns how often DingTalk has been asked for a ticket.
func (s *site) tickets() int { return s.ding.Calls()["v1.ticket"] }

func TestARefusedPageIsToldToReloadWhereThatHelps(t *testing.T) {
	page := func(s *site) string { return s.url + "/p" }
	t.Run("where its ticket has been replaced by another program", func(t *testing.T) {
		s := run(t, setup{sites: signed})
		p := s.params(t, "/p")
		s.ding.ExpireTicket()
		if got := s.refuse(t, page(s), "", p, ""); got != "reload" || s.tickets() != 2 {
			t.Errorf("told to try %q after %d calls", got, s.tickets())
		}
		if v := s.ding.Verify(s.params(t, "/p"), page(s)); !v.OK {
			t.Errorf("the reloaded page is refused, too: %+v", v)
		}
	})
	t.Run("where it is older than the ticket", func(t *testing.T) {
		s := run(t, setup{sites: signed, dingtalk: sandbox.Options{Refetch: sandbox.NewValue}})
		p := s.params(t, "/p")
		if err := running.apps()[0].tokens.Refresh(t.Context()); err != nil {
			t.Fatal(err)
		}
		if got := s.refuse(t, page(s), "", p, ""); got != "reload" || s.tickets() != 2 {
			t.Errorf("told to try %q after %d calls", got, s.tickets())
		}
	})
	t.Run("where DingTalk says that it has checked another URL", func(t *testing.T) {
		s := run(t, setup{sites: signed})
		p := s.params(t, "/p")
		words := "Code:52013 - Message:签名校验失败,nonce:[x],timestamp:[1],url:[" + s.url + "/entry],ticketList:[]"
		if got := s.refuse(t, page(s), "", p, words); got != "reload" || s.tickets() != 1 {
			t.Errorf("told to try %q after %d calls: the ticket is not to blame", got, s.tickets())
		}
	})
}

func TestARefusedPageWithTheRightTicketIsToldToTryAnotherForm(t *testing.T) {
	const target = "/%E4%B8%AD?q=a+b%20c"
	s := run(t, setup{sites: signed}) // a refetch prolongs the ticket
	page := s.url + target
	p := s.params(t, target)
	var told []string
	for range 6 {
		told = append(told, s.refuse(t, page, "", p, ""))
	}
	want := "hash=sha256, url_policy=raw, url_policy=decoded, hash=sha256&url_policy=raw, hash=sha256&url_policy=decoded, hash=sha256"
	if got := strings.Join(told, ", "); got != want {
		t.Errorf("told to try %s", got)
	}
	if s.tickets() != 2 {
		t.Errorf("%d calls: the ticket is to be suspected once a minute", s.tickets())
	}

	if got := s.refuse(t, page, "hash=sha256", p, ""); got != "" {
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
	s := run(t, setup{sites: signed, upstream: noUpstream(t)})
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			a := s.fetch(t, http.MethodGet, "/.dingtalk/config?url="+url.QueryEscape(s.url+target)+test.query, "")
			var p sandbox.ConfigParams
			if err := json.Unmarshal([]byte(a.body), &p); err != nil {
				t.Fatal(err, a.body)
			}
			if v := s.ding.Verify(p, s.url+target); !v.OK || v.Form != test.form || v.Hash != test.hash {
				t.Errorf("%+v", v)
			}
		})
	}
}

func TestAFormThatNobodyKnowsIsRefused(t *testing.T) {
	s := run(t, setup{sites: signed, upstream: noUpstream(t)})
	for name, query := range map[string]string{
		"a hash":                     "&hash=md5",
		"a hash in capitals":         "&hash=SHA256",
		"a policy":                   "&url_policy=x",
		"an empty policy":            "&url_policy=",
		"a known one and an unknown": "&hash=sha256&url_policy=x",
	} {
		t.Run(name, func(t *testing.T) {
			a := s.fetch(t, http.MethodGet, "/.dingtalk/config?url="+url.QueryEscape(s.url+"/p")+query, "")
			expectRefusal(t, a, http.StatusBadRequest, "bad_url", "hash is sha1 or sha256")
		})
	}
}

func TestAFormThatDingTalkAcceptsIsLoggedAsAdvice(t *testing.T) {
	s := run(t, setup{sites: signed})
	page := s.url + "/p?q=a+b"
	var p sandbox.ConfigParams
	a := s.fetch(t, http.MethodGet, "/.dingtalk/config?hash=sha256&url_policy=raw&url="+url.QueryEscape(page), "")
	if err := json.Unmarshal([]byte(a.body), &p); err != nil {
		t.Fatal(err, a.body)
	}
	const message = "DingTalk refuses the configured form of signature and accepts another"
	forged := p
	forged.Signature = strings.Repeat("0", 64)
	s.told(t, page, "hash=sha256&url_policy=raw", forged, "healed", "")
	s.told(t, page, "hash=sha256", p, "healed", "")
	s.told(t, page, "", s.params(t, "/p?q=a+b"), "healed", "")
	if lines := s.logged(t, message); len(lines) != 0 {
		t.Fatalf("without proof: %v", lines)
	}
	for range 3 {
		s.told(t, page, "hash=sha256&url_policy=raw", p, "healed", "")
	}
	if lines := s.logged(t, message, "`hash sha256`, `url_policy raw`"); len(lines) != 1 {
		t.Errorf("%d lines", len(lines))
	}
}
