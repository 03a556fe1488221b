package testsite

import (
	"fmt"
	"maps"
	"strings"
	"testing"
)

// ExpectSigned makes sure that DingTalk would accept the page at this URL.
func (s *Site) ExpectSigned(t testing.TB, a *Answer, url string) *Snippet {
	t.Helper()
	got := a.Snippet(t)
	switch {
	case got == nil:
		t.Fatalf("status %d, and no snippet in %q", a.Status, a.Body)
	case got.Sidecar.Error != nil:
		t.Fatalf("unsigned: %+v", *got.Sidecar.Error)
	case got.Sidecar.URL == nil || *got.Sidecar.URL != url:
		t.Fatalf("signed for %v, want %s", *got.Sidecar.URL, url)
	}
	if v := s.Ding.Verify(got.Params(t), url); !v.OK {
		t.Fatalf("DingTalk refuses the signature: %+v", v)
	}
	return got
}

// ExpectUnsigned makes sure that the page has passed with a reason for not being
// signed whose message holds all the words.
func (s *Site) ExpectUnsigned(t testing.TB, a *Answer, code string, words ...string) *Snippet {
	t.Helper()
	got := a.Snippet(t)
	switch {
	case got == nil:
		t.Fatalf("status %d, and no snippet in %q", a.Status, a.Body)
	case string(got.Config) != "null" || got.Sidecar.Error == nil:
		t.Fatalf("signed for %v", *got.Sidecar.URL)
	case got.Sidecar.Error.Code != code:
		t.Fatalf("unsigned for another reason: %+v", *got.Sidecar.Error)
	}
	for _, word := range words {
		if !strings.Contains(got.Sidecar.Error.Message, word) {
			t.Errorf("the message lacks %q: %s", word, got.Sidecar.Error.Message)
		}
	}
	return got
}

// ExpectPage makes sure that the answer is a signed page with one insertion, which
// is the only difference to the page of the upstream, and that the length is right.
func (s *Site) ExpectPage(t *testing.T, a *Answer, url, want string) {
	t.Helper()
	if a.Err != nil {
		t.Fatalf("reading the page: %v", a.Err)
	}
	if length := a.Header.Get("Content-Length"); length != "" && length != fmt.Sprint(len(a.Body)) {
		t.Errorf("Content-Length %s of %d bytes", length, len(a.Body))
	}
	plain := a.Decode(t)
	s.ExpectSigned(t, plain, url)
	if count := strings.Count(plain.Body, `({"config":`); count != 1 {
		t.Errorf("%d insertions", count)
	}
	// A coded page may be spliced: its beginning stands twice then.
	if got := plain.Without(t); got != want && (a.Header.Get("Content-Encoding") == "" || got != Beginning+want) {
		t.Errorf("the page without the snippet is %.300q (%d bytes), want %.300q (%d bytes)", got, len(got), want, len(want))
	}
}

// ExpectSame makes sure that nobody can tell two answers apart.
func ExpectSame(t *testing.T, got, want *Answer) {
	t.Helper()
	got.Header.Del("Date")
	want.Header.Del("Date")
	if got.Status != want.Status || got.Body != want.Body || (got.Err == nil) != (want.Err == nil) {
		t.Errorf("got %d %q %v\nwant %d %q %v", got.Status, got.Body, got.Err, want.Status, want.Body, want.Err)
	}
	if !maps.EqualFunc(got.Header, want.Header, func(a, b []string) bool { return len(a) == len(b) && (len(a) == 0 || a[0] == b[0]) }) {
		t.Errorf("got header %v\nwant %v", got.Header, want.Header)
	}
}
