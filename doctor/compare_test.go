package doctor

import (
	"slices"
	"strings"
	"testing"
)

func TestADifferenceNamesThePartsAndTheCure(t *testing.T) {
	tests := map[string]struct {
		shown, signed string
		parts         []string
		advice        []string // what it must name
		not           []string // what it must not name
	}{
		"what is shown is no URL":   {"hello\nworld", "https://h5.test/p", nil, []string{"no setting cures"}, []string{"hello"}},
		"what was signed is no URL": {"https://h5.test/p", "hello", nil, []string{"no setting cures"}, []string{"hello"}},
		"a shown host is no host":   {"https://evil.test\n{\"level\":\"error\"}/p", "https://h5.test/p", nil, []string{"no setting cures"}, []string{"evil"}},
		"the scheme": {"https://h5.test/p", "http://h5.test/p", []string{"scheme"},
			[]string{"the scheme is https, not http", "X-Forwarded-Proto", "trusted_proxies", "public_origin https://h5.test "}, []string{"Host", "X-Original-URI"}},
		"the host": {"https://h5.test/p", "https://app.internal/p", []string{"host"},
			[]string{"the host is h5.test, not app.internal", "proxy_set_header Host $http_host", "public_origin https://h5.test "}, []string{"X-Forwarded-Proto"}},
		"the port": {"https://h5.test:8443/p", "https://h5.test/p", []string{"port"},
			[]string{"the port is 8443, not the default one", "$http_host", "public_origin https://h5.test:8443 "}, []string{"X-Forwarded-Proto"}},
		"the port, that is the default": {"https://h5.test/p", "https://h5.test:8080/p", []string{"port"},
			[]string{"the port is the default one, not 8080", "public_origin https://h5.test "}, nil},
		"the path": {"https://h5.test/app/p", "https://h5.test/p", []string{"path"},
			[]string{"X-Original-URI $request_uri", "forwarded X-Original-URI"}, []string{"public_origin"}},
		"a slash at the end":                     {"https://h5.test/p/", "https://h5.test/p", []string{"path"}, []string{"X-Original-URI"}, nil},
		"another case":                           {"https://h5.test/P", "https://h5.test/p", []string{"path"}, []string{"X-Original-URI"}, nil},
		"another encoding":                       {"https://h5.test/%E4%B8%AD", "https://h5.test/%e4%b8%ad", []string{"path"}, []string{"X-Original-URI"}, nil},
		"the query":                              {"https://h5.test/p?x=1", "https://h5.test/p?x=2", []string{"query"}, []string{"the query differs"}, []string{"public_origin", "X-Original-URI"}},
		"an empty query":                         {"https://h5.test/p?", "https://h5.test/p", []string{"query"}, []string{"the query differs"}, nil},
		"a query that is lost, under an address": {"http://[::1]:8080/p?x=1", "http://[::1]:8080/p", []string{"query"}, []string{"the query differs"}, []string{"port"}},
		"scheme and port": {"https://h5.test/p", "http://h5.test:8080/p", []string{"scheme", "port"},
			[]string{"X-Forwarded-Proto", "$http_host", "public_origin https://h5.test "}, nil},
		"everything": {"https://h5.test/app/p?x=1", "http://app.internal:3000/p", []string{"scheme", "host", "port", "path", "query"},
			[]string{"X-Forwarded-Proto", "app.internal", "3000", "X-Original-URI", "the query differs", "public_origin https://h5.test "}, nil},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			d := Examine(Facts{Page: Page{URL: test.shown, Signed: test.signed}})
			if !slices.Equal(d.URL.Differs, test.parts) {
				t.Errorf("parts %v, want %v", d.URL.Differs, test.parts)
			}
			expectWords(t, d.Verdict(), test.advice, test.not)
			expectWhole(t, d.URL.Shown, test.shown)
			expectWhole(t, d.URL.Signed, test.signed)
		})
	}
}

// expectWords makes sure that the advice of a finding holds words and lacks
// others, and that it is complete in both languages.
func expectWords(t *testing.T, f Finding, words, not []string) {
	t.Helper()
	advice := f.Advice().EN
	for _, word := range words {
		if !strings.Contains(advice, word) {
			t.Errorf("the advice lacks %q: %s", word, advice)
		}
	}
	for _, word := range not {
		if strings.Contains(advice, word) {
			t.Errorf("the advice names %q without need: %s", word, advice)
		}
	}
	for _, text := range append([]Text{f.Text}, f.Cures...) {
		expectBoth(t, text)
	}
	for _, line := range f.lines {
		expectBoth(t, line.Note)
		if line.Text == "" || line.Where == "" {
			t.Errorf("a line lacks something: %+v", line)
		}
	}
}

// expectBoth makes sure that a text is in both languages, and well formed.
func expectBoth(t *testing.T, text Text) {
	t.Helper()
	for _, s := range []string{text.EN, text.ZH} {
		if s == "" || strings.Contains(s, "%!") || strings.HasSuffix(s, "。") {
			t.Errorf("a text is not well formed: %q", text)
		}
	}
	if !strings.ContainsFunc(text.ZH, func(r rune) bool { return r >= 0x4E00 && r <= 0x9FFF }) {
		t.Errorf("no Chinese: %q", text)
	}
}

// expectWhole makes sure that the pieces of a URL are the URL.
func expectWhole(t *testing.T, pieces []Piece, url string) {
	t.Helper()
	got := ""
	for _, p := range pieces {
		got += p.Text
	}
	if got != url {
		t.Errorf("the pieces are %q, want %q", got, url)
	}
}

func TestPiecesMarkWhatDiffers(t *testing.T) {
	tests := map[string]struct {
		shown, signed         string
		shownMarks, signMarks []string
	}{
		"nothing":             {"https://h5.test/p?x", "https://h5.test/p?x", nil, nil},
		"nothing was signed":  {"https://h5.test/p", "", nil, nil},
		"the scheme":          {"https://h5.test/p", "http://h5.test/p", []string{"https"}, []string{"http"}},
		"a port on one side":  {"https://h5.test:8443/p", "https://h5.test/p", []string{":8443"}, []string{""}},
		"a prefix":            {"https://h5.test/app/p", "https://h5.test/p", []string{"app/"}, []string{""}},
		"a slash at the end":  {"https://h5.test/p/", "https://h5.test/p", []string{"/"}, []string{""}},
		"the middle of paths": {"https://h5.test/a/%2f/b", "https://h5.test/a/x/b", []string{"%2f"}, []string{"x"}},
		"repeated letters":    {"https://h5.test/aaa", "https://h5.test/aa", []string{"a"}, []string{""}},
		"a query that is cut": {"https://h5.test/p?x=1&y=2", "https://h5.test/p?x=1", []string{"&y=2"}, []string{""}},
		"no URL":              {"https://h5.test/p", "hello", []string{"https://h5.test/p"}, []string{"hello"}},
	}
	marks := func(pieces []Piece) (out []string) {
		for _, p := range pieces {
			if p.Differs {
				out = append(out, p.Text)
			}
		}
		return out
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			d := Compare(test.shown, test.signed)
			if a, b := marks(d.Shown), marks(d.Signed); !slices.Equal(a, test.shownMarks) || !slices.Equal(b, test.signMarks) {
				t.Errorf("marks %q and %q, want %q and %q", a, b, test.shownMarks, test.signMarks)
			}
		})
	}
}
