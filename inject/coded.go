package inject

import "errors"

// coded is the content coding of a page: it is taken off what upstream writes
// and put on again behind the insertion, while the page streams.
type coded struct {
	coding coding
	w      *Writer
	dec    *decoder
	raw    []byte // what upstream has written, while it may still go on untouched
	enc    encoder
	done   func() // gives the encoder back
}

var errLeft = errors.New("the response is left as it is")

func newCoded(c coding, w *Writer) *coded {
	cd := &coded{coding: c, w: w}
	cd.dec = newDecoder(c, cd.decoded)
	return cd
}

// decoded takes what the decoder gives.
func (c *coded) decoded(p []byte) error {
	if c.w.phase == holding {
		return c.w.hold(p)
	}
	_, err := c.enc.Write(p)
	return err
}

// write takes what upstream writes.
func (c *coded) write(p []byte) error {
	if c.enc == nil {
		c.raw = append(c.raw, p...)
	}
	err := c.dec.write(p)
	if c.w.phase == holding && (err != nil || len(c.raw) > 2*maxHeld) {
		c.w.head.found = false // not what it says it is, or nothing but a header
		err = c.w.release(nil)
	}
	return c.settle(err)
}

// settle stops the decoder, which must not be running, if the response has been
// left as it is.
func (c *coded) settle(err error) error {
	if errors.Is(err, errLeft) {
		c.dec.stop()
		return nil
	}
	return err
}

// encode begins to write the coded page.
func (c *coded) encode() encoder {
	c.enc, c.done = newEncoder(c.coding, c.w.ResponseWriter)
	c.raw = nil
	return c.enc
}

// leave sends on what upstream has written, and everything after it.
func (c *coded) leave() error {
	c.w.coded = nil
	if _, err := c.w.ResponseWriter.Write(c.raw); err != nil {
		return err
	}
	return errLeft
}

// finish ends the page. One that upstream has cut off stays cut off: it gets no
// trailer.
func (c *coded) finish() error {
	cut := c.dec.close()
	if c.w.phase == holding {
		if cut == nil {
			c.w.head.seek(true)
		}
		if err := c.settle(c.w.release(nil)); err != nil {
			return err
		}
	}
	if c.enc == nil {
		return nil // it has been left as it is
	}
	defer c.done()
	if cut != nil {
		return c.enc.Flush()
	}
	return c.enc.Close()
}

// flush sends what may go out.
func (c *coded) flush() error {
	if c.w.phase == holding {
		if err := c.settle(c.w.release(nil)); err != nil || c.enc == nil {
			return err
		}
	}
	return c.enc.Flush()
}

// abort sends what may go out, and ends without a trailer.
func (c *coded) abort() {
	_ = c.dec.close() // it gives what it has
	if c.w.phase == holding {
		_ = c.w.release(nil)
	}
	if c.enc != nil {
		_ = c.enc.Flush()
		c.done()
	}
}
