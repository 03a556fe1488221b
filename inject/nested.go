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

// once lets insert be called only where no Writer further inside has inserted, and
// tells those around of it.
func (w *Writer) once(insert Insert) Insert {
	return func(dst []byte, header http.Header) ([]byte, string) {
		if w.nested {
			return dst, ""
		}
		snippet, tag := insert(dst, header)
		for o := outerOf(w.ResponseWriter); o != nil; o = outerOf(o.ResponseWriter) {
			o.nested = true
		}
		return snippet, tag
	}
}
