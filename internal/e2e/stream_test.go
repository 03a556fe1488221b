package e2e

import (
	"bufio"
	"compress/gzip"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/http/httptrace"
	"net/textproto"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/caddy-dingtalk/caddy-dingtalk/internal/testsite"
)

func TestEachPieceOfASlowPagePassesOverEachProtocol(t *testing.T) {
	const begin, pieces = "<!DOCTYPE html><html><head><title>", "slow</title>页面</html>"
	tests := map[string]struct {
		path, begin, coding string
		header              http.Header
	}{
		"in chunks":                           {"/p", begin, "", testsite.Header()},
		"with a length and Incremental":       {"/p", begin, "", testsite.Header("Incremental", "?1", "Content-Length", strconv.Itoa(len(begin+pieces)))},
		"with a length, by a flushing proxy":  {"/flush/p", begin, "", testsite.Header("Content-Length", strconv.Itoa(len(begin+pieces)))},
		"gzip":                                {"/p", begin, "gzip", testsite.Header()},
		"gzip that is coded again":            {"/p", "<!-- -->" + begin, "gzip", testsite.Header()},
		"the head of a page that is all head": {"/p", "<!DOCTYPE html><html><head>", "", testsite.Header()},
	}
	next := make(chan struct{})
	testsite.OverEach(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		test := tests[r.Header.Get("X-Page")]
		maps.Copy(w.Header(), test.header)
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		var out io.Writer = w
		if test.coding != "" {
			w.Header().Set("Content-Encoding", test.coding)
			z := gzip.NewWriter(w)
			defer z.Close()
			out = z
		}
		for _, piece := range append([]string{test.begin}, strings.Split(pieces, "")...) {
			_, _ = io.WriteString(out, piece)
			if z, ok := out.(*gzip.Writer); ok {
				_ = z.Flush()
			}
			_ = http.NewResponseController(w).Flush()
			select {
			case <-next:
			case <-r.Context().Done():
				return
			}
		}
	}), func(t *testing.T, _ string, with, _ *testsite.Site) {
		for name, test := range tests {
			t.Run(name, func(t *testing.T) {
				resp := with.Open(t, http.MethodGet, test.path, nil, testsite.DocumentHeader("X-Page", name, "Accept-Encoding", "gzip"))
				var body io.Reader = resp.Body
				if test.coding != "" {
					z, err := gzip.NewReader(resp.Body)
					if err != nil {
						t.Fatal(err)
					}
					body = z
				}
				all := testsite.Arrives(t, body, ")</script>")
				rest := test.begin[strings.Index(test.begin, "<head>")+len("<head>"):]
				for one := make([]byte, 1); !strings.HasSuffix(all, rest); all += string(one) {
					if _, err := io.ReadFull(body, one); err != nil {
						t.Fatalf("%q has not arrived, but %q and %v", rest, all[strings.Index(all, "</script>"):], err)
					}
				}
				for _, piece := range strings.Split(pieces, "") {
					next <- struct{}{}
					got := make([]byte, len(piece))
					if _, err := io.ReadFull(body, got); err != nil || string(got) != piece {
						t.Fatalf("%q instead of %q: %v", got, piece, err)
					}
					all += piece
				}
				next <- struct{}{}
				end, err := io.ReadAll(body)
				a := &testsite.Answer{Status: resp.StatusCode, Header: testsite.Header(), Body: all + string(end), Err: err}
				if test.coding != "" && strings.Count(a.Body, "<!DOCTYPE") == 2 { // the beginning stands twice
					a.Body = strings.Replace(a.Body, "<!DOCTYPE html><html><head>", "", 1)
				}
				with.ExpectPage(t, a, with.URL+test.path, test.begin+pieces)
			})
		}
	})
}

func TestEventsArriveOneByOneOverEachProtocol(t *testing.T) {
	next := make(chan struct{})
	testsite.OverEach(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		for i := range 3 {
			_ = http.NewResponseController(w).Flush() // before the first event, too
			select {
			case <-next:
			case <-r.Context().Done():
				return
			}
			fmt.Fprintf(w, "data: <head>%d\n\n", i)
		}
	}), func(t *testing.T, _ string, with, _ *testsite.Site) {
		for name, header := range map[string]http.Header{"to an EventSource": testsite.Header("Accept", "text/event-stream", "Sec-Fetch-Dest", "empty"), "to the address bar": testsite.DocumentHeader()} {
			t.Run(name, func(t *testing.T) {
				resp := with.Open(t, http.MethodGet, "/events", nil, header)
				for i := range 3 {
					next <- struct{}{}
					if event := fmt.Sprintf("data: <head>%d\n\n", i); testsite.Arrives(t, resp.Body, event) != event {
						t.Errorf("more than event %d has arrived", i)
					}
				}
				if rest, err := io.ReadAll(resp.Body); len(rest) > 0 || err != nil {
					t.Errorf("%q %v", rest, err)
				}
			})
		}
	})
}

