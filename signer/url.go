package signer

import "strings"

// CodeOriginNotAllowed is the code of an Error about a URL that is well formed
// but may not be signed.
const CodeOriginNotAllowed = "origin_not_allowed"

// ParseURL reads the URL that a page says it shows: absolute, http or https,
// ASCII, with a path and without a user name. A fragment is dropped, and so is
// a default port. The error is an *Error.
func ParseURL(s string) (Page, error) {
	s, _, _ = strings.Cut(s, "#")
	origin, target, err := cutOrigin(s)
	switch {
	case err == errUser:
		return Page{}, &Error{CodeOriginNotAllowed, "a URL with a user name or password is not signed: send location.href, which has none"}
	case err == errScheme && hasScheme(s):
		return Page{}, &Error{CodeOriginNotAllowed, "only http and https URLs are signed: ask from a page that came from the web"}
	case err != nil:
		return Page{}, &Error{CodeBadURL, "url is not a page's address: " + err.Error() + "; send encodeURIComponent(location.href)"}
	case !validTarget(target):
		return Page{}, &Error{CodeBadURL, "url must have a path, and only bytes that location.href shows (0x21 to 0x7E): send encodeURIComponent(location.href)"}
	}
	return Page{Origin: origin, Target: target}, nil
}

// hasScheme reports whether s begins with a scheme other than http and https
// (RFC 3986 section 3.1).
func hasScheme(s string) bool {
	scheme, _, found := strings.Cut(s, ":")
	for i := range len(scheme) {
		letter := 'a' <= scheme[i]|0x20 && scheme[i]|0x20 <= 'z'
		if !letter && (i == 0 || strings.IndexByte("0123456789+-.", scheme[i]) < 0) {
			return false
		}
	}
	return found && scheme != "" && webScheme(scheme) == ""
}
