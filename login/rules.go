package login

import (
	"net/http"
	"slices"
	"strings"
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

// For returns the line that decides about a request. target is the path as the browser
// sent it, still encoded. A matcher that fails decides nothing: its error is returned.
func (rules Rules) For(r *http.Request, target string) (*Rule, error) {
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
