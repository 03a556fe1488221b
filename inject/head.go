package inject

import (
	"net/http"
	"sync"
)

const (
	// maxHeld bounds the beginning of a document that is held. What has no place
	// for a script by then is left alone.
	maxHeld = 64 << 10
	// maxJoined bounds what is written at once: what was held, the snippet and
	// one write of 32 KiB, the size in which proxies copy.
	maxJoined = 96 << 10
)

var heldBuffers = sync.Pool{New: func() any { b := make([]byte, 0, 48<<10); return &b }}

// head is the beginning of a page, which is held until the place is found.
type head struct {
	buf   *[]byte
	from  int // where the search goes on
	pos   int // the place
	found bool
}

func (d *head) open() { d.buf = heldBuffers.Get().(*[]byte) }

func (d *head) close() {
	*d.buf = (*d.buf)[:0]
	heldBuffers.Put(d.buf)
	d.buf = nil
}

func (d *head) bytes() []byte { return *d.buf }

func (d *head) size() int64 { return int64(len(*d.buf)) }

func (d *head) full() bool { return len(*d.buf) >= maxHeld }

// add holds as much of p as may be held, and returns how much that is.
func (d *head) add(p []byte) int {
	n := min(len(p), maxHeld-len(*d.buf))
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
	var f finding
	d.pos, d.from, f = findPlace(*d.buf, d.from, eof)
	d.found = f == found
	return f
}

// insert lets make append the snippet behind what is held, which stays as it is.
func (d *head) insert(make Insert, h http.Header) (snippet []byte, tag string) {
	n := len(*d.buf)
	*d.buf, tag = make(*d.buf, h)
	snippet = (*d.buf)[n:]
	*d.buf = (*d.buf)[:n]
	return snippet, tag
}

// joined returns what is held with the snippet, which stands behind it, in its
// place and, if there is room, p behind that; p is emptied then.
func (d *head) joined(snippet []byte, p *[]byte) []byte {
	rest := (*d.buf)[d.pos:]
	b := append((*d.buf)[:len(*d.buf)+len(snippet)], rest...)
	b = append(b[:d.pos], b[d.pos+len(rest):]...)
	if len(b)+len(*p) <= maxJoined {
		b = append(b, *p...)
		*p = nil
	}
	*d.buf = b
	return b
}
