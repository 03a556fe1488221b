package inject

import (
	"bytes"
	"net/http"
	"testing"
)

func TestTheContentTypeIsReadAsBrowsersReadIt(t *testing.T) {
	for name, c := range map[string]struct {
		lines []string
		want  contentType
	}{
		"a type":                            {[]string{"text/html"}, contentType{"text/html", "", "text/html"}},
		"a charset, spaces around":          {[]string{" text/html ; charset=utf-8 "}, contentType{"text/html", "utf-8", "text/html ; charset=utf-8"}},
		"a charset in double quotes":        {[]string{`text/html;charset="gbk"`}, contentType{"text/html", "gbk", `text/html;charset="gbk"`}},
		"a charset in single quotes":        {[]string{"text/html;charset='gbk'"}, contentType{"text/html", "gbk", "text/html;charset='gbk'"}},
		"capitals and spaces":               {[]string{"Text/HTML; Charset = GBK"}, contentType{"Text/HTML", "GBK", "Text/HTML; Charset = GBK"}},
		"the first of two charsets":         {[]string{"text/html; a=b; charset=gbk; charset=big5"}, contentType{"text/html", "gbk", "text/html; a=b; charset=gbk; charset=big5"}},
		"an empty charset":                  {[]string{"text/html; charset="}, contentType{"text/html", "", "text/html; charset="}},
		"a charset without a value":         {[]string{"text/html; charset"}, contentType{"text/html", "", "text/html; charset"}},
		"a semicolon alone":                 {[]string{"text/html;"}, contentType{"text/html", "", "text/html;"}},
		"a semicolon in quotes":             {[]string{`text/html; a="x;charset=gbk"`}, contentType{"text/html", "", `text/html; a="x;charset=gbk"`}},
		"a charset behind a space":          {[]string{"text/html charset=utf-8"}, contentType{"text/html", "", "text/html"}},
		"a comment":                         {[]string{"text/html (a page); charset=gbk"}, contentType{"text/html", "gbk", "text/html"}},
		"a type twice in a line":            {[]string{"text/html, text/html; charset=utf-8"}, contentType{"text/html", "utf-8", "text/html; charset=utf-8"}},
		"a comma in quotes":                 {[]string{`text/html; a="x,text/css"`}, contentType{"text/html", "", `text/html; a="x,text/css"`}},
		"HTML behind another type":          {[]string{"application/octet-stream", "text/html; charset=utf-8"}, contentType{"text/html", "utf-8", "text/html; charset=utf-8"}},
		"another type behind HTML":          {[]string{"text/html; charset=utf-8", "application/json"}, contentType{"application/json", "", "application/json"}},
		"another type behind, in a line":    {[]string{"text/html, application/json"}, contentType{"application/json", "", "application/json"}},
		"a charset that stays":              {[]string{"text/html; charset=gbk", "Text/Html"}, contentType{"Text/Html", "gbk", "Text/Html"}},
		"a charset that another type loses": {[]string{"text/html; charset=gbk", "text/css", "text/html"}, contentType{"text/html", "", "text/html"}},
		"no type behind HTML":               {[]string{"text/html; charset=gbk", "x", "*/*", "", "text/", "/html", "te xt/html", "text/ht@ml"}, contentType{"text/html", "gbk", "text/html; charset=gbk"}},
		"nothing":                           {[]string{""}, contentType{}},
		"no line":                           {nil, contentType{}},
	} {
		t.Run(name, func(t *testing.T) {
			if got := contentTypeOf(http.Header{"Content-Type": c.lines}); got != c.want {
				t.Errorf("%q, want %q", got, c.want)
			}
		})
	}
}

func TestTheContentCodingIsThatOfBrowsers(t *testing.T) {
	for name, c := range map[string]struct {
		lines []string
		want  coding
	}{
		"none":                      {nil, identity},
		"empty":                     {[]string{""}, identity},
		"identity":                  {[]string{"Identity"}, identity},
		"a charset":                 {[]string{"UTF-8"}, identity},
		"a word":                    {[]string{"none"}, identity},
		"two words":                 {[]string{"none, binary"}, identity},
		"gzip":                      {[]string{"gzip"}, gzipCoding},
		"gzip with spaces":          {[]string{" x-GZIP "}, gzipCoding},
		"zstd":                      {[]string{"zstd"}, zstdCoding},
		"brotli":                    {[]string{"br"}, unknownCoding},
		"deflate":                   {[]string{"Deflate"}, unknownCoding},
		"encrypted":                 {[]string{"aes128gcm"}, unknownCoding},
		"two codings":               {[]string{"gzip, br"}, unknownCoding},
		"two codings, two lines":    {[]string{"gzip", "gzip"}, unknownCoding},
		"one that browsers dispute": {[]string{"gzip, UTF-8"}, unknownCoding},
	} {
		t.Run(name, func(t *testing.T) {
			if got := contentCoding(http.Header{"Content-Encoding": c.lines}); got != c.want {
				t.Errorf("%v, want %v", got, c.want)
			}
		})
	}
}

func TestWhatBrowsersShowAsHTMLGetsTheSnippet(t *testing.T) {
	for name, c := range map[string]struct {
		types, codings []string
		page           bool
		want           string // the Content-Type of the answer, where it becomes one
	}{
		"HTML behind another type":  {[]string{"application/octet-stream", "text/html"}, nil, true, "text/html; charset=gbk"},
		"HTML twice":                {[]string{"text/html, text/html; x=y"}, nil, true, "text/html; x=y; charset=gbk"},
		"a charset behind a space":  {[]string{"text/html charset=utf-8"}, nil, true, "text/html; charset=gbk"},
		"JSON behind HTML":          {[]string{"text/html", "application/json"}, nil, false, ""},
		"a charset for the coding":  {[]string{"text/html"}, []string{"UTF-8"}, true, "text/html; charset=gbk"},
		"none for the coding":       {[]string{"text/html"}, []string{"none"}, true, "text/html; charset=gbk"},
		"a coding that is no known": {[]string{"text/html"}, []string{"br"}, false, ""},
	} {
		t.Run(name, func(t *testing.T) {
			body := []byte("<html><head><meta charset=gbk>")
			s := through(t, http.Header{"Content-Type": c.types, "Content-Encoding": c.codings}, whole(body), false)
			if got := bytes.Contains(s.body, []byte(snippet)); got != c.page {
				t.Errorf("a page: %t", got)
			}
			if got := s.header["Content-Type"]; c.page && (len(got) != 1 || got[0] != c.want) {
				t.Errorf("%q, want %q", got, c.want)
			}
		})
	}
}
