package signer

import (
	"encoding/json"
	"net/http"
	"os"
	"strings"
	"testing"
)

// load reads a table of ../testdata.
func load[T any](t testing.TB, name string) []T {
	t.Helper()
	data, err := os.ReadFile("../testdata/" + name)
	if err != nil {
		t.Fatal(err)
	}
	var rows []T
	if err := json.Unmarshal(data, &rows); err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return rows
}

// long is a text that a table writes down as a prefix and a repeated unit.
type long struct {
	Prefix string
	Unit   string
	Count  int
	Length int
}

func (l *long) expand(t testing.TB) string {
	t.Helper()
	s := l.Prefix + strings.Repeat(l.Unit, l.Count)
	if len(s) != l.Length {
		t.Fatalf("%q is %d bytes long, the table says %d", l.Prefix+"…", len(s), l.Length)
	}
	return s
}

// browserRow is what a browser sent and what its location.href then was,
// measured with Chromium 156, Firefox ESR 153 and WebKitGTK 2.50.
type browserRow struct {
	ID, Note, Scheme string
	Host             string `json:"host_header"`
	Target           string `json:"request_target"`
	LongTarget       *long  `json:"request_target_gen"`
	Href             string `json:"href_no_fragment"`
	LongHref         *long  `json:"href_no_fragment_gen"`
	Match            bool   // whether the request tells the page's URL
}

func browserRows(t testing.TB) []browserRow {
	t.Helper()
	rows := load[browserRow](t, "browser-urls.json")
	for i := range rows {
		if r := &rows[i]; r.LongTarget != nil {
			r.Target, r.Href = r.LongTarget.expand(t), r.LongHref.expand(t)
		}
	}
	return rows
}

func (r browserRow) request() Request {
	return Request{TLS: r.Scheme == "https", Host: r.Host, Target: r.Target}
}

// proxyRow is what reached Caddy behind a chain of proxies, and what the
// browser in front of it showed.
type proxyRow struct {
	Name        string
	Measured    bool   // else taken from the proxy's documentation
	Href        string `json:"location_href"`
	TLS         bool
	Host        *string     // null where the request was refused
	Target      *string     `json:"request_target"`
	Headers     http.Header `json:"request_headers_seen_at_caddy"`
	Recoverable string
	How         []string // the rules that were found to rebuild Href
	Best        string   `json:"recipe_best_rule"`
}

func mustOrigins(t testing.TB, texts ...string) []Origin {
	t.Helper()
	var out []Origin
	for _, text := range texts {
		o, err := ParseOrigin(text)
		if err != nil {
			t.Fatalf("%q: %v", text, err)
		}
		out = append(out, o)
	}
	return out
}

// lines makes a header of alternating names and values.
func lines(namesAndValues ...string) http.Header {
	h := http.Header{}
	for i := 0; i < len(namesAndValues); i += 2 {
		h.Add(namesAndValues[i], namesAndValues[i+1])
	}
	return h
}

// refused asserts that err is an *Error for that reason, about that subject if one
// is given.
func refused(t *testing.T, err error, reason Reason, subject ...string) {
	t.Helper()
	e, ok := err.(*Error)
	if !ok {
		t.Fatalf("got %v, want an *Error for reason %d", err, reason)
	}
	if e.Reason != reason || len(subject) > 0 && e.Subject != subject[0] {
		t.Errorf("reason %d about %q (%v), want %d about %q", e.Reason, e.Subject, e, reason, subject)
	}
	if e.Code() == "" || !strings.HasSuffix(e.Error(), e.Subject) {
		t.Errorf("code %q, text %q", e.Code(), e)
	}
}
