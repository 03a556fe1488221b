package examine

import (
	"context"
	"net"
	"net/url"
	"strings"

	"github.com/caddy-dingtalk/caddy-dingtalk/config"
	"github.com/caddy-dingtalk/caddy-dingtalk/doctor"
	"github.com/caddy-dingtalk/caddy-dingtalk/signer"
)

// SignIn is what the module itself knows of the sign-in of a configuration.
type SignIn struct {
	Facts func(*config.Config) doctor.SignIn
	// Probe asks DingTalk with a code and a user that do not exist.
	Probe func(ctx context.Context, c *config.Config, token func(context.Context) (string, error)) []doctor.Probe
}

// signIn checks what sign-in needs of DingTalk, of the console and of the site.
func (e *examiner) signIn(ctx context.Context, p place, c *config.Config, calls *calls) (checks []Check) {
	facts := e.SignIn.Facts(c)
	facts.Origin, facts.Matcher = siteOrigin(p, c), p.matcher
	if calls.access.err == nil {
		facts.Probes = e.SignIn.Probe(ctx, c, func(context.Context) (string, error) { return calls.access.value, nil })
	}
	return signInChecks(facts)
}

// suiteSignIn is signIn for a third-party app. With a corp its permissions are tried, as it
// has granted them; access gives its access token.
func (e *examiner) suiteSignIn(ctx context.Context, p place, c *config.Config, block *config.Suite, corp doctor.Corp, access func(context.Context) (string, error)) []Check {
	own := c.ForSuite(block)
	own.CorpID, own.AgentID = e.Corp, e.Agent
	if e.Agent == "" && len(corp.Agents) == 1 {
		own.AgentID = corp.Agents[0]
	}
	facts := e.SignIn.Facts(&own)
	facts.Suite, facts.Corp, facts.Origin, facts.Matcher = true, e.Corp, siteOrigin(p, c), p.matcher
	if e.Corp != "" {
		if token, err := access(ctx); err == nil {
			facts.Probes = e.SignIn.Probe(ctx, &own, func(context.Context) (string, error) { return token, nil })
		}
	}
	return signInChecks(facts)
}

func signInChecks(facts doctor.SignIn) (checks []Check) {
	for _, f := range facts.Findings() {
		checks = append(checks, checkOf(f))
	}
	return checks
}

// checkOf tells a finding.
func checkOf(f doctor.Finding) Check {
	switch f.Status {
	case doctor.OK:
		return good(f.Name, f.Text)
	case doctor.Warning:
		return warn(f.Name, f.Text, cures(f))
	case doctor.Error:
		return bad(f.Name, f.Text, cures(f))
	}
	return unchecked(f.Name, f.Text)
}

// openCheck is checkOf where what is open stays so whatever is done here.
func openCheck(f doctor.Finding) Check {
	if f.Status != doctor.Open {
		return checkOf(f)
	}
	return check(f.Name, Open, say("not checked: %s", "未检查：%s", f.Text), cures(f))
}

// cures are what to do, a line each.
func cures(f doctor.Finding) doctor.Text {
	var all doctor.Text
	for i, cure := range f.Cures {
		if i > 0 {
			all = say("%s\n%s", "%s\n%s", all, cure)
		} else {
			all = cure
		}
	}
	return all
}

// siteOrigin is the site as its users' browsers most likely show it, zero where nothing
// tells.
func siteOrigin(p place, c *config.Config) signer.Origin {
	if origins := config.Origins(c.PublicOrigin); len(origins) > 0 {
		return origins[0]
	}
	hosts, _ := named(p, c)
	if len(hosts) == 0 || strings.ContainsAny(hosts[0], "*{") {
		return signer.Origin{}
	}
	u := url.URL{Scheme: "http", Host: hosts[0]}
	if p.tls || p.trusted {
		u.Scheme = "https"
	}
	if len(p.listen) > 0 && !p.trusted { // a proxy in front has ports of its own
		if _, port, err := net.SplitHostPort(p.listen[0]); err == nil {
			u.Host = net.JoinHostPort(strings.Trim(hosts[0], "[]"), port)
		}
	}
	origin, _ := signer.ParseOrigin(u.String()) // zero where it fails
	return origin
}
