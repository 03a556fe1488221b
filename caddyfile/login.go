package caddyfile

import (
	"cmp"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"github.com/caddy-dingtalk/caddy-dingtalk/config"
	"github.com/caddy-dingtalk/caddy-dingtalk/doctor"
)

// Matcher reads the next argument as a matcher if it is one: httpcaddyfile's
// Helper.MatcherToken, which knows the named matchers of the site.
type Matcher func() (set caddy.ModuleMap, given bool, err error)

// loginGrammar is the grammar of the login block: one row for each of its lines.
var loginGrammar = map[string]func(l *config.Login, d *caddyfile.Dispenser, match Matcher) error{
	"public":  public,
	"require": require,
	"outside": loginText(func(l *config.Login) *string { return &l.Outside }),
	"detail":  loginText(func(l *config.Login) *string { return &l.Detail }),
	"jwt":     loginText(func(l *config.Login) *string { return &l.JWT }),
	"session": session,
	"key":     loginKeys,
	"staff_app": func(l *config.Login, d *caddyfile.Dispenser, _ Matcher) error {
		var key, secret string
		if !d.AllArgs(&key, &secret) {
			return d.WrapErr(doctor.Wrong("staff_app takes an app_key and an app_secret: staff_app dingxxxx {env.STAFF_SECRET}"))
		}
		l.StaffApp = &config.StaffApp{AppKey: key, AppSecret: config.Secret(secret)}
		return nil
	},
	"login_base": loginText(func(l *config.Login) *string { return &l.LoginBase }),
}

// fieldOf is the JSON field of a line that has another name there.
var fieldOf = map[string]string{"public": "rules", "require": "rules"}

// login reads the block.
func login(match Matcher) value[config.Config] {
	return func(c *config.Config, d *caddyfile.Dispenser) error {
		if err := alone(d, "login", true); err != nil {
			return err
		}
		c.Login = new(config.Login)
		seen := make(map[string]bool)
		for nesting := d.Nesting(); d.NextBlock(nesting); {
			name := d.Val()
			set, known := loginGrammar[name]
			switch {
			case !known:
				return d.WrapErr(doctor.Wrong("unrecognized line %q in %s%s", name, "login", cmp.Or(config.Elsewhere(name), config.Closest(name, slices.Collect(maps.Keys(loginGrammar))),
					doctor.Hint(": login has public, require, outside, session, detail, key, staff_app, jwt and login_base"))))
			case seen[name] && fieldOf[name] == "":
				return d.WrapErr(doctor.Wrong("login: %s is given twice: keep one line", name))
			}
			seen[name] = true
			line := *d // errors that are found when the line is read whole point at its beginning
			if err := set(c.Login, d, match); err != nil {
				return err
			}
			field := name
			if fieldOf[name] != "" {
				field = fieldOf[name]
			}
			if err := config.CheckLogin(c.Login, field); err != nil {
				return line.WrapErr(err)
			}
		}
		return nil
	}
}

func loginText(field func(*config.Login) *string) func(*config.Login, *caddyfile.Dispenser, Matcher) error {
	return func(l *config.Login, d *caddyfile.Dispenser, _ Matcher) (err error) {
		*field(l), err = argument(d)
		return err
	}
}

func loginKeys(l *config.Login, d *caddyfile.Dispenser, _ Matcher) error {
	for _, key := range d.RemainingArgs() {
		l.Key = append(l.Key, config.Secret(key))
	}
	if len(l.Key) == 0 {
		return d.WrapErr(doctor.Wrong("key takes one or more secrets: write {env.NAME} or {file./path}"))
	}
	return nil
}

func session(l *config.Login, d *caddyfile.Dispenser, _ Matcher) error {
	args := d.RemainingArgs()
	if len(args) == 0 || len(args) > 2 {
		return d.WrapErr(doctor.Wrong("session takes one or two times: session <absolute> [<idle>], such as session 12h 4h"))
	}
	l.Session = new(config.LoginSession)
	for i, field := range []*caddy.Duration{&l.Session.Absolute, &l.Session.Idle}[:len(args)] {
		t, err := caddy.ParseDuration(args[i])
		if err != nil || t <= 0 {
			return d.WrapErr(doctor.Wrong("session: %q is not a time, write for example 12h or 7d", args[i]))
		}
		*field = caddy.Duration(t)
	}
	return nil
}

