package sandbox

import "testing"

func TestFormsOfAURL(t *testing.T) {
	tests := map[string]struct {
		url                        string
		queryDecoded, raw, decoded string // "" is the url itself
	}{
		"nothing to decode": {url: "https://h.example/x?a=1?b=2"},
		"no query":          {url: "https://h.example/a%20b", decoded: "https://h.example/a b"},
		"an empty query":    {url: "https://h.example/p?"},
		"plus and percent in path and query": {
			url:          "https://h.example:8443/a%20b+c/%E4%B8%AD?n=%E5%BC%A0&x=a+b&y=1%2B1",
			queryDecoded: "https://h.example:8443/a%20b+c/%E4%B8%AD?n=张&x=a b&y=1+1",
			decoded:      "https://h.example:8443/a b+c/中?n=张&x=a+b&y=1+1",
		},
		"decoding happens once": {
			url:          "https://h.example/?next=%252Fhome",
			queryDecoded: "https://h.example/?next=%2Fhome",
			decoded:      "https://h.example/?next=%2Fhome",
		},
		"a malformed query stays raw, the path does not": {
			url:     "https://h.example/%41?a=100%&b=c+d",
			decoded: "https://h.example/A?a=100%&b=c+d",
		},
		"a malformed path stays raw, the query does not": {
			url:          "https://h.example/100%?a=%41",
			queryDecoded: "https://h.example/100%?a=A",
			decoded:      "https://h.example/100%?a=A",
		},
		"a truncated sequence is one replacement": {
			url:          "https://h.example/?a=%E5%BC&b=%F0%9F%98",
			queryDecoded: "https://h.example/?a=\uFFFD&b=\uFFFD",
			decoded:      "https://h.example/?a=\uFFFD&b=\uFFFD",
		},
		"bytes that begin nothing are one replacement each": {
			url:          "https://h.example/?a=%80%FF%C0%AF%E0%80",
			queryDecoded: "https://h.example/?a=\uFFFD\uFFFD\uFFFD\uFFFD\uFFFD\uFFFD",
			decoded:      "https://h.example/?a=\uFFFD\uFFFD\uFFFD\uFFFD\uFFFD\uFFFD",
		},
		"an encoded surrogate is one replacement, as in Java": {
			url:          "https://h.example/?a=%ED%A0%80!",
			queryDecoded: "https://h.example/?a=\uFFFD!",
			decoded:      "https://h.example/?a=\uFFFD!",
		},
		"unencoded characters stay": {url: "https://h.example/中?q=张三"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			for form, want := range map[Form]string{QueryDecoded: tt.queryDecoded, Raw: tt.raw, Decoded: tt.decoded} {
				if want == "" {
					want = tt.url
				}
				if got := form.Of(tt.url); got != want {
					t.Errorf("%s: %q, want %q", form, got, want)
				}
			}
		})
	}
}
