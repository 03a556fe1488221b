package inject

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net/http"
	"runtime"
	"runtime/debug"
	"strconv"
	"strings"
	"testing"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
)

// unusual is a document that cannot be spliced: a comment must not stand twice.
const unusual = "<!DOCTYPE html><!-- c --><html><head><title>x</title></head><body>a page"

func TestACodedPageGetsTheSnippetAndKeepsItsCoding(t *testing.T) {
	for _, name := range []string{"gzip", "GZIP", "x-gzip", "zstd", "Zstd"} {
		c := codingOf(name)
		for way, page := range map[string][2][]byte{
			"spliced":    {[]byte(doc), spliced([]byte(doc))},
			"transcoded": {[]byte(unusual), insertAt([]byte(unusual), place([]byte(unusual)))},
		} {
			t.Run(name+" "+way, func(t *testing.T) {
				body := encoded(c, page[0])
				s := through(t, codedHeader(name, body), whole(body), false)
				if got, err := decoded(c, s.body); !bytes.Equal(got, page[1]) || err != nil {
					t.Errorf("%q, %v", got, err)
				}
				length := ""
				if way == "spliced" {
					length = strconv.Itoa(len(s.body))
				}
				if s.header.Get("Content-Encoding") != name || s.header.Get("Content-Length") != length || s.header.Get("Etag") != `"a-t1"` {
					t.Errorf("%v", s.header)
				}
			})
		}
	}
}

func TestACodedPageComesAsItWouldOverAServer(t *testing.T) {
	body := string(encoded(gzipCoding, []byte(doc)))
	a := ask(t, start(t, inserting(page(body, "Content-Encoding", "gzip", "Content-Length", fmt.Sprint(len(body)))), false))
	if got, err := decoded(gzipCoding, a.body); !bytes.Equal(got, spliced([]byte(doc))) || err != nil || a.err != nil || a.length != int64(len(a.body)) {
		t.Errorf("%q, %v, %v, length %d", got, err, a.err, a.length)
	}
	checkUntouched(t, respond(200, body, "Content-Type", "text/css", "Content-Encoding", "gzip"))
	checkUntouched(t, page(body, "Content-Encoding", "gzip", "Cache-Control", "no-transform"))
}

func TestSeveralMembersOrFramesAreOnePage(t *testing.T) {
	skippable := append(binary.LittleEndian.AppendUint32([]byte("\x50\x2a\x4d\x18"), 3), "abc"...)
	for way, doc := range map[string]string{"spliced": doc, "transcoded": unusual} {
		a, b := []byte(doc[:20]), []byte(doc[20:])
		for name, c := range map[string]struct {
			coding coding
			body   []byte
		}{
			"two members":                  {gzipCoding, bytes.Join([][]byte{encoded(gzipCoding, a), encoded(gzipCoding, b)}, nil)},
			"an empty member between":      {gzipCoding, bytes.Join([][]byte{encoded(gzipCoding, a), encoded(gzipCoding, nil), encoded(gzipCoding, b)}, nil)},
			"two frames":                   {zstdCoding, bytes.Join([][]byte{encoded(zstdCoding, a), encoded(zstdCoding, b)}, nil)},
			"a skippable frame in front":   {zstdCoding, bytes.Join([][]byte{skippable, encoded(zstdCoding, []byte(doc))}, nil)},
			"a skippable frame at the end": {zstdCoding, bytes.Join([][]byte{encoded(zstdCoding, []byte(doc)), skippable}, nil)},
		} {
			t.Run(name+" "+way, func(t *testing.T) {
				for _, pieces := range [][][]byte{whole(c.body), byByte(c.body)} {
					s := through(t, codedHeader(codingName(c.coding), c.body), pieces, false)
					if got, err := decoded(c.coding, s.body); !isFormed(got, []byte(doc), place([]byte(doc))) || err != nil {
						t.Errorf("%q, %v", got, err)
					}
				}
			})
		}
	}
}

