package inject

import (
	"bytes"
	"slices"
	"strings"

	"golang.org/x/net/html"
)

// prescanLength is how much of a document browsers search for its charset
// before they parse it (HTML standard 13.2.3.2).
const prescanLength = 1024

// metaCharset returns the charset that a meta element within the first 1024
// bytes declares, "" if none does. The insertion may push that element out of
// the browser's sight, so the header must say it then. place is where the head begins,
// if the document begins plainly, else below 0.
func metaCharset(b []byte, place int) string {
	if bytes.HasPrefix(b, []byte(utf8BOM)) {
		return "" // the byte order mark decides
	}
	b = b[:min(len(b), prescanLength)]
	if place >= 0 && place <= len(b) {
		if label, known := plainCharset(b[place:]); known {
			return label
		}
	}
	if !containsFold(b, "charset") {
		return ""
	}
	return tokenizedCharset(b)
}

// plainCharset returns the charset that the beginning of a head declares, if there is
// nothing but plain elements before it; or none, if there is nothing else at all. It
// spares nearly all pages the tokenizer.
func plainCharset(b []byte) (label string, known bool) {
	for {
		b = b[spaces(b):]
		length, plain := 0, false
		switch {
		case len(b) == 0:
			return "", true
		case hasPrefixFold(b, "<meta"):
			var m plainMeta
			if length, plain = plainTag(b, "<meta", m.take); plain {
				if label, plain = m.label(); label != "" {
					return label, plain
				}
			}
		case hasPrefixFold(b, "<link"):
			length, plain = plainTag(b, "<link", nil)
		case hasPrefixFold(b, "<title>"):
			if end := bytes.IndexByte(b[1:], '<') + 1; end > 0 && hasPrefixFold(b[end:], "</title>") {
				length, plain = end+len("</title>"), true
			}
		}
		if !plain {
			return "", false
		}
		b = b[length:]
	}
}

// plainMeta are the attributes of a meta element that say something of the charset.
type plainMeta struct {
	charset, content, pragma []byte
	seen                     [3]bool
	unusual                  bool // the tokenizer may read something else
}

func (m *plainMeta) take(name, value []byte) {
	for i, own := range [...]struct {
		name  string
		value *[]byte
	}{{"charset", &m.charset}, {"content", &m.content}, {"http-equiv", &m.pragma}} {
		if len(name) == len(own.name) && hasPrefixFold(name, own.name) {
			m.unusual = m.unusual || m.seen[i] || bytes.ContainsAny(value, "&\r\x00")
			m.seen[i], *own.value = true, value
		}
	}
}

// label returns the charset, "" if there is none.
func (m *plainMeta) label() (label string, plain bool) {
	if bytes.EqualFold(m.charset, []byte("utf-8")) {
		return "utf-8", !m.unusual // as nearly all are
	}
	return labelOf(string(m.charset), string(m.content), isContentType(string(m.pragma))), !m.unusual
}

// tokenizedCharset is what the tokenizer reads.
func tokenizedCharset(b []byte) string {
	z := html.NewTokenizer(bytes.NewReader(b))
	for {
		switch z.Next() {
		case html.ErrorToken:
			return ""
		case html.StartTagToken, html.SelfClosingTagToken:
			if name, more := z.TagName(); string(name) == "meta" && more {
				if label := charsetOf(z); label != "" {
					return label
				}
			}
		}
	}
}

// charsetOf reads the attributes of a meta element (HTML standard, prescan).
func charsetOf(z *html.Tokenizer) string {
	var charset, content string
	pragma := false
	for more := true; more; {
		var key, val []byte
		key, val, more = z.TagAttr()
		switch string(key) {
		case "charset":
			charset = string(val)
		case "http-equiv":
			pragma = isContentType(string(val))
		case "content":
			content = string(val)
		}
	}
	return labelOf(charset, content, pragma)
}

func isContentType(pragma string) bool { return strings.EqualFold(pragma, "content-type") }

// labelOf returns the charset that a meta element declares by its attributes.
func labelOf(charset, content string, pragma bool) string {
	if charset == "" && pragma {
		charset = contentCharset(strings.ToLower(content))
	}
	charset = strings.ToLower(strings.Trim(charset, htmlSpace))
	switch {
	case strings.Trim(charset, "abcdefghijklmnopqrstuvwxyz0123456789-_.:+") != "":
		return "" // no label, and nothing for a header
	case slices.Contains(utf16Labels, charset):
		return "utf-8" // a meta that can be read is not in UTF-16
	case charset == "x-user-defined":
		return "windows-1252"
	}
	return charset
}

const htmlSpace = "\t\n\f\r "

var utf16Labels = []string{
	"utf-16", "utf-16le", "utf-16be", "ucs-2", "unicode", "unicodefeff", "unicodefffe", "csunicode", "iso-10646-ucs-2",
}

// contentCharset returns the charset in the content of a meta element (HTML
// standard, extracting a character encoding from a meta element). It may stand
// anywhere: many an old page forgets the semicolon before it.
func contentCharset(s string) string {
	for {
		_, rest, ok := strings.Cut(s, "charset")
		if !ok {
			return ""
		}
		s = rest
		if rest, ok = strings.CutPrefix(strings.TrimLeft(rest, htmlSpace), "="); !ok {
			continue
		}
		rest = strings.TrimLeft(rest, htmlSpace)
		if strings.HasPrefix(rest, `"`) || strings.HasPrefix(rest, "'") {
			label, _, closed := strings.Cut(rest[1:], rest[:1])
			if !closed {
				return ""
			}
			return label
		}
		if end := strings.IndexAny(rest, htmlSpace+";"); end >= 0 {
			rest = rest[:end]
		}
		return rest
	}
}
