package oapi

import (
	"bufio"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// rawServer answers every connection with what talk writes.
func rawServer(t *testing.T, talk func(net.Conn)) (address string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer conn.Close()
				talk(conn)
			}()
		}
	}()
	return l.Addr().String()
}

// afterRequest reads the head of a request before it talks.
func afterRequest(text string) func(net.Conn) {
	return func(conn net.Conn) {
		if _, err := http.ReadRequest(bufio.NewReader(conn)); err == nil {
			io.WriteString(conn, text)
		}
	}
}

func TestBrokenConnectionsAreToldApart(t *testing.T) {
	closed := func(t *testing.T) string {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		l.Close()
		return "http://" + l.Addr().String()
	}
	raw := func(scheme string, talk func(net.Conn)) func(*testing.T) string {
		return func(t *testing.T) string { return scheme + "://" + rawServer(t, talk) }
	}
	tests := []struct {
		name   string
		base   func(*testing.T) string
		kind   Kind
		status int
	}{
		{"a closed port", closed, Network, 0},
		{"a connection closed at once", raw("http", func(net.Conn) {}), Network, 0},
		{"a connection closed after the request", raw("http", afterRequest("")), Network, 0},
		{"no HTTP", raw("http", afterRequest("SSH-2.0-OpenSSH_9.9\r\n\r\n")), Network, 0},
		{"no TLS", raw("https", func(c net.Conn) { io.WriteString(c, "HTTP/1.0 400 Bad Request\r\n\r\nno TLS here\n") }), Network, 0},
		{"TLS garbage", raw("https", func(c net.Conn) { io.WriteString(c, strings.Repeat("\x16\x03\x01\xff\xff", 100)) }), Network, 0},
		{"a certificate nobody trusts", func(t *testing.T) string {
			server := httptest.NewUnstartedServer(answer(200, `{"access_token":"v","ticket":"v","accessToken":"v","jsapiTicket":"v"}`))
			server.Config.ErrorLog = log.New(io.Discard, "", 0)
			server.StartTLS()
			t.Cleanup(server.Close)
			return server.URL
		}, Network, 0},
		{"a header without end", raw("http", func(c net.Conn) {
			afterRequest("HTTP/1.1 200 OK\r\n")(c)
			for {
				if _, err := io.WriteString(c, "X-Filler: "+strings.Repeat("x", 1000)+"\r\n"); err != nil {
					return
				}
			}
		}), Network, 0},
		{"a body cut off", raw("http", afterRequest("HTTP/1.1 200 OK\r\nContent-Length: 900\r\n\r\n"+`{"accessToken":"v","access_token":"v","ticket":"v"}`)), Garbage, 200},
		{"a chunk cut off", raw("http", afterRequest("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nff\r\n"+`{"accessToken":"v"}`)), Garbage, 200},
		{"a base without host", func(*testing.T) string { return "http://" }, Parameter, 0},
		{"a base without scheme", func(*testing.T) string { return "api.dingtalk.com" }, Parameter, 0},
		{"a base of another scheme", func(*testing.T) string { return "ftp://api.dingtalk.com" }, Parameter, 0},
		{"a base that is no URL", func(*testing.T) string { return "http://user:zZpassword@h\x7f:x%zz" }, Parameter, 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			base := tt.base(t)
			for _, call := range apiCalls {
				_, _, err := call.at(base)
				e := failed(t, err)
				if e.Kind != tt.kind || e.Status != tt.status || e.Err == nil {
					t.Errorf("%s: %v is of kind %v, status %d", call.name, e, e.Kind, e.Status)
				}
				if e.Untrusted() != (tt.name == "a certificate nobody trusts") || e.Unsent() != (tt.kind == Parameter) {
					t.Errorf("%s: untrusted %t, unsent %t", call.name, e.Untrusted(), e.Unsent())
				}
				if e.TokenRejected() || e.RateLimited() {
					t.Errorf("%s: %v speaks for DingTalk", call.name, e)
				}
			}
		})
	}
}

