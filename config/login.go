package config

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"github.com/caddy-dingtalk/caddy-dingtalk/doctor"
)

// Login is the configuration of sign-in (免登).
type Login struct {
	// Who needs to sign in, and who may pass: the first line whose matcher fits
	// decides. Default: everybody needs to, and may then.
	Rules []LoginRule `json:"rules,omitempty"`
	// What browsers outside DingTalk get: `page`, which says to open DingTalk, or
	// `oauth`, DingTalk's OAuth2 page (with `app_key` only). Default: `page`.
	Outside string `json:"outside,omitempty"`
	// How long a session lasts. Default: 12 hours, and 4 without use.
	Session *LoginSession `json:"session,omitempty"`
	// What is asked about users: `basic`, or `full` with title, job number, avatar
	// and the own departments, at one more call a sign-in. Default: `basic`.
	Detail string `json:"detail,omitempty"`
	// Secrets of at least 32 characters that sessions are sealed with: the first
	// seals, all open. Default: derived from the app's own secret.
	Key []Secret `json:"key,omitempty"`
	// With `channel_secret` only: the app that knows which followers of the service
	// window are members of the organisation. Default: followers have no userid.
	StaffApp *StaffApp `json:"staff_app,omitempty"`
	// The audience of a signed token that tells the upstream who asks, besides the
	// headers. Default: no token is sent.
	JWT string `json:"jwt,omitempty"`
	// The base of DingTalk's OAuth2 page. Default: https://login.dingtalk.com
	LoginBase string `json:"login_base,omitempty"`
}

// LoginRule is one line of the rules.
type LoginRule struct {
	// The requests that the line is for. Default: all.
	MatcherSetsRaw caddyhttp.RawMatcherSets `json:"match,omitempty" caddy:"namespace=http.matchers"`
	// Nobody needs to sign in. The rules of users below must be absent.
	Public bool `json:"public,omitempty"`
	// The userids that may pass. Where rules stand, one of them has to fit.
	User []string `json:"user,omitempty"`
	// The departments whose members may pass, with all departments below them.
	Department []int64 `json:"department,omitempty"`
	// Administrators of the organisation may pass.
	Admin bool `json:"admin,omitempty"`
}

// LoginSession are the times of a session.
type LoginSession struct {
	// From sign-in to its end, whatever happens: 5m to 30d.
	Absolute caddy.Duration `json:"absolute,omitempty"`
	// From one use to the next: 5m up to `absolute`. Default: 4h, or `absolute` where
	// that is shorter.
	Idle caddy.Duration `json:"idle,omitempty"`
}

// StaffApp is an internal app of the organisation.
type StaffApp struct {
	// The AppKey (ClientID).
	AppKey string `json:"app_key,omitempty"`
	// The AppSecret (ClientSecret). Write {env.NAME} or {file./path}.
	AppSecret Secret `json:"app_secret,omitempty"`
}

// Defaults of sign-in.
const (
	DefaultLoginBase = "https://login.dingtalk.com"
	DefaultAbsolute  = 12 * time.Hour
	DefaultIdle      = 4 * time.Hour

	minSession = 5 * time.Minute
	maxSession = 30 * 24 * time.Hour
	minKey     = 32
)

// Times returns the session's times with their defaults.
func (l *Login) Times() (absolute, idle time.Duration) {
	var s LoginSession
	if l.Session != nil {
		s = *l.Session
	}
	absolute, idle = time.Duration(s.Absolute), time.Duration(s.Idle)
	if absolute == 0 {
		absolute = DefaultAbsolute
	}
	if idle == 0 {
		idle = min(DefaultIdle, absolute)
	}
	return absolute, idle
}

// OAuth tells whether browsers outside DingTalk sign in with OAuth2.
func (l *Login) OAuth() bool { return l.Outside == "oauth" }

// clone copies what Resolve changes.
func (l *Login) clone() *Login {
	if l == nil {
		return nil
	}
	c := *l
	c.Key = slices.Clone(l.Key)
	c.Rules = slices.Clone(l.Rules)
	if l.StaffApp != nil {
		staff := *l.StaffApp
		c.StaffApp = &staff
	}
	return &c
}

