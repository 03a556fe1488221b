package config

import (
	"fmt"
	"iter"
	"slices"
	"strings"

	"github.com/caddyserver/caddy/v2"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"

	"github.com/caddy-dingtalk/caddy-dingtalk/doctor"
)

// Secret is a text that no log and no error may show. JSON shows it as it was
// written, which should be a placeholder.
type Secret string

// String hides the secret; a placeholder is shown as it is.
func (s Secret) String() string {
	if s == "" || s.Placeholder() {
		return string(s)
	}
	return "[redacted]"
}

// GoString hides the secret from %#v.
func (s Secret) GoString() string { return fmt.Sprintf("%q", s.String()) }

// String hides the token: fmt prints what a pointer leads to without asking it.
func (d Doctor) String() string { return d.Token.String() }

// GoString hides the token from %#v.
func (d Doctor) GoString() string { return d.Token.GoString() }

// MarshalLogObject hides the token from a log.
func (d Doctor) MarshalLogObject(enc zapcore.ObjectEncoder) error {
	enc.AddString("token", d.Token.String())
	return nil
}

// Placeholder reports whether the text is nothing but one placeholder.
func (s Secret) Placeholder() bool {
	return strings.HasPrefix(string(s), "{") && strings.IndexByte(string(s), '}') == len(s)-1
}

// MarshalLogObject shows what tells one handler from another, and no secret.
// Caddy logs whole handlers when tracing is on; the handler that embeds a
// Config is then logged through this method.
func (c Config) MarshalLogObject(enc zapcore.ObjectEncoder) error {
	enc.AddString("app_key", c.AppKey)
	enc.AddString("app_secret", c.AppSecret.String())
	enc.AddString("corp_secret", c.CorpSecret.String())
	enc.AddString("channel_secret", c.ChannelSecret.String())
	enc.AddString("corp_id", c.CorpID)
	enc.AddString("agent_id", c.AgentID)
	enc.AddString("endpoint", c.Endpoint)
	zap.Strings("public_origin", c.PublicOrigin).AddTo(enc)
	zap.Strings("public_host", c.PublicHost).AddTo(enc)
	zap.Strings("forwarded", c.Forwarded).AddTo(enc)
	if c.Doctor != nil {
		zap.Object("doctor", c.Doctor).AddTo(enc)
	}
	if c.Many() {
		zap.Stringers("tenant", c.Tenants).AddTo(enc)
		zap.Stringers("suite", c.Suites).AddTo(enc)
	}
	return nil
}

// Resolve returns a copy whose placeholders are replaced. A placeholder that is
// unknown or empty is an error: an unset variable must not become an empty
// secret.
func Resolve(c Config, repl *caddy.Replacer) (Config, error) {
	if c.Doctor != nil {
		c.Doctor = &Doctor{Token: c.Doctor.Token}
	}
	c.Login = c.Login.clone()
	c.Tenants, c.Suites = slices.Clone(c.Tenants), slices.Clone(c.Suites)
	for name, text := range c.texts() {
		v, err := resolveText(repl, *text)
		if err != nil {
			return Config{}, doctor.Wrong("resolving %s: %v", name, err)
		}
		*text = v
	}
	for name, secret := range c.Secrets() {
		v, err := resolve(repl, string(*secret))
		if err != nil {
			return Config{}, doctor.Wrong("resolving %s: %v", name, err)
		}
		*secret = Secret(v)
	}
	for name, list := range c.lists() {
		out := make([]string, len(*list))
		for i, text := range *list {
			v, err := resolveText(repl, text)
			if err != nil {
				return Config{}, doctor.Wrong("resolving %s: %v", name, err)
			}
			out[i] = v
		}
		*list = out
	}
	return c, nil
}

func resolve(repl *caddy.Replacer, text string) (string, error) {
	if !strings.Contains(text, "{") {
		return text, nil
	}
	v, err := repl.ReplaceOrErr(text, true, true)
	if err != nil {
		return "", doctor.Wrong("%v: %s", err, doctor.Fill(err.Error()))
	}
	if v = strings.TrimSpace(v); v == "" {
		return "", doctor.Wrong("%s holds nothing but spaces: %s", text, doctor.Fill(text))
	}
	return v, nil
}

// resolveText refuses the braces that are left: checks take them for a
// placeholder that is not known yet. It shows no value: a file may hold a secret, too.
func resolveText(repl *caddy.Replacer, text string) (string, error) {
	v, err := resolve(repl, text)
	switch {
	case err != nil || !strings.Contains(v, "{"):
		return v, err
	case document.MatchString(v):
		return "", misplaced(v)
	}
	return "", doctor.Wrong("%q holds a brace that begins no placeholder: write {env.NAME} or {file./path}", text)
}

// texts, Secrets and lists name the fields that may hold placeholders.
func (c *Config) texts() map[string]*string {
	texts := merged(map[string]*string{
		"app_key": &c.AppKey, "corp_id": &c.CorpID, "agent_id": &c.AgentID,
		"url_policy": &c.URLPolicy, "hash": &c.Hash, "endpoint": &c.Endpoint, "jsapi_url": &c.JSAPIURL,
		"api": &c.API, "api_base": &c.APIBase, "oapi_base": &c.OAPIBase,
	}, c.Login.texts())
	for label, block := range c.blocks() {
		labelled(texts, label, block.texts())
	}
	return texts
}

// Secrets returns the secrets by the names of their fields; doctor is its token.
func (c *Config) Secrets() map[string]*Secret { return c.secrets() }

func (c *Config) secrets() map[string]*Secret {
	secrets := map[string]*Secret{"app_secret": &c.AppSecret, "corp_secret": &c.CorpSecret, "channel_secret": &c.ChannelSecret}
	if c.Doctor != nil {
		secrets["doctor"] = &c.Doctor.Token
	}
	merged(secrets, c.Login.secrets())
	for label, block := range c.blocks() {
		labelled(secrets, label, block.secrets())
	}
	return secrets
}

func (c *Config) lists() map[string]*[]string {
	lists := merged(map[string]*[]string{
		"js_api_list": &c.JSAPIList, "public_origin": &c.PublicOrigin, "public_host": &c.PublicHost,
		"forwarded": &c.Forwarded, "allow_origin": &c.AllowOrigin,
	}, c.Login.lists())
	for label, block := range c.blocks() {
		labelled(lists, label, block.lists())
	}
	return lists
}

// blocks yields the tenants and suites, each with a label that no other has.
func (c *Config) blocks() iter.Seq2[string, fielded] {
	return func(yield func(string, fielded) bool) {
		for i := range c.Tenants {
			if !yield(fmt.Sprintf("tenant %d", i+1), &c.Tenants[i]) {
				return
			}
		}
		for i := range c.Suites {
			if !yield(fmt.Sprintf("suite %d", i+1), &c.Suites[i]) {
				return
			}
		}
	}
}

// labelled puts the fields of a block among those of the whole directive.
func labelled[V any](into map[string]V, label string, fields map[string]V) {
	for name, field := range fields {
		into[label+" "+name] = field
	}
}
