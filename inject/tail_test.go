package inject

import (
	"bytes"
	"net/http"
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
			h := http.Header{"Content-Type": {"text/html"}, "Content-Encoding": {"gzip"}}
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
	const rest, crc, size = "the rest of the stream", "\x01\x02\x03\x04", "\x05\x00\x00\x00"
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
			if got := out.String(); got[:len(rest)] != rest || got[len(rest)+4:] != "\x0c\x00\x00\x00" {
				t.Errorf("cut at %d: %q", at, got)
			}
		}
	}
}
