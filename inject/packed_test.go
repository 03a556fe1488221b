package inject

import (
	"bytes"
	"fmt"
	"net/http"
	"strings"
	"testing"
)

func TestASplicedPageCarriesWhatAllHaveInCommonCompressed(t *testing.T) {
	script := strings.Repeat("function f (a, b) { return a + b }\n", 90)
	common := "<head><title>x</title></head>"
	for name, c := range map[string]struct {
		snippet, constant string
		most              int // bytes that the page grows by
	}{
		"the text in the middle":      {"<script>" + script + "({data})</script>", script, 250},
		"the text alone":              {script, script, 200},
		"the text first":              {script + "</script>", script, 220},
		"the text twice":              {script + script, script, 200 + len(script)},
		"another text":                {"<script>1</script>", script, 100},
		"a text that is cut off":      {script[:len(script)-1], script, 100 + len(script)},
		"no text":                     {"<script>1</script>", "", 100},
		"a text of the page's own":    {"<script>1</script>", common, 100},
		"a text of more than a block": {strings.Repeat("0123456789", 20000), strings.Repeat("0123456789", 20000), 1000},
	} {
		for _, known := range []bool{true, false} {
			t.Run(fmt.Sprint(name, known), func(t *testing.T) {
				doc := noise("<!DOCTYPE html><html>"+common, 4000)
				body := encoded(gzipCoding, doc)
				h := codedHeader("gzip", body)
				if !known {
					delete(h, "Content-Length")
				}
				s := &sink{header: h}
				w := NewWriter(s, "", func(dst []byte, _ http.Header) ([]byte, string) { return append(dst, c.snippet...), "" })
				w.Carry(Pack(c.constant))
				if _, err := w.Write(body); err != nil {
					t.Fatal(err)
				}
				if err := w.Finish(); err != nil {
					t.Fatal(err)
				}
				got, err := decoded(gzipCoding, s.body) // it looks at checksum and size
				head := "<!DOCTYPE html><html><head>"
				if want := head + c.snippet + string(doc); err != nil || string(got) != want {
					t.Errorf("%d bytes (%v), want %d", len(got), err, len(want))
				}
				if more := len(s.body) - len(body); more > c.most {
					t.Errorf("it grew by %d bytes, want at most %d", more, c.most)
				}
				if length := s.header.Get("Content-Length"); known && length != fmt.Sprint(len(s.body)) {
					t.Errorf("Content-Length %s, but %d bytes", length, len(s.body))
				}
			})
		}
	}
}

// FuzzPacked proves that a packed text reads as the text, wherever it stands.
func FuzzPacked(f *testing.F) {
	f.Add([]byte("({data})"), "(function(){})", uint16(1))
	f.Add([]byte(nil), "", uint16(0))
	f.Fuzz(func(t *testing.T, around []byte, text string, at uint16) {
		i := int(at) % (len(around) + 1)
		payload := append(append(bytes.Clone(around[:i]), text...), around[i:]...)
		p := Pack(text)
		start := appendGzipStart(nil, payload, p)
		if size := gzipStartSize(payload, p); size != len(start) {
			t.Fatalf("%d bytes announced, %d written", size, len(start))
		}
		if got := inflate(make([]byte, len(payload)+1), start[gzipHeaderSize:]); !bytes.Equal(got, payload) {
			t.Fatalf("%q, want %q", got, payload)
		}
	})
}
