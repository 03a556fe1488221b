// Package dingtalk is a Caddy handler that signs DingTalk (钉钉) H5 pages at the
// edge: it knows the URL as the browser shows it, keeps the jsapi_ticket for the
// whole fleet, and puts the parameters of dd.config into the page.
package dingtalk

import (
	"context"
	"maps"
	"net/http"
	"slices"
	"sync"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"github.com/caddyserver/caddy/v2/caddyconfig/httpcaddyfile"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"go.uber.org/zap"

	grammar "github.com/caddy-dingtalk/caddy-dingtalk/caddyfile"
	"github.com/caddy-dingtalk/caddy-dingtalk/client"
	"github.com/caddy-dingtalk/caddy-dingtalk/config"
	"github.com/caddy-dingtalk/caddy-dingtalk/doctor"
	"github.com/caddy-dingtalk/caddy-dingtalk/endpoint"
	"github.com/caddy-dingtalk/caddy-dingtalk/inject"
	_ "github.com/caddy-dingtalk/caddy-dingtalk/internal/command" // caddy dingtalk …
	"github.com/caddy-dingtalk/caddy-dingtalk/login"
	"github.com/caddy-dingtalk/caddy-dingtalk/observe"
	_ "github.com/caddy-dingtalk/caddy-dingtalk/robot/alert" // the guest events.handlers.dingtalk_robot
	"github.com/caddy-dingtalk/caddy-dingtalk/tenant"
	"github.com/caddy-dingtalk/caddy-dingtalk/visit"
)

func init() {
	caddy.RegisterModule(Handler{})
	httpcaddyfile.RegisterDirective("dingtalk", parseCaddyfile)
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

	desk      *visit.Desk      // judges each request, once
	endpoints *endpoint.Server // what is answered here
	login     *login.Gate      // who is signed in; nil without sign-in
	tenants   *tenant.Tenants  // the apps, with their tickets
	notices   *observe.Notices // keep requests from filling the log
	close     func()           // gives back what outlives a reload
}

// CaddyModule returns the Caddy module information.
func (Handler) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{
		ID:  "http.handlers.dingtalk",
		New: func() caddy.Module { return new(Handler) },
	}
}

// Provision resolves the configuration and makes what serves it. It does not
// call DingTalk: that begins when Caddy has started.
func (h *Handler) Provision(ctx caddy.Context) error {
	log := ctx.Logger()
	c, err := config.Resolve(h.Config, caddy.NewReplacer())
	if err != nil {
		return err
	}
	if err := config.Validate(&c); err != nil {
		return err
	}
	config.SetDefaults(&c)
	h.warn(log, &c)

	events, err := observe.NewEmitter(ctx)
	if err != nil {
		return err
	}
	if err := observe.RegisterMetrics(ctx.GetMetricsRegistry()); err != nil {
		return err
	}
	if h.tenants, err = tenant.Open(ctx, &c, events, log); err != nil {
		return err
	}
	h.close = sync.OnceFunc(h.tenants.Close)
	if h.desk, err = visit.NewDesk(ctx, &c, h); err != nil {
		return err
	}
	if err := events.OnStarted(func() { warnHeldBack(ctx, h, c.Endpoint, log) }); err != nil {
		return err
	}
	h.notices = observe.NewNotices(log)
	h.endpoints = endpoint.New(&c, h.tenants, h.notices, events)
	if h.login, err = login.Open(ctx, &c, h.tenants, events, h.notices); err != nil {
		return err
	}
	if h.login != nil {
		h.tenants.WithLogin(h.login.ScriptName)
		h.endpoints.Add(h.login.Answers())
		h.endpoints.WithSignIn(h.login.Examine)
	}
	h.endpoints.AddSuites(h.tenants.Suites())
	return nil
}

// Cleanup gives back what the handler shares with its successor.
func (h *Handler) Cleanup() error {
	h.login.Close()
	if h.close != nil {
		h.close()
	}
	return nil
}

