package inject

// combineCRC returns the CRC-32 (IEEE) of two pieces of data one after the
// other: crc1 is that of the first, crc2 that of the second, size2 the second's
// length in bytes.
//
// The CRC is linear: appending n zero bytes multiplies it by x^(8n) modulo the
// polynomial, and what is then added by the second piece is its own CRC.
func combineCRC(crc1, crc2 uint32, size2 uint64) uint32 {
	shift := uint32(1) << 31 // x^0; bit 31 is the lowest power, as in the CRC itself
	for i := 3; size2 > 0; i++ {
		if size2&1 != 0 {
			shift = multiplyCRC(powersOfTwo[i%len(powersOfTwo)], shift)
		}
		size2 >>= 1
	}
	return multiplyCRC(shift, crc1) ^ crc2
}

const polynomial = 0xEDB88320

// powersOfTwo[i] is x^(2^i) modulo the polynomial. The order of x is 2^32-1, so
// the list repeats after 32.
var powersOfTwo = func() (p [32]uint32) {
	p[0] = 1 << 30 // x^1
	for i := 1; i < len(p); i++ {
		p[i] = multiplyCRC(p[i-1], p[i-1])
	}
	return p
}()

// multiplyCRC multiplies two polynomials modulo the polynomial of the CRC. It
// takes no branches: which bits are set is as good as random.
func multiplyCRC(a, b uint32) (product uint32) {
	for range 32 {
		product ^= b & -(a >> 31)
		a <<= 1
		b = b>>1 ^ polynomial&-(b&1)
	}
	return product
}