// Texts, secrets and lists of the login block, by names that an error may show.
func (l *Login) texts() map[string]*string {
	if l == nil {
		return nil
	}
	texts := map[string]*string{
		"login outside": &l.Outside, "login detail": &l.Detail, "login jwt": &l.JWT, "login login_base": &l.LoginBase,
	}
	if l.StaffApp != nil {
		texts["login staff_app"] = &l.StaffApp.AppKey
	}
	return texts
}

func (l *Login) secrets() map[string]*Secret {
	if l == nil {
		return nil
	}
	secrets := make(map[string]*Secret)
	for i := range l.Key {
		secrets[fmt.Sprintf("login key %d", i+1)] = &l.Key[i]
	}
	if l.StaffApp != nil {
		secrets["login staff_app secret"] = &l.StaffApp.AppSecret
	}
	return secrets
}

func (l *Login) lists() map[string]*[]string {
	if l == nil {
		return nil
	}
	lists := make(map[string]*[]string)
	for i := range l.Rules {
		if len(l.Rules[i].User) > 0 {
			lists[fmt.Sprintf("login rule %d user", i+1)] = &l.Rules[i].User
		}
	}
	return lists
}

// merged puts one map into another.
func merged[V any](into, more map[string]V) map[string]V {
	maps.Copy(into, more)
	return into
}

// String hides the keys: fmt prints what a pointer leads to without asking it.
func (l Login) String() string { return fmt.Sprintf("login(%d rules)", len(l.Rules)) }

// GoString hides the keys from %#v.
func (l Login) GoString() string { return l.String() }

// CheckLogin checks one field of the login block, by its JSON name.
func CheckLogin(l *Login, name string) error {
	if err := checkLoginField(l, name); err != nil {
		return fmt.Errorf("login %s: %w", name, err)
	}
	return nil
}

func checkLoginField(l *Login, name string) error {
	check, known := loginChecks[name]
	if !known {
		return nil
	}
	if err := loginHabits(l, name); err != nil {
		return err
	}
	return check(l)
}

// loginHabits is habitsOf for a field of the login block.
func loginHabits(l *Login, name string) error {
	prefix := "login " + strings.TrimSuffix(name, "s") // a rule of the rules
	fields := slices.Concat(slices.Collect(maps.Keys(l.texts())), slices.Collect(maps.Keys(l.secrets())), slices.Collect(maps.Keys(l.lists())))
	for _, field := range slices.Sorted(slices.Values(fields)) {
		if !strings.HasPrefix(field, prefix) {
			continue
		}
		if err := habitsOf(l, field); err != nil {
			return err
		}
	}
	return nil
}

// loginChecks are the rules for single fields.
var loginChecks = map[string]func(*Login) error{
	"rules":      func(l *Login) error { return checkRules(l.Rules) },
	"outside":    func(l *Login) error { return oneOf(l.Outside, []string{"page", "oauth"}) },
	"session":    checkSession,
	"detail":     func(l *Login) error { return oneOf(l.Detail, []string{"basic", "full"}) },
	"key":        checkKeys,
	"staff_app":  checkStaff,
	"jwt":        func(l *Login) error { return audience(l.JWT) },
	"login_base": func(l *Login) error { return base(l.LoginBase) },
}

func checkRules(rules []LoginRule) error {
	for i, rule := range rules {
		switch {
		case i > 0 && len(rules[i-1].MatcherSetsRaw) == 0:
			return doctor.Wrong("line %d is never reached, as the line before it fits every request: put it first, or remove it", i+1)
		case rule.Public && (len(rule.User) > 0 || len(rule.Department) > 0 || rule.Admin):
			return doctor.Wrong("line %d is public, where user, department and admin say nothing: write require, or remove them", i+1)
		}
		if slices.ContainsFunc(rule.User, func(id string) bool { return strings.ContainsAny(id, ",，;；、") }) {
			return doctor.Wrong("line %d: a userid holds no comma or semicolon: a list has spaces between its values", i+1)
		}
		if slices.Contains(rule.User, "*") {
			return doctor.Wrong("line %d: * is no userid: write require without a block, and everybody of the organisation may pass", i+1)
		}
		if slices.Contains(rule.User, "") {
			return doctor.Wrong("line %d names an empty userid: remove it", i+1)
		}
		for _, d := range rule.Department {
			if d <= 0 {
				return doctor.Wrong("line %d: %d is no number of a department: copy it from the admin console (oa.dingtalk.com)", i+1, d)
			}
		}
	}
	return nil
}

