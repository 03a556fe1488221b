package inject

import (
	"bytes"
	"fmt"
	"testing"
)

// flated returns the deflate data of a page that begins with n.
func flated(n int) []byte {
	page := fmt.Sprintf("<!DOCTYPE html><html lang=\"zh\"><head><meta charset=utf-8><title>%d</title>", n)
	data := encoded(gzipCoding, noise(page, 4000))
	return data[gzipHeaderSize:]
}

func TestABeginningIsRememberedAsItDecodes(t *testing.T) {
	var known, fresh [maxPeeked]byte
	for round := range 3 {
		for n := range 4 * len(recentlyPeeked) { // several to a slot
			data := flated(n)[:256]
			want := inflate(fresh[:], data)
			got := peekFlate(known[:], data)
			if len(want) < 80 || !bytes.Equal(got, want) {
				t.Fatalf("round %d: %.90q, want %.90q", round, got, want)
			}
			clear(got) // both belong to the caller
			clear(data)
		}
	}
}

func TestWhatIsRememberedIsFoundAgain(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector empties pools at random")
	}
	var room [maxPeeked]byte
	data := flated(1)
	if _, ok := plainHead(peekGzip(room[:], data, 0)); !ok {
		t.Fatal("the page has no plain head")
	}
	if n := testing.AllocsPerRun(100, func() { peekGzip(room[:], data, 0) }); n > 0 {
		t.Errorf("%v allocations: it was decoded again", n)
	}
}

func BenchmarkPeek(b *testing.B) {
	var room [maxPeeked]byte
	pages := make([][]byte, 1024)
	for n := range pages {
		pages[n] = flated(n)
	}
	b.Run("the same page again", func(b *testing.B) {
		for b.Loop() {
			peekGzip(room[:], pages[0], 0)
		}
	})
	b.Run("another page each time", func(b *testing.B) {
		for n := 0; b.Loop(); n++ {
			peekGzip(room[:], pages[n%len(pages)], 0)
		}
	})
	b.Run("without memory", func(b *testing.B) {
		for n := 0; b.Loop(); n++ {
			inflate(room[:], pages[n%len(pages)][:256])
		}
	})
}
