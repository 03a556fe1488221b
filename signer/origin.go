package signer

import (
	"errors"
	"net/netip"
	"strings"
)

// Origin is a web origin as a browser writes it: a scheme (http or https), a
// host in lower case (IPv6 in brackets) and a port that is empty where it is
// the scheme's default. Two equal Origins are the same origin.
type Origin struct {
	Scheme string
	Host   string
	Port   string
}

// The reasons why a text is no origin. They finish the sentence "… must be
// https://host[:port]: ".
var (
	errScheme = errors.New("it must begin with http:// or https://")
	errUser   = errors.New("it must not name a user")
	errHost   = errors.New("its host is not one a browser would show")
	errPath   = errors.New("it must end after the host and port, without a path")
)

// ParseOrigin reads `scheme://host[:port]`. A path, a query, a fragment, a
// user name or a trailing slash is an error; a default port is dropped.
func ParseOrigin(s string) (Origin, error) {
	o, rest, err := cutOrigin(s)
	switch {
	case err != nil:
		return Origin{}, err
	case rest != "":
		return Origin{}, errPath
	case strings.ContainsAny(s, listMarks):
		return Origin{}, errHost
	}
	return o, nil
}

// cutOrigin reads the origin that s begins with and returns what follows it.
func cutOrigin(s string) (o Origin, rest string, err error) {
	scheme, authority, ok := strings.Cut(s, "://")
	if scheme = webScheme(scheme); !ok || scheme == "" {
		return Origin{}, "", errScheme
	}
	if i := strings.IndexAny(authority, "/?#"); i >= 0 {
		authority, rest = authority[:i], authority[i:]
	}
	if strings.Contains(authority, "@") {
		return Origin{}, "", errUser
	}
	host, port, ok := splitHost(authority)
	if !ok {
		return Origin{}, "", errHost
	}
	return newOrigin(scheme, host, port), rest, nil
}

func newOrigin(scheme, host, port string) Origin {
	if port == defaultPort(scheme) {
		port = ""
	}
	return Origin{Scheme: scheme, Host: host, Port: port}
}

// String returns the origin as `scheme://host[:port]`.
func (o Origin) String() string {
	if o.Port == "" {
		return o.Scheme + "://" + o.Host
	}
	return o.Scheme + "://" + o.Host + ":" + o.Port
}

// Private reports whether the host is localhost or a loopback or private address.
// Whoever is in the same network may mean another machine by it.
func (o Origin) Private() bool {
	if o.Host == "localhost" {
		return true
	}
	if c := o.Host[len(o.Host)-1]; c != ']' && (c < '0' || c > '9') {
		return false // a name; spares ParseAddr's error
	}
	addr, err := netip.ParseAddr(strings.Trim(o.Host, "[]"))
	if err != nil {
		return false
	}
	addr = addr.Unmap()
	return addr.IsLoopback() || addr.IsPrivate()
}

// webScheme returns the constant "http" or "https" that s spells, else "".
func webScheme(s string) string {
	switch {
	case len(s) == 5 && strings.EqualFold(s, "https"): // the length keeps U+017F out, which folds to s
		return "https"
	case strings.EqualFold(s, "http"):
		return "http"
	}
	return ""
}

func defaultPort(scheme string) string {
	if scheme == "https" {
		return "443"
	}
	return "80"
}

// splitHost takes `host[:port]` apart and reports whether it is well formed.
// A lone colon is dropped and the host put into lower case, as browsers do.
func splitHost(s string) (host, port string, ok bool) {
	host = s
	if strings.HasPrefix(s, "[") {
		end := strings.IndexByte(s, ']')
		if end < 0 {
			return "", "", false
		}
		host, port = s[:end+1], s[end+1:]
		if addr, err := netip.ParseAddr(host[1:end]); err != nil || !addr.Is6() || addr.Zone() != "" {
			return "", "", false
		}
		if port != "" && port[0] != ':' {
			return "", "", false
		}
		port = strings.TrimPrefix(port, ":")
	} else {
		if i := strings.IndexByte(s, ':'); i >= 0 {
			host, port = s[:i], s[i+1:]
		}
		if !validName(host) {
			return "", "", false
		}
	}
	if !validPort(port) {
		return "", "", false
	}
	return lowerHost(host), port, true
}

// validName reports whether s is what a browser may show as a host name: an RFC
// 3986 reg-name, or one with the marks that the URL standard does not forbid
// either.
func validName(s string) bool {
	for i := range len(s) {
		switch c := s[i]; {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', c == '.', c == '-':
		case strings.IndexByte("_~!$&'()*+;=%"+listMarks, c) >= 0:
		default:
			return false
		}
	}
	return s != ""
}

// listMarks may stand in a host, but in a forwarding header or a configuration
// they mean that there are several, or that somebody has quoted it.
const listMarks = "\",`{}"

// validHost reports whether s is one `host[:port]` in such a place, with a host
// that DNS could know (RFC 1035 section 2.3.4) and a port that somebody can listen
// at.
func validHost(s string) bool {
	host, port, ok := splitHost(s)
	if !ok || strings.ContainsAny(s, listMarks) || len(host) > maxHost || port == "0" {
		return false
	}
	for label := range strings.SplitSeq(host, ".") {
		if len(label) > maxLabel {
			return false
		}
	}
	return true
}

const (
	maxHost  = 255
	maxLabel = 63
)

// realPort reports whether s is a port that somebody can listen at.
func realPort(s string) bool { return validPort(s) && s != "" && s != "0" }

// validPort accepts what a browser writes: 0 to 65535 without leading zeros,
// and nothing at all.
func validPort(s string) bool {
	if s == "" {
		return true
	}
	if len(s) > 5 || s[0] == '0' && len(s) > 1 {
		return false
	}
	n := 0
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
		n = n*10 + int(s[i]-'0')
	}
	return n <= 65535
}

// lowerHost puts a host into lower case except the digits of percent-encoded
// bytes, which Chromium writes in upper case and keeps.
func lowerHost(s string) string {
	i := 0
	for i < len(s) && (s[i] < 'A' || s[i] > 'Z') {
		i++
	}
	if i == len(s) {
		return s
	}
	b := []byte(s)
	for i := 0; i < len(b); i++ {
		if b[i] == '%' {
			i += 2
		} else if 'A' <= b[i] && b[i] <= 'Z' {
			b[i] += 'a' - 'A'
		}
	}
	return string(b)
}
