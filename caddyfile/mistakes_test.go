package caddyfile

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2"

	"github.com/caddy-dingtalk/caddy-dingtalk/config"
	"github.com/caddy-dingtalk/caddy-dingtalk/doctor"
	"github.com/caddy-dingtalk/caddy-dingtalk/internal/testsite/language"
)

var han = regexp.MustCompile(`\p{Han}`)

// right is a directive that is right, by subdirective.
var right = map[string]string{"app_key": "dingkey", "app_secret": secretText, "corp_id": "ding1", "agent_id": "1234567890"}

// directive writes it with other lines. What replaces a line of right has its name.
func directive(change map[string]string) string {
	lines := maps.Clone(right)
	maps.Copy(lines, change)
	var b strings.Builder
	b.WriteString("dingtalk {\n")
	for name, value := range lines {
		fmt.Fprintf(&b, "\t%s %s\n", name, value)
	}
	b.WriteString("}\n")
	return b.String()
}

// accept parses, resolves and validates a directive, as starting Caddy does.
func accept(t *testing.T, text string) error {
	t.Helper()
	c, err := parse(t, text)
	if err == nil {
		c, err = config.Resolve(c, caddy.NewReplacer())
	}
	if err == nil {
		err = config.Validate(&c)
	}
	return err
}

// habitual are values that the habits of other tools lead to, and what the message
// must hold. VALUE stands for a value that would be right.
var habitual = map[string]struct{ value, words string }{
	"nginx's semicolon":           {"VALUE;", "ends without ;"},
	"a Chinese semicolon":         {"VALUE；", "ends without ;"},
	"JSON's comma":                {"VALUE,", "ends with a comma"},
	"a Chinese comma":             {"VALUE，", "ends with a comma"},
	"single quotes":               {"'VALUE'", "quotes"},
	"double quotes":               {"`\"VALUE\"`", "quotes"},
	"Chinese quotes":              {"“VALUE”", "quotes"},
	"Chinese corner brackets":     {"「VALUE」", "quotes"},
	"a shell's variable":          {"$DINGTALK", "{env.NAME}"},
	"Compose's variable":          {"${DINGTALK}", "{env."},
	"a Makefile's variable":       {"$(DINGTALK)", "{env.NAME}"},
	"Windows' variable":           {"%DINGTALK%", "{env.NAME}"},
	"PowerShell's variable":       {"$env:DINGTALK", "{env.NAME}"},
	"a byte order mark":           {"\uFEFFVALUE", "byte order mark"},
	"a zero-width space":          {"VALUE\u200B", "zero-width space"},
	"a zero-width space within":   {"1\u200B2", "zero-width space"},
	"a soft hyphen":               {"1\u00AD2", "invisible"},
	"what is to be filled in":     {"<VALUE>", "write the value itself"},
	"the line of an env file":     {"DINGTALK=VALUE", "behind the ="},
	"an equals sign before it":    {"=VALUE", "begins with ="},
	"a space that does not break": {"1\u00A02", "ASCII"},
}

// TestHabitsDoNotPassAsValues, neither in the Caddyfile nor in a variable nor in a
// file: what is told apart is the habit, not the place.
func TestHabitsDoNotPassAsValues(t *testing.T) {
	if rows := 4 * len(habitual); rows < 60 {
		t.Errorf("%d rows", rows)
	}
	for name, habit := range habitual {
		for _, field := range []string{"app_key", "app_secret", "corp_id", "agent_id"} {
			written := strings.ReplaceAll(habit.value, "VALUE", right[field])
			value := strings.Trim(written, "`")
			words := []string{field, habit.words}
			if field == "agent_id" && habit.words == "ASCII" {
				words[1] = "digits"
			}
			t.Run(name+" in "+field, func(t *testing.T) {
				file := filepath.Join(t.TempDir(), "value")
				if err := os.WriteFile(file, []byte(value+"\n"), 0o600); err != nil {
					t.Fatal(err)
				}
				t.Setenv("TEST_VALUE", value)
				for place, text := range map[string]string{"Caddyfile": written, "variable": "{env.TEST_VALUE}", "file": "{file." + file + "}"} {
					if place == "Caddyfile" && (strings.HasPrefix(value, "${") || strings.Contains(value, "\u00A0")) {
						continue // Caddy takes it for a placeholder, or for two values
					}
					err := accept(t, directive(map[string]string{field: text}))
					mistaken(t, place, err, words...)
				}
			})
		}
	}
}

// mistaken asserts that a mistake is told with all of the words and without a secret.
func mistaken(t *testing.T, what string, err error, words ...string) {
	t.Helper()
	if err == nil {
		t.Fatalf("%s: no error, want one with %q", what, words)
	}
	for _, word := range words {
		if !strings.Contains(err.Error(), word) {
			t.Errorf("%s: the error does not say %q: %v", what, word, err)
		}
	}
	if strings.Contains(err.Error(), secretText) {
		t.Errorf("%s: the error tells a secret: %v", what, err)
	}
	if zh := doctor.Of(err).ZH; language.English(zh) != "" || !han.MatchString(zh) {
		t.Errorf("%s: this is not Chinese: %s", what, zh)
	}
}

