// Package inject puts one snippet into an HTML page on its way to the browser.
//
// The page streams through: only its beginning is held until the place is found,
// and then written together with what follows. The parse tree beside the snippet,
// the document mode and the charset stay as they were; everything that is no page
// passes untouched. The package knows nothing of what it inserts and works with
// any http.ResponseWriter.
package inject

import (
	"io"
	"maps"
	"net/http"
	"strings"
)

// Insert appends the snippet for a page with this header to dst: ASCII, at least
// one byte, or the response is left alone. The tag is added to the page's ETag,
// inside the quotes (see Revalidate), and behind it a name of the header's policies;
// if it is empty the page loses its ETag.
type Insert func(dst []byte, header http.Header) (snippet []byte, tag string)

// Writer is the http.ResponseWriter for one request for a document. Whoever made
// it calls Finish when the handler has returned, or Abort when it has failed.
type Writer struct {
	http.ResponseWriter

	kept   string      // the suffix that a 304 gets back, "" if no condition went up
	before http.Header // the header as it was when a condition went up

	phase phase
	start []byte  // the beginning of a body whose type it must tell
	page  opening // of a response that may be a page
	body  body    // the way of its body, while the phase is paging
}

// phase is what a Writer does with what is written. It is the Writer's alone.
type phase int

const (
	waiting  phase = iota // for the header
	sniffing              // a header without Content-Type: the body will tell
	paging                // what may be a page goes through its body
	passing               // all that comes is passed on
	refusing              // nothing is: a 304 must not be passed on
)

// body is the way that the body of a page takes, from when its header is known. It
// holds the beginning first.
type body interface {
	// write takes what the handler writes.
	write(p []byte) error
	// flush lets out what may go out. It is not ready while the place has not been
	// found: then nothing may be flushed beneath, either.
	flush() (ready bool, err error)
	// finish ends the page, which is whole or was cut off without a word.
	finish() error
	// abort lets out what is held of a page that is cut off.
	abort()
	// passes reports whether all that is still to come is to be passed on as it is.
	passes() bool
}

// NewWriter returns a Writer around w. insert is called at most once, when it is
// certain that the response is a page, with the response's header. kept is what
// Revalidate has returned: a 304 gets it back.
func NewWriter(w http.ResponseWriter, kept string, insert Insert) *Writer {
	page := new(Writer)
	page.Start(w, kept, insert)
	return page
}

// Start makes a Writer that is part of something larger what NewWriter returns.
func (w *Writer) Start(out http.ResponseWriter, kept string, insert Insert) {
	w.ResponseWriter, w.kept = out, kept
	w.page.out, w.page.insert = out, insert
	if kept != "" {
		w.before = out.Header().Clone()
	}
}

// Carry says that the snippet holds a text that has been packed. Start comes before.
func (w *Writer) Carry(constant *Packed) { w.page.constant = constant }

// Again reports whether upstream has answered with a 304 that must not be passed
// on, because it brings another policy than the browser's page was made for. The
// Writer is as new then: the handler is to be asked once more, without
// If-None-Match. If it is not, Finish passes the 304 on.
func (w *Writer) Again() bool {
	if w.phase != refusing {
		return false
	}
	h := w.Header()
	clear(h)
	maps.Copy(h, w.before)
	w.phase, w.kept, w.before = waiting, "", nil
	return true
}

// Unwrap is for http.ResponseController.
func (w *Writer) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// Refused returns the content coding that kept an HTML response from being a
// page, "" if there was none.
func (w *Writer) Refused() string {
	if w.page.outcome != UnknownCoding {
		return ""
	}
	return strings.Join(w.Header()["Content-Encoding"], ", ")
}

// WriteHeader holds the header of what may be a page. Informational responses
// pass at once (RFC 9110 section 15.2).
func (w *Writer) WriteHeader(status int) {
	switch {
	case w.phase != waiting:
	case status >= 100 && status < 200 && status != http.StatusSwitchingProtocols:
		w.ResponseWriter.WriteHeader(status)
	case pageStatus(status) && sniffed(w.Header()):
		w.page.status, w.phase = status, sniffing
	default:
		w.page.status = status
		w.decide()
	}
}

