package e2e

import (
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
)

// countedConn counts what a server writes to a connection: each write is a system call.
type countedConn struct {
	net.Conn
	writes *atomic.Int32
}

func (c countedConn) Write(p []byte) (int, error) {
	c.writes.Add(1)
	return c.Conn.Write(p)
}

type countingListener struct {
	net.Listener
	writes atomic.Int32
}

func (l *countingListener) Accept() (net.Conn, error) {
	conn, err := l.Listener.Accept()
	return countedConn{conn, &l.writes}, err
}

// TestASmallPageLeavesInOneWrite has the header that Caddy sends without TLS for a page of
// nginx, a URL of 60 bytes and two names in js_api_list: all of it fits into the
// 4096 bytes that net/http writes at once.
func TestASmallPageLeavesInOneWrite(t *testing.T) {
	const path, most = "/news/approval/index.html?id=200141537", 2820
	page := "<!DOCTYPE html><html><head><title>x</title></head><body>"
	page += strings.Repeat("x", 1024-len(page))
	h := provisioned(t, `"js_api_list":["biz.contact.choose","device.notification.alert"]`, `"public_origin":["https://h5.example.com"]`)
	next := caddyhttp.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) error {
		for name, value := range map[string]string{
			"Server": "nginx/1.22.1", "Via": "1.1 Caddy", "Content-Length": "1024",
			"Content-Type": "text/html; charset=utf-8", "Etag": `"66f1c2a4-400"`, "Last-Modified": "Mon, 23 Sep 2024 19:31:00 GMT", "Accept-Ranges": "bytes",
		} {
			w.Header().Set(name, value)
		}
		_, err := io.WriteString(w, page)
		return err
	})
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := h.ServeHTTP(w, caddyhttp.PrepareRequest(r, caddy.NewReplacer(), w, nil), next); err != nil {
			t.Error(err)
		}
	}))
	listener := &countingListener{Listener: server.Listener}
	server.Listener = listener
	server.Start()
	defer server.Close()
	r, err := http.NewRequest(http.MethodGet, server.URL+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Sec-Fetch-Dest", "document")
	answer, err := server.Client().Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err != nil || !strings.Contains(string(body), `"url":"https://h5.example.com`+path+`"`) {
		t.Fatalf("%v, %s", err, body)
	}
	t.Logf("%d bytes inserted", len(body)-len(page))
	if n := listener.writes.Load(); n != 1 || len(body)-len(page) > most {
		t.Errorf("%d writes, want 1; %d bytes inserted, want at most %d", n, len(body)-len(page), most)
	}
}
