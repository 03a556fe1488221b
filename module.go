// Package dingtalk is a Caddy handler that signs DingTalk (钉钉) H5 pages at the
// edge: it knows the URL as the browser shows it, keeps the jsapi_ticket for the
// whole fleet, and puts the parameters of dd.config into the page.
package dingtalk

import (
	"fmt"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"github.com/caddyserver/caddy/v2/caddyconfig/httpcaddyfile"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"go.uber.org/zap"

	grammar "github.com/caddy-dingtalk/caddy-dingtalk/caddyfile"
	"github.com/caddy-dingtalk/caddy-dingtalk/client"
	"github.com/caddy-dingtalk/caddy-dingtalk/config"
	"github.com/caddy-dingtalk/caddy-dingtalk/inject"
	_ "github.com/caddy-dingtalk/caddy-dingtalk/robot/alert" // the guest events.handlers.dingtalk_robot
	"github.com/caddy-dingtalk/caddy-dingtalk/signer"
	"github.com/caddy-dingtalk/caddy-dingtalk/tokens"
)

// Version is the version of the module, which pages see as ddSidecar.version.
const Version = "0.1.0"

func init() {
	caddy.RegisterModule(Handler{})
	httpcaddyfile.RegisterHandlerDirective("dingtalk", parseCaddyfile)
	// encode compresses what we wrote; we wrap templates, proxies and files.
	httpcaddyfile.RegisterDirectiveOrder("dingtalk", httpcaddyfile.After, "encode")
}

// Handler signs the DingTalk (钉钉) H5 pages of a site, so that `dd.config`
// succeeds without code in the app.
//
// It rebuilds the URL of each page as the user's browser shows it, behind
// whatever proxies, signs it with a jsapi_ticket that it keeps for the whole
// fleet, and inserts one script into the HTML. The script defines
// `window.ddConfig` and corrects the page's own call of `dd.config`. All other
// responses pass untouched.
type Handler struct {
	config.Config

	rules    *signer.Rules
	signer   signer.Signer
	public   []signer.Origin // the public origins of the configuration
	allowed  []signer.Origin // the other origins that may call the endpoints
	renderer *client.Renderer
	doctor   *doctorPage // nil if there is none
	tokens   *tokens.App
	endpoint string
	wait     time.Duration
	release  func() // gives back what outlives a reload

	hosts       *hostIndex
	fingerprint string                      // of what all pages are made of, for their ETags
	generation  *atomic.Pointer[generation] // of the pages that are made now
	notices     *notices
	trials      *atomic.Uint32 // forms of signature that refused pages were told to try
	events      *emitter
	log         *zap.Logger
}

// CaddyModule returns the Caddy module information.
func (Handler) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{
		ID:  "http.handlers.dingtalk",
		New: func() caddy.Module { return new(Handler) },
	}
}

// Provision resolves the configuration and makes what serves it. It does not
// call DingTalk: the first page does.
func (h *Handler) Provision(ctx caddy.Context) error {
	h.log = ctx.Logger()
	c, err := h.Config.Resolve(caddy.NewReplacer())
	if err != nil {
		return err
	}
	if err := c.Validate(); err != nil {
		return err
	}
	c.SetDefaults()
	h.warnOfPlainSecrets()
	if unused := c.UnusedBase(); unused != "" {
		h.log.Warn(unused)
	}

	h.public = config.Origins(c.PublicOrigin)
	h.allowed = config.Origins(c.AllowOrigin)
	h.rules = signer.NewRules(h.public, c.Forwarded)
	h.signer = c.Signer()
	h.endpoint = c.Endpoint
	h.wait = time.Duration(c.TicketWait)
	shared := client.App{
		CorpID: c.CorpID, AgentID: c.AgentID, Type: *c.Type, JSAPIList: c.JSAPIList,
		Endpoint: c.Endpoint, JSAPIURL: c.JSAPIURL, Version: Version,
	}
	h.renderer = client.NewRenderer(shared)
	h.doctor = newDoctorPage(c.Doctor, shared)
	h.fingerprint = fingerprint(&c)
	h.hosts, h.generation, h.notices, h.trials = new(hostIndex), new(atomic.Pointer[generation]), new(notices), new(atomic.Uint32)

	storage, err := h.storage(ctx)
	if err != nil {
		return err
	}
	if h.events, err = newEmitter(ctx); err != nil {
		return err
	}
	if err := registerMetrics(ctx.GetMetricsRegistry()); err != nil {
		return err
	}
	if h.tokens, h.release, err = newTokens(&c, storage, h.log); err != nil {
		return err
	}
	h.tokens.Observe(watcher{h.tokens.Name(), h.events})
	running.add(h, app{h.tokens, c.CorpID})
	release := h.release
	h.release = sync.OnceFunc(func() {
		running.remove(h)
		release()
	})
	return nil
}

