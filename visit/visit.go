// Package visit judges one request, once: which page it is for, who vouches for
// its site, and who calls. Nobody else looks at trust, Host or forwarding headers.
package visit

import (
	"net/http"
	"slices"
	"strings"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"github.com/caddy-dingtalk/caddy-dingtalk/doctor"
	"github.com/caddy-dingtalk/caddy-dingtalk/signer"
)

// Visit is one request, judged as it arrived: inner handlers may change it later.
type Visit struct {
	// Target is the request target exactly as received, before any rewriting. It
	// is empty for the parts of a page that templates ask for.
	Target string
	// Trusted tells whether the peer is a trusted proxy (Caddy's
	// trusted_proxies).
	Trusted bool
	// Early tells whether the request came as TLS early data (0-RTT), where the
	// peer's address is not proven: no proxy is believed.
	Early bool
	// Remembered is the cookie with the tenant, "" if there is none or nothing to choose.
	Remembered string
	// Pushed tells that it is a push of DingTalk's to the app's own callback, which its
	// signature proves.
	Pushed bool

	desk    *Desk
	request *http.Request
	place   Place
	placed  bool // place is known
}

// Receive judges a request. Where there are several tenants, it takes the cookie with the
// tenant out of it.
func (d *Desk) Receive(r *http.Request) Visit {
	trusted, _ := caddyhttp.GetVar(r.Context(), caddyhttp.TrustedProxyVarKey).(bool)
	remembered := ""
	if d.many {
		remembered = takeTenant(r)
	}
	return Visit{
		Target:     originalTarget(r),
		Trusted:    trusted,
		Early:      r.TLS != nil && !r.TLS.HandshakeComplete,
		Remembered: remembered,
		desk:       d,
		request:    r,
	}
}

// originalTarget returns the request target as it was received, whatever has
// been rewritten since.
func originalTarget(r *http.Request) string {
	if original, ok := r.Context().Value(caddyhttp.OriginalRequestCtxKey).(http.Request); ok {
		return original.RequestURI
	}
	return r.RequestURI
}

// OriginForm is a request target without the scheme and host that old proxies write in
// front of it, which every server has to take (RFC 9112 section 3.2.2). No such page is
// signed; all else must know what it is for.
func OriginForm(target string) string {
	if strings.HasPrefix(target, "/") {
		return target
	}
	_, rest, absolute := strings.Cut(target, "://")
	if !absolute {
		return target
	}
	at := strings.IndexAny(rest, "/?")
	switch {
	case at < 0:
		return "/"
	case rest[at] == '?':
		return "/" + rest[at:]
	}
	return rest[at:]
}

// Restores tells whether a trusted proxy may say that the browser asked for
// another target than the one received.
func (v *Visit) Restores() bool { return v.desk.rules.RestoreTargets() }

// Listed reports whether the configuration lists an origin whose URLs may be
// signed: as one of ours, or as another that may call the endpoints.
func (v *Visit) Listed(o signer.Origin) bool {
	return slices.Contains(v.desk.public, o) || slices.Contains(v.desk.allowed, o)
}

// Settings are the lines of the directive that decide on URLs and signatures.
func (v *Visit) Settings() doctor.Settings { return v.desk.settings }

// Host is the Host of the request, as it stands in logs. It proves nothing.
func (v *Visit) Host() string { return v.request.Host }

// facts are what the signer may go by: what is believed is decided here.
func (v *Visit) facts() signer.Request {
	facts := signer.Request{TLS: v.request.TLS != nil, Host: v.request.Host, Target: v.Target}
	if v.believed() {
		facts.Forwarded = v.request.Header
	}
	return facts
}

// believed reports whether the peer is a trusted proxy for certain.
func (v *Visit) believed() bool { return v.Trusted && !v.Early }

// serverName is the name that the TLS handshake asked for (SNI), "" if none.
func (v *Visit) serverName() string {
	if v.request.TLS == nil {
		return ""
	}
	return v.request.TLS.ServerName
}

// peer returns the IP address of whoever is connected, "@" for a Unix socket.
func (v *Visit) peer() string { return bareIP(v.request.RemoteAddr, "") }
