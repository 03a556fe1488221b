package signer

import (
	"crypto/md5" //nolint:gosec // what somebody's backend may have taken, not what we sign with
	"encoding/hex"
	"net/url"
	"strconv"
	"strings"
)

// Parts are what a signature is made of, as somebody has them before him.
type Parts struct {
	Ticket, NonceStr, TimeStamp string
	URL                         string // with its fragment, if there is one
}

// Text is what is hashed for a signature of the parts, under this policy.
func (p Parts) Text(policy Policy) string {
	return string(appendText(nil, p.Ticket, []byte(p.NonceStr), []byte(p.TimeStamp), appendForm(nil, p.URL, policy)))
}

// Sign makes the signature of the parts as they are. It is for those who debug, and
// looks for no URL of another site in them: pages get theirs from Signer.Sign.
func (p Parts) Sign(s Signer) string {
	return s.sign(p.Ticket, appendForm(nil, p.URL, s.Policy), []byte(p.NonceStr), []byte(p.TimeStamp)).Signature
}

// Change is one thing that makes a signature another one than DingTalk checks.
type Change int

// The changes. Those of the URL come first.
const (
	OtherScheme    Change = iota + 1 // http for https, or the reverse
	WithoutPort                      // the port is left out
	DefaultPort                      // :443 or :80 is written
	SlashAdded                       // one more at the end of the path
	SlashRemoved                     // one less
	WithoutQuery                     // the query is left out
	WithoutPath                      // path and query are left out
	WithFragment                     // the fragment is kept
	DecodedTwice                     // percent-decoded twice
	EncodedTwice                     // each % written as %25
	EncodedWhole                     // as encodeURIComponent does to all of it
	Escaped                          // what is no ASCII is percent-encoded
	CamelNames                       // nonceStr and timeStamp as names in the hashed text
	ValuesOnly                       // the values alone, without names
	Swapped                          // nonceStr and timeStamp in each other's place
	InSeconds                        // timeStamp divided by 1000
	InMilliseconds                   // timeStamp times 1000
	UpperCase                        // hex in capitals
	MD5                              // another hash
)

// Guess is how a signature has been made.
type Guess struct {
	Ticket  int      // which of the tickets, from 0
	Signer  Signer   // its hash is SHA1 where Changes have MD5
	URL     string   // that was hashed, in the form that was hashed
	Changes []Change // none: DingTalk accepts it
}

// GuessSignature looks for how a signature was made of the parts, with one of the tickets: that of
// the fewest changes. found is false if none of the ways leads to it.
func GuessSignature(signature string, parts Parts, tickets []string) (g Guess, found bool) {
	wanted := strings.ToLower(strings.TrimSpace(signature))
	for limit := 0; limit <= maxChanges; limit++ {
		for i, ticket := range tickets {
			parts.Ticket = ticket
			s := search{wanted: wanted, limit: limit}
			if s.from(newCandidate(parts), 0, nil) {
				s.found.Ticket = i
				if wanted != strings.TrimSpace(signature) {
					s.found.Changes = append(s.found.Changes, UpperCase)
				}
				return s.found, true
			}
		}
	}
	return Guess{}, false
}

// maxChanges is how many mistakes one backend is thought to make at once.
const maxChanges = 4

// search goes through all ways with exactly so many changes.
type search struct {
	wanted string
	limit  int
	found  Guess
}

// from tries the steps from the nth on.
func (s *search) from(c candidate, n int, changes []Change) bool {
	if n == len(steps) {
		return len(changes) == s.limit && s.hashes(c, changes)
	}
	if s.from(c, n+1, changes) {
		return true
	}
	if len(changes) == s.limit {
		return false
	}
	for _, step := range steps[n] {
		changed := c
		if step.apply(&changed) && s.from(changed, n+1, append(changes[:len(changes):len(changes)], step.change)) {
			return true
		}
	}
	return false
}

// hashes tries the forms and hashes of a candidate.
func (s *search) hashes(c candidate, changes []Change) bool {
	for _, form := range Forms {
		hashed := c.text(form.Policy)
		sum := form.Hash.sum([]byte(hashed))
		if c.md5 {
			digest := md5.Sum([]byte(hashed)) //nolint:gosec // see above
			sum = hex.EncodeToString(digest[:])
		}
		if sum == s.wanted {
			s.found = Guess{Signer: form, URL: c.form(form.Policy), Changes: changes}
			return true
		}
	}
	return false
}

// candidate is one way to make a signature.
type candidate struct {
	Parts
	origin, port, path, query, fragment string // of the URL; origin ends before the port
	encode                              func(string) string
	fragmented, camel, bare, md5        bool
}

