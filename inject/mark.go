package inject

import (
	"net/http"
	"slices"
	"strings"
)

// partMark ends the tag of HTML that was not asked for as a document, where upstream
// says itself what caches may do with it: the 304 to such a tag says so again, without
// a type, and would undo in the browser's cache what asPart has said (RFC 9111 section
// 4.3.4). By the mark it is known to be about HTML; a 304 about anything else passes.
const partMark = "-dtpart"

// asPart changes the header of HTML that was not asked for as a document. It keeps
// its bytes, and what is said about them. No cache may give it to somebody who asks
// for the page: those that heed Vary are told by that, and shared ones, of which
// many do not, must not keep it. marked says that it is a 304 to a marked tag.
func asPart(h http.Header, marked bool) {
	control := h["Cache-Control"]
	if marked || (len(control) > 0 || len(h["Vary"]) > 0) && !hasPlainDirective(control, "no-store") {
		markPart(h)
	}
	if !varies(h) {
		h["Vary"] = append(slices.Clip(h["Vary"]), vary)
	}
	for key := range h {
		if forCaches(key) {
			delete(h, key)
		}
	}
	if !hasPlainDirective(control, "private") && !hasPlainDirective(control, "no-store") {
		h["Cache-Control"] = []string{"private, no-cache"}
		delete(h, "Expires")
	}
}

// markPart marks the tag. A date cannot be marked: where it is all there is, the next
// question goes without condition.
func markPart(h http.Header) {
	tag, rest := cutTag(first(h, "Etag"))
	if tag == "" || rest != "" {
		delete(h, "Last-Modified")
		return
	}
	h["Etag"] = []string{tag[:len(tag)-1] + partMark + `"`}
}

// Unmark takes the mark off the tags in the conditions of a request for something
// other than a document, so that upstream knows them as its own. It reports whether
// a 304 will be about HTML.
func Unmark(h http.Header) (html bool) {
	for _, name := range [...]string{"If-None-Match", "If-Match", "If-Range"} {
		values := h[name]
		if !slices.ContainsFunc(values, func(v string) bool { return strings.Contains(v, partMark+`"`) }) {
			continue
		}
		html = html || name == "If-None-Match"
		bare := make([]string, len(values))
		for i, value := range values {
			bare[i] = strings.ReplaceAll(value, partMark+`"`, `"`)
		}
		h[name] = bare
	}
	return html
}
