package testsite

import (
	"encoding/json"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/caddy-dingtalk/caddy-dingtalk/internal/sandbox"
)

// refusal is what an endpoint answers when it refuses.
type refusal struct {
	Error struct{ Code, Message string }
}

// ExpectRefusal makes sure that an endpoint has refused, in the way it should.
func ExpectRefusal(t *testing.T, a *Answer, status int, code string, words ...string) {
	t.Helper()
	var r refusal
	if err := json.Unmarshal([]byte(a.Body), &r); err != nil {
		t.Fatalf("status %d, %v: %q", a.Status, err, a.Body)
	}
	if a.Status != status || r.Error.Code != code || r.Error.Message == "" {
		t.Errorf("%d %+v, want %d %s", a.Status, r.Error, status, code)
	}
	for _, word := range words {
		if !strings.Contains(r.Error.Message, word) {
			t.Errorf("the message lacks %q: %s", word, r.Error.Message)
		}
	}
	ExpectEndpointHeaders(t, a)
	if got := a.Header.Get("Content-Type"); got != "application/json" {
		t.Errorf("Content-Type %q", got)
	}
}

// ExpectEndpointHeaders makes sure that an answer has what all endpoints send.
func ExpectEndpointHeaders(t *testing.T, a *Answer) {
	t.Helper()
	if a.Header.Get("Cache-Control") != "no-store" || a.Header.Get("X-Content-Type-Options") != "nosniff" {
		t.Errorf("header %v", a.Header)
	}
}

// ExpectConfig makes sure that config has answered parameters that DingTalk
// accepts at this URL.
func (s *Site) ExpectConfig(t *testing.T, a *Answer, url string) {
	t.Helper()
	if a.Status != http.StatusOK {
		t.Fatalf("status %d: %s", a.Status, a.Body)
	}
	var members map[string]any
	var params sandbox.ConfigParams
	if err := json.Unmarshal([]byte(a.Body), &members); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal([]byte(a.Body), &params); err != nil {
		t.Fatal(err)
	}
	keys := slices.Sorted(maps.Keys(members))
	if want := []string{"agentId", "corpId", "jsApiList", "nonceStr", "signature", "timeStamp", "type", "url"}; !slices.Equal(keys, want) {
		t.Errorf("members %v, want %v", keys, want)
	}
	if members["url"] != url {
		t.Errorf("signed for %v, want %s", members["url"], url)
	}
	if v := s.Ding.Verify(params, url); !v.OK {
		t.Errorf("DingTalk refuses the signature: %+v", v)
	}
	ExpectEndpointHeaders(t, a)
	if got := a.Header.Get("Content-Type"); got != "application/json" {
		t.Errorf("Content-Type %q", got)
	}
}

// Config asks for the parameters for a URL.
func (s *Site) Config(t testing.TB, origin, page string, headers ...string) *Answer {
	t.Helper()
	return s.Fetch(t, http.MethodGet, origin+"/.dingtalk/config?url="+url.QueryEscape(page), "", headers...)
}

// Report sends a report.
func (s *Site) Report(t testing.TB, body string) *Answer {
	t.Helper()
	return s.Fetch(t, http.MethodPost, "/.dingtalk/report", body, "Content-Type", "application/json", "Origin", s.URL, "Sec-Fetch-Site", "same-origin")
}
