package inject

import (
	"bytes"
	"net/http"
	"slices"
	"strings"
	"testing"
)

// FuzzPlace proves that the place does not depend on how a document arrives, and
// that a page without the snippet is the document.
func FuzzPlace(f *testing.F) {
	for _, doc := range documents {
		b, _ := unmark(doc)
		f.Add(b, uint64(len(b)))
	}
	f.Fuzz(func(t *testing.T, b []byte, seed uint64) {
		pos := place(b)
		if pos > len(b) {
			t.Fatalf("the place in %q is %d", b, pos)
		}
		var ends []int
		end := 0
		for _, p := range split(b, seed) {
			end += len(p)
			ends = append(ends, end)
		}
		if got := placeInPieces(b, ends...); got != pos {
			t.Fatalf("%q in pieces that end at %d: %d, in one %d", b, ends, got, pos)
		}
		s := through(t, http.Header{"Content-Type": {"text/html; charset=utf-8"}}, split(b, seed), seed%2 == 0)
		want := b
		if pos >= 0 && len(b) > 0 {
			want = insertAt(b, pos)
		}
		if !bytes.Equal(s.body, want) {
			t.Fatalf("%q, want %q", s.body, want)
		}
	})
}

// FuzzTree proves that the snippet changes nothing beside it.
func FuzzTree(f *testing.F) {
	for _, doc := range documents {
		b, _ := unmark(doc)
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		if pos := place(b); pos >= 0 {
			proveInsertion(t, b, pos)
		}
	})
}

// FuzzRevalidate proves that upstream is asked for nothing that it did not give.
func FuzzRevalidate(f *testing.F) {
	for _, s := range []string{`"a-t1"`, `W/"a-t1", "b"`, `*`, `"a-t1`, `,,"-t1",W/`, `"a-t1"x`, `"a""b-t1"`} {
		f.Add(s, tag)
	}
	f.Fuzz(func(t *testing.T, value, suffix string) {
		h := http.Header{"If-None-Match": {value}}
		kept := Revalidate(h, suffix)
		left := kept != ""
		if left != (len(h["If-None-Match"]) == 1) {
			t.Fatalf("a condition is left: %t, %q", left, h)
		}
		if left && suffix == "" {
			t.Fatalf("without a suffix %q is left", h)
		}
		if !left || strings.Contains(suffix, `"`) {
			return // or no suffix that could be ours
		}
		for rest := h["If-None-Match"][0]; rest != ""; {
			var bare string
			if bare, rest = cutTag(rest); bare == "" {
				t.Fatalf("%q is no list of tags", h)
			}
			if given := strings.TrimSuffix(bare, `"`) + kept + `"`; !strings.Contains(value, given) {
				t.Fatalf("%q is asked for, but %q did not come with %q", bare, given, value)
			}
			page := http.Header{"Etag": {bare}}
			new(values).asPage(page, kept, -1)
			back := http.Header{"If-None-Match": page["Etag"]}
			if Revalidate(back, suffix) != kept || back["If-None-Match"][0] != bare {
				t.Fatalf("%q comes back as %q", bare, back)
			}
		}
	})
}

// FuzzKnownCodings proves that what is asked for is known, was accepted, and is
// all of that.
func FuzzKnownCodings(f *testing.F) {
	for _, s := range []string{"gzip, deflate, br, zstd", "br", "", "*", "gzip;q=0, ,identity", ",", ";", "br;q=1,gzip ;q=0.5"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, accepted string) {
		known, cut := knownCodings(accepted)
		if again, more := knownCodings(known); more || again != known {
			t.Fatalf("%q becomes %q and then %q", accepted, known, again)
		}
		items := func(s string) (all []string) {
			for item := range strings.SplitSeq(s, ",") {
				if item = strings.TrimSpace(item); item != "" {
					all = append(all, item)
				}
			}
			return all
		}
		want := slices.DeleteFunc(items(accepted), func(item string) bool {
			name, _, _ := strings.Cut(item, ";")
			return codingOf(strings.TrimSpace(name)) == unknownCoding
		})
		if cut != (len(want) < len(items(accepted))) {
			t.Fatalf("%q is cut: %t", accepted, cut)
		}
		if len(want) == 0 && cut {
			want = []string{"identity"}
		}
		if !slices.Equal(items(known), want) {
			t.Fatalf("%q becomes %q, want %q", accepted, known, want)
		}
	})
}