// decide tells what may be a page from the rest, by status and header.
func (w *Writer) decide() {
	h := w.Header()
	if w.page.status == http.StatusNotModified && w.kept != "" {
		if !fits(h, w.kept) {
			w.phase = refusing
			return
		}
		w.page.values.asPage(h, w.kept, -1)
	}
	kind, ok := pageHeader(h)
	if !ok || !pageStatus(w.page.status) {
		w.pass()
		return
	}
	if !insertable(kind.charset) {
		w.page.outcome = NoASCII
		w.pass()
		return
	}
	c := contentCoding(h)
	if c == unknownCoding {
		w.page.outcome = UnknownCoding
		w.pass()
		return
	}
	w.phase = paging
	w.page.open(contentLength(h), kind)
	if c == identity {
		w.body = uncoded{&w.page}
	} else {
		w.body = newCoded(c, &w.page)
	}
}

// pass sends the header as it is and lets everything through from now on.
func (w *Writer) pass() {
	w.phase = passing
	w.ResponseWriter.WriteHeader(w.page.status)
}

// Write passes p on, or holds it while it belongs to the beginning of a page.
func (w *Writer) Write(p []byte) (int, error) {
	if w.phase == waiting {
		w.WriteHeader(http.StatusOK)
	}
	var err error
	switch w.phase {
	case paging:
		err = w.body.write(p)
		w.settle()
	case sniffing:
		if w.start = append(w.start, p...); len(w.start) >= sniffLength {
			err = w.sniff()
		}
	case refusing: // a 304 has no body
	default:
		return w.ResponseWriter.Write(p)
	}
	if err != nil {
		return 0, err
	}
	return len(p), nil
}

// settle lets everything through once the page needs no more.
func (w *Writer) settle() {
	if w.body.passes() {
		w.phase = passing
	}
}

// sniff tells the type of a response by the beginning of its body, as net/http
// would, and goes on with that. One that is sent on without any is no page.
func (w *Writer) sniff() error {
	if len(w.start) == 0 {
		w.pass()
		return nil
	}
	w.Header()["Content-Type"] = []string{http.DetectContentType(w.start)}
	w.decide()
	_, err := w.Write(w.start)
	return err
}

// ReadFrom passes r on, by the fast way of the writer beneath once nothing is
// held any more (a file goes out by sendfile).
func (w *Writer) ReadFrom(r io.Reader) (n int64, err error) {
	if w.phase == waiting {
		w.WriteHeader(http.StatusOK)
	}
	if w.phase != passing {
		buf := copyBuffers.Get().(*[]byte)
		defer copyBuffers.Put(buf)
		for w.phase != passing {
			m, rerr := r.Read(*buf)
			if m > 0 {
				n += int64(m)
				if _, err := w.Write((*buf)[:m]); err != nil {
					return n, err
				}
			}
			if rerr == io.EOF {
				return n, nil
			}
			if rerr != nil {
				return n, rerr
			}
		}
	}
	m, err := io.Copy(w.ResponseWriter, r)
	return n + m, err
}

// FlushError flushes what may go out. While the place has not been found that is
// nothing: a flush must not send the header of a page before the page is one. A
// proxy may call it from another goroutine, but not while it writes.
func (w *Writer) FlushError() error {
	if w.phase == waiting {
		w.WriteHeader(http.StatusOK)
	}
	if w.phase == sniffing {
		if err := w.sniff(); err != nil {
			return err
		}
	}
	if w.phase == refusing {
		return nil
	}
	if w.phase == paging {
		ready, err := w.body.flush()
		w.settle()
		if !ready || err != nil {
			return err
		}
	}
	return http.NewResponseController(w.ResponseWriter).Flush()
}

// Finish sends what is still held, after the handler has returned: the document
// has ended.
func (w *Writer) Finish() error {
	var trailers http.Header
	if w.phase != passing {
		trailers = takeTrailers(w.Header())
	}
	err := w.finish()
	if len(trailers) > 0 {
		maps.Copy(w.Header(), trailers)
	}
	if w.page.outcome == Inserted { // trailers are not sent before the handler around us returns
		dropStaleTrailers(w.Header())
	}
	return err
}

func (w *Writer) finish() error {
	if w.phase == sniffing {
		if err := w.sniff(); err != nil {
			return err
		}
	}
	switch w.phase {
	case paging:
		return w.body.finish()
	case refusing:
		w.page.values.asPage(w.Header(), w.kept, -1)
		w.pass()
	}
	return nil
}

// Abort sends what is still held, after the handler has failed: the document is
// cut off there, as it would be without us. It flushes, for the handler may have
// done so in vain: a proxy's last deed is to show what it got.
func (w *Writer) Abort() {
	if w.phase == sniffing {
		_ = w.sniff()
	}
	if w.phase == paging {
		w.body.abort()
		_ = http.NewResponseController(w.ResponseWriter).Flush()
	}
}
