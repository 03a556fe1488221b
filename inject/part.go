package inject

import (
	"io"
	"maps"
	"net/http"
)

// HeaderWriter is the http.ResponseWriter for a request that no page answers. It
// looks at the header of the answer once, when that is written, and lets everything
// else through: a file goes out by sendfile, a flush is a flush. Whoever made it
// calls Close when the handler has returned, but not if it has panicked.
type HeaderWriter struct {
	http.ResponseWriter

	page       bool   // the answer has the header of a page, and no body
	part       bool   // a 304 is about HTML that was no document
	revalidate string // the suffix that a 304 gets back, "" if no condition went up
	tag        func(http.Header) string
	before     http.Header // the answer's header as it was before upstream's, if it may be asked again
	refused    bool        // a 304 is held: see Again

	status int // of a header that is held: the body will tell its type
	wrote  bool
	html   bool
	empty  bool // the body goes no further
}

// NewPartWriter returns a HeaderWriter for a request for something other than a
// document (AskPart, AskUnclear). An answer that would be a page to those who ask
// for one keeps its bytes, but says by Vary that there is another, and keeps out of
// shared caches. marked is what Unmark has said of the request.
func NewPartWriter(w http.ResponseWriter, marked bool) *HeaderWriter {
	return &HeaderWriter{ResponseWriter: w, part: marked} // not pooled: a handler may write when it must not any more
}

// NewHeadWriter returns a HeaderWriter for the HEAD of a document (AskHead). The
// answer gets the header of the page, as far as that is known without its body: it
// has no Content-Length. tag returns the suffix that Insert would return for a page
// with this header; revalidate is as for NewWriter.
func NewHeadWriter(w http.ResponseWriter, revalidate string, tag func(http.Header) string) *HeaderWriter {
	p := NewPartWriter(w, false)
	p.page, p.revalidate, p.tag = true, revalidate, tag
	if revalidate != "" {
		p.before = w.Header().Clone()
	}
	return p
}

// Again is Writer.Again for the HEAD of a document. If the handler is not asked once
// more, Close passes the 304 on.
func (p *HeaderWriter) Again() bool {
	if !p.refused || p.wrote {
		return false
	}
	h := p.Header()
	clear(h)
	maps.Copy(h, p.before)
	p.refused, p.revalidate, p.status = false, "", 0
	return true
}

// Unwrap is for http.ResponseController.
func (p *HeaderWriter) Unwrap() http.ResponseWriter { return p.ResponseWriter }

// IsHTML reports whether the answer was one that is a page to those who ask for a
// document.
func (p *HeaderWriter) IsHTML() bool { return p.html }

// Close sends a header that is still held. It is called when the handler has
// returned.
func (p *HeaderWriter) Close() { p.release() }

// WriteHeader looks at the header and passes it on. One without a type is held
// until the body tells it (as net/http does).
func (p *HeaderWriter) WriteHeader(status int) {
	switch {
	case p.wrote:
	case status >= 100 && status < 200 && status != http.StatusSwitchingProtocols:
		p.ResponseWriter.WriteHeader(status)
	case p.status != 0: // only the first counts
	case pageStatus(status) && sniffed(p.Header()):
		p.status = status
	default:
		p.send(status)
	}
}

// send passes the header on, changed if the answer is HTML.
func (p *HeaderWriter) send(status int) {
	h := p.Header()
	if status == http.StatusNotModified && p.revalidate != "" && !p.refused && !fits(h, p.revalidate) {
		p.status, p.refused = status, true
		return
	}
	p.wrote, p.status = true, 0
	switch {
	case status != http.StatusNotModified:
	case p.revalidate != "":
		new(values).asPage(h, p.revalidate, -1)
	case p.part:
		asPart(h, true)
	}
	if kind, html := pageHeader(h); html && insertable(kind.charset) && (pageStatus(status) || status == http.StatusPartialContent) {
		p.html = true
		switch {
		case !p.page:
			asPart(h, false)
		case pageStatus(status) && contentCoding(h) != unknownCoding:
			suffix := p.tag(h)
			if suffix != "" {
				suffix += policyName(h)
			}
			new(values).asPage(h, suffix, -1)
			delete(h, "Content-Length")
			p.empty = true
		}
	}
	p.ResponseWriter.WriteHeader(status)
	if p.empty {
		_ = http.NewResponseController(p.ResponseWriter).Flush() // HTTP/3 would tell a length of 0 else
	}
}

// release passes on a header that is held.
func (p *HeaderWriter) release() {
	if p.status != 0 {
		p.send(p.status)
	}
}

// Write passes b on. That of a HEAD goes no further: net/http would tell its length.
func (p *HeaderWriter) Write(b []byte) (int, error) {
	if p.refused { // a 304 has no body
		return len(b), nil
	}
	if !p.wrote {
		if t := "text/html; charset=utf-8"; sniffed(p.Header()) && http.DetectContentType(b) == t {
			p.Header()["Content-Type"] = []string{t} // as net/http will
		}
		p.send(max(p.status, http.StatusOK))
	}
	if p.empty {
		return len(b), nil
	}
	return p.ResponseWriter.Write(b)
}

// ReadFrom passes r on by the fast way of the writer beneath, once its type is
// known.
func (p *HeaderWriter) ReadFrom(r io.Reader) (n int64, err error) {
	if !p.wrote && (p.status != 0 || sniffed(p.Header())) {
		n, err = io.CopyN(struct{ io.Writer }{p}, r, sniffLength)
		if err == io.EOF {
			return n, nil
		}
		if err != nil {
			return n, err
		}
	}
	if !p.wrote {
		p.WriteHeader(http.StatusOK)
	}
	if p.empty {
		m, err := io.Copy(io.Discard, r)
		return n + m, err
	}
	m, err := io.Copy(p.ResponseWriter, r)
	return n + m, err
}

// FlushError flushes. A flush before the header sends it as it is.
func (p *HeaderWriter) FlushError() error {
	if p.refused && !p.wrote {
		return nil
	}
	if !p.wrote {
		p.send(max(p.status, http.StatusOK))
	}
	return http.NewResponseController(p.ResponseWriter).Flush()
}

// Push pushes if the writer beneath can.
func (p *HeaderWriter) Push(target string, opts *http.PushOptions) error {
	if pusher, ok := p.ResponseWriter.(http.Pusher); ok {
		return pusher.Push(target, opts)
	}
	return http.ErrNotSupported
}
