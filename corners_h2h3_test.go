package dingtalk

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
)

func TestTheLengthOfAPageIsThatOfItsBodyOverEachProtocol(t *testing.T) {
	tests := map[string]struct {
		page, coding string
		flushed      bool // the upstream does not tell the length
		known        bool // to the browser
	}{
		"a short page":                   {thePage, "", false, true},
		"a long page":                    {longPage, "", false, true},
		"a page that is put in front":    {thePage, "gzip", false, true},
		"a long one":                     {noisyPage, "gzip", false, true},
		"a page in front of zstd":        {longPage, "zstd", false, true},
		"a page that is coded again":     {unusualPage, "gzip", false, false},
		"a page of an unknown length":    {longPage, "", true, false},
		"a gzip page without its length": {noisyPage, "gzip", true, false},
		"a zstd page without its length": {noisyPage, "zstd", true, false},
	}
	bodies := make(map[string]string)
	for name, test := range tests {
		bodies[name] = coders[test.coding](test.page)
	}
	overEach(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
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
	}), func(t *testing.T, proto string, with, _ *site) {
		for name, test := range tests {
			t.Run(name, func(t *testing.T) {
				resp := with.open(t, http.MethodGet, "/p", nil, documentHeaders("X-Page", name, "Accept-Encoding", "gzip, zstd"))
				a := read(resp)
				if resp.Proto != proto || a.header.Get("Content-Encoding") != test.coding {
					t.Fatalf("%s with %q", resp.Proto, a.header.Get("Content-Encoding"))
				}
				with.expectPage(t, a, with.url+"/p", test.page)
				chunked := len(resp.TransferEncoding) > 0
				if known := a.header.Get("Content-Length") != ""; known != test.known || chunked != (!test.known && proto == "HTTP/1.1") {
					t.Errorf("Content-Length %q, Transfer-Encoding %q", a.header.Get("Content-Length"), resp.TransferEncoding)
				}
			})
		}
	})
}

func TestEarlyHintsPassBeforeThePageOverEachProtocol(t *testing.T) {
	overEach(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		for _, link := range []string{"</a.css>; rel=preload", "</b.css>; rel=preload"} {
			w.Header().Set("Link", link)
			w.WriteHeader(http.StatusEarlyHints)
		}
		w.Header().Del("Link")
		servePage(w, r)
	}), func(t *testing.T, _ string, with, without *site) {
		var hints [2][]string
		for i, s := range []*site{with, without} {
			ctx := httptrace.WithClientTrace(t.Context(), &httptrace.ClientTrace{Got1xxResponse: func(code int, h textproto.MIMEHeader) error {
				hints[i] = append(hints[i], fmt.Sprint(code, " ", h.Get("Link")))
				return nil
			}})
			req, _ := http.NewRequestWithContext(ctx, http.MethodGet, s.url+"/p", nil)
			req.Header = documentHeaders()
			resp, err := s.client.Do(req)
			if err != nil {
				t.Fatal(err)
			}
			if a := read(resp); s == with {
				s.expectPage(t, a, s.url+"/p", thePage)
			}
		}
		if len(hints[0]) != 2 || fmt.Sprint(hints[0]) != fmt.Sprint(hints[1]) {
			t.Errorf("hints %q, without us %q", hints[0], hints[1])
		}
	})
}

func TestWhatHasNoBodyOfItsOwnPassesUntouchedOverEachProtocol(t *testing.T) {
	html := func(pairs ...string) http.Header {
		return fields(append([]string{"Content-Type", "text/html", "Etag", `"v1"`, "Cache-Control", "max-age=60"}, pairs...)...)
	}
	page := response{header: html("Content-Length", strconv.Itoa(len(thePage))), body: thePage}
	tests := map[string]struct {
		method   string
		response response
	}{
		"the head of a page":                    {http.MethodHead, page},
		"the head of a gzip page":               {http.MethodHead, response{header: html("Content-Encoding", "gzip", "Content-Length", "77")}},
		"204":                                   {http.MethodGet, response{status: http.StatusNoContent, header: html()}},
		"205":                                   {http.MethodGet, response{status: http.StatusResetContent, header: html()}},
		"206 that nobody asked for":             {http.MethodGet, response{http.StatusPartialContent, html("Content-Range", "bytes 0-5/100"), "<head>"}},
		"304 to no condition of ours":           {http.MethodGet, response{status: http.StatusNotModified, header: html()}},
		"a redirect":                            {http.MethodGet, response{http.StatusFound, html("Location", "/x"), "<html><head>moved"}},
		"a page without a body":                 {http.MethodGet, response{header: html("Content-Length", "0")}},
		"a page without a body, without length": {http.MethodGet, response{status: http.StatusTeapot, header: html()}},
	}
	overEach(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { tests[r.Header.Get("X-Page")].response.ServeHTTP(w, r) }),
		func(t *testing.T, _ string, with, without *site) {
			for name, test := range tests {
				t.Run(name, func(t *testing.T) {
					header := documentHeaders("X-Page", name, "Accept-Encoding", "gzip")
					got := with.do(t, test.method, "/p", "", header)
					expectSame(t, got, without.do(t, test.method, "/p", "", header))
				})
			}
		})
}

