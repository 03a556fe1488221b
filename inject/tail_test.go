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
)

// TestWhatIsCutOffKeepsItsLastBytes: they are held as if they were the trailer.
func TestWhatIsCutOffKeepsItsLastBytes(t *testing.T) {
	doc := noise(doc, 2000)
	body := encoded(gzipCoding, doc)
	part := body[:len(body)-50]
	for name, c := range map[string]struct {
		known bool
		end   func(*Writer)
	}{
		"by a panic, with a known length":         {true, (*Writer).Abort},
		"by a panic, without":                     {false, (*Writer).Abort},
		"by an early return, with a known length": {true, func(w *Writer) { _ = w.Finish() }},
		"by an early return, without":             {false, func(w *Writer) { _ = w.Finish() }},
	} {
		t.Run(name, func(t *testing.T) {
			h := http.Header{"Content-Type": {"text/html; charset=utf-8"}, "Content-Encoding": {"gzip"}}
			if c.known {
				h["Content-Length"] = []string{strconv.Itoa(len(body))}
			}
			for _, pieces := range [][][]byte{whole(part), byByte(part)} {
				s := &sink{header: h.Clone()}
				w := NewWriter(s, "", theSnippet)
				for _, p := range pieces {
					_, _ = w.Write(p)
				}
				c.end(w)
				if !bytes.HasSuffix(s.body, part[gzipHeaderSize:]) {
					t.Error("the last bytes are missing, or changed")
				}
			}
		})
	}
}

// TestATrailerThatComesInPiecesIsHeld lets nothing of it go out before all of it
// is there.
func TestATrailerThatComesInPiecesIsHeld(t *testing.T) {
	const rest, crc, size = "the \xfe rest of \xfe the stream \xfe", "\x01\x02\x03\x04", "\x28\x00\x00\x00"
	for _, left := range []int64{int64(len(rest) + gzipTrailerSize), -1} {
		for at := range gzipTrailerSize {
			var out bytes.Buffer
			tail := newGzipTail(&out, []byte("payload"), left)
			for _, p := range cut([]byte(rest+crc+size), len(rest)+at) {
				_, _ = tail.Write(p)
				_ = tail.flush()
			}
			if err := tail.finish(); err != nil || out.Len() != len(rest)+gzipTrailerSize {
				t.Fatalf("%d bytes, %v", out.Len(), err)
			}
			if got := out.String(); got[:len(rest)] != rest || got[len(rest)+4:] != "\x2f\x00\x00\x00" {
				t.Errorf("cut at %d: %q", at, got)
			}
		}
	}
}

// tails are what stands behind a gzip member in the field.
func tails() map[string][]byte {
	page := noise("<p>", 3000)
	return map[string][]byte{
		"nothing":                {},
		"another member":         encoded(gzipCoding, page),
		"an empty member":        encoded(gzipCoding, nil),
		"two members":            append(encoded(gzipCoding, page), encoded(gzipCoding, page)...),
		"half a member":          encoded(gzipCoding, page)[:500],
		"a member and zeros":     append(encoded(gzipCoding, page), make([]byte, 600)...),
		"a line feed":            []byte("\n"),
		"a zero":                 {0},
		"zeros":                  make([]byte, 12),
		"a block of zeros":       make([]byte, 10240),
		"a comment":              []byte("<!-- served by x in 3 ms -->"),
		"a comment in Chinese":   []byte("<!-- 由缓存插件在三毫秒内生成，欢迎再次光临本站 -->"),
		"a page in Chinese":      bytes.Repeat([]byte("<p class=\"warning\">警告：未定义的变量</p>\n"), 200),
		"half a magic number":    {0x1F},
		"a magic number":         {0x1F, 0x8B},
		"what is no header":      []byte("\x1f\x8b\x08\xe0 and so on"),
		"a header that is wrong": []byte("\x1f\x8b\x08\x02\x00\x00\x00\x00\x00\xff\x01\x02 and so on"),
	}
}

