package login

import (
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// The headers that tell the upstream who asks, as Go spells them.
const (
	headerUserID      = "X-Dingtalk-User-Id"
	headerUnionID     = "X-Dingtalk-Union-Id"
	headerOpenID      = "X-Dingtalk-Open-Id"
	headerName        = "X-Dingtalk-Name"
	headerCorpID      = "X-Dingtalk-Corp-Id"
	headerAdmin       = "X-Dingtalk-Admin"
	headerDepartments = "X-Dingtalk-Departments"
	headerJWT         = "X-Dingtalk-Jwt"
)

const headerPrefix = "x-dingtalk-"

// claimed tells whether a header's name is one of those that only we may send, or reads
// like one to a server that folds other characters into hyphens, as CGI, WSGI and PHP do
// with "_" (oauth2-proxy GHSA-vjrc-mh2v-45x6).
func claimed(name string) bool {
	if len(name) < len(headerPrefix) {
		return false
	}
	for i := range len(headerPrefix) {
		c := name[i]
		switch {
		case c >= 'A' && c <= 'Z':
			c += 'a' - 'A'
		case !letter(rune(c)):
			c = '-'
		}
		if c != headerPrefix[i] {
			return false
		}
	}
	return true
}

// Clean takes out of a request whatever could pass for an identity: headers, trailers,
// what tells a proxy to drop headers, and our own cookies.
func Clean(r *http.Request, c Cookies) {
	for name := range r.Header {
		if claimed(name) {
			delete(r.Header, name)
		}
	}
	cleanList(r.Header, "Connection")
	cleanList(r.Header, "Trailer")
	cleanList(r.Header, "Proxy-Connection")
	if r.Trailer != nil {
		cleanTrailer(r.Trailer)
		// Trailers that nobody has announced arrive with the end of the body.
		if r.Body != nil && r.Body != http.NoBody {
			r.Body = &cleanBody{r.Body, r.Trailer}
		}
	}
	c.Strip(r.Header)
}

func cleanTrailer(trailer http.Header) {
	for name := range trailer {
		if claimed(name) {
			delete(trailer, name)
		}
	}
}

// cleanBody cleans the trailers whenever it has been read.
type cleanBody struct {
	body interface {
		Read([]byte) (int, error)
		Close() error
	}
	trailer http.Header
}

func (b *cleanBody) Read(p []byte) (int, error) {
	n, err := b.body.Read(p)
	if err != nil {
		cleanTrailer(b.trailer)
	}
	return n, err
}

func (b *cleanBody) Close() error {
	err := b.body.Close()
	cleanTrailer(b.trailer)
	return err
}

// cleanList takes claimed names out of a header that lists names.
func cleanList(header http.Header, of string) {
	lines := header[of]
	if !slices.ContainsFunc(lines, func(line string) bool { return slices.ContainsFunc(strings.Split(line, ","), claimedItem) }) {
		return
	}
	var kept []string
	for _, line := range lines {
		if items := slices.DeleteFunc(strings.Split(line, ","), claimedItem); len(items) > 0 {
			kept = append(kept, strings.TrimSpace(strings.Join(items, ",")))
		}
	}
	if kept == nil {
		delete(header, of)
		return
	}
	header[of] = kept
}

func claimedItem(item string) bool { return claimed(strings.TrimSpace(item)) }

// SetHeaders writes the identity. A header is absent where its value is unknown.
func (u *User) SetHeaders(header http.Header) {
	values := make([]string, 0, 7) // one piece of memory for all
	set := func(name, value string) {
		if value != "" {
			values = append(values, value)
			header[name] = values[len(values)-1 : len(values) : len(values)]
		}
	}
	set(headerUserID, encode(u.UserID))
	set(headerUnionID, encode(u.UnionID))
	set(headerOpenID, encode(u.OpenID))
	set(headerName, encode(u.Name))
	set(headerCorpID, encode(u.CorpID))
	set(headerAdmin, strconv.FormatBool(u.Admin))
	if len(u.Departments) > 0 {
		set(headerDepartments, u.departmentList())
	}
}

func (u *User) departmentList() string {
	var room [128]byte
	return string(appendNumbers(room[:0], u.Departments))
}

// encode percent-encodes bytes outside 0x21–0x7E, and "%" itself.
func encode(s string) string {
	plain := true
	for i := range len(s) {
		plain = plain && s[i] > ' ' && s[i] <= '~' && s[i] != '%'
	}
	if plain {
		return s
	}
	const digits = "0123456789ABCDEF"
	b := make([]byte, 0, 3*len(s))
	for i := range len(s) {
		if c := s[i]; c > ' ' && c <= '~' && c != '%' {
			b = append(b, c)
		} else {
			b = append(b, '%', digits[c>>4], digits[c&15])
		}
	}
	return string(b)
}

// Placeholders calls set with each of {http.auth.user.*} that is known, as Caddy's own
// authentication does; the access log's user_id is the first.
func (u *User) Placeholders(set func(name string, value any)) {
	set("http.auth.user.id", u.Subject())
	set("http.auth.user.name", u.Name)
	set("http.auth.user.union_id", u.UnionID)
	set("http.auth.user.open_id", u.OpenID)
	set("http.auth.user.corp_id", u.CorpID)
	set("http.auth.user.admin", strconv.FormatBool(u.Admin))
	set("http.auth.user.departments", u.departmentList())
}
