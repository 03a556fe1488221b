package inject

import (
	"bytes"
	stdgzip "compress/gzip"
	"os"
	"slices"
	"testing"
)

// TestPiecesCompressNearlyAsWellAsAWhole: each looks back at what went before.
func TestPiecesCompressNearlyAsWellAsAWhole(t *testing.T) {
	page, err := os.ReadFile("../README.md")
	if err != nil {
		t.Fatal(err)
	}
	var whole bytes.Buffer
	z, _ := stdgzip.NewWriterLevel(&whole, gzipLevel)
	_, _ = z.Write(page)
	_ = z.Close()
	for name, c := range map[string]struct {
		coding coding
		size   int     // of a piece
		most   float64 // times the size of a whole
	}{"gzip": {gzipCoding, maxPiece, 1.15}, "gzip, small pieces": {gzipCoding, 4096, 1.25}, "zstd": {zstdCoding, maxPiece, 1.25}} {
		t.Run(name, func(t *testing.T) {
			var out bytes.Buffer
			e := newEncoder(c.coding, &out)
			for p := range slices.Chunk(page, c.size) {
				_, _ = e.Write(p)
			}
			if err := e.Close(); err != nil {
				t.Fatal(err)
			}
			if ratio := float64(out.Len()) / float64(whole.Len()); ratio > c.most {
				t.Errorf("%.2f times the size", ratio)
			}
			if got, err := decoded(c.coding, out.Bytes()); !bytes.Equal(got, page) || err != nil {
				t.Errorf("%d bytes of %d, %v", len(got), len(page), err)
			}
		})
	}
}
