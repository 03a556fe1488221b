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
// the browser's sight, so the header must say it then.
func metaCharset(b []byte) string {
	if bytes.HasPrefix(b, []byte(utf8BOM)) {
		return "" // the byte order mark decides
	}
	b = b[:min(len(b), prescanLength)]
	if firstIsUTF8(b) {
		return "utf-8"
	}
	if !containsFold(b, "charset") {
		return ""
	}
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

// firstIsUTF8 reports whether a document begins as most do: plainly, and with
// `<meta charset="utf-8">` as the first element of its head. It spares these the
// tokenizer.
func firstIsUTF8(b []byte) bool {
	pos, ok := plainHead(b)
	if !ok {
		return false
	}
	b = bytes.TrimLeft(b[pos:], htmlSpace)
	for _, meta := range [...]string{`<meta charset="utf-8"`, `<meta charset=utf-8`} {
		if hasPrefixFold(b, meta) {
			end := bytes.TrimLeft(b[len(meta):], " ")
			return bytes.HasPrefix(end, []byte(">")) || meta[len(meta)-1] == '"' && bytes.HasPrefix(end, []byte("/>"))
		}
	}
	return false
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
			pragma = strings.EqualFold(string(val), "content-type")
		case "content":
			content = string(val)
		}
	}
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
