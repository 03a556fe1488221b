package inject

import (
	"errors"

	"github.com/klauspost/compress/gzip"
)

// coded is a page with a content coding. Where its beginning is a plain one the
// snippet is spliced in front of the compressed stream; else the coding is taken
// off what upstream writes and put on again behind the insertion. Either way the
// page streams.
type coded struct {
	coding coding
	page   *opening
	raw    []byte  // what upstream has written, while it may still go on untouched
	room   *[]byte // for raw, as long as it suffices
	looked int     // how much of raw has been looked at for the place

	whole   bool      // all that upstream has written is held
	spliced bool      // the one way is taken: the place is known
	header  int       // the length of the gzip header, 0 for zstd
	tail    *gzipTail // what follows the payload, once that is out

	dec    *decoder // the other way
	enc    *encoder
	window int64 // of its decoder, taken from windows
	ended  bool  // what follows the end is passed on as it came

	left bool // neither way: the response goes on as it came
}

func newCoded(c coding, page *opening) *coded {
	room := heldBuffers.Get().(*[]byte)
	return &coded{coding: c, page: page, raw: (*room)[:0], room: room}
}

// passes reports whether the rest is passed on as it is: a zstd stream goes
// untouched behind our frame.
func (c *coded) passes() bool {
	return c.left || c.page.over && c.spliced && c.coding == zstdCoding
}

// write takes what upstream writes.
func (c *coded) write(p []byte) error {
	switch {
	case c.page.over && c.spliced:
		_, err := c.tail.Write(p)
		return err
	case c.page.over:
		return c.transcode(p)
	case c.spliced && c.page.prescanned():
		return c.release(p) // the one write more has come
	}
	c.raw = append(c.raw, p...)
	if c.dec != nil {
		return c.transcode(p)
	}
	waited := c.spliced
	if !c.spliced || len(c.raw) > 2*c.looked { // the charset alone may wait: to look at each write would take for ever
		switch c.look() {
		case needMore:
			return nil
		case noPlace:
			return c.transcode(c.raw)
		}
	}
	complete := c.page.length >= 0 && int64(len(c.raw)) >= c.page.length
	if complete || len(c.raw) >= maxHeld || waited && c.page.prescanned() {
		return c.release(nil)
	}
	return nil // one more write, and both go out in one system call
}

// transcode decodes p, which the page goes on with.
func (c *coded) transcode(p []byte) error {
	if c.dec == nil {
		if c.coding == zstdCoding {
			if window := zstdWindow(c.raw); takeWindow(window) {
				c.window = window
			} else {
				c.page.outcome = Busy
				return c.release(nil)
			}
		}
		c.dec = newDecoder(c.coding, c.decoded)
	}
	rest, err := c.dec.write(p)
	if !c.page.over && (err != nil || len(c.raw) > 2*maxHeld) {
		c.page.head.found = false // not what it says it is, or nothing but a header
		c.page.outcome = NoPlace
		return c.release(nil)
	}
	c.settle()
	if err != nil || len(rest) == 0 || c.left {
		return err
	}
	return c.behind(rest)
}

// behind passes on what stands behind the last gzip member, as it came: browsers do
// not look at it.
func (c *coded) behind(p []byte) error {
	if !c.ended {
		if err := c.end(); err != nil || c.left {
			return err
		}
	}
	_, err := c.page.out.Write(p)
	return err
}

// decoded takes what the decoder gives, and reports whether it wants more.
func (c *coded) decoded(p []byte) (more bool, err error) {
	if c.page.over {
		_, err := c.enc.Write(p)
		return true, err
	}
	if rest, ready := c.page.hold(p, -1); ready {
		err = c.open(rest)
	}
	return !c.left, err
}

// release ends the holding, if that has not been done: p follows what is held.
func (c *coded) release(p []byte) error {
	if c.page.over {
		return nil
	}
	if c.spliced && c.looked < len(c.raw) && !c.page.prescanned() {
		c.look()
	}
	if c.spliced && c.page.guessed() {
		c.raw = append(c.raw, p...)
		c.spliced, p = false, nil
		c.page.head.forget()
		if err := c.transcode(c.raw); err != nil || c.page.over || !c.page.head.found {
			return err
		}
	}
	err := c.open(p)
	c.settle()
	return err
}

