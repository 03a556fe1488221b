package login

import (
	"net/http"
	"strings"
	"time"
)

// Cookies names and writes the cookies of one app on a site.
type Cookies struct {
	plain string // dingtalk-<agent>
}

// hostPrefix makes browsers take a cookie only if it is Secure, has Path=/ and no
// Domain, so that no neighbouring host can plant one (RFC 6265bis section 4.1.3.2).
const hostPrefix = "__Host-"

// NewCookies returns the cookies of the app with that agentId.
func NewCookies(agentID string) Cookies {
	return Cookies{"dingtalk-" + strings.Map(func(r rune) rune {
		if letter(r) || r == '_' || r == '.' {
			return r
		}
		return '_'
	}, agentID)}
}

func letter(r rune) bool {
	return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9'
}

// Name is the session's cookie on a site that browsers see with or without TLS.
func (c Cookies) Name(secure bool) string {
	if secure {
		return hostPrefix + c.plain
	}
	return c.plain
}

// outName is the cookie that says that the user has just signed out: the page waits
// for a click then. It goes when the browser is closed.
func (c Cookies) outName(secure bool) string { return c.Name(secure) + "-out" }

// Read returns the value of a cookie, "" where there is none or more than one: with
// two, one of them has been planted, and nobody knows which.
func Read(header http.Header, name string) string {
	value, seen := "", false
	for _, line := range header["Cookie"] {
		for line != "" {
			var pair string
			pair, line, _ = strings.Cut(line, ";")
			n, v := nameAndValue(pair)
			if n != name {
				continue
			}
			if seen {
				return ""
			}
			value, seen = v, true
		}
	}
	return value
}

// nameAndValue splits a pair of a Cookie header. Nothing but blanks is trimmed: to a browser
// a name that begins with another kind of space has no __Host- in front, so that any
// neighbouring host may plant it.
func nameAndValue(pair string) (name, value string) {
	name, value, _ = strings.Cut(strings.Trim(pair, " \t"), "=")
	return name, value
}

// ours tells whether a cookie is one of this package: of this app or of a sibling on the
// same host, for whose session this upstream has no use.
func (c Cookies) ours(name string) bool {
	if strings.HasPrefix(name, hostPrefix+"dingtalk-") {
		return true
	}
	rest, ok := strings.CutPrefix(name, "dingtalk-")
	if !ok {
		return false
	}
	if rest, ok := strings.CutPrefix(name, c.plain); ok && (rest == "" || rest[0] == '-') {
		return true
	}
	agent, more, _ := strings.Cut(rest, "-")
	return agent != "" && strings.Trim(agent, "0123456789") == "" && (more == "" || more == "out" || strings.HasPrefix(more, "s-"))
}

// Strip takes our cookies out of a request's Cookie header; the others stay as the
// browser wrote them.
func (c Cookies) Strip(header http.Header) {
	lines := header["Cookie"]
	found := false
	for _, line := range lines {
		found = found || strings.Contains(line, "dingtalk-")
	}
	if !found {
		return
	}
	var kept []string
	for _, line := range lines {
		var others []string
		for pair := range strings.SplitSeq(line, ";") {
			name, _, _ := strings.Cut(strings.TrimSpace(pair), "=")
			if !c.ours(name) {
				others = append(others, pair)
			}
		}
		if line := strings.TrimSpace(strings.Join(others, ";")); line != "" {
			kept = append(kept, line)
		}
	}
	if kept == nil {
		delete(header, "Cookie")
		return
	}
	header["Cookie"] = kept
}

// session returns the session's cookie. A framed page's is third-party in its browser:
// it must say SameSite=None, and is kept apart for each site that frames the page.
func (c Cookies) session(value string, secure, framed bool, left time.Duration) *http.Cookie {
	cookie := c.base(c.Name(secure), value, secure)
	cookie.MaxAge = max(int(left.Seconds()), 1)
	if framed && secure {
		cookie.SameSite, cookie.Partitioned = http.SameSiteNoneMode, true
	}
	return cookie
}

func (c Cookies) base(name, value string, secure bool) *http.Cookie {
	return &http.Cookie{Name: name, Value: value, Path: "/", Secure: secure, HttpOnly: true, SameSite: http.SameSiteLaxMode}
}

// Clear writes the end of the session's cookie: of the ordinary one, and of that of a
// framed page, which browsers keep apart.
func (c Cookies) Clear(header http.Header, secure bool) {
	gone := c.base(c.Name(secure), "", secure)
	gone.MaxAge = -1
	header.Add("Set-Cookie", gone.String())
	if secure {
		gone.SameSite, gone.Partitioned = http.SameSiteNoneMode, true
		header.Add("Set-Cookie", gone.String())
	}
}
