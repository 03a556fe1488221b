package alert

import (
	"fmt"
	"net/url"
	"reflect"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// maxValue is how much of a value is told, in characters.
const maxValue = 500

// show writes a value of an event's data for one line. Of what is large or has no
// text of its own only the type is told: some of Caddy's events carry whole TLS
// handshakes.
func show(value any) string {
	switch v := value.(type) {
	case nil:
		return ""
	case string:
		return clean(v)
	case []byte:
		return clean(string(v))
	case time.Time:
		return v.Format(timeLayout)
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64)
	case bool, int, int64, uint, uint64, time.Duration:
		return fmt.Sprint(v)
	case error:
		return clean(v.Error())
	case fmt.Stringer:
		return clean(v.String())
	}
	switch v := reflect.ValueOf(value); v.Kind() {
	case reflect.Struct, reflect.Pointer, reflect.Func, reflect.Chan, reflect.UnsafePointer, reflect.Interface:
		return fmt.Sprintf("(%T)", value)
	case reflect.Slice, reflect.Array, reflect.Map:
		if v.Len() > 50 {
			return fmt.Sprintf("(%T of %d)", value, v.Len())
		}
	}
	return clean(fmt.Sprint(value))
}

// clean makes one line of a text: no control characters, none that turn the
// direction of writing, at most 500 characters.
func clean(text string) string {
	if len(text) <= maxValue && !strings.ContainsFunc(text, func(r rune) bool { return r < ' ' || r >= 0x7f }) {
		return text
	}
	if len(text) > 4*maxValue {
		text = text[:4*maxValue] // enough for 500 characters, and cheap
	}
	text = strings.Map(func(r rune) rune {
		switch {
		case r == '\n' || r == '\r' || r == '\t' || r == '\u2028' || r == '\u2029':
			return ' '
		case unicode.IsControl(r), r >= '\u202a' && r <= '\u202e', r >= '\u2066' && r <= '\u2069':
			return -1
		}
		return r
	}, strings.ToValidUTF8(text, "\uFFFD"))
	return cut(text, maxValue)
}

// cut shortens a text to so many characters, the last of them an ellipsis.
func cut(text string, characters int) string {
	if len(text) <= characters || utf8.RuneCountInString(text) <= characters {
		return text
	}
	n := 0
	for i := range text {
		if n++; n == characters {
			return text[:i] + "…"
		}
	}
	return text
}

func plain(value, _ string) string { return value }

// inURL encodes a value for a part of a URL; a value that is the whole URL stays.
func inURL(value, whole string) string {
	if strings.HasPrefix(whole, "{") && strings.IndexByte(whole, '}') == len(whole)-1 {
		return value
	}
	return strings.ReplaceAll(url.QueryEscape(value), "+", "%20")
}

// escape keeps Markdown from reading a value as markup: what is written inside a
// line always, what counts only at its beginning there.
func escape(value, _ string) string {
	if !strings.ContainsAny(value, "\\`*[]<>~|!_#+-=.)") {
		return value
	}
	var out strings.Builder
	out.Grow(len(value) + 8)
	for i, r := range value {
		if special(value, i, r) {
			out.WriteByte('\\')
		}
		out.WriteRune(r)
	}
	return out.String()
}

func special(value string, i int, r rune) bool {
	switch r {
	case '\\', '`', '*', '[', ']', '<', '>', '~', '|', '!':
		return true
	case '_': // within a word it is no emphasis, and snake_case stays readable
		return i == 0 || i == len(value)-1 || !wordByte(value[i-1]) || !wordByte(value[i+1])
	case '#', '+', '-', '=':
		return i == 0
	case '.', ')': // 1. begins a list
		return i > 0 && strings.Trim(value[:i], "0123456789") == "" && (i == len(value)-1 || value[i+1] == ' ')
	}
	return false
}

func wordByte(c byte) bool {
	return '0' <= c && c <= '9' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || c >= utf8.RuneSelf
}
