package caddyfile

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/caddy-dingtalk/caddy-dingtalk/doctor"
	"github.com/caddy-dingtalk/caddy-dingtalk/internal/testsite/language"
)

// The blocks that mistakes are made in. LINE stands for the line that is wrong.
const (
	inDirective = base + "\tLINE\n}\n"
	inLogin     = base + "\tlogin {\n\t\tLINE\n\t}\n}\n"
	inRequire   = base + "\tlogin {\n\t\trequire {\n\t\t\tuser u0\n\t\t\tLINE\n\t\t}\n\t}\n}\n"
	inTenant    = "dingtalk {\n\ttenant ding111 1001 {\n\t\tapp_key k\n\t\tapp_secret " + secretText + "\n\t\tLINE\n\t}\n}\n"
	inSuite     = "dingtalk {\n\tsuite suite9 {\n\t\tsuite_secret " + secretText + "\n\t\ttoken t\n\t\taes_key Yue0EfdN5900c1ce5cf6A152c63DDe1808a60c5ecd7\n\t\tLINE\n\t}\n}\n"
	inSuite1    = "dingtalk {\n\tsuite suite9 {\n\t\tsuite_secret " + secretText + "\n\t\tLINE\n\t\taes_key Yue0EfdN5900c1ce5cf6A152c63DDe1808a60c5ecd7\n\t}\n}\n"
	inSuite2    = "dingtalk {\n\tsuite suite9 {\n\t\tLINE\n\t\tsuite_ticket any\n\t}\n}\n"
)

