package examine

import (
	"cmp"
	"context"
	"errors"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"time"

	"github.com/caddy-dingtalk/caddy-dingtalk/config"
	"github.com/caddy-dingtalk/caddy-dingtalk/doctor"
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

// named names the host, and why it is not DingTalk's where it is not.
func (w way) named() doctor.Text {
	if w.proxy {
		return say("%s, the proxy of the environment,", "%s（环境变量指定的代理）", w.host)
	}
	return say("%s", "%s", w.host)
}

// advice says where to look for a fault on the way.
func (w way) advice(machine doctor.Text) doctor.Text {
	if w.proxy {
		return say("Check %s and the proxy that HTTPS_PROXY names.", "请检查%s，以及 HTTPS_PROXY 指定的代理", machine)
	}
	return say("Check %s and %s of the dingtalk directive; if the way out leads through a proxy, set HTTPS_PROXY for Caddy.",
		"请检查%s，以及 dingtalk 指令的 %s；出网要经过代理的，请给 Caddy 设置 HTTPS_PROXY", machine, w.setting)
}

// network looks up the host and connects to it.
func (w way) network(ctx context.Context) (checks []Check, reached bool) {
	dns := w.dns(ctx)
	if dns.Status == Error {
		return []Check{dns, unchecked("connection", say("the host has no address", "主机没有地址"))}, false
	}
	connection := w.connection(ctx)
	return []Check{dns, connection}, connection.Status == OK
}

func (w way) dns(ctx context.Context) Check {
	const name = "dns"
	if _, err := netip.ParseAddr(w.host); err == nil {
		return good(name, say("%s is an address", "%s 本身就是地址", w.host))
	}
	ctx, cancel := context.WithTimeout(ctx, networkTime)
	defer cancel()
	addresses, err := net.DefaultResolver.LookupHost(ctx, w.host)
	if err != nil {
		return bad(name, say("%s has no address: %s", "%s 没有地址：%s", w.named(), lookupFailure(err)),
			w.advice(say("this machine's DNS (/etc/resolv.conf; in a container, the container's)", "本机的 DNS（/etc/resolv.conf；容器里则是容器的）")))
	}
	if len(addresses) > 3 {
		addresses = append(addresses[:3:3], "…")
	}
	return good(name, say("%s has the address %s", "%s 的地址是 %s", w.named(), strings.Join(addresses, ", ")))
}

// lookupFailure is the error without the name of the host and the resolver's address.
func lookupFailure(err error) error {
	var dns *net.DNSError
	if errors.As(err, &dns) {
		return errors.New(dns.Err)
	}
	return err
}

func (w way) connection(ctx context.Context) Check {
	const name = "connection"
	start := time.Now()
	dialer := net.Dialer{Timeout: networkTime}
	conn, err := dialer.DialContext(ctx, "tcp", net.JoinHostPort(w.host, w.port))
	if err != nil {
		return bad(name, say("no connection to %s port %s: %v", "连不上 %s 的端口 %s：%v", w.named(), w.port, err), w.advice(say("this machine's firewall", "本机的防火墙")))
	}
	defer conn.Close()
	return good(name, say("connected to %s in %d ms", "已连接 %s，用时 %d 毫秒", conn.RemoteAddr(), time.Since(start).Milliseconds()))
}
