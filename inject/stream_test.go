package inject

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"
)

// connect asks for a page, feeds its handler the first parts and returns the
// response while it is being written.
func connect(t *testing.T, h handler, http2 bool, feed chan<- string, parts ...string) *http.Response {
	t.Helper()
	s := start(t, inserting(h), http2)
	go func() {
		for _, part := range parts {
			feed <- part
		}
	}()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.URL, nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Accept", "text/html")
	resp, err := s.Client().Do(r)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { resp.Body.Close() })
	return resp
}

// read reads until all of want has arrived.
func read(t *testing.T, r io.Reader, want string) {
	t.Helper()
	got := make([]byte, len(want))
	if _, err := io.ReadFull(r, got); err != nil || string(got) != want {
		t.Fatalf("read %q (%v), want %q", got, err, want)
	}
}

func TestASlowPageArrivesAsSoonAsTheHeadIsThere(t *testing.T) {
	for proto, http2 := range protocols {
		t.Run(proto, func(t *testing.T) {
			more := make(chan string)
			resp := connect(t, func(w http.ResponseWriter, r *http.Request) error {
				w.Header().Set("Content-Type", "text/html")
				w.WriteHeader(http.StatusOK)
				for part := range more {
					if err := inPieces(w, part, 1, true); err != nil {
						return err
					}
				}
				return nil
			}, http2, more, "<!DOCTYPE html><html>\n<head>")
			read(t, resp.Body, "<!DOCTYPE html><html>\n<head>"+snippet)
			for _, part := range []string{"<title>", "slow", "</title><p>", "x"} {
				more <- part
				read(t, resp.Body, part)
			}
			close(more)
			if rest, err := io.ReadAll(resp.Body); len(rest) != 0 || err != nil {
				t.Errorf("%q, %v", rest, err)
			}
		})
	}
}

func TestASlowCodedPageArrivesAsSoonAsTheHeadIsThere(t *testing.T) {
	for way, c := range map[string]struct{ begin, want string }{
		"spliced":    {"<html>", "<html><head>" + snippet + "<html><head>"},
		"transcoded": {"<!-- c --><html>", "<!-- c --><html><head>" + snippet},
	} {
		for name, coding := range map[string]coding{"gzip": gzipCoding, "zstd": zstdCoding} {
			t.Run(name+" "+way, func(t *testing.T) { checkSlow(t, coding, c.begin, c.want) })
		}
	}
}

func checkSlow(t *testing.T, c coding, begin, want string) {
	more := make(chan string)
	resp := connect(t, func(w http.ResponseWriter, r *http.Request) error {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		w.Header().Set("Content-Encoding", codingName(c))
		enc, done := upstreamEncoder(c, w)
		defer done()
		for {
			select {
			case part, ok := <-more:
				if !ok {
					return enc.Close()
				}
				if _, err := io.WriteString(enc, part); err != nil {
					return err
				}
				if err := enc.Flush(); err != nil {
					return err
				}
				if err := http.NewResponseController(w).Flush(); err != nil {
					return err
				}
			case <-r.Context().Done():
				return r.Context().Err() // the test has failed
			}
		}
	}, false, more, begin, "<head>")
	t.Cleanup(func() { resp.Body.Close() })
	r := decodingReader(t, c, resp.Body)
	read(t, r, want)
	for _, part := range []string{"<title>", "slow", "</title><p>", "x"} {
		more <- part
		read(t, r, part)
	}
	close(more)
	if rest, err := io.ReadAll(r); len(rest) != 0 || err != nil {
		t.Errorf("%q, %v", rest, err)
	}
}

func TestAFlushWaitsForThePlace(t *testing.T) {
	for name, c := range map[string]struct {
		steps string // what is written, with a flush at each |
		want  string // what is out after the last of them
	}{
		"before anything is written":      {"|", ""},
		"within the doctype":              {"<!DOCTYPE|", ""},
		"before head":                     {"<!DOCTYPE html>|<html>|", ""},
		"at a tag that may go on":         {"<html><head|", ""},
		"at the head":                     {"<html><head>|", "<html><head>" + snippet},
		"behind the head":                 {"<html>|<head><title>|", "<html><head>" + snippet + "<title>"},
		"not at all":                      {"<html><head><title>", ""},
		"not at all, behind one that was": {"<html><head>|<title>", "<html><head>" + snippet + "<title>"},
	} {
		t.Run(name, func(t *testing.T) {
			s := &sink{header: http.Header{"Content-Type": {"text/html"}}}
			w := NewWriter(s, "", theSnippet)
			w.WriteHeader(http.StatusOK)
			parts := strings.Split(c.steps, "|")
			for i, part := range parts {
				_, _ = io.WriteString(w, part)
				if i < len(parts)-1 {
					if err := w.FlushError(); err != nil {
						t.Fatal(err)
					}
				}
			}
			if string(s.body) != c.want {
				t.Errorf("%q, want %q", s.body, c.want)
			}
			if s.status != 0 && c.want == "" {
				t.Error("the header is out before the page is one")
			}
		})
	}
}

