// Package oapi calls the DingTalk server API: typed calls, typed errors,
// nothing cached and nothing repeated. Every error is an [*Error], and none
// carries a secret, an access token or the URL of a call.
package oapi

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"time"
)

// DingTalk's own hosts (page obtain-the-access-token-of-an-internal-app and
// page obtain-orgapp-token).
const (
	DefaultAPI  = "https://api.dingtalk.com"
	DefaultOAPI = "https://oapi.dingtalk.com"
)

// DefaultTimeout bounds one call, from the name lookup to the last byte.
const DefaultTimeout = 5 * time.Second

// bodyLimit is far above any answer that carries a token (about 200 bytes).
const bodyLimit = 64 << 10

// Options are the surroundings of a [Client]; the zero value is DingTalk
// itself, over the internet.
type Options struct {
	// API and OAPI are the bases of the two families of calls, without
	// "/v1.0". Default: DefaultAPI and DefaultOAPI.
	API, OAPI string

	// UserAgent names us to DingTalk. Default: "caddy-dingtalk".
	UserAgent string

	// Transport makes the calls. Default: one that all clients share, with
	// the proxy of the environment.
	Transport http.RoundTripper

	// Timeout bounds one call. Default: DefaultTimeout.
	Timeout time.Duration
}

// Client is one app of one organisation. It is safe for concurrent use.
type Client struct {
	token, ticket endpoint
	id, secret    string
	o             Options
}

// NewApp returns an internal app that logs in with AppKey and AppSecret
// (today's ClientID and ClientSecret) at api.dingtalk.com/v1.0.
func NewApp(appKey, appSecret string, o Options) *Client {
	return newClient(appToken, appTicket, appKey, appSecret, o)
}

// NewLegacyApp returns the same app at oapi.dingtalk.com.
func NewLegacyApp(appKey, appSecret string, o Options) *Client {
	return newClient(legacyToken, legacyTicket, appKey, appSecret, o)
}

// NewCorp returns an organisation that logs in the older way, with corpid and
// corpsecret at oapi.dingtalk.com.
func NewCorp(corpID, corpSecret string, o Options) *Client {
	return newClient(corpToken, legacyTicket, corpID, corpSecret, o)
}

// NewChannel returns a 服务窗 (service window), which has tokens and tickets
// of its own at oapi.dingtalk.com. Only old SDKs still tell of these calls.
func NewChannel(corpID, channelSecret string, o Options) *Client {
	return newClient(channelToken, channelTicket, corpID, channelSecret, o)
}

func newClient(token, ticket endpoint, id, secret string, o Options) *Client {
	if o.API == "" {
		o.API = DefaultAPI
	}
	if o.OAPI == "" {
		o.OAPI = DefaultOAPI
	}
	if o.UserAgent == "" {
		o.UserAgent = "caddy-dingtalk"
	}
	if o.Transport == nil {
		o.Transport = sharedTransport
	}
	if o.Timeout <= 0 {
		o.Timeout = DefaultTimeout
	}
	return &Client{token: token, ticket: ticket, id: id, secret: secret, o: o}
}

// AccessToken asks for the app's access token. While one is valid DingTalk
// answers with the same value and renews it. The lifetime is what DingTalk
// says; it is 0 where that is missing, no JSON number, under a second or
// beyond 24 hours.
func (c *Client) AccessToken(ctx context.Context) (value string, lifetime time.Duration, err error) {
	return c.grant(ctx, c.token, c.token.login(c.id, c.secret))
}

// InCorp asks whether the app is one of that organisation: whether DingTalk gives it an
// access token there, which is dropped (page api-gettoken, for internal and third-party
// apps). Only apps that log in at api.dingtalk.com/v1.0 may ask, as no other host may
// have their secret.
func (c *Client) InCorp(ctx context.Context, corpID string) error {
	made := call{
		name: "oauth2/" + url.PathEscape(corpID) + "/token", v1: true, secrets: []string{c.secret},
		body: map[string]string{"client_id": c.id, "client_secret": c.secret, "grant_type": "client_credentials"},
	}
	if !c.token.v1 {
		return made.unsent(Parameter, errors.New("the app does not log in at this host"))
	}
	_, _, err := c.grant(ctx, endpoint{value: "access_token", lifetime: "expires_in"}, made)
	return err
}

// Ticket asks for the jsapi_ticket that belongs to the access token. The
// lifetime is told as by AccessToken.
func (c *Client) Ticket(ctx context.Context, accessToken string) (value string, lifetime time.Duration, err error) {
	made := c.ticket.ticket(accessToken)
	if accessToken == "" {
		return "", 0, made.unsent(Token, errToken)
	}
	return c.grant(ctx, c.ticket, made)
}

// Format prints the client without its secret, whatever the verb.
func (c *Client) Format(w fmt.State, _ rune) {
	fmt.Fprintf(w, "oapi.Client(%s as %s)", c.token.name, c.id)
}

// redirected names the host only: a Location may repeat the query with the secret.
func redirected(resp *http.Response, hide redactor) error {
	to, err := url.Parse(resp.Header.Get("Location"))
	if err != nil || to.Host == "" {
		return errors.New("the answer is a redirect, which is not followed")
	}
	return fmt.Errorf("the answer is a redirect to %s, which is not followed", hide.clean(to.Host, 100))
}

// sharedTransport serves all clients, so that a reload of the configuration
// leaves no connections behind. A few calls in two hours are not worth a connection
// that is kept: one that has died unnoticed would fail call after call, for HTTP/2
// gives up the stream only.
var sharedTransport http.RoundTripper = &http.Transport{
	Proxy:                  http.ProxyFromEnvironment,
	DialContext:            (&net.Dialer{Timeout: 3 * time.Second}).DialContext,
	TLSHandshakeTimeout:    3 * time.Second,
	DisableKeepAlives:      true,
	MaxResponseHeaderBytes: bodyLimit,
	DisableCompression:     true,
	ForceAttemptHTTP2:      true,
}
