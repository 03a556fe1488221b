package visit

import (
	"fmt"
	"slices"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"github.com/caddyserver/caddy/v2/modules/caddytls"

	"github.com/caddy-dingtalk/caddy-dingtalk/config"
	"github.com/caddy-dingtalk/caddy-dingtalk/doctor"
	"github.com/caddy-dingtalk/caddy-dingtalk/signer"
)

// Desk receives the requests of one handler. It holds what the configuration
// says about origins and proxies.
type Desk struct {
	rules    *signer.Rules
	public   []signer.Origin // the public origins
	allowed  []signer.Origin // the other origins that may call the endpoints
	settings doctor.Settings // the same, for a diagnosis
	hosts    *hostIndex
	named    patterns // public_host
	any      bool     // public_host is a lone *
	many     bool     // there are several tenants

	certificates certificates
}

// NewDesk returns the desk of a handler, which stands somewhere in the routes of
// a server. The configuration is one that has been validated.
func NewDesk(ctx caddy.Context, c *config.Config, handler caddyhttp.MiddlewareHandler) (*Desk, error) {
	tls, err := ctx.App("tls")
	if err != nil {
		return nil, fmt.Errorf("getting the TLS app: %w", err)
	}
	public := config.Origins(c.PublicOrigin)
	return &Desk{
		rules:    signer.NewRules(public, c.Forwarded),
		public:   public,
		allowed:  config.Origins(c.AllowOrigin),
		settings: doctor.Settings{Public: public, PublicHost: c.PublicHost, Forwarded: c.Forwarded, Signer: config.Signer(c), Endpoint: c.Endpoint},
		hosts:    &hostIndex{handler: handler},
		named:    c.PublicHost,
		any:      slices.Contains(c.PublicHost, config.AnyHost),
		many:     c.Many(),

		certificates: tls.(*caddytls.TLS),
	}, nil
}
