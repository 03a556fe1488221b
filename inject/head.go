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

// prescanned reports whether all is there that can tell the page's charset.
func (d *head) prescanned(h http.Header) bool {
	if len(*d.buf) >= prescanLength {
		return true
	}
	_, declared := mediaType(first(h, "Content-Type"))
	return declared != ""
}

// charset returns the charset that the Content-Type must name so that the
// insertion cannot hide the meta element that declares it, "" if nothing need be
// done. It is not ok where there is no place, or where the page's charset cannot
// take an ASCII insertion.
func (d *head) charset(h http.Header) (label string, ok bool) {
	if !d.found {
		return "", false
	}
	if _, declared := mediaType(first(h, "Content-Type")); declared != "" {
		return "", true
	}
	label = metaCharset(*d.buf)
	return label, insertable(label)
}

// joined returns what is held with the snippet in its place and, if there is
// room, p behind it; p is emptied then.
func (d *head) joined(snippet []byte, p *[]byte) []byte {
	b := append(*d.buf, snippet...)
	copy(b[d.pos+len(snippet):], b[d.pos:len(*d.buf)])
	copy(b[d.pos:], snippet)
	if len(b)+len(*p) <= maxJoined {
		b = append(b, *p...)
		*p = nil
	}
	*d.buf = b
	return b
}
