package sandbox

import (
	"encoding/hex"
	"errors"
	"strings"
	"unicode/utf8"
)

// Form is a form of the page's URL that implementations hash. DingTalk's own samples and SDKs disagree, so
// its check is taken to know them all.
type Form string

// The forms.
const (
	QueryDecoded Form = "query_decoded" // query form-decoded once, as DingTalk's Java sample does: + is a space
	Raw          Form = "raw"           // as location.href shows it
	Decoded      Form = "decoded"       // path and query percent-decoded, + stays
)

// Forms are all the forms, the most likely one first.
var Forms = []Form{QueryDecoded, Raw, Decoded}

// Of returns that form of a page's URL, which must come without its fragment. A part with a malformed %
// stays as it is.
func (f Form) Of(pageURL string) string {
	head, query, hasQuery := strings.Cut(pageURL, "?")
	switch f {
	case QueryDecoded:
		query = decodeOrRaw(strings.ReplaceAll(query, "+", " "), query)
	case Decoded:
		head, query = decodeOrRaw(head, head), decodeOrRaw(query, query)
	}
	if hasQuery {
		return head + "?" + query
	}
	return head
}

func decodeOrRaw(encoded, raw string) string {
	decoded, err := percentDecode(encoded)
	if err != nil {
		return raw
	}
	return decoded
}

var errMalformed = errors.New("percent sign without two hex digits")

// percentDecode decodes as java.net.URLDecoder does, + aside: %XX are bytes of UTF-8.
func percentDecode(s string) (string, error) {
	var b []byte
	for i := 0; i < len(s); i++ {
		if s[i] != '%' {
			b = append(b, s[i])
			continue
		}
		if len(s) < i+3 {
			return "", errMalformed
		}
		octet, err := hex.DecodeString(s[i+1 : i+3])
		if err != nil {
			return "", errMalformed
		}
		b = append(b, octet...)
		i += 2
	}
	return javaString(b), nil
}

// javaString is Java's new String(b, UTF_8): each maximal ill-formed part becomes one U+FFFD, and so does
// an encoded surrogate (run under OpenJDK 17).
func javaString(b []byte) string {
	var s strings.Builder
	for len(b) > 0 {
		r, size := utf8.DecodeRune(b)
		if r == utf8.RuneError && size == 1 {
			size = illFormed(b)
		}
		s.WriteRune(r)
		b = b[size:]
	}
	return s.String()
}

// illFormed is the length of the ill-formed part that b begins with: as much of b as can begin a sequence
// (Unicode, table 3-7), where Java lets ED be followed by the second byte of a surrogate.
func illFormed(b []byte) int {
	size, low, high := 1, byte(0x80), byte(0xBF)
	switch lead := b[0]; {
	case lead >= 0xC2 && lead <= 0xDF:
		size = 2
	case lead >= 0xE0 && lead <= 0xEF:
		size = 3
	case lead >= 0xF0 && lead <= 0xF4:
		size = 4
	}
	switch b[0] {
	case 0xE0:
		low = 0xA0
	case 0xF0:
		low = 0x90
	case 0xF4:
		high = 0x8F
	}
	n := 1
	for n < size && n < len(b) && low <= b[n] && b[n] <= high {
		n, low, high = n+1, 0x80, 0xBF
	}
	return n
}
