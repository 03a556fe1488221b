// Package caddyfile is the grammar of the dingtalk directive, as a table.
package caddyfile

import (
	"encoding/json"
	"strconv"
	"strings"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"

	"github.com/caddy-dingtalk/caddy-dingtalk/config"
	"github.com/caddy-dingtalk/caddy-dingtalk/doctor"
)

// value puts the arguments of a line into its block.
type value[B any] func(block *B, d *caddyfile.Dispenser) error

// subdirectives is the grammar: one row for each field of config.Config.
var subdirectives = map[string]value[config.Config]{
	"app_key":        text(func(c *config.Config) *string { return &c.AppKey }),
	"app_secret":     secret(func(c *config.Config) *config.Secret { return &c.AppSecret }),
	"corp_secret":    secret(func(c *config.Config) *config.Secret { return &c.CorpSecret }),
	"channel_secret": secret(func(c *config.Config) *config.Secret { return &c.ChannelSecret }),
	"corp_id":        text(func(c *config.Config) *string { return &c.CorpID }),
	"agent_id":       text(func(c *config.Config) *string { return &c.AgentID }),
	"js_api_list":    list(func(c *config.Config) *[]string { return &c.JSAPIList }),
	"type":           number(func(c *config.Config) **int { return &c.Type }),
	"public_origin":  list(func(c *config.Config) *[]string { return &c.PublicOrigin }),
	"public_host":    list(func(c *config.Config) *[]string { return &c.PublicHost }),
	"forwarded":      list(func(c *config.Config) *[]string { return &c.Forwarded }),
	"url_policy":     text(func(c *config.Config) *string { return &c.URLPolicy }),
	"hash":           text(func(c *config.Config) *string { return &c.Hash }),
	"endpoint":       text(func(c *config.Config) *string { return &c.Endpoint }),
	"allow_origin":   list(func(c *config.Config) *[]string { return &c.AllowOrigin }),
	"jsapi_url":      text(func(c *config.Config) *string { return &c.JSAPIURL }),
	"api":            text(func(c *config.Config) *string { return &c.API }),
	"api_base":       text(func(c *config.Config) *string { return &c.APIBase }),
	"oapi_base":      text(func(c *config.Config) *string { return &c.OAPIBase }),
	"ticket_wait":    duration(func(c *config.Config) *caddy.Duration { return &c.TicketWait }),
	"doctor":         doctorPage,
	"share_tokens":   present(func(c *config.Config) *bool { return &c.ShareTokens }),
	"login":          login(nil), // see Parse: its matchers are those of the site
	"tenant":         tenant,
	"suite":          suite,
	"storage":        storage,
}

// repeated are the subdirectives of which each line is one more.
var repeated = map[string]bool{"tenant": true, "suite": true}

// Parse reads one dingtalk directive with its block. Every error names file and
// line. match reads the matchers of sign-in; nil knows no named ones.
func Parse(d *caddyfile.Dispenser, match Matcher) (config.Config, error) {
	var c config.Config
	if match == nil {
		match = plainMatcher(d)
	}
	d.Next() // the directive's name
	if d.NextArg() {
		return c, d.WrapErr(doctor.Wrong("dingtalk takes no arguments besides a matcher, but got %q: write the settings into a block { … }", d.Val()))
	}
	start := *d // errors about the whole block point at its first line
	seen := make(map[string]bool)
	for d.NextBlock(0) {
		name := d.Val()
		set, known := subdirectives[name]
		switch {
		case !known:
			return c, d.WrapErr(doctor.Wrong("unrecognized subdirective %q%s", name, config.Suggestion(name)))
		case seen[name] && !repeated[name]:
			return c, d.WrapErr(doctor.Wrong("%s is given twice: keep one line; a list takes all its values there", name))
		}
		seen[name] = true
		if name == "login" {
			set = login(match)
		}
		if err := set(&c, d); err != nil {
			return c, err
		}
		if err := config.Check(&c, name); err != nil {
			return c, d.WrapErr(err)
		}
	}
	if err := config.Complete(&c); err != nil {
		return c, start.WrapErr(err)
	}
	return c, nil
}

// argument returns the only argument of a subdirective. Its errors show no value, which
// may be a secret.
func argument(d *caddyfile.Dispenser) (string, error) {
	name := d.Val()
	args := d.RemainingArgs()
	switch {
	case len(args) == 1 && args[0] != "":
		return args[0], nil
	case len(args) > 1 && mark(args[0]) != (doctor.Text{}):
		return "", d.WrapErr(doctor.Wrong("%s takes exactly one argument: %v", name, mark(args[0])))
	case len(args) > 1 && mark(args[1]) != (doctor.Text{}):
		return "", d.WrapErr(doctor.Wrong("%s takes exactly one argument: %v", name, mark(args[1])))
	case len(args) > 1:
		return "", d.WrapErr(doctor.Wrong("%s takes exactly one argument, but got %d: keep one; a comment begins with #", name, len(args)))
	}
	return "", d.WrapErr(doctor.Wrong("%s takes exactly one argument: %v", name, missing()))
}

// missing says what to do about a line without its value.
func missing() doctor.Text {
	return doctor.Hint("write its value behind it; a {$NAME} whose variable is not set is no value")
}

