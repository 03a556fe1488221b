package config

import (
	"encoding/json"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/caddyserver/caddy/v2"

	"github.com/caddy-dingtalk/caddy-dingtalk/signer"
)

// app is the least that an internal app needs.
func app() Config {
	return Config{AppKey: "dingkey", AppSecret: "s3cret", CorpID: "ding1", AgentID: "1"}
}

func number(n int) *int { return &n }

func TestDefaults(t *testing.T) {
	tests := map[string]struct {
		in       Config
		kind     int
		endpoint string
		wait     time.Duration
	}{
		"an app":                            {app(), 0, "/.dingtalk", 2 * time.Second},
		"a service window has type 1":       {Config{ChannelSecret: "s"}, 1, "/.dingtalk", 2 * time.Second},
		"a corp has type 0":                 {Config{CorpSecret: "s"}, 0, "/.dingtalk", 2 * time.Second},
		"what is given stays":               {Config{Type: number(1), Endpoint: "/x", TicketWait: caddy.Duration(time.Second)}, 1, "/x", time.Second},
		"a service window may have type 0":  {Config{ChannelSecret: "s", Type: number(0)}, 0, "/.dingtalk", 2 * time.Second},
		"an app may have a window's type 1": {Config{AppKey: "k", Type: number(1)}, 1, "/.dingtalk", 2 * time.Second},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			c := tt.in
			SetDefaults(&c)
			if *c.Type != tt.kind || c.Endpoint != tt.endpoint || time.Duration(c.TicketWait) != tt.wait {
				t.Errorf("type %d, endpoint %s, ticket_wait %s", *c.Type, c.Endpoint, time.Duration(c.TicketWait))
			}
		})
	}
}

func TestKindsOfCredential(t *testing.T) {
	tests := map[string]struct {
		in   Config
		want Credential
	}{
		"none":                        {Config{}, NoCredential},
		"an app":                      {app(), App},
		"an app of v1":                {Config{AppKey: "k", AppSecret: "s", API: "v1"}, App},
		"an app of the older API":     {Config{AppKey: "k", AppSecret: "s", API: "legacy"}, LegacyApp},
		"a corp":                      {Config{CorpSecret: "s"}, Corp},
		"a corp that names its API":   {Config{CorpSecret: "s", API: "legacy"}, Corp},
		"a service window":            {Config{ChannelSecret: "s"}, Channel},
		"a window that names its API": {Config{ChannelSecret: "s", API: "legacy"}, Channel},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			if got := tt.in.Credential(); got != tt.want {
				t.Errorf("%d, want %d", got, tt.want)
			}
		})
	}
}

func TestABaseThatIsNotUsedIsTold(t *testing.T) {
	const a, b = "https://a.test", "https://b.test"
	for name, tt := range map[string]struct {
		in   Config
		want string
	}{
		"none":                    {Config{AppKey: "k"}, ""},
		"that of the app":         {Config{AppKey: "k", APIBase: a}, ""},
		"both":                    {Config{AppKey: "k", APIBase: a, OAPIBase: b}, ""},
		"the other":               {Config{AppKey: "k", OAPIBase: b}, "oapi_base is not used"},
		"that of the older API":   {Config{AppKey: "k", API: "legacy", OAPIBase: b}, ""},
		"the newer one's":         {Config{AppKey: "k", API: "legacy", APIBase: a}, "api_base is not used"},
		"of a corp, the other":    {Config{CorpSecret: "s", APIBase: a}, "api_base is not used"},
		"of a window, its own":    {Config{ChannelSecret: "s", OAPIBase: b}, ""},
		"of a window, with both":  {Config{ChannelSecret: "s", APIBase: a, OAPIBase: b}, ""},
		"of a window, the other":  {Config{ChannelSecret: "s", APIBase: a}, "api_base is not used"},
		"of an app that names v1": {Config{AppKey: "k", API: "v1", OAPIBase: b}, "oapi_base is not used"},
	} {
		if got := UnusedBase(&tt.in); (got == nil) != (tt.want == "") || got != nil && !strings.HasPrefix(got.Error(), tt.want) {
			t.Errorf("%s: %v, want %q", name, got, tt.want)
		}
	}
}

