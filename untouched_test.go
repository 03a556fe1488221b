package dingtalk

import (
	"bytes"
	"compress/gzip"
	"maps"
	"net/http"
	"strconv"
	"testing"
)

// compared are a site with the directive and the same without.
const compared = `http://with.test:PORT {
	dingtalk {
		import app
	}
	reverse_proxy UPSTREAM
}
http://without.test:PORT {
	reverse_proxy UPSTREAM
}`

// response is one that an upstream can be told to send.
type response struct {
	status int // 200 if 0
	header http.Header
	body   string
}

func (p response) ServeHTTP(w http.ResponseWriter, _ *http.Request) {
	maps.Copy(w.Header(), p.header)
	if p.status != 0 {
		w.WriteHeader(p.status)
	}
	_, _ = w.Write([]byte(p.body))
}

func TestWhatIsNoPagePassesUntouched(t *testing.T) {
	html := func(pairs ...string) http.Header {
		return fields(append([]string{"Content-Type", "text/html"}, pairs...)...)
	}
	page := response{header: html("Etag", `"v1"`, "Last-Modified", "Mon, 02 Jan 2006 15:04:05 GMT", "Accept-Ranges", "bytes",
		"Cache-Control", "max-age=60", "Content-Length", strconv.Itoa(len(thePage))), body: thePage}
	utf16 := "\xFF\xFE<\x00h\x00t\x00m\x00l\x00>\x00"
	tests := map[string]struct {
		response response
		method   string // GET if empty
		request  http.Header
	}{
		"a page that a script fetches":                {page, "", fields("Sec-Fetch-Dest", "empty", "Accept", "text/html")},
		"a page that an old browser's script fetches": {page, "", fields("Accept", "text/html", "X-Requested-With", "XMLHttpRequest")},
		"a page that somebody fetches without Accept": {page, "", fields()},
		"a page that curl fetches":                    {page, "", fields("Accept", "*/*")},
		"a page as an image":                          {page, "", fields("Sec-Fetch-Dest", "image", "Accept", "text/html")},
		"the head of a page":                          {page, http.MethodHead, documentHeaders()},
		"JSON as a document":                          {response{header: fields("Content-Type", "application/json"), body: `{"a":"<head>"}`}, "", documentHeaders()},
		"XHTML":                                       {response{header: fields("Content-Type", "application/xhtml+xml"), body: thePage}, "", documentHeaders()},
		"plain text":                                  {response{header: fields("Content-Type", "text/plain"), body: thePage}, "", documentHeaders()},
		"a media type that only begins like HTML":     {response{header: fields("Content-Type", "text/html-x"), body: thePage}, "", documentHeaders()},
		"no type and no HTML":                         {response{header: http.Header{"Content-Type": nil}, body: "\x89PNG\r\n\x1a\n"}, "", documentHeaders()},
		"a redirect with a body":                      {response{302, html("Location", "/x"), "<html><head>moved"}, "", documentHeaders()},
		"204":                                         {response{204, html("Etag", `"v1"`), ""}, "", documentHeaders()},
		"205":                                         {response{205, html(), ""}, "", documentHeaders()},
		"206 that nobody asked for":                   {response{206, html("Content-Range", "bytes 0-5/100"), "<head>"}, "", documentHeaders()},
		"304 to no condition of ours":                 {response{304, fields("Etag", `"v1"`, "Cache-Control", "max-age=60"), ""}, "", documentHeaders()},
		"a page without a body":                       {response{header: html("Content-Length", "0", "Etag", `"v1"`)}, "", documentHeaders()},
		"a page that must not be transformed":         {response{header: html("Cache-Control", "public, No-Transform", "Etag", `"v1"`), body: thePage}, "", documentHeaders()},
		"a download":                                  {response{header: html("Content-Disposition", `Attachment; filename="a.html"`, "Etag", `"v1"`), body: thePage}, "", documentHeaders()},
		"UTF-16 by the header":                        {response{header: fields("Content-Type", "text/html; charset=utf-16le"), body: utf16}, "", documentHeaders()},
		"UTF-16 by the byte order mark":               {response{header: html("Etag", `"v1"`), body: utf16}, "", documentHeaders()},
		"br":                                          {response{header: html("Content-Encoding", "br", "Etag", `"v1"`), body: "\x0b\x02\x80hello\x03"}, "", documentHeaders()},
		"gzip on top of br":                           {response{header: html("Content-Encoding", "br, gzip"), body: "x"}, "", documentHeaders()},
		"gzip that is none":                           {response{header: html("Content-Encoding", "gzip", "Etag", `"v1"`), body: "no gzip at all"}, "", documentHeaders()},
		"gzip of nothing":                             {response{header: html("Content-Encoding", "gzip"), body: gzipped("")}, "", documentHeaders()},
		"a page that ends within a tag":               {response{header: html("Etag", `"v1"`), body: "<!-- not closed <head>"}, "", documentHeaders()},
		"a stylesheet":                                {response{header: fields("Content-Type", "text/css"), body: "a{}"}, "", fields("Sec-Fetch-Dest", "style", "Accept", "text/css,*/*;q=0.1")},
		"OPTIONS":                                     {page, http.MethodOptions, documentHeaders()},
	}
	var upstream http.Handler
	s := run(t, setup{sites: compared, upstream: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { upstream.ServeHTTP(w, r) })})
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			upstream = test.response
			if test.method == "" {
				test.method = http.MethodGet
			}
			test.request.Set("Accept-Encoding", "gzip, br, zstd")
			want := s.do(t, test.method, s.at("without.test")+"/p", "", test.request)
			got := s.do(t, test.method, s.at("with.test")+"/p", "", test.request)
			expectSame(t, got, want)
		})
	}
}