func newCandidate(p Parts) candidate {
	c := candidate{Parts: p}
	rest, fragment, found := strings.Cut(p.URL, "#")
	if found {
		c.fragment = "#" + fragment
	}
	rest, query, found := strings.Cut(rest, "?")
	if found {
		c.query = "?" + query
	}
	start := pathStart(rest)
	c.origin, c.path = rest[:start], rest[start:]
	if i := strings.LastIndexByte(c.origin, ':'); i > strings.Index(c.origin, "//") {
		if _, err := strconv.ParseUint(c.origin[i+1:], 10, 16); err == nil {
			c.origin, c.port = c.origin[:i], c.origin[i:]
		}
	}
	return c
}

// whole is the URL before it takes a form.
func (c candidate) whole() string {
	whole := c.origin + c.port + c.path + c.query
	if c.fragmented {
		whole += c.fragment
	}
	return whole
}

// form is the URL as it is hashed.
func (c candidate) form(policy Policy) string {
	if c.encode != nil {
		return c.encode(c.whole())
	}
	return policy.Form(c.whole())
}

func (c candidate) text(policy Policy) string {
	form := c.form(policy)
	switch {
	case c.bare:
		return c.Ticket + c.NonceStr + c.TimeStamp + form
	case c.camel:
		return "jsapi_ticket=" + c.Ticket + "&nonceStr=" + c.NonceStr + "&timeStamp=" + c.TimeStamp + "&url=" + form
	}
	return string(appendText(nil, c.Ticket, []byte(c.NonceStr), []byte(c.TimeStamp), []byte(form)))
}

// step is one change. apply reports whether it makes a difference.
type step struct {
	change Change
	apply  func(*candidate) bool
}

// steps are the changes that exclude one another, a row each.
var steps = [][]step{
	{{OtherScheme, func(c *candidate) bool {
		scheme, rest, found := strings.Cut(c.origin, "://")
		other := map[string]string{"http": "https", "https": "http"}[scheme]
		c.origin = other + "://" + rest
		return found && other != ""
	}}},
	{
		{WithoutPort, func(c *candidate) bool {
			had := c.port != ""
			c.port = ""
			return had
		}},
		{DefaultPort, func(c *candidate) bool {
			had := c.port != ""
			scheme, _, _ := strings.Cut(c.origin, "://")
			c.port = ":" + defaultPort(scheme)
			return !had && c.port != ":"
		}},
	},
	{
		{SlashAdded, func(c *candidate) bool {
			c.path += "/"
			return true
		}},
		{SlashRemoved, func(c *candidate) bool {
			short, had := strings.CutSuffix(c.path, "/")
			c.path = short
			return had
		}},
		{WithoutPath, func(c *candidate) bool {
			had := len(c.path) > 1 || c.query != ""
			c.path, c.query = "/", ""
			return had
		}},
	},
	{{WithoutQuery, func(c *candidate) bool {
		had := c.query != ""
		c.query = ""
		return had
	}}},
	{{WithFragment, func(c *candidate) bool {
		c.fragmented = true
		return c.fragment != ""
	}}},
	{
		{DecodedTwice, encoded(func(s string) string { return Decoded.Form(Decoded.Form(s)) })},
		{EncodedTwice, encoded(func(s string) string { return strings.ReplaceAll(s, "%", "%25") })},
		{EncodedWhole, encoded(func(s string) string { return strings.ReplaceAll(url.QueryEscape(s), "+", "%20") })},
		{Escaped, encoded(escaped)},
	},
	{
		{CamelNames, func(c *candidate) bool { c.camel = true; return true }},
		{ValuesOnly, func(c *candidate) bool { c.bare = true; return true }},
		{Swapped, func(c *candidate) bool { c.NonceStr, c.TimeStamp = c.TimeStamp, c.NonceStr; return true }},
	},
	{
		{InSeconds, func(c *candidate) bool {
			long := len(c.TimeStamp) == 13
			if long {
				c.TimeStamp = c.TimeStamp[:10]
			}
			return long
		}},
		{InMilliseconds, func(c *candidate) bool {
			c.TimeStamp += "000"
			return len(c.TimeStamp) == 13
		}},
	},
	{{MD5, func(c *candidate) bool { c.md5 = true; return true }}},
}

// encoded is a change of all that the URL is written in.
func encoded(encode func(string) string) func(*candidate) bool {
	return func(c *candidate) bool {
		c.encode = encode
		return encode(c.whole()) != c.whole()
	}
}

// escaped percent-encodes what is no ASCII, as browsers do.
func escaped(s string) string {
	var b strings.Builder
	for i := range len(s) {
		if c := s[i]; c > ' ' && c <= '~' {
			b.WriteByte(c)
		} else {
			b.WriteString("%" + strings.ToUpper(hex.EncodeToString([]byte{c})))
		}
	}
	return b.String()
}
