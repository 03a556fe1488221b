package inject

import (
	"errors"
	"io"
	"net/http"
	"reflect"
	"strconv"
	"strings"
	"testing"
)

var fetched = with("Sec-Fetch-Dest", "empty")

func TestHTMLThatIsNoDocumentSaysThatThereIsAnother(t *testing.T) {
	private, marked := []string{"private, no-cache"}, []string{`"a-dtpart"`}
	for name, c := range map[string]struct{ in, want http.Header }{
		"what shared caches may keep": {http.Header{"Cache-Control": {"public, max-age=600"}, "Expires": {"x"}, "Etag": {`"a"`}}, http.Header{"Cache-Control": private, "Etag": marked}},
		"what a date alone tells":     {http.Header{"Cache-Control": {"max-age=9"}, "Last-Modified": {"x"}}, http.Header{"Cache-Control": private}},
		"what a weak tag tells":       {http.Header{"Vary": {"Cookie"}, "Etag": {`W/"a"`}}, http.Header{"Cache-Control": private, "Vary": {"Cookie", vary}, "Etag": {`W/"a-dtpart"`}}},
		"what no 304 says more of":    {http.Header{"Etag": {`"a"`}, "Last-Modified": {"x"}}, http.Header{"Cache-Control": private, "Etag": {`"a"`}, "Last-Modified": {"x"}}},
		"what they may guess":         {http.Header{"Last-Modified": {"x"}, "Accept-Ranges": {"bytes"}}, http.Header{"Cache-Control": private, "Last-Modified": {"x"}, "Accept-Ranges": {"bytes"}}},
		"what they must ask for":      {http.Header{"Cache-Control": {"no-cache"}}, http.Header{"Cache-Control": private}},
		"what only the browser keeps": {http.Header{"Cache-Control": {"max-age=9, Private"}}, http.Header{"Cache-Control": {"max-age=9, Private"}}},
		"what nobody keeps":           {http.Header{"Cache-Control": {"no-store"}, "Expires": {"0"}, "Etag": {`"a"`}}, http.Header{"Cache-Control": {"no-store"}, "Expires": {"0"}, "Etag": {`"a"`}}},
		"a header that is private":    {http.Header{"Cache-Control": {`private="set-cookie", max-age=9`}}, http.Header{"Cache-Control": private}},
		"what one cache may keep":     {http.Header{"Cache-Control": {"private"}, "Cdn-Cache-Control": {"max-age=9"}, "X-Accel-Expires": {"9"}}, http.Header{"Cache-Control": {"private"}}},
		"what varies already":         {http.Header{"Vary": {"Accept, sec-fetch-dest"}}, http.Header{"Cache-Control": private, "Vary": {"Accept, sec-fetch-dest"}}},
		"what varies with all":        {http.Header{"Vary": {"*"}}, http.Header{"Cache-Control": private, "Vary": {"*"}}},
		"what varies otherwise":       {http.Header{"Vary": {"Accept-Encoding"}}, http.Header{"Cache-Control": private, "Vary": {"Accept-Encoding", vary}}},
		"a page in brotli":            {http.Header{"Content-Encoding": {"br"}}, http.Header{"Content-Encoding": {"br"}, "Cache-Control": private}},
	} {
		t.Run(name, func(t *testing.T) {
			c.want["Content-Type"], c.want["Content-Length"] = []string{"text/html; charset=utf-8"}, []string{strconv.Itoa(len(doc))}
			if c.want["Vary"] == nil {
				c.want["Vary"] = []string{vary}
			}
			h := page(doc, "Content-Length", strconv.Itoa(len(doc)))
			for proto, http2 := range protocols {
				s := start(t, inserting(func(w http.ResponseWriter, r *http.Request) error {
					for key, values := range c.in {
						w.Header()[key] = values
					}
					return h(w, r)
				}), http2)
				a := ask(t, s, fetched)
				if string(a.body) != doc || a.err != nil || !reflect.DeepEqual(a.header, c.want) {
					t.Errorf("%s: %q %v, want %v", proto, a.body, a.header, c.want)
				}
				if a = ask(t, s, fetched, method(http.MethodHead)); !reflect.DeepEqual(a.header, c.want) {
					t.Errorf("%s: HEAD %v, want %v", proto, a.header, c.want)
				}
			}
		})
	}
}

