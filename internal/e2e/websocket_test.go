//lint:file-ignore SA1019 the transport of net/http refuses the pseudo-header :protocol

package e2e

import (
	"bufio"
	"context"
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/http2"

	"github.com/caddy-dingtalk/caddy-dingtalk/internal/testsite"
)

// webSocket is an upstream that answers each line of a WebSocket.
var webSocket = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
	if r.Header.Get("Upgrade") != "websocket" {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	conn, rw, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return
	}
	defer conn.Close()
	_, _ = rw.WriteString("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nX-Key: " + r.Header.Get("X-Key") + "\r\nX-Seen: " + r.Header.Get("Sec-Websocket-Key") + "\r\n\r\n")
	_ = rw.Flush()
	for {
		line, err := rw.ReadString('\n')
		if err != nil {
			return
		}
		_, _ = rw.WriteString("echo " + line)
		_ = rw.Flush()
	}
})

// xconnect is what lets net/http accept extended CONNECT. It counts at the start
// of a process.
const xconnect = "http2xconnect=1"

func TestAWebSocketOverHTTP2Passes(t *testing.T) {
	if !strings.Contains(os.Getenv("GODEBUG"), xconnect) {
		again := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestAWebSocketOverHTTP2Passes$")
		again.Env = append(os.Environ(), "GODEBUG="+xconnect)
		if out, err := again.CombinedOutput(); err != nil {
			t.Errorf("%v\n%s", err, out)
		}
		return
	}
	s := testsite.Run(t, testsite.Setup{Global: testsite.OnDemand, Sites: testsite.OverTLS, Upstream: testsite.Asked(webSocket)})
	with := s.Over(t, "HTTP/2.0", "with.test")
	transport := &http2.Transport{
		TLSClientConfig: &tls.Config{InsecureSkipVerify: true},
		DialTLSContext: func(ctx context.Context, network, _ string, c *tls.Config) (net.Conn, error) {
			return (&tls.Dialer{Config: c}).DialContext(ctx, network, s.Addr)
		},
	}
	t.Cleanup(transport.CloseIdleConnections)
	with.Client.Transport = transport
	expectWebSocket(t, with, "HTTP/1.1", testsite.Header("Sec-Websocket-Version", "13", ":protocol", "websocket"))
}

func TestAWebSocketOverHTTP3Passes(t *testing.T) {
	s := testsite.Run(t, testsite.Setup{Global: testsite.OnDemand, Sites: testsite.OverTLS, Upstream: testsite.Asked(webSocket)})
	expectWebSocket(t, s.Over(t, "HTTP/3.0", "with.test"), "websocket", testsite.Header("Sec-Websocket-Version", "13"))
}

// expectWebSocket opens a WebSocket by extended CONNECT (RFC 8441, RFC 9220).
func expectWebSocket(t *testing.T, s *testsite.Site, proto string, header http.Header) {
	t.Helper()
	for _, accept := range []string{"*/*", "text/html"} {
		body, lines := io.Pipe()
		defer lines.Close()
		req, _ := http.NewRequestWithContext(t.Context(), http.MethodConnect, s.URL+"/ws", body)
		req.Proto = proto
		req.Header = header.Clone()
		req.Header.Set("X-Key", "abc")
		req.Header.Set("Accept", accept)
		resp, err := s.Client.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		if resp.StatusCode != http.StatusOK || resp.Header.Get("X-Key") != "abc" {
			t.Fatalf("%d %v", resp.StatusCode, resp.Header)
		}
		for _, line := range []string{"one\n", "<html><head>\n"} {
			_, _ = io.WriteString(lines, line)
			if got := testsite.Arrives(t, resp.Body, line); got != "echo "+line {
				t.Errorf("%q", got)
			}
		}
		lines.Close()
		if rest, _ := io.ReadAll(resp.Body); len(rest) > 0 {
			t.Errorf("%q behind the end", rest)
		}
		testsite.Eventually(t, "the proxy is done", func() bool { return !strings.Contains(testsite.Stacks(), ").handleUpgradeResponse") })
	}
}

func TestAWebSocketPasses(t *testing.T) {
	s := testsite.Run(t, testsite.Setup{Sites: testsite.Compared, Upstream: webSocket})
	for name, accept := range map[string]string{"as browsers ask": "Sec-Fetch-Dest: websocket", "as odd clients ask": "Accept: text/html"} {
		t.Run(name, func(t *testing.T) {
			conn, err := net.Dial("tcp", s.Addr)
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			_ = conn.SetDeadline(time.Now().Add(20 * time.Second))
			_, _ = io.WriteString(conn, "GET /ws HTTP/1.1\r\nHost: with.test:"+s.Port+"\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: abc=\r\n"+accept+"\r\n\r\n")
			r := bufio.NewReader(conn)
			resp, err := http.ReadResponse(r, nil)
			if err != nil || resp.StatusCode != http.StatusSwitchingProtocols || resp.Header.Get("X-Seen") != "abc=" {
				t.Fatalf("%v %v", resp, err)
			}
			_, _ = io.WriteString(conn, "hello\n")
			if line, err := r.ReadString('\n'); line != "echo hello\n" {
				t.Errorf("%q %v", line, err)
			}
		})
	}
}