func TestCONNECTIsAnsweredAsWithoutUsOverEachProtocol(t *testing.T) {
	overEach(t, http.HandlerFunc(servePage), func(t *testing.T, _ string, with, without *site) {
		expectSame(t, with.do(t, http.MethodConnect, "/p", "", documentHeaders()), without.do(t, http.MethodConnect, "/p", "", documentHeaders()))
	})
}

func TestTrailersOfAPagePassOverEachProtocol(t *testing.T) {
	tests := map[string]func(http.Header){
		"announced": func(h http.Header) { h.Set("X-Sum", "42") },
		"some that were not announced": func(h http.Header) {
			h.Set("X-Sum", "42")
			h.Set(http.TrailerPrefix+"X-More", "43")
		},
		"announced, and then missing": func(http.Header) {},
	}
	overEach(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Trailer", "X-Sum")
		servePage(w, r)
		tests[r.Header.Get("X-Page")](w.Header())
	}), func(t *testing.T, _ string, with, without *site) {
		for name := range tests {
			t.Run(name, func(t *testing.T) {
				got := with.open(t, http.MethodGet, "/p", nil, documentHeaders("X-Page", name))
				want := without.open(t, http.MethodGet, "/p", nil, documentHeaders("X-Page", name))
				with.expectPage(t, read(got), with.url+"/p", thePage)
				read(want)
				if fmt.Sprint(got.Trailer) != fmt.Sprint(want.Trailer) || got.Header.Get("Trailer") != want.Header.Get("Trailer") {
					t.Errorf("trailers %v, without us %v", got.Trailer, want.Trailer)
				}
			})
		}
	})
}

func TestTrailersThatNobodyAnnouncedPassOverEachProtocol(t *testing.T) {
	overEach(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		servePage(w, r)
		_ = http.NewResponseController(w).Flush()
		w.Header().Set(http.TrailerPrefix+"X-Sum", "42")
	}), func(t *testing.T, _ string, with, without *site) {
		got := with.open(t, http.MethodGet, "/p", nil, documentHeaders())
		want := without.open(t, http.MethodGet, "/p", nil, documentHeaders())
		with.expectPage(t, read(got), with.url+"/p", thePage)
		read(want)
		if got.Trailer.Get("X-Sum") != "42" || fmt.Sprint(got.Trailer) != fmt.Sprint(want.Trailer) {
			t.Errorf("trailers %v, without us %v", got.Trailer, want.Trailer)
		}
	})
}

func TestTrailersThatSpeakOfTheBodyAsItWasGo(t *testing.T) {
	stale := []string{"Etag", "Content-Md5", "Digest", "Repr-Digest", "Content-Digest"}
	overEach(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		prefix := ""
		if r.URL.Path == "/announced" {
			w.Header().Set("Trailer", "X-Sum, "+strings.Join(stale, ", "))
		} else {
			prefix = http.TrailerPrefix
		}
		servePage(w, r)
		_ = http.NewResponseController(w).Flush()
		for _, name := range append(stale, "X-Sum") {
			w.Header().Set(prefix+name, `"42"`)
		}
	}), func(t *testing.T, _ string, with, _ *site) {
		for _, path := range []string{"/announced", "/unannounced"} {
			resp := with.open(t, http.MethodGet, path, nil, documentHeaders())
			with.expectPage(t, read(resp), with.url+path, thePage)
			if resp.Trailer.Get("X-Sum") == "" {
				t.Errorf("%s: trailers %v", path, resp.Trailer)
			}
			for _, name := range stale {
				if got := resp.Trailer.Get(name); got != "" {
					t.Errorf("%s: trailer %s: %s", path, name, got)
				}
			}
		}
	})
}

// TestTrailersOfAPageThatWasHeldToItsEnd: a proxy has put them beside the header by
// then, which has not gone out.
func TestTrailersOfAPageThatWasHeldToItsEnd(t *testing.T) {
	for name, body := range map[string]string{"a page": "<!DOCTYPE html><!-- x -->\n", "none": "<!-- never closed"} {
		t.Run(name, func(t *testing.T) {
			overEach(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("Content-Type", "text/html; charset=utf-8")
				w.Header().Set("Trailer", "X-Sum, Content-Md5")
				_, _ = w.Write([]byte(body))
				_ = http.NewResponseController(w).Flush()
				w.Header().Set("X-Sum", "42")
				w.Header().Set("Content-Md5", "42")
			}), func(t *testing.T, _ string, with, _ *site) {
				resp := with.open(t, http.MethodGet, "/", nil, documentHeaders())
				a := read(resp)
				if strings.Contains(a.body, "<script") != (name == "a page") {
					t.Fatalf("%q", a.body)
				}
				if resp.Header.Get("X-Sum") != "" || resp.Header.Get("Content-Md5") != "" || resp.Trailer.Get("X-Sum") != "42" {
					t.Errorf("header %v, trailer %v", resp.Header, resp.Trailer)
				}
				if (resp.Trailer.Get("Content-Md5") == "") != (name == "a page") {
					t.Errorf("trailer %v", resp.Trailer)
				}
			})
		})
	}
}

