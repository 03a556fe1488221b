package tenant

import (
	"reflect"
	"strings"
	"testing"

	"github.com/caddy-dingtalk/caddy-dingtalk/config"
)

// TestWhateverGetsAnotherTicketIsAnotherApp: a corrected secret must not go on with
// the tokens, or the failures, of the wrong one.
func TestWhateverGetsAnotherTicketIsAnotherApp(t *testing.T) {
	full := config.Config{AppKey: "key", AppSecret: "secret", CorpID: "corp"}
	names := map[string]string{Name(&full): "the app"}
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
		name := Name(&c)
		if other := names[name]; other != "" {
			t.Errorf("%s has the name of %s", what, other)
		}
		names[name] = what
		if strings.Contains(name, "secret") {
			t.Errorf("%s: the name %s holds the secret", what, name)
		}
	}
}

// TestEveryFieldThatAPageShowsIsInTheFingerprint: pages that are kept would go on
// with the old value else.
func TestEveryFieldThatAPageShowsIsInTheFingerprint(t *testing.T) {
	inNoPage := map[string]bool{"Doctor": true, "ShareTokens": true, "StorageRaw": true, "TicketWait": true, "Tenants": true, "Suites": true, "AppSecret": true, "CorpSecret": true, "ChannelSecret": true}
	base := fingerprint(config.Config{}, "script")
	fields := reflect.TypeFor[config.Config]()
	for i := range fields.NumField() {
		var c config.Config
		field, name := reflect.ValueOf(&c).Elem().Field(i), fields.Field(i).Name
		switch field.Kind() {
		case reflect.String:
			field.SetString("x")
		case reflect.Slice:
			field.Set(reflect.MakeSlice(field.Type(), 1, 1))
			if name == "StorageRaw" {
				field.SetBytes([]byte(`"x"`))
			}
		case reflect.Pointer:
			field.Set(reflect.New(field.Type().Elem()))
		case reflect.Bool:
			field.SetBool(true)
		case reflect.Int64:
			field.SetInt(1)
		default:
			t.Fatalf("%s is of a kind that this test does not know", name)
		}
		if changed := fingerprint(c, "script") != base; changed == inNoPage[name] {
			t.Errorf("%s: pages are made anew: %v", name, changed)
		}
	}
	if fingerprint(config.Config{}, "another script") == base {
		t.Error("the script is not in it")
	}
}