// A 304 without a type may be about anything. By the mark it is known to be about HTML,
// and says once more what the HTML said.
func TestA304SaysWhatTheHTMLSaid(t *testing.T) {
	seen := ""
	h := func(w http.ResponseWriter, r *http.Request) error {
		header := w.Header()
		header["Etag"], header["Cache-Control"], header["Vary"] = []string{`"a"`}, []string{"max-age=600"}, []string{"Accept-Encoding"}
		if seen = r.Header.Get("If-None-Match"); strings.Contains(seen, `"a"`) {
			w.WriteHeader(http.StatusNotModified)
			return nil
		}
		header["Content-Type"] = []string{"text/html"}
		_, err := io.WriteString(w, doc)
		return err
	}
	for name, c := range map[string]struct {
		condition, up, tag, control, vary string
	}{
		"the tag of a part":                {`"a-dtpart"`, `"a"`, `"a-dtpart"`, "private, no-cache", "Accept-Encoding, " + vary},
		"a weak one among others":          {`"b", W/"a-dtpart"`, `"b", W/"a"`, `"a-dtpart"`, "private, no-cache", "Accept-Encoding, " + vary},
		"the tag of anything else":         {`"a"`, `"a"`, `"a"`, "max-age=600", "Accept-Encoding"},
		"the mark in the middle of others": {`"-dtpart-", "a"`, `"-dtpart-", "a"`, `"a"`, "max-age=600", "Accept-Encoding"},
	} {
		t.Run(name, func(t *testing.T) {
			for proto, http2 := range protocols {
				a := ask(t, start(t, inserting(h), http2), fetched, with("If-None-Match", c.condition))
				if a.status != http.StatusNotModified || seen != c.up {
					t.Errorf("%s: %d, upstream saw %s", proto, a.status, seen)
				}
				got := a.header
				if got.Get("Etag") != c.tag || got.Get("Cache-Control") != c.control || strings.Join(got["Vary"], ", ") != c.vary {
					t.Errorf("%s: %v", proto, got)
				}
			}
		})
	}
	t.Run("a document is asked for anew", func(t *testing.T) {
		a := ask(t, start(t, inserting(h), false), with("If-None-Match", `"a-dtpart"`))
		if a.status != http.StatusOK || seen != "" || !strings.Contains(string(a.body), snippet) {
			t.Errorf("%d, upstream saw %q: %s", a.status, seen, a.body)
		}
	})
}

func TestTheMarkGoesFromAllConditions(t *testing.T) {
	h := http.Header{"If-Match": {`"a-dtpart"`, `"b"`}, "If-Range": {`"c-dtpart"`}, "If-None-Match": {`"d"`}}
	if Unmark(h) || !reflect.DeepEqual(h, http.Header{"If-Match": {`"a"`, `"b"`}, "If-Range": {`"c"`}, "If-None-Match": {`"d"`}}) {
		t.Errorf("%v", h)
	}
}

func TestWhatIsNeitherDocumentNorHTMLPassesUntouched(t *testing.T) {
	untyped := func(w http.ResponseWriter, r *http.Request) error { return inPieces(w, "hello, world", 3, false) }
	for name, h := range map[string]handler{
		"JSON":                     respond(200, `{}`, "Content-Type", "application/json", "Cache-Control", "public, max-age=9", "Etag", `"a"`),
		"a redirect":               respond(302, doc, "Content-Type", "text/html", "Location", "/x"),
		"no body":                  respond(204, "", "Content-Type", "text/html"),
		"HTML that stays as it is": page(doc, "Cache-Control", "no-transform"),
		"HTML to be downloaded":    page(doc, "Content-Disposition", "attachment"),
		"HTML in UTF-16":           respond(200, doc, "Content-Type", "text/html; charset=utf-16"),
		"no type":                  untyped,
		"no type, a header first":  func(w http.ResponseWriter, r *http.Request) error { w.WriteHeader(404); return untyped(w, r) },
		"no type, copied": func(w http.ResponseWriter, r *http.Request) error {
			_, err := io.Copy(w, struct{ io.Reader }{strings.NewReader(strings.Repeat("hello, world", 999))})
			return err
		},
		"no type, no body": respond(200, ""),
		"nothing at all":   func(w http.ResponseWriter, r *http.Request) error { return nil },
		"events, flushed": func(w http.ResponseWriter, r *http.Request) error {
			w.Header().Set("Content-Type", "text/event-stream")
			return inPieces(w, "data: x\n\n", 4, true)
		},
		"a flush before all": func(w http.ResponseWriter, r *http.Request) error {
			_ = http.NewResponseController(w).Flush()
			return untyped(w, r)
		},
		"hints first": func(w http.ResponseWriter, r *http.Request) error {
			w.Header().Set("Link", "</a.css>; rel=preload")
			w.WriteHeader(http.StatusEarlyHints)
			w.Header().Set("Content-Type", "text/css")
			_, err := io.WriteString(w, "a{}")
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			checkUntouched(t, h, fetched)
			checkUntouched(t, h, fetched, method(http.MethodHead))
			checkUntouched(t, h, func(r *http.Request) { delete(r.Header, "Accept") })
		})
	}
}

