package visit

import (
	"context"
	"crypto/tls"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"github.com/caddy-dingtalk/caddy-dingtalk/signer"
)

// issued are the names that the configuration has a certificate for.
type issued []string

func (names issued) HasCertificateForSubject(name string) bool { return patterns(names).match(name) }

// arrival is a request as it arrives.
type arrival struct {
	host    string // the Host
	sni     string // in the TLS handshake, "" if there was none
	peer    string // default 203.0.113.9:1
	own     net.Addr
	trusted bool
	early   bool
}

var (
	publicEnd  = &net.TCPAddr{IP: net.ParseIP("198.51.100.1"), Port: 443}
	privateEnd = &net.TCPAddr{IP: net.ParseIP("10.0.0.1"), Port: 80}
	socketEnd  = &net.UnixAddr{Name: "/run/caddy.sock", Net: "unix"}
)

func (a arrival) receive(d *Desk) Visit {
	r := httptest.NewRequest(http.MethodGet, "/p", nil)
	r.Host, r.RemoteAddr = a.host, a.peer
	if a.peer == "" {
		r.RemoteAddr = "203.0.113.9:1"
	}
	if a.sni != "" || a.early {
		r.TLS = &tls.ConnectionState{HandshakeComplete: !a.early, ServerName: a.sni}
	}
	if a.own == nil {
		a.own = publicEnd
	}
	ctx := context.WithValue(r.Context(), http.LocalAddrContextKey, a.own)
	ctx = context.WithValue(ctx, caddyhttp.VarsCtxKey, map[string]any{caddyhttp.TrustedProxyVarKey: a.trusted})
	ctx = context.WithValue(ctx, caddy.ReplacerCtxKey, caddy.NewReplacer())
	return d.Receive(r.WithContext(ctx))
}

