package inject

import (
	"bytes"
	"net/http"
	"testing"
)

// nothing is a ResponseWriter that does nothing.
type nothing struct{ header http.Header }

func (n *nothing) Header() http.Header         { return n.header }
func (n *nothing) WriteHeader(int)             {}
func (n *nothing) Write(p []byte) (int, error) { return len(p), nil }

func TestAPageCostsFewAllocations(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector empties pools at random")
	}
	body := append([]byte(doc), bytes.Repeat([]byte("x"), 1024-len(doc))...)
	unusual := append([]byte("<!-- x --><html data-x=y>\n"), body...)
	undeclared := append([]byte(`<!DOCTYPE html><html><head><meta charset="utf-8">`), body...)
	contentType, length, etag := []string{"text/html; charset=utf-8"}, []string{"1024"}, []string{`"a"`}
	for name, c := range map[string]struct {
		body []byte
		typ  []string
		most float64
	}{
		"a page":                        {body, contentType, 4},
		"a page whose meta declares it": {undeclared, []string{"text/html"}, 5},
		"an unusual page":               {unusual, contentType, 4},
		"JSON":                          {body, []string{"application/json"}, 1},
		"a download":                    {body, []string{"application/octet-stream"}, 1},
	} {
		t.Run(name, func(t *testing.T) {
			s := &nothing{header: make(http.Header)}
			serve := func(w http.ResponseWriter) {
				clear(s.header)
				s.header["Content-Type"], s.header["Content-Length"], s.header["Etag"] = c.typ, length, etag
				w.WriteHeader(http.StatusOK)
				_, _ = w.Write(c.body)
			}
			without := testing.AllocsPerRun(200, func() { serve(s) })
			within := testing.AllocsPerRun(200, func() {
				w := NewWriter(s, "", theSnippet)
				serve(w)
				_ = w.Finish()
			})
			if within-without > c.most {
				t.Errorf("%v allocations more, want at most %v", within-without, c.most)
			}
			t.Logf("%v allocations more", within-without)
		})
	}
}
