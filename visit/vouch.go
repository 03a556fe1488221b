package visit

import (
	"net"
	"net/http"
	"net/netip"
	"strings"

	"github.com/caddyserver/caddy/v2/modules/caddytls"

	"github.com/caddy-dingtalk/caddy-dingtalk/signer"
)

// certificates knows for which names the configuration has a certificate: one that
// was loaded, or is managed for a name that stands in it, but none that was issued
// on demand. Caddy's TLS app does.
type certificates interface {
	HasCertificateForSubject(name string) bool
}

// vouched reports whether the configuration says that the site of that origin is
// ours. What is asked about is the rebuilt host: a trusted proxy says which of our
// hosts a request is for, but it passes on what a client sends, and proves nothing.
func (v *Visit) vouched(o signer.Origin) bool {
	return v.desk.named.match(o.Host) ||
		v.desk.hosts.matches(v.asIf(o.Host)) ||
		v.certified(o.Host) ||
		v.desk.any && v.admitted(o.Host) ||
		o.Private() && private(v.peer()) && private(v.listener())
}

// HostVouched reports whether somebody vouches for the Host as it was received,
// whatever proxies say.
func (v *Visit) HostVouched() bool {
	o, err := signer.ParseOrigin("http://" + v.request.Host)
	return err == nil && v.vouched(o)
}

// asIf returns the request as if it were for that host.
func (v *Visit) asIf(host string) *http.Request {
	if name, _, _ := strings.Cut(v.request.Host, ":"); strings.EqualFold(name, host) {
		return v.request
	}
	r := v.request.WithContext(v.request.Context())
	r.Host = host
	return r
}

// certified reports whether the configuration has a certificate for the host, which
// the TLS handshake asked for. The name in the handshake alone says nothing: where
// Caddy has no certificate for it, it may answer with that of another site.
func (v *Visit) certified(host string) bool {
	return v.serverNameIs(host) && v.desk.certificates.HasCertificateForSubject(host)
}

// admitted reports whether somebody else has admitted the host: a trusted proxy, or
// the `ask` endpoint that lets certificates be issued on demand.
func (v *Visit) admitted(host string) bool {
	return v.believed() || v.serverNameIs(host) && len(caddytls.AllMatchingCertificates(host)) > 0
}

func (v *Visit) serverNameIs(host string) bool {
	name := v.serverName()
	return name != "" && strings.EqualFold(name, host)
}

// listener returns our own address, "" if it is unknown.
func (v *Visit) listener() string {
	addr, _ := v.request.Context().Value(http.LocalAddrContextKey).(net.Addr)
	if addr == nil {
		return ""
	}
	return bareIP(addr.String(), addr.Network())
}

// private reports whether an address is one of this machine or of a private network.
func private(address string) bool {
	if address == unixSocket {
		return true
	}
	ip, err := netip.ParseAddr(address)
	return err == nil && (ip.IsLoopback() || ip.IsPrivate())
}

// unixSocket is the address of both ends of a Unix socket.
const unixSocket = "@"

// bareIP takes port and zone off an address.
func bareIP(address, network string) string {
	if strings.HasPrefix(network, "unix") || strings.HasPrefix(address, unixSocket) {
		return unixSocket
	}
	if addr, err := netip.ParseAddrPort(address); err == nil {
		return addr.Addr().Unmap().WithZone("").String()
	}
	return address
}

// patterns are host names that are ours; `*.` stands for one label.
type patterns []string

func (p patterns) match(host string) bool {
	for _, pattern := range p {
		suffix, wild := strings.CutPrefix(pattern, "*")
		if !wild && strings.EqualFold(pattern, host) {
			return true
		}
		if label := len(host) - len(suffix); wild && label > 0 && strings.EqualFold(host[label:], suffix) && strings.IndexByte(host[:label], '.') < 0 {
			return true
		}
	}
	return false
}
