package inject

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

const doc = "<!DOCTYPE html>\n<html><head><title>x</title></head><body>" + "a page"
const docWithSnippet = "<!DOCTYPE html>\n<html><head>" + snippet + "<title>x</title></head><body>" + "a page"

// page answers with an HTML document and these headers, given as key and value.
func page(body string, header ...string) handler {
	return respond(http.StatusOK, body, append([]string{"Content-Type", "text/html; charset=utf-8"}, header...)...)
}

func respond(status int, body string, header ...string) handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		for i := 0; i < len(header); i += 2 {
			w.Header().Add(header[i], header[i+1])
		}
		w.WriteHeader(status)
		_, err := io.WriteString(w, body)
		if errors.Is(err, http.ErrBodyNotAllowed) {
			err = nil
		}
		return err
	}
}

func TestAPageGetsTheSnippet(t *testing.T) {
	for name, h := range map[string]handler{
		"with its length": page(doc, "Content-Length", strconv.Itoa(len(doc))),
		"without":         page(doc),
		"without a header written": func(w http.ResponseWriter, r *http.Request) error {
			w.Header().Set("Content-Type", "text/html")
			_, err := io.WriteString(w, doc)
			return err
		},
		"in capitals":            respond(200, doc, "Content-Type", "TEXT/HTML;CHARSET=UTF-8"),
		"of an error":            respond(404, doc, "Content-Type", "text/html"),
		"of a server's error":    respond(503, doc, "Content-Type", "text/html"),
		"created":                respond(201, doc, "Content-Type", "text/html"),
		"shown inline":           page(doc, "Content-Disposition", "inline; filename=attachment.html"),
		"in the identity coding": page(doc, "Content-Encoding", "identity"),
		"as a proxy sends it": func(w http.ResponseWriter, r *http.Request) error {
			w.Header().Set("Content-Type", "text/html")
			w.WriteHeader(200)
			return inPieces(w, doc, 7, true)
		},
	} {
		t.Run(name, func(t *testing.T) {
			for _, http2 := range protocols {
				without, within := both(t, h, http2)
				if string(within.body) != docWithSnippet || within.err != nil {
					t.Errorf("%q (%v)", within.body, within.err)
				}
				if within.status != without.status {
					t.Errorf("status %d, want %d", within.status, without.status)
				}
				if within.chunked != without.chunked || (within.length < 0) != (without.length < 0) {
					t.Errorf("length %d, chunked %t; without a Writer %d, %t", within.length, within.chunked, without.length, without.chunked)
				}
				if within.length >= 0 && within.length != int64(len(docWithSnippet)) {
					t.Errorf("length %d, want %d", within.length, len(docWithSnippet))
				}
			}
		})
	}
}

// inPieces writes a body in pieces of n bytes.
func inPieces(w http.ResponseWriter, body string, n int, flush bool) error {
	for len(body) > 0 {
		n = min(n, len(body))
		if _, err := io.WriteString(w, body[:n]); err != nil {
			return err
		}
		if flush {
			if err := http.NewResponseController(w).Flush(); err != nil {
				return err
			}
		}
		body = body[n:]
	}
	return nil
}

