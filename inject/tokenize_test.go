package inject

import (
	"bytes"
	"io"
	"slices"
	"strings"
	"testing"

	"golang.org/x/net/html"
)

// tokenize finds the place in a whole document by the tokenizer of x/net/html: a
// second opinion on the search.
func tokenize(b []byte) (pos int, f finding) {
	in := &source{b: b}
	z := html.NewTokenizer(in)
	for {
		tt := z.Next()
		raw := z.Raw()
		switch tt {
		case html.ErrorToken:
			if len(raw) > 0 {
				return 0, noPlace // ends within a tag
			}
			return len(b), found
		case html.TextToken:
			i := len(raw) - len(bytes.TrimLeft(raw, htmlSpace))
			if i < len(raw) {
				if raw[i] == '&' {
					return pos + i, beginReference(raw[i:], true)
				}
				return pos + i, found
			}
		case html.CommentToken, html.DoctypeToken:
			if in.drained {
				return 0, noPlace // ends within the comment
			}
		case html.StartTagToken, html.SelfClosingTagToken:
			switch name, _ := z.TagName(); string(name) {
			case "html":
			case "head":
				return pos + len(raw), found
			default:
				return pos, found
			}
		case html.EndTagToken:
			switch name, _ := z.TagName(); string(name) {
			case "head", "body", "html", "br":
				return pos, found
			}
		}
		pos += len(raw)
	}
}

// source gives the tokenizer what is there and notes when it asks for more.
type source struct {
	b       []byte
	drained bool
}

func (s *source) Read(p []byte) (int, error) {
	if len(s.b) == 0 {
		s.drained = true
		return 0, io.EOF
	}
	n := copy(p, s.b)
	s.b = s.b[n:]
	return n, nil
}

// agree proves that the search finds what the tokenizer finds.
func agree(t testing.TB, b []byte) {
	t.Helper()
	b = append(slices.Clip(b), ' ') // the tokenizer reads a byte more than it needs to know that `<!>` has ended
	start, f := skipBOM(b, true)
	if f != found {
		return
	}
	want, wantFound := tokenize(b[start:])
	pos, f := new(search).next(b, true)
	if f != wantFound || f == found && pos != start+want {
		t.Fatalf("%q: the search says %d (%v), the tokenizer %d (%v)", b, pos, f, start+want, wantFound)
	}
}

func TestTheSearchFindsWhatATokenizerFinds(t *testing.T) {
	for _, doc := range documents {
		b, _ := unmark(doc)
		agree(t, b)
		agree(t, append(b, "><head>"...))
	}
	for _, doc := range corpus(t) {
		agree(t, doc)
	}
	for i := range pieces {
		for j := range pieces {
			agree(t, []byte(pieces[i]+pieces[j]))
		}
	}
}

// FuzzSearch proves the same for anything.
func FuzzSearch(f *testing.F) {
	for _, doc := range documents {
		b, _ := unmark(doc)
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) { agree(t, b) })
}

// TestTheSearchLooksAtNothingTwice lets long tokens arrive byte by byte, and
// destroys what has been looked at: were it looked at again, the place would be
// another.
func TestTheSearchLooksAtNothingTwice(t *testing.T) {
	const n = 4000
	for name, c := range map[string]struct{ begin, fill, end string }{
		"a comment":                  {"<!-- ", "x", "-->"},
		"a comment full of >":        {"<!-- ", "> ", "-->"},
		"a doctype":                  {"<!DOCTYPE ", "x", ">"},
		"an instruction":             {"<?", "x ", ">"},
		"an attribute":               {`<html a="`, ">", `">`},
		"an attribute in apostrophs": {`<html a='`, `">`, `'>`},
		"many attributes":            {"<html ", " a=b", ">"},
		"an end tag":                 {"</p ", " a", ">"},
		"white space":                {"<html>", " \n", ""},
	} {
		t.Run(name, func(t *testing.T) {
			doc := []byte(c.begin + strings.Repeat(c.fill, n) + c.end + "<head>")
			var arrived []byte
			var s search
			for i, p := range byByte(doc) {
				arrived = append(arrived, p...)
				pos, f := s.next(arrived, false)
				if last := i == len(doc)-1; f == found != last || last && pos != len(doc) {
					t.Fatalf("behind %d of %d bytes: %d, %v", i+1, len(doc), pos, f)
				}
				if s.at < i-len("<!--") {
					t.Fatalf("behind %d bytes it goes on at %d", i+1, s.at)
				}
				for j := max(len(c.begin), i-len("-->")) - 1; j >= len(c.begin) && arrived[j] != '\x00'; j-- {
					arrived[j] = 0
				}
			}
		})
	}
}

func BenchmarkSearch(b *testing.B) {
	for name, size := range map[string]int{"4 KiB byte by byte": 4 << 10, "64 KiB byte by byte": 64 << 10} {
		doc := []byte("<!-- " + strings.Repeat("> ", size/2) + "--><head>")
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(doc)))
			for b.Loop() {
				var s search
				for i := range doc {
					s.next(doc[:i+1], false)
				}
			}
		})
	}
}
