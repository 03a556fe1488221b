package e2e

import (
	"bytes"
	"crypto/tls"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"

	"github.com/caddy-dingtalk/caddy-dingtalk/internal/testsite"
)

// waysSite has handlers around the directive that change what a request is.
const waysSite = `http://h5.test:PORT {
	dingtalk {
		import app
		login {
			public /open/*
		}
	}
	intercept {
		@gone status 404
		handle_response @gone {
			rewrite * /secret
			reverse_proxy UPSTREAM
		}
	}
	handle /open/rewritten/* {
		uri strip_prefix /open/rewritten
		reverse_proxy UPSTREAM
	}
	handle {
		reverse_proxy UPSTREAM
	}
}
&(named) {
	dingtalk {
		import app
		login
	}
	reverse_proxy UPSTREAM
}
http://named.test:PORT {
	invoke named
}
http://rewritten.test:PORT {
	rewrite /missing /open/index
	dingtalk {
		import app
		login {
			public /open/*
		}
	}
	reverse_proxy UPSTREAM
}
http://asking.test:PORT {
	forward_auth http://127.0.0.1:PORT {
		header_up Host h5.test:PORT
		uri /.dingtalk/user
		copy_headers X-DingTalk-User-Id
	}
	reverse_proxy UPSTREAM
}
`

func TestNoWayRoundTheGuard(t *testing.T) {
	upstream := new(echo)
	s := testsite.Run(t, testsite.Setup{Upstream: upstream, Sites: waysSite})
	const smuggled = "X-DingTalk-User-Id: boss\r\nConnection: close\r\n"
	for name, request := range map[string]string{
		"absolute-form":                              "GET http://h5.test:PORT/secret HTTP/1.1\r\nHost: h5.test:PORT\r\n",
		"absolute-form, other host":                  "GET http://h5.test:PORT/secret HTTP/1.1\r\nHost: other.test\r\n",
		"absolute-form of a public path's neighbour": "GET http://h5.test:PORT/open/../secret HTTP/1.1\r\nHost: h5.test:PORT\r\n",
		"CONNECT":                  "CONNECT h5.test:PORT HTTP/1.1\r\nHost: h5.test:PORT\r\n",
		"CONNECT with a path":      "CONNECT /secret HTTP/1.1\r\nHost: h5.test:PORT\r\n",
		"TRACE":                    "TRACE /secret HTTP/1.1\r\nHost: h5.test:PORT\r\n",
		"an unknown method":        "BREW /secret HTTP/1.1\r\nHost: h5.test:PORT\r\n",
		"a WebSocket":              "GET /secret HTTP/1.1\r\nHost: h5.test:PORT\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: MDEyMzQ1Njc4OTAxMjM0NQ==\r\n",
		"two slashes":              "GET //open/../secret HTTP/1.1\r\nHost: h5.test:PORT\r\n",
		"dots":                     "GET /open/%2e%2E/secret HTTP/1.1\r\nHost: h5.test:PORT\r\n",
		"dots with a parameter":    "GET /open/..;x=/secret HTTP/1.1\r\nHost: h5.test:PORT\r\n",
		"a NUL":                    "GET /open/x%00 HTTP/1.1\r\nHost: h5.test:PORT\r\n",
		"a backslash":              "GET /open/..%5csecret HTTP/1.1\r\nHost: h5.test:PORT\r\n",
		"below an endpoint":        "GET /.dingtalk/user/../../secret HTTP/1.1\r\nHost: h5.test:PORT\r\n",
		"a named route":            "GET /secret HTTP/1.1\r\nHost: named.test:PORT\r\n",
		"a pass of one's own":      "GET /secret HTTP/1.1\r\nHost: h5.test:PORT\r\nProxy-Authorization: DingTalk-Part \r\n",
		"forward_auth":             "GET /secret HTTP/1.1\r\nHost: asking.test:PORT\r\n",
		"a body by another length": "POST /secret HTTP/1.1\r\nHost: h5.test:PORT\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n",
		"HTTP/1.0":                 "GET /secret HTTP/1.0\r\nHost: h5.test:PORT\r\n",
		"the target of a header":   "GET /secret HTTP/1.1\r\nHost: h5.test:PORT\r\nX-Forwarded-Uri: /open/x\r\nX-Original-URI: /open/x\r\nX-Rewrite-URL: /open/x\r\n",
	} {
		t.Run(name, func(t *testing.T) {
			before := upstream.requests.Load()
			a := s.Raw(t, s.Fill.Replace(request+smuggled+"\r\n"))
			if upstream.requests.Load() != before || a.Status < 400 || strings.Contains(a.Body, "boss") {
				t.Errorf("%d %s", a.Status, a.Body)
			}
		})
	}
	for name, request := range map[string]string{
		"what is rewritten behind the directive": "GET /open/rewritten/secret HTTP/1.1\r\nHost: h5.test:PORT\r\n",
		"a rewrite before it":                    "GET /missing HTTP/1.1\r\nHost: rewritten.test:PORT\r\n",
	} {
		t.Run(name, func(t *testing.T) { // public by the configuration's own word, but nobody's
			if a := s.Raw(t, s.Fill.Replace(request+smuggled+"\r\n")); a.Status != 200 || strings.Contains(a.Body, "boss") {
				t.Errorf("%d %s", a.Status, a.Body)
			}
		})
	}
}

