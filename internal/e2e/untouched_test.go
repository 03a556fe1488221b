package e2e

import (
	"net/http"
	"strconv"
	"testing"

	"github.com/caddy-dingtalk/caddy-dingtalk/internal/testsite"
)

func TestWhatIsNoPagePassesUntouched(t *testing.T) {
	html := func(pairs ...string) http.Header {
		return testsite.Header(append([]string{"Content-Type", "text/html"}, pairs...)...)
	}
	page := testsite.Response{Header: html("Etag", `"v1"`, "Last-Modified", "Mon, 02 Jan 2006 15:04:05 GMT", "Accept-Ranges", "bytes",
		"Cache-Control", "max-age=60", "Content-Length", strconv.Itoa(len(testsite.Page))), Body: testsite.Page}
	utf16 := "\xFF\xFE<\x00h\x00t\x00m\x00l\x00>\x00"
	tests := map[string]struct {
		response testsite.Response
		method   string // GET if empty
		request  http.Header
	}{
		"JSON as a document": {testsite.Response{Header: testsite.Header("Content-Type", "application/json"), Body: `{"a":"<head>"}`}, "", testsite.DocumentHeader()},
		"XHTML":              {testsite.Response{Header: testsite.Header("Content-Type", "application/xhtml+xml"), Body: testsite.Page}, "", testsite.DocumentHeader()},
		"plain text":         {testsite.Response{Header: testsite.Header("Content-Type", "text/plain"), Body: testsite.Page}, "", testsite.DocumentHeader()},
		"a media type that only begins like HTML": {testsite.Response{Header: testsite.Header("Content-Type", "text/html-x"), Body: testsite.Page}, "", testsite.DocumentHeader()},
		"no type and no HTML":                     {testsite.Response{Header: http.Header{"Content-Type": nil}, Body: "\x89PNG\r\n\x1a\n"}, "", testsite.DocumentHeader()},
		"a redirect with a body":                  {testsite.Response{Status: 302, Header: html("Location", "/x"), Body: "<html><head>moved"}, "", testsite.DocumentHeader()},
		"204":                                     {testsite.Response{Status: 204, Header: html("Etag", `"v1"`), Body: ""}, "", testsite.DocumentHeader()},
		"205":                                     {testsite.Response{Status: 205, Header: html(), Body: ""}, "", testsite.DocumentHeader()},
		"206 that nobody asked for":               {testsite.Response{Status: 206, Header: html("Content-Range", "bytes 0-5/100"), Body: "<head>"}, "", testsite.DocumentHeader()},
		"304 to no condition of ours":             {testsite.Response{Status: 304, Header: testsite.Header("Etag", `"v1"`, "Cache-Control", "max-age=60"), Body: ""}, "", testsite.DocumentHeader()},
		"a page without a body":                   {testsite.Response{Header: html("Content-Length", "0", "Etag", `"v1"`)}, "", testsite.DocumentHeader()},
		"a page that must not be transformed":     {testsite.Response{Header: html("Cache-Control", "public, No-Transform", "Etag", `"v1"`), Body: testsite.Page}, "", testsite.DocumentHeader()},
		"a download":                              {testsite.Response{Header: html("Content-Disposition", `Attachment; filename="a.html"`, "Etag", `"v1"`), Body: testsite.Page}, "", testsite.DocumentHeader()},
		"UTF-16 by the header":                    {testsite.Response{Header: testsite.Header("Content-Type", "text/html; charset=utf-16le"), Body: utf16}, "", testsite.DocumentHeader()},
		"UTF-16 by the byte order mark":           {testsite.Response{Header: html("Etag", `"v1"`), Body: utf16}, "", testsite.DocumentHeader()},
		"br":                                      {testsite.Response{Header: html("Content-Encoding", "br", "Etag", `"v1"`), Body: "\x0b\x02\x80hello\x03"}, "", testsite.DocumentHeader()},
		"gzip on top of br":                       {testsite.Response{Header: html("Content-Encoding", "br, gzip"), Body: "x"}, "", testsite.DocumentHeader()},
		"gzip that is none":                       {testsite.Response{Header: html("Content-Encoding", "gzip", "Etag", `"v1"`), Body: "no gzip at all"}, "", testsite.DocumentHeader()},
		"gzip of nothing":                         {testsite.Response{Header: html("Content-Encoding", "gzip"), Body: testsite.Gzipped("")}, "", testsite.DocumentHeader()},
		"a page that ends within a tag":           {testsite.Response{Header: html("Etag", `"v1"`), Body: "<!-- not closed <head>"}, "", testsite.DocumentHeader()},
		"a stylesheet":                            {testsite.Response{Header: testsite.Header("Content-Type", "text/css"), Body: "a{}"}, "", testsite.Header("Sec-Fetch-Dest", "style", "Accept", "text/css,*/*;q=0.1")},
		"OPTIONS":                                 {page, http.MethodOptions, testsite.DocumentHeader()},
	}
	var upstream http.Handler
	s := testsite.Run(t, testsite.Setup{Sites: testsite.Compared, Upstream: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { upstream.ServeHTTP(w, r) })})
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			upstream = test.response
			if test.method == "" {
				test.method = http.MethodGet
			}
			test.request.Set("Accept-Encoding", "gzip, br, zstd")
			want := s.Do(t, test.method, s.At("without.test")+"/p", "", test.request)
			got := s.Do(t, test.method, s.At("with.test")+"/p", "", test.request)
			testsite.ExpectSame(t, got, want)
		})
	}
}