// ServeHTTP is the story of one request. One for an endpoint is answered here, and so
// is, with sign-in, one whose user is not known or may not see it. A document gets the
// snippet if it turns out to be a page; whatever fails, it is served. All else passes
// as it is, but that HTML says that there is a page under its URL, too.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request, next caddyhttp.Handler) error {
	v := h.desk.Receive(r)
	if name, ours := h.endpoints.NameOf(&v); ours {
		h.endpoints.Serve(w, r, v, name)
		return nil
	}
	h.endpoints.Listen(r, &v)
	user := "" // who the answer is made for
	if h.login != nil {
		var pass bool
		var err error
		if w, user, pass, err = h.login.Guard(w, r, &v); !pass {
			return err
		}
		defer h.login.Leave(w, r)
	}
	if v.Target == "" { // a part of a page that templates ask for, maybe those of another route
		return next.ServeHTTP(w, r)
	}
	switch ask := inject.AskOf(r); ask {
	case inject.AskPage:
		return h.servePage(w, r, v, user, next)
	case inject.AskHead:
		return h.serveHead(w, r, v, user, next)
	case inject.AskPart, inject.AskUnclear:
		return h.servePart(w, r, ask, next)
	}
	inject.Unmark(r.Header)
	return next.ServeHTTP(w, r)
}

// servePage serves a document: it is signed for where it is now, whatever inner
// handlers make of the request.
func (h *Handler) servePage(w http.ResponseWriter, r *http.Request, v visit.Visit, user string, next caddyhttp.Handler) error {
	p := &page{tenant: h.tenants.For(&v), at: v.Place().For(user), host: v.Host(), hiddenBy: v.HostHiddenBy(), remembered: v.Remembered, posted: r.Method != http.MethodGet}
	inject.Prepare(r.Header)
	kept := revalidate(r, p)
	out := &p.out
	out.Start(w, kept, func(dst []byte, header http.Header) ([]byte, string) {
		return h.insert(r.Context(), p, dst, header)
	})
	out.Carry(core)
	returned := false
	defer func() {
		if !returned { // a panic passes through: a page that is cut off stays so
			out.Abort()
		}
	}()
	err := serveKept(out, r, kept != "", next)
	returned = true
	if err != nil {
		out.Abort()
		return err
	}
	err = out.Finish()
	h.notices.LeftAlone(out.Outcome(), p.host, out.Refused())
	return err
}

// core is the part of the script that stands in all pages, compressed once.
var core = inject.Pack(client.Core)

// keptWriter is the writer of an answer about a page that the browser may have kept.
type keptWriter interface {
	http.ResponseWriter
	Again() bool
}

// serveKept asks upstream, and once more where its 304 does not fit the page that
// the browser has kept.
func serveKept(out keptWriter, r *http.Request, conditional bool, next caddyhttp.Handler) error {
	if !conditional {
		return next.ServeHTTP(out, r)
	}
	before := untouched(r)
	if err := next.ServeHTTP(out, r); err != nil || !out.Again() {
		return err
	}
	*r = *before // the same one: placeholders such as {uri} read it
	r.Header.Del("If-None-Match")
	return next.ServeHTTP(out, r)
}

// untouched returns the request as it is before inner handlers rewrite it, set its
// variables, and note in its context which of several handle blocks it went through:
// without that it would go through none the second time.
func untouched(r *http.Request) *http.Request {
	ctx := r.Context()
	if groups, ok := ctx.Value(routeGroups).(map[string]struct{}); ok {
		ctx = context.WithValue(ctx, routeGroups, maps.Clone(groups))
	}
	if vars, ok := ctx.Value(caddyhttp.VarsCtxKey).(map[string]any); ok {
		ctx = context.WithValue(ctx, caddyhttp.VarsCtxKey, maps.Clone(vars))
	}
	return r.Clone(ctx)
}

// routeGroups is caddyhttp's own key, which it does not export, for the groups of
// routes of which one has matched.
const routeGroups = caddy.CtxKey("route_group")

// serveHead answers the HEAD of a document with the header of its GET.
func (h *Handler) serveHead(w http.ResponseWriter, r *http.Request, v visit.Visit, user string, next caddyhttp.Handler) error {
	p := &page{tenant: h.tenants.For(&v), at: v.Place().For(user)}
	inject.Prepare(r.Header)
	kept := revalidate(r, p)
	out := inject.NewHeadWriter(w, kept, func(http.Header) string { return p.tenant.Suffix(p.at) })
	err := serveKept(out, r, kept != "", next)
	out.Close()
	return err
}

// servePart serves what was not asked for as a document. Caches must not give it to
// whoever asks for one.
func (h *Handler) servePart(w http.ResponseWriter, r *http.Request, ask inject.Ask, next caddyhttp.Handler) error {
	out := inject.NewPartWriter(w, inject.Unmark(r.Header))
	err := next.ServeHTTP(out, r)
	if ask == inject.AskUnclear && out.IsHTML() {
		h.notices.Passed(observe.NotAsked, zap.String("user_agent", r.UserAgent()))
	}
	out.Close()
	return err
}

