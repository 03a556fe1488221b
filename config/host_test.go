package config

import "testing"

func TestAPatternThatNamesNobody(t *testing.T) {
	for pattern, want := range map[string]bool{
		"*": true, "*.*": true, "*.*.*": true, "": true, "{http.request.host}": true, "x.{http.vars.site}": true,
		"h5.test": false, "*.test": false, "h5.*": false, "{env.HOST}": false,
	} {
		if got := CatchAll(pattern); got != want {
			t.Errorf("CatchAll(%q) is %t", pattern, got)
		}
	}
}
