package inject

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net/http"
	"runtime"
	"strings"
	"testing"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
)

func codedHeader(name string) http.Header {
	return http.Header{"Content-Type": {"text/html; charset=utf-8"}, "Content-Encoding": {name}, "Content-Length": {"77"}, "Etag": {`"a"`}}
}

func TestACodedPageGetsTheSnippetAndKeepsItsCoding(t *testing.T) {
	for _, name := range []string{"gzip", "GZIP", "x-gzip", "zstd", "Zstd"} {
		t.Run(name, func(t *testing.T) {
			c := codingOf(name)
			s := through(t, codedHeader(name), whole(encoded(c, []byte(doc))), false)
			if got, err := decoded(c, s.body); string(got) != docWithSnippet || err != nil {
				t.Errorf("%q, %v", got, err)
			}
			if s.header.Get("Content-Encoding") != name || s.header.Get("Content-Length") != "" || s.header.Get("Etag") != `"a-t1"` {
				t.Errorf("%v", s.header)
			}
		})
	}
}

func TestACodedPageComesAsItWouldOverAServer(t *testing.T) {
	body := string(encoded(gzipCoding, []byte(doc)))
	a := ask(t, start(t, inserting(page(body, "Content-Encoding", "gzip", "Content-Length", fmt.Sprint(len(body)))), false))
	if got, err := decoded(gzipCoding, a.body); string(got) != docWithSnippet || err != nil || a.err != nil {
		t.Errorf("%q, %v, %v", got, err, a.err)
	}
	checkUntouched(t, respond(200, body, "Content-Type", "text/css", "Content-Encoding", "gzip"))
	checkUntouched(t, page(body, "Content-Encoding", "gzip", "Cache-Control", "no-transform"))
}

func TestSeveralMembersOrFramesAreOnePage(t *testing.T) {
	a, b := []byte(doc[:20]), []byte(doc[20:])
	skippable := append(binary.LittleEndian.AppendUint32([]byte("\x50\x2a\x4d\x18"), 3), "abc"...)
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
		t.Run(name, func(t *testing.T) {
			for _, pieces := range [][][]byte{whole(c.body), byByte(c.body)} {
				s := through(t, codedHeader(codingName(c.coding)), pieces, false)
				if got, err := decoded(c.coding, s.body); string(got) != docWithSnippet || err != nil {
					t.Errorf("%q, %v", got, err)
				}
			}
		})
	}
}

// TestWhatFollowsAMemberIsDropped: browsers do not look at it.
func TestWhatFollowsAMemberIsDropped(t *testing.T) {
	for name, tail := range map[string]string{"a line feed": "\n", "zeros": "\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00", "text": "<!-- served by x in 3 ms -->", "half a magic number": "\x1f"} {
		t.Run(name, func(t *testing.T) {
			body := append(encoded(gzipCoding, []byte(doc)), tail...)
			for _, pieces := range [][][]byte{whole(body), byByte(body)} {
				s := through(t, codedHeader("gzip"), pieces, false)
				if got, err := decoded(gzipCoding, s.body); string(got) != docWithSnippet || err != nil {
					t.Errorf("%q, %v", got, err)
				}
			}
		})
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
				s := through(t, codedHeader(c.coding), pieces, false)
				if string(s.body) != c.body || fmt.Sprint(s.header) != fmt.Sprint(codedHeader(c.coding)) {
					t.Errorf("%d bytes, want %d; header %v", len(s.body), len(c.body), s.header)
				}
			}
		})
	}
}

// TestATruncatedPageStaysTruncated cuts a page off at every byte.
func TestATruncatedPageStaysTruncated(t *testing.T) {
	for name, c := range map[string]coding{"gzip": gzipCoding, "zstd": zstdCoding} {
		full := encoded(c, []byte(doc+strings.Repeat("<p>some more of it, to have it compressed", 20)))
		t.Run(name, func(t *testing.T) {
			for cut := range full {
				want, _ := decodable(c, full[:cut])
				for _, pieces := range [][][]byte{whole(full[:cut]), byByte(full[:cut])} {
					s := through(t, codedHeader(name), pieces, false)
					pos, _, f := findPlace(want, 0, false)
					if f != found {
						if !bytes.Equal(s.body, full[:cut]) || s.header.Get("Etag") != `"a"` {
							t.Fatalf("cut at %d of %d: %q is not left alone", cut, len(full), want)
						}
						continue
					}
					got, err := decoded(c, s.body)
					if !errors.Is(err, io.ErrUnexpectedEOF) || !bytes.Equal(got, insertAt(want, pos)) {
						t.Fatalf("cut at %d of %d: %q (%v), want\n%q with the snippet", cut, len(full), got, err, want)
					}
				}
			}
		})
	}
}

// decodable returns what our decoders make of a body, and whether it is whole.
// Those of others may see a letter more or less before they notice the end.
func decodable(c coding, b []byte) (all []byte, clean bool) {
	d := newDecoder(c, func(p []byte) error {
		all = append(all, p...)
		return nil
	})
	err := d.write(b)
	return all, errors.Join(err, d.close()) == nil
}

func TestAPageThatIsBrokenBehindThePlaceEndsThereOrIsLeftAlone(t *testing.T) {
	for name, c := range map[string]coding{"gzip": gzipCoding, "zstd": zstdCoding} {
		var b bytes.Buffer
		enc, done := newEncoder(c, &b)
		_, _ = io.WriteString(enc, doc)
		_ = enc.Flush()
		done()
		begin, noise := b.Bytes(), bytes.Repeat([]byte{0xff}, 1000)
		t.Run(name+", nothing of it is out", func(t *testing.T) {
			body := append(bytes.Clone(begin), noise...)
			s := through(t, codedHeader(name), whole(body), false)
			if !bytes.Equal(s.body, body) || s.header.Get("Etag") != `"a"` {
				t.Errorf("%q, %v", s.body, s.header)
			}
		})
		t.Run(name+", its beginning is out", func(t *testing.T) {
			s := &sink{header: codedHeader(name)}
			w := NewWriter(s, "", theSnippet)
			_, _ = w.Write(begin)
			_ = w.FlushError()
			if _, err := w.Write(noise); err == nil {
				t.Error("the handler does not hear of it")
			}
			if _, err := w.Write([]byte("more")); err == nil {
				t.Error("the handler may go on")
			}
			w.Abort()
			if got, err := decoded(c, s.body); string(got) != docWithSnippet || err == nil {
				t.Errorf("%q, %v", got, err)
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

// TestABombStaysFlatInMemory decodes 1 GiB from 1 MiB.
func TestABombStaysFlatInMemory(t *testing.T) {
	const mib = 1 << 20
	size := 1024
	if testing.Short() || raceEnabled {
		size = 32
	}
	for name, begin := range map[string]string{"gzip": "<html><head>", "zstd": "<html><head>", "gzip without a place": "<!-- "} {
		t.Run(name, func(t *testing.T) {
			var body bytes.Buffer
			var enc io.WriteCloser = gzip.NewWriter(&body)
			if name == "zstd" {
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

			m := &meter{header: codedHeader(strings.Fields(name)[0])}
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
