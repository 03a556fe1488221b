package dingtalk

import (
	"strings"
	"testing"

	"github.com/caddy-dingtalk/caddy-dingtalk/config"
	"github.com/caddy-dingtalk/caddy-dingtalk/doctor"
	"github.com/caddy-dingtalk/caddy-dingtalk/oapi"
)

// TestWhateverGetsAnotherTicketIsAnotherApp: a corrected secret must not go on with
// the tokens, or the failures, of the wrong one.
func TestWhateverGetsAnotherTicketIsAnotherApp(t *testing.T) {
	full := config.Config{AppKey: "key", AppSecret: "secret", CorpID: "corp"}
	names := map[string]string{appName(&full): "the app"}
	for what, change := range map[string]func(*config.Config){
		"another app_key":           func(c *config.Config) { c.AppKey = "key2" },
		"another app_secret":        func(c *config.Config) { c.AppSecret = "secret2" },
		"another corp_id":           func(c *config.Config) { c.CorpID = "corp2" },
		"another api":               func(c *config.Config) { c.API = "legacy" },
		"another api_base":          func(c *config.Config) { c.APIBase = "https://a.test" },
		"another oapi_base":         func(c *config.Config) { c.OAPIBase = "https://a.test" },
		"a corp_secret":             func(c *config.Config) { *c = config.Config{CorpID: "corp", CorpSecret: "secret"} },
		"another corp_secret":       func(c *config.Config) { *c = config.Config{CorpID: "corp", CorpSecret: "secret2"} },
		"a channel_secret":          func(c *config.Config) { *c = config.Config{CorpID: "corp", ChannelSecret: "secret"} },
		"another channel_secret":    func(c *config.Config) { *c = config.Config{CorpID: "corp", ChannelSecret: "secret2"} },
		"a secret that moved ahead": func(c *config.Config) { c.AppKey, c.CorpID = "key|corp", "" },
	} {
		c := full
		change(&c)
		name := appName(&c)
		if other := names[name]; other != "" {
			t.Errorf("%s has the name of %s", what, other)
		}
		names[name] = what
		if strings.Contains(name, "secret") {
			t.Errorf("%s: the name %s holds the secret", what, name)
		}
	}
}

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

func TestVisitorsAreToldWhatToDoButNotTheAddressOfTheServer(t *testing.T) {
	err := &oapi.Error{Call: "oauth2/accessToken", Kind: oapi.AllowList, Message: "request ip=198.51.100.4"}
	if told := noTicket(err); strings.Contains(told, "198.51.100.4") || !strings.Contains(told, "服务器出口IP") {
		t.Errorf("visitors are told %q", told)
	}
	if advice := doctor.Advice(err).EN; !strings.Contains(advice, "198.51.100.4") {
		t.Errorf("operators are told %q", advice)
	}
}
