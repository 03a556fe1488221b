package endpoint

import (
	"strings"
	"testing"

	"github.com/caddy-dingtalk/caddy-dingtalk/doctor"
)

func TestTheTokenOfTheDoctorIsMaskedHoweverItIsWritten(t *testing.T) {
	p := &doctorPage{token: "t0ken-of-ours"}
	for text, want := range map[string]string{
		"https://h5.test/.dingtalk/doctor?token=t0ken-of-ours":             "https://h5.test/.dingtalk/doctor?token=***",
		"https://h5.test/.dingtalk/doctor?a=1&token=t0ken%2Dof-ours&b=2":   "https://h5.test/.dingtalk/doctor?a=1&token=***&b=2",
		"52013 url:[https://h5.test/.dingtalk/doctor?token=mistyped],tick": "52013 url:[https://h5.test/.dingtalk/doctor?token=***],tick",
		"t0ken-of-ours by itself":                                          "*** by itself",
		"no token":                                                         "no token",
	} {
		if got := p.mask(text); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
	facts := doctor.Facts{}
	facts.Request.Header = map[string][]string{"Referer": {"https://h5.test/?token=t0ken-of-ours"}}
	masked := p.masked(facts)
	if got := masked.Request.Header["Referer"][0]; strings.Contains(got, "t0ken") {
		t.Errorf("the facts hold %s", got)
	}
	if got := facts.Request.Header["Referer"][0]; !strings.Contains(got, "t0ken-of-ours") {
		t.Errorf("the request itself was changed: %s", got)
	}
}