// TestStaleTrailersGoWhateverElseGoes: a directive around us may drop fields.
func TestStaleTrailersGoWhateverElseGoes(t *testing.T) {
	s := run(t, setup{upstream: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		servePage(w, r)
		_ = http.NewResponseController(w).Flush()
		w.Header().Set(http.TrailerPrefix+"Content-Md5", "42")
	}), sites: `http://:PORT {
	header -Via
	dingtalk {
		import app
	}
	reverse_proxy UPSTREAM
}`})
	resp := s.open(t, http.MethodGet, "/p", nil, documentHeaders())
	s.expectPage(t, read(resp), s.url+"/p", thePage)
	if len(resp.Trailer) > 0 || resp.Header.Get("Via") != "" {
		t.Errorf("trailer %v, header %v", resp.Trailer, resp.Header)
	}
}

func TestAPageThatIsCutOffStaysCutOffOverEachProtocol(t *testing.T) {
	half := longPage[:len(longPage)/2]
	tests := map[string]struct {
		coding, body, page string
		length             int // 0: in chunks
	}{
		"with a length":                            {"", half, longPage, len(longPage)},
		"in chunks":                                {"", half, longPage, 0},
		"behind nothing but the head":              {"", beginning, thePage, 0},
		"one byte before the end":                  {"", thePage[:len(thePage)-1], thePage, len(thePage)},
		"gzip with a length":                       {"gzip", gzipped(noisyPage)[:50_000], noisyPage, len(gzipped(noisyPage))},
		"gzip in chunks":                           {"gzip", gzipped(noisyPage)[:50_000], noisyPage, 0},
		"gzip without the end of a trailer":        {"gzip", gzipped(thePage)[:len(gzipped(thePage))-1], thePage, len(gzipped(thePage))},
		"gzip in chunks without a trailer":         {"gzip", gzipped(thePage)[:len(gzipped(thePage))-8], thePage, 0},
		"gzip that is coded again":                 {"gzip", gzipped(unusualPage)[:50_000], unusualPage, 0},
		"zstd in chunks":                           {"zstd", zstded(noisyPage)[:150_000], noisyPage, 0},
		"a whole page without the last chunk":      {"", thePage, thePage, 0},
		"a whole gzip page without the last chunk": {"gzip", gzipped(thePage), thePage, 0},
	}
	overEach(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
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
	}), func(t *testing.T, proto string, with, without *site) {
		for name, test := range tests {
			t.Run(name, func(t *testing.T) {
				got := with.try(t, "/p", "X-Page", name, "Accept-Encoding", "gzip, zstd")
				want := without.try(t, "/p", "X-Page", name, "Accept-Encoding", "gzip, zstd")
				if !isCutOff(proto, got.err) || !isCutOff(proto, want.err) {
					t.Fatalf("the end of the page: %v; without us: %v", got.err, want.err)
				}
				if proto == "HTTP/3.0" {
					return // a reset overtakes what was sent
				}
				if test.coding != "" {
					if text, err := decodable(test.coding, got.body); err == nil || !strings.Contains(text, `({"config":`) {
						t.Errorf("%d bytes can be decoded, and then %v", len(text), err)
					}
					return
				}
				with.expectSigned(t, got, with.url+"/p")
				if rest := got.without(t); rest != test.body {
					t.Errorf("%d of %d bytes: %.300q", len(rest), len(test.body), rest)
				}
			})
		}
	})
}

func TestNothingStaysBehindAClientThatGoesOverEachProtocol(t *testing.T) {
	pages := map[string]struct{ coding, page string }{
		"plain":       {"", longPage},
		"in front":    {"gzip", noisyPage},
		"coded again": {"gzip", unusualPage},
		"zstd":        {"zstd", noisyPage},
		"not a page":  {"", "no page" + longPage},
	}
	gone := make(chan string, 10)
	overEach(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		name := r.Header.Get("X-Page")
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		if name == "not a page" {
			w.Header().Set("Content-Type", "text/plain")
		}
		if coding := pages[name].coding; coding != "" {
			w.Header().Set("Content-Encoding", coding)
		}
		body := coders[pages[name].coding](pages[name].page)
		_, _ = io.WriteString(w, body[:len(body)*3/4]) // a whole block of zstd
		_ = http.NewResponseController(w).Flush()
		<-r.Context().Done()
		gone <- name
	}), func(t *testing.T, _ string, with, _ *site) {
		for name := range pages {
			t.Run(name, func(t *testing.T) {
				ctx, leave := context.WithCancel(t.Context())
				defer leave()
				req, _ := http.NewRequestWithContext(ctx, http.MethodGet, with.url+"/p", nil)
				req.Header = documentHeaders("X-Page", name, "Accept-Encoding", "gzip, zstd")
				resp, err := with.client.Do(req)
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
				eventually(t, "nobody works for the client", func() bool {
					all := stacks()
					return !strings.Contains(all, "caddy-dingtalk/inject.") && !strings.Contains(all, "dingtalk.(*Handler).ServeHTTP")
				})
			})
		}
	})
}
