package inject

import (
	"bytes"
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

// search looks for the place where a script can be inserted so that it is the
// first of the page and every other node of the tree stays as it is: after
// `<head>`, or where the parser would imply one (HTML standard 13.2.6.4.1 to
// 13.2.6.4.3). It goes on where it stopped: a document that arrives in many small
// pieces is looked at once. The zero value is a search that begins.
type search struct {
	state searchState
	token int // where the token begins that the search is in
	at    int // where it goes on
}

type searchState int

const (
	atStart        searchState = iota // a byte order mark may come
	between                           // tokens
	inComment                         // `<!--`
	inBogus                           // whatever else ends at the first `>`
	inTagName                         // HTML standard 13.2.5.8
	beforeName                        // 13.2.5.32, and the others up to 13.2.5.40
	inName                            // of an attribute
	afterName                         //
	beforeValue                       //
	inDoubleQuotes                    //
	inSingleQuotes                    //
	inValue                           // without quotes
)

// next goes on in b, the beginning of the document that has arrived so far, all
// of it at eof.
func (s *search) next(b []byte, eof bool) (pos int, f finding) {
	if s.state == atStart {
		if s.at, f = skipBOM(b, eof); f != found {
			return 0, f
		}
		s.state = between
	}
	for {
		if s.state == between {
			if f = s.begin(b, eof); f != needMore || s.state == between {
				return s.token, f
			}
		}
		if !s.end(b) {
			if eof {
				return 0, noPlace // it ends within a tag or comment
			}
			return 0, needMore
		}
		if s.state != inTagName { // a comment
			s.state = between
			continue
		}
		s.state = between
		if pos = s.placeAt(b); pos >= 0 {
			return pos, found
		}
	}
}

// begin skips white space and tells what token follows. Text has its place before
// it: found at s.token. For anything else it changes the state, unless more is
// needed to tell.
func (s *search) begin(b []byte, eof bool) finding {
	for s.at < len(b) && isSpace(b[s.at]) {
		s.at++
	}
	s.token = s.at
	text, rest := needMore, b[s.at:]
	if eof {
		text = found // what has begun like a tag, or nothing
	}
	if len(rest) == 0 {
		return text
	}
	if rest[0] == '&' {
		return beginReference(rest, eof)
	}
	if rest[0] != '<' {
		return found
	}
	if len(rest) < 2 {
		return text
	}
	switch c := rest[1]; {
	case isLetter(c):
		s.state = inTagName
	case c == '/' && len(rest) < 3:
		return text
	case c == '/' && isLetter(rest[2]):
		s.state, s.at = inTagName, s.at+1
	case c == '!' && len(rest) < len("<!--") && strings.HasPrefix("<!--", string(rest)):
		if !eof {
			return needMore
		}
		s.state = inBogus
	case bytes.HasPrefix(rest, []byte("<!--")):
		s.state, s.at = inComment, s.at+2
	case c == '/' || c == '!' || c == '?':
		s.state = inBogus
	default:
		return found
	}
	s.at += 2
	return needMore
}

// end goes on to the end of a token, and reports whether that has arrived. The
// state is inTagName then if it was a tag.
func (s *search) end(b []byte) bool {
	for s.at < len(b) {
		c := b[s.at]
		s.at++
		switch s.state {
		case inComment:
			if s.at--; !s.skipTo(b, '>') {
				return false
			}
			if endsComment(b[s.token:s.at]) {
				return true
			}
			continue
		case inBogus:
			s.at--
			return s.skipTo(b, '>')
		case inDoubleQuotes, inSingleQuotes:
			quote := byte('"')
			if s.state == inSingleQuotes {
				quote = '\''
			}
			if s.at--; !s.skipTo(b, quote) {
				return false
			}
			s.state = beforeName
			continue
		}
		if c == '>' {
			s.state = inTagName
			return true
		}
		s.state = afterByte(s.state, c)
	}
	return false
}

// skipTo goes on behind the next c.
func (s *search) skipTo(b []byte, c byte) bool {
	i := bytes.IndexByte(b[s.at:], c)
	if i < 0 {
		s.at = len(b)
		return false
	}
	s.at += i + 1
	return true
}

// endsComment reports whether a comment that goes up to a `>` ends there: behind
// `--`, which may be that of its beginning, or `--!`, which may not (HTML standard
// 13.2.5.43 to 13.2.5.52).
func endsComment(comment []byte) bool {
	return len(comment) >= len("<!-->") && bytes.HasSuffix(comment, []byte("-->")) ||
		len(comment) >= len("<!----!>") && bytes.HasSuffix(comment, []byte("--!>"))
}

// afterByte returns the state of a tag behind one more byte, which is no `>`.
func afterByte(state searchState, c byte) searchState {
	switch {
	case state == inValue:
		if isSpace(c) {
			return beforeName
		}
		return inValue
	case state == beforeValue:
		switch {
		case isSpace(c):
			return beforeValue
		case c == '"':
			return inDoubleQuotes
		case c == '\'':
			return inSingleQuotes
		}
		return inValue
	case c == '/':
		return beforeName
	case isSpace(c):
		if state == inName || state == afterName {
			return afterName
		}
		return beforeName
	case state == inTagName:
		return inTagName
	case c == '=' && state != beforeName:
		return beforeValue
	}
	return inName
}

// placeAt returns the place that the tag just read has, or -1.
func (s *search) placeAt(b []byte) int {
	name := b[s.token+1 : s.at-1]
	ends := name[0] == '/'
	if ends {
		name = name[1:]
	}
	if i := bytes.IndexAny(name, htmlSpace+"/"); i >= 0 {
		name = name[:i]
	}
	switch is := func(s string) bool { return len(name) == len(s) && hasPrefixFold(name, s) }; {
	case is("html") && !ends:
		return -1
	case is("head") && !ends:
		return s.at
	case !ends, is("head"), is("body"), is("html"), is("br"):
		return s.token
	}
	return -1
}

func isSpace(c byte) bool { return c == ' ' || c == '\t' || c == '\n' || c == '\f' || c == '\r' }

func isLetter(c byte) bool { return c|0x20 >= 'a' && c|0x20 <= 'z' }

// maxReference is more than a character reference to white space needs.
const maxReference = 16

// beginReference tells whether text that begins with `&` has a place before it.
// The parser skips a reference to white space as if it were the character, so what
// follows may still be `<head>`; nobody writes that, and there is no place then.
func beginReference(text []byte, eof bool) finding {
	text = text[:min(len(text), maxReference)]
	if i := bytes.IndexByte(text, '<'); i >= 0 {
		text = text[:i]
	} else if len(text) < maxReference && !eof {
		return needMore
	}
	if number, ok := bytes.CutPrefix(text, []byte("&#")); ok && len(text) == maxReference && len(bytes.Trim(number, "0123456789abcdefABCDEFxX")) == 0 {
		return noPlace // it has more digits than that
	}
	if s := html.UnescapeString(string(text)); strings.IndexByte(htmlSpace, s[0]) >= 0 {
		return noPlace
	}
	return found
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