// mark says what to do about a sign of another language, or of another tool's
// configuration, that stands alone where a value is looked for. It is empty for others.
func mark(arg string) doctor.Text {
	switch {
	case arg == "=" || arg == ":" || arg == "：":
		return doctor.Hint("write it without %s", arg)
	case arg != "" && strings.Trim(arg, ";；") == "":
		return doctor.Hint("a Caddyfile line ends without ;")
	case strings.HasPrefix(arg, "//") || strings.HasPrefix(arg, "--") || strings.HasPrefix(arg, "/*"):
		return doctor.Hint("comments begin with #")
	}
	return doctor.Text{}
}

// alone refuses what stands behind a name that says all by being there, or in a block.
func alone(d *caddyfile.Dispenser, name string, block bool) error {
	if !d.NextArg() {
		return nil
	}
	if d.Val() == "=" || d.Val() == ":" {
		d.NextArg() // what it was to become
	}
	cure := mark(d.Val())
	switch {
	case cure != (doctor.Text{}):
	case config.IsOff(d.Val()):
		cure = doctor.Hint("leave out the line")
	case block && !config.IsOn(d.Val()):
		cure = doctor.Hint("write its lines into a block { … }")
	default:
		cure = doctor.Hint("write nothing but %s", name)
	}
	return d.WrapErr(doctor.Wrong("%s takes no argument, but got %q: %v", name, d.Val(), cure))
}

func text[B any](field func(*B) *string) value[B] {
	return func(block *B, d *caddyfile.Dispenser) (err error) {
		*field(block), err = argument(d)
		return err
	}
}

func secret[B any](field func(*B) *config.Secret) value[B] {
	return func(block *B, d *caddyfile.Dispenser) error {
		v, err := argument(d)
		*field(block) = config.Secret(v)
		return err
	}
}

// present is a line that says all by being there.
func present[B any](field func(*B) *bool) value[B] {
	return func(block *B, d *caddyfile.Dispenser) error {
		*field(block) = true
		return alone(d, d.Val(), false)
	}
}

func list[B any](field func(*B) *[]string) value[B] {
	return func(block *B, d *caddyfile.Dispenser) error {
		name := d.Val()
		*field(block) = d.RemainingArgs()
		if len(*field(block)) == 0 {
			return d.WrapErr(doctor.Wrong("%s takes one or more arguments: %v", name, missing()))
		}
		return nil
	}
}

func number[B any](field func(*B) **int) value[B] {
	return func(block *B, d *caddyfile.Dispenser) error {
		name := d.Val()
		v, err := argument(d)
		if err != nil {
			return err
		}
		n, err := strconv.Atoi(v)
		if err != nil {
			return d.WrapErr(doctor.Wrong("%s: %q is not a number: write 0 or 1", name, v))
		}
		*field(block) = &n
		return nil
	}
}

func duration[B any](field func(*B) *caddy.Duration) value[B] {
	return func(block *B, d *caddyfile.Dispenser) error {
		name, ahead := d.Val(), *d
		if args := ahead.RemainingArgs(); len(args) == 2 {
			if _, err := caddy.ParseDuration(args[0] + args[1]); err == nil {
				return d.WrapErr(doctor.Wrong("%s takes exactly one argument: write %s", name, args[0]+args[1]))
			}
		}
		v, err := argument(d)
		if err != nil {
			return err
		}
		t, err := caddy.ParseDuration(v)
		if err != nil || t <= 0 {
			return d.WrapErr(doctor.Wrong("%s: %q is not a time, write for example 2s or 500ms", name, v))
		}
		*field(block) = caddy.Duration(t)
		return nil
	}
}

// doctor takes a token, or nothing.
func doctorPage(c *config.Config, d *caddyfile.Dispenser) error {
	c.Doctor = new(config.Doctor)
	switch args := d.RemainingArgs(); {
	case len(args) == 0:
		return nil
	case len(args) == 1 && args[0] != "":
		c.Doctor.Token = config.Secret(args[0])
		return nil
	case len(args) == 2 && mark(args[1]) != (doctor.Text{}):
		return d.WrapErr(doctor.Wrong("%s takes at most one argument: %v", "doctor", mark(args[1])))
	}
	return d.WrapErr(doctor.Wrong("doctor takes at most one argument, its token: write {env.NAME} or {file./path}"))
}

func storage(c *config.Config, d *caddyfile.Dispenser) error {
	if !d.NextArg() {
		return d.WrapErr(doctor.Wrong("storage takes the name of a storage module, for example: storage file_system /var/lib/caddy-shared"))
	}
	name := d.Val()
	if _, err := caddy.GetModule("caddy.storage." + name); err != nil {
		return d.WrapErr(doctor.Wrong("there is no storage module caddy.storage.%s in this Caddy: write storage file_system with a folder, or build Caddy with that module: %s", name, doctor.BuildWith(name)))
	}
	guest, err := caddyfile.UnmarshalModule(d, "caddy.storage."+name)
	if err != nil {
		return err
	}
	converter, ok := guest.(caddy.StorageConverter)
	if !ok {
		return d.WrapErr(doctor.Wrong("module %s is not a storage", name))
	}
	var raw json.RawMessage = caddyconfig.JSONModuleObject(converter, "module", name, nil)
	c.StorageRaw = raw
	return nil
}