func TestAFlushOfAnUnwrittenPageSendsItsHeaderAsNetHTTPDoes(t *testing.T) {
	s := &sink{header: http.Header{"Content-Type": {"application/json"}}}
	w := NewWriter(s, "", theSnippet)
	if err := w.FlushError(); err != nil || s.status != http.StatusOK || s.flushes != 1 {
		t.Errorf("%v, status %d, %d flushes", err, s.status, s.flushes)
	}
}

// TestAFlushMayComeFromAnotherGoroutine as that of a proxy's timer does, under
// the proxy's lock.
func TestAFlushMayComeFromAnotherGoroutine(t *testing.T) {
	for _, c := range []coding{identity, gzipCoding, zstdCoding} {
		t.Run(codingName(c), func(t *testing.T) {
			s := &sink{header: http.Header{"Content-Type": {"text/html"}, "Content-Encoding": {codingName(c)}}}
			w := NewWriter(s, "", theSnippet)
			w.WriteHeader(http.StatusOK)
			var lock sync.Mutex
			var flushes sync.WaitGroup
			for _, p := range byByte(encoded(c, []byte(doc))) {
				flushes.Go(func() {
					lock.Lock()
					defer lock.Unlock()
					_ = w.FlushError()
				})
				lock.Lock()
				_, _ = w.Write(p)
				lock.Unlock()
			}
			flushes.Wait()
			if err := w.Finish(); err != nil {
				t.Fatal(err)
			}
			if got, err := decoded(c, s.body); !bytes.Equal(got, formed(c, []byte(doc), place([]byte(doc)))) || err != nil {
				t.Errorf("%q, %v", got, err)
			}
		})
	}
}

func TestTrailersOfAPageArrive(t *testing.T) {
	for proto, http2 := range protocols {
		a := ask(t, start(t, inserting(func(w http.ResponseWriter, r *http.Request) error {
			w.Header().Set("Trailer", "X-Sum")
			err := page(doc)(w, r)
			_ = http.NewResponseController(w).Flush() // as reverse_proxy does before trailers
			w.Header().Set("X-Sum", "1")
			return err
		}), http2))
		if string(a.body) != docWithSnippet || a.trailer.Get("X-Sum") != "1" || a.header.Get("X-Sum") != "" {
			t.Errorf("%s: %q, header %v, trailer %v", proto, a.body, a.header, a.trailer)
		}
	}
}

func TestAStreamOfEventsIsNotHeld(t *testing.T) {
	next := make(chan string)
	resp := connect(t, func(w http.ResponseWriter, r *http.Request) error {
		w.Header().Set("Content-Type", "text/event-stream")
		w.WriteHeader(http.StatusOK)
		_ = http.NewResponseController(w).Flush() // before the first event
		for event := range next {
			_, _ = io.WriteString(w, event)
			_ = http.NewResponseController(w).Flush()
		}
		return nil
	}, false, nil)
	defer close(next)
	for _, event := range []string{"data: <html>\n\n", "data: <head>\n\n"} {
		next <- event
		read(t, resp.Body, event)
	}
}

var errUpstream = errors.New("upstream is gone")

// TestAPageThatIsCutOffStaysSo lets the handler give up as reverse_proxy does: it
// flushes and panics.
func TestAPageThatIsCutOffStaysSo(t *testing.T) {
	for name, c := range map[string]struct{ body, want string }{
		"before the place":      {"<!DOCTYPE html><html>", "<!DOCTYPE html><html>"},
		"within the head's tag": {"<html><head", "<html><head"},
		"behind the place":      {"<html><head>", "<html><head>" + snippet},
		"far behind":            {doc + strings.Repeat("x", 100000), docWithSnippet + strings.Repeat("x", 100000)},
	} {
		for proto, http2 := range protocols {
			for _, known := range []bool{true, false} {
				t.Run(name+proto+strconv.FormatBool(known), func(t *testing.T) {
					without, within := both(t, cutOff(c.body, identity, known), http2)
					if without.err == nil || within.err == nil || !sameFailure(without.err, within.err) {
						t.Errorf("the client sees %v, without a Writer %v", within.err, without.err)
					}
					if string(within.body) != c.want || within.status != without.status {
						t.Errorf("%d %q, want %q", within.status, within.body, c.want)
					}
				})
			}
		}
	}
}

