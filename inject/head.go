package inject

import (
	"io"
	"slices"
	"sync"
)

const (
	// heldSize is room for what proxies write first: the rest of the 4 KiB that
	// they have read together with upstream's header.
	heldSize = 4 << 10
	// maxHeld bounds the beginning of a document that is held. What has no place
	// for a script by then is left alone.
	maxHeld = 64 << 10
	// maxJoined bounds what is written at once: what was held, the snippet and
	// one write of 32 KiB, the size in which proxies copy.
	maxJoined = 96 << 10
)

// Pages that come slowly hold their beginning for long, many at a time: those
// buffers are small. The large ones are in use for the time of a write.
var (
	heldBuffers   = sync.Pool{New: func() any { b := make([]byte, 0, heldSize); return &b }}
	joinedBuffers = sync.Pool{New: func() any { b := make([]byte, 0, 48<<10); return &b }}
)

// head is the beginning of a page, which is held until the place is found.
type head struct {
	buf    *[]byte
	search search
	pos    int // the place
	found  bool
	plain  bool // plainHead has found it
}

func (d *head) open() { d.buf = heldBuffers.Get().(*[]byte) }

func (d *head) close() {
	if cap(*d.buf) == heldSize {
		*d.buf = (*d.buf)[:0]
		heldBuffers.Put(d.buf)
	}
	d.buf = nil
}

// forget begins anew with nothing.
func (d *head) forget() { *d = head{buf: d.buf}; *d.buf = (*d.buf)[:0] }

func (d *head) bytes() []byte { return *d.buf }

func (d *head) size() int64 { return int64(len(*d.buf)) }

func (d *head) full() bool { return len(*d.buf) >= maxHeld }

// add holds the next bytes of p, more only if the place needs them, and returns
// how many.
func (d *head) add(p []byte) int {
	if len(*d.buf) == cap(*d.buf) {
		*d.buf = slices.Grow(*d.buf, min(len(*d.buf), maxHeld-len(*d.buf)))
	}
	n := min(len(p), cap(*d.buf)-len(*d.buf), maxHeld-len(*d.buf))
	*d.buf = append(*d.buf, p[:n]...)
	return n
}

// seek looks for the place in what is held; eof says that no more will come.
func (d *head) seek(eof bool) finding {
	if d.found {
		return found
	}
	if len(*d.buf) == 0 {
		return needMore // a response without a body is no page
	}
	if d.search.state == atStart { // nearly always that is all
		if d.pos, d.plain = plainHead(*d.buf); d.plain {
			d.found = true
			return found
		}
	}
	var f finding
	d.pos, f = d.search.next(*d.buf, eof)
	d.found = f == found
	return f
}

// charset returns the charset that the beginning declares.
func (d *head) charset() string {
	place := -1
	if d.plain {
		place = d.pos
	}
	return metaCharset(*d.buf, place)
}

// before returns what is held in front of the place.
func (d *head) before() []byte { return (*d.buf)[:d.pos] }

// writeTo writes a page whose beginning, with the snippet, is b: the rest of what
// is held goes behind it, and p behind that, at once if that is not too much. It
// returns the buffer of b, which may have moved.
func (d *head) writeTo(w io.Writer, b, p []byte) (buf []byte, err error) {
	b = append(b, (*d.buf)[d.pos:]...)
	if len(b)+len(p) <= maxJoined {
		b = append(b, p...)
		p = nil
	}
	if _, err = w.Write(b); err == nil && len(p) > 0 {
		_, err = w.Write(p)
	}
	return b, err
}
