package testsite

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/quic-go/quic-go"
	"github.com/quic-go/quic-go/http3"
)

// protocols are the versions of HTTP that Caddy speaks with browsers.
var protocols = []string{"HTTP/1.1", "HTTP/2.0", "HTTP/3.0"}

// OverTLS are a site with the directive and the same without, over all protocols.
// Below /flush/ the proxy flushes at once.
const OverTLS = `(served) {
	tls internal {
		on_demand
	}
	reverse_proxy /flush/* UPSTREAM {
		flush_interval -1
	}
	reverse_proxy UPSTREAM
}
https://with.test:PORT {
	dingtalk {
		import app
	}
	import served
}
https://without.test:PORT {
	import served
}`

// OnDemand lets Caddy make a certificate for any name.
const OnDemand = `on_demand_tls {
		ask http://UPSTREAM/ask
	}`

// OverEach runs a test for each protocol, through a site with the directive and
// the same without.
func OverEach(t *testing.T, upstream http.Handler, test func(t *testing.T, proto string, with, without *Site)) {
	t.Helper()
	s := Run(t, Setup{Global: OnDemand, Sites: OverTLS, Upstream: Asked(upstream)})
	for _, proto := range protocols {
		t.Run(proto, func(t *testing.T) {
			test(t, proto, s.Over(t, proto, "with.test"), s.Over(t, proto, "without.test"))
		})
	}
}

// Asked is an upstream that allows all certificates, too.
func Asked(upstream http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/ask" {
			upstream.ServeHTTP(w, r)
		}
	})
}

// Over returns the site under one of its names, over TLS and one protocol.
func (s *Site) Over(t *testing.T, proto, host string) *Site {
	t.Helper()
	own := *s
	own.URL = "https://" + host + ":" + s.Port
	client := *s.Client
	own.Client = &client
	if proto == "HTTP/3.0" {
		transport := &http3.Transport{
			DisableCompression: true,
			TLSClientConfig:    &tls.Config{InsecureSkipVerify: true},
			Dial: func(ctx context.Context, _ string, c *tls.Config, q *quic.Config) (*quic.Conn, error) {
				return quic.DialAddr(ctx, s.Addr, c, q)
			},
		}
		client.Transport = transport
		t.Cleanup(func() { _ = transport.Close() })
		return &own
	}
	transport := s.Client.Transport.(*http.Transport).Clone()
	transport.TLSClientConfig = &tls.Config{InsecureSkipVerify: true}
	transport.Protocols = new(http.Protocols)
	transport.Protocols.SetHTTP1(proto == "HTTP/1.1")
	transport.Protocols.SetHTTP2(proto == "HTTP/2.0")
	client.Transport = transport
	t.Cleanup(transport.CloseIdleConnections)
	return &own
}

// IsCutOff reports whether this is how a protocol tells that a response was cut
// off: the connection ends too early, or the stream is reset.
func IsCutOff(proto string, err error) bool {
	switch proto {
	case "HTTP/1.1":
		return errors.Is(err, io.ErrUnexpectedEOF)
	case "HTTP/2.0":
		return err != nil && strings.Contains(err.Error(), "stream error: stream ID ") && strings.Contains(err.Error(), "received from peer")
	}
	reset, ok := errors.AsType[*http3.Error](err)
	return ok && reset.Remote
}