func TestWhatIsNotCodedAsItSaysIsLeftAlone(t *testing.T) {
	for name, c := range map[string]struct{ coding, body string }{
		"plain text as gzip":       {"gzip", doc},
		"plain text as zstd":       {"zstd", doc},
		"zstd as gzip":             {"gzip", string(encoded(zstdCoding, []byte(doc)))},
		"gzip as zstd":             {"zstd", string(encoded(gzipCoding, []byte(doc)))},
		"a gzip header alone":      {"gzip", string(encoded(gzipCoding, []byte(doc))[:10])},
		"half a gzip header":       {"gzip", "\x1f\x8b"},
		"half a zstd header":       {"zstd", "\x28\xb5\x2f"},
		"nothing as gzip":          {"gzip", ""},
		"a page of nothing, gzip":  {"gzip", string(encoded(gzipCoding, nil))},
		"a page of nothing, zstd":  {"zstd", string(encoded(zstdCoding, nil))},
		"a page without a place":   {"gzip", string(encoded(gzipCoding, []byte("<!-- ")))},
		"a bad block":              {"gzip", "\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\xff\x07xxxxxxxxxxxxxxxxxxx"},
		"a header that never ends": {"gzip", "\x1f\x8b\x08\x10\x00\x00\x00\x00\x00\xff" + strings.Repeat("x", 200<<10)},
		"UTF-16 in gzip":           {"gzip", string(encoded(gzipCoding, []byte("\xff\xfe<\x00h\x00e\x00a\x00d\x00>\x00")))},
	} {
		t.Run(name, func(t *testing.T) {
			for _, pieces := range [][][]byte{whole([]byte(c.body)), split([]byte(c.body), 1), split([]byte(c.body), 2)} {
				s := through(t, codedHeader(c.coding, []byte(c.body)), pieces, false)
				if string(s.body) != c.body || fmt.Sprint(s.header) != fmt.Sprint(codedHeader(c.coding, []byte(c.body))) {
					t.Errorf("%d bytes, want %d; header %v", len(s.body), len(c.body), s.header)
				}
			}
		})
	}
}

// TestATruncatedPageStaysTruncated cuts a page off at every byte.
func TestATruncatedPageStaysTruncated(t *testing.T) {
	more := strings.Repeat("<p>some more of it, to have it compressed", 20)
	for way, doc := range map[string]string{"spliced": doc + more, "transcoded": unusual + more} {
		for name, c := range map[string]coding{"gzip": gzipCoding, "zstd": zstdCoding} {
			full := encoded(c, []byte(doc))
			for _, known := range []bool{true, false} {
				t.Run(fmt.Sprint(name, " ", way, known), func(t *testing.T) {
					for cut := range full {
						h := codedHeader(name, full)
						if !known {
							delete(h, "Content-Length")
						}
						checkTruncated(t, c, h, full[:cut])
					}
				})
			}
		}
	}
}

func checkTruncated(t *testing.T, c coding, h http.Header, body []byte) {
	t.Helper()
	want, _ := decodable(c, body)
	pos, f := new(search).next(want, false)
	least := want
	if _, ok := plainHead(want); ok {
		want, _ = decoded(c, body) // by the client itself
		least = want
		if c == gzipCoding && h["Content-Length"] == nil { // the last bytes may look like a trailer
			if least, _ = decoded(c, body[:len(body)-gzipTrailerSize]); len(least) < pos {
				least = want[:pos]
			}
		}
	}
	for _, pieces := range [][][]byte{whole(body), byByte(body)} {
		s := through(t, h.Clone(), pieces, false)
		if f != found {
			if !bytes.Equal(s.body, body) || s.header.Get("Etag") != `"a"` {
				t.Fatalf("cut at %d: %q is not left alone", len(body), want)
			}
			continue
		}
		got, err := decoded(c, s.body)
		if err == nil {
			t.Fatalf("cut at %d: it has a clean end", len(body))
		}
		if bytes.Equal(least, want) && !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Fatalf("cut at %d: %v", len(body), err)
		}
		if !bytes.HasPrefix(got, formedOfKnown(least, pos)) || bytes.Equal(least, want) && !bytes.Equal(got, formedOfKnown(want, pos)) {
			t.Fatalf("cut at %d: %q (%v), want\n%q with the snippet", len(body), got, err, want)
		}
	}
}

// decodable returns what our decoders make of a body, and whether it is whole.
// Those of others may see a letter more or less before they notice the end.
func decodable(c coding, b []byte) (all []byte, clean bool) {
	d := newDecoder(c, func(p []byte) (more bool, err error) {
		all = append(all, p...)
		return true, nil
	})
	_, err := d.write(b)
	_, cut := d.close()
	return all, errors.Join(err, cut) == nil
}

// TestAPageThatIsBrokenBehindThePlaceEndsThere: where it is decoded the handler
// hears of it, where it is spliced the client does, as without us.
func TestAPageThatIsBrokenBehindThePlaceEndsThere(t *testing.T) {
	for way, page := range map[string]string{"spliced": doc, "transcoded": unusual} {
		for name, c := range map[string]coding{"gzip": gzipCoding, "zstd": zstdCoding} {
			t.Run(name+" "+way, func(t *testing.T) {
				var b bytes.Buffer
				enc, done := upstreamEncoder(c, &b)
				_, _ = io.WriteString(enc, page)
				_ = enc.Flush()
				done()
				s := &sink{header: http.Header{"Content-Type": {"text/html; charset=utf-8"}, "Content-Encoding": {name}}}
				w := NewWriter(s, "", theSnippet)
				_, _ = w.Write(b.Bytes())
				_ = w.FlushError()
				if _, err := w.Write(bytes.Repeat([]byte{0xff}, 1000)); (err != nil) != (way == "transcoded") {
					t.Errorf("the handler hears %v", err)
				}
				if _, err := w.Write([]byte("more")); (err != nil) != (way == "transcoded") {
					t.Errorf("the handler hears %v", err)
				}
				w.Abort()
				want := insertAt([]byte(page), place([]byte(page)))
				if way == "spliced" {
					want = spliced([]byte(page))
				}
				if got, err := decoded(c, s.body); !bytes.Equal(got, want) || err == nil {
					t.Errorf("%q, %v", got, err)
				}
			})
		}
	}
}