func TestWhatIsNoPagePassesUntouched(t *testing.T) {
	for name, h := range map[string]handler{
		"204":                          respond(204, "", "Content-Type", "text/html", "Etag", `"a"`, "Cache-Control", "max-age=60"),
		"205":                          respond(205, "", "Content-Type", "text/html", "Content-Length", "0"),
		"206":                          respond(206, doc[3:9], "Content-Type", "text/html", "Content-Range", "bytes 3-8/70", "Etag", `"a"`),
		"301":                          respond(301, doc, "Content-Type", "text/html", "Location", "/x"),
		"302 without a type":           respond(302, doc, "Location", "/x"),
		"304":                          respond(304, "", "Etag", `"a"`, "Last-Modified", "Mon, 02 Nov 2026 10:00:00 GMT", "Cache-Control", "max-age=60"),
		"an attachment":                page(doc, "Content-Disposition", "attachment; filename=a.html", "Etag", `"a"`),
		"an attachment in capitals":    page(doc, "Content-Disposition", "ATTACHMENT"),
		"no-transform":                 page(doc, "Cache-Control", "public, no-transform", "Etag", `"a"`),
		"no-transform on its own line": page(doc, "Cache-Control", "public", "Cache-Control", "No-Transform"),
		"UTF-16":                       respond(200, doc, "Content-Type", "text/html; charset=utf-16le"),
		"UTF-32":                       respond(200, doc, "Content-Type", `text/html; charset="UTF-32"`),
		"JSON":                         respond(200, `{"html":"<head>"}`, "Content-Type", "application/json", "Content-Length", "17", "Etag", `"a"`, "Accept-Ranges", "bytes", "Last-Modified", "Mon, 02 Nov 2026 10:00:00 GMT"),
		"XHTML":                        respond(200, doc, "Content-Type", "application/xhtml+xml"),
		"a type that begins so":        respond(200, doc, "Content-Type", "text/html-sandboxed"),
		"text":                         respond(200, doc, "Content-Type", "text/plain"),
		"a stream of events":           respond(200, "data: <head>\n\n", "Content-Type", "text/event-stream"),
		"an unknown coding":            page(doc, "Content-Encoding", "br"),
		"two codings":                  page(doc, "Content-Encoding", "gzip, br"),
		"two codings on two lines":     page(doc, "Content-Encoding", "gzip", "Content-Encoding", "gzip"),
		"no type, and no HTML":         respond(200, "hello, world"),
		"no type, and an image":        respond(200, "\x89PNG\r\n\x1a\n"),
		"no type, a coding":            respond(200, doc, "Content-Encoding", "gzip"),
		"no body":                      page("", "Content-Length", "0"),
		"no body, no length":           page(""),
		"no body, no length, no type":  respond(200, ""),
		"nothing written at all":       func(w http.ResponseWriter, r *http.Request) error { w.Header().Set("X-A", "b"); return nil },
		"a type of nothing": func(w http.ResponseWriter, r *http.Request) error {
			w.Header()["Content-Type"] = nil
			_, err := io.WriteString(w, doc)
			return err
		},
		"a flush before type and body": func(w http.ResponseWriter, r *http.Request) error {
			_ = http.NewResponseController(w).Flush()
			_, err := io.WriteString(w, doc)
			return err
		},
		"many small writes of no HTML": func(w http.ResponseWriter, r *http.Request) error {
			return inPieces(w, strings.Repeat("text <head> ", 300), 5, false)
		},
		"trailers": func(w http.ResponseWriter, r *http.Request) error {
			w.Header().Set("Trailer", "X-Sum")
			w.Header().Set("Content-Type", "text/css")
			err := inPieces(w, "a{}", 1, true)
			w.Header().Set("X-Sum", "1")
			return err
		},
		"a header of our own on a wire": respond(200, "x", "Content-Type", "image/svg+xml", "Cache-Control", "public, max-age=31536000, immutable", "Expires", "Mon, 02 Nov 2026 10:00:00 GMT"),
	} {
		t.Run(name, func(t *testing.T) { checkUntouched(t, h) })
	}
}

func TestAPageWithoutATypeIsFoundAsNetHTTPFindsIt(t *testing.T) {
	long := doc + strings.Repeat(" and so on", 200)
	for name, c := range map[string]struct {
		body string
		size int
	}{
		"written at once":            {doc, 1000},
		"written byte by byte":       {doc, 1},
		"long, written at once":      {long, 10000},
		"long, written byte by byte": {long, 1},
		"long, in pieces":            {long, 300},
	} {
		t.Run(name, func(t *testing.T) {
			h := func(w http.ResponseWriter, r *http.Request) error { return inPieces(w, c.body, c.size, false) }
			without, within := both(t, h, false)
			if got, want := string(within.body), strings.Replace(c.body, "<head>", "<head>"+snippet, 1); got != want {
				t.Errorf("%q, want %q", got, want)
			}
			if got, want := within.header.Get("Content-Type"), without.header.Get("Content-Type"); got != want {
				t.Errorf("Content-Type %q, want %q", got, want)
			}
		})
	}
}

