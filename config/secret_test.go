package config

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
)

func TestResolve(t *testing.T) {
	file := filepath.Join(t.TempDir(), "secret")
	blank := filepath.Join(t.TempDir(), "blank")
	for name, text := range map[string]string{file: "from a file\n", blank: " \n"} {
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	t.Setenv("TEST_KEY", "dingkey")
	t.Setenv("TEST_SPACED", " dingkey ")
	t.Setenv("TEST_BRACES", "{x}")
	t.Setenv("TEST_OPEN", "{x")
	t.Setenv("TEST_EMPTY", "")

	tests := map[string]struct {
		in    Config
		want  Config
		words []string // of the error
	}{
		"nothing":                             {in: Config{}, want: Config{}},
		"texts without placeholders":          {in: app(), want: app()},
		"an environment variable":             {in: Config{AppKey: "{env.TEST_KEY}"}, want: Config{AppKey: "dingkey"}},
		"a secret from the environment":       {in: Config{AppSecret: "{env.TEST_KEY}"}, want: Config{AppSecret: "dingkey"}},
		"a secret from a file, trimmed":       {in: Config{CorpSecret: Secret("{file." + file + "}")}, want: Config{CorpSecret: "from a file"}},
		"a value within a text":               {in: Config{Endpoint: "/x/{env.TEST_KEY}"}, want: Config{Endpoint: "/x/dingkey"}},
		"spaces around a value":               {in: Config{AppKey: "{env.TEST_SPACED}"}, want: Config{AppKey: "dingkey"}},
		"spaces of a plain text stay":         {in: Config{AppKey: " x "}, want: Config{AppKey: " x "}},
		"a list":                              {in: Config{JSAPIList: []string{"a", "{env.TEST_KEY}"}}, want: Config{JSAPIList: []string{"a", "dingkey"}}},
		"braces in a secret's value":          {in: Config{AppSecret: "{env.TEST_BRACES}"}, want: Config{AppSecret: "{x}"}},
		"an open brace in a plain secret":     {in: Config{AppSecret: "a{b"}, want: Config{AppSecret: "a{b"}},
		"an unset variable in a text":         {in: Config{AgentID: "{env.TEST_UNSET}"}, words: []string{"agent_id", "{env.TEST_UNSET}", "set the variable"}},
		"an unset variable in a secret":       {in: Config{AppSecret: "{env.TEST_UNSET}"}, words: []string{"app_secret", "{env.TEST_UNSET}", "set the variable"}},
		"an unset variable in a list":         {in: Config{PublicOrigin: []string{"https://a.test", "{env.TEST_UNSET}"}}, words: []string{"public_origin", "{env.TEST_UNSET}", "set the variable"}},
		"an empty variable":                   {in: Config{ChannelSecret: "{env.TEST_EMPTY}"}, words: []string{"channel_secret", "{env.TEST_EMPTY}", "set the variable"}},
		"an empty variable within a text":     {in: Config{Endpoint: "/x{env.TEST_EMPTY}"}, words: []string{"endpoint", "{env.TEST_EMPTY}", "set the variable"}},
		"a file that is not there":            {in: Config{CorpSecret: Secret("{file." + file + ".not}")}, words: []string{"corp_secret", file + ".not", "fill the file"}},
		"a file of spaces":                    {in: Config{CorpSecret: Secret("{file." + blank + "}")}, words: []string{"corp_secret", blank, "fill the file"}},
		"a placeholder of requests":           {in: Config{PublicOrigin: []string{"https://{http.request.host}"}}, words: []string{"public_origin", "{http.request.host}", "{env.NAME} or {file./path}"}},
		"a placeholder that is none":          {in: Config{APIBase: "https://{nonsense}"}, words: []string{"api_base", "{nonsense}", "{env.NAME} or {file./path}"}},
		"a secret's placeholder that is none": {in: Config{AppSecret: "{nonsense}"}, words: []string{"app_secret", "{nonsense}", "{env.NAME} or {file./path}"}},
		"a brace that is not closed":          {in: Config{APIBase: "{env.TEST_KEY"}, words: []string{"api_base", "{env.TEST_KEY", "{env.NAME} or {file./path}"}},
		"a variable with a brace":             {in: Config{PublicOrigin: []string{"{env.TEST_OPEN}"}}, words: []string{"public_origin", "{env.TEST_OPEN}", "brace"}},
		"a variable that is a placeholder":    {in: Config{URLPolicy: "{env.TEST_BRACES}"}, words: []string{"url_policy", "{env.TEST_BRACES}", "brace"}},
		"a doctor without a token":            {in: Config{Doctor: new(Doctor)}, want: Config{Doctor: new(Doctor)}},
		"a doctor's token":                    {in: Config{Doctor: &Doctor{Token: "{env.TEST_KEY}"}}, want: Config{Doctor: &Doctor{Token: "dingkey"}}},
		"an unset variable for a token":       {in: Config{Doctor: &Doctor{Token: "{env.TEST_UNSET}"}}, words: []string{"doctor", "{env.TEST_UNSET}", "set the variable"}},
		"a brace in a list that stays there":  {in: Config{Forwarded: []string{"X-{"}}, words: []string{"forwarded", "X-{", "brace"}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			before, _ := json.Marshal(tt.in)
			got, err := Resolve(tt.in, caddy.NewReplacer())
			if after, _ := json.Marshal(tt.in); string(after) != string(before) {
				t.Errorf("the original changed: %s to %s", before, after)
			}
			if tt.words != nil {
				complains(t, err, tt.words...)
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			a, _ := json.Marshal(got)
			if b, _ := json.Marshal(tt.want); string(a) != string(b) {
				t.Errorf("%s, want %s", a, b)
			}
		})
	}
}

// complains asserts that an error holds all of the words.
func complains(t *testing.T, err error, words ...string) {
	t.Helper()
	if err == nil {
		t.Fatalf("no error, want one with %q", words)
	}
	for _, word := range words {
		if !strings.Contains(err.Error(), word) {
			t.Errorf("the error does not say %q: %v", word, err)
		}
	}
}

func TestPlaceholders(t *testing.T) {
	tests := map[Secret]bool{
		"{env.X}": true, "{file./run/secret}": true,
		"": false, "plain": false, "x{env.X}": false, "{env.X}y": false, "{env.X}{env.Y}": false, "{env.X": false, "env.X}": false, "{": false,
	}
	for s, want := range tests {
		if got := s.Placeholder(); got != want {
			t.Errorf("%q: %v, want %v", string(s), got, want)
		}
	}
}

// handler embeds a Config as the Caddy module does.
type handler struct{ Config }

func TestNoPrintShowsASecret(t *testing.T) {
	const plain = "PLAIN-s3cret"
	c := app()
	c.AppSecret, c.CorpSecret, c.ChannelSecret = plain, plain+"{env.X}", "{env.PLACEHOLDER}"
	c.Doctor = &Doctor{Token: plain}
	h := &handler{Config: c}
	values := map[string]any{
		"a secret": c.AppSecret, "a pointer to one": &c.AppSecret, "an error": fmt.Errorf("with %s", c.AppSecret),
		"a config": c, "a pointer to a config": &c, "a handler": *h, "a pointer to a handler": h,
		"a doctor": *c.Doctor, "a pointer to a doctor": c.Doctor,
	}
	for name, v := range values {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X"} {
			got := fmt.Sprintf(verb, v)
			if strings.Contains(got, plain) || strings.Contains(strings.ToLower(got), fmt.Sprintf("%x", plain)) {
				t.Errorf("%s with %s: %s", name, verb, got)
			}
		}
		if got := logged(t, zap.Any("value", v)); strings.Contains(got, plain) {
			t.Errorf("%s in a log: %s", name, got)
		}
	}
	for name, v := range map[string]any{"a list": []Secret{plain}, "a map": map[string]Secret{"x": plain}} {
		if got := fmt.Sprintf("%v %+v %#v %s", v, v, v, v); strings.Contains(got, plain) {
			t.Errorf("%s: %s", name, got)
		}
	}
	if got := fmt.Sprintf("%v %s %#v", c.AppSecret, c.AppSecret, c.AppSecret); got != `[redacted] [redacted] "[redacted]"` {
		t.Errorf("a secret is shown as %s", got)
	}
	if got := fmt.Sprintf("%v|%s|%#v", c.ChannelSecret, c.ChannelSecret, Secret("")); got != `{env.PLACEHOLDER}|{env.PLACEHOLDER}|""` {
		t.Errorf("placeholders and nothing are shown as %s", got)
	}
}