// settle gives up what is not needed any more once the holding has ended. The
// decoder must not be running: it reads what is held, and goes on with that when
// the page's beginning is out.
func (c *coded) settle() {
	if c.page.over && c.room != nil {
		heldBuffers.Put(c.room)
		c.raw, c.room = nil, nil
	}
	if c.left && c.dec != nil {
		c.stop()
	}
}

// stop ends the decoding, if that has not ended.
func (c *coded) stop() {
	c.dec.stop()
	windows.Add(-c.window)
	c.window = 0
}

// open sends the page's beginning with the snippet, and behind it what is held
// and p, which is not: decoded, or as upstream has written it if the page is
// spliced or left as it is.
func (c *coded) open(p []byte) error {
	defer c.page.head.close()
	buf := joinedBuffers.Get().(*[]byte)
	defer joinedBuffers.Put(buf)
	start, ok := c.page.begin((*buf)[:0], c.lengthWith)
	var err error
	switch {
	case !ok:
		err = c.leave(p)
	case c.spliced:
		err = c.startSplice(start, p)
	default:
		c.enc = newEncoder(c.coding, c.page.out)
		start, err = c.page.head.writeTo(c.enc, start, p)
	}
	*buf = start[:0]
	return err
}

// leave sends on what upstream has written; everything after it will pass.
func (c *coded) leave(p []byte) error {
	c.left = true
	_, err := c.page.out.Write(c.raw)
	if err == nil && c.spliced && len(p) > 0 {
		_, err = c.page.out.Write(p)
	}
	return err
}

// finish ends the page. One that upstream has cut off stays cut off: it gets no
// trailer.
func (c *coded) finish() error {
	if c.spliced {
		c.whole = true
		if err := c.release(nil); err != nil {
			return err
		}
	}
	switch {
	case c.tail != nil:
		return c.tail.finish()
	case c.spliced:
		return nil
	}
	if c.dec == nil { // shorter than what is judged
		if err := c.transcode(c.raw); err != nil {
			return err
		}
	}
	if c.left || c.ended {
		return nil
	}
	return c.end()
}

// end ends a page that is transcoded, and passes on what stands behind it.
func (c *coded) end() error {
	c.ended = true
	rest, cut := c.dec.close()
	c.stop()
	wrong := errors.Is(cut, gzip.ErrChecksum)
	if (cut == nil || wrong) && !c.page.over {
		c.page.head.seek(true)
	}
	if err := c.release(nil); err != nil || c.enc == nil {
		return err
	}
	var err error
	switch {
	case wrong:
		err = c.endWrongly()
	case cut != nil:
		err = c.enc.cut()
	default:
		err = c.enc.Close()
	}
	if err != nil || len(rest) == 0 {
		return err
	}
	_, err = c.page.out.Write(rest)
	return err
}

// endWrongly ends a gzip stream whose original has a checksum that does not fit:
// browsers show such a page as a whole, and whoever looks at the checksum is told
// by ours, too. An empty last block is followed by the trailer of an empty text.
func (c *coded) endWrongly() error {
	_, err := c.page.out.Write([]byte{3, 0, gzipTrailerSize + 1: 0})
	return err
}

// flush sends what may go out.
func (c *coded) flush() (ready bool, err error) {
	if !c.page.over && !c.page.head.found {
		return false, nil
	}
	if err := c.release(nil); err != nil {
		return true, err
	}
	if c.tail != nil {
		err = c.tail.flush()
	}
	return c.page.over, err
}

// abort sends what may go out, and ends without a trailer.
func (c *coded) abort() {
	if c.dec == nil {
		_ = c.release(nil) // which may begin to decode
	}
	if c.dec != nil {
		_, _ = c.dec.close() // it gives what it has
		c.stop()
		_ = c.release(nil)
	}
	switch {
	case c.tail != nil:
		_ = c.tail.abort()
	case c.enc != nil && !c.ended:
		_ = c.enc.cut()
	}
}
