package examine

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"time"

	"github.com/caddy-dingtalk/caddy-dingtalk/config"
	"github.com/caddy-dingtalk/caddy-dingtalk/oapi"
)

// networkTime bounds each look at the network.
const networkTime = 5 * time.Second

// way is how the server API is reached.
type way struct {
	base    string // of the API, as the configuration says
	setting string // that changes it
	host    string // where connections go: the API's host or a proxy
	port    string
	proxy   bool
}

// wayTo returns the way to the API that the credential logs in to. proxyOf is as
// that of http.Transport.
func wayTo(c *config.Config, proxyOf func(*http.Request) (*url.URL, error)) way {
	return wayOf(c, c.Credential() == config.App, proxyOf)
}

// wayOf returns the way to the API of v1, or to the older one.
func wayOf(c *config.Config, v1 bool, proxyOf func(*http.Request) (*url.URL, error)) way {
	w := way{base: cmp.Or(c.OAPIBase, oapi.DefaultOAPI), setting: "oapi_base"}
	if v1 {
		w.base, w.setting = cmp.Or(c.APIBase, oapi.DefaultAPI), "api_base"
	}
	target, _ := url.Parse(w.base) // validated
	if proxy, err := proxyOf(&http.Request{URL: target}); err == nil && proxy != nil {
		target, w.proxy = proxy, true
	}
	w.host, w.port = target.Hostname(), target.Port()
	if w.port == "" {
		w.port = map[string]string{"http": "80", "https": "443", "socks5": "1080", "socks5h": "1080"}[target.Scheme]
	}
	return w
}

// String names the host, and why it is not DingTalk's where it is not.
func (w way) String() string {
	if w.proxy {
		return w.host + ", the proxy of the environment,"
	}
	return w.host
}

// advice says where to look for a fault on the way.
func (w way) advice(machine string) string {
	if w.proxy {
		return machine + " and the proxy that HTTPS_PROXY names."
	}
	return machine + " and " + w.setting + " of the dingtalk directive; if the way out leads through a proxy, set HTTPS_PROXY for Caddy."
}

// network looks up the host and connects to it.
func (w way) network(ctx context.Context) (checks []Check, reached bool) {
	dns := w.dns(ctx)
	if dns.Status == Error {
		return []Check{dns, unchecked("connection", "the host has no address")}, false
	}
	connection := w.connection(ctx)
	return []Check{dns, connection}, connection.Status == OK
}

func (w way) dns(ctx context.Context) Check {
	const name = "dns"
	if _, err := netip.ParseAddr(w.host); err == nil {
		return good(name, w.host+" is an address")
	}
	ctx, cancel := context.WithTimeout(ctx, networkTime)
	defer cancel()
	addresses, err := net.DefaultResolver.LookupHost(ctx, w.host)
	if err != nil {
		return bad(name, fmt.Sprintf("%s has no address: %s", w, lookupFailure(err)), w.advice("Check this machine's DNS (/etc/resolv.conf; in a container, the container's)"))
	}
	if len(addresses) > 3 {
		addresses = append(addresses[:3:3], "…")
	}
	return good(name, fmt.Sprintf("%s has the address %s", w, strings.Join(addresses, ", ")))
}

// lookupFailure is the error without the name of the host and the resolver's address.
func lookupFailure(err error) string {
	var dns *net.DNSError
	if errors.As(err, &dns) {
		return dns.Err
	}
	return err.Error()
}

func (w way) connection(ctx context.Context) Check {
	const name = "connection"
	start := time.Now()
	dialer := net.Dialer{Timeout: networkTime}
	conn, err := dialer.DialContext(ctx, "tcp", net.JoinHostPort(w.host, w.port))
	if err != nil {
		return bad(name, fmt.Sprintf("no connection to %s port %s: %v", w, w.port, err), w.advice("Check this machine's firewall"))
	}
	defer conn.Close()
	return good(name, fmt.Sprintf("connected to %s in %d ms", conn.RemoteAddr(), time.Since(start).Milliseconds()))
}
