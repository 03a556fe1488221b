package inject

import (
	"bytes"
	"net/http"
)

// opening is the header and the beginning of a page, held until it is known what
// becomes of them.
type opening struct {
	out      http.ResponseWriter
	insert   Insert
	constant *Packed // what all snippets hold, nil if nothing is known

	status    int
	length    int64  // the announced length of the body, -1 if unknown
	mediaType string // what a single Content-Type would say
	head      head
	outcome   Outcome
	values    values
	declared  bool // the header names the charset
	over      bool // the header is out
	nested    bool // a Writer further inside has inserted
}

func (o *opening) open(length int64, kind contentType) {
	o.length, o.mediaType, o.declared = length, kind.value, kind.charset != ""
	o.head.open()
}

// hold takes the next bytes of the page, total of which are to come (-1 if that is
// unknown). It is ready when no more needs to be held; rest is what it has not
// taken. When the place is found it waits for one more write, so that both go out
// in one system call, and for the charset, unless that is all there is.
func (o *opening) hold(p []byte, total int64) (rest []byte, ready bool) {
	waited := o.head.found
	for {
		p = p[o.head.add(p):]
		f := o.head.seek(false)
		if f == needMore && !o.head.full() {
			if len(p) == 0 {
				return nil, false
			}
			continue
		}
		complete := total >= 0 && o.head.size() >= total
		return p, f != found || len(p) > 0 || complete || waited && o.prescanned()
	}
}

// begin ends the holding: it sends the header. Where the response becomes a page
// it appends the page's beginning with the snippet to dst, and announces the
// length that the whole has with that start, so many bytes of which are inserted.
// It is not ok where the response is to go on as it came.
func (o *opening) begin(dst []byte, length func(start []byte, inserted int) int64) (start []byte, ok bool) {
	o.over = true
	defer func() { o.out.WriteHeader(o.status) }()
	charset := o.charset()
	switch {
	case o.head.size() == 0: // a response without a body
		return dst, false
	case !o.head.found:
		o.outcome = NoPlace
		return dst, false
	case !insertable(charset):
		o.outcome = NoASCII
		return dst, false
	case o.nested:
		o.outcome = Declined
		return dst, false
	}
	h := o.out.Header()
	start, tag := o.insert(append(dst, o.head.before()...), h)
	inserted := len(start) - o.head.pos
	if inserted <= 0 {
		o.outcome = Declined
		return start, false
	}
	if tag != "" && len(h["Etag"]) > 0 {
		tag += policyName(h)
	}
	n := length(start, inserted)
	o.values.asPage(h, tag, n)
	if n < 0 {
		delete(h, "Content-Length")
	}
	if charset != "" {
		o.values.set(h, slotType, "Content-Type", o.mediaType+"; charset="+charset)
	}
	o.outcome = Inserted
	o.tell()
	return start, true
}

// prescanned reports whether all is held that can tell the page's charset.
func (o *opening) prescanned() bool { return o.declared || o.head.size() >= prescanLength }

// guessed reports whether nothing tells the page's charset, so that browsers guess it.
func (o *opening) guessed() bool {
	return !o.declared && !bytes.HasPrefix(o.head.bytes(), []byte(utf8BOM)) && o.head.charset() == ""
}

// charset returns the charset that the Content-Type must name so that the
// insertion cannot hide the meta element that declares it, "" if nothing need be
// done.
func (o *opening) charset() string {
	if !o.head.found || o.declared {
		return ""
	}
	return o.head.charset()
}

// uncoded is the body of a page without a content coding. Once its beginning is out
// the rest passes.
type uncoded struct{ *opening }

func (b uncoded) passes() bool { return b.over }

func (b uncoded) write(p []byte) error {
	if rest, ready := b.hold(p, b.length); ready {
		return b.release(rest)
	}
	return nil
}

// release lets out what is held, with the snippet if there is a place for it, and
// p behind it.
func (b uncoded) release(p []byte) error {
	defer b.head.close()
	buf := joinedBuffers.Get().(*[]byte)
	defer joinedBuffers.Put(buf)
	start, ok := b.begin((*buf)[:0], b.lengthWith)
	*buf = start[:0]
	if !ok {
		return b.leave(p)
	}
	start, err := b.head.writeTo(b.out, start, p)
	*buf = start[:0]
	return err
}

// lengthWith returns the length of the page with an insertion, -1 if it is unknown.
func (b uncoded) lengthWith(_ []byte, inserted int) int64 {
	if b.length < 0 {
		return -1
	}
	return b.length + int64(inserted)
}

// leave sends the response on as it came.
func (b uncoded) leave(p []byte) error {
	if _, err := b.out.Write(b.head.bytes()); err != nil || len(p) == 0 {
		return err
	}
	_, err := b.out.Write(p)
	return err
}

func (b uncoded) flush() (ready bool, err error) {
	if !b.head.found {
		return false, nil
	}
	return true, b.release(nil)
}

func (b uncoded) finish() error {
	b.head.seek(true)
	return b.release(nil)
}

func (b uncoded) abort() { _ = b.release(nil) }