// TestTheOtherAnswerOfAPagesURLSaysSo: its bytes stay, but no cache may show them to
// whoever asks for the page.
func TestTheOtherAnswerOfAPagesURLSaysSo(t *testing.T) {
	tests := map[string]http.Header{
		"a page that a script fetches":                testsite.Header("Sec-Fetch-Dest", "empty", "Accept", "text/html"),
		"a page that an old browser's script fetches": testsite.Header("Accept", "text/html", "X-Requested-With", "XMLHttpRequest"),
		"a page that somebody fetches without Accept": testsite.Header(),
		"a page that curl fetches":                    testsite.Header("Accept", "*/*"),
		"a page as an image":                          testsite.Header("Sec-Fetch-Dest", "image", "Accept", "text/html"),
	}
	upstream := testsite.Response{Body: testsite.Page, Header: testsite.Header("Content-Type", "text/html", "Etag", `"v1"`,
		"Last-Modified", "Mon, 02 Jan 2006 15:04:05 GMT", "Accept-Ranges", "bytes", "Cache-Control", "public, max-age=600")}
	s := testsite.Run(t, testsite.Setup{Sites: testsite.Compared, Upstream: upstream})
	for name, request := range tests {
		t.Run(name, func(t *testing.T) {
			request.Set("Accept-Encoding", "gzip, br, zstd")
			want := s.Do(t, http.MethodGet, s.At("without.test")+"/p", "", request)
			got := s.Do(t, http.MethodGet, s.At("with.test")+"/p", "", request)
			if got.Header.Get("Vary") != "Sec-Fetch-Dest, Accept" || got.Header.Get("Cache-Control") != "private, no-cache" || got.Header.Get("Etag") != `"v1-dtpart"` {
				t.Errorf("Vary %q, Cache-Control %q, Etag %s", got.Header.Get("Vary"), got.Header.Get("Cache-Control"), got.Header.Get("Etag"))
			}
			got.Header.Del("Vary")
			for _, name := range []string{"Cache-Control", "Etag"} {
				got.Header.Set(name, want.Header.Get(name))
			}
			testsite.ExpectSame(t, got, want)
		})
	}
}

func TestTheRequestForWhatIsNoDocumentPassesUntouched(t *testing.T) {
	var seen http.Header
	s := testsite.Run(t, testsite.Setup{Sites: testsite.Compared, Upstream: http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { seen = r.Header })})
	request := testsite.Header("Sec-Fetch-Dest", "video", "Accept", "*/*", "Accept-Encoding", "br, gzip;q=0.5, zstd", "Range", "bytes=5-",
		"If-Range", `"v1"`, "If-None-Match", `"v1-dt0123456789"`, "If-Modified-Since", "Mon, 02 Jan 2006 15:04:05 GMT")
	s.Do(t, http.MethodGet, s.At("without.test")+"/v", "", request)
	want := seen
	s.Do(t, http.MethodGet, s.At("with.test")+"/v", "", request)
	seen.Set("X-Forwarded-Host", want.Get("X-Forwarded-Host"))
	for name := range want {
		if seen.Get(name) != want.Get(name) {
			t.Errorf("%s went up as %q instead of %q", name, seen.Get(name), want.Get(name))
		}
	}
}

// Whoever saves what a script has fetched says by its tag what it has changed: upstream
// knows the tag as its own.
func TestATagThatAScriptHasSeenIsUpstreams(t *testing.T) {
	var seen http.Header
	page := testsite.Response{Body: testsite.Page, Header: testsite.Header("Content-Type", "text/html", "Etag", `"v1"`, "Cache-Control", "max-age=600")}
	s := testsite.Run(t, testsite.Setup{Sites: testsite.Signed, Upstream: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		seen = r.Header
		page.ServeHTTP(w, r)
	})})
	tag := s.Do(t, http.MethodGet, "/p", "", testsite.Header("Sec-Fetch-Dest", "empty", "Accept", "*/*")).Header.Get("Etag")
	for _, method := range []string{http.MethodPut, http.MethodDelete, http.MethodPost, http.MethodGet} {
		s.Do(t, method, "/p", "", testsite.Header("Sec-Fetch-Dest", "empty", "Accept", "*/*", "If-Match", tag))
		if got := seen.Get("If-Match"); got != `"v1"` {
			t.Errorf("%s: the script has %s, upstream sees %s", method, tag, got)
		}
	}
}

func TestAUnknownContentCodingIsWarnedOfOnce(t *testing.T) {
	upstream := testsite.Response{Header: testsite.Header("Content-Type", "text/html", "Content-Encoding", "br"), Body: "\x0b\x02\x80hello\x03"}
	s := testsite.Run(t, testsite.Setup{Sites: testsite.Signed, Upstream: upstream})
	for range 3 {
		s.Get(t, "/")
	}
	if lines := s.Logged(t, "content coding", `"content_encoding":"br"`); len(lines) != 1 || lines[0].Level != "warn" {
		t.Errorf("%v", lines)
	}
}

func TestTheUpstreamIsAskedForCodingsThatCanBeTakenOff(t *testing.T) {
	tests := map[string]struct{ accepts, want string }{
		"br goes":                {"gzip, deflate, br, zstd", "gzip, zstd"},
		"known ones stay as are": {"gzip;q=0.5, zstd", "gzip;q=0.5, zstd"},
		"nothing known":          {"br", "identity"},
	}
	var seen string
	s := testsite.Run(t, testsite.Setup{Sites: testsite.Signed, Upstream: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		seen = r.Header.Get("Accept-Encoding")
		testsite.ServePage(w, r)
	})})
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			s.ExpectSigned(t, s.Get(t, "/", "Accept-Encoding", test.accepts), s.URL+"/")
			if seen != test.want {
				t.Errorf("upstream saw %q, want %q", seen, test.want)
			}
		})
	}
}
