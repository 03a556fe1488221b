package e2e

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptrace"
	"net/textproto"
	"strconv"
	"strings"
	"testing"

	"github.com/caddy-dingtalk/caddy-dingtalk/internal/testsite"
)

func TestTheLengthOfAPageIsThatOfItsBodyOverEachProtocol(t *testing.T) {
	tests := map[string]struct {
		page, coding string
		flushed      bool // the upstream does not tell the length
		known        bool // to the browser
	}{
		"a short page":                   {testsite.Page, "", false, true},
		"a long page":                    {testsite.LongPage, "", false, true},
		"a page that is put in front":    {testsite.Page, "gzip", false, true},
		"a long one":                     {testsite.NoisyPage, "gzip", false, true},
		"a page in front of zstd":        {testsite.LongPage, "zstd", false, true},
		"a page that is coded again":     {testsite.UnusualPage, "gzip", false, false},
		"a page of an unknown length":    {testsite.LongPage, "", true, false},
		"a gzip page without its length": {testsite.NoisyPage, "gzip", true, false},
		"a zstd page without its length": {testsite.NoisyPage, "zstd", true, false},
	}
	bodies := make(map[string]string)
	for name, test := range tests {
		bodies[name] = testsite.Coders[test.coding](test.page)
	}
	testsite.OverEach(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		name := r.Header.Get("X-Page")
		test, body := tests[name], bodies[name]
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		if test.coding != "" {
			w.Header().Set("Content-Encoding", test.coding)
		}
		if test.flushed {
			_ = http.NewResponseController(w).Flush()
		} else {
			w.Header().Set("Content-Length", strconv.Itoa(len(body)))
		}
		_, _ = io.WriteString(w, body)
	}), func(t *testing.T, proto string, with, _ *testsite.Site) {
		for name, test := range tests {
			t.Run(name, func(t *testing.T) {
				resp := with.Open(t, http.MethodGet, "/p", nil, testsite.DocumentHeader("X-Page", name, "Accept-Encoding", "gzip, zstd"))
				a := testsite.Read(resp)
				if resp.Proto != proto || a.Header.Get("Content-Encoding") != test.coding {
					t.Fatalf("%s with %q", resp.Proto, a.Header.Get("Content-Encoding"))
				}
				with.ExpectPage(t, a, with.URL+"/p", test.page)
				chunked := len(resp.TransferEncoding) > 0
				if known := a.Header.Get("Content-Length") != ""; known != test.known || chunked != (!test.known && proto == "HTTP/1.1") {
					t.Errorf("Content-Length %q, Transfer-Encoding %q", a.Header.Get("Content-Length"), resp.TransferEncoding)
				}
			})
		}
	})
}

func TestEarlyHintsPassBeforeThePageOverEachProtocol(t *testing.T) {
	testsite.OverEach(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		for _, link := range []string{"</a.css>; rel=preload", "</b.css>; rel=preload"} {
			w.Header().Set("Link", link)
			w.WriteHeader(http.StatusEarlyHints)
		}
		w.Header().Del("Link")
		testsite.ServePage(w, r)
	}), func(t *testing.T, _ string, with, without *testsite.Site) {
		var hints [2][]string
		for i, s := range []*testsite.Site{with, without} {
			ctx := httptrace.WithClientTrace(t.Context(), &httptrace.ClientTrace{Got1xxResponse: func(code int, h textproto.MIMEHeader) error {
				hints[i] = append(hints[i], fmt.Sprint(code, " ", h.Get("Link")))
				return nil
			}})
			req, _ := http.NewRequestWithContext(ctx, http.MethodGet, s.URL+"/p", nil)
			req.Header = testsite.DocumentHeader()
			resp, err := s.Client.Do(req)
			if err != nil {
				t.Fatal(err)
			}
			if a := testsite.Read(resp); s == with {
				s.ExpectPage(t, a, s.URL+"/p", testsite.Page)
			}
		}
		if len(hints[0]) != 2 || fmt.Sprint(hints[0]) != fmt.Sprint(hints[1]) {
			t.Errorf("hints %q, without us %q", hints[0], hints[1])
		}
	})
}

