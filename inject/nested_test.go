package inject

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// wrapped is a writer of some handler in between.
type wrapped struct{ http.ResponseWriter }

func (w wrapped) Unwrap() http.ResponseWriter { return w.ResponseWriter }

func TestAPageHasOneSnippetThoughWritersAreNested(t *testing.T) {
	named := func(name string) Insert {
		return func(dst []byte, _ http.Header) ([]byte, string) {
			return append(dst, "<script>"+name+"</script>"...), "-" + name
		}
	}
	recorder := httptest.NewRecorder()
	outermost := NewWriter(recorder, "", named("outermost"))
	outer := NewWriter(wrapped{outermost}, "", named("outer"))
	inner := NewWriter(wrapped{wrapped{outer}}, "", named("inner"))
	inner.Header().Set("Content-Type", "text/html; charset=utf-8")
	inner.Header().Set("ETag", `"v"`)
	_, err := inner.Write([]byte("<!doctype html><head><title>x</title>"))
	for _, w := range []*Writer{inner, outer, outermost} {
		if err == nil {
			err = w.Finish()
		}
	}
	body := recorder.Body.String()
	if err != nil || strings.Count(body, "<script>") != 1 || !strings.Contains(body, "<script>inner</script>") {
		t.Errorf("%v %s", err, body)
	}
	if outer.Outcome() != Declined || outermost.Outcome() != Declined || inner.Outcome() != Inserted {
		t.Errorf("outcomes %v %v %v", inner.Outcome(), outer.Outcome(), outermost.Outcome())
	}
}

func TestSiblingsEachHaveTheirSnippet(t *testing.T) {
	for range 2 {
		recorder := httptest.NewRecorder()
		w := NewWriter(recorder, "", func(dst []byte, _ http.Header) ([]byte, string) { return append(dst, "<script></script>"...), "" })
		w.Header().Set("Content-Type", "text/html")
		if _, err := w.Write([]byte("<!doctype html><head>")); err != nil || w.Finish() != nil || !strings.Contains(recorder.Body.String(), "<script>") {
			t.Error(recorder.Body.String())
		}
	}
}