func TestInformationalResponsesPassAtOnce(t *testing.T) {
	h := func(w http.ResponseWriter, r *http.Request) error {
		w.Header().Set("Link", "</a.css>; rel=preload")
		w.WriteHeader(http.StatusEarlyHints)
		w.Header().Add("Link", "</b.css>; rel=preload")
		w.WriteHeader(http.StatusEarlyHints)
		return page(doc)(w, r)
	}
	for proto, http2 := range protocols {
		a := ask(t, start(t, inserting(h), http2))
		if len(a.hints) != 2 || len(a.hints[0]["Link"]) != 1 || len(a.hints[1]["Link"]) != 2 {
			t.Errorf("%s: hints %v", proto, a.hints)
		}
		if a.status != 200 || string(a.body) != docWithSnippet {
			t.Errorf("%s: %d %q", proto, a.status, a.body)
		}
	}
}

func TestOnlyTheFirstStatusCounts(t *testing.T) {
	s := &sink{header: http.Header{"Content-Type": {"text/html"}}}
	w := NewWriter(s, "", theSnippet)
	w.WriteHeader(404)
	w.WriteHeader(200)
	w.WriteHeader(103)
	_, _ = io.WriteString(w, doc)
	_ = w.Finish()
	if s.status != 404 || string(s.body) != docWithSnippet {
		t.Errorf("%d %q", s.status, s.body)
	}
}

func TestFilesOfServeContentGetTheSnippetOnlyIfTheyAreHTML(t *testing.T) {
	dir := t.TempDir()
	long := doc + strings.Repeat("0123456789", 20000)
	serve := func(name string) handler {
		return func(w http.ResponseWriter, r *http.Request) error {
			f, err := os.Open(filepath.Join(dir, name))
			if err != nil {
				return err
			}
			defer f.Close()
			w.Header().Set("Etag", `"file"`)
			http.ServeContent(w, r, name, time.Date(2026, 11, 2, 0, 0, 0, 0, time.UTC), f)
			return nil
		}
	}
	for name, body := range map[string]string{"short.html": doc, "long.html": long, "short.js": doc, "long.js": long, "none.unknown-type": long} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(body), 0o600); err != nil {
			t.Fatal(err)
		}
		t.Run(name, func(t *testing.T) {
			if strings.HasSuffix(name, ".js") {
				checkUntouched(t, serve(name))
				checkUntouched(t, serve(name), with("Sec-Fetch-Dest", "script"), with("Range", "bytes=5-9"))
				return
			}
			for _, http2 := range protocols {
				a := ask(t, start(t, inserting(serve(name)), http2), with("Range", "bytes=5-9"), with("If-Range", `"file"`))
				want := strings.Replace(body, "<head>", "<head>"+snippet, 1)
				if a.status != 200 || string(a.body) != want || a.length != int64(len(want)) {
					t.Errorf("%d, %d bytes of %d announced, want %d", a.status, len(a.body), a.length, len(want))
				}
				if got := a.header.Get("Etag"); got != `"file-t1"` {
					t.Errorf("Etag %s", got)
				}
			}
		})
	}
}

// readerFromSink notes what comes by ReadFrom, as sendfile would take it.
type readerFromSink struct {
	sink
	taken int64
}

func (s *readerFromSink) ReadFrom(r io.Reader) (int64, error) {
	n, err := io.Copy(io.Discard, r)
	s.taken += n
	return n, err
}

func TestWhatIsNotHeldGoesTheFastWay(t *testing.T) {
	long := doc + strings.Repeat("0123456789", 20000)
	for name, c := range map[string]struct {
		contentType string
		least       int64
	}{
		"all of what is no page":       {"text/css", int64(len(long))},
		"a page but for its beginning": {"text/html", int64(len(long)) - maxHeld},
	} {
		t.Run(name, func(t *testing.T) {
			s := &readerFromSink{sink: sink{header: http.Header{"Content-Type": {c.contentType}}}}
			w := NewWriter(s, "", theSnippet)
			n, err := io.Copy(w, struct{ io.Reader }{strings.NewReader(long)})
			if n != int64(len(long)) || err != nil {
				t.Errorf("copied %d of %d: %v", n, len(long), err)
			}
			if s.taken < c.least {
				t.Errorf("%d bytes went by ReadFrom, want %d", s.taken, c.least)
			}
		})
	}
}

