// Package config is the one schema of the dingtalk handler: the JSON fields are
// the Caddyfile's subdirectives.
package config

import (
	"encoding/json"
	"time"

	"github.com/caddyserver/caddy/v2"

	"github.com/caddy-dingtalk/caddy-dingtalk/doctor"
	"github.com/caddy-dingtalk/caddy-dingtalk/signer"
)

// Config is the configuration of one dingtalk handler. Texts may hold
// placeholders that are known when the server starts, such as {env.NAME} and
// {file./path}; they are resolved while provisioning and stay placeholders in
// the running configuration.
type Config struct {
	// The AppKey (ClientID) of an internal app. One kind of credential is
	// required: `app_key` with `app_secret`, or `corp_secret`, or
	// `channel_secret`.
	AppKey string `json:"app_key,omitempty"`
	// The AppSecret (ClientSecret) of the app. Write {env.NAME} or
	// {file./path} rather than the secret itself.
	AppSecret Secret `json:"app_secret,omitempty"`
	// Instead of an app: the CorpSecret of the older login with corpId and
	// corpSecret. Implies `api legacy`.
	CorpSecret Secret `json:"corp_secret,omitempty"`
	// Instead of an app: the ChannelSecret of a service window (服务窗).
	// Implies `api legacy`, and `type` 1.
	ChannelSecret Secret `json:"channel_secret,omitempty"`

	// The corpId (企业 ID) for dd.config. Required.
	CorpID string `json:"corp_id,omitempty"`
	// The agentId of the app for dd.config. Required.
	AgentID string `json:"agent_id,omitempty"`
	// The jsApiList for dd.config, names without `dd.`. If it is given, pages
	// that do not call dd.config get it called for them. Default: empty, the
	// page's own call is corrected.
	JSAPIList []string `json:"js_api_list,omitempty"`
	// The type for dd.config: 0 for an app, 1 for a service window. Default: 1
	// with `channel_secret`, else 0.
	Type *int `json:"type,omitempty"`

	// The origins that users' browsers show, as `https://h5.example.com[:port]`.
	// A single one is always used; of several, the one whose host name is the
	// request's. Default: rebuilt from each request.
	PublicOrigin []string `json:"public_origin,omitempty"`
	// Host names that are ours, where scheme and port are to be rebuilt from each
	// request; `*.` stands for one label. A lone `*` means any host that a trusted
	// proxy passes on or that Caddy has a certificate for, also one issued on
	// demand: for proxies and `ask` endpoints that admit their own names only.
	// Default: the hosts of the site's address and of its certificates.
	PublicHost []string `json:"public_host,omitempty"`
	// The names of further forwarding headers that trusted proxies set and
	// that are to be believed, besides X-Forwarded-Proto and X-Forwarded-Host:
	// X-Forwarded-Port, X-Forwarded-Prefix, X-Forwarded-Uri, X-Original-URI,
	// X-Envoy-Original-Path, X-Client-Scheme, Forwarded. Any other name is a
	// header that holds the original request target. Default: none.
	Forwarded []string `json:"forwarded,omitempty"`
	// The form of the URL that is hashed: `query_decoded` (the query decoded
	// once, as DingTalk's samples do), `raw` (as location.href shows it) or
	// `decoded` (path and query percent-decoded). Default: `query_decoded`.
	URLPolicy string `json:"url_policy,omitempty"`
	// The hash of the signature, `sha1` or `sha256`. Default: `sha1`.
	Hash string `json:"hash,omitempty"`

	// The path of the site under which the handler's own endpoints live.
	// Default: `/.dingtalk`.
	Endpoint string `json:"endpoint,omitempty"`
	// Other web origins whose pages may call the endpoints and whose URLs may
	// be signed. Default: none.
	AllowOrigin []string `json:"allow_origin,omitempty"`
	// The address of DingTalk's JSAPI script, which is then loaded by every
	// page; `//host/…` takes the page's own scheme. Default: not loaded.
	JSAPIURL string `json:"jsapi_url,omitempty"`

	// The server API for tokens and tickets of an app: `v1` (api.dingtalk.com)
	// or `legacy` (oapi.dingtalk.com). Default: `v1`.
	API string `json:"api,omitempty"`
	// The base of the v1 API, without /v1.0. Default: https://api.dingtalk.com
	APIBase string `json:"api_base,omitempty"`
	// The base of the legacy API. Default: https://oapi.dingtalk.com
	OAPIBase string `json:"oapi_base,omitempty"`
	// How long a page may wait for the very first ticket. Default: 2s.
	TicketWait caddy.Duration `json:"ticket_wait,omitempty"`
	// The page `<endpoint>/doctor`, which shows why `dd.config` fails and what to
	// do about it. Default: there is none.
	Doctor *Doctor `json:"doctor,omitempty"`
	// Other programs on this machine may have the app's access token and jsapi_ticket
	// from Caddy's admin endpoint, instead of fetching tickets that end ours. Whoever
	// reaches the admin endpoint can then call DingTalk as the app. Default: false.
	ShareTokens bool `json:"share_tokens,omitempty"`
	// Sign-in (免登): the upstream learns from headers who the user is. Default: there
	// is none.
	Login *Login `json:"login,omitempty"`
	// Further apps and corps: which one a page is for is read from its query. The
	// credential of the directive itself is then optional: it is taken where a request
	// names none. Default: none, and no query is read.
	Tenants []Tenant `json:"tenant,omitempty"`
	// Third-party apps (ISV), each with the corps that have opened it. Default: none.
	Suites []Suite `json:"suite,omitempty"`
	// The storage that the fleet shares tokens in. Default: Caddy's own.
	StorageRaw json.RawMessage `json:"storage,omitempty" caddy:"namespace=caddy.storage inline_key=module"`
}

