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
	// maxTail is how much is held back, for the trailer to be among it.
	maxTail = 512
	// maxKept bounds the deflate data that is kept in case it has to be decoded. A
	// page of more is decoded on the way.
	maxKept = 128 << 10
)

// gzipTail passes the rest of a gzip stream on, and makes its trailer that of the
// whole. The trailer stands where the deflate data ends. Nearly always that is
// where the body ends: to decode every page only to be sure would cost more than
// all else. It is decoded where something hints at another end: a further member,
// or text or zeros, as programs leave them behind what they have compressed. What
// follows the trailer is passed on as it came: browsers do not look at it, and
// others find what they would have found without us.
type gzipTail struct {
	w    io.Writer
	crc  uint32   // of the payload in front
	size uint32   // of the payload in front
	left int64    // what is to come, below 0 where that is unknown
	seen int64    // what has come
	held []byte   // the last of it
	kept *[]byte  // all of it, as long as it may have to be decoded
	end  *decoder // looks for the end of the deflate data, nil while nothing hints at it
	fed  int64    // what it has got
	at   int64    // the end, below 0 while it is unknown
	done bool     // the trailer is out, or has turned out to be none: all passes
}

func newGzipTail(w io.Writer, payload []byte, left int64) *gzipTail {
	return &gzipTail{
		w: w, crc: crc32.ChecksumIEEE(payload), size: uint32(len(payload)),
		left: left, held: make([]byte, 0, maxTail), at: -1,
	}
}

// appendNext appends what may go out of the held bytes and p.
func (t *gzipTail) appendNext(dst, p []byte) []byte {
	if t.done {
		return append(dst, p...)
	}
	start := len(dst)
	dst = append(append(dst, t.held...), p...)
	t.seen += int64(len(p))
	t.left -= int64(len(p))
	t.observe(dst[start:], len(p))
	if t.left == 0 || t.at >= 0 && t.seen >= t.at+gzipTrailerSize {
		t.correct(dst[start:])
	}
	keep := 0
	if !t.done {
		keep = min(len(dst)-start, maxTail)
	}
	t.held = append(t.held[:0], dst[len(dst)-keep:]...)
	return dst[:len(dst)-keep]
}

// observe decodes the last n bytes of the data at hand if there is a reason to,
// or keeps them.
func (t *gzipTail) observe(data []byte, n int) {
	p := data[len(data)-n:]
	switch {
	case t.end != nil,
		hintsAtEnd(data[max(len(data)-n-2*hintSize, 0):]),
		t.left == 0 && !t.plausible(data):
		t.decode(p)
	case t.left == 0:
	case t.kept == nil:
		t.kept = keptBuffers.Get().(*[]byte)
		*t.kept = append((*t.kept)[:0], p...)
	case len(*t.kept)+n > maxKept:
		t.decode(p)
	default:
		*t.kept = append(*t.kept, p...)
	}
}

var keptBuffers = sync.Pool{New: func() any { return new([]byte) }}

// hintSize is how much text, or how many zeros, hint at the end of deflate data.
// That much of it has no eighth bit once in 2^24 times.
const hintSize = 24

// hintsAtEnd reports whether data looks as if deflate data might have ended in it:
// by the beginning of a member, or by what has no bytes above 0x7F.
func hintsAtEnd(data []byte) bool {
	if bytes.Contains(data, []byte{0x1F, 0x8B, 8}) {
		return true
	}
	const word = 8
	for i := 0; i+hintSize <= len(data); { // from behind: one word above rules out all runs that it is in
		switch {
		case isHigh(data[i+2*word:]):
			i += 3 * word
		case isHigh(data[i+word:]):
			i += 2 * word
		case isHigh(data[i:]):
			i += word
		default:
			return true
		}
	}
	return false
}

// isHigh reports whether one of the first eight bytes is above 0x7F.
func isHigh(data []byte) bool {
	return binary.LittleEndian.Uint64(data)&0x8080808080808080 != 0
}

// plausible reports whether the last bytes of the data at hand may be a trailer,
// by the size that they tell. Zeros or text would tell one that is far off.
func (t *gzipTail) plausible(data []byte) bool {
	if len(data) < gzipTrailerSize {
		return false
	}
	size := int64(binary.LittleEndian.Uint32(data[len(data)-4:]))
	return size >= t.seen && size <= 64*t.seen
}

// decode looks for the end of the deflate data in all that was kept, and in p.
func (t *gzipTail) decode(p []byte) {
	if t.end == nil {
		t.end = newDecoder(deflate, func([]byte) (more bool, err error) { return true, nil })
		if t.kept != nil {
			t.feed(*t.kept)
		}
		t.drop()
	}
	t.feed(p)
}

func (t *gzipTail) feed(p []byte) {
	if t.at >= 0 || t.done {
		return
	}
	t.fed += int64(len(p))
	rest, err := t.end.write(p)
	switch {
	case err != nil:
		t.stop() // whoever decodes it will be told
	case t.end.ended:
		t.at = t.fed - int64(len(rest))
	}
}

// correct makes the trailer in the data at hand, which is the last that has been
// seen, that of the whole. A stream that has been cut off stays so. Where that
// shows, its last bytes go out as they are; where it does not they go out changed,
// but cannot make the stream end either: behind an end among them less than a
// trailer would be left.
func (t *gzipTail) correct(data []byte) {
	switch cut := t.left > 0; {
	case t.at >= 0 || cut:
	case t.end == nil && t.plausible(data):
		t.at = t.seen - gzipTrailerSize
	default:
		t.decode(nil)
	}
	if first := t.seen - int64(len(data)); t.at >= first && t.at+gzipTrailerSize <= t.seen {
		trailer := data[t.at-first:]
		crc, size := binary.LittleEndian.Uint32(trailer), binary.LittleEndian.Uint32(trailer[4:])
		binary.LittleEndian.PutUint32(trailer, combineCRC(t.crc, crc, uint64(size)))
		binary.LittleEndian.PutUint32(trailer[4:], size+t.size)
	}
	t.stop()
}

// stop ends the search: all that is still to come passes.
func (t *gzipTail) stop() {
	t.done = true
	t.drop()
	if t.end != nil {
		t.end.stop()
	}
}

func (t *gzipTail) drop() {
	if t.kept != nil {
		keptBuffers.Put(t.kept)
		t.kept = nil
	}
}

// tailBuffers hold one write of 32 KiB, the size in which proxies copy, between
// what is held before and after it.
var tailBuffers = sync.Pool{New: func() any { b := make([]byte, 0, 32<<10+maxTail); return &b }}

// Write passes p on, in one write: another for the trailer would cost a system
// call more.
func (t *gzipTail) Write(p []byte) (int, error) {
	buf := tailBuffers.Get().(*[]byte)
	defer tailBuffers.Put(buf)
	n := len(p)
	for len(p) > 0 && !t.done {
		part := p[:min(len(p), cap(*buf)-maxTail)]
		p = p[len(part):]
		if _, err := t.w.Write(t.appendNext((*buf)[:0], part)); err != nil {
			return 0, err
		}
	}
	if len(p) > 0 {
		if _, err := t.w.Write(p); err != nil {
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
	return t.release()
}

// finish ends the stream where its length was not known.
func (t *gzipTail) finish() error {
	if !t.done {
		t.correct(t.held)
	}
	return t.release()
}

// abort passes on what is held as it is.
func (t *gzipTail) abort() error {
	t.stop()
	return t.release()
}

// release passes on what is held.
func (t *gzipTail) release() error {
	if len(t.held) == 0 {
		return nil
	}
	_, err := t.w.Write(t.held)
	t.held = t.held[:0]
	return err
}
