package inject

import (
	"net/http"
	"strings"
	"testing"
)

func TestTheOutcomeSaysWhyAPageWasLeftAlone(t *testing.T) {
	html := "text/html"
	for name, c := range map[string]struct {
		status             int
		contentType, coded string
		body               string
		want               Outcome
	}{
		"a page":                         {200, html, "", doc, Inserted},
		"a page in gzip":                 {200, html, "gzip", string(encoded(gzipCoding, []byte(doc))), Inserted},
		"JSON":                           {200, "application/json", "", "{}", Untouched},
		"a redirect":                     {302, html, "", doc, Untouched},
		"no body":                        {200, html, "", "", Untouched},
		"no body, in gzip":               {200, html, "gzip", string(encoded(gzipCoding, nil)), Untouched},
		"brotli":                         {200, html, "br", doc, UnknownCoding},
		"UTF-16 by its header":           {200, "text/html; charset=utf-16", "", doc, NoASCII},
		"ISO-2022-JP by its meta":        {200, html, "", "<head><meta charset=iso-2022-jp>", NoASCII},
		"UTF-16 by its mark":             {200, html, "", "\xff\xfe<\x00", NoPlace},
		"a comment of 64 KiB":            {200, html, "", "<!-- " + strings.Repeat("x", maxHeld), NoPlace},
		"a comment of 64 KiB, in gzip":   {200, html, "gzip", string(encoded(gzipCoding, []byte("<!-- "+strings.Repeat("x", maxHeld)))), NoPlace},
		"a tag that does not end":        {200, html, "", "<html", NoPlace},
		"what is not coded as it says":   {200, html, "gzip", doc, NoPlace},
		"what is not coded as it should": {200, html, "zstd", doc, NoPlace},
	} {
		t.Run(name, func(t *testing.T) {
			h := http.Header{"Content-Type": {c.contentType}}
			if c.coded != "" {
				h["Content-Encoding"] = []string{c.coded}
			}
			w := NewWriter(&sink{header: h}, "", theSnippet)
			w.WriteHeader(c.status)
			_, _ = w.Write([]byte(c.body))
			if err := w.Finish(); err != nil {
				t.Fatal(err)
			}
			if got := w.Outcome(); got != c.want {
				t.Errorf("%v, want %v", got, c.want)
			}
		})
	}
	w := NewWriter(&sink{header: http.Header{"Content-Type": {html}}}, "", func(dst []byte, _ http.Header) ([]byte, string) { return dst, "" })
	_, _ = w.Write([]byte(doc))
	if _ = w.Finish(); w.Outcome() != Declined {
		t.Errorf("%v, want Declined", w.Outcome())
	}
}
