package login

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/caddyserver/caddy/v2"
	"go.uber.org/zap"

	"github.com/caddy-dingtalk/caddy-dingtalk/client"
	"github.com/caddy-dingtalk/caddy-dingtalk/config"
	"github.com/caddy-dingtalk/caddy-dingtalk/doctor"
	"github.com/caddy-dingtalk/caddy-dingtalk/observe"
	"github.com/caddy-dingtalk/caddy-dingtalk/tenant"
)

// service is what the sign-in of a tenant works with, or that of all corps of a
// third-party app together.
type service struct {
	endpoint string
	corp     string // "" where there are many
	life     Lifetimes
	rules    Rules
	fleet    *fleet
	storage  Storage
	issuer   *Issuer // nil without `jwt`
	tenant   *tenant.Tenant
	siblings []Cookies // of all tenants of the directive, where there are several

	scriptName, script string // see script
	appKey             string
	loginBase          string
	oauth              bool
	keySource          string // "derived" or "configured"
	admissionVar       string // see admission
	attempts           attempts
	forbidden          once // sessions and lines that do not fit

	facts    doctor.SignIn // what the doctor may know of the configuration
	examined examined

	audit   audit
	access  *zap.Logger
	notices *observe.Notices
	begun   atomic.Bool
	close   func()

	refused atomic.Bool // user/get was, for want of a permission
}

// serviceOptions are what a service is made of besides the configuration.
type serviceOptions struct {
	name     string // of the app in the storage
	corp     string // "" where there are many
	variable string // tells its admissions from those of others
	tenant   *tenant.Tenant
	app      App
	keys     *Keys
	rules    Rules
	events   *observe.Emitter
	notices  *observe.Notices
	close    func() // at its end
}

// openService makes a service. It must be closed, once; where it cannot be made, what its
// options would close at its end is closed.
func openService(ctx caddy.Context, c *config.Config, o serviceOptions) (*service, error) {
	s, err := newService(ctx, c, o)
	if err != nil {
		o.close()
		return nil, err
	}
	fleet, closeFleet, err := openFleet(o.name, s.audit.log)
	if err != nil {
		o.close()
		return nil, err
	}
	s.fleet = fleet
	observe.BeginLogins(outcomes())
	stop := observe.RunLogin(o.name, s)
	s.close = func() {
		stop()
		closeFleet()
		o.close()
	}
	if err := o.events.OnStarted(s.begin); err != nil {
		s.close()
		return nil, err
	}
	return s, nil
}

// newService makes what a service has for itself.
func newService(ctx caddy.Context, c *config.Config, o serviceOptions) (*service, error) {
	l := c.Login
	absolute, idle := l.Times()
	s := &service{
		endpoint: c.Endpoint, corp: o.corp, life: Lifetimes{absolute, idle}, rules: o.rules, tenant: o.tenant,
		forbidden: once{life: absolute}, appKey: c.AppKey, loginBase: l.LoginBase, oauth: l.OAuth(), keySource: "derived", admissionVar: "dingtalk.login." + o.variable,
		facts: FactsOf(c), access: ctx.Logger(accessModule{}), notices: o.notices,
		audit: audit{ctx.Logger().Named("login"), o.events, o.name, "", o.notices, new(atomic.Pointer[Code])},
	}
	s.scriptName, s.script = script(o.app)
	if len(l.Key) > 0 {
		s.keySource = "configured"
	}
	if s.loginBase == "" {
		s.loginBase = config.DefaultLoginBase
	}
	var err error
	if l.JWT != "" {
		if s.issuer, err = o.keys.NewIssuer(l.JWT); err != nil {
			return nil, err
		}
	}
	if s.storage, err = config.OpenStorage(ctx, c); err != nil {
		return nil, err
	}
	return s, nil
}

// begin lets revocations be read from the storage of this configuration. It is called
// when the configuration runs, not while it is only validated.
func (s *service) begin() {
	if !s.begun.Load() && s.begun.CompareAndSwap(false, true) {
		s.fleet.use(s.storage)
	}
}

// Status tells how sign-in stands, without any key.
func (s *service) Status() observe.LoginStatus {
	status := observe.LoginStatus{
		Outside: "page", Key: s.keySource, Rules: len(s.rules), Revoked: s.fleet.Count(), Storage: "ok",
		SessionSeconds: int(s.life.Absolute.Seconds()), IdleSeconds: int(s.life.Idle.Seconds()),
	}
	if s.oauth {
		status.Outside = "oauth"
	}
	if s.fleet.Failing() != nil {
		status.Storage = "failing"
	}
	return status
}

// Revoke ends the sessions of a user, or of all ("" is all); of one corp, where there are
// many. The error says what the caller has left out.
func (s *service) Revoke(ctx context.Context, corp, user string) error {
	switch {
	case s.corp != "" && corp != "" && corp != s.corp:
		return fmt.Errorf("the app is one of the corp %s: leave out corpid", s.corp)
	case s.corp == "" && corp == "" && user != "":
		return errors.New("users are called alike in many corps: add &corpid=")
	}
	now := time.Now()
	s.begin()
	s.audit.of(corp).revoked(user)
	if s.corp == "" && corp != "" {
		user = scopeOf(corp) + user
	}
	s.revoke(ctx, Revocation{User: user, Before: now.UnixMilli(), Until: s.lastEnd(now)})
	return nil
}

// lastEnd is when the last of the sessions of now is over.
func (s *service) lastEnd(now time.Time) int64 { return now.Add(s.life.Absolute + skew).UnixMilli() }

func (s *service) revoke(ctx context.Context, r Revocation) {
	if err := s.fleet.Revoke(ctx, r); err != nil {
		s.audit.log.Error("a revocation holds in this process, and for the fleet as soon as the storage takes it: "+
			"check the storage and this machine's access to it", zap.Error(err))
	}
}

func (s *service) renderer() *client.Renderer { return s.tenant.Renderer }
