package inject

import (
	"bytes"
	"compress/gzip"
	"net/http"
	"testing"
)

// counted counts writes.
type counted struct {
	http.ResponseWriter
	writes int
}

func (c *counted) Write(p []byte) (int, error) {
	c.writes++
	return c.ResponseWriter.Write(p)
}

// TestAShortSplicedPageGoesOutInOneWrite: browsers guess a charset by what they get
// first, which must not be the snippet alone.
func TestAShortSplicedPageGoesOutInOneWrite(t *testing.T) {
	out := &counted{ResponseWriter: &nothing{header: http.Header{}}}
	page := NewWriter(out, "", func(dst []byte, _ http.Header) ([]byte, string) { return append(dst, "<script></script>"...), "" })
	h := page.Header()
	h.Set("Content-Type", "text/html")
	h.Set("Content-Encoding", "gzip")
	var body bytes.Buffer
	zipped := gzip.NewWriter(&body)
	_, err := zipped.Write([]byte("<!doctype html><html><head><title>\x95\x5c\x8e\xa6</title></head><body>\x83\x5c</body>"))
	if err != nil || zipped.Close() != nil {
		t.Fatal(err)
	}
	if _, err := page.Write(body.Bytes()); err != nil {
		t.Fatal(err)
	}
	if err := page.Finish(); err != nil || out.writes != 1 || page.Outcome() != Inserted {
		t.Errorf("%d writes, outcome %v, %v", out.writes, page.Outcome(), err)
	}
}