// Cleanup gives back what the handler shares with its successor.
func (h *Handler) Cleanup() error {
	if h.release != nil {
		h.release()
	}
	return nil
}

// ServeHTTP is the story of one request. One for an endpoint is answered here.
// One that asks for no document passes as if we were not there. A document gets
// the snippet if it turns out to be a page; whatever fails, it is served.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request, next caddyhttp.Handler) error {
	target := originalTarget(r)
	if name, ours := h.endpointOf(r, target); ours {
		return h.serveEndpoint(w, r, name)
	}
	if target == "" || !inject.IsDocument(r) { // templates ask for parts of a page without a target
		return next.ServeHTTP(w, r)
	}
	place := h.locate(w.Header(), r, facts(r, target)) // now: inner handlers may change the request
	inject.Prepare(r.Header)
	page := inject.NewWriter(w, h.revalidate(r, place.policy), func(dst []byte, header http.Header) ([]byte, string) {
		return h.insert(r, place, dst, header)
	})
	returned := false
	defer func() {
		if !returned { // a panic passes through: a page that is cut off stays so
			page.Abort()
		}
	}()
	err := next.ServeHTTP(page, r)
	returned = true
	if err != nil {
		page.Abort()
		return err
	}
	if coding := page.Refused(); coding != "" {
		pagesTotal.WithLabelValues(outcomeCoding).Inc()
		h.notices.once(h.log, "coding", "a page with a content coding that cannot be taken off passes unsigned: let the upstream send gzip, zstd or none",
			zap.String("content_encoding", coding))
	}
	return page.Finish()
}

// UnmarshalCaddyfile sets up the handler from Caddyfile tokens. Syntax:
//
//	dingtalk [<matcher>] {
//	    app_key        <key>
//	    app_secret     <secret>
//	    corp_secret    <secret>
//	    channel_secret <secret>
//	    corp_id        <id>
//	    agent_id       <id>
//	    js_api_list    <name...>
//	    type           0|1
//	    public_origin  <origin...>
//	    forwarded      <header...>
//	    url_policy     query_decoded|raw|decoded
//	    hash           sha1|sha256
//	    endpoint       <path>
//	    allow_origin   <origin...>
//	    jsapi_url      <url>
//	    api            v1|legacy
//	    api_base       <url>
//	    oapi_base      <url>
//	    ticket_wait    <duration>
//	    doctor         [<token>]
//	    storage        <module> {...}
//	}
func (h *Handler) UnmarshalCaddyfile(d *caddyfile.Dispenser) (err error) {
	h.Config, err = grammar.Parse(d)
	return err
}

func parseCaddyfile(helper httpcaddyfile.Helper) (caddyhttp.MiddlewareHandler, error) {
	h := new(Handler)
	return h, h.UnmarshalCaddyfile(helper.Dispenser)
}

// warnOfPlainSecrets warns of a secret that everybody sees who may read the
// configuration or its autosaved copy.
func (h *Handler) warnOfPlainSecrets() {
	for name, s := range h.Secrets() {
		if *s != "" && !s.Placeholder() {
			h.log.Warn(fmt.Sprintf("%s stands in the configuration in plain text: write {env.NAME} or {file./path} instead", name))
		}
	}
}

// Interface guards
var (
	_ caddy.Provisioner           = (*Handler)(nil)
	_ caddy.CleanerUpper          = (*Handler)(nil)
	_ caddyhttp.MiddlewareHandler = (*Handler)(nil)
	_ caddyfile.Unmarshaler       = (*Handler)(nil)
)
