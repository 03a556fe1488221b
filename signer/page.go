// Package signer rebuilds the URL of a page as the user's browser shows it and
// signs it the way DingTalk checks dd.config.
//
// It works on judged facts: whether a proxy is trusted, what the request looked
// like before any rewriting. It does no I/O, keeps no state and knows nothing
// of the server around it.
package signer

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// Request is what is known of a request for a page.
type Request struct {
	// TLS tells whether the connection to this server is encrypted.
	TLS bool
	// Host is the Host header or :authority.
	Host string
	// Target is the request target exactly as received, before any rewriting.
	Target string
	// Forwarded are the request's headers if the peer is a trusted proxy, else
	// nil: then no forwarding header is read.
	Forwarded http.Header
}

// Page is the place of a page in the web.
type Page struct {
	Origin Origin
	// Prefix is a path that a proxy has cut off the target's beginning.
	Prefix string
	// Target is path and query, byte for byte as the browser sent them.
	Target string
	// Public tells that the origin is one of the public ones. If not, the page must
	// not be signed unless somebody vouches for its host.
	Public bool
}

// URL returns the page's URL as location.href shows it, without fragment.
func (p Page) URL() string {
	o := p.Origin
	colon := ""
	if o.Port != "" {
		colon = ":"
	}
	return o.Scheme + "://" + o.Host + colon + o.Port + p.Prefix + p.Target // one allocation
}

// Rules say which origins are public and which forwarding headers are believed.
type Rules struct {
	public  []Origin
	schemes []string // headers with a scheme, in the order of belief
	hosts   []string // headers with a host, in the order of belief
	targets []string // headers with the original request target
	port    bool     // X-Forwarded-Port
	prefix  bool     // X-Forwarded-Prefix
}

// Forwarding headers with a meaning of their own, in canonical spelling.
const (
	headerProto        = "X-Forwarded-Proto"
	headerHost         = "X-Forwarded-Host"
	headerPort         = "X-Forwarded-Port"
	headerPrefix       = "X-Forwarded-Prefix"
	headerClientScheme = "X-Client-Scheme"
	headerForwarded    = "Forwarded"
)

// NewRules returns the rules for these public origins and these names of
// further forwarding headers. X-Forwarded-Proto and X-Forwarded-Host are always
// believed; a header named here counts before them, and of several that say the
// same thing the one named first. A name without a meaning of its own is a
// header that holds the original request target.
func NewRules(public []Origin, forwarded []string) *Rules {
	r := new(Rules)
	for _, o := range public {
		if !slices.Contains(r.public, o) { // the same origin twice is still a single one
			r.public = append(r.public, o)
		}
	}
	for _, name := range append(slices.Clip(forwarded), headerProto, headerHost) {
		switch name = http.CanonicalHeaderKey(name); name {
		case headerPort:
			r.port = true
		case headerPrefix:
			r.prefix = true
		case headerProto, headerClientScheme:
			r.schemes = append(r.schemes, name)
		case headerHost:
			r.hosts = append(r.hosts, name)
		case headerForwarded:
			r.schemes = append(r.schemes, name)
			r.hosts = append(r.hosts, name)
		default:
			r.targets = append(r.targets, name)
		}
	}
	return r
}

// Page rebuilds the place of the page that the request asks for. The error is
// an *Error.
func (r *Rules) Page(req Request) (Page, error) {
	prefix, target, err := r.Target(req)
	if err != nil {
		return Page{}, err
	}
	origin, public, err := r.Origin(req)
	if err != nil {
		return Page{}, err
	}
	return Page{Origin: origin, Prefix: prefix, Target: target, Public: public}, nil
}

// RestoreTargets tells whether a trusted proxy may say that the browser sent
// another target than the one received.
func (r *Rules) RestoreTargets() bool { return r.prefix || len(r.targets) > 0 }

// Target returns the request target that the browser sent, and the path prefix
// that belongs in front of it.
func (r *Rules) Target(req Request) (prefix, target string, err error) {
	if req.Forwarded != nil {
		for _, name := range r.targets {
			v, err := one(req.Forwarded, name, validTarget)
			if err != nil {
				return "", "", err
			}
			if target == "" {
				target = v
			}
		}
		if r.prefix {
			if prefix, err = one(req.Forwarded, headerPrefix, validPrefix); err != nil {
				return "", "", err
			}
			prefix = strings.TrimSuffix(prefix, "/")
		}
		if target != "" {
			return "", target, nil
		}
	}
	if !validTarget(req.Target) {
		return "", "", &Error{Reason: BadTarget}
	}
	return prefix, req.Target, nil
}

// Origin returns the origin that the browser shows, and whether it is one of the
// public ones. It is the zero Origin and an *Error where it is unknown. A trusted
// proxy says which of our sites a request is for, never that it is ours: proxies
// pass on what a client sends.
func (r *Rules) Origin(req Request) (o Origin, public bool, err error) {
	if len(r.public) == 1 {
		return r.public[0], true, nil
	}
	host, port, err := r.host(req)
	if err != nil {
		return Origin{}, false, err
	}
	if len(r.public) > 1 {
		o, err = r.choose(req, host, port)
		return o, err == nil, err
	}
	scheme, err := r.scheme(req)
	if err != nil {
		return Origin{}, false, err
	}
	return newOrigin(scheme, host, port), false, nil
}

// choose returns the public origin that the request is for: by host name, where
// several share it by port, where that does not decide by scheme.
func (r *Rules) choose(req Request, host, port string) (Origin, error) {
	var named, ported []Origin
	for _, o := range r.public {
		if o.Host != host {
			continue
		}
		named = append(named, o)
		if o.Port == port || o.Port == "" && port == defaultPort(o.Scheme) {
			ported = append(ported, o)
		}
	}
	if len(named) > 1 && len(ported) > 0 {
		named = ported
	}
	if len(named) > 1 {
		scheme, err := r.scheme(req)
		if err != nil {
			return Origin{}, err
		}
		named = withScheme(named, scheme)
	}
	if len(named) != 1 {
		return Origin{}, &Error{Reason: NotPublic, Subject: host}
	}
	return named[0], nil
}

func withScheme(origins []Origin, scheme string) []Origin {
	var out []Origin
	for _, o := range origins {
		if o.Scheme == scheme {
			out = append(out, o)
		}
	}
	return out
}

func validTarget(s string) bool {
	if s == "" || s[0] != '/' {
		return false
	}
	for i := range len(s) {
		if c := s[i]; c < 0x21 || c > 0x7E || c == '#' {
			return false
		}
	}
	return true
}

// validPrefix reports whether s is an absolute path of segments that a browser
// neither changes nor refuses: none is empty, `.` or `..`, and there is no backslash,
// quote, angle bracket or control byte, also not percent-encoded. A single slash at
// the end is taken for none.
func validPrefix(s string) bool {
	if s == "/" {
		return true
	}
	if !validTarget(s) || strings.ContainsAny(s, "?,`{}") {
		return false
	}
	for segment := range strings.SplitSeq(strings.TrimSuffix(s[1:], "/"), "/") {
		if !validSegment(segment) {
			return false
		}
	}
	return true
}

func validSegment(s string) bool {
	plain, err := url.PathUnescape(s)
	if err != nil || plain == "" || plain == "." || plain == ".." {
		return false
	}
	return !strings.ContainsFunc(plain, func(r rune) bool { return r < 0x20 || r == 0x7F || strings.ContainsRune("\\\"'<>", r) })
}
