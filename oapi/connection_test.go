package oapi

import (
	"context"
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
)

// TestNoCallDependsOnTheConnectionOfAnother: one that a firewall has forgotten
// would fail each of them.
func TestNoCallDependsOnTheConnectionOfAnother(t *testing.T) {
	for name, h2 := range map[string]bool{"HTTP/1.1": false, "HTTP/2.0": true} {
		t.Run(name, func(t *testing.T) {
			var connections atomic.Int32
			server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.Proto != name {
					t.Errorf("the call comes by %s", r.Proto)
				}
				_, _ = io.WriteString(w, `{"accessToken":"v","expireIn":7200}`)
			}))
			server.EnableHTTP2 = h2
			server.Config.ConnState = func(_ net.Conn, s http.ConnState) {
				if s == http.StateNew {
					connections.Add(1)
				}
			}
			server.StartTLS()
			defer server.Close()
			transport := sharedTransport.(*http.Transport).Clone()
			transport.TLSClientConfig = &tls.Config{RootCAs: server.Client().Transport.(*http.Transport).TLSClientConfig.RootCAs}
			c := NewApp("id", "secret", Options{API: server.URL, Transport: transport})
			for range 3 {
				if _, _, err := c.AccessToken(context.Background()); err != nil {
					t.Fatal(err)
				}
			}
			if n := connections.Load(); n != 3 {
				t.Errorf("%d connections for 3 calls", n)
			}
		})
	}
}
