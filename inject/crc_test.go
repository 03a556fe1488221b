package inject

import (
	"hash/crc32"
	"math/rand/v2"
	"testing"
)

func TestCombinedCRCIsThatOfTheWhole(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for range 500 {
		data := make([]byte, r.IntN(5000))
		for i := range data {
			data[i] = byte(r.Uint32())
		}
		cut := 0
		if len(data) > 0 {
			cut = r.IntN(len(data) + 1)
		}
		a, b := data[:cut], data[cut:]
		got := combineCRC(crc32.ChecksumIEEE(a), crc32.ChecksumIEEE(b), uint64(len(b)))
		if want := crc32.ChecksumIEEE(data); got != want {
			t.Fatalf("%d+%d bytes: %08x, want %08x", len(a), len(b), got, want)
		}
	}
}

func BenchmarkCombineCRC(b *testing.B) {
	for b.Loop() {
		combineCRC(0x12345678, 0x9abcdef0, 300<<10)
	}
}
