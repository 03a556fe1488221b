package dingtalk

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig"
	_ "github.com/caddyserver/caddy/v2/modules/standard"
)

var update = flag.Bool("update", false, "write the golden files of testdata/adapt anew")

// TestCaddyfilesAdapt compares testdata/adapt/*.Caddyfile, through Caddy's whole
// adapter, with the JSON beside them, and makes sure that Caddy takes that JSON.
func TestCaddyfilesAdapt(t *testing.T) {
	files, err := filepath.Glob("testdata/adapt/*.Caddyfile")
	if err != nil || len(files) == 0 {
		t.Fatal("no Caddyfiles", err)
	}
	const secret = "a-secret-that-must-not-be-written"
	for _, name := range []string{"DINGTALK_APP_SECRET", "DINGTALK_CORP_SECRET", "DINGTALK_CHANNEL_SECRET", "DINGTALK_SUITE_SECRET", "DINGTALK_SUITE_TOKEN"} {
		t.Setenv(name, secret)
	}
	t.Setenv("DINGTALK_SUITE_AES_KEY", "Yue0EfdN5900c1ce5cf6A152c63DDe1808a60c5ecd7")
	t.Setenv("DINGTALK_APP_KEY", "dingabcdef")
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".Caddyfile"), func(t *testing.T) {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			adapted, warnings, err := caddyconfig.GetAdapter("caddyfile").Adapt(text, map[string]any{"filename": filepath.Base(file)})
			if err != nil || len(warnings) > 0 {
				t.Fatalf("%v, warnings %v", err, warnings)
			}
			var got bytes.Buffer
			if err := json.Indent(&got, adapted, "", "\t"); err != nil {
				t.Fatal(err)
			}
			got.WriteByte('\n')
			golden := strings.TrimSuffix(file, ".Caddyfile") + ".json"
			if *update {
				if err := os.WriteFile(golden, got.Bytes(), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(got.Bytes(), want) {
				t.Errorf("adapted to\n%s\nwant\n%s", got.Bytes(), want)
			}
			if strings.Contains(got.String(), secret) {
				t.Error("the JSON has the secret")
			}
			if err := validate(want); err != nil {
				t.Errorf("Caddy does not take the JSON: %v", err)
			}
		})
	}
}

// validate provisions a configuration and cleans it up, as `caddy validate` does.
func validate(text []byte) error {
	var cfg caddy.Config
	if err := json.Unmarshal(text, &cfg); err != nil {
		return err
	}
	return caddy.Validate(&cfg)
}

func TestConfigurationsThatAreRefused(t *testing.T) {
	t.Setenv("H5_EMPTY", "")
	t.Setenv("H5_ORIGIN", "h5.test")
	t.Setenv("H5_SECRET", "the-secret")
	const frame = `{"logging":{"logs":{"default":{"level":"ERROR"}}},"apps":{"http":{"servers":{"s":{"listen":["127.0.0.1:0"],"routes":[{"handle":[{"handler":"dingtalk",%s}]}]}}}}}`
	const good = `"app_key":"k","app_secret":"{env.H5_SECRET}","corp_id":"c","agent_id":"1"`
	tests := map[string]struct {
		fields string
		want   []string // what the error names; none if it is taken
	}{
		"all that is needed":              {good, nil},
		"an unknown field":                {good + `,"app_sekret":"x"`, []string{"app_sekret"}},
		"a field of the wrong type":       {good + `,"js_api_list":"a"`, []string{"js_api_list"}},
		"no credential":                   {`"corp_id":"c","agent_id":"1"`, []string{"no credential", "add app_key"}},
		"two kinds of credential":         {good + `,"corp_secret":"{env.H5_SECRET}"`, []string{"more than one kind of credential"}},
		"a variable that is not set":      {`"app_key":"k","app_secret":"{env.H5_NOT_SET}","corp_id":"c","agent_id":"1"`, []string{"app_secret", "{env.H5_NOT_SET}"}},
		"a variable that is empty":        {`"app_key":"k","app_secret":"{env.H5_EMPTY}","corp_id":"c","agent_id":"1"`, []string{"app_secret", "{env.H5_EMPTY}"}},
		"a file that is not there":        {`"app_key":"k","app_secret":"{file./does/not/exist}","corp_id":"c","agent_id":"1"`, []string{"app_secret", "/does/not/exist"}},
		"a placeholder of a request":      {good + `,"endpoint":"/{http.request.host}"`, []string{"endpoint", "http.request.host"}},
		"an origin with a path":           {good + `,"public_origin":["https://h5.test/app"]`, []string{"public_origin", "without a path"}},
		"a placeholder that is no origin": {good + `,"public_origin":["{env.H5_ORIGIN}"]`, []string{"public_origin", "must be written https://host"}},
		"a base that is no URL":           {good + `,"api_base":"api.example.com"`, []string{"api_base", "https://host"}},
		"an unknown storage":              {good + `,"storage":{"module":"nothing"}`, []string{"storage", "nothing"}},
		"a type that is none":             {good + `,"type":2`, []string{"type", "0"}},
		"a wait that is too long":         {good + `,"ticket_wait":"2h"`, []string{"ticket_wait"}},
		"a policy that is none":           {good + `,"url_policy":"decode"`, []string{"url_policy", "query_decoded"}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			err := validate([]byte(strings.Replace(frame, "%s", test.fields, 1)))
			if (err != nil) != (test.want != nil) {
				t.Fatalf("error %v", err)
			}
			for _, word := range test.want {
				if !strings.Contains(err.Error(), word) {
					t.Errorf("the error lacks %q: %v", word, err)
				}
			}
			if err != nil && strings.Contains(err.Error(), "the-secret") {
				t.Errorf("the error has the secret: %v", err)
			}
		})
	}
}

func TestAMistakeInACaddyfileIsShownWithItsPlace(t *testing.T) {
	text := "http://:0 {\n\tdingtalk {\n\t\tapp_kye x\n\t}\n}\n"
	_, _, err := caddyconfig.GetAdapter("caddyfile").Adapt([]byte(text), map[string]any{"filename": "Caddyfile"})
	if err == nil || !strings.Contains(err.Error(), "Caddyfile:3") || !strings.Contains(err.Error(), "did you mean app_key?") {
		t.Errorf("%v", err)
	}
}

// TestAMatcherWithANginxSemicolonIsRefused: no request would meet it, and the app stand there
// without signatures, and without sign-in.
func TestAMatcherWithANginxSemicolonIsRefused(t *testing.T) {
	text := "http://:0 {\n\tdingtalk /app/*; {\n\t\tapp_key x\n\t}\n}\n"
	_, _, err := caddyconfig.GetAdapter("caddyfile").Adapt([]byte(text), map[string]any{"filename": "Caddyfile"})
	if err == nil || !strings.Contains(err.Error(), "Caddyfile:2") || !strings.Contains(err.Error(), "ends without ;") {
		t.Errorf("%v", err)
	}
}
