package inject

import (
	"bytes"
	"encoding/binary"
	"hash/crc32"
	"io"
	"sync"
)

const (
	// gzipTrailerSize is that of CRC-32 and size (RFC 1952 section 2.3.1).
	gzipTrailerSize = 8
	// maxInflation bounds what deflate data becomes: 258 bytes of two bits.
	maxInflation = 258 * 8 / 2
)

// gzipTail passes the rest of a gzip stream on, and makes its trailer that of
// the whole.
type gzipTail struct {
	w    io.Writer
	crc  uint32 // of the payload in front
	size uint32
	left int64  // what is to come, below 0 where that is unknown
	seen int64  // what has come
	held []byte // the last bytes so far, which may be the trailer
}

func newGzipTail(w io.Writer, payload []byte, left int64) *gzipTail {
	return &gzipTail{
		w: w, crc: crc32.ChecksumIEEE(payload), size: uint32(len(payload)),
		left: left, held: make([]byte, 0, gzipTrailerSize),
	}
}

// appendNext appends what may go out of the held bytes and p. The last eight
// bytes are held, and go out changed when nothing more is to come.
func (t *gzipTail) appendNext(dst, p []byte) []byte {
	start := len(dst)
	dst = append(append(dst, t.held...), p...)
	keep := min(len(dst)-start, gzipTrailerSize)
	t.held = append(t.held[:0], dst[len(dst)-keep:]...)
	dst = dst[:len(dst)-keep]
	t.seen += int64(len(p))
	if t.left -= int64(len(p)); t.left == 0 {
		dst = t.appendTrailer(dst)
	}
	return dst
}

// appendTrailer appends the trailer of the whole. A stream that has been cut off
// stays so. Where that shows, its last bytes go out as they are; where it does
// not they go out changed, but cannot make the stream end either: behind an end
// among them less than a trailer would be left.
func (t *gzipTail) appendTrailer(dst []byte) []byte {
	held := t.held
	t.held = held[:0]
	if len(held) < gzipTrailerSize || t.left > 0 {
		return append(dst, held...)
	}
	crc, size := binary.LittleEndian.Uint32(held), binary.LittleEndian.Uint32(held[4:])
	if int64(size) > maxInflation*t.seen {
		return append(dst, held...)
	}
	dst = binary.LittleEndian.AppendUint32(dst, combineCRC(t.crc, crc, uint64(size)))
	return binary.LittleEndian.AppendUint32(dst, size+t.size)
}

// tailBuffers hold one write of 32 KiB, the size in which proxies copy, between
// two trailers.
var tailBuffers = sync.Pool{New: func() any { b := make([]byte, 0, 32<<10+2*gzipTrailerSize); return &b }}

// Write passes p on, in one write: another for the trailer would cost a system
// call more.
func (t *gzipTail) Write(p []byte) (int, error) {
	buf := tailBuffers.Get().(*[]byte)
	defer tailBuffers.Put(buf)
	n := len(p)
	for len(p) > 0 {
		part := p[:min(len(p), cap(*buf)-2*gzipTrailerSize)]
		p = p[len(part):]
		if _, err := t.w.Write(t.appendNext((*buf)[:0], part)); err != nil {
			return 0, err
		}
	}
	return n, nil
}

// flush passes on what is held if it is no trailer, nor the beginning of one: the
// mark of a flush (an empty stored block), which as the size of a page would be
// 4 GB.
func (t *gzipTail) flush() error {
	if !bytes.HasSuffix(t.held, []byte{0, 0, 0xFF, 0xFF}) {
		return nil
	}
	return t.abort()
}

// finish ends the stream where its length was not known.
func (t *gzipTail) finish() error {
	if len(t.held) == 0 {
		return nil
	}
	_, err := t.w.Write(t.appendTrailer(nil))
	return err
}

// abort passes on what is held as it is.
func (t *gzipTail) abort() error {
	if len(t.held) == 0 {
		return nil
	}
	_, err := t.w.Write(t.held)
	t.held = t.held[:0]
	return err
}