func TestSignerOfAConfig(t *testing.T) {
	tests := []struct {
		policy, hash string
		want         signer.Signer
	}{
		{"", "", signer.Signer{Policy: signer.QueryDecoded, Hash: signer.SHA1}},
		{"query_decoded", "sha1", signer.Signer{Policy: signer.QueryDecoded, Hash: signer.SHA1}},
		{"raw", "sha256", signer.Signer{Policy: signer.Raw, Hash: signer.SHA256}},
		{"decoded", "", signer.Signer{Policy: signer.Decoded, Hash: signer.SHA1}},
	}
	for _, tt := range tests {
		c := Config{URLPolicy: tt.policy, Hash: tt.hash}
		if got := Signer(&c); got != tt.want {
			t.Errorf("url_policy %q, hash %q: %+v, want %+v", tt.policy, tt.hash, got, tt.want)
		}
	}
}

func TestOrigins(t *testing.T) {
	got := Origins([]string{"https://h5.example.com:443", "http://b.example.com:8080"})
	want := []signer.Origin{{Scheme: "https", Host: "h5.example.com"}, {Scheme: "http", Host: "b.example.com", Port: "8080"}}
	if !slices.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
	if got := Origins(nil); got == nil || len(got) != 0 {
		t.Errorf("none: %#v", got)
	}
}

// Every field is one of the kinds that the code walks through, so that a new
// one cannot be forgotten there.
func TestEveryTextMayHoldAPlaceholder(t *testing.T) {
	c := Config{Doctor: new(Doctor)}
	texts, secrets, lists := c.texts(), c.Secrets(), c.lists()
	v := reflect.ValueOf(&c).Elem()
	for i := range v.NumField() {
		name := jsonName(t, v.Type().Field(i))
		switch field := v.Field(i).Addr().Interface().(type) {
		case *string:
			if texts[name] != field {
				t.Errorf("%s is not among the texts", name)
			}
			delete(texts, name)
		case *Secret:
			if secrets[name] != field {
				t.Errorf("%s is not among the secrets", name)
			}
			delete(secrets, name)
		case *[]string:
			if lists[name] != field {
				t.Errorf("%s is not among the lists", name)
			}
			delete(lists, name)
		case **Doctor:
			if secrets[name] != &c.Doctor.Token {
				t.Errorf("the token of %s is not among the secrets", name)
			}
			delete(secrets, name)
		case **Login: // see TestEveryTextOfLoginMayHoldAPlaceholder
		case *[]Tenant, *[]Suite: // see TestEveryTextOfABlockMayHoldAPlaceholder
		case **int, *bool, *caddy.Duration, *json.RawMessage:
		default:
			t.Errorf("%s is of a new kind, %T", name, field)
		}
	}
	if len(texts)+len(secrets)+len(lists) > 0 {
		t.Errorf("no such fields: %v %v %v", texts, secrets, lists)
	}
}

func TestEveryFieldIsOptionalInJSON(t *testing.T) {
	if got, err := json.Marshal(Config{}); err != nil || string(got) != "{}" {
		t.Errorf("%s, %v", got, err)
	}
}

// jsonName returns the name of a field in JSON, which must be its own name.
func jsonName(t *testing.T, f reflect.StructField) string {
	t.Helper()
	name, rest, _ := strings.Cut(f.Tag.Get("json"), ",")
	if rest != "omitempty" {
		t.Errorf("%s: json tag %q", f.Name, f.Tag.Get("json"))
	}
	if plain := strings.ReplaceAll(name, "_", ""); !strings.EqualFold(plain, strings.TrimSuffix(f.Name, "Raw")) && name+"s" != strings.ToLower(f.Name) {
		t.Errorf("%s is called %s in JSON", f.Name, name)
	}
	return name
}
