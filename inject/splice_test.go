package inject

import (
	"bytes"
	stdgzip "compress/gzip"
	"fmt"
	"hash/crc32"
	"io"
	"net/http"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
	"golang.org/x/net/html"
)

// compressor is a way in which upstream may compress.
type compressor struct {
	name   string
	coding coding
	open   func(w io.Writer) io.WriteCloser
}

// compress compresses pieces, with a flush behind each but the last.
func (c compressor) compress(t testing.TB, pieces [][]byte) []byte {
	t.Helper()
	var b bytes.Buffer
	w := c.open(&b)
	for i, p := range pieces {
		_, _ = w.Write(p)
		if f, ok := w.(interface{ Flush() error }); ok && i < len(pieces)-1 {
			_ = f.Flush()
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func compressors() (all []compressor) {
	for level := stdgzip.HuffmanOnly; level <= stdgzip.BestCompression; level++ {
		all = append(all, compressor{fmt.Sprintf("standard gzip %d", level), gzipCoding, func(w io.Writer) io.WriteCloser {
			z, _ := stdgzip.NewWriterLevel(w, level)
			return z
		}})
	}
	for level := gzip.StatelessCompression; level <= gzip.BestCompression; level++ {
		all = append(all, compressor{fmt.Sprintf("klauspost gzip %d", level), gzipCoding, func(w io.Writer) io.WriteCloser {
			z, _ := gzip.NewWriterLevel(w, level)
			return z
		}})
	}
	all = append(all, compressor{"gzip with a name, a comment and more", gzipCoding, func(w io.Writer) io.WriteCloser {
		z := stdgzip.NewWriter(w)
		z.Name, z.Comment, z.Extra, z.OS = "index.html", "a page", []byte("extra"), 3
		return z
	}})
	for _, level := range []zstd.EncoderLevel{zstd.SpeedFastest, zstd.SpeedDefault, zstd.SpeedBetterCompression, zstd.SpeedBestCompression} {
		for _, checksum := range []bool{true, false} {
			all = append(all, compressor{fmt.Sprintf("zstd %v, checksum %t", level, checksum), zstdCoding, func(w io.Writer) io.WriteCloser {
				z, _ := zstd.NewWriter(w, zstd.WithEncoderLevel(level), zstd.WithEncoderCRC(checksum), zstd.WithEncoderConcurrency(1), zstd.WithWindowSize(64<<10))
				return z
			}})
		}
	}
	return append(all,
		compressor{"zstd in one segment with its size", zstdCoding, func(w io.Writer) io.WriteCloser { return &oneFrame{w: w} }},
		compressor{"zstd in frames", zstdCoding, func(w io.Writer) io.WriteCloser { return frames{w} }},
	)
}

// oneFrame knows the size of what it compresses.
type oneFrame struct {
	w io.Writer
	b []byte
}

func (f *oneFrame) Write(p []byte) (int, error) { f.b = append(f.b, p...); return len(p), nil }

func (f *oneFrame) Close() error {
	z, _ := zstd.NewWriter(nil, zstd.WithSingleSegment(true), zstd.WithEncoderConcurrency(1))
	_, err := f.w.Write(z.EncodeAll(f.b, nil))
	return err
}

// frames makes a frame of each write.
type frames struct{ w io.Writer }

func (f frames) Write(p []byte) (int, error) {
	_, err := f.w.Write(encoded(zstdCoding, p))
	return len(p), err
}

func (f frames) Close() error { return nil }

// checkSplice sends a compressed document through a Writer and checks all of what
// comes out.
func checkSplice(t testing.TB, c compressor, doc, body []byte, known bool, pieces func([]byte) [][]byte, flush bool) *sink {
	t.Helper()
	h := http.Header{"Content-Type": {"text/html; charset=utf-8"}, "Content-Encoding": {codingName(c.coding)}}
	if known {
		h["Content-Length"] = []string{strconv.Itoa(len(body))}
	}
	s := through(t, h, pieces(body), flush)
	got, err := decoded(c.coding, s.body)
	if err != nil {
		t.Fatalf("%s: %v", c.name, err)
	}
	pos, _ := plainHead(doc)
	if c.name == "zstd in frames" && isFormed(got, doc, pos) {
		return s // its first frames may hold little more than headers
	}
	if !bytes.Equal(got, spliced(doc)) {
		t.Fatalf("%s: %d bytes %.200q, want %d", c.name, len(got), got, len(spliced(doc)))
	}
	want := ""
	if known {
		want = strconv.Itoa(len(s.body))
	}
	if length := s.header.Get("Content-Length"); length != want {
		t.Fatalf("%s: Content-Length %s, want %q", c.name, length, want)
	}
	return s
}

// firstWrites are the sizes of what upstream writes first.
var firstWrites = []int{1, 9, 10, 11, 100, 511, 512, 2000}

func TestAnyCompressedPageIsSpliced(t *testing.T) {
	docs := make(map[int][]byte)
	for _, size := range []int{0, 300, 5000, 70000} {
		if size < 70000 || !raceEnabled {
			docs[size] = noise(doc, size)
		}
	}
	for _, c := range compressors() {
		t.Run(c.name, func(t *testing.T) {
			for size, doc := range docs {
				body := c.compress(t, cut(doc, 5, 20, 60))
				checkSplice(t, c, doc, body, false, func(b []byte) [][]byte { return cut(b, 4000, 36000) }, false)
				for _, known := range []bool{true, false} {
					checkSplice(t, c, doc, body, known, whole, false)
					if size == 300 {
						checkSplice(t, c, doc, body, known, byByte, known)
					}
				}
				for i, first := range firstWrites {
					if size == 5000 {
						checkSplice(t, c, doc, body, i%2 == 0, func(b []byte) [][]byte { return cut(b, first) }, false)
					}
				}
			}
		})
	}
}

// gzipHeaders are headers with each set of optional fields.
func gzipHeaders() (all [][]byte) {
	for flags := range byte(32) {
		h := []byte{0x1F, 0x8B, 8, flags, 1, 2, 3, 4, 2, 3}
		if flags&4 != 0 {
			h = append(h, 5, 0, 1, 0, 2, 3, 4)
		}
		if flags&8 != 0 {
			h = append(h, "index.html\x00"...)
		}
		if flags&16 != 0 {
			h = append(h, "a page\x00"...)
		}
		if flags&2 != 0 {
			sum := crc32.ChecksumIEEE(h)
			h = append(h, byte(sum), byte(sum>>8))
		}
		all = append(all, h)
	}
	return all
}

func TestAGzipHeaderIsReadWithAllItsFields(t *testing.T) {
	doc := noise(doc, 1000)
	rest := encoded(gzipCoding, doc)[gzipHeaderSize:]
	c := compressor{name: "gzip", coding: gzipCoding}
	for _, h := range gzipHeaders() {
		t.Run(fmt.Sprintf("flags %05b", h[3]), func(t *testing.T) {
			body := slices.Concat(h, rest)
			for end := range h {
				if _, f := gzipHeader(h[:end]); f != needMore {
					t.Errorf("%d of %d bytes: %v", end, len(h), f)
				}
			}
			if n, f := gzipHeader(body); n != len(h) || f != found {
				t.Errorf("%d bytes, want %d", n, len(h))
			}
			for _, known := range []bool{true, false} {
				checkSplice(t, c, doc, body, known, byByte, false)
				checkSplice(t, c, doc, body, known, whole, false)
			}
		})
	}
}

func TestCommandLineToolsTakeASplicedPage(t *testing.T) {
	for _, c := range compressors() {
		tool := codingName(c.coding)
		t.Run(c.name, func(t *testing.T) {
			if _, err := exec.LookPath(tool); err != nil {
				if os.Getenv("CODED_TOOLS") == "required" {
					t.Fatal(err)
				}
				t.Skipf("%s is not installed: apt-get install %s, or set CODED_TOOLS=required to fail here", tool, tool)
			}
			doc := noise(doc, 3000)
			s := checkSplice(t, c, doc, c.compress(t, whole(doc)), true, whole, false)
			cmd := exec.CommandContext(t.Context(), tool, "-t", "-")
			cmd.Stdin = bytes.NewReader(s.body)
			if out, err := cmd.CombinedOutput(); err != nil {
				t.Errorf("%v: %s", err, out)
			}
		})
	}
}

// TestABigSnippetIsSplicedToo: a stored block holds 65535 bytes, a raw one of zstd
// 131072.
func TestABigSnippetIsSplicedToo(t *testing.T) {
	pos, _ := plainHead([]byte(doc))
	for _, c := range []coding{gzipCoding, zstdCoding} {
		for _, size := range []int{maxStored, maxStored + 1, maxZstdBlock, maxZstdBlock + 1, 300000} {
			t.Run(fmt.Sprint(codingName(c), size), func(t *testing.T) {
				big := strings.Repeat("x", size-pos)
				body := encoded(c, []byte(doc))
				s := &sink{header: codedHeader(codingName(c), body)}
				w := NewWriter(s, "", func(dst []byte, _ http.Header) ([]byte, string) { return append(dst, big...), "" })
				_, err := w.Write(body)
				if err != nil || w.Finish() != nil {
					t.Fatal(err)
				}
				got, err := decoded(c, s.body)
				if string(got) != doc[:pos]+big+doc || err != nil {
					t.Errorf("%d bytes, %v", len(got), err)
				}
				if length := s.header.Get("Content-Length"); length != strconv.Itoa(len(s.body)) {
					t.Errorf("Content-Length %s, but %d bytes", length, len(s.body))
				}
			})
		}
	}
}

// TestAFlushOfACodedPageSendsAllOfIt looks at what is out after each flush.
func TestAFlushOfACodedPageSendsAllOfIt(t *testing.T) {
	for _, c := range compressors() {
		t.Run(c.name, func(t *testing.T) {
			s := &sink{header: http.Header{"Content-Type": {"text/html; charset=utf-8"}, "Content-Encoding": {codingName(c.coding)}}}
			w := NewWriter(s, "", theSnippet)
			z := c.open(w)
			f, ok := z.(interface{ Flush() error })
			if !ok {
				t.Skip("it does not flush")
			}
			for i := 10; i <= len(doc); i += 5 {
				_, _ = io.WriteString(z, doc[max(0, i-5)*min(1, i-10):i])
				if err := f.Flush(); err != nil {
					t.Fatal(err)
				}
				if err := w.FlushError(); err != nil {
					t.Fatal(err)
				}
				if _, ok := plainHead([]byte(doc[:i])); !ok {
					continue
				}
				if got, _ := decoded(c.coding, s.body); !bytes.Equal(got, spliced([]byte(doc[:i]))) {
					t.Fatalf("%q is out of %q", got, doc[:i])
				}
			}
		})
	}
}

// TestAFlushWithinTheTrailerKeepsIt: what is held then is no mark.
func TestAFlushWithinTheTrailerKeepsIt(t *testing.T) {
	doc := noise(doc, 600)
	body := encoded(gzipCoding, doc)
	for n := range 20 {
		for _, known := range []bool{true, false} {
			checkSplice(t, compressor{"gzip", gzipCoding, nil}, doc, body, known, func(b []byte) [][]byte { return cut(b, len(b)-n) }, true)
		}
	}
}

func TestACodedPagesCharsetIsNamedHoweverItIsWritten(t *testing.T) {
	begin := "<!DOCTYPE html><html><head>" + strings.Repeat(" ", 300) + "<meta charset=gbk>"
	for _, c := range []coding{gzipCoding, zstdCoding} {
		body := encoded(c, noise(begin, 3000))
		ways := map[string][][]byte{"whole": whole(body), "byte by byte": byByte(body)}
		for _, first := range firstWrites {
			ways[fmt.Sprintf("first %d", first)] = cut(body, first)
		}
		for way, pieces := range ways {
			t.Run(codingName(c)+" "+way, func(t *testing.T) {
				s := through(t, http.Header{"Content-Type": {"text/html"}, "Content-Encoding": {codingName(c)}}, pieces, false)
				if got := s.header.Get("Content-Type"); got != "text/html; charset=gbk" {
					t.Error(got)
				}
				if got, err := decoded(c, s.body); !bytes.Equal(got, spliced(noise(begin, 3000))) || err != nil {
					t.Errorf("%.100q, %v", got, err)
				}
			})
		}
	}
}

// TestASplicedTreeHasOnlyWhiteSpaceMore parses what the splice makes of a
// document: beside our script there is only the white space of its beginning,
// right behind it.
func TestASplicedTreeHasOnlyWhiteSpaceMore(t *testing.T) {
	docs := corpus(t)
	for name, doc := range documents {
		docs[name], _ = unmark(doc)
	}
	proved := 0
	for name, doc := range docs {
		if _, ok := plainHead(doc); !ok {
			continue
		}
		proved++
		t.Run(name, func(t *testing.T) { proveSplice(t, doc) })
	}
	if proved < 50 {
		t.Errorf("only %d documents are plain", proved)
	}
}

func proveSplice(t testing.TB, doc []byte) {
	t.Helper()
	pos, _ := plainHead(doc)
	for _, scripting := range []bool{true, false} {
		want := parse(t, doc, scripting)
		got := parse(t, spliced(doc), scripting)
		ours := firstScript(got)
		if ours == nil || ours.FirstChild == nil || ours.FirstChild.Data != "window.ours=1" {
			t.Fatalf("the first script of %q is not ours", spliced(doc))
		}
		head := ours.Parent
		if head.Data != "head" || head.FirstChild != ours {
			t.Fatalf("our script is not the first in head: %q", spliced(doc))
		}
		if space := spaceOf(doc[:pos]); space != "" {
			text := ours.NextSibling
			if text == nil || text.Type != html.TextNode || !strings.HasPrefix(text.Data, space) {
				t.Fatalf("%q does not follow our script: %q", space, spliced(doc))
			}
			if text.Data = text.Data[len(space):]; text.Data == "" {
				head.RemoveChild(text)
			}
		}
		head.RemoveChild(ours)
		if a, b := outline(want), outline(got); a != b {
			t.Fatalf("the trees differ\ndocument:\n%q\nwithout:\n%s\nwith:\n%s", spliced(doc), a, b)
		}
	}
}

// spaceOf returns the white space between the tags of a plain beginning, as a
// parser has it.
func spaceOf(begin []byte) string {
	var space strings.Builder
	z := html.NewTokenizer(bytes.NewReader(begin))
	for tt := z.Next(); tt != html.ErrorToken; tt = z.Next() {
		if tt == html.TextToken {
			space.Write(z.Text())
		}
	}
	return space.String()
}

// TestACodedBeginningIsNotLookedAtAtEachWrite counts the bytes that are decoded to
// find the place while a page comes byte by byte.
func TestACodedBeginningIsNotLookedAtAtEachWrite(t *testing.T) {
	const emptyBlock = "\x00\x00\x00\xff\xff"
	var begin bytes.Buffer
	z := stdgzip.NewWriter(&begin)
	_, _ = io.WriteString(z, "<html><head>")
	_ = z.Flush()
	for name, body := range map[string]string{
		"the place is found, the charset is not": begin.String() + strings.Repeat(emptyBlock, 12000),
		"a gzip header that never ends":          "\x1f\x8b\x08\x10\x00\x00\x00\x00\x00\xff" + strings.Repeat("x", 60000),
		"no place comes":                         begin.String()[:10] + strings.Repeat(emptyBlock, 12000),
	} {
		t.Run(name, func(t *testing.T) {
			page := &opening{out: &sink{header: http.Header{"Content-Type": {"text/html"}}}, insert: theSnippet, status: http.StatusOK}
			page.open(-1, contentType{value: "text/html"})
			c := newCoded(gzipCoding, page)
			looks, sum, last := 0, 0, 0
			for _, p := range byByte([]byte(body)) {
				if c.passes() {
					break
				}
				if err := c.write(p); err != nil {
					t.Fatal(err)
				}
				if c.looked != last {
					looks, sum, last = looks+1, sum+c.looked, c.looked
				}
			}
			c.abort()
			if sum > 2*len(body)+minPeeked*minPeeked {
				t.Errorf("%d bytes looked at of %d, in %d looks", sum, len(body), looks)
			}
			t.Logf("%d bytes looked at of %d, in %d looks", sum, len(body), looks)
		})
	}
}
