package signer

import "strings"

// ParseURL reads the URL that a page says it shows: absolute, http or https,
// ASCII, with a path and without a user name. A fragment is dropped, and so is
// a default port. The error is an *Error.
func ParseURL(s string) (Page, error) {
	s, _, _ = strings.Cut(s, "#")
	origin, target, err := cutOrigin(s)
	switch {
	case err == errUser:
		return Page{}, &Error{Reason: HasUser}
	case err == errScheme && hasScheme(s):
		return Page{}, &Error{Reason: NotWeb}
	case err != nil:
		return Page{}, &Error{Reason: NotAbsolute, Subject: err.Error()}
	case !validTarget(target):
		return Page{}, &Error{Reason: NoPath}
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
