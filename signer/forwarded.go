package signer

import (
	"net/http"
	"strings"
)

// scheme returns the page's scheme: what a believed header says, else the state
// of the own connection.
func (r *Rules) scheme(req Request) (scheme string, err error) {
	if req.Forwarded != nil {
		for _, name := range r.schemes {
			var v string
			if name == headerForwarded {
				v, err = forwardedParam(req.Forwarded, "proto")
			} else {
				v, err = one(req.Forwarded, name, validScheme)
			}
			if err != nil {
				return "", err
			}
			if scheme == "" {
				scheme = webScheme(v)
			}
		}
	}
	switch {
	case scheme != "":
		return scheme, nil
	case req.TLS:
		return "https", nil
	}
	return "http", nil
}

// host returns the page's host and port: what a believed header says, else the
// Host. The port may be a default one.
func (r *Rules) host(req Request) (host, port string, err error) {
	var value, xport string
	if req.Forwarded != nil {
		for _, name := range r.hosts {
			var v string
			if name == headerForwarded {
				v, err = forwardedParam(req.Forwarded, "host")
			} else {
				v, err = one(req.Forwarded, name, validHost)
			}
			if err != nil {
				return "", "", err
			}
			if value == "" {
				value = v
			}
		}
		if r.port {
			if xport, err = one(req.Forwarded, headerPort, realPort); err != nil {
				return "", "", err
			}
		}
	}
	if value == "" {
		value = req.Host
	}
	host, port, ok := splitHost(value)
	if !ok || req.Forwarded != nil && !validHost(value) {
		return "", "", &Error{Reason: BadHost}
	}
	if port == "" {
		port = xport
	}
	return host, port, nil
}

// one returns the only value of a believed header, "" where it is absent. Any
// other number of values, and one that is not well formed, is an error: a
// header that is believed must not be guessed at.
func one(h http.Header, name string, valid func(string) bool) (string, error) {
	values := h[name]
	if len(values) == 0 {
		return "", nil
	}
	if len(values) > 1 || values[0] == "" || !valid(values[0]) {
		return "", malformed(name)
	}
	return values[0], nil
}

func malformed(name string) error { return &Error{Reason: BadHeader, Subject: name} }

func validScheme(s string) bool { return webScheme(s) != "" }

// forwardedParam returns the parameter proto or host of the header Forwarded,
// "" where it is absent. The header must have exactly one element (RFC 7239
// section 4: forwarded-pairs joined by semicolons, elements by commas).
func forwardedParam(h http.Header, want string) (string, error) {
	value, err := one(h, headerForwarded, func(string) bool { return true })
	if err != nil || value == "" {
		return "", err
	}
	proto, host, ok := parseForwarded(value)
	if !ok {
		return "", malformed(headerForwarded)
	}
	if want == "proto" {
		return proto, nil
	}
	return host, nil
}

// parseForwarded reads one forwarded-element. Its pairs may be empty, and stand
// after spaces as in the examples of RFC 7239.
func parseForwarded(s string) (proto, host string, ok bool) {
	var seen []string
	for {
		if s = strings.TrimLeft(s, "; \t"); s == "" {
			return proto, host, len(seen) > 0
		}
		name, rest, found := strings.Cut(s, "=")
		name = strings.ToLower(name)
		if !found || !token(name) {
			return "", "", false
		}
		for _, n := range seen {
			if n == name {
				return "", "", false // RFC 7239: each parameter at most once
			}
		}
		seen = append(seen, name)
		value, rest, good := cutValue(rest)
		if !good {
			return "", "", false
		}
		switch name {
		case "proto":
			if proto = value; !validScheme(value) {
				return "", "", false
			}
		case "host":
			if host = value; !validHost(value) {
				return "", "", false
			}
		}
		if s = strings.TrimLeft(rest, " \t"); s != "" && s[0] != ';' {
			return "", "", false // a comma begins another element
		}
	}
}

// cutValue takes a token or quoted-string (RFC 9110 section 5.6) off s.
func cutValue(s string) (value, rest string, ok bool) {
	if !strings.HasPrefix(s, `"`) {
		i := strings.IndexAny(s, ";, \t")
		if i < 0 {
			i = len(s)
		}
		// RFC 7239 wants host:port quoted, but many proxies do not quote it.
		return s[:i], s[i:], i > 0 && strings.IndexByte(s[:i], '"') < 0
	}
	var b strings.Builder
	for i := 1; i < len(s); i++ {
		switch s[i] {
		case '"':
			return b.String(), s[i+1:], true
		case '\\':
			if i++; i == len(s) {
				return "", "", false
			}
		}
		b.WriteByte(s[i])
	}
	return "", "", false
}

func token(s string) bool {
	for i := range len(s) {
		c := s[i]
		if (c < 'a' || c > 'z') && (c < '0' || c > '9') && strings.IndexByte("!#$%&'*+-.^_`|~", c) < 0 {
			return false
		}
	}
	return s != ""
}