// TestATranscodedPageThatIsBrokenBeforeItIsOutIsLeftAlone: the browser may make
// more of it than we can.
func TestATranscodedPageThatIsBrokenBeforeItIsOutIsLeftAlone(t *testing.T) {
	for name, c := range map[string]coding{"gzip": gzipCoding, "zstd": zstdCoding} {
		t.Run(name, func(t *testing.T) {
			var b bytes.Buffer
			enc, done := upstreamEncoder(c, &b)
			_, _ = io.WriteString(enc, unusual)
			_ = enc.Flush()
			done()
			body := append(b.Bytes(), bytes.Repeat([]byte{0xff}, 1000)...)
			s := through(t, codedHeader(name, body), whole(body), false)
			if !bytes.Equal(s.body, body) || s.header.Get("Etag") != `"a"` {
				t.Errorf("%q, %v", s.body, s.header)
			}
		})
	}
}

func TestRefusedNamesTheCodingOfAPage(t *testing.T) {
	for name, c := range map[string]struct {
		contentType string
		status      int
		codings     []string
		want        string
	}{
		"brotli":             {"text/html", 200, []string{"br"}, "br"},
		"a list":             {"text/html", 200, []string{"gzip, br"}, "gzip, br"},
		"brotli, no page":    {"text/css", 200, []string{"br"}, ""},
		"brotli, redirected": {"text/html", 302, []string{"br"}, ""},
		"gzip":               {"text/html", 200, []string{"gzip"}, ""},
		"identity":           {"text/html", 200, []string{"identity"}, ""},
		"none":               {"text/html", 200, nil, ""},
	} {
		t.Run(name, func(t *testing.T) {
			w := NewWriter(&sink{header: http.Header{"Content-Type": {c.contentType}, "Content-Encoding": c.codings}}, "", theSnippet)
			w.WriteHeader(c.status)
			if got := w.Refused(); got != c.want {
				t.Errorf("%q, want %q", got, c.want)
			}
			w.Abort()
		})
	}
}

// meter is a ResponseWriter that keeps nothing, and watches the heap.
type meter struct {
	header http.Header
	peak   uint64
	taken  int64
	writes int
}

func (m *meter) Header() http.Header { return m.header }
func (m *meter) WriteHeader(int)     {}

func (m *meter) Write(p []byte) (int, error) {
	m.taken += int64(len(p))
	if m.writes++; m.writes%64 == 1 {
		var stats runtime.MemStats
		runtime.ReadMemStats(&stats)
		m.peak = max(m.peak, stats.HeapAlloc)
	}
	return len(p), nil
}

// TestABombStaysFlatInMemory sends 1 GiB in 1 MiB.
func TestABombStaysFlatInMemory(t *testing.T) {
	const mib = 1 << 20
	defer debug.SetGCPercent(debug.SetGCPercent(10)) // what others have left is no measure of ours
	size := 1024
	if testing.Short() || raceEnabled {
		size = 32
	}
	for name, begin := range map[string]string{
		"gzip spliced": "<html><head>", "gzip transcoded": "<!-- --><html><head>", "gzip without a place": "<!-- ",
		"zstd spliced": "<html><head>", "zstd transcoded": "<!-- --><html><head>",
	} {
		t.Run(name, func(t *testing.T) {
			var body bytes.Buffer
			var enc io.WriteCloser = gzip.NewWriter(&body)
			if strings.HasPrefix(name, "zstd") {
				enc, _ = zstd.NewWriter(&body)
			}
			_, _ = io.WriteString(enc, begin)
			zeros := make([]byte, mib)
			for range size {
				_, _ = enc.Write(zeros)
			}
			_ = enc.Close()
			zeros, enc = nil, nil
			runtime.GC()
			var before runtime.MemStats
			runtime.ReadMemStats(&before)

			m := &meter{header: codedHeader(strings.Fields(name)[0], body.Bytes())}
			w := NewWriter(m, "", theSnippet)
			for _, p := range split(body.Bytes(), 1) {
				if _, err := w.Write(p); err != nil {
					t.Fatal(err)
				}
			}
			if err := w.Finish(); err != nil || m.taken == 0 {
				t.Fatal(m.taken, err)
			}
			if m.peak > before.HeapAlloc+32*mib {
				t.Errorf("%d MiB of heap for %d bytes of body", (m.peak-before.HeapAlloc)/mib, body.Len())
			}
		})
	}
}
