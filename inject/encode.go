package inject

import (
	"encoding/binary"
	"hash/crc32"
	"io"
	"sync"

	"github.com/klauspost/compress/flate"
	"github.com/klauspost/compress/zstd"
)

// encoder puts a content coding on again. A page's client may take minutes to read
// it, and the state of a compressor is a megabyte: an encoder holds little between
// two writes and while it writes. Each piece is compressed by a compressor that is
// given back before the piece goes out, so that there is nothing to flush either.
// In gzip a piece refers to the one before, in zstd it is a frame of its own.
type encoder struct {
	coding coding
	w      io.Writer
	begun  bool
	crc    uint32
	size   uint32
	recent []byte // the last of what was written, for gzip to refer to
}

const (
	// maxPiece bounds what is compressed at once.
	maxPiece = 32 << 10
	// maxRecent is how much of what went before gzip may refer to.
	maxRecent = 16 << 10
	// gzipLevel is Caddy's own choice.
	gzipLevel = 5
)

var (
	encodedBuffers = sync.Pool{New: func() any { b := make([]byte, 0, 16<<10); return &b }}
	flateWriters   = sync.Pool{New: func() any {
		w, _ := flate.NewWriter(nil, gzipLevel)
		return w
	}}
	zstdWriters = sync.Pool{New: func() any {
		w, _ := zstd.NewWriter(nil, zstd.WithEncoderConcurrency(1), zstd.WithLowerEncoderMem(true), zstd.WithWindowSize(maxPiece))
		return w
	}}
)

func newEncoder(c coding, w io.Writer) *encoder { return &encoder{coding: c, w: w} }

func (e *encoder) Write(p []byte) (int, error) {
	n := len(p)
	for len(p) > 0 {
		piece := p[:min(len(p), maxPiece)]
		p = p[len(piece):]
		if err := e.send(piece, false); err != nil {
			return 0, err
		}
	}
	return n, nil
}

// Close ends the stream.
func (e *encoder) Close() error { return e.send(nil, true) }

// cut ends a stream that is not whole, so that this shows: gzip lacks its trailer,
// and behind the frames of zstd another begins.
func (e *encoder) cut() error {
	if e.coding != zstdCoding {
		return nil
	}
	_, err := e.w.Write(appendZstdFrame(nil, nil))
	return err
}

// send compresses a piece and writes it.
func (e *encoder) send(piece []byte, last bool) error {
	buf := encodedBuffers.Get().(*[]byte)
	defer encodedBuffers.Put(buf)
	b := (*buf)[:0]
	if e.coding == zstdCoding {
		if len(piece) > 0 || !e.begun {
			z := zstdWriters.Get().(*zstd.Encoder)
			b = z.EncodeAll(piece, b) // a frame of its own: browsers read all of them
			zstdWriters.Put(z)
		}
	} else {
		b = e.appendGzip(b, piece, last)
	}
	e.begun = true
	*buf = b[:0]
	if len(b) == 0 {
		return nil
	}
	_, err := e.w.Write(b)
	return err
}

func (e *encoder) appendGzip(b, piece []byte, last bool) []byte {
	if !e.begun {
		b = append(b, 0x1F, 0x8B, 8, 0, 0, 0, 0, 0, 0, 0xFF)
	}
	out := appender{b}
	z := flateWriters.Get().(*flate.Writer)
	z.ResetDict(&out, e.recent)
	_, _ = z.Write(piece) // appending does not fail
	if last {
		_ = z.Close()
	} else {
		_ = z.Flush()
	}
	z.ResetDict(io.Discard, nil)
	flateWriters.Put(z)
	e.crc = crc32.Update(e.crc, crc32.IEEETable, piece)
	e.size += uint32(len(piece))
	if last {
		out.b = binary.LittleEndian.AppendUint32(out.b, e.crc)
		out.b = binary.LittleEndian.AppendUint32(out.b, e.size)
		return out.b
	}
	if e.recent = append(e.recent, piece[max(0, len(piece)-maxRecent):]...); len(e.recent) > maxRecent {
		e.recent = e.recent[:copy(e.recent, e.recent[len(e.recent)-maxRecent:])]
	}
	return out.b
}

// appender is a writer that appends.
type appender struct{ b []byte }

func (a *appender) Write(p []byte) (int, error) { a.b = append(a.b, p...); return len(p), nil }