func checkSession(l *Login) error {
	if l.Session == nil {
		return nil
	}
	absolute, idle := l.Times()
	for _, t := range []time.Duration{absolute, idle} {
		if t < minSession || t > maxSession {
			return doctor.Wrong("%s must be a time from 5m to 30d, such as 12h", t)
		}
	}
	if idle > absolute {
		return doctor.Wrong("the idle time %s is longer than the session of %s: write it second and shorter, such as session 12h 4h", idle, absolute)
	}
	return nil
}

func checkKeys(l *Login) error {
	for i, key := range l.Key {
		if err := misplaced(string(key)); err != nil {
			return err
		}
		switch text := string(key); {
		case text == "":
			return doctor.Wrong("key %d is empty: openssl rand -hex 32 makes one", i+1)
		case !later(text) && len(text) < minKey:
			return doctor.Wrong("key %d has %d characters and needs at least %d: openssl rand -hex 32 makes one", i+1, len(text), minKey)
		case slices.Contains(l.Key[:i], key):
			return doctor.Wrong("key %d is a repetition: keep one of them", i+1)
		}
	}
	return nil
}

func checkStaff(l *Login) error {
	switch {
	case l.StaffApp == nil:
		return nil
	case l.StaffApp.AppKey == "" || l.StaffApp.AppSecret == "":
		return doctor.Wrong("needs an app_key and an app_secret: staff_app dingxxxx {env.STAFF_SECRET}")
	}
	if err := key(l.StaffApp.AppKey); err != nil {
		return err
	}
	return secret(l.StaffApp.AppSecret)
}

// audience checks the audience of the token that the upstream gets.
func audience(s string) error {
	if isCatchAll(s) {
		return doctor.Wrong("%q would be the audience of the token: write a name for the app that checks it, such as jwt my-app, or leave out the line", s)
	}
	return ownWord(s, "my-app")
}

// completeLogin checks the login block together with the rest.
func completeLogin(c *Config) error {
	if c.Login == nil {
		return nil
	}
	if !c.Many() || c.HasDefault() {
		if err := completeLoginOf(c); err != nil {
			return err
		}
	}
	if len(c.Suites) > 0 && c.Login.OAuth() {
		return doctor.Wrong("login outside oauth stands beside suite %s, whose corps sign in within DingTalk only: remove the line, or move the suite into a directive of its own", c.Suites[0].SuiteKey)
	}
	for i := range c.Suites {
		own := c.ForSuite(&c.Suites[i])
		if err := completeLoginOf(&own); err != nil {
			return fmt.Errorf("suite %s: %w", c.Suites[i].SuiteKey, err)
		}
	}
	for i := range c.Tenants {
		own := c.ForTenant(&c.Tenants[i])
		if err := completeLoginOf(&own); err != nil {
			return fmt.Errorf("tenant %s %s: %w", own.CorpID, own.AgentID, err)
		}
	}
	return nil
}

// completeLoginOf is completeLogin for one credential.
func completeLoginOf(c *Config) error {
	l := c.Login
	switch {
	case l.OAuth() && c.AppKey == "":
		return doctor.Wrong("login outside oauth needs app_key and app_secret: DingTalk's OAuth2 page knows no other login")
	case l.StaffApp != nil && c.ChannelSecret == "":
		return doctor.Wrong("login staff_app belongs to a service window (channel_secret): remove it, an app knows its members by itself")
	}
	return nil
}

func checkLogin(c *Config) error {
	if c.Login == nil {
		return nil
	}
	for _, name := range slices.Sorted(maps.Keys(loginChecks)) {
		if err := checkLoginField(c.Login, name); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	return nil
}