// page is what is known of a page before upstream has answered.
type page struct {
	tenant     tenant.Choice
	at         visit.Place
	host       string
	hiddenBy   string // see Visit.HostHiddenBy
	remembered string // the tenant, by the browser
	posted     bool   // it answers a request other than GET

	out inject.Writer // where it goes
}

// revalidate changes If-None-Match for upstream, and returns what a 304 gets back, ""
// if no condition is left. On a POST it is no question for a page that is kept, and
// stays (RFC 9110 section 13.1.2).
func revalidate(r *http.Request, p *page) (kept string) {
	if len(r.Header["If-None-Match"]) == 0 || r.Method == http.MethodPost {
		return ""
	}
	return inject.Revalidate(r.Header, p.tenant.Suffix(p.at))
}

// insert appends the snippet for a page.
func (h *Handler) insert(ctx context.Context, p *page, dst []byte, header http.Header) (snippet []byte, suffix string) {
	signed, suffix := p.tenant.SignPage(ctx, p.at)
	signed.Posted = p.posted
	observe.CountPage(signed)
	if h.tenants.Many() {
		observe.CountTenantPage(signed)
	}
	if signed.Err != nil {
		h.notices.Unsigned(signed.Err, p.host)
	} else {
		p.tenant.Remember(header, p.at, p.remembered)
	}
	if p.hiddenBy != "" {
		h.notices.HostHidden(p.hiddenBy, p.host)
	}
	form := client.FormFor(header, func() string { return h.endpoints.ScriptURL(p.at.Origin.String(), p.tenant.Tenant) })
	return p.tenant.Renderer.Append(dst, signed, form), suffix
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
//	    public_host    <host...>
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
//	    share_tokens
//	    login          [{...}]
//	    tenant         <corp_id> <agent_id> {...}
//	    suite          <suite_key> {...}
//	    storage        <module> {...}
//	}
func (h *Handler) UnmarshalCaddyfile(d *caddyfile.Dispenser) (err error) {
	h.Config, err = grammar.Parse(d, nil)
	return err
}

// parseCaddyfile is what httpcaddyfile does for each handler directive, but that it
// knows whether a matcher stands before it, and reads named matchers within.
func parseCaddyfile(helper httpcaddyfile.Helper) ([]httpcaddyfile.ConfigValue, error) {
	if !helper.Next() {
		return nil, helper.ArgErr()
	}
	if helper.NextArg() {
		if err := config.Habit(helper.Val()); err != nil {
			return nil, helper.WrapErr(doctor.Wrong("the matcher of dingtalk: %v", err))
		}
		helper.Prev()
	}
	matcher, err := helper.ExtractMatcherSet()
	if err != nil {
		return nil, err
	}
	h := new(Handler)
	if h.Config, err = grammar.Parse(helper.Dispenser, helper.MatcherToken); err != nil {
		return nil, err
	}
	if matcher != nil && h.Config.Login != nil {
		found := doctor.SignInBehind(slices.Sorted(maps.Keys(matcher))).Advice()
		caddy.Log().Named("http.handlers.dingtalk").Warn(found.EN, zap.String("advice_zh", found.ZH))
	}
	return helper.NewRoute(matcher, h), nil
}

// warn warns of secrets that everybody sees who may read the configuration or its
// autosaved copy, and of a line that has no effect.
func (h *Handler) warn(log *zap.Logger, resolved *config.Config) {
	for name, s := range h.Secrets() {
		if *s != "" && !s.Placeholder() {
			plain := doctor.Wrong("%s stands in the configuration in plain text: write {env.NAME} or {file./path} instead", name)
			log.Warn(plain.Error(), zap.String("advice_zh", doctor.Of(plain).ZH))
		}
	}
	if unused := config.UnusedBase(resolved); unused != nil && resolved.Login == nil { // sign-in calls both
		log.Warn(unused.Error(), zap.String("advice_zh", doctor.Of(unused).ZH))
	}
}

// warnHeldBack warns of endpoints that never reach the handler.
func warnHeldBack(ctx caddy.Context, h *Handler, endpoint string, log *zap.Logger) {
	if patterns := visit.HeldBack(ctx, h, endpoint+"/config"); patterns != nil {
		found := doctor.HeldBack(endpoint, patterns).Advice()
		log.Warn(found.EN, zap.String("advice_zh", found.ZH))
	}
}

// Interface guards
var (
	_ caddy.Provisioner           = (*Handler)(nil)
	_ caddy.CleanerUpper          = (*Handler)(nil)
	_ caddyhttp.MiddlewareHandler = (*Handler)(nil)
	_ caddyfile.Unmarshaler       = (*Handler)(nil)
)
