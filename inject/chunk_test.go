package inject

import (
	"bytes"
	"fmt"
	"net/http"
	"slices"
	"testing"
)

// withPlace are the documents of the table and of the corpus, and what they must
// become in a coding.
func withPlace(t testing.TB, c coding) map[string][2][]byte {
	t.Helper()
	pages := make(map[string][2][]byte)
	add := func(name string, doc []byte) {
		want := doc
		if pos := place(doc); pos >= 0 && insertable(declaredIn(doc)) && len(doc) > 0 {
			want = formed(c, doc, pos)
		}
		pages[name] = [2][]byte{doc, want}
	}
	for name, doc := range documents {
		b, _ := unmark(doc)
		add(name, b)
	}
	for name, doc := range corpus(t) {
		add(name, doc)
	}
	return pages
}

func TestThePageDoesNotDependOnHowItIsWritten(t *testing.T) {
	for _, c := range []struct {
		name   string
		coding coding
	}{{"identity", identity}, {"gzip", gzipCoding}, {"zstd", zstdCoding}} {
		for name, page := range withPlace(t, c.coding) {
			t.Run(c.name+"/"+name, func(t *testing.T) {
				body := encoded(c.coding, page[0])
				ways := map[string][][]byte{"whole": whole(body), "byte by byte": byByte(body)}
				if c.coding != identity && len(body) > 2048 {
					delete(ways, "byte by byte") // it is slow, and what matters is in the beginning
				}
				for seed := range uint64(2) {
					ways[fmt.Sprintf("split %d", seed)] = split(body, seed)
				}
				for way, pieces := range ways {
					for _, flush := range []bool{false, true} {
						if flush && name == "iso-2022-jp.html" {
							continue // a flush may come before the charset is known
						}
						if flush && c.coding != identity && len(body) > 2048 {
							continue // a flush costs a block
						}
						checkPage(t, way, c.coding, page, pieces, flush)
					}
				}
			})
		}
	}
}

func checkPage(t *testing.T, way string, c coding, page [2][]byte, pieces [][]byte, flush bool) {
	t.Helper()
	h := http.Header{"Content-Type": {"text/html"}}
	if c != identity {
		h["Content-Encoding"] = []string{codingName(c)}
	}
	if !flush {
		h["Content-Length"] = []string{fmt.Sprint(len(bytes.Join(pieces, nil)))}
	}
	s := through(t, h, pieces, flush)
	got, err := decoded(c, s.body)
	if err != nil {
		t.Fatalf("%s, flush %t: %v", way, flush, err)
	}
	early := flush && c != identity // before anything could tell the charset, so that it is not spliced
	if !bytes.Equal(got, page[1]) && !(early && bytes.Equal(got, insertAt(page[0], place(page[0])))) {
		t.Errorf("%s, flush %t:\n%q, want\n%q", way, flush, got, page[1])
	}
	if length := h["Content-Length"]; length != nil && length[0] != fmt.Sprint(len(s.body)) {
		t.Errorf("%s: Content-Length %s, but %d bytes", way, length[0], len(s.body))
	}
	if s.status != http.StatusOK {
		t.Errorf("%s: status %d", way, s.status)
	}
}

// TestAPageCostsNoMoreWritesThanWithoutUs counts writes, which are what a response
// costs.
func TestAPageCostsNoMoreWritesThanWithoutUs(t *testing.T) {
	head := `<!DOCTYPE html><html><head><meta charset="utf-8"><title>x</title></head><body>`
	short, long := []byte(head), noise(head, 30000)
	zipped := encoded(gzipCoding, long)
	for name, c := range map[string]struct {
		coding coding
		pieces [][]byte
		known  bool
	}{
		"written at once":                   {identity, whole(long), true},
		"written in two pieces":             {identity, cut(long, len(head)), true},
		"written in three pieces":           {identity, cut(long, 5, len(head)), true},
		"short, with a known length":        {identity, whole(short), true},
		"short, of an unknown length":       {identity, whole(short), false},
		"gzip, written at once":             {gzipCoding, whole(zipped), true},
		"gzip, written in two pieces":       {gzipCoding, cut(zipped, 4000), true},
		"gzip, written in three pieces":     {gzipCoding, cut(zipped, 5, 4000), true},
		"gzip, the trailer on its own":      {gzipCoding, cut(zipped, len(zipped)-8), true},
		"gzip, short, with a known length":  {gzipCoding, whole(encoded(gzipCoding, short)), true},
		"gzip, short, of an unknown length": {gzipCoding, whole(encoded(gzipCoding, short)), false},
		"zstd, written at once":             {zstdCoding, whole(encoded(zstdCoding, long)), true},
		"zstd, written in two pieces":       {zstdCoding, cut(encoded(zstdCoding, long), 4000), true},
		"zstd, short, of an unknown length": {zstdCoding, whole(encoded(zstdCoding, short)), false},
	} {
		t.Run(name, func(t *testing.T) {
			h := http.Header{"Content-Type": {"text/html"}, "Content-Encoding": {codingName(c.coding)}}
			if c.known {
				h["Content-Length"] = []string{fmt.Sprint(len(bytes.Join(c.pieces, nil)))}
			}
			if s := through(t, h, c.pieces, false); s.writes != 1 {
				t.Errorf("%d writes, want 1", s.writes)
			}
		})
	}
}

func TestABigWriteArrivesWhole(t *testing.T) {
	doc := append([]byte("<!DOCTYPE html><html><head><title>x</title></head><body>"), bytes.Repeat([]byte("0123456789abcdef"), 300<<10/16)...)
	for _, c := range []coding{identity, gzipCoding, zstdCoding} {
		page := [2][]byte{doc, formed(c, doc, place(doc))}
		checkPage(t, "whole", c, page, whole(encoded(c, doc)), false)
	}
}

func TestADocumentWithoutAPlaceIn64KiBIsLeftAlone(t *testing.T) {
	comment := append([]byte("<!-- "), bytes.Repeat([]byte("never ends "), 20<<10)...)
	late := append(append([]byte("<!--"), bytes.Repeat([]byte(" "), maxHeld)...), "--><head>"...)
	early := append(append([]byte("<!--"), bytes.Repeat([]byte(" "), maxHeld-100)...), "--><head>"...)
	for name, page := range map[string][2][]byte{
		"a comment that never ends":            {comment, comment},
		"a comment that ends behind the bound": {late, late},
		"a comment that ends before the bound": {early, insertAt(early, len(early))},
	} {
		for _, c := range []coding{identity, gzipCoding, zstdCoding} {
			body := encoded(c, page[0])
			t.Run(fmt.Sprint(name, c), func(t *testing.T) {
				checkPage(t, "whole", c, page, whole(body), false)
				checkPage(t, "in pieces", c, page, slices.Collect(slices.Chunk(body, 3000)), true)
			})
		}
	}
}
