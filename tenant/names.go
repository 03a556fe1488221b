package tenant

import (
	"net/url"
	"strings"
)

// Names are what a source says of the tenant.
type Names struct {
	Corp, Agent string // "" where it says nothing
	// Twice tells that it gives two values for one of them, so that nobody knows which
	// counts.
	Twice bool
}

// None tells that a source names nothing.
func (n Names) None() bool { return n == Names{} }

// NamesIn returns the names in a query. It allocates nothing unless a value is encoded.
func NamesIn(query string) (n Names) {
	for query != "" {
		var pair string
		pair, query, _ = strings.Cut(query, "&")
		if !mayName(pair) {
			continue
		}
		name, value, _ := strings.Cut(pair, "=")
		switch kindOf(name) {
		case aCorp:
			n.note(&n.Corp, value)
		case anAgent:
			n.note(&n.Agent, value)
		}
	}
	return n
}

// mayName tells by its first byte whether a pair may name something: most do not.
func mayName(pair string) bool {
	if pair == "" {
		return false
	}
	switch pair[0] {
	case 'c', 'C', 'a', 'A', '%':
		return true
	}
	return false
}

// note takes one value. DingTalk replaces $CORPID$ only where a page is opened from the
// workbench; what has not been replaced says nothing.
func (n *Names) note(field *string, value string) {
	value = decode(value)
	switch {
	case value == "" || value == "$CORPID$" || value == "$AGENTID$":
	case *field == "" || *field == value:
		*field = value
	default:
		n.Twice = true
	}
}

// decode decodes a form's value, once. One that is malformed stays as it is, and names
// nobody then.
func decode(value string) string {
	if strings.IndexByte(value, '%') < 0 && strings.IndexByte(value, '+') < 0 {
		return value
	}
	if plain, err := url.QueryUnescape(value); err == nil {
		return plain
	}
	return value
}

// kind is what a name in a query means.
type kind int

const (
	nothing kind = iota
	aCorp
	anAgent
)

// The lengths of the shortest and the longest name.
const (
	shortest = len("corpid")
	longest  = len("agent_id")
)

// kindOf tells what a name means, in any case.
func kindOf(name string) kind {
	if strings.IndexByte(name, '%') >= 0 {
		if len(name) > 3*longest {
			return nothing
		}
		name = decode(name)
	}
	if len(name) < shortest || len(name) > longest {
		return nothing
	}
	switch {
	case strings.EqualFold(name, "corpid"), strings.EqualFold(name, "corp_id"):
		return aCorp
	case strings.EqualFold(name, "agentid"), strings.EqualFold(name, "agent_id"):
		return anAgent
	}
	return nothing
}

// remembered returns the names in the value of our cookie, none if it is malformed.
func remembered(cookie string) Names {
	dot := strings.LastIndexByte(cookie, '.')
	if dot < 1 || len(cookie) > maxCookie {
		return Names{}
	}
	corp, agent := cookie[:dot], cookie[dot+1:]
	if agent == "" || strings.Trim(agent, "0123456789") != "" || strings.ContainsFunc(corp, outsideCorp) {
		return Names{}
	}
	return Names{Corp: corp, Agent: agent}
}

// maxCookie is the length of the longest value that is looked at.
const maxCookie = 128

// outsideCorp reports whether a character stands in no corpId.
func outsideCorp(r rune) bool {
	return !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '-' || r == '_')
}
