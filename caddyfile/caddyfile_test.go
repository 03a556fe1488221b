package caddyfile

import (
	"bytes"
	"encoding/json"
	"flag"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	_ "github.com/caddyserver/caddy/v2/modules/filestorage"

	"github.com/caddy-dingtalk/caddy-dingtalk/config"
)

var update = flag.Bool("update", false, "write the golden files anew")

func parse(t *testing.T, text string) (config.Config, error) {
	t.Helper()
	tokens, err := caddyfile.Tokenize([]byte(text), "Caddyfile")
	if err != nil {
		t.Fatal(err)
	}
	return Parse(caddyfile.NewDispenser(tokens), nil)
}

// environment is what the placeholders of the golden files stand for.
var environment = map[string]string{
	"DINGTALK_APP_KEY": "dingkey", "DINGTALK_APP_SECRET": "secret", "DINGTALK_CORP_SECRET": "secret", "DINGTALK_CHANNEL_SECRET": "secret",
	"DINGTALK_CORP_ID": "ding1", "DINGTALK_AGENT_ID": "1", "DINGTALK_API": "biz.contact.choose", "DINGTALK_ORIGIN": "https://h5.example.com",
	"DINGTALK_HOST": "a.example.com", "DINGTALK_POLICY": "raw", "DINGTALK_HASH": "sha256", "DINGTALK_DOCTOR_TOKEN": "let-me-in-at-once",
	"DINGTALK_LOGIN_KEY": "0123456789abcdef0123456789abcdef", "DINGTALK_STAFF_SECRET": "secret",
	"DINGTALK_SUITE_SECRET": "secret", "DINGTALK_SUITE_TOKEN": "mryue", "DINGTALK_SUITE_AES_KEY": "Yue0EfdN5900c1ce5cf6A152c63DDe1808a60c5ecd7",
}

// Each directive gives the JSON beside it, and is valid once it is resolved.
func TestGoldens(t *testing.T) {
	const folder = "../testdata/caddyfile/"
	files, err := filepath.Glob(folder + "*.Caddyfile")
	if err != nil || len(files) < 5 {
		t.Fatalf("%d golden files, %v", len(files), err)
	}
	for name, value := range environment {
		t.Setenv(name, value)
	}
	missing := fields[config.Config]()
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			c, err := parse(t, string(text))
			if err != nil {
				t.Fatal(err)
			}
			got, err := json.MarshalIndent(c, "", "\t")
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, '\n')
			golden := strings.TrimSuffix(file, ".Caddyfile") + ".json"
			if *update {
				if err := os.WriteFile(golden, got, 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(got, want) {
				t.Errorf("got %s\nwant %s", got, want)
			}
			var given map[string]any
			if err := json.Unmarshal(want, &given); err != nil {
				t.Fatal(err)
			}
			maps.DeleteFunc(missing, func(name string, _ bool) bool { return given[name] != nil })

			if strings.HasPrefix(string(c.AppSecret), "{file.") {
				c.AppSecret = "secret" // there is no such file here
			}
			resolved, err := config.Resolve(c, caddy.NewReplacer())
			if err == nil {
				err = config.Validate(&resolved)
			}
			if err != nil {
				t.Errorf("not valid: %v", err)
			}
		})
	}
	if len(missing) > 0 {
		t.Errorf("no golden file sets %v", slices.Sorted(maps.Keys(missing)))
	}
}

// fields returns the names of the fields of a block in JSON.
func fields[B any]() map[string]bool {
	names := make(map[string]bool)
	for f := range reflect.TypeFor[B]().Fields() {
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		names[name] = true
	}
	return names
}

func TestTheGrammarIsTheSchema(t *testing.T) {
	isGrammarOf[config.Config](t, subdirectives)
	isGrammarOf(t, tenantGrammar, "corp_id", "agent_id")
	isGrammarOf(t, suiteGrammar, "suite_key")
}

// isGrammarOf asserts that a block has a line for each field but those in its first line.
func isGrammarOf[B any](t *testing.T, subdirectives map[string]value[B], first ...string) {
	t.Helper()
	names := fields[B]()
	for _, name := range first {
		delete(names, name)
	}
	for name := range names {
		if subdirectives[name] == nil {
			t.Errorf("the field %s has no subdirective", name)
		}
	}
	for name := range subdirectives {
		if !names[name] {
			t.Errorf("the subdirective %s has no field", name)
		}
	}
}

// Each subdirective sets the field of its name and no other.
func TestSubdirectivesSetTheirOwnField(t *testing.T) {
	values := map[string]string{
		"type": "1", "public_origin": "https://a.test", "allow_origin": "https://a.test", "url_policy": "raw", "hash": "sha1", "endpoint": "/x",
		"jsapi_url": "//a.test/x", "api": "v1", "api_base": "https://a.test", "oapi_base": "https://a.test", "ticket_wait": "1s",
		"storage": "file_system /x", "forwarded": "X-A", "login": "{\n}", "share_tokens": "\n",
		"tenant": "ding1 1 {\ncorp_secret x\n}", "suite": "s {\nsuite_secret x\nsuite_ticket x\n}",
	}
	for name, set := range subdirectives {
		value := values[name]
		if value == "" {
			value = "x"
		}
		d := caddyfile.NewTestDispenser(name + " " + value)
		d.Next()
		var c config.Config
		if err := set(&c, d); err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		text, _ := json.Marshal(c)
		var given map[string]any
		if err := json.Unmarshal(text, &given); err != nil || len(given) != 1 || given[name] == nil {
			t.Errorf("%s sets %s", name, text)
		}
	}
}

// A path in a placeholder may hold what no identifier of DingTalk's does: the value
// behind it is looked at when it is known.
func TestPathsOfPlaceholdersAreTakenAsTheyAre(t *testing.T) {
	for _, path := range []string{"./密钥/app_key", "/etc/my keys/app_key", `C:\Program Files\caddy\app_key`} {
		c, err := parse(t, "dingtalk {\n\tapp_key `{file."+path+"}`\n\tapp_secret `{file."+path+"}`\n\tcorp_id `{file."+path+"}`\n\tagent_id `{file."+path+"}`\n}")
		if err != nil {
			t.Errorf("%s: %v", path, err)
		}
		if c.AppKey != "{file."+path+"}" {
			t.Errorf("the key comes from %s", c.AppKey)
		}
	}
}

// What comes out of such a file is looked at like what stands in the Caddyfile.
func TestValuesOfSuchPathsAreCheckedOnceTheyAreKnown(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "密 钥")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	for value, ok := range map[string]bool{"dingkey\n": true, "ding key": false, "键": false} {
		path := filepath.Join(dir, "app_key")
		if err := os.WriteFile(path, []byte(value), 0o600); err != nil {
			t.Fatal(err)
		}
		c, err := parse(t, "dingtalk {\n\tapp_key `{file."+path+"}`\n\tapp_secret x\n\tcorp_id ding1\n\tagent_id 1\n}")
		if err != nil {
			t.Fatal(err)
		}
		resolved, err := config.Resolve(c, caddy.NewReplacer())
		if err == nil {
			err = config.Validate(&resolved)
		}
		if (err == nil) != ok || !ok && !strings.Contains(err.Error(), "app_key") {
			t.Errorf("%q: %v", value, err)
		}
	}
}
