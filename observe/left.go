package observe

import (
	"go.uber.org/zap"

	"github.com/caddy-dingtalk/caddy-dingtalk/inject"
)

// The outcomes of pages that pass without a snippet.
const (
	outcomeCoding  = "unknown_coding"
	outcomeNoPlace = "no_place"
	outcomeNoASCII = "no_ascii"
	outcomeBusy    = "busy"
	outcomeUnasked = "not_asked"
)

// left says why pages are left alone, and what to do about it.
var left = map[inject.Outcome]struct{ outcome, message string }{
	inject.UnknownCoding: {outcomeCoding, "a page with a content coding that cannot be taken off passes unsigned: let the upstream send gzip, zstd or none"},
	inject.NoPlace:       {outcomeNoPlace, "a page passes unsigned because no place for a script was found in its first 64 KiB: let the page begin with <!doctype html> and <head>, and its Content-Encoding say how it is coded"},
	inject.NoASCII:       {outcomeNoASCII, "a page passes unsigned because its charset takes no ASCII: let the upstream send UTF-8"},
	inject.Busy:          {outcomeBusy, "pages in zstd pass unsigned because too many are being read slowly: let the upstream send gzip"},
}

// LeftAlone counts a page that passes without a snippet, and logs why. coding is its
// unknown content coding.
func (n *Notices) LeftAlone(o inject.Outcome, coding string) {
	why, is := left[o]
	if !is {
		return
	}
	pagesTotal.WithLabelValues(why.outcome).Inc()
	var fields []zap.Field
	if coding != "" {
		fields = append(fields, zap.String("content_encoding", coding))
	}
	n.Once(why.outcome, why.message, fields...)
}

// Unasked counts HTML that nothing asked for as a document, though it may have been
// a browser: something on the way takes off the headers by which browsers say so.
func (n *Notices) Unasked(userAgent string) {
	pagesTotal.WithLabelValues(outcomeUnasked).Inc()
	n.Once(outcomeUnasked, "HTML passes unsigned because the request has neither Sec-Fetch-Dest nor Accept: if browsers send it, let the CDN or gateway in front pass these two headers on",
		zap.String("user_agent", userAgent))
}
