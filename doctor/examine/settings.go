package examine

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"

	"github.com/caddyserver/caddy/v2"

	"github.com/caddy-dingtalk/caddy-dingtalk/config"
)

// settings checks what the handler is told. The configuration with its
// placeholders resolved is nil where it cannot be used.
func settings(p place) (*config.Config, []Check) {
	if p.err != nil {
		return nil, []Check{bad("config", "the handler cannot be read: "+p.err.Error(), "Correct the field that the message names, then run the doctor again.")}
	}
	secrets := secretsCheck(&p.config)
	if missing := missing(p.raw); len(missing) > 0 {
		return nil, []Check{bad("config", strings.Join(missing, "; "), missingAdvice), secrets}
	}
	resolved, err := resolve(&p.config)
	if err == nil {
		err = config.Validate(resolved)
	}
	if err != nil {
		return nil, []Check{bad("config", err.Error(), "Correct this field of the dingtalk directive, then run the doctor again."), secrets}
	}
	config.SetDefaults(resolved)
	if unused := config.UnusedBase(resolved); unused != "" {
		return resolved, []Check{warn("config", unused, "Correct this line of the dingtalk directive."), secrets}
	}
	return resolved, []Check{good("config", "complete, every placeholder has a value"), secrets}
}

// resolve is config.Resolve with errors that quote no secret.
func resolve(c *config.Config) (*config.Config, error) {
	for name, s := range c.Secrets() {
		if _, err := caddy.NewReplacer().ReplaceOrErr(string(*s), true, true); err != nil && !s.Placeholder() {
			return nil, fmt.Errorf("%s holds a brace that begins no placeholder: write nothing but {env.NAME} or {file./path}", name)
		}
	}
	resolved, err := config.Resolve(*c, caddy.NewReplacer())
	return &resolved, err
}

// maxTold is how many secrets are told where all is well.
const maxTold = 4

// secretsCheck warns of secrets that everybody sees who may read the
// configuration.
func secretsCheck(c *config.Config) Check {
	const name = "secrets"
	var plain, placeholders []string
	given := c.Secrets()
	for _, field := range slices.Sorted(maps.Keys(given)) {
		switch secret := *given[field]; {
		case secret == "":
		case secret.Placeholder():
			placeholders = append(placeholders, fmt.Sprintf("%s comes from %s", field, secret))
		default:
			plain = append(plain, field)
		}
	}
	switch {
	case len(plain) > 0:
		field, stand := plain[0][strings.LastIndexByte(plain[0], ' ')+1:], " stands"
		if len(plain) > 1 {
			stand = " stand"
		}
		return warn(name, strings.Join(plain, ", ")+stand+" in the configuration in plain text",
			fmt.Sprintf("Write %s {env.NAME} or %s {file./path}. {$NAME} counts as plain text: Caddy replaces it while it reads "+
				"the Caddyfile, and the secret then stands in the admin API's /config/ and in autosave.json.", field, field))
	case len(placeholders) > maxTold:
		return good(name, fmt.Sprintf("%s, and so on: %d in all", strings.Join(placeholders[:maxTold], ", "), len(placeholders)))
	case len(placeholders) > 0:
		return good(name, strings.Join(placeholders, ", "))
	}
	return unchecked(name, "there is none")
}

const missingAdvice = "Caddy does not start without it. Set the variable (systemd: Environment= or EnvironmentFile= of the unit) or fill the " +
	"file, and run the doctor as the same user and with the same environment as Caddy."

// placeholder matches those that are read from outside, and what they read.
var placeholder = regexp.MustCompile(`\{(env|file)\.([^{}]*)\}`)

// missing says which variables and files are named in the handler's fields and
// are empty or not there. Storage modules have placeholders of their own.
func missing(raw []byte) (out []string) {
	var fields map[string]any
	if json.Unmarshal(raw, &fields) != nil {
		return nil
	}
	delete(fields, "storage")
	for _, name := range slices.Sorted(maps.Keys(fields)) {
		for _, text := range texts(fields[name]) {
			for _, m := range placeholder.FindAllStringSubmatch(text, -1) {
				if problem := source(m[1], m[2]); problem != "" {
					out = append(out, fmt.Sprintf("%s %s: %s", name, m[0], problem))
				}
			}
		}
	}
	return out
}

func texts(field any) (out []string) {
	switch v := field.(type) {
	case string:
		return []string{v}
	case []any:
		for _, item := range v {
			out = append(out, texts(item)...)
		}
	case map[string]any: // a tenant, a suite, login
		for _, name := range slices.Sorted(maps.Keys(v)) {
			out = append(out, texts(v[name])...)
		}
	}
	return out
}

// source says what is wrong with a variable or a file that a value comes from.
func source(kind, name string) string {
	if kind == "env" {
		value, set := os.LookupEnv(name)
		switch {
		case !set:
			return fmt.Sprintf("the environment variable %s is not set", name)
		case strings.TrimSpace(value) == "":
			return fmt.Sprintf("the environment variable %s is empty", name)
		}
		return ""
	}
	content, err := os.ReadFile(name)
	var failed *os.PathError
	switch {
	case errors.As(err, &failed):
		return fmt.Sprintf("the file %s cannot be read: %v", name, failed.Err)
	case err != nil:
		return fmt.Sprintf("the file %s cannot be read", name)
	case strings.TrimSpace(string(content)) == "":
		return fmt.Sprintf("the file %s is empty", name)
	}
	return ""
}
