package observe

import "go.uber.org/zap"

// Passed is why a page passed without the script in it, and so without a word of its
// own about that: an outcome in the metrics.
type Passed string

const (
	// NotAsked: nothing in the request says that a browser asks for a document.
	NotAsked Passed = "not_asked"
	// NoPlace: its beginning has no place for a script.
	NoPlace Passed = "no_place"
	// NoASCII: its charset takes no ASCII.
	NoASCII Passed = "no_ascii"
	// UnknownCoding: its content coding cannot be taken off.
	UnknownCoding Passed = "unknown_coding"
	// Busy: too many pages that must be decoded are being read slowly.
	Busy Passed = "busy"
)

// passed are the words for the log, with the cure.
var passed = map[Passed]string{
	NotAsked: "a page passes unsigned because its request has neither Sec-Fetch-Dest nor Accept, by which browsers ask for a page: " +
		"let the CDN or gateway in front pass both on (CloudFront: an origin request policy); what was asked for by a program is right as it is",
	NoPlace: "a page passes unsigned because no place for the script was found: its first 64 KiB are a comment, it ends within a tag, or it is not coded as it says: " +
		"move the comment behind <head>, and let Content-Encoding say what the body is",
	NoASCII:       "a page passes unsigned because its charset takes no ASCII (UTF-16, UTF-32, ISO-2022-JP): let the upstream send UTF-8",
	UnknownCoding: "a page with a content coding that cannot be taken off passes unsigned: let the upstream send gzip, zstd or none",
	Busy:          "a page passes unsigned because too many that must be decoded are being read slowly: let the upstream send gzip or none",
}

// Passed counts a page that passed without the script, and logs that once a minute
// of each reason, with the cure.
func (n *Notices) Passed(why Passed, fields ...zap.Field) {
	pagesTotal.WithLabelValues(string(why)).Inc()
	n.Once(string(why), passed[why], fields...)
}