// startH2C is an upstream that speaks HTTP/2 without TLS.
func startH2C(t *testing.T, upstream http.HandlerFunc) (addr string) {
	t.Helper()
	server := httptest.NewUnstartedServer(upstream)
	server.Config.Protocols = new(http.Protocols)
	server.Config.Protocols.SetUnencryptedHTTP2(true)
	server.Start()
	t.Cleanup(server.Close)
	return server.Listener.Addr().String()
}

func TestGRPCPasses(t *testing.T) {
	addr := startH2C(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", r.Header.Get("Content-Type"))
		messages := bufio.NewReader(r.Body)
		for {
			message, err := messages.ReadString('\n')
			if err != nil {
				break
			}
			_, _ = io.WriteString(w, "echo "+message)
			_ = http.NewResponseController(w).Flush()
		}
		w.Header().Set(http.TrailerPrefix+"Grpc-Status", "0")
		w.Header().Set(http.TrailerPrefix+"Grpc-Message", r.Proto)
	})
	s := testsite.Run(t, testsite.Setup{Global: testsite.OnDemand, Upstream: testsite.Asked(http.NotFoundHandler()), Sites: `https://with.test:PORT {
	tls internal {
		on_demand
	}
	dingtalk {
		import app
	}
	reverse_proxy h2c://` + addr + `
}`})
	for _, proto := range []string{"HTTP/2.0", "HTTP/3.0"} {
		for name, header := range map[string]http.Header{
			"as its clients ask":        testsite.Header("Content-Type", "application/grpc", "TE", "trailers"),
			"as odd clients ask":        testsite.Header("Content-Type", "application/grpc+proto", "TE", "trailers", "Accept", "text/html"),
			"as a script of a page may": testsite.Header("Content-Type", "application/grpc-web+proto", "Accept", "*/*", "Sec-Fetch-Dest", "empty"),
		} {
			t.Run(name+" over "+proto, func(t *testing.T) {
				body, messages := io.Pipe()
				sent := make(chan error, 1)
				go func() {
					_, err := io.WriteString(messages, "one\n")
					sent <- err
				}()
				resp := s.Over(t, proto, "with.test").Open(t, http.MethodPost, "/service/Method", body, header)
				for _, message := range []string{"one\n", "two\n", "three\n"} {
					if message != "one\n" {
						_, _ = io.WriteString(messages, message)
					}
					if got := testsite.Arrives(t, resp.Body, message); got != "echo "+message {
						t.Errorf("%q", got)
					}
				}
				messages.Close()
				if rest, err := io.ReadAll(resp.Body); len(rest) > 0 || err != nil || <-sent != nil {
					t.Errorf("%q %v", rest, err)
				}
				if resp.Trailer.Get("Grpc-Status") != "0" || resp.Trailer.Get("Grpc-Message") != "HTTP/2.0" || resp.Header.Get("Content-Type") != header.Get("Content-Type") {
					t.Errorf("header %v, trailer %v", resp.Header, resp.Trailer)
				}
			})
		}
	}
}

func TestAPageStreams(t *testing.T) {
	more := make(chan struct{})
	s := testsite.Run(t, testsite.Setup{Sites: testsite.Compared, Upstream: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		_, _ = io.WriteString(w, "<html><head><title>first</title>")
		_ = http.NewResponseController(w).Flush()
		select {
		case <-more:
		case <-time.After(20 * time.Second):
		}
		_, _ = io.WriteString(w, "</head><body>second</body></html>")
	})})
	req, _ := http.NewRequestWithContext(t.Context(), http.MethodGet, s.At("with.test")+"/", nil)
	req.Header = testsite.DocumentHeader()
	resp, err := s.Client.Do(req)
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
	a := &testsite.Answer{Status: resp.StatusCode, Header: resp.Header, Body: first.String() + string(rest), Err: nil}
	s.ExpectSigned(t, a, s.At("with.test")+"/")
	if a.Without(t) != "<html><head><title>first</title></head><body>second</body></html>" {
		t.Errorf("%q", a.Body)
	}
}

