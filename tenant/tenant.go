// Package tenant is one app of one corp: its name, its tokens and its signed
// pages.
package tenant

import (
	"crypto/sha256"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/caddyserver/caddy/v2"
	"go.uber.org/zap"

	"github.com/caddy-dingtalk/caddy-dingtalk/client"
	"github.com/caddy-dingtalk/caddy-dingtalk/config"
	"github.com/caddy-dingtalk/caddy-dingtalk/doctor"
	"github.com/caddy-dingtalk/caddy-dingtalk/observe"
	"github.com/caddy-dingtalk/caddy-dingtalk/signer"
	"github.com/caddy-dingtalk/caddy-dingtalk/tokens"
	"github.com/caddy-dingtalk/caddy-dingtalk/visit"
)

// Tenant is one app of one corp.
type Tenant struct {
	// Tokens are those of the app, which the fleet shares.
	Tokens *tokens.App
	// Signer makes signatures in the configured form.
	Signer signer.Signer
	// Page are the parts of dd.config and of the snippet that all its pages share.
	Page client.App
	// Renderer writes the snippets of its pages.
	Renderer *client.Renderer

	origins     []signer.Origin            // which URLs may be signed besides those of a page's own
	wait        time.Duration              // how long a page may wait for the first ticket
	fingerprint [sha256.Size]byte          // of what all its pages are made of
	generation  atomic.Pointer[generation] // of the pages that are made now
}

// Tenants are the apps that one directive serves.
type Tenants struct {
	only    *Tenant
	release func()
}

// memories outlives a reload of the configuration: the handlers of the new one
// go on with the tokens of the old.
var memories = caddy.NewUsagePool()

const memoryKey = "tokens"

// Open makes the tenants of a configuration that has been resolved and validated.
// DingTalk is not called. They must be closed, once.
func Open(ctx caddy.Context, c *config.Config, events *observe.Emitter, log *zap.Logger) (*Tenants, error) {
	storage, err := config.OpenStorage(ctx, c)
	if err != nil {
		return nil, err
	}
	memory, _, err := memories.LoadOrNew(memoryKey, func() (caddy.Destructor, error) { return tokens.NewMemory(), nil })
	if err != nil {
		return nil, fmt.Errorf("opening the token memory: %w", err)
	}
	t := newTenant(c)
	name := Name(c)
	t.Tokens = tokens.NewApp(tokens.Options{
		Name: name, Source: Source(c), Storage: storage, Memory: memory.(*tokens.Memory),
		Log: log, Observer: observe.Watcher{App: name, Events: events},
		Advice:   func(err error) string { return doctor.Advice(err).EN },
		AdviceZH: func(err error) string { return doctor.Advice(err).ZH },
	})
	t.Tokens.TakeOver()
	stop := observe.Run(observe.App{Tokens: t.Tokens, CorpID: c.CorpID})
	return &Tenants{only: t, release: func() {
		stop()
		t.Tokens.Close()
		_, _ = memories.Delete(memoryKey)
	}}, nil
}

func newTenant(c *config.Config) *Tenant {
	page := client.App{
		CorpID: c.CorpID, AgentID: c.AgentID, Type: *c.Type, JSAPIList: c.JSAPIList,
		Endpoint: c.Endpoint, JSAPIURL: c.JSAPIURL, Version: Version,
	}
	return &Tenant{
		Signer: config.Signer(c), Page: page, Renderer: client.NewRenderer(page),
		origins: append(config.Origins(c.PublicOrigin), config.Origins(c.AllowOrigin)...),
		wait:    time.Duration(c.TicketWait), fingerprint: fingerprint(*c, client.Source),
	}
}

// WithLogin lets all pages know the file with the code of ddSidecar.login. It must be
// called before the first page.
func (t *Tenants) WithLogin(file string) {
	t.only.Page.Login = file
	t.only.Renderer = client.NewRenderer(t.only.Page)
	t.only.fingerprint = sha256.Sum256(append(t.only.fingerprint[:], file...))
}

// For returns the tenant that a visit is for.
func (t *Tenants) For(*visit.Visit) *Tenant { return t.only }

// Close gives back what the tenants share with their successors.
func (t *Tenants) Close() { t.release() }
