package examine

import (
	"regexp"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"

	grammar "github.com/caddy-dingtalk/caddy-dingtalk/caddyfile"
)

// TestTheLineThatHidesASecretIsOneOfTheCaddyfile: whoever writes what the advice says has a
// directive that is read, and no secret in it.
func TestTheLineThatHidesASecretIsOneOfTheCaddyfile(t *testing.T) {
	const (
		plain, other = "0123456789abcdef0123456789abcdef", "0123456789abcdef0123456789abcdeg"
		dd           = "corp_id ding1\nagent_id 1\n"
		app          = "app_key dingkey\napp_secret {env.NAME}\n" + dd
	)
	for name, test := range map[string]struct{ directive, line, want string }{
		"the app's":            {"app_key dingkey\nLINE\n" + dd, "app_secret " + plain, "app_secret {env.NAME}"},
		"the corp's":           {"LINE\n" + dd, "corp_secret " + plain, "corp_secret {env.NAME}"},
		"the service window's": {"LINE\n" + dd, "channel_secret " + plain, "channel_secret {env.NAME}"},
		"the doctor's":         {app + "LINE", "doctor " + plain, "doctor {env.NAME}"},
		"a key of sign-in":     {app + "login {\nLINE\n}", "key " + plain, "key {env.NAME}"},
		"two keys":             {app + "login {\nLINE\n}", "key " + plain + " " + other, "key {env.NAME} {env.NAME2}"},
		"the older key":        {app + "login {\nLINE\n}", "key {env.OURS} " + other, "key {env.OURS} {env.NAME2}"},
		"the staff app's":      {"channel_secret {env.NAME}\n" + dd + "login {\nLINE\n}", "staff_app dingstaff " + plain, "staff_app dingstaff {env.NAME}"},
		"a tenant's":           {"tenant ding9 9 {\napp_key dingkey\nLINE\n}", "app_secret " + plain, "app_secret {env.NAME}"},
		"a suite's":            {"suite suitekey {\nLINE\ntoken {env.NAME}\naes_key {env.NAME}\n}", "suite_secret " + plain, "suite_secret {env.NAME}"},
		"a suite's token":      {"suite suitekey {\nsuite_secret {env.NAME}\nLINE\naes_key {env.NAME}\n}", "token " + plain, "token {env.NAME}"},
		"a suite's aes_key":    {"suite suitekey {\nsuite_secret {env.NAME}\ntoken {env.NAME}\nLINE\n}", "aes_key " + strings.Repeat("a", 43), "aes_key {env.NAME}"},
		"a suite's ticket":     {"suite suitekey {\nsuite_secret {env.NAME}\nLINE\n}", "suite_ticket " + plain, "suite_ticket {env.NAME}"},
	} {
		t.Setenv("NAME", strings.Repeat("x", 43))
		t.Setenv("NAME2", other)
		t.Setenv("OURS", plain)
		secrets := func(line string) Check {
			text := "dingtalk {\n" + strings.Replace(test.directive, "LINE", line, 1) + "\n}"
			c, err := grammar.Parse(caddyfile.NewTestDispenser(text), nil)
			if err != nil {
				t.Fatalf("%s: %v", text, err)
			}
			return secretsCheck(&c)
		}
		check := secrets(test.line)
		for _, advice := range []string{check.Advice, check.chinese.advice} {
			said := regexp.MustCompile(`^(?:Write|请写成) (.+?) (?:or|或) (.+?)[.。] ?\{\$NAME`).FindStringSubmatch(advice)
			if said == nil || said[1] != test.want {
				t.Fatalf("%s: %+v", name, check)
			}
			if check := secrets(said[1]); check.Status != OK {
				t.Errorf("%s: %+v", said[1], check)
			}
			if strings.Contains(secrets(said[2]).Message, "plain text") {
				t.Errorf("%s is plain text", said[2])
			}
		}
	}
}