func TestWhatHasNoBodyOfItsOwnPassesUntouchedOverEachProtocol(t *testing.T) {
	html := func(pairs ...string) http.Header {
		return testsite.Header(append([]string{"Content-Type", "text/html", "Etag", `"v1"`, "Cache-Control", "max-age=60"}, pairs...)...)
	}
	tests := map[string]struct {
		method   string
		response testsite.Response
	}{
		"204":                                   {http.MethodGet, testsite.Response{Status: http.StatusNoContent, Header: html()}},
		"205":                                   {http.MethodGet, testsite.Response{Status: http.StatusResetContent, Header: html()}},
		"206 that nobody asked for":             {http.MethodGet, testsite.Response{Status: http.StatusPartialContent, Header: html("Content-Range", "bytes 0-5/100"), Body: "<head>"}},
		"304 to no condition of ours":           {http.MethodGet, testsite.Response{Status: http.StatusNotModified, Header: html()}},
		"a redirect":                            {http.MethodGet, testsite.Response{Status: http.StatusFound, Header: html("Location", "/x"), Body: "<html><head>moved"}},
		"a page without a body":                 {http.MethodGet, testsite.Response{Header: html("Content-Length", "0")}},
		"a page without a body, without length": {http.MethodGet, testsite.Response{Status: http.StatusTeapot, Header: html()}},
	}
	testsite.OverEach(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { tests[r.Header.Get("X-Page")].response.ServeHTTP(w, r) }),
		func(t *testing.T, _ string, with, without *testsite.Site) {
			for name, test := range tests {
				t.Run(name, func(t *testing.T) {
					header := testsite.DocumentHeader("X-Page", name, "Accept-Encoding", "gzip")
					got := with.Do(t, test.method, "/p", "", header)
					testsite.ExpectSame(t, got, without.Do(t, test.method, "/p", "", header))
				})
			}
		})
}

func TestTheHeadOfAPageIsThatOfItsGetOverEachProtocol(t *testing.T) {
	pages := map[string]testsite.Response{
		"a page":      {Header: testsite.Header("Content-Type", "text/html", "Etag", `"v1"`, "Last-Modified", "Mon, 02 Jan 2006 15:04:05 GMT", "Content-Length", strconv.Itoa(len(testsite.Page))), Body: testsite.Page},
		"a gzip page": {Header: testsite.Header("Content-Type", "text/html", "Etag", `"v1"`, "Content-Encoding", "gzip"), Body: testsite.Gzipped(testsite.Page)},
	}
	testsite.OverEach(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { pages[r.Header.Get("X-Page")].ServeHTTP(w, r) }),
		func(t *testing.T, _ string, with, _ *testsite.Site) {
			for name := range pages {
				header := testsite.DocumentHeader("X-Page", name, "Accept-Encoding", "gzip")
				get := with.Do(t, http.MethodGet, "/p", "", header)
				head := with.Do(t, http.MethodHead, "/p", "", header)
				if get.Header.Get("Etag") == "" || get.Header.Get("Vary") == "" {
					t.Fatalf("%s: the page has the header %v", name, get.Header)
				}
				get.Header.Del("Content-Length")
				for _, volatile := range []string{"Date"} {
					get.Header.Del(volatile)
					head.Header.Del(volatile)
				}
				if fmt.Sprint(head.Header) != fmt.Sprint(get.Header) {
					t.Errorf("%s: HEAD has %v, GET %v", name, head.Header, get.Header)
				}
			}
		})
}

func TestCONNECTIsAnsweredAsWithoutUsOverEachProtocol(t *testing.T) {
	testsite.OverEach(t, http.HandlerFunc(testsite.ServePage), func(t *testing.T, _ string, with, without *testsite.Site) {
		testsite.ExpectSame(t, with.Do(t, http.MethodConnect, "/p", "", testsite.DocumentHeader()), without.Do(t, http.MethodConnect, "/p", "", testsite.DocumentHeader()))
	})
}