func TestHTMLWithoutATypeIsFoundInAPartToo(t *testing.T) {
	for name, h := range map[string]handler{
		"written":         func(w http.ResponseWriter, r *http.Request) error { _, err := io.WriteString(w, doc); return err },
		"behind a header": respond(404, doc),
		"copied": func(w http.ResponseWriter, r *http.Request) error {
			_, err := io.Copy(w, struct{ io.Reader }{strings.NewReader(doc + strings.Repeat("x", 9000))})
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			without, within := both(t, h, false, fetched)
			if string(within.body) != string(without.body) || within.header.Get("Content-Type") != without.header.Get("Content-Type") || within.status != without.status {
				t.Errorf("%d %v %.100q, want %d %v", within.status, within.header, within.body, without.status, without.header)
			}
			if within.header.Get("Vary") != vary {
				t.Errorf("%v", within.header)
			}
		})
	}
}

func TestTheHeadOfADocumentIsThatOfItsPage(t *testing.T) {
	head := method(http.MethodHead)
	for name, h := range map[string]handler{
		"a page":             page(doc, "Etag", `"a"`, "Content-Length", strconv.Itoa(len(doc)), "Last-Modified", "x", "Cache-Control", "public"),
		"a page in gzip":     page(string(encoded(gzipCoding, []byte(doc))), "Content-Encoding", "gzip", "Etag", `W/"a"`),
		"a page in brotli":   page(doc, "Content-Encoding", "br", "Etag", `"a"`),
		"a page not found":   respond(404, doc, "Content-Type", "text/html", "Etag", `"a"`),
		"a page without tag": page(doc),
		"JSON":               respond(200, `{}`, "Content-Type", "application/json", "Content-Length", "2", "Etag", `"a"`),
		"a redirect":         respond(302, doc, "Content-Type", "text/html", "Location", "/x"),
	} {
		for proto, http2 := range protocols {
			t.Run(name+" "+proto, func(t *testing.T) {
				s := start(t, inserting(h), http2)
				get, got := ask(t, s), ask(t, s, head)
				if get.header.Get("Etag") != `"a"` && strings.HasPrefix(name, "a page") {
					delete(get.header, "Content-Length")
				}
				if got.header.Get("Content-Length") != "" {
					get.header["Content-Length"] = got.header["Content-Length"] // net/http may not tell that of a GET
				}
				if got.status != get.status || len(got.body) != 0 || !reflect.DeepEqual(got.header, get.header) {
					t.Errorf("%d %v, its GET %d %v", got.status, got.header, get.status, get.header)
				}
				if got.header.Get("Content-Length") != "" && got.header.Get("Vary") != "" {
					t.Errorf("the length of a page is told: %v", got.header)
				}
			})
		}
	}
}

func TestThe304OfAHeadIsThePages(t *testing.T) {
	h := respond(http.StatusNotModified, "", "Etag", `"a"`, "Cache-Control", "max-age=9")
	a := ask(t, start(t, inserting(h), false), method(http.MethodHead), with("If-None-Match", `"a-t1"`))
	want := http.Header{"Etag": {`"a-t1"`}, "Cache-Control": {"private, no-cache"}, "Vary": {vary}}
	if a.status != http.StatusNotModified || !reflect.DeepEqual(a.header, want) {
		t.Errorf("%d %v, want %v", a.status, a.header, want)
	}
}

func TestAPartThatIsNoHTMLCostsOneAllocation(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector allocates, too")
	}
	body, contentType := []byte("{}"), []string{"application/json"}
	s := &nothing{header: http.Header{}}
	if n := testing.AllocsPerRun(200, func() {
		clear(s.header)
		s.header["Content-Type"] = contentType
		p := NewPartWriter(s, false)
		p.WriteHeader(http.StatusOK)
		_, _ = p.Write(body)
		p.Close()
	}); n > 1 {
		t.Errorf("%v allocations", n)
	}
}

func TestAPartGoesTheFastWay(t *testing.T) {
	for _, contentType := range []string{"text/html", "text/css"} {
		s := &readerFromSink{sink: sink{header: http.Header{"Content-Type": {contentType}}}}
		p := NewPartWriter(s, false)
		n, err := io.Copy(p, struct{ io.Reader }{strings.NewReader(doc)})
		if n != int64(len(doc)) || err != nil || s.taken != n || s.writes != 0 {
			t.Errorf("%s: %d of %d bytes by ReadFrom, %v", contentType, s.taken, n, err)
		}
		if err := p.FlushError(); err != nil || s.flushes != 1 {
			t.Errorf("%d flushes, %v", s.flushes, err)
		}
		if err := p.Push("/x", nil); !errors.Is(err, http.ErrNotSupported) {
			t.Error(err)
		}
		p.Close()
	}
}