// fieldMistakes are values of one field, and what the error must say.
var fieldMistakes = map[string]struct {
	field, value string
	words        []string
}{
	"the app's name for its AgentId":      {"agent_id", "myapp", []string{"agent_id", "digits", "not its name"}},
	"the AppKey for the AgentId":          {"agent_id", "dingkey", []string{"digits", "AppKey"}},
	"a negative AgentId":                  {"agent_id", "-1", []string{"digits"}},
	"an AgentId as another language's":    {"agent_id", "１２", []string{"digits"}},
	"an equals sign between":              {"agent_id", "= 1", []string{"agent_id", "without ="}},
	"a colon between":                     {"agent_id", ": 1", []string{"agent_id", "without :"}},
	"a semicolon with a space":            {"agent_id", "1 ;", []string{"ends without ;"}},
	"a comment of another language":       {"agent_id", "1 // the app", []string{"comments begin with #"}},
	"forwarded as a switch":               {"forwarded", "true", []string{"forwarded", `"true" is not the name of a header`, "X-Forwarded-Port"}},
	"forwarded as a switch, another word": {"forwarded", "on", []string{"not the name of a header"}},
	"forwarded for all":                   {"forwarded", "*", []string{"not the name of a header"}},
	"forwarded in quotes":                 {"forwarded", "'X-A'", []string{"quotes"}},
	"js_api_list as a switch":             {"js_api_list", "all", []string{"js_api_list", "leave out the line"}},
	"js_api_list with a star":             {"js_api_list", "*", []string{"leave out the line"}},
	"js_api_list with commas and spaces":  {"js_api_list", "a.b, c.d", []string{"comma", "spaces between"}},
	"public_origin with a semicolon":      {"public_origin", "https://a.test;", []string{"ends without ;"}},
	"public_origin in quotes":             {"public_origin", "'https://a.test'", []string{"quotes"}},
	"public_host with a semicolon":        {"public_host", "a.test;", []string{"ends without ;"}},
	"endpoint with a semicolon":           {"endpoint", "/x;", []string{"ends without ;"}},
	"hash with a semicolon":               {"hash", "sha1;", []string{"ends without ;"}},
	"api_base with a comma":               {"api_base", "https://a.test,", []string{"ends with a comma"}},
	"a secret of two lines":               {"app_secret", "`" + secretText + "\n" + secretText + "`", []string{"app_secret", "one word"}},
	"a secret with a space":               {"app_secret", "`" + secretText + " x`", []string{"app_secret", "one word"}},
	"a secret in Chinese":                 {"app_secret", "密钥", []string{"app_secret", "ASCII"}},
	"a name with an equals sign":          {"agentid=1", "", []string{`"agentid=1"`, "without =", "did you mean agent_id?"}},
	"a name with a colon":                 {"hash:", "sha1", []string{"did you mean hash?"}},
	"a comment of JavaScript":             {"//", "x", []string{"comments begin with #"}},
	"a comment of SQL":                    {"--", "x", []string{"comments begin with #"}},
	"what stands in the global options":   {"trusted_proxies", "static private_ranges", []string{"global options"}},
}

func TestMistakesOfAFieldNameTheirCure(t *testing.T) {
	for name, tt := range fieldMistakes {
		t.Run(name, func(t *testing.T) {
			mistaken(t, name, accept(t, directive(map[string]string{tt.field: tt.value})), tt.words...)
		})
	}
}

// TestMistakesInJSONAreToldAsInTheCaddyfile and an agent_id may be a number there.
func TestMistakesInJSONAreToldAsInTheCaddyfile(t *testing.T) {
	whole := `"app_key":"dingkey","app_secret":"` + secretText + `","corp_id":"ding1"`
	for name, tt := range map[string]struct {
		fields string
		words  []string // none where it is taken
	}{
		"all is right":                 {`"agent_id":"1"`, nil},
		"an agent_id that is a number": {`"agent_id":1234567890`, nil},
		"an agent_id below nothing":    {`"agent_id":-1`, []string{"agent_id must be a string"}},
		"an agent_id with a fraction":  {`"agent_id":1.5`, []string{"agent_id", "digits"}},
		"an agent_id that is null":     {`"agent_id":null`, []string{"agent_id is missing"}},
		"a slip":                       {`"agentId":"1"`, []string{`"agentId"`, "did you mean agent_id?"}},
		"another case":                 {`"Agent_ID":"1"`, []string{"did you mean agent_id?"}},
		"the console's name":           {`"agent_id":"1","client_id":"x"`, []string{"app_key"}},
		"something else":               {`"agent_id":"1","robot":1`, []string{`"robot"`, "README"}},
		"a text for a list":            {`"agent_id":"1","js_api_list":"a.b"`, []string{"js_api_list must be a list of strings, not a string"}},
		"a list for a text":            {`"agent_id":["1"]`, []string{"agent_id must be a string, not an array"}},
		"a text for a number":          {`"agent_id":"1","type":"0"`, []string{"type must be a number, not a string"}},
		"a number for a secret":        {`"agent_id":"1","corp_secret":73031`, []string{"corp_secret must be a string, not a number"}},
		"a doctor that is switched on": {`"agent_id":"1","doctor":true`, []string{`doctor must be {} or {"token"`}},
		"a doctor with another field":  {`"agent_id":"1","doctor":{"password":"x"}`, []string{"password"}},
		"a habit":                      {`"agent_id":"1;"`, []string{"ends without ;"}},
	} {
		t.Run(name, func(t *testing.T) {
			var c config.Config
			err := caddy.StrictUnmarshalJSON([]byte("{"+whole+","+tt.fields+"}"), &c)
			if err == nil {
				err = config.Validate(&c)
			}
			if tt.words != nil {
				mistaken(t, name, err, tt.words...)
				if strings.Contains(err.Error(), "73031") {
					t.Errorf("the error tells a secret: %v", err)
				}
			} else if err != nil || c.AgentID == "" || c.CorpID != "ding1" {
				t.Errorf("%v, %v", err, c.AgentID)
			}
		})
	}
}
