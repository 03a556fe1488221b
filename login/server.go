package login

import (
	"fmt"
	"slices"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"go.uber.org/zap"

	"github.com/caddy-dingtalk/caddy-dingtalk/config"
	"github.com/caddy-dingtalk/caddy-dingtalk/oapi"
	"github.com/caddy-dingtalk/caddy-dingtalk/observe"
	"github.com/caddy-dingtalk/caddy-dingtalk/tenant"
)

// Server signs in the users of one tenant.
type Server struct {
	*service
	cookies Cookies
	keys    *Keys
	signIn  *SignIn
	app     App // what pages know
	// scope stands before the user in revocations, "" where a userid needs none.
	scope string
	// since is when the corp last revoked the app, in unix milliseconds: sessions from
	// before count for nothing. 0: it never has.
	since int64
}

// callTimeout bounds one call of DingTalk.
const callTimeout = 10 * time.Second

// openServer makes the sign-in of one tenant, whose own configuration c is.
func openServer(ctx caddy.Context, c *config.Config, own *tenant.Tenant, rules Rules, events *observe.Emitter, notices *observe.Notices) (*Server, error) {
	s := &Server{cookies: NewCookies(c.AgentID), app: App{
		Endpoint: c.Endpoint, CorpID: c.CorpID, ClientID: c.AppKey,
		Channel: c.Credential() == config.Channel, OAuth: c.Login.OAuth(),
	}}
	var err error
	if s.keys, err = NewKeys(secrets(c), Scope{c.CorpID, c.AppKey, c.AgentID}); err != nil {
		return nil, err
	}
	staff, err := openStaff(ctx, c, events, ctx.Logger())
	if err != nil {
		return nil, err
	}
	s.service, err = openService(ctx, c, serviceOptions{
		name: tenant.Name(c), corp: c.CorpID, variable: s.cookies.plain, tenant: own, app: s.app, keys: s.keys, rules: rules,
		events: events, notices: notices, close: staff.close,
	})
	if err != nil {
		return nil, err
	}
	in := signInOf(c)
	in.Tokens, in.Called, in.Denied = own.Tokens, observe.CountCall, s.denied
	if staff != nil {
		in.Staff, in.StaffTokens = staff.api, staff.tenants.For(nil).Tokens
	}
	s.signIn = NewSignIn(in)
	return s, nil
}

// signInOf is what a configuration says of how users are asked for.
func signInOf(c *config.Config) SignIn {
	return SignIn{
		API: tenant.API(c, callTimeout), CorpID: c.CorpID,
		Legacy: c.Credential() == config.LegacyApp || c.Credential() == config.Corp, Channel: c.Credential() == config.Channel,
		OAuth: c.Login.OAuth(), Full: c.Login.Detail == "full",
		Within: slices.ContainsFunc(c.Login.Rules, func(r config.LoginRule) bool { return len(r.Department) > 0 }),
	}
}

// secrets are what the keys are derived from: those of the configuration, or that of the
// app's own credential, which every process of the fleet has.
func secrets(c *config.Config) []string {
	var all []string
	for _, key := range c.Login.Key {
		all = append(all, string(key))
	}
	if len(all) == 0 {
		for _, secret := range []config.Secret{c.AppSecret, c.CorpSecret, c.ChannelSecret} {
			if secret != "" {
				all = append(all, string(secret))
			}
		}
	}
	return all
}

// loadRules loads the matchers of the lines.
func loadRules(ctx caddy.Context, lines []config.LoginRule) (Rules, error) {
	rules := make(Rules, len(lines))
	for i := range lines {
		line := &lines[i]
		rules[i] = Rule{Public: line.Public, Users: line.User, Departments: line.Department, Admin: line.Admin, line: i + 1}
		if len(line.MatcherSetsRaw) == 0 {
			continue
		}
		loaded, err := ctx.LoadModule(line, "MatcherSetsRaw")
		if err != nil {
			return nil, fmt.Errorf("loading the matcher of login rule %d: %w", i+1, err)
		}
		var sets caddyhttp.MatcherSets
		if err := sets.FromInterface(loaded); err != nil {
			return nil, fmt.Errorf("loading the matcher of login rule %d: %w", i+1, err)
		}
		rules[i].Match = sets.AnyMatchWithError
	}
	return rules, nil
}

// staffApp is the organisation's own app beside a service window.
type staffApp struct {
	api     *oapi.Client
	tenants *tenant.Tenants
}

func openStaff(ctx caddy.Context, c *config.Config, events *observe.Emitter, log *zap.Logger) (*staffApp, error) {
	staff := staffConfig(c)
	if staff == nil {
		return nil, nil
	}
	tenants, err := tenant.Open(ctx, staff, events, log)
	if err != nil {
		return nil, fmt.Errorf("opening staff_app: %w", err)
	}
	return &staffApp{tenant.API(staff, callTimeout), tenants}, nil
}

func (a *staffApp) close() {
	if a != nil {
		a.tenants.Close()
	}
}

// staffConfig is the configuration that staff_app would have as a directive of its own, nil
// where there is none.
func staffConfig(c *config.Config) *config.Config {
	if c.Login.StaffApp == nil {
		return nil
	}
	staff := &config.Config{
		AppKey: c.Login.StaffApp.AppKey, AppSecret: c.Login.StaffApp.AppSecret, CorpID: c.CorpID, AgentID: c.AgentID,
		APIBase: c.APIBase, OAPIBase: c.OAPIBase, StorageRaw: c.StorageRaw, TicketWait: c.TicketWait,
	}
	if staff.APIBase == "" && staff.OAPIBase != "" {
		staff.API = "legacy" // the one base that is known
	}
	config.SetDefaults(staff)
	return staff
}

// outcomes are all that sign-ins are counted by.
func outcomes() (ways, codes []string) {
	codes = []string{"ok"}
	for _, code := range []Code{
		CodeBadCode, CodeBadState, CodeRefused, CodeTooMany, CodeBusy, CodeInvalid, CodeNotVisible, CodePermission, CodeIP,
		CodeCredentials, CodeRateLimited, CodeQuota, CodeUnavailable, CodeDingTalk, CodeWrongCorp, CodeNotMember, CodeTenantUnknown,
	} {
		codes = append(codes, string(code))
	}
	return []string{string(WayCode), string(WayChannel), string(WayOAuth)}, codes
}
