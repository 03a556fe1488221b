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
	"strconv"
)

// Insert appends the snippet for a page with this header to dst: ASCII, at least
// one byte, or the response is left alone. The tag is added to the page's ETag,
// inside the quotes (see Revalidate); if it is empty the page loses its ETag.
type Insert func(dst []byte, header http.Header) (snippet []byte, tag string)

// Writer is the http.ResponseWriter for one request for a document. Whoever made
// it calls Finish when the handler has returned, or Abort when it has failed.
type Writer struct {
	http.ResponseWriter

	insert     Insert
	revalidate string // the suffix that a 304 gets back, "" if no condition went up

	phase    phase
	status   int
	length   int64  // the announced length of the body, -1 if unknown
	declared bool   // the header names the charset
	start    []byte // the beginning of a body whose type it must tell
	head     head   // the beginning of a page
	coded    *coded // its content coding, nil if none
	inserted bool   // the snippet is in
	refuse   string // the unknown content coding of an HTML response
	values   values
}

type phase int

const (
	waiting  phase = iota // for the header
	sniffing              // a header without Content-Type: the body will tell
	holding               // the header and the beginning of a page are held
	passing               // all that comes is passed on
)

// NewWriter returns a Writer around w. insert is called at most once, when it is
// certain that the response is a page, with the response's header. revalidate is
// the suffix that was taken off If-None-Match, if a condition went upstream: a
// 304 gets it back.
func NewWriter(w http.ResponseWriter, revalidate string, insert Insert) *Writer {
	return &Writer{ResponseWriter: w, insert: insert, revalidate: revalidate}
}

// Unwrap is for http.ResponseController.
func (w *Writer) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// Refused returns the content coding that kept an HTML response from being a
// page, "" if there was none.
func (w *Writer) Refused() string { return w.refuse }

// WriteHeader holds the header of what may be a page. Informational responses
// pass at once (RFC 9110 section 15.2).
func (w *Writer) WriteHeader(status int) {
	switch {
	case w.phase != waiting:
	case status >= 100 && status < 200 && status != http.StatusSwitchingProtocols:
		w.ResponseWriter.WriteHeader(status)
	case pageStatus(status) && sniffed(w.Header()):
		w.status, w.phase = status, sniffing
	default:
		w.status = status
		w.decide()
	}
}

// decide tells what may be a page from the rest, by status and header.
func (w *Writer) decide() {
	h := w.Header()
	if w.status == http.StatusNotModified && w.revalidate != "" {
		w.values.asPage(h, w.revalidate)
	}
	charset, ok := pageHeader(h)
	if !ok || !pageStatus(w.status) {
		w.pass()
		return
	}
	c := identity
	if encodings := h["Content-Encoding"]; len(encodings) == 1 {
		c = codingOf(encodings[0])
	} else if len(encodings) > 1 {
		c = unknownCoding
	}
	if c == unknownCoding {
		w.refuse = h["Content-Encoding"][0]
		w.pass()
		return
	}
	w.phase = holding
	w.length, w.declared = contentLength(h), charset != ""
	w.head.open()
	if c != identity {
		w.coded = newCoded(c, w)
	}
}

// pass sends the header as it is and lets everything through from now on.
func (w *Writer) pass() {
	w.phase = passing
	w.ResponseWriter.WriteHeader(w.status)
}

