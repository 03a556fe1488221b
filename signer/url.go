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
	_, authority, _ := strings.Cut(s, "://")
	if i := strings.IndexAny(authority, "/?"); i >= 0 {
		authority = authority[:i]
	}
	if strings.Contains(authority, "@") {
		return Page{}, &Error{CodeOriginNotAllowed, "a URL with a user name or password is not signed: send location.href, which has none"}
	}
	origin, target, err := cutOrigin(s)
	if err != nil {
		return Page{}, &Error{CodeBadURL, "url is not a page's address: " + err.Error() + "; send encodeURIComponent(location.href)"}
	}
	if !validTarget(target) {
		return Page{}, &Error{CodeBadURL, "url must have a path, and only bytes that location.href shows (0x21 to 0x7E): send encodeURIComponent(location.href)"}
	}
	return Page{Origin: origin, Target: target}, nil
}