func TestACodedPageThatIsCutOffStaysSo(t *testing.T) {
	more := strings.Repeat("0123456789abcdef", 10000)
	for name, coding := range map[string]coding{"gzip": gzipCoding, "zstd": zstdCoding} {
		for part, body := range map[string]string{
			"before the place":             "<!DOCTYPE html><html>",
			"behind the place":             doc,
			"far behind":                   doc + more,
			"behind the place, transcoded": unusual,
			"far behind, transcoded":       unusual + more,
		} {
			for _, known := range []bool{true, false} {
				t.Run(name+" "+part+strconv.FormatBool(known), func(t *testing.T) {
					_, within := both(t, cutOff(body, coding, known), false)
					if !errors.Is(within.err, io.ErrUnexpectedEOF) {
						t.Errorf("the client sees %v", within.err)
					}
					want := []byte(body)
					if pos, f := new(search).next(want, false); f == found {
						want = formedOfKnown(want, pos)
					}
					got, err := decoded(coding, within.body)
					if !bytes.Equal(got, want) || !errors.Is(err, io.ErrUnexpectedEOF) {
						t.Errorf("%d bytes (%v), want %d and an unexpected EOF", len(got), err, len(want))
					}
				})
			}
		}
	}
}

// cutOff writes a page, flushes what there is and panics.
func cutOff(body string, c coding, known bool) handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		if known {
			w.Header().Set("Content-Length", strconv.Itoa(len(body)+1000))
		}
		var out io.Writer = w
		if c != identity {
			w.Header().Set("Content-Encoding", codingName(c))
			enc, done := upstreamEncoder(c, w)
			defer done()
			out = enc
		}
		_, _ = io.WriteString(out, body)
		if enc, ok := out.(flusher); ok {
			_ = enc.Flush()
		}
		_ = http.NewResponseController(w).Flush()
		panic(http.ErrAbortHandler)
	}
}

// sameFailure tells a connection that broke from a stream that was reset.
func sameFailure(a, b error) bool {
	return errors.Is(a, io.ErrUnexpectedEOF) == errors.Is(b, io.ErrUnexpectedEOF)
}

func TestAHandlerThatFailsBeforeItWritesLeavesTheResponseFree(t *testing.T) {
	a := ask(t, start(t, inserting(func(w http.ResponseWriter, r *http.Request) error {
		w.Header().Set("Content-Type", "text/html")
		return errUpstream
	}), false))
	if a.status != http.StatusBadGateway || len(a.body) != 0 || a.err != nil {
		t.Errorf("%d %q %v", a.status, a.body, a.err)
	}
}

func TestAHandlerThatFailsLaterKeepsWhatItWrote(t *testing.T) {
	for body, want := range map[string]string{"<html>": "<html>", doc: docWithSnippet} {
		a := ask(t, start(t, inserting(func(w http.ResponseWriter, r *http.Request) error {
			_ = page(body)(w, r)
			return errUpstream
		}), false))
		if a.status != http.StatusOK || string(a.body) != want {
			t.Errorf("%d %q, want %q", a.status, a.body, want)
		}
	}
}

func TestAbortOfWhatIsNoPageSendsNothing(t *testing.T) {
	for name, h := range map[string]http.Header{"waiting": nil, "passing": {"Content-Type": {"image/png"}}} {
		s := &sink{header: h}
		w := NewWriter(s, "", theSnippet)
		if h != nil {
			w.WriteHeader(http.StatusOK)
		}
		w.Abort()
		if s.writes+s.flushes != 0 || s.status != 0 && h == nil {
			t.Errorf("%s: %d writes, %d flushes, status %d", name, s.writes, s.flushes, s.status)
		}
	}
}

func TestTheClientsErrorReachesTheHandler(t *testing.T) {
	gone := errors.New("client is gone")
	for name, encoding := range map[string]coding{"": identity, "gzip": gzipCoding, "zstd": zstdCoding} {
		t.Run(name, func(t *testing.T) {
			h := http.Header{"Content-Type": {"text/html"}}
			if name != "" {
				h.Set("Content-Encoding", name)
			}
			w := NewWriter(&brokenSink{sink{header: h}, gone}, "", theSnippet)
			noise := bytes.Repeat([]byte("0123456789"), 100<<10)
			for i := range noise {
				noise[i] ^= byte(i * i >> 8)
			}
			_, err := w.Write(encoded(encoding, append([]byte(doc), noise...)))
			for range 3 {
				if err == nil {
					_, err = w.Write([]byte("more"))
				}
			}
			if !errors.Is(err, gone) {
				t.Errorf("%v, want %v", err, gone)
			}
			w.Abort()
		})
	}
}

type brokenSink struct {
	sink
	err error
}

func (s *brokenSink) Write([]byte) (int, error) { return 0, s.err }
