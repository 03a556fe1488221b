package dingtalk

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/textproto"
	"strings"
	"testing"
	"time"
)

func TestAPageStreams(t *testing.T) {
	more := make(chan struct{})
	s := run(t, setup{sites: compared, upstream: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		_, _ = io.WriteString(w, "<html><head><title>first</title>")
		_ = http.NewResponseController(w).Flush()
		select {
		case <-more:
		case <-time.After(20 * time.Second):
		}
		_, _ = io.WriteString(w, "</head><body>second</body></html>")
	})})
	req, _ := http.NewRequestWithContext(t.Context(), http.MethodGet, s.at("with.test")+"/", nil)
	req.Header = documentHeaders()
	resp, err := s.client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	var first strings.Builder
	buf := make([]byte, 4096)
	for !strings.Contains(first.String(), "first</title>") {
		n, err := resp.Body.Read(buf)
		first.Write(buf[:n])
		if err != nil {
			t.Fatalf("after %q: %v", first.String(), err)
		}
	}
	close(more)
	rest, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	a := &answer{resp.StatusCode, resp.Header, first.String() + string(rest), nil}
	s.expectSigned(t, a, s.at("with.test")+"/")
	if a.without(t) != "<html><head><title>first</title></head><body>second</body></html>" {
		t.Errorf("%q", a.body)
	}
}

func TestEventsStreamAsTheyCome(t *testing.T) {
	next := make(chan struct{})
	s := run(t, setup{sites: compared, upstream: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		for i := range 3 {
			fmt.Fprintf(w, "data: %d\n\n", i)
			_ = http.NewResponseController(w).Flush()
			select {
			case <-next:
			case <-r.Context().Done():
				return
			}
		}
	})})
	for name, header := range map[string]http.Header{"to an EventSource": fields("Accept", "text/event-stream", "Sec-Fetch-Dest", "empty"), "to the address bar": documentHeaders()} {
		t.Run(name, func(t *testing.T) {
			req, _ := http.NewRequestWithContext(t.Context(), http.MethodGet, s.at("with.test")+"/", nil)
			req.Header = header
			resp, err := s.client.Do(req)
			if err != nil {
				t.Fatal(err)
			}
			defer resp.Body.Close()
			events := bufio.NewReader(resp.Body)
			for i := range 3 {
				line, err := events.ReadString('\n')
				if err != nil || line != fmt.Sprintf("data: %d\n", i) {
					t.Fatalf("event %d: %q %v", i, line, err)
				}
				_, _ = events.ReadString('\n')
				next <- struct{}{}
			}
		})
	}
}

func TestAWebSocketPasses(t *testing.T) {
	s := run(t, setup{sites: compared, upstream: webSocket})
	for name, accept := range map[string]string{"as browsers ask": "Sec-Fetch-Dest: websocket", "as odd clients ask": "Accept: text/html"} {
		t.Run(name, func(t *testing.T) {
			conn, err := net.Dial("tcp", s.addr)
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			_ = conn.SetDeadline(time.Now().Add(20 * time.Second))
			_, _ = io.WriteString(conn, "GET /ws HTTP/1.1\r\nHost: with.test:"+s.port+"\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: abc=\r\n"+accept+"\r\n\r\n")
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

func TestEarlyHintsPassBeforeThePage(t *testing.T) {
	s := run(t, setup{sites: compared, upstream: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Link", "</style.css>; rel=preload")
		w.WriteHeader(http.StatusEarlyHints)
		w.Header().Set("Link", "</other.css>; rel=preload")
		w.WriteHeader(http.StatusEarlyHints)
		servePage(w, r)
	})})
	var hints []string
	ctx := httptrace.WithClientTrace(t.Context(), &httptrace.ClientTrace{Got1xxResponse: func(code int, h textproto.MIMEHeader) error {
		hints = append(hints, fmt.Sprint(code, " ", h.Get("Link")))
		return nil
	}})
	req, _ := http.NewRequestWithContext(ctx, http.MethodGet, s.at("with.test")+"/", nil)
	req.Header = documentHeaders()
	resp, err := s.client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	s.expectSigned(t, read(resp), s.at("with.test")+"/")
	if want := "[103 </style.css>; rel=preload 103 </other.css>; rel=preload]"; fmt.Sprint(hints) != want {
		t.Errorf("hints %v, want %v", hints, want)
	}
}

func TestAPageThatIsCutOffStaysCutOff(t *testing.T) {
	half := longPage[:len(longPage)/2]
	tests := map[string]struct {
		head, body string
		signed     bool
	}{
		"with a length":                 {fmt.Sprintf("Content-Length: %d\r\n", len(longPage)), half, true},
		"in chunks":                     {"Transfer-Encoding: chunked\r\n", fmt.Sprintf("%x\r\n%s\r\n", len(half), half), true},
		"within gzip":                   {fmt.Sprintf("Content-Encoding: gzip\r\nContent-Length: %d\r\n", len(gzipped(longPage))), gzipped(longPage)[:len(gzipped(longPage))/2], true},
		"within gzip, in chunks":        {"Content-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n", fmt.Sprintf("%x\r\n%s\r\n", 1000, gzipped(longPage)[:1000]), true},
		"before the place of a snippet": {"Content-Length: 1000\r\n", "<!DOCTYPE html><!-- ", false},
		"before anything":               {"Content-Length: 1000\r\n", "", false},
	}
	var head, body string
	s := run(t, setup{sites: compared, upstream: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		conn, rw, err := http.NewResponseController(w).Hijack()
		if err != nil {
			return
		}
		defer conn.Close()
		_, _ = rw.WriteString("HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n" + head + "\r\n" + body)
		_ = rw.Flush()
	})})
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			head, body = test.head, test.body
			want := s.get(t, s.at("without.test")+"/", "Accept-Encoding", "gzip")
			got := s.get(t, s.at("with.test")+"/", "Accept-Encoding", "gzip")
			if want.err == nil || got.err == nil {
				t.Fatalf("the end was reached: %v without us, %v with us", want.err, got.err)
			}
			if got.header.Get("Content-Encoding") == "gzip" {
				return // what of it can be decoded differs
			}
			if !test.signed {
				if got.body != want.body {
					t.Errorf("%q, want %q", got.body, want.body)
				}
				return
			}
			s.expectSigned(t, got, s.at("with.test")+"/")
			if rest := got.without(t); !strings.HasPrefix(half, rest) || len(rest) < len(half)/2 {
				t.Errorf("%d of %d bytes", len(rest), len(half))
			}
		})
	}
}

func TestTrailersOfAPagePass(t *testing.T) {
	s := run(t, setup{sites: compared, upstream: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Trailer", "X-Sum")
		servePage(w, r)
		w.Header().Set("X-Sum", "42")
	})})
	req, _ := http.NewRequestWithContext(t.Context(), http.MethodGet, s.at("with.test")+"/", nil)
	req.Header = documentHeaders()
	resp, err := s.client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	s.expectSigned(t, read(resp), s.at("with.test")+"/")
	if got := resp.Trailer.Get("X-Sum"); got != "42" {
		t.Errorf("trailer %q", got)
	}
}
