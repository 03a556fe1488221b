package inject

import (
	"errors"
	"io"

	"github.com/klauspost/compress/zstd"
)

// A compressed page need not be compressed again. What goes in front of it is
// stored without compression, and the original stream follows untouched:
//
//	gzip  header | stored blocks, and what is packed | the original's blocks | trailer, recomputed
//	zstd  a frame with a raw block | the original frames
//
// Both formats let streams begin at a byte and refer only backwards to what they
// have written themselves. The document's beginning stands twice then, before
// the snippet and again behind it. That is done only where the beginning is
// nothing but a doctype, <html …> and <head>: the parser ignores their second
// coming (HTML standard 13.2.6.4.4, "in head"); white space between them becomes
// white space in the head. And only where something tells the charset: browsers that
// get what is ours by itself may guess by that, and it is ASCII (measured in Chromium). Brotli refers to its output position and cannot be
// spliced; gzip members one after the other are not read to the end by browsers
// (measured).
//
// A stored block also keeps the signature out of the compression, and so from
// being guessed by the length of a page that reflects input (BREACH). What all pages
// have in common needs no such care, and is compressed by itself.

const (
	// minPeeked is how much of a page is looked at before one that may still turn
	// out to be plain is transcoded. The place of nearly all lies within.
	minPeeked = 512
	// maxPeeked bounds what is decoded of the beginning.
	maxPeeked = 16 << 10
	// maxGzipHeader bounds a gzip header that is waited for.
	maxGzipHeader = 512
	// maxSpliced bounds a beginning that is written twice.
	maxSpliced = 8 << 10
)

// look looks for the place in what upstream has written. noPlace means that the
// page is not to be spliced.
func (c *coded) look() finding {
	c.looked = len(c.raw)
	room := joinedBuffers.Get().(*[]byte)
	defer joinedBuffers.Put(room)
	plain, f := c.peek((*room)[:0])
	switch {
	case f == needMore && (len(c.raw) > maxHeld || c.coding == gzipCoding && len(c.raw) > maxGzipHeader):
		return noPlace
	case f != found:
		return f
	}
	if pos, ok := plainHead(plain); ok && pos <= maxSpliced {
		head := &c.page.head
		*head.buf = append((*head.buf)[:0], plain[:min(len(plain), max(pos, prescanLength))]...)
		head.pos, head.found, head.plain, c.spliced = pos, true, true, true
		return found
	}
	if len(c.raw) < minPeeked && len(plain) < prescanLength {
		if _, f := new(search).next(plain, false); f == needMore {
			return needMore // as it would be on the other way
		}
	}
	return noPlace
}

// peek decodes the beginning of the page into room, found meaning that what there
// is can be decoded.
func (c *coded) peek(room []byte) (plain []byte, f finding) {
	room = room[:min(cap(room), maxPeeked)]
	if c.coding == zstdCoding {
		if f = zstdBlock(c.raw); f == found {
			plain = peekZstd(room, c.raw)
		}
		return plain, f
	}
	if c.header, f = gzipHeader(c.raw); f == found {
		enough := prescanLength
		if c.page.declared {
			enough = 0
		}
		plain = peekGzip(room, c.raw[c.header:], enough)
	}
	return plain, f
}

// zstdBlock reports whether the first block of a zstd frame is there as a whole,
// with the checksum if it is the last one: it cannot be decoded before.
func zstdBlock(data []byte) finding {
	var h zstd.Header
	err := h.Decode(data)
	switch {
	case errors.Is(err, io.ErrUnexpectedEOF):
		return needMore
	case err != nil || h.Skippable:
		return noPlace
	case !h.FirstBlock.OK:
		return needMore
	}
	size := h.HeaderSize + zstdBlockHeaderSize + h.FirstBlock.CompressedSize
	if h.FirstBlock.Last && h.HasCheckSum {
		size += zstdChecksumSize
	}
	if len(data) < size {
		return needMore
	}
	return found
}

// lengthWith returns the length of the page with a payload, -1 if it is unknown.
func (c *coded) lengthWith(payload []byte, _ int) int64 {
	if !c.spliced || c.page.length < 0 {
		return -1
	}
	if c.coding == zstdCoding {
		return c.page.length + int64(zstdFrameSize(len(payload)))
	}
	return c.page.length + int64(gzipStartSize(payload, c.page.constant)-c.header)
}

// startSplice sends the payload, that is the document's beginning and the
// snippet, and behind it what upstream has written: what is held, and p.
func (c *coded) startSplice(payload, p []byte) error {
	buf := joinedBuffers.Get().(*[]byte)
	defer joinedBuffers.Put(buf)
	b := (*buf)[:0]
	data := c.raw[c.header:]
	joined := min(len(p), max(maxJoined-len(data), 0))
	first, rest := p[:joined], p[joined:]
	var out io.Writer = c.page.out
	if c.coding == zstdCoding {
		b = append(append(appendZstdFrame(b, payload), data...), first...)
	} else {
		left := int64(-1)
		switch {
		case c.page.length >= 0:
			left = c.page.length - int64(c.header)
		case c.whole: // nothing need be held back: it goes out with the snippet in one write
			left = int64(len(data))
		}
		c.tail = newGzipTail(out, payload, left)
		b = c.tail.appendNext(c.tail.appendNext(appendGzipStart(b, payload, c.page.constant), data), first)
		out = c.tail
	}
	*buf = b[:0]
	if _, err := c.page.out.Write(b); err != nil || len(rest) == 0 {
		return err
	}
	_, err := out.Write(rest)
	return err
}