// Write passes p on, or holds it while it belongs to the beginning of a page.
func (w *Writer) Write(p []byte) (int, error) {
	if w.phase == waiting {
		w.WriteHeader(http.StatusOK)
	}
	var err error
	switch {
	case w.coded != nil:
		err = w.coded.write(p)
	case w.phase == holding:
		err = w.hold(p)
	case w.phase == sniffing:
		if w.start = append(w.start, p...); len(w.start) >= sniffLength {
			err = w.sniff()
		}
	default:
		return w.ResponseWriter.Write(p)
	}
	if err != nil {
		return 0, err
	}
	return len(p), nil
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

// hold takes the next bytes of a page whose beginning is held. When the place is
// found it waits for one more write, so that both go out in one system call, and
// for the charset, unless that is all there is.
func (w *Writer) hold(p []byte) error {
	waited := w.head.found
	for {
		p = p[w.head.add(p):]
		f := w.head.seek(false)
		if f == needMore && !w.head.full() {
			if len(p) == 0 {
				return nil
			}
			continue
		}
		complete := w.coded == nil && w.length >= 0 && w.head.size() >= w.length
		if f == found && len(p) == 0 && !complete && !(waited && w.prescanned()) {
			return nil
		}
		return w.release(p)
	}
}

// release ends the holding: what is held goes out, with the snippet if there is
// a place for it, and p behind it.
func (w *Writer) release(p []byte) error {
	w.phase = passing
	defer w.head.close()
	h := w.Header()
	charset, ok := w.charset()
	if !ok {
		return w.leave(p)
	}
	buf := joinedBuffers.Get().(*[]byte)
	defer joinedBuffers.Put(buf)
	start, tag := w.insert(append((*buf)[:0], w.head.before()...), h)
	inserted := len(start) - w.head.pos
	if inserted <= 0 {
		return w.leave(p)
	}
	w.values.asPage(h, tag)
	if charset != "" {
		w.values.set(h, slotType, "Content-Type", first(h, "Content-Type")+"; charset="+charset)
	}
	length := w.length
	if w.coded != nil {
		length = w.coded.lengthWith(len(start))
	} else if length >= 0 {
		length += int64(inserted)
	}
	if length >= 0 {
		w.values.set(h, slotLength, "Content-Length", strconv.FormatInt(length, 10))
	} else {
		delete(h, "Content-Length")
	}
	w.inserted = true
	w.ResponseWriter.WriteHeader(w.status)
	var err error
	if w.coded != nil {
		start, err = w.coded.start(start, p)
	} else {
		start, err = w.head.writeTo(w.ResponseWriter, start, p)
	}
	*buf = start[:0]
	return err
}

// prescanned reports whether all is held that can tell the page's charset.
func (w *Writer) prescanned() bool { return w.declared || w.head.size() >= prescanLength }

// charset returns the charset that the Content-Type must name so that the
// insertion cannot hide the meta element that declares it, "" if nothing need be
// done. It is not ok where there is no place, or where the page's charset cannot
// take an ASCII insertion.
func (w *Writer) charset() (label string, ok bool) {
	if !w.head.found || w.declared {
		return "", w.head.found
	}
	label = metaCharset(w.head.bytes())
	return label, insertable(label)
}

// leave sends the response on as it came.
func (w *Writer) leave(p []byte) error {
	w.ResponseWriter.WriteHeader(w.status)
	if w.coded != nil {
		return w.coded.leave(p)
	}
	if _, err := w.ResponseWriter.Write(w.head.bytes()); err != nil || len(p) == 0 {
		return err
	}
	_, err := w.ResponseWriter.Write(p)
	return err
}

// ReadFrom passes r on, by the fast way of the writer beneath once nothing is
// held any more (a file goes out by sendfile).
func (w *Writer) ReadFrom(r io.Reader) (n int64, err error) {
	if w.phase == waiting {
		w.WriteHeader(http.StatusOK)
	}
	if w.phase != passing || w.coded != nil {
		buf := copyBuffers.Get().(*[]byte)
		defer copyBuffers.Put(buf)
		for w.phase != passing || w.coded != nil {
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
	if w.phase == holding && !w.head.found {
		return nil
	}
	var err error
	switch {
	case w.coded != nil:
		err = w.coded.flush()
	case w.phase == holding:
		err = w.release(nil)
	}
	if err != nil {
		return err
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
	if w.inserted { // trailers are not sent before the handler around us returns
		dropStaleTrailers(w.Header())
	}
	return err
}

func (w *Writer) finish() error {
	if w.coded != nil {
		return w.coded.finish()
	}
	if w.phase == sniffing {
		if err := w.sniff(); err != nil {
			return err
		}
	}
	if w.phase == holding {
		w.head.seek(true)
		return w.release(nil)
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
	switch {
	case w.coded != nil:
		w.coded.abort()
	case w.phase == holding:
		_ = w.release(nil)
	default:
		return
	}
	_ = http.NewResponseController(w.ResponseWriter).Flush()
}