// Doctor is the configuration of the doctor page.
type Doctor struct {
	// Who wants to see the page must add `?token=` and this to its address. Write
	// {env.NAME} or {file./path} rather than the token itself. Default: anybody may
	// see it.
	Token Secret `json:"token,omitempty"`
}

// AnyHost is the public_host that leaves it to others which hosts are ours.
const AnyHost = "*"

// Defaults.
const (
	DefaultEndpoint   = "/.dingtalk"
	DefaultTicketWait = 2 * time.Second
)

// Credential is a kind of login.
type Credential int

const (
	NoCredential Credential = iota
	App
	LegacyApp
	Corp
	Channel
)

// Credential returns the kind of login that the configuration asks for.
func (c *Config) Credential() Credential {
	switch {
	case c.CorpSecret != "":
		return Corp
	case c.ChannelSecret != "":
		return Channel
	case c.API == "legacy":
		return LegacyApp
	case c.AppKey != "":
		return App
	}
	return NoCredential
}

// UnusedBase tells of a base URL that is set while calls go to the other one, which
// is not: nil if all is well.
func UnusedBase(c *Config) error {
	if len(c.Suites) > 0 {
		return nil // they call both
	}
	v1, oapi := false, false
	for _, one := range c.all() {
		app := one.Credential() == App
		v1, oapi = v1 || app, oapi || !app
	}
	switch {
	case v1 && oapi:
	case v1 && c.OAPIBase != "" && c.APIBase == "":
		return doctor.Wrong("oapi_base is not used, for this app calls api.dingtalk.com: write api_base, or add api legacy")
	case !v1 && c.APIBase != "" && c.OAPIBase == "":
		return doctor.Wrong("api_base is not used, for this login calls oapi.dingtalk.com: write oapi_base")
	}
	return nil
}

// all returns the configurations of all apps that are written in the directive.
func (c *Config) all() (all []Config) {
	if c.HasDefault() || !c.Many() {
		all = append(all, *c)
	}
	for i := range c.Tenants {
		all = append(all, c.ForTenant(&c.Tenants[i]))
	}
	return all
}

// SetDefaults fills in what is not set.
func SetDefaults(c *Config) {
	setTenantDefaults(c)
	if c.Type == nil {
		c.Type = usualType(c.ChannelSecret)
	}
	if c.Endpoint == "" {
		c.Endpoint = DefaultEndpoint
	}
	if c.TicketWait == 0 {
		c.TicketWait = caddy.Duration(DefaultTicketWait)
	}
}

// Signer returns the signer for `url_policy` and `hash`.
func Signer(c *Config) signer.Signer {
	return signer.Signer{Policy: policies[c.URLPolicy], Hash: hashes[c.Hash]}
}

var (
	policies = map[string]signer.Policy{"": signer.QueryDecoded, signer.QueryDecoded.String(): signer.QueryDecoded, signer.Raw.String(): signer.Raw, signer.Decoded.String(): signer.Decoded}
	hashes   = map[string]signer.Hash{"": signer.SHA1, signer.SHA1.String(): signer.SHA1, signer.SHA256.String(): signer.SHA256}
	apis     = map[string]bool{"": true, "v1": true, "legacy": true}
)

// Origins parses texts that have been validated.
func Origins(texts []string) []signer.Origin {
	out := make([]signer.Origin, 0, len(texts))
	for _, t := range texts {
		if o, err := signer.ParseOrigin(t); err == nil {
			out = append(out, o)
		}
	}
	return out
}
