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
	w      *Writer
	raw    []byte  // what upstream has written, while it may still go on untouched
	room   *[]byte // for raw, as long as it suffices

	spliced bool      // the one way is taken: the place is known
	header  int       // the length of the gzip header, 0 for zstd
	tail    *gzipTail // what follows the payload, once that is out

	dec  *decoder // the other way
	enc  encoder
	done func() // gives the encoder back
}

var errLeft = errors.New("the response is left as it is")

func newCoded(c coding, w *Writer) *coded {
	room := heldBuffers.Get().(*[]byte)
	return &coded{coding: c, w: w, raw: (*room)[:0], room: room}
}

// drop gives up what upstream has written.
func (c *coded) drop() {
	if c.room != nil {
		heldBuffers.Put(c.room)
	}
	c.raw, c.room = nil, nil
}

// write takes what upstream writes.
func (c *coded) write(p []byte) error {
	if c.w.phase == passing {
		if c.spliced {
			_, err := c.tail.Write(p)
			return err
		}
		return c.dec.write(p)
	}
	if c.spliced && c.w.prescanned() {
		return c.settle(c.w.release(p)) // the one write more has come
	}
	c.raw = append(c.raw, p...)
	if c.dec != nil {
		return c.transcode(p)
	}
	waited := c.spliced
	switch c.look() {
	case needMore:
		return nil
	case noPlace:
		return c.transcode(c.raw)
	}
	complete := c.w.length >= 0 && int64(len(c.raw)) >= c.w.length
	if complete || len(c.raw) >= maxHeld || waited && c.w.prescanned() {
		return c.release()
	}
	return nil // one more write, and both go out in one system call
}

// transcode decodes p, which the page goes on with.
func (c *coded) transcode(p []byte) error {
	if c.dec == nil {
		c.dec = newDecoder(c.coding, c.decoded)
	}
	err := c.dec.write(p)
	if c.w.phase == holding && (err != nil || len(c.raw) > 2*maxHeld) {
		c.w.head.found = false // not what it says it is, or nothing but a header
		err = c.w.release(nil)
	}
	return c.settle(err)
}

// decoded takes what the decoder gives.
func (c *coded) decoded(p []byte) error {
	if c.w.phase == holding {
		return c.w.hold(p)
	}
	_, err := c.enc.Write(p)
	return err
}

// release ends the holding, if that has not been done.
func (c *coded) release() error {
	if c.w.phase != holding {
		return nil
	}
	return c.settle(c.w.release(nil))
}

// settle gives up what is not needed any more once the holding has ended. The
// decoder must not be running: it reads what is held, and goes on with that when
// the page's beginning is out.
func (c *coded) settle(err error) error {
	if c.w.phase == passing {
		c.drop()
	}
	if c.w.coded == nil && c.dec != nil {
		c.dec.stop()
	}
	if errors.Is(err, errLeft) {
		return nil
	}
	return err
}

// start sends the page's beginning with the snippet, b, and what is held behind
// it, p being what is not held any more: decoded, or as upstream has written it
// if the page is spliced. It returns the buffer of b, which may have moved.
func (c *coded) start(b, p []byte) (buf []byte, err error) {
	if c.spliced {
		return b, c.startSplice(b, p)
	}
	c.enc, c.done = newEncoder(c.coding, c.w.ResponseWriter)
	return c.w.head.writeTo(c.enc, b, p)
}

// leave sends on what upstream has written, and everything after it; p is as in
// start.
func (c *coded) leave(p []byte) error {
	c.w.coded = nil
	_, err := c.w.ResponseWriter.Write(c.raw)
	if err == nil && c.spliced && len(p) > 0 {
		_, err = c.w.ResponseWriter.Write(p)
	}
	if err != nil {
		return err
	}
	return errLeft
}

// finish ends the page. One that upstream has cut off stays cut off: it gets no
// trailer.
func (c *coded) finish() error {
	if c.spliced {
		if err := c.release(); err != nil || c.tail == nil {
			return err
		}
		return c.tail.finish()
	}
	if c.dec == nil { // shorter than what is judged
		if err := c.transcode(c.raw); err != nil || c.w.coded == nil {
			return err
		}
	}
	cut := c.dec.close()
	wrong := errors.Is(cut, gzip.ErrChecksum)
	if (cut == nil || wrong) && c.w.phase == holding {
		c.w.head.seek(true)
	}
	if err := c.release(); err != nil || c.enc == nil {
		return err
	}
	defer c.done()
	switch {
	case wrong:
		return c.endWrongly()
	case cut != nil:
		return c.enc.Flush()
	}
	return c.enc.Close()
}

// endWrongly ends a gzip stream whose original has a checksum that does not fit:
// browsers show such a page as a whole, and whoever looks at the checksum is told
// by ours, too. An empty last block is followed by the trailer of an empty text.
func (c *coded) endWrongly() error {
	if err := c.enc.Flush(); err != nil {
		return err
	}
	_, err := c.w.ResponseWriter.Write([]byte{3, 0, gzipTrailerSize + 1: 0})
	return err
}

// flush sends what may go out.
func (c *coded) flush() error {
	if err := c.release(); err != nil {
		return err
	}
	switch {
	case c.tail != nil:
		return c.tail.flush()
	case c.enc != nil:
		return c.enc.Flush()
	}
	return nil
}

// abort sends what may go out, and ends without a trailer.
func (c *coded) abort() {
	if c.dec != nil {
		_ = c.dec.close() // it gives what it has
	}
	_ = c.release()
	switch {
	case c.tail != nil:
		_ = c.tail.abort()
	case c.enc != nil:
		_ = c.enc.Flush()
		c.done()
	}
}
