package inject

import (
	"bytes"
	"encoding/binary"
	"hash/crc32"
	"slices"
)

const (
	// gzipHeaderSize is the size of a gzip header without optional fields, which
	// is what is written; what is read may be longer (RFC 1952 section 2.3).
	gzipHeaderSize = 10
	// storedHeaderSize and maxStored are those of a stored block (RFC 1951
	// section 3.2.4).
	storedHeaderSize = 5
	maxStored        = 65535
	// zstdHeaderSize is the size of the frame header that is written, and the
	// others are those of a block within and of a frame's checksum (RFC 8878
	// section 3.1.1).
	zstdHeaderSize      = 6
	zstdBlockHeaderSize = 3
	zstdChecksumSize    = 4
	maxZstdBlock        = 128 << 10
)

// gzipHeader returns the length of the gzip header that b begins with.
func gzipHeader(b []byte) (n int, f finding) {
	const fhcrc, fextra, fname, fcomment = 2, 4, 8, 16
	magic := []byte{0x1F, 0x8B, 8}
	if n := min(len(b), len(magic)); !bytes.Equal(b[:n], magic[:n]) || len(b) > 3 && b[3]&0xE0 != 0 {
		return 0, noPlace
	}
	if len(b) < gzipHeaderSize {
		return 0, needMore
	}
	flags := b[3]
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
	if flags&fhcrc != 0 && uint16(crc32.ChecksumIEEE(b[:n-2])) != binary.LittleEndian.Uint16(b[n-2:]) {
		return 0, noPlace
	}
	return n, found
}

// appendGzipStart appends a gzip header and the payload, none of whose blocks is the
// last: in stored blocks, but for what is packed.
func appendGzipStart(dst, payload []byte, constant *Packed) []byte {
	dst = append(dst, 0x1F, 0x8B, 8, 0, 0, 0, 0, 0, 0, 0xFF)
	before, packed, after := constant.cut(payload)
	return appendStored(append(appendStored(dst, before), packed...), after)
}

// gzipStartSize is the length of what appendGzipStart appends.
func gzipStartSize(payload []byte, constant *Packed) int {
	before, packed, after := constant.cut(payload)
	return gzipHeaderSize + storedSize(len(before)) + len(packed) + storedSize(len(after))
}

// appendStored appends stored blocks, which leave the stream at a byte if it was at one.
func appendStored(dst, text []byte) []byte {
	for part := range slices.Chunk(text, maxStored) {
		size := uint16(len(part))
		dst = append(dst, 0)
		dst = binary.LittleEndian.AppendUint16(dst, size)
		dst = binary.LittleEndian.AppendUint16(dst, ^size)
		dst = append(dst, part...)
	}
	return dst
}

// storedSize is the length of what appendStored appends.
func storedSize(text int) int {
	return (text+maxStored-1)/maxStored*storedHeaderSize + text
}

// appendZstdFrame appends a zstd frame with the payload in raw blocks. It has a
// window of 128 KiB, and neither a content size nor a checksum.
func appendZstdFrame(dst, payload []byte) []byte {
	dst = append(dst, 0x28, 0xB5, 0x2F, 0xFD, 0, 7<<3)
	left := len(payload)
	for part := range slices.Chunk(payload, maxZstdBlock) {
		block := uint32(len(part)) << 3
		if left -= len(part); left == 0 {
			block |= 1 // the last of its frame
		}
		dst = append(dst, byte(block), byte(block>>8), byte(block>>16))
		dst = append(dst, part...)
	}
	return dst
}

// zstdFrameSize is the length of what appendZstdFrame appends.
func zstdFrameSize(payload int) int {
	blocks := (payload + maxZstdBlock - 1) / maxZstdBlock
	return zstdHeaderSize + blocks*zstdBlockHeaderSize + payload
}
