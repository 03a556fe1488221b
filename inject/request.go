package inject

import (
	"net/http"
	"strings"
)

// IsDocument reports whether a browser asks for a document to show: by
// Sec-Fetch-Dest, or, from browsers and plain http sites that send none, by an
// Accept that names text/html. A navigation that a service worker passes on comes
// as a fetch, but only navigations ask for an upgrade of insecure requests
// (measured in Chromium and Firefox). Browsers navigate by GET and POST; an upgrade
// has no page.
func IsDocument(r *http.Request) bool {
	if r.Method != http.MethodGet && r.Method != http.MethodPost {
		return false
	}
	if len(r.Header["Upgrade"]) > 0 {
		return false
	}
	if dest := r.Header["Sec-Fetch-Dest"]; len(dest) > 0 {
		switch dest[0] {
		case "document", "iframe", "frame":
			return true
		case "empty": // fetch, unless a service worker passes a navigation on
			return len(r.Header["Upgrade-Insecure-Requests"]) > 0
		}
		return false
	}
	if with := r.Header["X-Requested-With"]; len(with) > 0 && strings.EqualFold(with[0], "XMLHttpRequest") {
		return false
	}
	for _, accept := range r.Header["Accept"] {
		if containsFold(accept, "text/html") {
			return true
		}
	}
	return false
}

// containsFold reports whether s contains the lower-case letters of sub in any
// case, without allocating.
func containsFold[T string | []byte](s T, sub string) bool {
	for i := 0; i+len(sub) <= len(s); i++ {
		n := 0
		for n < len(sub) && (s[i+n]|0x20) == sub[n] {
			n++
		}
		if n == len(sub) {
			return true
		}
	}
	return false
}

// Prepare changes the headers of a request for a document, in place, so that the
// answer can become a page: a range of a page is no page, a date says nothing
// about a page that is signed anew, and only codings that can be taken off again
// are accepted. It must be called before Revalidate.
func Prepare(h http.Header) {
	delete(h, "Range")
	delete(h, "If-Range")
	delete(h, "If-Modified-Since")
	if accepted := h["Accept-Encoding"]; len(accepted) > 0 {
		if known, cut := knownCodings(strings.Join(accepted, ",")); cut {
			h["Accept-Encoding"] = []string{known}
		}
	}
}

// knownCodings keeps of an Accept-Encoding what can be decoded and encoded
// again, and reports whether anything was cut off.
func knownCodings(accepted string) (known string, cut bool) {
	kept := make([]byte, 0, 64)
	for item := range strings.SplitSeq(accepted, ",") {
		item = strings.TrimSpace(item)
		name, _, _ := strings.Cut(item, ";")
		switch {
		case item == "":
		case codingOf(strings.TrimSpace(name)) == unknownCoding:
			cut = true
		case len(kept) > 0:
			kept = append(append(kept, ", "...), item...)
		default:
			kept = append(kept, item...)
		}
	}
	switch {
	case !cut:
		return accepted, false
	case len(kept) == 0:
		return "identity", true
	}
	return string(kept), true
}

// Revalidate turns If-None-Match into what upstream understands: tags that carry
// the suffix of the pages we make now become upstream's own, all others go, for
// their pages are out of date. It reports whether a condition is left.
func Revalidate(h http.Header, suffix string) bool {
	var bare []string
	for _, value := range h["If-None-Match"] {
		for value != "" {
			tag, rest := cutTag(value)
			if tag == "" {
				break // `*`, or no list of entity-tags: RFC 9110 section 13.1.2
			}
			if b, ours := strings.CutSuffix(tag, suffix+`"`); ours && suffix != "" {
				bare = append(bare, b+`"`)
			}
			value = rest
		}
	}
	delete(h, "If-None-Match")
	if len(bare) == 0 {
		return false
	}
	h["If-None-Match"] = []string{strings.Join(bare, ", ")}
	return true
}

// cutTag takes the first entity-tag off a list.
func cutTag(s string) (tag, rest string) {
	s = strings.TrimLeft(s, " \t,")
	start := 0
	if strings.HasPrefix(s, "W/") {
		start = 2
	}
	if len(s) <= start || s[start] != '"' {
		return "", ""
	}
	end := strings.IndexByte(s[start+1:], '"')
	if end < 0 {
		return "", ""
	}
	end += start + 2
	return s[:end], s[end:]
}
