package signer

import (
	"strings"
	"unicode/utf8"
)

// Policy says which form of the URL is hashed.
type Policy int

const (
	// QueryDecoded form-decodes the query once, as DingTalk's own Java sample
	// does with java.net.URLDecoder: `+` becomes a space.
	QueryDecoded Policy = iota
	// Raw takes the URL as location.href shows it.
	Raw
	// Decoded percent-decodes path and query; `+` stays.
	Decoded
)

// appendForm appends the form of the URL that the policy asks for. A part with
// a malformed percent sign stays raw.
func appendForm(dst []byte, url string, p Policy) []byte {
	if p == Raw || !strings.ContainsAny(url, "%+") {
		return append(dst, url...)
	}
	path, query, found := strings.Cut(url, "?")
	if p == Decoded {
		start := pathStart(path)
		dst = append(dst, path[:start]...)
		dst = appendDecoded(dst, path[start:], false)
	} else {
		dst = append(dst, path...)
	}
	if !found {
		return dst
	}
	return appendDecoded(append(dst, '?'), query, p == QueryDecoded)
}

// pathStart returns where the path of an absolute URL begins. The host is never
// decoded: Chromium shows percent signs in it and means them.
func pathStart(url string) int {
	i := strings.Index(url, "//")
	if i < 0 {
		return 0
	}
	if j := strings.IndexByte(url[i+2:], '/'); j >= 0 {
		return i + 2 + j
	}
	return len(url)
}

func appendDecoded(dst []byte, s string, plus bool) []byte {
	from := len(dst)
	for i := 0; i < len(s); i++ {
		c := s[i]
		switch {
		case c == '%':
			if i+2 >= len(s) || unhex(s[i+1]) < 0 || unhex(s[i+2]) < 0 {
				return append(dst[:from], s...)
			}
			c = byte(unhex(s[i+1])<<4 | unhex(s[i+2]))
			i += 2
		case c == '+' && plus:
			c = ' '
		}
		dst = append(dst, c)
	}
	if utf8.Valid(dst[from:]) {
		return dst
	}
	return appendReplaced(dst[:from], string(dst[from:]))
}

// appendReplaced appends s with one U+FFFD for each maximal ill-formed part, as
// java.lang.String decodes UTF-8 (measured with OpenJDK 17): the longest
// beginning of a sequence counts as one, and so does an encoded surrogate.
func appendReplaced(dst []byte, s string) []byte {
	for len(s) > 0 {
		r, n := utf8.DecodeRuneInString(s)
		if r == utf8.RuneError && n == 1 {
			n = illFormed(s)
		}
		dst = utf8.AppendRune(dst, r)
		s = s[n:]
	}
	return dst
}

// illFormed returns the length of the ill-formed part that s begins with.
func illFormed(s string) int {
	lo, hi, n := byte(0x80), byte(0xBF), 0 // bounds of the second byte, length of the sequence
	switch b := s[0]; {
	case b == 0xE0:
		n, lo = 3, 0xA0
	case b >= 0xE1 && b <= 0xEF:
		n = 3 // 0xED too: Java reads a whole surrogate, then replaces it by one
	case b == 0xF0:
		n, lo = 4, 0x90
	case b >= 0xF1 && b <= 0xF3:
		n = 4
	case b == 0xF4:
		n, hi = 4, 0x8F
	default:
		return 1 // a sequence of two bytes can only be cut off after the first
	}
	i := 1
	for i < n && i < len(s) && s[i] >= lo && s[i] <= hi {
		lo, hi = 0x80, 0xBF
		i++
	}
	return i
}

func unhex(c byte) int {
	switch {
	case '0' <= c && c <= '9':
		return int(c - '0')
	case 'a' <= c && c <= 'f':
		return int(c-'a') + 10
	case 'A' <= c && c <= 'F':
		return int(c-'A') + 10
	}
	return -1
}