// TestWhatStandsBehindAMemberIsPassedOnAsItCame, and the member itself ends well.
func TestWhatStandsBehindAMemberIsPassedOnAsItCame(t *testing.T) {
	for name, tail := range tails() {
		for way, long := range map[string][]byte{
			"spliced": noise(doc, 3000), "spliced, large": noise(doc, 60000), "spliced, larger than what is kept": noise(doc, 300000),
			"transcoded": noise(unusual, 3000),
		} {
			if raceEnabled && len(long) > 100000 {
				continue
			}
			t.Run(name+" "+way, func(t *testing.T) {
				member := encoded(gzipCoding, long)
				body := append(member, tail...)
				ways := [][][]byte{whole(body), cut(body, 600), cut(body, 600, len(member)-3), cut(body, 600, len(member)), cut(body, 600, len(member)+5), split(body, 1)}
				if len(body) < 5000 {
					ways = append(ways, byByte(body))
				}
				for i, pieces := range ways {
					for _, known := range []bool{true, false} {
						checkTail(t, long, body, tail, pieces, known, i > 4)
					}
				}
			})
		}
	}
}

func checkTail(t *testing.T, page, body, tail []byte, pieces [][]byte, known, flush bool) {
	t.Helper()
	h := codedHeader("gzip", body)
	if !known {
		delete(h, "Content-Length")
	}
	s := through(t, h, pieces, flush)
	r := bytes.NewReader(s.body)
	z, err := stdgzip.NewReader(r)
	if err != nil {
		t.Fatal(err)
	}
	z.Multistream(false)
	got, err := io.ReadAll(z)
	behind := s.body[len(s.body)-r.Len():]
	if length := s.header.Get("Content-Length"); length != "" && length != strconv.Itoa(len(s.body)) {
		t.Errorf("Content-Length %s, but %d bytes", length, len(s.body))
	}
	if _, plain := plainHead(page); !plain { // further members have become one with it
		all, _ := decodable(gzipCoding, body)
		if want := insertAt(all, place(page)); !bytes.Equal(got, want) && !bytes.HasPrefix(want, got) || err != nil && !bytes.Contains(tail, []byte{0x1F, 0x8B, 8}) {
			t.Errorf("%d bytes, want %d, %v", len(got), len(want), err)
		}
		if i := bytes.LastIndexByte(tail, 0x1F); i < 0 && !bytes.Equal(behind, tail) {
			t.Errorf("%q behind it, want %q", behind, tail)
		}
		return
	}
	if !bytes.Equal(got, spliced(page)) || err != nil {
		t.Errorf("%d bytes, want %d, %v", len(got), len(spliced(page)), err)
	}
	if !bytes.Equal(behind, tail) {
		t.Errorf("%d bytes behind it, want %d", len(behind), len(tail))
	}
}

// TestAPageWithoutAHintIsNotDecoded: that would cost more than all else.
func TestAPageWithoutAHintIsNotDecoded(t *testing.T) {
	decoded := 0
	for seed := range 50 {
		body := encoded(gzipCoding, noise(doc, 20000+seed))[gzipHeaderSize:]
		for _, left := range []int64{int64(len(body)), -1} {
			tail := newGzipTail(io.Discard, []byte("payload"), left)
			for _, p := range split(body, uint64(seed)) {
				_, _ = tail.Write(p)
			}
			_ = tail.finish()
			if tail.end != nil {
				decoded++
			}
		}
	}
	if decoded > 1 { // one may look like it by chance
		t.Errorf("%d of 100 pages were decoded", decoded)
	}
}

func BenchmarkTail(b *testing.B) {
	body := encoded(gzipCoding, noise(doc, 30000))[gzipHeaderSize:]
	for name, tail := range map[string][]byte{"nothing behind it": nil, "a line feed behind it": []byte("\n")} {
		data := append(slices.Clip(body), tail...)
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				tail := newGzipTail(io.Discard, []byte("payload"), int64(len(data)))
				_, _ = tail.Write(data)
			}
		})
	}
}

// TestAHintIsARunOfWordsWithoutHighBytes compares with the simple way to look for it.
func TestAHintIsARunOfWordsWithoutHighBytes(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	hints := 0
	for range 20000 {
		data := make([]byte, random.IntN(120))
		for i := range data {
			if random.IntN(16) == 0 {
				data[i] = 0x80
			}
		}
		run, want := 0, false
		for i := 0; i+8 <= len(data); i += 8 {
			if run++; slices.Max(data[i:i+8]) >= 0x80 {
				run = 0
			}
			want = want || run == hintSize/8
		}
		if want {
			hints++
		}
		if got := hintsAtEnd(data); got != want {
			t.Fatalf("%x: %t, want %t", data, got, want)
		}
	}
	if hints < 1000 {
		t.Errorf("only %d hints", hints)
	}
}
