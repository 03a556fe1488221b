package visit

import (
	"net"
	"net/http"
	"net/netip"

	"github.com/caddy-dingtalk/caddy-dingtalk/signer"
)

// HostHiddenBy returns the address of a proxy that asks for the address that Caddy
// listens at, as nginx does without a line for the Host: which host the browser shows
// is not known then. It is "" where none does. A trusted proxy is one by the
// configuration, a peer in this network by what it sends; a browser of this network
// rightly asks for that address.
func (v *Visit) HostHiddenBy() string {
	at := v.Place()
	if at.Public || !isAddress(at.Origin.Host) || !v.believed() && !v.proxied() {
		return ""
	}
	local, _ := v.request.Context().Value(http.LocalAddrContextKey).(net.Addr)
	if local == nil {
		return ""
	}
	listener, err := netip.ParseAddrPort(local.String())
	if err != nil {
		return "" // a Unix socket has no host
	}
	ip := listener.Addr().Unmap().WithZone("")
	own, err := signer.ParseOrigin(at.Origin.Scheme + "://" + netip.AddrPortFrom(ip, listener.Port()).String())
	if err != nil || at.Origin.Port != own.Port || at.Origin.Host != own.Host && !(at.Origin.Host == "localhost" && ip.IsLoopback()) {
		return ""
	}
	return v.peer()
}

// isAddress reports whether a host is localhost or an IP address, as no name of a site
// is.
func isAddress(host string) bool {
	if host == "" || host == "localhost" {
		return host != ""
	}
	last := host[len(host)-1]
	return last == ']' || last >= '0' && last <= '9'
}

// proxied reports whether a peer in this network is a proxy by what it sends: a
// forwarding header, or HTTP/1.0, which browsers do not speak and nginx does.
func (v *Visit) proxied() bool {
	if !private(v.peer()) {
		return false
	}
	for key, values := range v.request.Header {
		if forwarding[key] && len(values) > 0 {
			return true
		}
	}
	return v.request.ProtoMajor == 1 && v.request.ProtoMinor == 0
}

// forwarding are the keys of the headers by which proxies are known.
var forwarding = func() map[string]bool {
	keys := make(map[string]bool)
	for _, h := range signer.Headers {
		keys[h.Key()] = true
	}
	return keys
}()
