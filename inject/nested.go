package inject

import "net/http"

// outerOf returns the Writer that w writes to, nil if there is none. Handlers may be
// nested, and a page gets one snippet: that of the innermost.
func outerOf(w http.ResponseWriter) *Writer {
	for {
		switch around := w.(type) {
		case *Writer:
			return around
		case interface{ Unwrap() http.ResponseWriter }:
			w = around.Unwrap()
		default:
			return nil
		}
	}
}

// tell tells the Writers around that the page has its snippet.
func (o *opening) tell() {
	for w := outerOf(o.out); w != nil; w = outerOf(w.ResponseWriter) {
		w.page.nested = true
	}
}
