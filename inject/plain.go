package inject

import (
	"bytes"
	"strings"
)

// plainHead finds the place in a document that begins as nearly all do: a
// doctype, `<html …>` and `<head>` with nothing but white space between them. It
// spares these the tokenizer, which needs a buffer for each page; whatever is
// unusual is left to that.
func plainHead(b []byte) (pos int, ok bool) {
	for pos < len(b) {
		switch c := b[pos]; {
		case c == ' ' || c == '\t' || c == '\n' || c == '\f' || c == '\r':
			pos++
			continue
		case c != '<':
			return 0, false
		}
		rest := b[pos:]
		switch {
		case hasPrefixFold(rest, "<head>"):
			return pos + len("<head>"), true
		case hasPrefixFold(rest, "<!doctype"):
			end := bytes.IndexByte(rest, '>')
			if end < 0 {
				return 0, false
			}
			pos += end + 1
		case hasPrefixFold(rest, "<html"):
			end, ok := plainTag(rest)
			if !ok {
				return 0, false
			}
			pos += end
		default:
			return 0, false
		}
	}
	return 0, false
}

// plainTag returns the length of the `<html` tag that b begins with, if it has no
// attributes but plain ones: names, each with a quoted value or none.
func plainTag(b []byte) (length int, ok bool) {
	i := len("<html")
	for i < len(b) && b[i] != '>' {
		start := i
		for i < len(b) && strings.IndexByte(" \t\n\f\r", b[i]) >= 0 {
			i++
		}
		if i == start {
			return 0, false // not `<html`, or something stuck to a value
		}
		name := i
		for i < len(b) && (b[i]|0x20 >= 'a' && b[i]|0x20 <= 'z' || b[i] == '-' || b[i] == ':') {
			i++
		}
		if i > name && i+1 < len(b) && b[i] == '=' && (b[i+1] == '"' || b[i+1] == '\'') {
			end := bytes.IndexByte(b[i+2:], b[i+1])
			if end < 0 {
				return 0, false
			}
			i += end + 3
		}
	}
	return i + 1, i < len(b)
}

func hasPrefixFold(b []byte, prefix string) bool {
	return len(b) >= len(prefix) && strings.EqualFold(string(b[:len(prefix)]), prefix)
}
