package inject

import (
	"bytes"
	"io"
	"strings"

	"golang.org/x/net/html"
)

// finding is what a look at the beginning of a document has found.
type finding int

const (
	needMore finding = iota // the place has not arrived yet
	found                   // it is at pos
	noPlace                 // there is none: the document must be left alone
)

// findPlace looks for the place where a script can be inserted so that it is the
// first of the page and every other node of the tree stays as it is: after
// `<head>`, or where the parser would imply one (HTML standard 13.2.6.4.1 to
// 13.2.6.4.3). b is the beginning of the document, all of it at eof; from is
// where an earlier look stopped, and next where a later one may go on.
func findPlace(b []byte, from int, eof bool) (pos, next int, f finding) {
	if from == 0 {
		if from, f = skipBOM(b, eof); f != found {
			return 0, 0, f
		}
	}
	if pos, ok := plainHead(b[from:]); ok {
		return from + pos, 0, found
	}
	return tokenize(b, from, eof)
}

// tokenize is findPlace for whatever stands behind a byte order mark.
func tokenize(b []byte, from int, eof bool) (pos, next int, f finding) {
	in := &source{b: b[from:]}
	z := html.NewTokenizer(in)
	pos = from
	for {
		tt := z.Next()
		raw := z.Raw()
		cut := in.drained && !eof // the token may go on in what has not arrived
		switch tt {
		case html.ErrorToken:
			switch {
			case !eof:
				return 0, pos, needMore
			case len(raw) > 0:
				return 0, 0, noPlace // ends within a tag
			}
			return len(b), 0, found
		case html.TextToken:
			i := len(raw) - len(bytes.TrimLeft(raw, htmlSpace))
			if cut && (i == len(raw) || raw[i] == '<' || raw[i] == '&' && len(raw) < i+maxReference) {
				return 0, pos + i, needMore
			}
			if i < len(raw) {
				if refersToSpace(raw[i:]) {
					return 0, 0, noPlace
				}
				return pos + i, 0, found
			}
		case html.CommentToken, html.DoctypeToken:
			if cut {
				return 0, pos, needMore
			}
			if in.drained {
				return 0, 0, noPlace // ends within the comment
			}
		case html.StartTagToken, html.SelfClosingTagToken:
			switch name, _ := z.TagName(); string(name) {
			case "html":
			case "head":
				return pos + len(raw), 0, found
			default:
				return pos, 0, found
			}
		case html.EndTagToken:
			switch name, _ := z.TagName(); string(name) {
			case "head", "body", "html", "br":
				return pos, 0, found
			}
		}
		pos += len(raw)
	}
}

// maxReference is more than a character reference to white space needs.
const maxReference = 16

// refersToSpace reports whether text begins with a character reference to white
// space. The parser skips it as if it were the character, so what follows may
// still be `<head>`; nobody writes that, and there is no place then.
func refersToSpace(text []byte) bool {
	if text[0] != '&' {
		return false
	}
	text = text[:min(len(text), maxReference)]
	if number, ok := bytes.CutPrefix(text, []byte("&#")); ok && len(text) == maxReference && len(bytes.Trim(number, "0123456789abcdefABCDEFxX")) == 0 {
		return true // it has more digits than that
	}
	s := html.UnescapeString(string(text))
	return strings.IndexByte(htmlSpace, s[0]) >= 0
}

const utf8BOM = "\xEF\xBB\xBF"

// wide are the beginnings of documents of two or four bytes a character, which
// have no place for ASCII: byte order marks, and the XML declarations by which
// browsers know UTF-16 without one (HTML standard 13.2.3.2).
var wide = []string{"\xFE\xFF", "\xFF\xFE", "\x00\x00\xFE\xFF", "<\x00?\x00x\x00", "\x00<\x00?\x00x"}

// skipBOM skips a UTF-8 byte order mark, which must stay first.
func skipBOM(b []byte, eof bool) (pos int, f finding) {
	start := string(b[:min(len(b), 6)])
	if strings.HasPrefix(start, utf8BOM) {
		return len(utf8BOM), found
	}
	more := strings.HasPrefix(utf8BOM, start)
	for _, w := range wide {
		if strings.HasPrefix(start, w) {
			return 0, noPlace
		}
		more = more || strings.HasPrefix(w, start)
	}
	if more && !eof {
		return 0, needMore
	}
	return 0, found
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
