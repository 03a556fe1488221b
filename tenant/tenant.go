// Package tenant is one app of one corp: its name, its tokens and its signed
// pages; and which of several a visit is for.
package tenant

import (
	"crypto/sha256"
	"fmt"
	"iter"
	"maps"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/caddyserver/caddy/v2"
	"go.uber.org/zap"

	"github.com/caddy-dingtalk/caddy-dingtalk/client"
	"github.com/caddy-dingtalk/caddy-dingtalk/config"
	"github.com/caddy-dingtalk/caddy-dingtalk/doctor"
	"github.com/caddy-dingtalk/caddy-dingtalk/observe"
	"github.com/caddy-dingtalk/caddy-dingtalk/signer"
	"github.com/caddy-dingtalk/caddy-dingtalk/tenant/suite"
	"github.com/caddy-dingtalk/caddy-dingtalk/tokens"
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

	suite       *suite.Suite               // that it is a corp of, nil if it is none's
	revoked     int64                      // see Suite
	none        *Error                     // why it is nobody's, nil if it is somebody's
	origins     []signer.Origin            // which URLs may be signed besides those of a page's own
	wait        time.Duration              // how long a page may wait for the first ticket
	fingerprint [sha256.Size]byte          // of what all its pages are made of
	generation  atomic.Pointer[generation] // of the pages that are made now
}

// Tenants are the apps that one directive serves.
type Tenants struct {
	only   *Tenant // nil where there are several
	all    []*Tenant
	nobody *Tenant // makes the pages of visits that are for none of several
	chooser
	suites  suites
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
	var stops []func()
	t := &Tenants{release: func() {
		for _, stop := range stops {
			stop()
		}
		_, _ = memories.Delete(memoryKey)
	}}
	if err := events.OnStarted(func() { go t.warm() }); err != nil {
		t.Close()
		return nil, err
	}
	open := func(c *config.Config, many bool) *Tenant {
		one, stop := openTenant(c, many, tokens.Options{Storage: storage, Memory: memory.(*tokens.Memory), Log: log}, events)
		stops = append(stops, stop)
		t.all = append(t.all, one)
		return one
	}
	if !c.Many() {
		t.only = open(c, false)
		return t, nil
	}
	observe.BeginTenantPages(ByQuery, ByReferer, ByCookie, ByDefault, ByOnly)
	t.nobody = newNobody(c)
	t.corps = len(c.Suites) > 0
	if t.suites, err = openSuites(c, storage, events, log); err != nil {
		t.Close()
		return nil, err
	}
	stops = append(stops, t.suites.Close)
	if c.HasDefault() {
		own := *c
		own.Tenants, own.Suites = nil, nil
		_ = t.add(open(&own, true), nil) // it has no matchers
	}
	for i := range c.Tenants {
		own := c.ForTenant(&c.Tenants[i])
		if err := t.add(open(&own, true), &c.Tenants[i]); err != nil {
			t.Close()
			return nil, err
		}
	}
	return t, nil
}

// warming lets the apps of a process get their tickets one after another: many that
// start at once would look like an attack to DingTalk.
var warming sync.Mutex

// warm gets the tickets of the apps when Caddy has started. Corps of third-party apps
// are left to their first pages.
func (t *Tenants) warm() {
	for _, one := range t.all {
		warming.Lock()
		one.Tokens.Warm()
		warming.Unlock()
	}
}

// openTenant makes one tenant, and what ends it. The options are those that all share.
func openTenant(c *config.Config, many bool, o tokens.Options, events *observe.Emitter) (t *Tenant, stop func()) {
	t = newTenant(c, many)
	o.Name, o.Source = Name(c), Source(c)
	o.Observer = observe.Watcher{App: o.Name, Events: events}
	o.Advice = func(err error) string { return doctor.Advice(err).EN }
	o.AdviceZH = func(err error) string { return doctor.Advice(err).ZH }
	t.Tokens = tokens.NewApp(o)
	t.Tokens.TakeOver()
	hide := observe.Run(observe.App{Tokens: t.Tokens, CorpID: c.CorpID, AgentID: c.AgentID, Many: many, Shares: c.ShareTokens})
	return t, func() {
		hide()
		t.Tokens.Close()
	}
}

// newTenant makes a tenant without tokens. many tells that it is one of several, as its
// pages do.
func newTenant(c *config.Config, many bool) *Tenant {
	page := client.App{
		CorpID: c.CorpID, AgentID: c.AgentID, Many: many, Type: *c.Type, JSAPIList: c.JSAPIList,
		Endpoint: c.Endpoint, JSAPIURL: c.JSAPIURL, Version: Version,
	}
	t := &Tenant{
		Signer: config.Signer(c), Page: page, Renderer: client.NewRenderer(page),
		origins: append(config.Origins(c.PublicOrigin), config.Origins(c.AllowOrigin)...),
		wait:    time.Duration(c.TicketWait), fingerprint: fingerprint(*c, client.Source),
	}
	if many {
		t.addToFingerprint("many")
	}
	return t
}

// newNobody makes the tenant of pages that are for none.
func newNobody(c *config.Config) *Tenant {
	nobody := *c
	nobody.CorpID, nobody.AgentID = "", ""
	return newTenant(&nobody, true)
}

func (t *Tenant) addToFingerprint(text string) {
	t.fingerprint = sha256.Sum256(append(t.fingerprint[:], text...))
}

// Each goes through the tenants of a configuration, with the configuration that each would
// have as a directive of its own. The corps of suites are none of them.
func (t *Tenants) Each(c *config.Config) iter.Seq2[*Tenant, *config.Config] {
	return func(yield func(*Tenant, *config.Config) bool) {
		for i, one := range t.all {
			own := *c
			own.Tenants, own.Suites = nil, nil
			if at := i - len(t.all) + len(c.Tenants); at >= 0 { // behind the default one
				own = c.ForTenant(&c.Tenants[at])
			}
			if !yield(one, &own) {
				return
			}
		}
	}
}

// WithLogin lets the pages of each tenant know the file with the code of ddSidecar.login. It
// must be called before the first page.
func (t *Tenants) WithLogin(fileFor func(*Tenant) string) {
	for _, one := range slices.AppendSeq(slices.Clip(t.all), maps.Values(t.suites.pages)) {
		file := fileFor(one)
		one.Page.Login = file
		one.Renderer = client.NewRenderer(one.Page)
		one.addToFingerprint(file)
	}
}

// Many tells whether there are several, so that visits are for one of them, or for none.
func (t *Tenants) Many() bool { return t.only == nil }

// Close gives back what the tenants share with their successors.
func (t *Tenants) Close() { t.release() }

// queryOf returns the query of a request target.
func queryOf(target string) string {
	_, query, _ := strings.Cut(target, "?")
	return query
}