func TestRedirectsAreNotFollowed(t *testing.T) {
	var trapped atomic.Int32
	trap := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		trapped.Add(1)
		io.WriteString(w, `{"accessToken":"v","access_token":"v","ticket":"v","jsapiTicket":"v"}`)
	})
	for _, status := range []int{300, 301, 302, 303, 304, 307, 308} {
		for _, location := range []string{trap, trap + "/gettoken", "/trap", "", "http://%zz", "//user:" + url.PathEscape(testSecret) + "@portal.example"} {
			var trappedHere atomic.Int32
			base := serve(t, func(w http.ResponseWriter, r *http.Request) {
				if strings.Contains(r.URL.Path, "trap") {
					trappedHere.Add(1)
				}
				if location != "" {
					w.Header().Set("Location", location+"?"+r.URL.RawQuery)
				}
				w.WriteHeader(status)
			})
			for _, call := range apiCalls {
				_, _, err := call.at(base)
				e := failed(t, err)
				if e.Kind != Garbage || e.Status != status || !strings.Contains(e.Error(), "redirect") {
					t.Errorf("%s, %d to %q: %v is of kind %v", call.name, status, location, e, e.Kind)
				}
				if location == trap && !strings.Contains(e.Error(), strings.TrimPrefix(trap, "http://")) {
					t.Errorf("%v does not say where to", e)
				}
			}
			if trapped.Load()+trappedHere.Load() != 0 {
				t.Fatalf("%d to %q was followed", status, location)
			}
		}
	}
}

func TestAHugeBodyCostsNoMemory(t *testing.T) {
	var written atomic.Int64
	block := []byte(strings.Repeat(" ", 1<<16))
	base := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		for written.Load() < 1<<30 {
			n, err := w.Write(block)
			written.Add(int64(n))
			if err != nil {
				return
			}
		}
	})
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	_, _, err := apiCalls[0].at(base)
	runtime.ReadMemStats(&after)
	if e := failed(t, err); e.Kind != Garbage || !strings.Contains(e.Error(), "64 KiB") {
		t.Errorf("got %v of kind %v", e, e.Kind)
	}
	if used := after.TotalAlloc - before.TotalAlloc; used > 4<<20 {
		t.Errorf("%d bytes were allocated", used)
	}
	if written.Load() >= 1<<30 {
		t.Error("the whole body was taken")
	}
}

// pipeTransport connects to talk without a network, so that a test with a
// clock of its own can wait for it.
func pipeTransport(talk func(net.Conn)) *http.Transport {
	return &http.Transport{
		DisableKeepAlives: true,
		DialContext: func(context.Context, string, string) (net.Conn, error) {
			client, server := net.Pipe()
			go func() {
				defer server.Close()
				talk(server)
			}()
			return client, nil
		},
	}
}

func TestACallEndsInTimeWhateverTheServerDoes(t *testing.T) {
	// Reading on lets a server notice that the client hung up.
	hang := func(c net.Conn) { io.Copy(io.Discard, c) }
	drip := func(head, bytes string) func(net.Conn) {
		return func(c net.Conn) {
			afterRequest(head)(c)
			for {
				time.Sleep(time.Second)
				if _, err := io.WriteString(c, bytes); err != nil {
					return
				}
			}
		}
	}
	tests := []struct {
		name   string
		talk   func(net.Conn)
		status int
	}{
		{"says nothing", hang, 0},
		{"stops amid the header", func(c net.Conn) { afterRequest("HTTP/1.1 200 OK\r\nServer: ")(c); hang(c) }, 0},
		{"stops amid the body", func(c net.Conn) { afterRequest("HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{")(c); hang(c) }, 200},
		{"drips the header", drip("HTTP/1.1 200 OK\r\n", "X: y\r\n"), 0},
		{"drips the body", drip("HTTP/1.1 200 OK\r\nContent-Length: 99999\r\n\r\n", " "), 200},
		{"drips chunks", drip("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", "1\r\n \r\n"), 200},
		{"drips interim answers", drip("", "HTTP/1.1 102 Processing\r\n\r\n"), 0},
	}
	for _, tt := range tests {
		t.Run("a server that "+tt.name, func(t *testing.T) {
			for _, own := range []time.Duration{0, 1500 * time.Millisecond} {
				synctest.Test(t, func(t *testing.T) {
					start := time.Now()
					_, _, err := apiCalls[0].with(Options{API: "http://dingtalk.test", Timeout: own, Transport: pipeTransport(tt.talk)})
					want := cmp.Or(own, 5*time.Second)
					if took := time.Since(start); took != want {
						t.Errorf("the call took %v, want %v", took, want)
					}
					e := failed(t, err)
					if e.Kind != Timeout || e.Status != tt.status || !errors.Is(err, context.DeadlineExceeded) {
						t.Errorf("%v is of kind %v, status %d", e, e.Kind, e.Status)
					}
					time.Sleep(2 * time.Second) // the server notices
				})
			}
		})
	}
}

