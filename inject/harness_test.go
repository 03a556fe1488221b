package inject

import (
	"bytes"
	stdgzip "compress/gzip"
	"io"
	"math/rand/v2"
	"net/http"
	"slices"
	"strconv"
	"testing"

	"github.com/klauspost/compress/zstd"
)

// sink is the simplest http.ResponseWriter: it keeps what it gets.
type sink struct {
	header  http.Header
	status  int
	body    []byte
	writes  int
	flushes int
}

func (s *sink) Header() http.Header { return s.header }

func (s *sink) WriteHeader(status int) {
	if s.status == 0 {
		s.status = status
	}
}

func (s *sink) Write(p []byte) (int, error) {
	s.WriteHeader(http.StatusOK)
	s.writes++
	s.body = append(s.body, p...)
	return len(p), nil
}

func (s *sink) Flush() {
	s.WriteHeader(http.StatusOK)
	s.flushes++
}

// tag is the suffix of the pages that the tests make.
const tag = "-t1"

func theSnippet(dst []byte, _ http.Header) ([]byte, string) { return append(dst, snippet...), tag }

// theConstant is in the middle of the snippet, as the script is.
var theConstant = Pack(snippet[len("<script>") : len(snippet)-len("</script>")])

// through sends pieces through a Writer as a handler does, flushing after each
// piece or never, and returns what comes out.
func through(t testing.TB, h http.Header, pieces [][]byte, flush bool) *sink {
	t.Helper()
	s := &sink{header: h}
	w := NewWriter(s, "", theSnippet)
	w.Carry(theConstant)
	w.WriteHeader(http.StatusOK)
	for _, p := range pieces {
		if n, err := w.Write(p); n != len(p) || err != nil {
			t.Fatalf("writing %d bytes: %d, %v", len(p), n, err)
		}
		if flush {
			if err := w.FlushError(); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := w.Finish(); err != nil {
		t.Fatal(err)
	}
	return s
}

// spliced is the second form that a page may get, beside that of insertAt: a
// coded one that begins as a plain one has its beginning and the snippet in front.
func spliced(doc []byte) []byte {
	pos, ok := plainHead(doc)
	if !ok {
		panic("this document cannot be spliced")
	}
	return []byte(string(doc[:pos]) + snippet + string(doc))
}

// formed returns the form that a page in this coding gets whose header names no
// charset.
func formed(c coding, doc []byte, pos int) []byte {
	if c != identity && (declaredIn(doc) != "" || bytes.HasPrefix(doc, []byte(utf8BOM))) {
		return formedOfKnown(doc, pos)
	}
	return insertAt(doc, pos)
}

// formedOfKnown returns the form that a page in a coding gets whose charset is known.
func formedOfKnown(doc []byte, pos int) []byte {
	if _, ok := plainHead(doc); ok {
		return spliced(doc)
	}
	return insertAt(doc, pos)
}

// isFormed reports whether a page has one of the two forms.
func isFormed(got, doc []byte, pos int) bool {
	_, ok := plainHead(doc)
	return bytes.Equal(got, insertAt(doc, pos)) || ok && bytes.Equal(got, spliced(doc))
}

// whole, byByte, cut and split are ways to cut a body up.
func whole(b []byte) [][]byte { return [][]byte{b} }

func byByte(b []byte) [][]byte { return slices.Collect(slices.Chunk(b, 1)) }

// cut cuts at these places.
func cut(b []byte, places ...int) [][]byte {
	var pieces [][]byte
	from := 0
	for _, to := range places {
		to = min(to, len(b))
		pieces = append(pieces, b[from:to])
		from = to
	}
	return append(pieces, b[from:])
}

// noise is a document that begins so and has as much text behind it, which can be
// compressed by half.
func noise(begin string, n int) []byte {
	r := rand.New(rand.NewPCG(uint64(n), 0))
	doc := []byte(begin)
	for range n {
		doc = append(doc, "abcdefghijklmnop"[r.IntN(16)])
	}
	return doc
}

func split(b []byte, seed uint64) [][]byte {
	r := rand.New(rand.NewPCG(seed, 0))
	var pieces [][]byte
	for len(b) > 0 {
		n := min(r.IntN(1<<r.IntN(12)), len(b)) // empty ones too
		pieces = append(pieces, b[:n])
		b = b[n:]
	}
	return pieces
}

// encoded puts a content coding on.
func encoded(c coding, b []byte) []byte {
	var out bytes.Buffer
	switch c {
	case gzipCoding:
		w := stdgzip.NewWriter(&out)
		_, _ = w.Write(b)
		_ = w.Close()
	case zstdCoding:
		w, _ := zstd.NewWriter(&out, zstd.WithEncoderConcurrency(1))
		_, _ = w.Write(b)
		_ = w.Close()
	default:
		out.Write(b)
	}
	return out.Bytes()
}

// decoded takes it off again, as far as that goes.
func decoded(c coding, b []byte) ([]byte, error) {
	var r io.Reader = bytes.NewReader(b)
	switch c {
	case gzipCoding:
		z, err := stdgzip.NewReader(r)
		if err != nil {
			return nil, err
		}
		r = z
	case zstdCoding:
		z, err := zstd.NewReader(r, zstd.WithDecoderConcurrency(1))
		if err != nil {
			return nil, err
		}
		defer z.Close()
		r = z
	}
	return io.ReadAll(r)
}

// codedHeader is the header of a page with this body.
func codedHeader(name string, body []byte) http.Header {
	return http.Header{
		"Content-Type": {"text/html; charset=utf-8"}, "Content-Encoding": {name},
		"Content-Length": {strconv.Itoa(len(body))}, "Etag": {`"a"`},
	}
}

// codingName is the name of a content coding.
func codingName(c coding) string {
	return map[coding]string{identity: "", gzipCoding: "gzip", zstdCoding: "zstd"}[c]
}

// decodingReader decodes what arrives.
func decodingReader(t testing.TB, c coding, r io.Reader) io.Reader {
	t.Helper()
	if c == gzipCoding {
		z, err := stdgzip.NewReader(r)
		if err != nil {
			t.Fatal(err)
		}
		return z
	}
	z, err := zstd.NewReader(r, zstd.WithDecoderConcurrency(1))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(z.Close)
	return z
}

// flusher is an encoder of upstream's.
type flusher interface {
	io.WriteCloser
	Flush() error
}

// upstreamEncoder returns an encoder that streams; done lets its goroutines end.
func upstreamEncoder(c coding, w io.Writer) (e flusher, done func()) {
	if c == zstdCoding {
		z, _ := zstd.NewWriter(w, zstd.WithEncoderConcurrency(1))
		return z, func() { z.Reset(io.Discard) }
	}
	return stdgzip.NewWriter(w), func() {}
}