func TestWhoVouchesForAHost(t *testing.T) {
	const yes, no = true, false
	h := new(signing)
	for name, test := range map[string]struct {
		desk    Desk
		arrival arrival
		signed  bool
	}{
		"nobody":                                      {Desk{}, arrival{host: "h5.test"}, no},
		"public_host":                                 {Desk{named: patterns{"a.test", "h5.test"}}, arrival{host: "h5.test"}, yes},
		"public_host, the Host in capitals":           {Desk{named: patterns{"h5.test"}}, arrival{host: "H5.Test:8443"}, yes},
		"public_host in capitals":                     {Desk{named: patterns{"H5.Test"}}, arrival{host: "h5.test"}, yes},
		"public_host, a name before it":               {Desk{named: patterns{"h5.test"}}, arrival{host: "a.h5.test"}, no},
		"public_host, a letter before it":             {Desk{named: patterns{"h5.test"}}, arrival{host: "ah5.test"}, no},
		"public_host, a dot behind it":                {Desk{named: patterns{"h5.test"}}, arrival{host: "h5.test."}, no},
		"a wildcard for one label":                    {Desk{named: patterns{"*.h5.test"}}, arrival{host: "a.h5.test"}, yes},
		"a wildcard, the label in capitals":           {Desk{named: patterns{"*.H5.test"}}, arrival{host: "A.h5.TEST"}, yes},
		"a wildcard, two labels":                      {Desk{named: patterns{"*.h5.test"}}, arrival{host: "a.b.h5.test"}, no},
		"a wildcard, no label":                        {Desk{named: patterns{"*.h5.test"}}, arrival{host: "h5.test"}, no},
		"a wildcard, an empty label":                  {Desk{named: patterns{"*.h5.test"}}, arrival{host: ".h5.test"}, no},
		"a lone star, a stranger":                     {Desk{any: true}, arrival{host: "h5.test"}, no},
		"a lone star among the names matches none":    {Desk{named: patterns{"*"}, any: true}, arrival{host: "h5.test"}, no},
		"a lone star, a trusted proxy":                {Desk{any: true}, arrival{host: "h5.test", trusted: true}, yes},
		"a lone star, a trusted proxy in early data":  {Desk{any: true}, arrival{host: "h5.test", trusted: true, early: true}, no},
		"a trusted proxy alone":                       {Desk{}, arrival{host: "h5.test", trusted: true}, no},
		"a certificate":                               {Desk{certificates: issued{"h5.test"}}, arrival{host: "h5.test", sni: "h5.test"}, yes},
		"a certificate for one label":                 {Desk{certificates: issued{"*.test"}}, arrival{host: "h5.test", sni: "H5.test"}, yes},
		"a certificate, another handshake":            {Desk{certificates: issued{"h5.test"}}, arrival{host: "h5.test", sni: "evil.test"}, no},
		"a certificate, a handshake without a name":   {Desk{certificates: issued{"h5.test"}}, arrival{host: "h5.test"}, no},
		"a handshake without a certificate":           {Desk{}, arrival{host: "evil.test", sni: "evil.test"}, no},
		"localhost, both ends private":                {Desk{}, arrival{host: "localhost:8080", peer: "127.0.0.1:1", own: privateEnd}, yes},
		"a private address, both ends private":        {Desk{}, arrival{host: "192.168.1.2", peer: "192.168.1.9:1", own: privateEnd}, yes},
		"a private address, IPv6 ends":                {Desk{}, arrival{host: "[fd00::1]", peer: "[fd00::9]:1", own: &net.TCPAddr{IP: net.ParseIP("::1"), Port: 80}}, yes},
		"a private address, an IPv4 peer in IPv6":     {Desk{}, arrival{host: "10.0.0.1", peer: "[::ffff:10.0.0.9]:1", own: privateEnd}, yes},
		"a private address, a peer with a zone":       {Desk{}, arrival{host: "[fd00::1]", peer: "[fd00::9%eth0]:1", own: privateEnd}, yes},
		"a private address, a public peer":            {Desk{}, arrival{host: "192.168.1.2", own: privateEnd}, no},
		"a private address, a public end of ours":     {Desk{}, arrival{host: "192.168.1.2", peer: "10.0.0.9:1"}, no},
		"localhost, a public peer":                    {Desk{}, arrival{host: "localhost", own: privateEnd}, no},
		"localhost, a public end of ours":             {Desk{}, arrival{host: "localhost", peer: "127.0.0.1:1"}, no},
		"localhost, through a Unix socket":            {Desk{}, arrival{host: "localhost", peer: "@", own: socketEnd}, yes},
		"localhost, a peer that cannot be told":       {Desk{}, arrival{host: "localhost", peer: "pipe", own: privateEnd}, no},
		"localhost, an end of ours that is not known": {Desk{}, arrival{host: "localhost", peer: "127.0.0.1:1", own: &net.UDPAddr{}}, no},
		"a public name between private ends":          {Desk{}, arrival{host: "h5.test", peer: "127.0.0.1:1", own: privateEnd}, no},
		"a public address between private ends":       {Desk{}, arrival{host: "203.0.113.1", peer: "127.0.0.1:1", own: privateEnd}, no},
	} {
		t.Run(name, func(t *testing.T) {
			d := test.desk
			d.rules, d.hosts = signer.NewRules(nil, nil), &hostIndex{handler: h}
			if d.certificates == nil {
				d.certificates = issued(nil)
			}
			v := test.arrival.receive(&d)
			place := v.Place()
			if (place.Err == nil) != test.signed {
				t.Fatalf("%+v", place.Err)
			}
			if !test.signed && (place.Err.Reason != signer.Unvouched || place.Err.Subject != place.Origin.String()) {
				t.Errorf("the reason is %+v", place.Err)
			}
			if caller := v.Caller(); caller.Vouched != test.signed {
				t.Errorf("the endpoints know %+v", caller)
			}
		})
	}
}

// TestTheHostOfATrustedProxyIsTheOneThatIsAskedAbout, whatever the Host is.
func TestTheHostOfATrustedProxyIsTheOneThatIsAskedAbout(t *testing.T) {
	for name, test := range map[string]struct {
		host, forwarded string
		signed          bool
	}{
		"the proxy names our host":          {"app:3000", "h5.test", true},
		"the proxy passes on a foreign one": {"h5.test", "evil.test", false},
	} {
		d := Desk{rules: signer.NewRules(nil, nil), hosts: &hostIndex{}, named: patterns{"h5.test"}, certificates: issued{"h5.test"}}
		v := arrival{host: test.host, sni: "h5.test", trusted: true}.receive(&d)
		v.request.Header.Set("X-Forwarded-Host", test.forwarded)
		if place := v.Place(); (place.Err == nil) != test.signed || place.Origin.Host != test.forwarded {
			t.Errorf("%s: %+v", name, place)
		}
	}
}
