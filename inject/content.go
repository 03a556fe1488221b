package inject

import (
	"net/http"
	"slices"
	"strings"
)

// contentType is what a browser makes of the Content-Type of a response.
type contentType struct {
	media   string // such as text/html, as it is written; "" if there is none
	charset string // "" if it names none
	value   string // what a single header would say
}

func (t contentType) isHTML() bool { return strings.EqualFold(t.media, "text/html") }

// contentTypeOf reads Content-Type as the Fetch standard does ("extract a MIME
// type"): of several lines, and of the items of a line, the last valid one counts,
// and one without a charset keeps that of the same type before it. As Chromium and
// Firefox do, it takes what stands behind a space for no part of the type.
func contentTypeOf(h http.Header) (t contentType) {
	lines := h["Content-Type"]
	if len(lines) == 1 {
		switch line := lines[0]; line {
		case "text/html":
			return contentType{line, "", line}
		case "text/html; charset=utf-8", "text/html; charset=UTF-8": // nearly all that name one
			return contentType{"text/html", "utf-8", line}
		}
	}
	for _, line := range lines {
		for line != "" {
			var item string
			item, line = cutItem(line, ',')
			next, ok := parseContentType(item)
			if !ok {
				continue
			}
			if next.charset == "" && strings.EqualFold(next.media, t.media) {
				next.charset = t.charset
			}
			t = next
		}
	}
	return t
}

// parseContentType reads one item. It is not ok if that is no media type.
func parseContentType(item string) (t contentType, ok bool) {
	item = strings.Trim(item, httpSpace)
	t.media, t.value = item, item
	if i := strings.IndexAny(item, httpSpace+";("); i >= 0 {
		t.media = item[:i]
		if rest := strings.TrimLeft(item[i:], httpSpace); rest[0] != ';' {
			t.value = t.media // something that a parameter must not follow
		}
	}
	kind, sub, _ := strings.Cut(t.media, "/")
	if !isToken(kind) || !isToken(sub) || t.media == "*/*" {
		return contentType{}, false
	}
	_, params, _ := strings.Cut(item, ";")
	for params != "" && t.charset == "" {
		var p string
		p, params = cutItem(params, ';')
		name, value, _ := strings.Cut(p, "=")
		if strings.EqualFold(strings.Trim(name, httpSpace), "charset") {
			t.charset = strings.Trim(strings.Trim(value, httpSpace), `"'`)
		}
	}
	return t, true
}

const httpSpace = " \t\r\n"

// cutItem cuts s at the first separator that is not within double quotes.
func cutItem(s string, separator byte) (item, rest string) {
	quoted := false
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c == '"':
			quoted = !quoted
		case quoted && c == '\\':
			i++
		case c == separator && !quoted:
			return s[:i], s[i+1:]
		}
	}
	return s, ""
}

// isToken reports whether s is a token (RFC 9110 section 5.6.2).
func isToken(s string) bool {
	for i := range len(s) {
		if c := s[i]; !isLetter(c) && (c < '0' || c > '9') && strings.IndexByte("!#$%&'*+-.^_`|~", c) < 0 {
			return false
		}
	}
	return s != ""
}

// contentCoding returns the coding of a body. Browsers take one that they do not
// know for none: `UTF-8` and `none` are seen in the field. What they know, or what
// is registered and may be known to somebody else, is unknown here unless it can be
// taken off. Several codings are: browsers differ in what they make of them.
func contentCoding(h http.Header) coding {
	c, names, codings := identity, 0, 0
	for _, line := range h["Content-Encoding"] {
		for name := range strings.SplitSeq(line, ",") {
			name = strings.Trim(name, httpSpace)
			names++
			if next := codingOf(name); next == gzipCoding || next == zstdCoding || registeredCoding(name) {
				c = next
				codings++
			}
		}
	}
	switch {
	case codings == 0:
		return identity
	case names > 1:
		return unknownCoding
	}
	return c
}

// registeredCoding reports whether a content coding that is neither gzip nor zstd
// is in the IANA's registry, or else known to a browser.
func registeredCoding(name string) bool {
	return slices.ContainsFunc(otherCodings, func(s string) bool { return strings.EqualFold(s, name) })
}

var otherCodings = []string{"br", "deflate", "x-deflate", "compress", "x-compress", "dcb", "dcz", "aes128gcm", "exi", "pack200-gzip"}