func TestReadFromPassesOnTheReadersError(t *testing.T) {
	broken := errors.New("broken")
	s := &sink{header: http.Header{"Content-Type": {"text/html"}}}
	n, err := NewWriter(s, "", theSnippet).ReadFrom(io.MultiReader(strings.NewReader(doc), failing{broken}))
	if n != int64(len(doc)) || !errors.Is(err, broken) {
		t.Errorf("%d, %v", n, err)
	}
}

type failing struct{ err error }

func (f failing) Read([]byte) (int, error) { return 0, f.err }

func TestAConnectionCanBeHijacked(t *testing.T) {
	for name, status := range map[string]int{"before the header": 0, "after 101": http.StatusSwitchingProtocols} {
		t.Run(name, func(t *testing.T) {
			s := start(t, inserting(func(w http.ResponseWriter, r *http.Request) error {
				if status != 0 {
					w.Header().Set("Connection", "Upgrade")
					w.Header().Set("Upgrade", "x")
					w.WriteHeader(status)
				}
				conn, rw, err := http.NewResponseController(w).Hijack()
				if err != nil {
					return err
				}
				defer conn.Close()
				if status == 0 {
					fmt.Fprint(rw, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n")
				}
				fmt.Fprint(rw, "hello\n")
				return rw.Flush()
			}), false)
			r, _ := http.NewRequestWithContext(t.Context(), http.MethodGet, s.URL, nil)
			r.Header.Set("Accept", "text/html")
			resp, err := s.Client().Do(r)
			if err != nil {
				t.Fatal(err)
			}
			defer resp.Body.Close()
			line, err := bufio.NewReader(resp.Body).ReadString('\n')
			if resp.StatusCode != 101 || line != "hello\n" {
				t.Errorf("%d %q %v", resp.StatusCode, line, err)
			}
		})
	}
}

func TestInsertIsAskedOnceAndOnlyForPages(t *testing.T) {
	for name, c := range map[string]struct {
		header http.Header
		body   string
		want   int
	}{
		"a page":                 {http.Header{"Content-Type": {"text/html"}}, doc, 1},
		"JSON":                   {http.Header{"Content-Type": {"application/json"}}, doc, 0},
		"a page without a place": {http.Header{"Content-Type": {"text/html"}}, "<!-- ", 0},
		"a page without a body":  {http.Header{"Content-Type": {"text/html"}}, "", 0},
		"a page that is no gzip": {http.Header{"Content-Type": {"text/html"}, "Content-Encoding": {"gzip"}}, doc, 0},
		"a page that is cut off": {http.Header{"Content-Type": {"text/html"}}, "<head", 0},
	} {
		t.Run(name, func(t *testing.T) {
			asked := 0
			s := &sink{header: c.header}
			w := NewWriter(s, "", func(dst []byte, h http.Header) ([]byte, string) { asked++; return theSnippet(dst, h) })
			_ = inPieces(w, c.body, 9, true)
			_ = w.Finish()
			if asked != c.want {
				t.Errorf("asked %d times, want %d", asked, c.want)
			}
		})
	}
}

func TestAnEmptyInsertionLeavesThePageAlone(t *testing.T) {
	h := http.Header{"Content-Type": {"text/html"}, "Etag": {`"a"`}, "Content-Length": {strconv.Itoa(len(doc))}}
	s := &sink{header: h.Clone()}
	w := NewWriter(s, "", func(dst []byte, _ http.Header) ([]byte, string) { return dst, "" })
	_, _ = io.WriteString(w, doc)
	_ = w.Finish()
	if string(s.body) != doc || fmt.Sprint(s.header) != fmt.Sprint(h) {
		t.Errorf("%q, %v", s.body, s.header)
	}
}