func TestAPageThatIsCutOffStaysCutOffOverEachProtocol(t *testing.T) {
	half := testsite.LongPage[:len(testsite.LongPage)/2]
	tests := map[string]struct {
		coding, body, page string
		length             int // 0: in chunks
	}{
		"with a length":                            {"", half, testsite.LongPage, len(testsite.LongPage)},
		"in chunks":                                {"", half, testsite.LongPage, 0},
		"behind nothing but the head":              {"", testsite.Beginning, testsite.Page, 0},
		"one byte before the end":                  {"", testsite.Page[:len(testsite.Page)-1], testsite.Page, len(testsite.Page)},
		"gzip with a length":                       {"gzip", testsite.Gzipped(testsite.NoisyPage)[:50_000], testsite.NoisyPage, len(testsite.Gzipped(testsite.NoisyPage))},
		"gzip in chunks":                           {"gzip", testsite.Gzipped(testsite.NoisyPage)[:50_000], testsite.NoisyPage, 0},
		"gzip without the end of a trailer":        {"gzip", testsite.Gzipped(testsite.Page)[:len(testsite.Gzipped(testsite.Page))-1], testsite.Page, len(testsite.Gzipped(testsite.Page))},
		"gzip in chunks without a trailer":         {"gzip", testsite.Gzipped(testsite.Page)[:len(testsite.Gzipped(testsite.Page))-8], testsite.Page, 0},
		"gzip that is coded again":                 {"gzip", testsite.Gzipped(testsite.UnusualPage)[:50_000], testsite.UnusualPage, 0},
		"zstd in chunks":                           {"zstd", testsite.Zstded(testsite.NoisyPage)[:150_000], testsite.NoisyPage, 0},
		"a whole page without the last chunk":      {"", testsite.Page, testsite.Page, 0},
		"a whole gzip page without the last chunk": {"gzip", testsite.Gzipped(testsite.Page), testsite.Page, 0},
	}
	testsite.OverEach(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		test := tests[r.Header.Get("X-Page")]
		conn, rw, err := http.NewResponseController(w).Hijack()
		if err != nil {
			return
		}
		defer conn.Close()
		_, _ = rw.WriteString("HTTP/1.1 200 OK\r\nContent-Type: text/html; charset=utf-8\r\n")
		if test.coding != "" {
			_, _ = rw.WriteString("Content-Encoding: " + test.coding + "\r\n")
		}
		if test.length > 0 {
			fmt.Fprintf(rw, "Content-Length: %d\r\n\r\n%s", test.length, test.body)
		} else {
			fmt.Fprintf(rw, "Transfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n", len(test.body), test.body)
		}
		_ = rw.Flush()
	}), func(t *testing.T, proto string, with, without *testsite.Site) {
		for name, test := range tests {
			t.Run(name, func(t *testing.T) {
				got := with.Try(t, "/p", "X-Page", name, "Accept-Encoding", "gzip, zstd")
				want := without.Try(t, "/p", "X-Page", name, "Accept-Encoding", "gzip, zstd")
				if !testsite.IsCutOff(proto, got.Err) || !testsite.IsCutOff(proto, want.Err) {
					t.Fatalf("the end of the page: %v; without us: %v", got.Err, want.Err)
				}
				if proto == "HTTP/3.0" {
					return // a reset overtakes what was sent
				}
				if test.coding != "" {
					if text, err := testsite.Decodable(test.coding, got.Body); err == nil || !strings.Contains(text, `({"config":`) {
						t.Errorf("%d bytes can be decoded, and then %v", len(text), err)
					}
					return
				}
				with.ExpectSigned(t, got, with.URL+"/p")
				if rest := got.Without(t); rest != test.body {
					t.Errorf("%d of %d bytes: %.300q", len(rest), len(test.body), rest)
				}
			})
		}
	})
}

func TestNothingStaysBehindAClientThatGoesOverEachProtocol(t *testing.T) {
	pages := map[string]struct{ coding, page string }{
		"plain":       {"", testsite.LongPage},
		"in front":    {"gzip", testsite.NoisyPage},
		"coded again": {"gzip", testsite.UnusualPage},
		"zstd":        {"zstd", testsite.NoisyPage},
		"not a page":  {"", "no page" + testsite.LongPage},
	}
	gone := make(chan string, 10)
	testsite.OverEach(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		name := r.Header.Get("X-Page")
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		if name == "not a page" {
			w.Header().Set("Content-Type", "text/plain")
		}
		if coding := pages[name].coding; coding != "" {
			w.Header().Set("Content-Encoding", coding)
		}
		body := testsite.Coders[pages[name].coding](pages[name].page)
		_, _ = io.WriteString(w, body[:len(body)*3/4]) // a whole block of zstd
		_ = http.NewResponseController(w).Flush()
		<-r.Context().Done()
		gone <- name
	}), func(t *testing.T, _ string, with, _ *testsite.Site) {
		for name := range pages {
			t.Run(name, func(t *testing.T) {
				ctx, leave := context.WithCancel(t.Context())
				defer leave()
				req, _ := http.NewRequestWithContext(ctx, http.MethodGet, with.URL+"/p", nil)
				req.Header = testsite.DocumentHeader("X-Page", name, "Accept-Encoding", "gzip, zstd")
				resp, err := with.Client.Do(req)
				if err != nil {
					t.Fatal(err)
				}
				defer resp.Body.Close()
				if _, err := io.ReadFull(resp.Body, make([]byte, 100)); err != nil {
					t.Fatal(err)
				}
				leave()
				if who := <-gone; who != name {
					t.Errorf("the client of %q has gone", who)
				}
				testsite.Eventually(t, "nobody works for the client", func() bool {
					all := testsite.Stacks()
					return !strings.Contains(all, "caddy-dingtalk/inject.") && !strings.Contains(all, "dingtalk.(*Handler).ServeHTTP")
				})
			})
		}
	})
}
