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
	for {
		pos += spaces(b[pos:])
		switch rest := b[pos:]; {
		case hasPrefixFold(rest, "<head>"):
			return pos + len("<head>"), true
		case hasPrefixFold(rest, "<!doctype"):
			end := bytes.IndexByte(rest, '>')
			if end < 0 {
				return 0, false
			}
			pos += end + 1
		case hasPrefixFold(rest, "<html"):
			end, ok := plainTag(rest, "<html", nil)
			if !ok {
				return 0, false
			}
			pos += end
		default:
			return 0, false
		}
	}
}

// plainTag returns the length of the start tag that b begins with, so much of which is
// begin, if it has no attributes but plain ones: names, each with a value in quotes, with
// one of letters, digits and a few marks, or with none. each, if there is one, gets them.
func plainTag(b []byte, begin string, each func(name, value []byte)) (length int, ok bool) {
	for i := len(begin); ; {
		start := i
		i += spaces(b[i:])
		switch rest := b[i:]; {
		case len(rest) == 0:
			return 0, false
		case rest[0] == '>':
			return i + 1, true
		case rest[0] == '/' && len(rest) > 1 && rest[1] == '>':
			return i + 2, true
		case i == start: // another name, or something stuck to a value
			return 0, false
		}
		name := b[i : i+plainBytes(b[i:], "-:")]
		if len(name) == 0 {
			return 0, false
		}
		i += len(name)
		var value []byte
		if i < len(b) && b[i] == '=' {
			if value, i, ok = plainValue(b, i+1); !ok {
				return 0, false
			}
		}
		if each != nil {
			each(name, value)
		}
	}
}

// plainValue returns the value that begins at i, and what is behind it.
func plainValue(b []byte, i int) (value []byte, next int, ok bool) {
	if i < len(b) && (b[i] == '"' || b[i] == '\'') {
		size := bytes.IndexByte(b[i+1:], b[i])
		if size < 0 {
			return nil, 0, false
		}
		return b[i+1 : i+1+size], i + size + 2, true
	}
	value = b[i : i+plainBytes(b[i:], "-:._")]
	next = i + len(value)
	return value, next, len(value) > 0 && next < len(b) && (b[next] == '>' || isSpace(b[next]))
}

// plainBytes counts the letters, digits and marks that b begins with.
func plainBytes(b []byte, marks string) (n int) {
	for n < len(b) && (isLetter(b[n]) || b[n] >= '0' && b[n] <= '9' || strings.IndexByte(marks, b[n]) >= 0) {
		n++
	}
	return n
}

// spaces counts the white space that b begins with.
func spaces(b []byte) (n int) {
	for n < len(b) && isSpace(b[n]) {
		n++
	}
	return n
}

func hasPrefixFold(b []byte, prefix string) bool {
	return len(b) >= len(prefix) && strings.EqualFold(string(b[:len(prefix)]), prefix)
}
