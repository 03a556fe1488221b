package inject

import (
	"encoding/binary"
	"hash/crc32"
	"io"
	"sync"
)

// A compressed page need not be compressed again. What goes in front of it is
// stored without compression, and the original stream follows untouched:
//
//	gzip  header | stored block | the original's blocks | trailer, recomputed
//	zstd  a frame with a raw block | the original frames
//
// This works because both formats let streams begin at a byte and refer only
// backwards to what they have written themselves. The document's beginning
// stands twice then, before the snippet and again behind it; where it is nothing
// but a doctype, <html …> and <head> the parser ignores its second coming (HTML
// standard 13.2.6.4.4). Brotli refers to its output position and cannot be
// spliced; gzip members one after the other are not read to the end by browsers
// (measured).

// gzipHeaderSize is the size of a gzip header without optional fields, which is
// what is written; what is read may be longer (RFC 1952 section 2.3).
const (
	gzipHeaderSize  = 10
	gzipTrailerSize = 8
	storedSize      = 5 // the header of a stored block (RFC 1951 section 3.2.4)
)

// gzipHeader returns the length of the gzip header that b begins with.
func gzipHeader(b []byte) (n int, f finding) {
	const fhcrc, fextra, fname, fcomment = 2, 4, 8, 16
	if len(b) < gzipHeaderSize {
		return 0, needMore
	}
	flags := b[3]
	if b[0] != 0x1F || b[1] != 0x8B || b[2] != 8 || flags&0xE0 != 0 {
		return 0, noPlace
	}
	n = gzipHeaderSize
	if flags&fextra != 0 {
		if len(b) < n+2 {
			return 0, needMore
		}
		n += 2 + int(binary.LittleEndian.Uint16(b[n:]))
	}
	for _, text := range []byte{fname, fcomment} {
		if flags&text == 0 {
			continue
		}
		for {
			if n >= len(b) {
				return 0, needMore
			}
			n++
			if b[n-1] == 0 {
				break
			}
		}
	}
	if flags&fhcrc != 0 {
		n += 2
	}
	if n > len(b) {
		return 0, needMore
	}
	return n, found
}

// appendGzipStart appends a gzip header and the payload as a stored block that
// is not the last. The payload has at most 65535 bytes.
func appendGzipStart(dst, payload []byte) []byte {
	dst = append(dst, 0x1F, 0x8B, 8, 0, 0, 0, 0, 0, 0, 0xFF)
	size := uint16(len(payload))
	dst = append(dst, 0)
	dst = binary.LittleEndian.AppendUint16(dst, size)
	dst = binary.LittleEndian.AppendUint16(dst, ^size)
	return append(dst, payload...)
}

// appendZstdFrame appends a zstd frame with the payload as its only block, a raw
// one, and without a checksum (RFC 8878 section 3.1.1). The payload has at most
// 65791 bytes.
func appendZstdFrame(dst, payload []byte) []byte {
	size := len(payload)
	dst = append(dst, 0x28, 0xB5, 0x2F, 0xFD)
	if size < 256 {
		dst = append(dst, 0x20, byte(size)) // a single segment, its size in one byte
	} else {
		dst = append(dst, 0x60) // in two, less 256
		dst = binary.LittleEndian.AppendUint16(dst, uint16(size-256))
	}
	block := uint32(size)<<3 | 1 // raw, the last of its frame
	dst = append(dst, byte(block), byte(block>>8), byte(block>>16))
	return append(dst, payload...)
}

// tailBuffers hold one write of 32 KiB, the size in which proxies copy, between
// two trailers.
var tailBuffers = sync.Pool{New: func() any { b := make([]byte, 0, 32<<10+2*gzipTrailerSize); return &b }}

// gzipTail passes the rest of a gzip stream on, and makes its trailer that of
// the whole.
type gzipTail struct {
	w    io.Writer
	crc  uint32 // of the payload in front
	size uint32
	left int64  // what is to come, below 0 where that is unknown
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
	if t.left -= int64(len(p)); t.left == 0 {
		dst = t.appendTrailer(dst)
	}
	return dst
}

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

// finish ends the stream where its length was not known.
func (t *gzipTail) finish() error {
	_, err := t.w.Write(t.appendTrailer(nil))
	return err
}

// appendTrailer appends the trailer of the whole. A stream that has been cut off
// stays so.
func (t *gzipTail) appendTrailer(dst []byte) []byte {
	if len(t.held) < gzipTrailerSize {
		dst = append(dst, t.held...)
	} else {
		crc, size := binary.LittleEndian.Uint32(t.held), binary.LittleEndian.Uint32(t.held[4:])
		dst = binary.LittleEndian.AppendUint32(dst, combineCRC(t.crc, crc, uint64(size)))
		dst = binary.LittleEndian.AppendUint32(dst, size+t.size)
	}
	t.held = t.held[:0]
	return dst
}