// ruleMatcher reads the matcher of a line.
func ruleMatcher(d *caddyfile.Dispenser, match Matcher) (sets caddyhttp.RawMatcherSets, given bool, err error) {
	name := d.Val()
	set, given, err := match()
	if err != nil {
		return nil, false, err
	}
	if !given && d.Val() != name {
		return nil, false, d.WrapErr(doctor.Wrong("%s: %q is no matcher: %v", name, d.Val(), instead(name, d.Val())))
	}
	if given {
		if err := config.Habit(d.Val()); err != nil {
			return nil, false, d.WrapErr(doctor.Wrong("%s: %v", name, err))
		}
	}
	if set != nil {
		sets = caddyhttp.RawMatcherSets{set}
	}
	return sets, given, nil
}

// instead says what to write in the place of what is no matcher.
func instead(name, arg string) doctor.Text {
	switch cure := mark(arg); {
	case cure != (doctor.Text{}):
		return cure
	case config.IsOff(arg):
		return doctor.Hint("leave out the line")
	case name == "require" && slices.Contains([]string{"user", "department", "admin"}, arg):
		return doctor.Hint("rules stand in a block { … }")
	}
	return doctor.Hint("write *, a path that begins with / or a named matcher @name")
}

// second refuses what stands behind a matcher.
func second(d *caddyfile.Dispenser, name string, cure doctor.Text) error {
	if sign := mark(d.Val()); sign != (doctor.Text{}) {
		cure = sign
	}
	return d.WrapErr(doctor.Wrong("%s takes one matcher, but got %q, too: %v", name, d.Val(), cure))
}

func public(l *config.Login, d *caddyfile.Dispenser, match Matcher) error {
	sets, given, err := ruleMatcher(d, match)
	switch {
	case err != nil:
		return err
	case !given:
		return d.WrapErr(doctor.Wrong("public takes a matcher: write public * if nobody needs to sign in"))
	case d.NextArg():
		return second(d, "public", doctor.Hint("write a line for each, or a named matcher"))
	}
	if d.NextBlock(d.Nesting()) {
		return d.WrapErr(doctor.Wrong("public takes no rules, but got %q: write require", d.Val()))
	}
	l.Rules = append(l.Rules, config.LoginRule{MatcherSetsRaw: sets, Public: true})
	return nil
}

func require(l *config.Login, d *caddyfile.Dispenser, match Matcher) error {
	sets, given, err := ruleMatcher(d, match)
	if err != nil {
		return err
	}
	if given && d.NextArg() {
		return second(d, "require", doctor.Hint("rules stand in a block { … }"))
	}
	rule := config.LoginRule{MatcherSetsRaw: sets}
	seen := make(map[string]bool)
	for nesting := d.Nesting(); d.NextBlock(nesting); {
		name := d.Val()
		if seen[name] {
			return d.WrapErr(doctor.Wrong("require: %s is given twice: a line takes several values", name))
		}
		seen[name] = true
		if err := ruleLine(&rule, d, name); err != nil {
			return err
		}
	}
	l.Rules = append(l.Rules, rule)
	return nil
}

func ruleLine(rule *config.LoginRule, d *caddyfile.Dispenser, name string) error {
	if name == "admin" {
		rule.Admin = true
		return alone(d, name, false)
	}
	args := d.RemainingArgs()
	switch name {
	case "user":
		rule.User = args
	case "department":
		for _, arg := range args {
			n, err := strconv.ParseInt(arg, 10, 64)
			if err != nil {
				return d.WrapErr(doctor.Wrong("department: %q is no number: copy it from the admin console (oa.dingtalk.com)", arg))
			}
			rule.Department = append(rule.Department, n)
		}
	default:
		return d.WrapErr(doctor.Wrong("unrecognized rule %q: require has user, department and admin", name))
	}
	if len(args) == 0 {
		return d.WrapErr(doctor.Wrong("%s takes one or more values: %v", name, missing()))
	}
	return nil
}

// plainMatcher knows no named matchers: it serves where there is no site around.
func plainMatcher(d *caddyfile.Dispenser) Matcher {
	return func() (caddy.ModuleMap, bool, error) {
		if !d.NextArg() {
			return nil, false, nil
		}
		switch text := d.Val(); {
		case text == "*":
			return nil, true, nil
		case strings.HasPrefix(text, "/"):
			return caddy.ModuleMap{"path": caddyconfig.JSON(caddyhttp.MatchPath{text}, nil)}, true, nil
		case strings.HasPrefix(text, "@"):
			return nil, false, d.WrapErr(doctor.Wrong("unrecognized matcher name: %s", text))
		}
		return nil, false, nil
	}
}