func TestEventsStreamAsTheyCome(t *testing.T) {
	next := make(chan struct{})
	s := testsite.Run(t, testsite.Setup{Sites: testsite.Compared, Upstream: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
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
	for name, header := range map[string]http.Header{"to an EventSource": testsite.Header("Accept", "text/event-stream", "Sec-Fetch-Dest", "empty"), "to the address bar": testsite.DocumentHeader()} {
		t.Run(name, func(t *testing.T) {
			req, _ := http.NewRequestWithContext(t.Context(), http.MethodGet, s.At("with.test")+"/", nil)
			req.Header = header
			resp, err := s.Client.Do(req)
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

func TestEarlyHintsPassBeforeThePage(t *testing.T) {
	s := testsite.Run(t, testsite.Setup{Sites: testsite.Compared, Upstream: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Link", "</style.css>; rel=preload")
		w.WriteHeader(http.StatusEarlyHints)
		w.Header().Set("Link", "</other.css>; rel=preload")
		w.WriteHeader(http.StatusEarlyHints)
		testsite.ServePage(w, r)
	})})
	var hints []string
	ctx := httptrace.WithClientTrace(t.Context(), &httptrace.ClientTrace{Got1xxResponse: func(code int, h textproto.MIMEHeader) error {
		hints = append(hints, fmt.Sprint(code, " ", h.Get("Link")))
		return nil
	}})
	req, _ := http.NewRequestWithContext(ctx, http.MethodGet, s.At("with.test")+"/", nil)
	req.Header = testsite.DocumentHeader()
	resp, err := s.Client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	s.ExpectSigned(t, testsite.Read(resp), s.At("with.test")+"/")
	if want := "[103 </style.css>; rel=preload 103 </other.css>; rel=preload]"; fmt.Sprint(hints) != want {
		t.Errorf("hints %v, want %v", hints, want)
	}
}

func TestAPageThatIsCutOffStaysCutOff(t *testing.T) {
	half := testsite.LongPage[:len(testsite.LongPage)/2]
	tests := map[string]struct {
		head, body string
		signed     bool
	}{
		"with a length":                 {fmt.Sprintf("Content-Length: %d\r\n", len(testsite.LongPage)), half, true},
		"in chunks":                     {"Transfer-Encoding: chunked\r\n", fmt.Sprintf("%x\r\n%s\r\n", len(half), half), true},
		"within gzip":                   {fmt.Sprintf("Content-Encoding: gzip\r\nContent-Length: %d\r\n", len(testsite.Gzipped(testsite.LongPage))), testsite.Gzipped(testsite.LongPage)[:len(testsite.Gzipped(testsite.LongPage))/2], true},
		"within gzip, in chunks":        {"Content-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n", fmt.Sprintf("%x\r\n%s\r\n", 1000, testsite.Gzipped(testsite.LongPage)[:1000]), true},
		"before the place of a snippet": {"Content-Length: 1000\r\n", "<!DOCTYPE html><!-- ", false},
		"before anything":               {"Content-Length: 1000\r\n", "", false},
	}
	var head, body string
	s := testsite.Run(t, testsite.Setup{Sites: testsite.Compared, Upstream: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
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
			want := s.Get(t, s.At("without.test")+"/", "Accept-Encoding", "gzip")
			got := s.Get(t, s.At("with.test")+"/", "Accept-Encoding", "gzip")
			if want.Err == nil || got.Err == nil {
				t.Fatalf("the end was reached: %v without us, %v with us", want.Err, got.Err)
			}
			if got.Header.Get("Content-Encoding") == "gzip" {
				return // what of it can be decoded differs
			}
			if !test.signed {
				if got.Body != want.Body {
					t.Errorf("%q, want %q", got.Body, want.Body)
				}
				return
			}
			s.ExpectSigned(t, got, s.At("with.test")+"/")
			if rest := got.Without(t); !strings.HasPrefix(half, rest) || len(rest) < len(half)/2 {
				t.Errorf("%d of %d bytes", len(rest), len(half))
			}
		})
	}
}
