package signer

// Codes of an Error, as pages and callers of the endpoints see them.
const (
	// CodeOriginUnknown: nobody knows, or vouches for, the origin of the page.
	CodeOriginUnknown = "origin_unknown"
	// CodeBadURL: there is no URL, or none that may be signed.
	CodeBadURL = "bad_url"
	// CodeOriginNotAllowed: the URL is well formed, but not one of ours.
	CodeOriginNotAllowed = "origin_not_allowed"
)

// Reason says why a URL is not signed. What to do about it is not known here.
type Reason int

// The reasons. What Subject holds stands behind each.
const (
	BadTarget   Reason = iota + 1 // the request target is none that a browser sends
	BadHost                       // the Host is not host[:port]
	BadHeader                     // a believed header has not exactly one well-formed value: its name
	NotPublic                     // no public origin has this host name: the host
	Unvouched                     // nobody vouches for the origin: the origin
	HasUser                       // the URL names a user
	NotWeb                        // the URL has another scheme than http and https
	NotAbsolute                   // the text is no absolute URL: what is wrong with it
	NoPath                        // the URL has no path, or bytes that location.href does not show
	Splits                        // what is hashed could be read as another site's URL
	NotOurs                       // the URL is of another site: its origin
	BadQuery                      // the query of the call is malformed
	NoURL                         // the call names no URL
	NoForm                        // there is no such form of signature
)

var reasons = map[Reason]struct{ code, text string }{
	BadTarget:   {CodeBadURL, "the request target is none that a browser sends"},
	BadHost:     {CodeOriginUnknown, "the Host is not host[:port]"},
	BadHeader:   {CodeOriginUnknown, "the header has not exactly one well-formed value"},
	NotPublic:   {CodeOriginUnknown, "no public origin has the host name"},
	Unvouched:   {CodeOriginUnknown, "nobody vouches for the origin"},
	HasUser:     {CodeOriginNotAllowed, "the URL names a user"},
	NotWeb:      {CodeOriginNotAllowed, "the URL is neither http nor https"},
	NotAbsolute: {CodeBadURL, "not an absolute URL"},
	NoPath:      {CodeBadURL, "the URL has no path, or bytes outside 0x21 to 0x7E"},
	Splits:      {CodeBadURL, "what is hashed could be read as the URL of another site"},
	NotOurs:     {CodeOriginNotAllowed, "the URL is of another site"},
	BadQuery:    {CodeBadURL, "the query is malformed"},
	NoURL:       {CodeBadURL, "the call names no URL"},
	NoForm:      {CodeBadURL, "there is no such form of signature"},
}

// Error says why a URL cannot be told or must not be signed.
type Error struct {
	Reason  Reason
	Subject string // what it is about: see the reasons

	// Here is the origin of the site that was asked for another's URL, "" if unknown.
	Here string

	// Known tells that somebody vouches for the host of that URL, though not for
	// its scheme and port.
	Known bool

	// Header is the header of a trusted proxy that the host comes from, `Name: value`; ""
	// where that is the Host.
	Header string

	// Ignored is what the peer says of the page without being believed, nil if it
	// says nothing that would matter.
	Ignored *Ignored
}

// Ignored is what a peer says of the origin of a page that is not believed, because
// the peer is no trusted proxy.
type Ignored struct {
	Peer    string   // its IP address, "@" for a Unix socket
	Headers []string // the headers that say it, `Name: value`
	Origin  Origin   // the page's, if they were believed
	Vouched bool     // the page could then be signed: somebody vouches for the origin
}

// Code returns the code of the reason.
func (e *Error) Code() string { return reasons[e.Reason].code }

func (e *Error) Error() string {
	if e.Subject == "" {
		return reasons[e.Reason].text
	}
	return reasons[e.Reason].text + ": " + e.Subject
}
