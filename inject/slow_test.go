package inject

import (
	"bytes"
	"net/http"
	"runtime"
	"testing"

	"github.com/klauspost/compress/zstd"
)

// stuck is a ResponseWriter whose client does not read: the first write waits.
type stuck struct {
	header  http.Header
	reached chan<- struct{}
	leave   <-chan struct{}
	after   int // bytes that still go out at once
}

func (s *stuck) Header() http.Header { return s.header }
func (s *stuck) WriteHeader(int)     {}

func (s *stuck) Write(p []byte) (int, error) {
	if s.after -= len(p); s.after < 0 && s.reached != nil {
		s.reached <- struct{}{}
		s.reached = nil
		<-s.leave
	}
	return len(p), nil
}

// TestAReaderThatDoesNotReadHoldsLittle measures the heap that pages hold while
// their clients do not read, beyond what the same pages hold without us.
func TestAReaderThatDoesNotReadHoldsLittle(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector has a heap of its own")
	}
	const readers = 40
	for name, c := range map[string]struct {
		coding coding
		begin  string
		most   uint64 // KiB a page
	}{
		"uncoded":         {identity, doc, 100},
		"gzip spliced":    {gzipCoding, doc, 260},
		"gzip transcoded": {gzipCoding, unusual, 260},
		"zstd transcoded": {zstdCoding, unusual, 700},
	} {
		t.Run(name, func(t *testing.T) {
			body := encoded(c.coding, noise(c.begin, 600_000))
			if c.coding == zstdCoding { // as Caddy's encode makes it; what a window of 8 MiB costs is bounded for all pages together
				var b bytes.Buffer
				z, _ := zstd.NewWriter(&b, zstd.WithEncoderConcurrency(1), zstd.WithWindowSize(128<<10))
				_, _ = z.Write(noise(c.begin, 600_000))
				_ = z.Close()
				body = b.Bytes()
			}
			reached, leave, done := make(chan struct{}), make(chan struct{}), make(chan struct{})
			runtime.GC()
			runtime.GC() // empties the pools
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			for range readers {
				go func() {
					w := NewWriter(&stuck{header: codedHeader(codingName(c.coding), body), reached: reached, leave: leave, after: 100_000}, "", theSnippet)
					for p := body; len(p) > 0; p = p[min(len(p), 32<<10):] {
						_, _ = w.Write(p[:min(len(p), 32<<10)])
					}
					_ = w.Finish()
					done <- struct{}{}
				}()
			}
			for range readers {
				<-reached
			}
			runtime.GC()
			runtime.GC()
			runtime.ReadMemStats(&after)
			held := (after.HeapAlloc + after.StackInuse - before.HeapAlloc - before.StackInuse) / readers >> 10
			t.Logf("%d KiB a page", held)
			if held > c.most {
				t.Errorf("%d KiB a page, want at most %d", held, c.most)
			}
			close(leave)
			for range readers {
				<-done
			}
		})
	}
}

// TestWindowsAreBoundedForAllPages: what is too much passes unsigned, as it came.
func TestWindowsAreBoundedForAllPages(t *testing.T) {
	body := encoded(zstdCoding, []byte(unusual))
	serve := func(end func(*Writer)) (Outcome, []byte) {
		s := &sink{header: codedHeader("zstd", body)}
		w := NewWriter(s, "", theSnippet)
		for _, p := range byByte(body) {
			_, _ = w.Write(p)
		}
		end(w)
		return w.Outcome(), s.body
	}
	finish := func(w *Writer) { _ = w.Finish() }
	if !takeWindow(maxWindows) {
		t.Fatalf("%d bytes are taken", windows.Load())
	}
	if outcome, got := serve(finish); outcome != Busy || !bytes.Equal(got, body) {
		t.Errorf("outcome %v, %d bytes of %d", outcome, len(got), len(body))
	}
	windows.Add(-maxWindows)
	for _, end := range []func(*Writer){finish, (*Writer).Abort, func(w *Writer) { _ = w.FlushError(); w.Abort() }} {
		if outcome, _ := serve(end); outcome != Inserted {
			t.Errorf("outcome %v", outcome)
		}
	}
	if n := windows.Load(); n != 0 {
		t.Errorf("%d bytes have not been given back", n)
	}
}
