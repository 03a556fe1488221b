package inject

import (
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// pageStatus reports whether a response with this status may be a page: one with
// a body of its own, whole.
func pageStatus(status int) bool {
	switch status {
	case http.StatusNoContent, http.StatusResetContent, http.StatusPartialContent:
		return false
	}
	return status >= 200 && status < 300 || status >= 400
}

// pageHeader reports whether a response with this header may be a page, content
// coding and charset aside, and what its type is.
func pageHeader(h http.Header) (t contentType, ok bool) {
	t = contentTypeOf(h)
	return t, t.isHTML() &&
		first(h, "Content-Length") != "0" &&
		!hasDirective(h["Cache-Control"], "no-transform") &&
		!startsWithFold(first(h, "Content-Disposition"), "attachment")
}

// sniffLength is how much of a body http.DetectContentType looks at.
const sniffLength = 512

// sniffed reports whether net/http will tell the type of a response by its body.
// A Content-Type that is there without a value forbids it.
func sniffed(h http.Header) bool {
	_, typed := h["Content-Type"]
	return !typed && first(h, "Content-Encoding") == ""
}

func first(h http.Header, key string) string {
	if v := h[key]; len(v) > 0 {
		return v[0]
	}
	return ""
}

func startsWithFold(s, prefix string) bool {
	s = strings.TrimLeft(s, " \t")
	return len(s) >= len(prefix) && strings.EqualFold(s[:len(prefix)], prefix)
}

// insertable reports whether ASCII bytes can be inserted into a page of this
// charset: all charsets of the web but those of two or four bytes a character
// and those that switch between sets.
func insertable(charset string) bool {
	if charset == "" || strings.EqualFold(charset, "utf-8") {
		return true
	}
	for _, prefix := range []string{"utf-16", "utf-32", "utf16", "utf32", "ucs-2", "unicode", "iso-10646", "csunicode", "iso-2022", "csiso2022", "hz-gb", "utf-7"} {
		if startsWithFold(charset, prefix) && !strings.EqualFold(charset, "unicode-1-1-utf-8") && !startsWithFold(charset, "unicode11utf8") && !startsWithFold(charset, "unicode20utf8") {
			return false
		}
	}
	return true
}

// hasDirective reports whether a comma-separated header has the directive.
func hasDirective(values []string, directive string) bool {
	for _, v := range values {
		for item := range strings.SplitSeq(v, ",") {
			name, _, _ := strings.Cut(item, "=")
			if strings.EqualFold(strings.TrimSpace(name), directive) {
				return true
			}
		}
	}
	return false
}

// hasPlainDirective is hasDirective for one without an argument: `private="x"` is
// about that header alone.
func hasPlainDirective(values []string, directive string) bool {
	for _, v := range values {
		for item := range strings.SplitSeq(v, ",") {
			if strings.EqualFold(strings.TrimSpace(item), directive) {
				return true
			}
		}
	}
	return false
}

// contentLength returns the announced length of the body, or -1.
func contentLength(h http.Header) int64 {
	s := first(h, "Content-Length")
	if s == "" {
		return -1
	}
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil || n < 0 {
		return -1
	}
	return n
}

// stale reports whether a header speaks of the body as upstream sent it, or lets
// others than this browser keep the page.
func stale(key string) bool {
	switch key {
	case "Expires", "Last-Modified", "Accept-Ranges",
		"Content-Md5", "Digest", "Content-Digest", "Repr-Digest",
		"No-Vary-Search":
		return true
	}
	return forCaches(key)
}

// forCaches reports whether a header tells shared caches alone what to keep.
func forCaches(key string) bool {
	switch key {
	case "Surrogate-Control", "X-Accel-Expires", "Edge-Control":
		return true
	}
	return strings.HasSuffix(key, "-Cache-Control") // RFC 9213: one for each kind of cache
}

// takeTrailers takes the announced trailers out of a header that has not been sent:
// they are there when a handler has returned, and would go out twice.
func takeTrailers(h http.Header) http.Header {
	var taken http.Header
	for _, names := range h["Trailer"] {
		for name := range strings.SplitSeq(names, ",") {
			key := http.CanonicalHeaderKey(strings.TrimSpace(name))
			if values, there := h[key]; there {
				if taken == nil {
					taken = make(http.Header)
				}
				taken[key] = values
				delete(h, key)
			}
		}
	}
	return taken
}

// dropStaleTrailers drops trailers that speak of the body as upstream sent it.
func dropStaleTrailers(h http.Header) {
	announced := len(h["Trailer"]) > 0
	for key := range h {
		name, unannounced := strings.CutPrefix(key, http.TrailerPrefix)
		if (announced || unannounced) && (name == "Etag" || stale(name)) {
			delete(h, key)
		}
	}
}

// vary names the request headers that decide whether an answer is a page: caches
// must not give one for the other. AskOf looks at marks of scripts, too; these come
// with an Accept or from a browser that sends Sec-Fetch-Dest.
const vary = "Sec-Fetch-Dest, Accept"

// varies reports whether the header says already what vary says.
func varies(h http.Header) bool {
	lines := h["Vary"]
	return hasDirective(lines, "*") || hasDirective(lines, "Sec-Fetch-Dest") && hasDirective(lines, "Accept")
}

// values is room for the header values that a page changes, so that they cost no
// allocation each.
type values [5]string

// set gives a header its one value, which lives in slot. The old one goes first:
// Go makes a map of eight larger for any assignment, which costs 1 us.
func (v *values) set(h http.Header, slot int, key, value string) {
	v[slot] = value
	delete(h, key)
	h[key] = v[slot : slot+1 : slot+1]
}

const (
	slotCacheControl = iota
	slotETag
	slotLength
	slotType
	slotVary
)

// asPage changes the header of a response into that of a signed page, which is
// for one browser and must be asked for again each time. length is what the page has,
// -1 to leave what the header says of it.
func (v *values) asPage(h http.Header, suffix string, length int64) {
	var control, tags []string
	for key, values := range h {
		switch {
		case key == "Cache-Control":
			control = values
		case key == "Etag":
			tags = values
		case stale(key):
			delete(h, key)
		}
	}
	if !hasDirective(control, "no-store") {
		v.set(h, slotCacheControl, "Cache-Control", "private, no-cache")
	}
	switch {
	case varies(h):
	case len(h["Vary"]) == 0:
		v.set(h, slotVary, "Vary", vary)
	default:
		h["Vary"] = append(slices.Clip(h["Vary"]), vary)
	}
	var room [128]byte
	text := room[:0] // of both values: one allocation
	if len(tags) > 0 {
		if tag, rest := cutTag(tags[0]); suffix == "" || tag == "" || rest != "" {
			delete(h, "Etag")
		} else {
			text = append(append(append(text, tag[:len(tag)-1]...), suffix...), '"')
		}
	}
	end := len(text)
	if length >= 0 {
		text = strconv.AppendInt(text, length, 10)
	}
	both := string(text)
	if end > 0 {
		v.set(h, slotETag, "Etag", both[:end])
	}
	if length >= 0 {
		v.set(h, slotLength, "Content-Length", both[end:])
	}
}
