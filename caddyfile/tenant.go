package caddyfile

import (
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"

	"github.com/caddy-dingtalk/caddy-dingtalk/config"
	"github.com/caddy-dingtalk/caddy-dingtalk/doctor"
)

// tenantGrammar is the grammar of a tenant's block: one row for each field of
// config.Tenant but those in its first line.
var tenantGrammar = map[string]value[config.Tenant]{
	"app_key":        text(func(t *config.Tenant) *string { return &t.AppKey }),
	"app_secret":     secret(func(t *config.Tenant) *config.Secret { return &t.AppSecret }),
	"corp_secret":    secret(func(t *config.Tenant) *config.Secret { return &t.CorpSecret }),
	"channel_secret": secret(func(t *config.Tenant) *config.Secret { return &t.ChannelSecret }),
	"js_api_list":    list(func(t *config.Tenant) *[]string { return &t.JSAPIList }),
	"type":           number(func(t *config.Tenant) **int { return &t.Type }),
	"hash":           text(func(t *config.Tenant) *string { return &t.Hash }),
	"host":           list(func(t *config.Tenant) *[]string { return &t.Host }),
	"path":           list(func(t *config.Tenant) *[]string { return &t.Path }),
}

// suiteGrammar is the same for a suite.
var suiteGrammar = map[string]value[config.Suite]{
	"suite_secret": secret(func(s *config.Suite) *config.Secret { return &s.SuiteSecret }),
	"token":        secret(func(s *config.Suite) *config.Secret { return &s.Token }),
	"aes_key":      secret(func(s *config.Suite) *config.Secret { return &s.AESKey }),
	"suite_ticket": secret(func(s *config.Suite) *config.Secret { return &s.SuiteTicket }),
	"app_id":       text(func(s *config.Suite) *string { return &s.AppID }),
	"callback":     text(func(s *config.Suite) *string { return &s.Callback }),
}

// tenant reads one tenant: tenant <corp_id> <agent_id> {…}.
func tenant(c *config.Config, d *caddyfile.Dispenser) error {
	start := *d // errors about the whole block point at its first line
	var t config.Tenant
	if args := d.RemainingArgs(); len(args) == 2 && args[0] != "" && args[1] != "" {
		t.CorpID, t.AgentID = args[0], args[1]
	} else {
		return d.WrapErr(doctor.Wrong("tenant takes the corp_id and the agent_id of an app, and its lines in a block: tenant ding… 1234567890 { … }"))
	}
	for _, name := range []string{"corp_id", "agent_id"} {
		if err := config.CheckTenant(&t, name); err != nil {
			return start.WrapErr(err)
		}
	}
	if err := readBlock(d, &t, "tenant", tenantGrammar, config.CheckTenant, suggest[config.Tenant]("tenant <corp_id> <agent_id> { … }", "corp_id", "agent_id")); err != nil {
		return err
	}
	c.Tenants = append(c.Tenants, t)
	if err := config.CompleteTenant(&t); err != nil {
		return start.WrapErr(err)
	}
	if err := config.DistinctTenant(c.Tenants); err != nil {
		return start.WrapErr(err)
	}
	return nil
}

// suite reads one third-party app: suite <suite_key> {…}.
func suite(c *config.Config, d *caddyfile.Dispenser) error {
	start := *d
	var s config.Suite
	if args := d.RemainingArgs(); len(args) == 1 && args[0] != "" {
		s.SuiteKey = args[0]
	} else {
		return d.WrapErr(doctor.Wrong("suite takes the suite_key of a third-party app, and its lines in a block: suite suite… { … }"))
	}
	if err := config.CheckSuite(&s, "suite_key"); err != nil {
		return start.WrapErr(err)
	}
	if err := readBlock(d, &s, "suite", suiteGrammar, config.CheckSuite, suggest[config.Suite]("suite <suite_key> { … }", "suite_key")); err != nil {
		return err
	}
	c.Suites = append(c.Suites, s)
	if err := config.CompleteSuite(&s); err != nil {
		return start.WrapErr(err)
	}
	if err := config.DistinctSuite(c.Suites); err != nil {
		return start.WrapErr(err)
	}
	return nil
}

// suggest is config.SuggestionIn, but for the fields that stand in the first line of a block.
func suggest[B config.Tenant | config.Suite](first string, fields ...string) func(name string) doctor.Text {
	return func(name string) doctor.Text {
		if config.Closest(name, fields) != (doctor.Text{}) {
			return doctor.Hint(": it stands in the first line of its block: %s", first)
		}
		return config.SuggestionIn[B](name)
	}
}

// readBlock reads the lines of a block into it, and checks each.
func readBlock[B any](d *caddyfile.Dispenser, block *B, kind string, grammar map[string]value[B], check func(*B, string) error, suggest func(string) doctor.Text) error {
	seen := make(map[string]bool)
	for nesting := d.Nesting(); d.NextBlock(nesting); {
		name := d.Val()
		set, known := grammar[name]
		switch {
		case !known:
			return d.WrapErr(doctor.Wrong("unrecognized line %q in %s%s", name, kind, suggest(name)))
		case seen[name]:
			return d.WrapErr(doctor.Wrong("%s: %s is given twice: keep one line; a list takes all its values there", kind, name))
		}
		seen[name] = true
		if err := set(block, d); err != nil {
			return err
		}
		if err := check(block, name); err != nil {
			return d.WrapErr(err)
		}
	}
	return nil
}