// blockMistakes are lines that newcomers write. FOLDER holds the files named there.
var blockMistakes = map[string]struct {
	block, line string
	words       []string
}{
	// Words that switch, where there is nothing to switch, and signs of other languages
	"jwt switched on":                     {inLogin, "jwt true", []string{"login jwt", `"true" would be the audience`, "jwt my-app", "leave out the line"}},
	"jwt switched on, another word":       {inLogin, "jwt on", []string{"leave out the line"}},
	"jwt switched off":                    {inLogin, "jwt Off", []string{"leave out the line"}},
	"jwt by a digit":                      {inLogin, "jwt 1", []string{"audience"}},
	"jwt for all":                         {inLogin, "jwt *", []string{"audience"}},
	"jwt with two words":                  {inLogin, `jwt "my app"`, []string{"login jwt", "one word", "my-app"}},
	"jwt and a semicolon":                 {inLogin, "jwt my-app ;", []string{"ends without ;"}},
	"jwt without a value":                 {inLogin, "jwt", []string{"write its value behind it", "{$NAME}"}},
	"share_tokens switched on":            {inDirective, "share_tokens true", []string{"write nothing but share_tokens"}},
	"share_tokens switched off":           {inDirective, "share_tokens no", []string{"leave out the line"}},
	"share_tokens and a semicolon":        {inDirective, "share_tokens ;", []string{"ends without ;"}},
	"login switched on":                   {inDirective, "login on", []string{"write nothing but login"}},
	"login switched off":                  {inDirective, "login false", []string{"leave out the line"}},
	"login and a semicolon":               {inDirective, "login ;", []string{"ends without ;"}},
	"admin switched on":                   {inRequire, "admin true", []string{"write nothing but admin"}},
	"admin switched off":                  {inRequire, "admin no", []string{"leave out the line"}},
	"admin and a comment":                 {inRequire, "admin // the boss", []string{"comments begin with #"}},
	"require switched on":                 {inLogin, "require true", []string{"write *"}},
	"require switched off":                {inLogin, "require off", []string{"leave out the line"}},
	"require with its rule on the line":   {inLogin, "require admin", []string{"rules stand in a block"}},
	"require of a user on the line":       {inLogin, "require user u1", []string{"rules stand in a block"}},
	"public switched off":                 {inLogin, "public no", []string{"leave out the line"}},
	"public and a semicolon":              {inLogin, "public /a ;", []string{"ends without ;"}},
	"public and a comment":                {inLogin, "public /a // pictures", []string{"comments begin with #"}},
	"require and a semicolon":             {inLogin, "require /a ;", []string{"ends without ;"}},
	"a key that is switched on":           {inLogin, "key true", []string{"login key", "write the value itself"}},
	"public_host switched on":             {inDirective, "public_host on", []string{"public_host", "host name", "lone *"}},
	"public_host for all":                 {inDirective, "public_host all", []string{"public_host", "lone *"}},
	"a doctor by a digit":                 {inDirective, "doctor 1", []string{"leave out the line"}},
	"a doctor and a semicolon":            {inDirective, "doctor 0123456789abcdef ;", []string{"ends without ;"}},
	"forwarded by a word":                 {inDirective, "forwarded enabled", []string{"not the name of a header"}},
	"a token that is switched on":         {inSuite1, "token on", []string{"token", "write the value itself"}},
	"a path that is switched on":          {inTenant, "path on", []string{"path", "such as /crm/*"}},
	"a host that is switched on":          {inTenant, "host on", []string{"host", "b.example.com"}},
	"a callback that is switched on":      {inSuite, "callback true", []string{"callback", "/ding/callback"}},
	"an endpoint that is switched on":     {inDirective, "endpoint on", []string{"endpoint", "/.dingtalk"}},
	"jsapi_url that is switched on":       {inDirective, "jsapi_url on", []string{"jsapi_url", "https://g.alicdn.com/"}},
	"share_tokens with an equals sign":    {inDirective, "share_tokens = true", []string{"write nothing but share_tokens"}},
	"an unset variable of Caddy's parser": {inDirective, "endpoint {$TEST_NO_SUCH_VARIABLE}", []string{"write its value behind it", "{$NAME}"}},
	"an unset variable in a list":         {inDirective, "js_api_list {$TEST_NO_SUCH_VARIABLE}", []string{"write its value behind it"}},

	// What stands in the place of a secret
	"a file's path for a secret":         {inSuite2, "suite_secret FOLDER/secret", []string{"suite_secret", "write {file.FOLDER/secret}"}},
	"a file's path for a token":          {inSuite1, "token /run/secrets/token", []string{"token", "write {file./run/secrets/token}"}},
	"a file's path for a key of login":   {inLogin, "key FOLDER/key", []string{"login key", "write {file.FOLDER/key}"}},
	"a file's path for the doctor":       {inDirective, "doctor FOLDER/key", []string{"doctor", "write {file.FOLDER/key}"}},
	"a file's URL for a secret":          {inSuite2, "suite_secret file://FOLDER/secret", []string{"write {file.FOLDER/secret}"}},
	"a file's name for a secret":         {inSuite2, "suite_secret secret.txt", []string{"with its whole path"}},
	"a file in this folder for a secret": {inSuite2, "suite_secret ./secret", []string{"with its whole path"}},
	"a file at home for a secret":        {inSuite2, "suite_secret ~/secret", []string{"with its whole path"}},
	"a variable without braces":          {inSuite2, "suite_secret env.TEST_RIGHT", []string{"without braces"}},
	"a variable's name":                  {inSuite2, "suite_secret TEST_RIGHT", []string{"without braces"}},
	"a SuiteKey for its secret":          {inSuite2, "suite_secret suite0123456789abcdef", []string{"suite_secret", "AppKey", "below it"}},
	"YAML for a secret":                  {inSuite2, "suite_secret `suite_secret: " + secretText + "`", []string{"JSON or YAML", "alone"}},
	"JSON for a secret":                  {inSuite2, "suite_secret `{\"secret\":\"" + secretText + "\"}`", []string{"JSON or YAML", "alone"}},
	"a list for a secret":                {inSuite2, "suite_secret `[\"" + secretText + "\"]`", []string{"JSON or YAML"}},
	"a line of an env file for a secret": {inSuite2, "suite_secret DING=" + secretText, []string{"behind the ="}},
	"one with spaces":                    {inSuite2, "suite_secret `DING = " + secretText + "`", []string{"behind the ="}},
	"a shell's word and a placeholder":   {inSuite2, "suite_secret ${env.TEST_RIGHT}", []string{"{env.NAME}"}},

	// A whole URL, where its path is asked for
	"a URL for a path":                      {inTenant, "path https://b.example.com/crm/*", []string{"path", "write /crm/*"}},
	"a URL without its scheme for a path":   {inTenant, "path b.example.com/crm/*", []string{"write /crm/*"}},
	"a host and port for a path":            {inTenant, "path localhost:8080/crm", []string{"write /crm"}},
	"a URL without a path for one":          {inTenant, "path https://b.example.com/", []string{"write host"}},
	"a path without its slash":              {inTenant, "path crm/*", []string{"write /crm/*"}},
	"a path that looks like a host":         {inTenant, "path v1.2/crm/*", []string{"write /v1.2/crm/*"}},
	"a URL for a callback":                  {inSuite, "callback https://h5.example.com/ding/callback", []string{"callback", "write /ding/callback"}},
	"a URL with a query for a callback":     {inSuite, "callback https://h5.example.com/ding/callback?x=1", []string{"write /ding/callback"}},
	"the address of pushes for a callback":  {inSuite, "callback https://h5.example.com/.dingtalk/callback", []string{"answered anyway", "leave out the line"}},
	"a URL without a path for a callback":   {inSuite, "callback https://h5.example.com", []string{"such as /ding/callback"}},
	"a callback without its slash":          {inSuite, "callback ding/callback", []string{"write /ding/callback"}},
	"a callback with a slash at its end":    {inSuite, "callback /ding/callback/", []string{"write /ding/callback"}},
	"a URL for the endpoint":                {inDirective, "endpoint https://h5.example.com/app/.dingtalk", []string{"endpoint", "write /app/.dingtalk"}},
	"a URL without a scheme for it":         {inDirective, "endpoint //h5.example.com/app/.dingtalk/", []string{"write /app/.dingtalk"}},
	"a URL without a path for the endpoint": {inDirective, "endpoint https://h5.example.com/", []string{"such as /.dingtalk"}},
	"an endpoint without its slash":         {inDirective, "endpoint app/.dingtalk", []string{"write /app/.dingtalk"}},

	// What belongs elsewhere
	"a line of the directive in a tenant":  {inTenant, "endpoint /x", []string{`"endpoint" in tenant`, "belongs to dingtalk itself", "}"}},
	"a tenant in a tenant":                 {inTenant, "share_tokens", []string{"belongs to dingtalk itself"}},
	"a line of the directive in a suite":   {inSuite, "js_api_list a.b", []string{"belongs to dingtalk itself"}},
	"a line of the directive in login":     {inLogin, "doctor", []string{`"doctor" in login`, "belongs to dingtalk itself"}},
	"a line of login in the directive":     {inDirective, "jwt my-app", []string{"belongs into the block of login: login {"}},
	"a line of require in login":           {inLogin, "department 1", []string{"belongs into the block of require"}},
	"a line of a suite in the directive":   {inDirective, "aes_key x", []string{"belongs into the block of suite"}},
	"a line of a tenant in the directive":  {inDirective, "host b.test", []string{"belongs into the block of tenant"}},
	"a directive of Caddy in ours":         {inDirective, "reverse_proxy localhost:3000", []string{"directive of Caddy", "beside dingtalk"}},
	"a directive of Caddy with its block":  {inDirective, "handle /x {\n\t\trespond ok\n\t}", []string{"directive of Caddy"}},
	"a directive of Caddy in login":        {inLogin, "reverse_proxy localhost:3000", []string{"directive of Caddy"}},
	"a directive of nginx":                 {inDirective, "proxy_pass http://127.0.0.1:3000;", []string{"nginx's", "reverse_proxy"}},
	"a robot in the directive":             {inDirective, "webhook {env.ROBOT_WEBHOOK}", []string{"global options", "events {"}},
	"two values where one is asked for":    {inSuite, "app_id 1 2", []string{"got 2", "keep one"}},
	"a remark in brackets behind an app":   {inSuite, "app_id 1 (the crm)", []string{"got 3", "a comment begins with #"}},
	"a Chinese colon":                      {inSuite, "app_id ： 1", []string{"without ："}},
	"a storage that this Caddy has not":    {inDirective, "storage redis", []string{"caddy.storage.redis", "storage file_system"}},
	"a suite_key in a line of its own":     {inDirective, "suite_key suite9", []string{"first line", "suite <suite_key>"}},
	"the first line of a block in a block": {inDirective, "callback /x", []string{"block of suite"}},
}

