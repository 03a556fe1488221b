package signer

import (
	"encoding/hex"
	"strings"
	"testing"
	"unicode/utf8"
)

func TestForms(t *testing.T) {
	tests := map[string]struct {
		url                        string
		queryDecoded, raw, decoded string // "" is the url itself
	}{
		"nothing to decode":                {url: "https://h.example/x?a=1?b=2"},
		"no path":                          {url: "https://h.example"},
		"an empty query keeps its mark":    {url: "https://h.example/p?"},
		"unencoded characters stay":        {url: "https://h.example/中?q=张三"},
		"a percent in the path alone":      {url: "https://h.example/a%20b", decoded: "https://h.example/a b"},
		"a plus in the path stays":         {url: "https://h.example/a+b?c", decoded: "https://h.example/a+b?c"},
		"a host is never decoded":          {url: "https://a%2Ab.test/%41", decoded: "https://a%2Ab.test/A"},
		"a host without a path neither":    {url: "https://a%2Ab.test?q=%41", queryDecoded: "https://a%2Ab.test?q=A", decoded: "https://a%2Ab.test?q=A"},
		"a URL without a scheme":           {url: "//a%2Ab.test/%41?%42", queryDecoded: "//a%2Ab.test/%41?B", decoded: "//a%2Ab.test/A?B"},
		"a text that is no URL":            {url: "%41?%42", queryDecoded: "%41?B", decoded: "A?B"},
		"a plus in the query is a space":   {url: "https://h.example/?a+b", queryDecoded: "https://h.example/?a b"},
		"decoding happens once":            {url: "https://h.example/?n=%252Fhome", queryDecoded: "https://h.example/?n=%2Fhome", decoded: "https://h.example/?n=%2Fhome"},
		"the first question mark splits":   {url: "https://h.example/%41?%42?%43", queryDecoded: "https://h.example/%41?B?C", decoded: "https://h.example/A?B?C"},
		"a decoded question mark does not": {url: "https://h.example/%3F%41?x", decoded: "https://h.example/?A?x"},
		"both cases of hex digits":         {url: "https://h.example/?%e5%BC%a0", queryDecoded: "https://h.example/?张", decoded: "https://h.example/?张"},
		"a malformed query stays raw, the path does not": {
			url: "https://h.example/%41?a=100%&b=%41+d", decoded: "https://h.example/A?a=100%&b=%41+d",
		},
		"a malformed path stays raw, the query does not": {
			url: "https://h.example/%41/100%?a=%41", queryDecoded: "https://h.example/%41/100%?a=A", decoded: "https://h.example/%41/100%?a=A",
		},
		"GBK bytes are replaced": {
			url: "https://h.example/%D6%D0?q=%D6%D0%CE%C4", queryDecoded: "https://h.example/%D6%D0?q=\uFFFD\uFFFD\uFFFD\uFFFD",
			decoded: "https://h.example/\uFFFD\uFFFD?q=\uFFFD\uFFFD\uFFFD\uFFFD",
		},
		"an encoded zero byte": {url: "https://h.example/?a=%00", queryDecoded: "https://h.example/?a=\x00", decoded: "https://h.example/?a=\x00"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			for policy, want := range map[Policy]string{QueryDecoded: tt.queryDecoded, Raw: tt.raw, Decoded: tt.decoded} {
				if want == "" {
					want = tt.url
				}
				if got := string(appendForm([]byte("url="), tt.url, policy)); got != "url="+want {
					t.Errorf("policy %d: %q, want %q", policy, got, "url="+want)
				}
			}
		})
	}
}

// The table is what java.net.URLDecoder.decode(query, "UTF-8") of OpenJDK 17
// answers: the UTF-8 of the result, or null where it throws.
func TestQueriesAreDecodedAsJavaDoes(t *testing.T) {
	rows := load[struct {
		Query string
		Hex   *string
	}](t, "java-urldecoder.json")
	thrown, signs := 0, 0
	for _, row := range rows {
		want := row.Query
		switch {
		case row.Hex == nil:
			thrown++
		case strings.Contains(row.Query, "%+") || strings.Contains(row.Query, "%-"):
			signs++ // Integer.parseInt takes a sign; to us no sign is a hex digit
		default:
			b, err := hex.DecodeString(*row.Hex)
			if err != nil {
				t.Fatal(err)
			}
			want = string(b)
		}
		got := string(appendForm(nil, "https://h.example/?"+row.Query, QueryDecoded))
		if want = "https://h.example/?" + want; got != want {
			t.Errorf("%s: %q, want %q", row.Query, got, want)
		}
	}
	if len(rows) != 547 || thrown != 39 || signs != 3 {
		t.Errorf("%d rows, %d thrown, %d with a sign; want 547, 39 and 3", len(rows), thrown, signs)
	}
}

func FuzzForm(f *testing.F) {
	for _, row := range load[struct{ Query string }](f, "java-urldecoder.json") {
		f.Add("https://h.example/%41/?" + row.Query)
	}
	for _, row := range browserRows(f) {
		if len(row.Href) < 2000 {
			f.Add(row.Href)
		}
	}
	f.Fuzz(func(t *testing.T, url string) {
		if got := string(appendForm(nil, url, Raw)); got != url {
			t.Errorf("raw changes %q to %q", url, got)
		}
		path, query, found := strings.Cut(url, "?")
		got := string(appendForm([]byte("x"), url, QueryDecoded))
		rest, ok := strings.CutPrefix(got, "x"+path)
		switch {
		case !ok:
			t.Errorf("query_decoded changes the path: %q to %q", url, got)
		case !found:
			if rest != "" {
				t.Errorf("query_decoded adds %q to %q", rest, url)
			}
		case rest != "?"+query && !utf8.ValidString(rest):
			t.Errorf("query_decoded makes no UTF-8: %q to %q", url, got)
		}
		got = string(appendForm(nil, url, Decoded))
		if origin := path[:pathStart(path)]; !strings.HasPrefix(got, origin) {
			t.Errorf("decoded changes the origin: %q to %q", url, got)
		}
		if strings.Count(got, "+") < strings.Count(url, "+") {
			t.Errorf("decoded takes a plus away: %q to %q", url, got)
		}
	})
}
