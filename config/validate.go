package config

import (
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"

	"golang.org/x/net/http/httpguts"

	"github.com/caddy-dingtalk/caddy-dingtalk/doctor"
	"github.com/caddy-dingtalk/caddy-dingtalk/signer"
)

// Validate checks a configuration whose placeholders are resolved: each field
// by itself and all of them together. It is a function, as all that works on a
// whole Config is: the handler embeds the Config, and Caddy would call a method of
// this name before the placeholders are resolved.
func Validate(c *Config) error {
	for _, f := range checks {
		if err := Check(c, f.name); err != nil {
			return err
		}
	}
	for _, check := range []func(*Config) error{checkTenants, checkSuites} {
		if err := check(c); err != nil {
			return err
		}
	}
	return Complete(c)
}

// Check checks one field by its JSON name. Values with placeholders pass: they
// are checked when they are known.
func Check(c *Config, name string) error {
	for _, f := range checks {
		if f.name != name {
			continue
		}
		err := habitsOf(c, name)
		if err == nil {
			err = f.check(c)
		}
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	return nil
}

// Complete checks the fields together: exactly one kind of credential, and what
// every dd.config needs. Where tenants or suites stand, the directive itself may have
// none of these.
func Complete(c *Config) error {
	if c.HasDefault() || !c.Many() {
		if err := completeApp(c); err != nil {
			return err
		}
	}
	for _, complete := range []func(*Config) error{completeTenants, completeSuites, completeLogin} {
		if err := complete(c); err != nil {
			return err
		}
	}
	return nil
}

// completeApp checks the lines of the app that is the directive's own.
func completeApp(c *Config) error {
	if err := credential(c.AppKey, c.AppSecret, c.CorpSecret, c.ChannelSecret); err != nil {
		return err
	}
	if c.API == "v1" && c.AppKey == "" {
		return doctor.Wrong("corp_secret and channel_secret log in through oapi.dingtalk.com only: remove api v1")
	}
	return missingID(c.CorpID, c.AgentID)
}

// credential makes sure that there is exactly one kind of credential, and the whole of it.
func credential(key string, secret, corp, channel Secret) error {
	app := key != "" || secret != ""
	kinds := 0
	for _, given := range []bool{app, corp != "", channel != ""} {
		if given {
			kinds++
		}
	}
	switch {
	case kinds == 0:
		return doctor.Wrong("no credential: add app_key and app_secret (or corp_secret, or channel_secret)")
	case kinds > 1:
		return doctor.Wrong("more than one kind of credential: keep app_key with app_secret, or corp_secret, or channel_secret")
	case app && secret == "":
		return doctor.Wrong("app_key needs its credential app_secret: add app_secret {env.DINGTALK_APP_SECRET}")
	case app && key == "":
		return doctor.Wrong("app_secret needs its app_key: add app_key {env.DINGTALK_APP_KEY}")
	}
	return nil
}

// missingID tells which identifier of dd.config is not there.
func missingID(corp, agent string) error {
	switch {
	case corp == "":
		return doctor.Wrong("corp_id is missing: add corp_id ding…, the CorpId of the DingTalk developer console")
	case agent == "":
		return doctor.Wrong("agent_id is missing: add agent_id 1234567890, the AgentId of the app in the DingTalk developer console")
	}
	return nil
}

// checks are the rules for single fields. The order is that of Config.
var checks = []struct {
	name  string
	check func(*Config) error
}{
	{"app_key", func(c *Config) error { return key(c.AppKey) }},
	{"app_secret", func(c *Config) error { return secret(c.AppSecret) }},
	{"corp_secret", func(c *Config) error { return secret(c.CorpSecret) }},
	{"channel_secret", func(c *Config) error { return secret(c.ChannelSecret) }},
	{"corp_id", func(c *Config) error { return word(c.CorpID) }},
	{"agent_id", func(c *Config) error { return agentID(c.AgentID) }},
	{"js_api_list", func(c *Config) error { return each(c.JSAPIList, apiName) }},
	{"type", func(c *Config) error { return kind(c.Type) }},
	{"public_origin", func(c *Config) error { return each(c.PublicOrigin, origin) }},
	{"public_host", func(c *Config) error { return each(c.PublicHost, publicHost) }},
	{"forwarded", func(c *Config) error { return each(c.Forwarded, headerName) }},
	{"url_policy", func(c *Config) error { return oneOf(c.URLPolicy, keys(policies)) }},
	{"hash", func(c *Config) error { return oneOf(c.Hash, keys(hashes)) }},
	{"endpoint", func(c *Config) error { return endpoint(c.Endpoint) }},
	{"allow_origin", func(c *Config) error { return each(c.AllowOrigin, origin) }},
	{"jsapi_url", func(c *Config) error { return scriptURL(c.JSAPIURL) }},
	{"api", func(c *Config) error { return oneOf(c.API, keys(apis)) }},
	{"api_base", func(c *Config) error { return base(c.APIBase) }},
	{"oapi_base", func(c *Config) error { return base(c.OAPIBase) }},
	{"ticket_wait", func(c *Config) error {
		if wait := time.Duration(c.TicketWait); wait != 0 && wait < time.Millisecond || wait > time.Minute {
			return doctor.Wrong("must be a time from 1ms to 1m, such as 2s")
		}
		return nil
	}},
	{"doctor", func(c *Config) error {
		if c.Doctor == nil {
			return nil
		}
		return doctorToken(string(c.Doctor.Token))
	}},
	{"login", checkLogin},
}

func each(values []string, check func(string) error) error {
	for _, v := range values {
		if v == "" {
			return doctor.Wrong("holds an empty value: remove it")
		}
		if err := check(v); err != nil {
			return err
		}
	}
	return nil
}

// later reports whether a value is not known before provisioning.
func later(s string) bool { return s == "" || strings.Contains(s, "{") }

// kind checks the type of dd.config.
func kind(n *int) error {
	if n != nil && *n != 0 && *n != 1 {
		return doctor.Wrong("must be 0 (app) or 1 (service window)")
	}
	return nil
}

func apiName(s string) error {
	if isCatchAll(s) {
		return doctor.Wrong("%q is not the name of an API: write those that the pages call, such as biz.contact.choose, or leave out the line", s)
	}
	if strings.HasPrefix(s, "dd.") {
		return doctor.Wrong("%q must be written without dd.: %s", s, strings.TrimPrefix(s, "dd."))
	}
	if later(s) {
		return nil
	}
	if strings.ContainsFunc(s, func(r rune) bool { return reserved(r) || r == '-' || r == '~' }) {
		return doctor.Wrong("%q is not the name of one API: write the names with spaces between them, without commas, quotes or brackets", s)
	}
	return nil
}

func origin(s string) error {
	if later(s) {
		return nil
	}
	if strings.Contains(s, "*") {
		return doctor.Wrong("%q must name one host: there are no wildcards, list the origins", s)
	}
	if _, err := signer.ParseOrigin(s); err != nil {
		return doctor.Wrong("%q must be written https://host or https://host:port: %v", s, err)
	}
	return nil
}

func publicHost(s string) error {
	if later(s) || s == AnyHost {
		return nil
	}
	name := strings.TrimPrefix(s, "*.")
	o, err := signer.ParseOrigin("https://" + name)
	if err != nil || isCatchAll(s) || strings.ContainsAny(name, "*:%") || !strings.EqualFold(o.Host, name) {
		return doctor.Wrong("%q must be a host name without scheme, port and path, such as h5.example.com or *.example.com, or a lone *", s)
	}
	return nil
}

func headerName(s string) error {
	if later(s) {
		return nil
	}
	if isCatchAll(s) {
		return doctor.Wrong("%q is not the name of a header: write which forwarding headers to believe, such as X-Forwarded-Port; X-Forwarded-Proto and X-Forwarded-Host of trusted proxies always are", s)
	}
	if !httpguts.ValidHeaderFieldName(s) || strings.ContainsAny(s, "_.") {
		return doctor.Wrong("%q is not the name of a header that reaches a handler: use letters, digits and hyphens", s)
	}
	if strings.EqualFold(s, "Host") {
		return doctor.Wrong("%q is always read: remove it", s)
	}
	if why := doctor.NeverRead(s); why != (doctor.Text{}) {
		return doctor.Wrong("%q is no header with the URL of a page (%s): remove it", s, why)
	}
	return nil
}

// minToken is the least length of a token that stands in the place of a password
// nobody limits the guesses at.
const minToken = 16

// doctorToken checks the token of the doctor page, which guards it as a password
// does.
func doctorToken(s string) error {
	switch err := misplaced(s); {
	case isCatchAll(s):
		return doctor.Wrong("%q would be its token: leave out the line to switch the page off, and the word to let everybody see it", s)
	case err != nil || later(s):
		return err
	case strings.ContainsFunc(s, reserved):
		return doctor.Wrong("its token must be letters, digits and - . _ ~, for it stands in a URL: openssl rand -hex 16 makes one")
	case len(s) < minToken:
		return doctor.Wrong("its token must have at least %d characters, or it can be guessed: openssl rand -hex 16 makes one", minToken)
	}
	return nil
}

func oneOf(s string, values []string) error {
	if later(s) || slices.Contains(values, s) {
		return nil
	}
	return doctor.Wrong("%q must be one of %s", s, strings.Join(values, ", "))
}

func keys[V any](m map[string]V) []string {
	var out []string
	for k := range m {
		if k != "" {
			out = append(out, k)
		}
	}
	slices.Sort(out)
	return out
}

func endpoint(s string) error {
	if later(s) {
		return nil
	}
	if path := strings.TrimRight(pathOf(s), "/"); path != s && isEndpoint(path) && !isCatchAll(s) {
		return doctor.Wrong("%q must be a path: write %s", s, path)
	}
	if !isEndpoint(s) {
		return doctor.Wrong("%q must be a path of letters, digits and - . _ ~ that begins with / and does not end with one, such as %s", s, DefaultEndpoint)
	}
	return nil
}

// isEndpoint reports whether a text is one path that nobody writes in two ways.
func isEndpoint(s string) bool {
	return strings.HasPrefix(s, "/") && !strings.HasSuffix(s, "/") && !strings.Contains(s, "//") &&
		!strings.ContainsFunc(s, func(r rune) bool { return r != '/' && reserved(r) }) && !slices.ContainsFunc(strings.Split(s, "/"), dots)
}

// address is a URL, or one without its scheme: host and port, and the path as its group.
var address = regexp.MustCompile(`(?i)^(?:(?:https?:)?//[^/?#]*|(?:localhost|[\w-]+(?:\.[\w-]+)*\.[a-z]{2,})(?::\d+)?|[\w.-]+:\d+)(/[^?#]*)?(?:[?#].*)?$`)

// pathOf returns the path that a text was to be: that of a whole URL, "" if it has none, or
// else the text with a slash before it.
func pathOf(s string) string {
	if u := address.FindStringSubmatch(s); u != nil && (u[1] != "" || strings.ContainsAny(s, "/:")) {
		return u[1]
	}
	return "/" + strings.TrimLeft(s, "/")
}

// reserved reports whether a character cannot stand in a URL as it is, meaning
// nothing but itself (RFC 3986 section 2.3).
func reserved(r rune) bool {
	return !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("-._~", r))
}

func dots(segment string) bool { return segment == "." || segment == ".." }

func scriptURL(s string) error {
	if later(s) {
		return nil
	}
	u, err := url.Parse(s)
	if err != nil || u.Hostname() == "" || u.User != nil || (u.Scheme != "" && u.Scheme != "https" && u.Scheme != "http") ||
		strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || r > '~' || strings.ContainsRune(`"'<>`, r) }) {
		return doctor.Wrong("%q must be https://host/path or //host/path, such as https://g.alicdn.com/dingding/dingtalk-jsapi/3.1.0/dingtalk.open.js", s)
	}
	return nil
}

func base(s string) error {
	if later(s) {
		return nil
	}
	if strings.Contains(s, "@") {
		return doctor.Wrong("must be https://host without a user name or password") // which this does not repeat
	}
	u, err := url.Parse(s)
	if err != nil || (u.Scheme != "https" && u.Scheme != "http") || u.Hostname() == "" || u.User != nil || strings.ContainsAny(s, "?#") {
		return doctor.Wrong("%q must be https://host without /v1.0", s)
	}
	if strings.HasSuffix(strings.TrimSuffix(u.Path, "/"), "/v1.0") {
		return doctor.Wrong("%q must be written without /v1.0", s)
	}
	return nil
}
