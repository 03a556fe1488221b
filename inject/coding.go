package inject

import (
	"bufio"
	"errors"
	"io"
	"iter"
	"slices"
	"strings"
	"sync"

	"github.com/klauspost/compress/flate"
	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
)

// coding is a content coding (RFC 9110 section 8.4.1).
type coding int

const (
	identity coding = iota
	gzipCoding
	zstdCoding
	deflate // without a wrapper: within gzip, and no coding of its own
	unknownCoding
)

func codingOf(name string) coding {
	switch {
	case name == "" || strings.EqualFold(name, "identity"):
		return identity
	case strings.EqualFold(name, "gzip") || strings.EqualFold(name, "x-gzip"):
		return gzipCoding
	case strings.EqualFold(name, "zstd"):
		return zstdCoding
	}
	return unknownCoding
}

// Coders are costly to make and large: they are kept.
var (
	gzipReaders    = sync.Pool{New: func() any { return &gunzipper{in: bufio.NewReader(nil)} }}
	deflateReaders = sync.Pool{New: func() any { return &gunzipper{in: bufio.NewReader(nil)} }}
	zstdReaders    = sync.Pool{New: func() any {
		// One goroutine, the caller's own; browsers refuse windows above 8 MiB (RFC 9659).
		d, _ := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true), zstd.WithDecoderMaxWindow(maxWindow))
		return d
	}}
	copyBuffers = sync.Pool{New: func() any { b := make([]byte, 32<<10); return &b }}
)

// decoder takes a content coding off a body that is pushed into it. The decoders
// of gzip and zstd pull; a coroutine turns one into the other, so that all that
// can be decoded of a chunk has been decoded when Write returns, without another
// goroutine at work.
type decoder struct {
	in     []byte
	eof    bool
	err    error // how decoding ended, nil after a clean end
	ended  bool
	rest   []byte // what stands behind the end, or stood there in the last write
	resume func() (struct{}, bool)
	stop   func()
	yield  func(struct{}) bool
}

var errStopped = errors.New("decoding stopped")

// newDecoder returns a decoder that calls out with what it has decoded. If out
// wants no more, or fails, the decoding ends.
func newDecoder(c coding, out func([]byte) (more bool, err error)) *decoder {
	d := new(decoder)
	d.resume, d.stop = iter.Pull(func(yield func(struct{}) bool) {
		d.yield = yield
		d.err = d.decode(c, out)
		d.ended = true
	})
	return d
}

// Read gives the decoder what was pushed, and waits for more when it is used up.
func (d *decoder) Read(p []byte) (int, error) {
	for len(d.in) == 0 {
		if d.eof {
			return 0, io.EOF
		}
		if !d.yield(struct{}{}) {
			return 0, errStopped
		}
	}
	n := copy(p, d.in)
	d.in = d.in[n:]
	return n, nil
}

func (d *decoder) decode(c coding, out func([]byte) (more bool, err error)) error {
	buf := copyBuffers.Get().(*[]byte)
	defer copyBuffers.Put(buf)
	if c == zstdCoding {
		z := zstdReaders.Get().(*zstd.Decoder)
		defer func() {
			_ = z.Reset(nil)
			zstdReaders.Put(z)
		}()
		if err := z.Reset(d); err != nil {
			return err
		}
		return pump(z, *buf, out)
	}
	pool := &gzipReaders
	if c == deflate {
		pool = &deflateReaders
	}
	z := pool.Get().(*gunzipper)
	defer func() {
		z.in.Reset(nil)
		pool.Put(z)
	}()
	z.in.Reset(d)
	decode := z.members
	if c == deflate {
		decode = z.deflate
	}
	err := decode(*buf, out)
	behind, _ := z.in.Peek(z.in.Buffered())
	d.rest = append(slices.Clone(behind), d.in...)
	return err
}

// gunzipper decodes gzip, or the deflate data within, and knows where that ends.
type gunzipper struct {
	in *bufio.Reader
	gzip.Reader
	flate io.ReadCloser
}

// deflate decodes deflate data.
func (z *gunzipper) deflate(buf []byte, out func([]byte) (more bool, err error)) error {
	if z.flate == nil {
		z.flate = flate.NewReader(z.in)
	}
	_ = z.flate.(flate.Resetter).Reset(z.in, nil) // it returns nil
	return pump(z.flate, buf, out)
}

// members decodes one member after the other (RFC 1952 section 2.2), up to what is
// none.
func (z *gunzipper) members(buf []byte, out func([]byte) (more bool, err error)) error {
	for {
		if err := z.Reset(z.in); err != nil {
			return err
		}
		z.Multistream(false)
		if err := pump(&z.Reader, buf, out); err != nil {
			return err
		}
		if !z.another() {
			return nil
		}
	}
}

// another reports whether another member follows.
func (z *gunzipper) another() bool {
	for n := 1; n <= maxGzipHeader; n = z.in.Buffered() + 1 {
		_, cut := z.in.Peek(n)
		b, _ := z.in.Peek(z.in.Buffered())
		if _, f := gzipHeader(b); f != needMore {
			return f == found
		}
		if cut != nil {
			break
		}
	}
	return false
}

// pump moves what r gives to out, until the end.
func pump(r io.Reader, buf []byte, out func([]byte) (more bool, err error)) error {
	for {
		n, err := r.Read(buf)
		if n > 0 {
			more, err := out(buf[:n])
			if err != nil {
				return err
			}
			if !more {
				return errStopped
			}
		}
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

// write decodes as much of p and what came before as can be decoded. rest is what
// of it stands behind the last gzip member, which is valid until the next call. A
// checksum that does not fit is for close to tell: all has been decoded then.
func (d *decoder) write(p []byte) (rest []byte, err error) {
	if d.ended {
		d.rest = p
	} else {
		d.in = p
		d.resume()
	}
	if d.err == nil || errors.Is(d.err, gzip.ErrChecksum) || errors.Is(d.err, errStopped) {
		return d.rest, nil
	}
	return nil, d.err
}

// close says that the body has ended, and returns an error if it ended early or
// if its checksum does not fit. rest is what stands behind the last gzip member
// and has not been returned yet.
func (d *decoder) close() (rest []byte, err error) {
	d.eof = true
	if !d.ended {
		d.resume()
		rest = d.rest
	}
	d.stop()
	return rest, d.err
}
