package inject

import (
	"net/http"
	"strings"
)

// Ask is what a request asks for, as far as its answer may be a page.
type Ask int

const (
	// AskOther is for something else: nothing is done to the answer.
	AskOther Ask = iota
	// AskPage is for a document to show, by GET or POST: NewWriter.
	AskPage
	// AskHead is the HEAD of such a request: NewHeadWriter.
	AskHead
	// AskPart is a GET or HEAD whose answer is not shown as a document, though the
	// same URL may be: NewPartWriter.
	AskPart
	// AskUnclear is an AskPart without any of the headers by which browsers say what
	// they ask for. Something on the way may have taken them off.
	AskUnclear
)

// AskOf tells what a request asks for: by Sec-Fetch-Dest, or, from browsers and
// plain http sites that send none, by an Accept that names text/html. A navigation
// that a service worker passes on comes as a fetch, but only navigations ask for an
// upgrade of insecure requests (measured in Chromium and Firefox). Browsers navigate
// by GET and POST; an upgrade has no page.
func AskOf(r *http.Request) Ask {
	head := r.Method == http.MethodHead
	if !head && r.Method != http.MethodGet && r.Method != http.MethodPost || len(r.Header["Upgrade"]) > 0 {
		return AskOther
	}
	switch document := asksForDocument(r.Header); {
	case document && head:
		return AskHead
	case document:
		return AskPage
	case r.Method == http.MethodPost:
		return AskOther
	case len(r.Header["Sec-Fetch-Dest"]) == 0 && len(r.Header["Accept"]) == 0:
		return AskUnclear
	}
	return AskPart
}

// IsDocument reports whether a browser asks for a document to show.
func IsDocument(r *http.Request) bool { return AskOf(r) == AskPage }

func asksForDocument(h http.Header) bool {
	if dest := h["Sec-Fetch-Dest"]; len(dest) > 0 {
		switch dest[0] {
		case "document", "iframe", "frame":
			return true
		case "empty": // fetch, unless a service worker passes a navigation on
			return len(h["Upgrade-Insecure-Requests"]) > 0
		}
		return false
	}
	for _, mark := range partMarks {
		if len(h[mark]) > 0 {
			return false
		}
	}
	if with := h["X-Requested-With"]; len(with) > 0 && !isPackageName(with[0]) {
		return false
	}
	for _, accept := range h["Accept"] {
		if containsFold(accept, "text/html") {
			return true
		}
	}
	return false
}

// partMarks are set by scripts that fetch a part of a page, or a page to take parts
// from, and accept text/html as a browser does: Turbo, htmx, pjax, Unpoly.
var partMarks = []string{"Turbo-Frame", "Hx-Request", "X-Pjax", "X-Up-Version"}

// isPackageName reports whether s can be the name of an Android app, which its
// webviews send as X-Requested-With: at least two words with dots between them
// (developer.android.com, "Set the application ID").
func isPackageName(s string) bool {
	words := 0
	for word := range strings.SplitSeq(s, ".") {
		if word == "" || !isLetter(word[0]) {
			return false
		}
		for i := range len(word) {
			if c := word[i]; !isLetter(c) && (c < '0' || c > '9') && c != '_' {
				return false
			}
		}
		words++
	}
	return words > 1
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
			accepted[0] = known
			h["Accept-Encoding"] = accepted[:1:1]
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
// their pages are out of date. It returns what was taken off, with the name of the
// policy that the page was made for, or "" if no condition is left. Of pages made
// for several policies one kind alone is asked for.
func Revalidate(h http.Header, suffix string) (kept string) {
	var bare []string
	for _, value := range h["If-None-Match"] {
		for value != "" {
			tag, rest := cutTag(value)
			if tag == "" {
				break // `*`, or no list of entity-tags: RFC 9110 section 13.1.2
			}
			if b, its, ours := cutSuffix(tag, suffix); ours && (kept == "" || kept == its) {
				kept = its
				bare = append(bare, b)
			}
			value = rest
		}
	}
	delete(h, "If-None-Match")
	if len(bare) > 0 {
		h["If-None-Match"] = []string{strings.Join(bare, ", ")}
	}
	return kept
}

// cutSuffix takes the suffix off a tag, and the name of a policy behind it.
func cutSuffix(tag, suffix string) (bare, cut string, ours bool) {
	if suffix == "" {
		return "", "", false
	}
	named, _ := strings.CutSuffix(tag, `"`)
	start, policy := named, ""
	if i := len(named) - policyNameSize; i >= 0 && strings.HasPrefix(named[i:], policyMark) && strings.Trim(named[i+len(policyMark):], "0123456789abcdef") == "" {
		start, policy = named[:i], named[i:]
	}
	if bare, ours = strings.CutSuffix(start, suffix); !ours {
		policy = ""
		bare, ours = strings.CutSuffix(named, suffix) // it may end like the name of a policy itself
	}
	return bare + `"`, suffix + policy, ours
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