// TestMistakesInBlocksAreToldAndTheirCuresCure follows each cure.
func TestMistakesInBlocksAreToldAndTheirCuresCure(t *testing.T) {
	unfollowed := map[string]bool{ // what the block then needs is another story
		"a suite_key in a line of its own": true,
	}
	for name, m := range blockMistakes {
		t.Run(name, func(t *testing.T) {
			folder := t.TempDir()
			for file, content := range map[string]string{"secret": secretText, "secret.txt": secretText, "key": strings.Repeat("k", 32)} {
				if err := os.WriteFile(filepath.Join(folder, file), []byte(content), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			t.Setenv("TEST_FOLDER", folder)
			t.Setenv("TEST_RIGHT", secretText)
			line := strings.ReplaceAll(m.line, "{$TEST_NO_SUCH_VARIABLE}", "") // as Caddy's parser does
			text := strings.ReplaceAll(strings.Replace(m.block, "LINE", line, 1), "FOLDER", folder)
			words := make([]string, len(m.words))
			for i, word := range m.words {
				words[i] = strings.ReplaceAll(word, "FOLDER", folder)
			}
			err := accept(t, text)
			mistaken(t, name, err, words...)
			if zh := doctor.Of(errors.New("adapting config using caddyfile: parsing caddyfile tokens for 'dingtalk': " + err.Error())).ZH; language.English(zh) != "" {
				t.Errorf("as Caddy passes it on, it is English: %s", zh)
			}
			if unfollowed[name] || strings.Contains(m.line, "/run/secrets/") {
				return
			}
			cured := follow(t, text, err.Error())
			if again := accept(t, cured); again != nil {
				t.Errorf("the message: %v\nwhoever follows it writes\n%s\nand is told: %v", err, cured, again)
			}
		})
	}
}

// misplacedValues are what files and variables hold in the place of a secret.
var misplacedValues = map[string]struct{ value, words string }{
	"JSON":                   {`{"AppKey":"dingkey","AppSecret":"` + secretText + `"}`, "JSON or YAML"},
	"JSON on several lines":  {"{\n  \"AppSecret\": \"" + secretText + "\"\n}", "JSON or YAML"},
	"a list":                 {`["` + secretText + `"]`, "JSON or YAML"},
	"YAML":                   {"app_secret: " + secretText, "JSON or YAML"},
	"YAML on several lines":  {"app:\n  secret: " + secretText, "JSON or YAML"},
	"a document of YAML":     {"---\nsecret: " + secretText, "JSON or YAML"},
	"an env file":            {"APP_SECRET=" + secretText + "\nOTHER=" + secretText, "behind the ="},
	"a shell's export":       {"export APP_SECRET=" + secretText, "behind the ="},
	"an assignment":          {"APP_SECRET = " + secretText, "behind the ="},
	"a comment and a secret": {"# secret\n" + secretText, "put nothing else into its file"},
	"two secrets":            {secretText + "\n" + secretText, "put nothing else into its file"},
	"a path":                 {"/run/secrets/app_secret", "write {file./run/secrets/app_secret}"},
	"a path of Windows":      {`C:\secrets\app.txt`, `write {file.C:\secrets\app.txt}`},
	"a switch":               {"true", "write the value itself"},
	"a string of JSON":       {`"` + secretText + `"`, "quotes"},
}

// TestWhatFilesHoldInThePlaceOfASecretIsToldWithoutIt, wherever the placeholder stands: an
// app_key may name the file that holds the secret, too.
func TestWhatFilesHoldInThePlaceOfASecretIsToldWithoutIt(t *testing.T) {
	const aesKey = "Yue0EfdN5900c1ce5cf6A152c63DDe1808a60c5ecd7"
	for name, m := range misplacedValues {
		for field, text := range map[string]string{
			"app_secret":   directive(map[string]string{"app_secret": "VALUE"}),
			"app_key":      directive(map[string]string{"app_key": "VALUE"}),
			"corp_id":      directive(map[string]string{"corp_id": "VALUE"}),
			"doctor":       directive(map[string]string{"doctor": "VALUE"}),
			"login key":    strings.Replace(inLogin, "LINE", "key VALUE", 1),
			"staff_app":    strings.NewReplacer("LINE", "staff_app ding1 VALUE", "app_key    key\n", "", "app_secret", "channel_secret").Replace(inLogin),
			"suite_secret": strings.Replace(inSuite2, "LINE", "suite_secret VALUE", 1),
			"token":        strings.Replace(inSuite1, "LINE", "token VALUE", 1),
			"aes_key":      strings.Replace(strings.Replace(inSuite1, aesKey, "VALUE", 1), "LINE", "token t", 1),
		} {
			if (field == "doctor" || field == "login key" || field == "aes_key") && strings.HasPrefix(m.words, "put nothing") {
				continue // the openssl line, or the 43 characters, is the cure there
			}
			if field == "doctor" && name == "a switch" {
				continue // which leaves out the line
			}
			t.Run(name+" for "+field, func(t *testing.T) {
				file := filepath.Join(t.TempDir(), "value")
				if err := os.WriteFile(file, []byte(m.value+"\n"), 0o600); err != nil {
					t.Fatal(err)
				}
				t.Setenv("TEST_VALUE", m.value)
				for _, placeholder := range []string{"{env.TEST_VALUE}", "{file." + file + "}"} {
					err := accept(t, strings.Replace(text, "VALUE", placeholder, 1))
					mistaken(t, placeholder, err, strings.Fields(field)[0], m.words)
				}
			})
		}
	}
}

// TestSecretsThatLookStrangeAreTaken: nothing that DingTalk or openssl makes is a mistake.
func TestSecretsThatLookStrangeAreTaken(t *testing.T) {
	for _, secret := range []string{
		"-_aB3-_aB3", "abcd=", "ding", "on-and-off", "1", "no1", "json", "SECa.b",
		"gjYT_2x-4l8w0cZ7Qyqk3nF5dV9pXbR1sT6uHaJmLo2EiKcWgNzPvDxSfAqByUe4",
	} {
		if err := accept(t, directive(map[string]string{"app_secret": secret})); err != nil {
			t.Errorf("%s: %v", secret, err)
		}
	}
	for _, key := range []string{"/runAbCdEfGhIjKlMnOpQrStUvWxYz0123456789+/w=", "/ab/cdEfGhIjKlMnOpQrStUvWxYz0123456789+/ww=="} {
		if err := accept(t, strings.Replace(inLogin, "LINE", "key "+key, 1)); err != nil {
			t.Errorf("%s: %v", key, err)
		}
	}
}
