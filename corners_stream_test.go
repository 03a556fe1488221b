package dingtalk

import (
	"bufio"
	"compress/gzip"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
)

func TestEachPieceOfASlowPagePassesOverEachProtocol(t *testing.T) {
	const begin, pieces = "<!DOCTYPE html><html><head><title>", "slow</title>页面</html>"
	tests := map[string]struct {
		path, begin, coding string
		header              http.Header
	}{
		"in chunks":                           {"/p", begin, "", fields()},
		"with a length and Incremental":       {"/p", begin, "", fields("Incremental", "?1", "Content-Length", strconv.Itoa(len(begin+pieces)))},
		"with a length, by a flushing proxy":  {"/flush/p", begin, "", fields("Content-Length", strconv.Itoa(len(begin+pieces)))},
		"gzip":                                {"/p", begin, "gzip", fields()},
		"gzip that is coded again":            {"/p", "<!-- -->" + begin, "gzip", fields()},
		"the head of a page that is all head": {"/p", "<!DOCTYPE html><html><head>", "", fields()},
	}
	next := make(chan struct{})
	overEach(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
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
	}), func(t *testing.T, _ string, with, _ *site) {
		for name, test := range tests {
			t.Run(name, func(t *testing.T) {
				resp := with.open(t, http.MethodGet, test.path, nil, documentHeaders("X-Page", name, "Accept-Encoding", "gzip"))
				var body io.Reader = resp.Body
				if test.coding != "" {
					z, err := gzip.NewReader(resp.Body)
					if err != nil {
						t.Fatal(err)
					}
					body = z
				}
				all := arrives(t, body, ")</script>")
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
				a := &answer{resp.StatusCode, fields(), all + string(end), err}
				if test.coding != "" && strings.Count(a.body, "<!DOCTYPE") == 2 { // the beginning stands twice
					a.body = strings.Replace(a.body, "<!DOCTYPE html><html><head>", "", 1)
				}
				with.expectPage(t, a, with.url+test.path, test.begin+pieces)
			})
		}
	})
}

func TestEventsArriveOneByOneOverEachProtocol(t *testing.T) {
	next := make(chan struct{})
	overEach(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
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
	}), func(t *testing.T, _ string, with, _ *site) {
		for name, header := range map[string]http.Header{"to an EventSource": fields("Accept", "text/event-stream", "Sec-Fetch-Dest", "empty"), "to the address bar": documentHeaders()} {
			t.Run(name, func(t *testing.T) {
				resp := with.open(t, http.MethodGet, "/events", nil, header)
				for i := range 3 {
					next <- struct{}{}
					if event := fmt.Sprintf("data: <head>%d\n\n", i); arrives(t, resp.Body, event) != event {
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
	s := run(t, setup{global: onDemand, upstream: asked(http.NotFoundHandler()), sites: `https://with.test:PORT {
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
			"as its clients ask":        fields("Content-Type", "application/grpc", "TE", "trailers"),
			"as odd clients ask":        fields("Content-Type", "application/grpc+proto", "TE", "trailers", "Accept", "text/html"),
			"as a script of a page may": fields("Content-Type", "application/grpc-web+proto", "Accept", "*/*", "Sec-Fetch-Dest", "empty"),
		} {
			t.Run(name+" over "+proto, func(t *testing.T) {
				body, messages := io.Pipe()
				sent := make(chan error, 1)
				go func() {
					_, err := io.WriteString(messages, "one\n")
					sent <- err
				}()
				resp := s.over(t, proto, "with.test").open(t, http.MethodPost, "/service/Method", body, header)
				for _, message := range []string{"one\n", "two\n", "three\n"} {
					if message != "one\n" {
						_, _ = io.WriteString(messages, message)
					}
					if got := arrives(t, resp.Body, message); got != "echo "+message {
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
