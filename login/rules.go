package login

import (
	"net/http"
	"slices"
	"strings"

	"github.com/caddy-dingtalk/caddy-dingtalk/visit"
)

// Matcher tells whether a line of the rules is for a request: caddyhttp's matchers.
type Matcher func(*http.Request) (bool, error)

// Rule is a line: public, or what the user must be.
type Rule struct {
	Match       Matcher // nil fits every request
	Public      bool
	Users       []string
	Departments []int64 // and all below them
	Admin       bool

	line int // which of the rules it is, from 1; 0 is none of them
}

// demands tells whether the line asks for more than to be signed in.
func (r *Rule) demands() bool { return len(r.Users) > 0 || len(r.Departments) > 0 || r.Admin }

// fits tells whether one of the demands of the line fits the user.
func (r *Rule) fits(u *User) bool {
	return !r.demands() || r.Admin && u.Admin ||
		u.UserID != "" && slices.Contains(r.Users, u.UserID) || u.within(r.Departments)
}

// Rules are the lines in their order. The first that fits a request decides; where none
// does, sign-in is required.
type Rules []Rule

// required is the line behind the last.
var required Rule

// Demand is what a request has to meet: the line that decides about it, and the one for
// what the upstream may make of its path, nil where that is the same.
type Demand struct{ rule, other *Rule }

// public tells whether nobody has to sign in.
func (d *Demand) public() bool { return d.rule.Public && (d.other == nil || d.other.Public) }

// refusing returns the line that does not fit the user, nil if they fit.
func (d *Demand) refusing(u *User) *Rule {
	switch {
	case !d.rule.fits(u):
		return d.rule
	case d.other != nil && !d.other.fits(u):
		return d.other
	}
	return nil
}

// answered tells whether a session knows what the lines ask for.
func (d *Demand) answered(s *Session) bool {
	return s.answersFor(d.rule.Departments) && (d.other == nil || s.answersFor(d.other.Departments))
}

// For returns what a request has to meet. target is the path as the browser sent it, still
// encoded. A matcher that fails decides nothing: its error is returned.
func (rules Rules) For(r *http.Request, target string) (Demand, error) {
	rule, err := rules.first(r, target)
	if err != nil {
		return Demand{}, err
	}
	read := readOtherwise(r)
	if read == nil {
		return Demand{rule: rule}, nil
	}
	other, err := rules.first(read, target)
	return Demand{rule, other}, err
}

// readOtherwise returns the request with the path that an upstream may read in it, nil where
// that is the same.
func readOtherwise(r *http.Request) *http.Request {
	path := visit.OtherReading(r.URL.Path)
	if path == r.URL.Path {
		return nil
	}
	read, at := *r, *r.URL
	at.Path, at.RawPath = path, ""
	read.URL = &at
	return &read
}

// first returns the first line that fits a request.
func (rules Rules) first(r *http.Request, target string) (*Rule, error) {
	trap := unknown
	for i := range rules {
		rule := &rules[i]
		if rule.Public {
			if trap == unknown {
				trap = trapOf(r, target)
			}
			if trap == yes {
				continue
			}
		}
		if rule.Match == nil {
			return rule, nil
		}
		fits, err := rule.Match(r)
		if err != nil {
			return nil, err
		}
		if fits {
			return rule, nil
		}
	}
	return &required, nil
}

// answer to a question that is asked at most once.
type answer int

const (
	unknown answer = iota
	yes
	no
)

// trapOf judges the path that the browser sent and the one that the upstream will get.
func trapOf(r *http.Request, target string) answer {
	path, _, _ := strings.Cut(target, "?")
	if trapped(path) || trapped(r.URL.EscapedPath()) {
		return yes
	}
	return no
}

// Departments tells whether some line asks for departments, so that sign-ins have to.
func (rules Rules) Departments() bool {
	return slices.ContainsFunc(rules, func(r Rule) bool { return len(r.Departments) > 0 })
}
