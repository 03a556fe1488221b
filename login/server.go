package login

import (
	"fmt"
	"slices"
	"sync/atomic"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"go.uber.org/zap"

	"github.com/caddy-dingtalk/caddy-dingtalk/client"
	"github.com/caddy-dingtalk/caddy-dingtalk/config"
	"github.com/caddy-dingtalk/caddy-dingtalk/doctor"
	"github.com/caddy-dingtalk/caddy-dingtalk/oapi"
	"github.com/caddy-dingtalk/caddy-dingtalk/observe"
	"github.com/caddy-dingtalk/caddy-dingtalk/tenant"
)

// Server signs in the users of one tenant.
type Server struct {
	endpoint string
	cookies  Cookies
	keys     *Keys
	life     Lifetimes
	rules    Rules
	signIn   *SignIn
	fleet    *fleet
	storage  Storage
	issuer   *Issuer // nil without `jwt`
	app      App     // what pages know
	tenant   *tenant.Tenant
	siblings []Cookies // of all tenants of the directive

	scriptName, script string // see script
	appKey             string
	loginBase          string
	keySource          string // "derived" or "configured"
	admissionVar       string // see admission
	attempts           attempts

	facts    doctor.SignIn // what the doctor may know of the configuration
	examined examined

	audit   audit
	access  *zap.Logger
	notices *observe.Notices
	begun   atomic.Bool
	close   func()

	refused atomic.Bool // user/get was, for want of a permission
}

// callTimeout bounds one call of DingTalk.
const callTimeout = 10 * time.Second

// openServer makes the sign-in of one tenant, whose own configuration c is.
func openServer(ctx caddy.Context, c *config.Config, own *tenant.Tenant, rules Rules, events *observe.Emitter, notices *observe.Notices) (*Server, error) {
	l := c.Login
	absolute, idle := l.Times()
	name := tenant.Name(c)
	s := &Server{
		endpoint: c.Endpoint, cookies: NewCookies(c.AgentID), life: Lifetimes{absolute, idle},
		app: App{
			Endpoint: c.Endpoint, CorpID: c.CorpID, ClientID: c.AppKey,
			Channel: c.Credential() == config.Channel, OAuth: l.OAuth(),
		},
		appKey: c.AppKey, loginBase: l.LoginBase, notices: notices,
		audit: audit{ctx.Logger().Named("login"), events, name, notices, new(atomic.Pointer[Code])},
		facts: FactsOf(c),
	}
	s.tenant, s.rules = own, rules
	s.scriptName, s.script = script(s.app)
	s.access = ctx.Logger(accessModule{})
	s.admissionVar = "dingtalk.login." + s.cookies.plain
	s.keySource = "derived"
	if len(l.Key) > 0 {
		s.keySource = "configured"
	}
	if s.loginBase == "" {
		s.loginBase = config.DefaultLoginBase
	}
	var err error
	if s.keys, err = NewKeys(secrets(c), Scope{c.CorpID, c.AppKey, c.AgentID}); err != nil {
		return nil, err
	}
	if l.JWT != "" {
		if s.issuer, err = s.keys.NewIssuer(l.JWT); err != nil {
			return nil, err
		}
	}
	storage, err := config.OpenStorage(ctx, c)
	if err != nil {
		return nil, err
	}
	s.storage = storage

	staff, err := openStaff(ctx, c, events, ctx.Logger())
	if err != nil {
		return nil, err
	}
	closeStaff := func() {}
	in := signInOf(c)
	in.Tokens, in.Called, in.Denied = own.Tokens, observe.CountCall, s.denied
	if staff != nil {
		in.Staff, in.StaffTokens, closeStaff = staff.api, staff.tenants.For(nil).Tokens, staff.tenants.Close
	}
	s.signIn = NewSignIn(in)
	fleet, closeFleet, err := openFleet(name, s.audit.log)
	if err != nil {
		closeStaff()
		return nil, err
	}
	s.fleet = fleet
	observe.BeginLogins(outcomes())
	stop := observe.RunLogin(name, s)
	s.close = func() {
		stop()
		closeFleet()
		closeStaff()
	}
	if err := events.OnStarted(s.begin); err != nil {
		s.close()
		return nil, err
	}
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

// begin lets revocations be read from the storage of this configuration. It is called
// when the configuration runs, not while it is only validated.
func (s *Server) begin() {
	if !s.begun.Load() && s.begun.CompareAndSwap(false, true) {
		s.fleet.use(s.storage)
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
		rules[i] = Rule{Public: line.Public, Users: line.User, Departments: line.Department, Admin: line.Admin}
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

// Status tells how sign-in stands, without any key.
func (s *Server) Status() observe.LoginStatus {
	status := observe.LoginStatus{
		Outside: "page", Key: s.keySource, Rules: len(s.rules), Revoked: s.fleet.Count(), Storage: "ok",
		SessionSeconds: int(s.life.Absolute.Seconds()), IdleSeconds: int(s.life.Idle.Seconds()),
	}
	if s.app.OAuth {
		status.Outside = "oauth"
	}
	if s.fleet.Failing() != nil {
		status.Storage = "failing"
	}
	return status
}

// outcomes are all that sign-ins are counted by.
func outcomes() (ways, codes []string) {
	codes = []string{"ok"}
	for _, code := range []Code{
		CodeBadCode, CodeBadState, CodeRefused, CodeTooMany, CodeBusy, CodeInvalid, CodeNotVisible, CodePermission, CodeIP,
		CodeCredentials, CodeRateLimited, CodeQuota, CodeUnavailable, CodeDingTalk, CodeWrongCorp, CodeNotMember,
	} {
		codes = append(codes, string(code))
	}
	return []string{string(WayCode), string(WayChannel), string(WayOAuth)}, codes
}

func (s *Server) renderer() *client.Renderer { return s.tenant.Renderer }
