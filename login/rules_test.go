package login

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// below matches paths as a prefix, in the cleaned path that Caddy's own matcher sees.
func below(prefix string) Matcher {
	return func(r *http.Request) (bool, error) { return strings.HasPrefix(r.URL.Path, prefix), nil }
}

func TestTheFirstLineThatFitsDecides(t *testing.T) {
	rules := Rules{
		{Match: below("/admin/"), Admin: true},
		{Match: below("/assets/"), Public: true},
		{Match: below("/sales/"), Departments: []int64{12}, Users: []string{"u9"}},
	}
	admin, member := &User{UserID: "u1", Admin: true, Within: []int64{1, 11}}, &User{UserID: "u2", Within: []int64{1, 12}}
	for target, want := range map[string]struct{ public, admin, member bool }{
		"/":                      {false, true, true},
		"/admin/x":               {false, true, false},
		"/assets/a.js":           {true, true, true},
		"/assets/a.js?x=..%2f":   {true, true, true},
		"/assets/%2e%2e/admin/x": {false, true, true},
		"/assets/..%2fadmin":     {false, true, true},
		"/assets/a%5cb":          {false, true, true},
		"/sales/x":               {false, false, true},
		"/admin;v=1/x":           {false, true, false}, // what Tomcat takes for /admin/x
		"/assets/..;/admin/x":    {false, true, true},
		"/assets;/a.js":          {false, true, true}, // both readings must be public
		"/assets/a.js;v=1":       {true, true, true},
		"/sales%3bx/y":           {false, false, true},
		"/%5cadmin/x":            {false, true, true},
		"/x%5c../admin/x":        {false, true, true},
	} {
		t.Run(target, func(t *testing.T) {
			demand, err := rules.For(httptest.NewRequest("GET", target, nil), target)
			if err != nil {
				t.Fatal(err)
			}
			if fits := func(u *User) bool { return demand.refusing(u) == nil }; demand.public() != want.public || fits(admin) != want.admin || fits(member) != want.member {
				t.Errorf("public %v, admin %v, member %v; want %+v", demand.public(), fits(admin), fits(member), want)
			}
		})
	}
}

func TestAMatcherThatFailsOpensNothing(t *testing.T) {
	failing := errors.New("no such variable")
	rules := Rules{{Match: func(*http.Request) (bool, error) { return true, failing }, Public: true}}
	if demand, err := rules.For(httptest.NewRequest("GET", "/", nil), "/"); demand != (Demand{}) || err != failing {
		t.Errorf("%+v, %v", demand, err)
	}
}

func TestAFollowerFitsNoUserRule(t *testing.T) {
	if (&Rule{Users: []string{""}}).fits(&User{OpenID: "op"}) {
		t.Error("an empty userid fits")
	}
}

func TestASessionWithoutDepartmentsCannotAnswerForThem(t *testing.T) {
	s := NewSession(User{UserID: "u1"}, t0, life)
	if s.answersFor([]int64{1}) || !s.answersFor(nil) {
		t.Error("it answers")
	}
}