// signInSite is a site behind TLS that wants its users to sign in.
const signInSite = `https://h5.test:PORT {
	tls internal {
		on_demand
	}
	dingtalk {
		import app
		login {
			public /open/*
		}
	}
	reverse_proxy UPSTREAM
}`

// TestNobodySmugglesAnIdentityOverAnyProtocol: in names that some servers read as ours,
// as trailers, or by having Caddy drop what we set.
func TestNobodySmugglesAnIdentityOverAnyProtocol(t *testing.T) {
	upstream := new(echo)
	site := testsite.Run(t, testsite.Setup{Global: testsite.OnDemand, Upstream: testsite.Asked(upstream), Sites: signInSite})
	names := []string{
		"X-DingTalk-User-Id", "x-dingtalk-user-id", "X_DingTalk_User_Id", "X-DingTalk_User.Id", "X.DINGTALK.USER.ID", "x~dingtalk-admin",
		"X!Dingtalk-Name", "X-DingTalk-Jwt", "X-Dingtalk-Departments", "X-Dingtalk-Whatever", "X-Dingtalk-",
	}
	for _, proto := range []string{"HTTP/1.1", "HTTP/2.0", "HTTP/3.0"} {
		t.Run(proto, func(t *testing.T) {
			s := site.Over(t, proto, "h5.test")
			in := fetchAs(t, s, "POST", "/.dingtalk/login", `{"code":"`+s.Ding.Code("app", "u2")+`"}`, "")
			pair, _, _ := strings.Cut(in.Header.Get("Set-Cookie"), ";")
			for path, cookie := range map[string]string{"/api": "a=1; " + pair, "/open/api": "a=1"} {
				body, lines := io.Pipe()
				req, _ := http.NewRequestWithContext(t.Context(), http.MethodPost, s.URL+path, body)
				req.Header = testsite.Header("Sec-Fetch-Dest", "empty", "Cookie", cookie)
				req.Trailer = http.Header{"X-Dingtalk-Name": nil, "X-Sum": nil}
				for _, name := range names {
					req.Header[name] = []string{"evil", "evil"}
				}
				if proto == "HTTP/1.1" { // the others have no such header
					req.Header.Set("Connection", "X-DingTalk-User-Id, x_dingtalk-name, X-Dingtalk-Corp-Id")
				}
				go func() {
					_, _ = io.WriteString(lines, "body")
					req.Trailer.Set("X-Dingtalk-Name", "evil")
					req.Trailer.Set("X-Sum", "42")
					lines.Close()
				}()
				resp, err := s.Client.Do(req)
				if err != nil {
					t.Fatal(err)
				}
				var got map[string]string
				a := testsite.Read(resp)
				if err := json.Unmarshal([]byte(a.Body), &got); err != nil {
					t.Fatalf("%s: %d %s", path, a.Status, a.Body)
				}
				ours := 0
				for name, value := range got {
					if strings.Contains(value, "evil") {
						t.Errorf("%s: %s is %q", path, name, value)
					}
					if strings.Contains(strings.ToLower(name), "dingtalk") {
						ours++
					}
				}
				if path == "/api" && (got["X-Dingtalk-User-Id"] != "u2" || got["X-Dingtalk-Corp-Id"] == "" || got["X-Dingtalk-Name"] == "") || path != "/api" && ours > 0 {
					t.Errorf("%s: the upstream gets %v", path, got)
				}
				if got["Cookie"] != "a=1" {
					t.Errorf("%s: cookies %q", path, got["Cookie"])
				}
			}
		})
	}
}