// expectSame makes sure that nobody can tell two answers apart.
func expectSame(t *testing.T, got, want *answer) {
	t.Helper()
	got.header.Del("Date")
	want.header.Del("Date")
	if got.status != want.status || got.body != want.body || (got.err == nil) != (want.err == nil) {
		t.Errorf("got %d %q %v\nwant %d %q %v", got.status, got.body, got.err, want.status, want.body, want.err)
	}
	if !maps.EqualFunc(got.header, want.header, func(a, b []string) bool { return len(a) == len(b) && (len(a) == 0 || a[0] == b[0]) }) {
		t.Errorf("got header %v\nwant %v", got.header, want.header)
	}
}

func gzipped(s string) string {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	_, _ = w.Write([]byte(s))
	_ = w.Close()
	return b.String()
}

func TestTheRequestForWhatIsNoDocumentPassesUntouched(t *testing.T) {
	var seen http.Header
	s := run(t, setup{sites: compared, upstream: http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { seen = r.Header })})
	request := fields("Sec-Fetch-Dest", "video", "Accept", "*/*", "Accept-Encoding", "br, gzip;q=0.5, zstd", "Range", "bytes=5-",
		"If-Range", `"v1"`, "If-None-Match", `"v1-dt0123456789"`, "If-Modified-Since", "Mon, 02 Jan 2006 15:04:05 GMT")
	s.do(t, http.MethodGet, s.at("without.test")+"/v", "", request)
	want := seen
	s.do(t, http.MethodGet, s.at("with.test")+"/v", "", request)
	seen.Set("X-Forwarded-Host", want.Get("X-Forwarded-Host"))
	for name := range want {
		if seen.Get(name) != want.Get(name) {
			t.Errorf("%s went up as %q instead of %q", name, seen.Get(name), want.Get(name))
		}
	}
}

func TestAUnknownContentCodingIsWarnedOfOnce(t *testing.T) {
	upstream := response{header: fields("Content-Type", "text/html", "Content-Encoding", "br"), body: "\x0b\x02\x80hello\x03"}
	s := run(t, setup{sites: signed, upstream: upstream})
	for range 3 {
		s.get(t, "/")
	}
	if lines := s.logged(t, "content coding", `"content_encoding":"br"`); len(lines) != 1 || lines[0].Level != "warn" {
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
	s := run(t, setup{sites: signed, upstream: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		seen = r.Header.Get("Accept-Encoding")
		servePage(w, r)
	})})
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			s.expectSigned(t, s.get(t, "/", "Accept-Encoding", test.accepts), s.url+"/")
			if seen != test.want {
				t.Errorf("upstream saw %q, want %q", seen, test.want)
			}
		})
	}
}