// logged returns what a JSON log says of a field.
func logged(t *testing.T, field zap.Field) string {
	t.Helper()
	buffer, err := zapcore.NewJSONEncoder(zapcore.EncoderConfig{}).EncodeEntry(zapcore.Entry{}, []zap.Field{field})
	if err != nil {
		t.Fatal(err)
	}
	return buffer.String()
}

// Caddy logs a whole handler while it traces: the embedded Config speaks for it.
func TestALogTellsHandlersApart(t *testing.T) {
	h := &handler{Config: app()}
	h.CorpSecret, h.Endpoint, h.PublicOrigin, h.Forwarded = "{env.X}", "/x", []string{"https://a.test"}, []string{"Forwarded"}
	h.PublicHost = []string{"a.test"}
	h.Doctor = &Doctor{Token: "plain"}
	var got struct{ Handler map[string]any }
	if err := json.Unmarshal([]byte(logged(t, zap.Any("handler", h))), &got); err != nil {
		t.Fatal(err)
	}
	want := map[string]any{
		"app_key": "dingkey", "app_secret": "[redacted]", "corp_secret": "{env.X}", "channel_secret": "", "corp_id": "ding1", "agent_id": "1",
		"endpoint": "/x", "public_origin": []any{"https://a.test"}, "public_host": []any{"a.test"}, "forwarded": []any{"Forwarded"}, "doctor": map[string]any{"token": "[redacted]"},
	}
	if !reflect.DeepEqual(got.Handler, want) {
		t.Errorf("logged %v, want %v", got.Handler, want)
	}
}

// The running configuration is JSON: it must be what was written, or a reload
// of it would lose the secret.
func TestJSONShowsWhatWasWritten(t *testing.T) {
	c := Config{AppKey: "{env.KEY}", AppSecret: "{env.SECRET}", CorpSecret: "plain", Doctor: &Doctor{Token: "{env.TOKEN}"}}
	const want = `{"app_key":"{env.KEY}","app_secret":"{env.SECRET}","corp_secret":"plain","doctor":{"token":"{env.TOKEN}"}}`
	got, err := json.Marshal(c)
	if err != nil || string(got) != want {
		t.Errorf("%s, %v", got, err)
	}
	var again Config
	if err := json.Unmarshal(got, &again); err != nil || !reflect.DeepEqual(again, c) {
		t.Errorf("read again: %+v, %v", again, err)
	}
}