func TestTheCallersContextEndsACall(t *testing.T) {
	hang := func(c net.Conn) { io.Copy(io.Discard, c) }
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		c := NewApp("ding1", testSecret, Options{API: "http://dingtalk.test", Transport: pipeTransport(hang)})
		start := time.Now()
		_, _, err := c.AccessToken(ctx)
		if e := failed(t, err); e.Kind != Timeout || time.Since(start) != time.Second {
			t.Errorf("%v is of kind %v after %v", e, e.Kind, time.Since(start))
		}
	})
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancelCause(t.Context())
		time.AfterFunc(time.Second, func() { cancel(errors.New("reloading")) })
		c := NewApp("ding1", testSecret, Options{API: "http://dingtalk.test", Transport: pipeTransport(hang)})
		start := time.Now()
		_, _, err := c.AccessToken(ctx)
		e := failed(t, err)
		if e.Kind != Network || time.Since(start) != time.Second || !errors.Is(err, context.Canceled) {
			t.Errorf("%v is of kind %v after %v", e, e.Kind, time.Since(start))
		}
	})
}

// talkative is a transport whose errors tell everything they know.
type talkative func(*http.Request) error

func (f talkative) RoundTrip(r *http.Request) (*http.Response, error) { return nil, f(r) }

func TestNetworkErrorsDoNotCarryTheURL(t *testing.T) {
	inner := errors.New("connection reset by peer")
	tests := map[string]talkative{
		"as http.Client wraps it": func(r *http.Request) error {
			return &url.Error{Op: "Get", URL: r.URL.String(), Err: inner}
		},
		"wrapped twice": func(r *http.Request) error {
			return fmt.Errorf("proxy said: %w", &url.Error{Op: "Get", URL: r.URL.String(), Err: inner})
		},
		"by query":  func(r *http.Request) error { return fmt.Errorf("no route for %s: %w", r.URL.RequestURI(), inner) },
		"by header": func(r *http.Request) error { return fmt.Errorf("bad header %q: %w", r.Header, inner) },
		"by body": func(r *http.Request) error {
			body, _ := io.ReadAll(r.Body)
			return fmt.Errorf("cannot send %s: %w", body, inner)
		},
		"all of it": func(r *http.Request) error { return fmt.Errorf("%+v: %w", *r, inner) },
	}
	for name, transport := range tests {
		for _, call := range apiCalls {
			_, _, err := call.with(Options{Transport: transport})
			e := failed(t, err)
			if e.Kind != Network || e.Status != 0 || !errors.Is(err, inner) {
				t.Errorf("%s, %s: %v is of kind %v", call.name, name, e, e.Kind)
			}
			if strings.Contains(e.Error(), "https://") && name != "all of it" {
				t.Errorf("%s, %s: %v holds the URL", call.name, name, e)
			}
		}
	}
}

func TestATimeoutOfTheTransportIsATimeout(t *testing.T) {
	_, _, err := apiCalls[0].with(Options{Transport: talkative(func(*http.Request) error {
		return &net.OpError{Op: "dial", Net: "tcp", Err: os.ErrDeadlineExceeded}
	})})
	if e := failed(t, err); e.Kind != Timeout {
		t.Errorf("%v is of kind %v", e, e.Kind)
	}
}

// TestTheProxyOfTheEnvironmentIsUsed runs itself anew: net/http reads the
// environment once a process.
func TestTheProxyOfTheEnvironmentIsUsed(t *testing.T) {
	if os.Getenv("OAPI_TEST_PROXY") != "" {
		value, _, err := NewLegacyApp("ding1", "s", Options{OAPI: "http://dingtalk.test"}).AccessToken(t.Context())
		if value != "through-the-proxy" || err != nil {
			t.Errorf("got %q, %v", value, err)
		}
		return
	}
	var asked atomic.Value
	proxy := serve(t, func(w http.ResponseWriter, r *http.Request) {
		asked.Store(r.Host)
		io.WriteString(w, `{"errcode":0,"access_token":"through-the-proxy"}`)
	})
	child := exec.Command(os.Args[0], "-test.run=^TestTheProxyOfTheEnvironmentIsUsed$")
	child.Env = append(os.Environ(), "OAPI_TEST_PROXY=1", "HTTP_PROXY="+proxy, "NO_PROXY=", "http_proxy=", "no_proxy=")
	if out, err := child.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if asked.Load() != "dingtalk.test" {
		t.Errorf("the proxy was asked for %v", asked.Load())
	}
}
