package inject

import (
	"bytes"
	"hash/crc32"
	"io"
	"sync"
	"sync/atomic"

	"github.com/klauspost/compress/flate"
	"github.com/klauspost/compress/zstd"
)

// peekGzip decodes the beginning of deflate data into room, up to the place and
// to what is enough: little more, for a decoder fills its whole window if it is
// let.
func peekGzip(room, data []byte, enough int) []byte {
	for _, end := range [...]int{256, 768} {
		if end >= len(data) {
			break
		}
		plain := peekFlate(room, data[:end])
		if _, ok := plainHead(plain); ok && len(plain) >= enough {
			return plain
		}
	}
	return inflate(room, data)
}

// peeked is the beginning of a page, compressed and not.
type peeked struct{ data, plain string }

// recentlyPeeked are the beginnings of pages that went by, each in the slot of its
// hash. The pages of an app without a server of its own are one file, and to make
// the tables for its first block takes ten times as long as to find it here.
var recentlyPeeked [16]atomic.Pointer[peeked]

// peekFlate decodes the first few bytes of deflate data into room.
func peekFlate(room, data []byte) []byte {
	slot := &recentlyPeeked[crc32.ChecksumIEEE(data)%uint32(len(recentlyPeeked))]
	if p := slot.Load(); p != nil && p.data == string(data) {
		return room[:copy(room, p.plain)]
	}
	plain := inflate(room, data)
	slot.Store(&peeked{string(data), string(plain)})
	return plain
}

// flateReader decodes deflate data that is at hand.
type flateReader struct {
	in bytes.Reader
	z  io.ReadCloser
}

var flateReaders = sync.Pool{New: func() any {
	r := new(flateReader)
	r.z = flate.NewReader(&r.in)
	return r
}}

// inflate decodes the beginning of deflate data into room.
func inflate(room, data []byte) []byte {
	r := flateReaders.Get().(*flateReader)
	defer func() {
		r.in.Reset(nil)
		flateReaders.Put(r)
	}()
	r.in.Reset(data)
	_ = r.z.(flate.Resetter).Reset(&r.in, nil) // it returns nil
	n, _ := io.ReadFull(r.z, room)
	return room[:n]
}

// peekZstd decodes the beginning of zstd frames into room.
func peekZstd(room, data []byte) []byte {
	z := zstdReaders.Get().(*zstd.Decoder)
	defer func() {
		_ = z.Reset(nil)
		zstdReaders.Put(z)
	}()
	if err := z.Reset(bytes.NewReader(data)); err != nil {
		return nil
	}
	n, _ := io.ReadFull(z, room)
	return room[:n]
}
