package inject

import (
	"bytes"
	"net/http"
	"testing"
)

// TestABodyNeedsNoWriter: a body knows the opening of its page and nothing of the
// Writer, whose phase is its own.
func TestABodyNeedsNoWriter(t *testing.T) {
	for name, c := range map[string]struct {
		coding coding
		passes bool // the rest, once the beginning is out
		want   []byte
	}{"uncoded": {identity, true, []byte(docWithSnippet)}, "gzip": {gzipCoding, false, spliced([]byte(doc))}, "zstd": {zstdCoding, true, spliced([]byte(doc))}} {
		t.Run(name, func(t *testing.T) {
			s := &sink{header: http.Header{"Content-Type": {"text/html"}}}
			page := &opening{out: s, insert: theSnippet, status: http.StatusOK}
			page.open(-1, contentType{charset: "utf-8"})
			var b body = uncoded{page}
			if c.coding != identity {
				b = newCoded(c.coding, page)
			}
			if err := b.write(encoded(c.coding, []byte(doc))); err != nil || b.passes() {
				t.Fatalf("%v, passes: %t", err, b.passes())
			}
			if ready, err := b.flush(); !ready || err != nil || b.passes() != c.passes {
				t.Fatalf("ready: %t, %v, passes: %t", ready, err, b.passes())
			}
			if !c.passes {
				if err := b.finish(); err != nil {
					t.Fatal(err)
				}
			}
			if got, err := decoded(c.coding, s.body); !bytes.Equal(got, c.want) || err != nil {
				t.Errorf("%q, %v", got, err)
			}
		})
	}
}
