package inject

import (
	"bytes"
	stdgzip "compress/gzip"
	"errors"
	"testing"
)

// FuzzGzip proves that a coded page is the document with the snippet, or passes
// untouched, and that one which is cut off or broken never ends as if it were
// whole. body is a document to encode, or a body as it is.
func FuzzGzip(f *testing.F) {
	member := encoded(gzipCoding, []byte(doc))
	for _, body := range [][]byte{[]byte(doc), nil, member, member[:50], append(member, member...), append(member, "\n"...), encoded(zstdCoding, []byte(doc))} {
		for _, zstd := range []bool{true, false} {
			f.Add(body, true, zstd, uint64(1))
			f.Add(body, false, zstd, uint64(2))
			f.Add(body, true, zstd, uint64(5))
			f.Add(body, false, zstd, uint64(6))
		}
	}
	f.Fuzz(func(t *testing.T, body []byte, encode, zstd bool, seed uint64) {
		c := gzipCoding
		if zstd {
			c = zstdCoding
		}
		if encode {
			body = encoded(c, body)
		}
		h := codedHeader(codingName(c), body)
		if seed%3 == 0 {
			delete(h, "Content-Length")
		}
		if seed%5 < 2 {
			h["Content-Type"] = []string{"text/html"} // nothing may tell the charset
		}
		s := &sink{header: h}
		w := NewWriter(s, "", theSnippet)
		var err error
		for _, p := range split(body, seed) {
			if _, err = w.Write(p); err != nil {
				break
			}
			if seed%2 == 0 {
				if err = w.FlushError(); err != nil {
					break
				}
			}
		}
		if err == nil {
			err = w.Finish()
		} else {
			w.Abort()
		}
		if s.header.Get("Etag") == `"a"` {
			if err != nil || !bytes.Equal(s.body, body) {
				t.Fatalf("left alone: %q (%v), want %q", s.body, err, body)
			}
			return
		}
		plain, clean := decodable(c, body)
		pos, _ := new(search).next(plain, clean)
		got, gotErr := decoded(c, s.body)
		switch {
		case encode && gotErr != nil:
			t.Fatalf("a whole page ends with %v", gotErr)
		case gotErr == nil && !clean:
			t.Fatalf("%q ends as if it were whole, but upstream's did not", got)
		case gotErr == nil && !isFormed(got, plain, pos):
			t.Fatalf("%q, want %q with the snippet", got, plain)
		case gotErr != nil && !bytes.HasPrefix(got, []byte(string(plain[:pos])+snippet)):
			t.Fatalf("%q (%v), want %q with the snippet", got, gotErr, plain)
		}
	})
}

// FuzzGzipHeader proves that a header has the length that the standard library
// finds.
func FuzzGzipHeader(f *testing.F) {
	for _, b := range gzipHeaders() {
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		n, result := gzipHeader(b)
		r := bytes.NewReader(b)
		_, err := stdgzip.NewReader(r)
		switch {
		case result == found && err == nil:
			if n != len(b)-r.Len() {
				t.Fatalf("%x: %d bytes, the library says %d", b, n, len(b)-r.Len())
			}
		case result == found && !errors.Is(err, stdgzip.ErrHeader): // it checks the checksum, and the length of names
			t.Fatalf("%x: %d bytes, the library says %v", b, n, err)
		case result != found && err == nil && b[3]&0xE0 == 0: // it does not look at reserved flags
			t.Fatalf("%x: no header (%v), but one for the library", b, result)
		}
	})
}

// FuzzSplice proves that the splice is right for any plain document, compressor
// and way of writing.
func FuzzSplice(f *testing.F) {
	for i := range uint64(40) {
		f.Add([]byte("<title>x</title>"), uint8(i), i, i%3 == 0, i%2 == 0)
	}
	f.Fuzz(func(t *testing.T, rest []byte, compressor uint8, seed uint64, known, flush bool) {
		all := compressors()
		c := all[int(compressor)%len(all)]
		doc := append([]byte("<!DOCTYPE html>\n<html lang=\"zh\">\n<head>"), bytes.Repeat(rest, int(seed%7+1))...)
		checkSplice(t, c, doc, c.compress(t, split(doc, seed)), known, func(body []byte) [][]byte { return split(body, seed+1) }, flush)
	})
}

// FuzzSpliceTree proves that the second coming of a plain beginning leaves nothing
// but white space in the tree.
func FuzzSpliceTree(f *testing.F) {
	for _, doc := range documents {
		b, _ := unmark(doc)
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		if _, ok := plainHead(b); ok {
			proveSplice(t, b)
		}
	})
}