// TestAWebSocketByExtendedCONNECTNeedsASession: such a request (RFC 8441, RFC 9220) has a
// method, a path and a protocol at once.
func TestAWebSocketByExtendedCONNECTNeedsASession(t *testing.T) {
	if !strings.Contains(os.Getenv("GODEBUG"), xconnect) {
		again := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestAWebSocketByExtendedCONNECTNeedsASession$")
		again.Env = append(os.Environ(), "GODEBUG="+xconnect)
		if out, err := again.CombinedOutput(); err != nil {
			t.Errorf("%v\n%s", err, out)
		}
		return
	}
	upstream := new(echo)
	site := testsite.Run(t, testsite.Setup{Global: testsite.OnDemand, Upstream: testsite.Asked(upstream), Sites: signInSite})

	s := site.Over(t, "HTTP/3.0", "h5.test")
	req, _ := http.NewRequestWithContext(t.Context(), http.MethodConnect, s.URL+"/secret", strings.NewReader(""))
	req.Proto = "websocket"
	req.Header = testsite.Header("Sec-Websocket-Version", "13", "X-DingTalk-User-Id", "boss")
	resp, err := s.Client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	if a := testsite.Read(resp); a.Status != http.StatusUnauthorized || upstream.requests.Load() != 0 {
		t.Errorf("HTTP/3: %d %s, %d requests at the upstream", a.Status, a.Body, upstream.requests.Load())
	}
	status := overHTTP2(t, site, [2]string{":method", "CONNECT"}, [2]string{":protocol", "websocket"}, [2]string{":scheme", "https"}, [2]string{":path", "/secret"},
		[2]string{":authority", "h5.test:" + site.Port}, [2]string{"sec-websocket-version", "13"}, [2]string{"x-dingtalk-user-id", "boss"})
	if status != "401" || upstream.requests.Load() != 0 {
		t.Errorf("HTTP/2: %s, %d requests at the upstream", status, upstream.requests.Load())
	}
}

// overHTTP2 makes a request of these fields, which no client would send as they are, and
// returns the status, or why the stream was reset.
func overHTTP2(t *testing.T, s *testsite.Site, fields ...[2]string) (status string) {
	t.Helper()
	conn, err := tls.DialWithDialer(&net.Dialer{Timeout: 10 * time.Second}, "tcp", s.Addr,
		&tls.Config{InsecureSkipVerify: true, ServerName: "h5.test", NextProtos: []string{"h2"}})
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(20 * time.Second))
	var block bytes.Buffer
	encoder := hpack.NewEncoder(&block)
	for _, f := range fields {
		_ = encoder.WriteField(hpack.HeaderField{Name: f[0], Value: f[1]})
	}
	_, _ = io.WriteString(conn, http2.ClientPreface)
	framer := http2.NewFramer(conn, conn)
	framer.ReadMetaHeaders = hpack.NewDecoder(4096, nil)
	_ = framer.WriteSettings()
	_ = framer.WriteHeaders(http2.HeadersFrameParam{StreamID: 1, BlockFragment: block.Bytes(), EndHeaders: true, EndStream: fields[0][1] == "GET"})
	for {
		frame, err := framer.ReadFrame()
		if err != nil {
			t.Fatal(err)
		}
		switch f := frame.(type) {
		case *http2.MetaHeadersFrame:
			return f.PseudoValue("status")
		case *http2.RSTStreamFrame:
			return f.ErrCode.String()
		}
	}
}

// TestAWebSocketOfAUserTellsWhoTheyAre, and lives on when the session has ended.
func TestAWebSocketOfAUserTellsWhoTheyAre(t *testing.T) {
	s := testsite.Run(t, testsite.Setup{Sites: "http://h5.test:PORT {\n\tdingtalk {\n\t\timport app\n\t\tlogin\n\t}\n\treverse_proxy UPSTREAM {\n\t\theader_up X-Key {http.request.header.X-DingTalk-User-Id}\n\t}\n}\n", Upstream: webSocket})
	s.URL = s.At("h5.test")
	session := signIn(t, s, "u1")
	conn, answers := s.Dial(t)
	_, _ = io.WriteString(conn, "GET /ws HTTP/1.1\r\nHost: h5.test:"+s.Port+"\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"+
		"Sec-WebSocket-Key: MDEyMzQ1Njc4OTAxMjM0NQ==\r\nX-DingTalk-User-Id: boss\r\nCookie: "+session+"\r\n\r\n")
	resp, err := http.ReadResponse(answers, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusSwitchingProtocols || resp.Header.Get("X-Key") != "u1" {
		t.Fatalf("%d %v", resp.StatusCode, resp.Header)
	}
	said := func(what string) {
		t.Helper()
		_, _ = io.WriteString(conn, what+"\n")
		if line, err := answers.ReadString('\n'); err != nil || line != "echo "+what+"\n" {
			t.Errorf("%q, %v", line, err)
		}
	}
	said("one")
	if a := fetchAs(t, s, "POST", "/.dingtalk/logout", "", session); a.Status != 204 {
		t.Fatal(a.Status)
	}
	said("two")
	if a := fetchAs(t, s, "GET", "/ws", "", session, "Connection", "Upgrade", "Upgrade", "websocket"); a.Status != 401 {
		t.Errorf("another one after signing out: %d", a.Status)
	}
}
