package signer

import "net/http"

// Part is what a forwarding header tells of the URL that the browser shows.
type Part int

// The parts. Nothing is what tells who is there, and nothing of the URL.
const (
	Nothing Part = iota
	SchemePart
	HostPart
	PortPart
	PathPart
	OriginPart // scheme and host
)

// Header is a forwarding header in the field.
type Header struct {
	Name string // as proxies write it
	Says Part
	Read bool // it is read where the rules name it
}

// Key is the name in canonical spelling.
func (h Header) Key() string { return http.CanonicalHeaderKey(h.Name) }

// Headers are the forwarding headers in the field. Those that are not read say what
// another one says better, or nothing of the URL.
var Headers = []Header{
	{headerProto, SchemePart, true},
	{headerHost, HostPart, true},
	{headerPort, PortPart, true},
	{headerPrefix, PathPart, true},
	{"X-Forwarded-Uri", PathPart, true},
	{"X-Original-URI", PathPart, true},
	{"X-Envoy-Original-Path", PathPart, true},
	{"X-Original-URL", PathPart, true},
	{"X-Rewrite-URL", PathPart, true},
	{headerClientScheme, SchemePart, true},
	{headerForwarded, OriginPart, true},

	{"X-Forwarded-Scheme", SchemePart, false},
	{"X-Forwarded-Protocol", SchemePart, false},
	{"CloudFront-Forwarded-Proto", SchemePart, false},
	{"X-Scheme", SchemePart, false},
	{"X-Url-Scheme", SchemePart, false},
	{"X-Forwarded-Ssl", SchemePart, false},
	{"X-Arr-Ssl", SchemePart, false},
	{"Front-End-Https", SchemePart, false},
	{"CF-Visitor", SchemePart, false},
	{"X-Original-Host", HostPart, false},
	{"X-Host", HostPart, false},
	{"X-Forwarded-Server", HostPart, false},
	{"Tencent-Acceleration-Domain-Name", HostPart, false},
	{"X-Forward-Port", PortPart, false},
	{"Ali-Cdn-Real-Port", PortPart, false},
	{"X-Forwarded-For", Nothing, false},
	{"X-Real-IP", Nothing, false},
	{"Via", Nothing, false},
}

// HeaderNamed returns what is known of a header, and whether anything is: one that is
// not known holds the original request target where the rules name it.
func HeaderNamed(name string) (h Header, known bool) {
	key := http.CanonicalHeaderKey(name)
	for _, h := range Headers {
		if h.Key() == key {
			return h, true
		}
	}
	return Header{Name: name, Says: PathPart, Read: true}, false
}
