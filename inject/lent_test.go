package inject

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"runtime"
	"strings"
	"testing"

	"github.com/klauspost/compress/zstd"
)

// thief is a ResponseWriter beside which others ask for pages, too: whenever it is
// written to, whatever is in the pool of held buffers is taken and filled.
type thief struct {
	sink
	taken []*[]byte
}

func (s *thief) Write(p []byte) (int, error) {
	for range 4 {
		b := heldBuffers.Get().(*[]byte)
		copy((*b)[:cap(*b)], bytes.Repeat([]byte("X"), cap(*b)))
		s.taken = append(s.taken, b)
	}
	return s.sink.Write(p)
}

// TestABufferIsNotGivenBackWhileItIsRead: the decoder reads on in what is held when
// the page's beginning has gone out.
func TestABufferIsNotGivenBackWhileItIsRead(t *testing.T) {
	var packed bytes.Buffer
	z, _ := zstd.NewWriter(&packed, zstd.WithEncoderConcurrency(1))
	var page []byte
	for _, part := range []string{"<!-- unusual --><html><head>", "<title>x</title>", strings.Repeat("<p>row", 100000), "<p>a", "<p>b", "<p>c"} {
		page = append(page, part...)
		_, _ = io.WriteString(z, part)
		_ = z.Flush() // a block of its own
	}
	_ = z.Close()
	for name, pieces := range map[string][][]byte{"at once": whole(packed.Bytes()), "byte by byte": byByte(packed.Bytes())} {
		t.Run(name, func(t *testing.T) {
			s := &thief{sink: sink{header: http.Header{"Content-Type": {"text/html; charset=utf-8"}, "Content-Encoding": {"zstd"}}}}
			w := NewWriter(s, "", theSnippet)
			for _, p := range pieces {
				if _, err := w.Write(p); err != nil {
					t.Fatal(err)
				}
			}
			if err := w.Finish(); err != nil {
				t.Fatal(err)
			}
			got, err := decoded(zstdCoding, s.body)
			if err != nil || len(s.taken) == 0 || !bytes.Equal(got, insertAt(page, place(page))) {
				t.Errorf("%d bytes of %d, %v", len(got), len(page), err)
			}
		})
	}
}

// TestNoDecoderStaysBehind: each is a coroutine with buffers of its own.
func TestNoDecoderStaysBehind(t *testing.T) {
	body := []byte("\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\xff" + strings.Repeat("\x00\x00\x00\xff\xff", 40<<10)) // nothing but empty blocks
	before := runtime.NumGoroutine()
	for range 20 {
		w := NewWriter(&brokenSink{sink{header: http.Header{"Content-Type": {"text/html"}, "Content-Encoding": {"gzip"}}}, io.ErrClosedPipe}, "", theSnippet)
		var err error
		for p := body; len(p) > 0 && err == nil; p = p[min(len(p), 4096):] {
			_, err = w.Write(p[:min(len(p), 4096)])
		}
		w.Abort()
		if !errors.Is(err, io.ErrClosedPipe) {
			t.Fatalf("error %v, want the client's", err)
		}
	}
	if after := runtime.NumGoroutine(); after > before {
		t.Errorf("%d goroutines more", after-before)
	}
}
