package e2e

import (
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"testing"

	"github.com/caddy-dingtalk/caddy-dingtalk/internal/testsite"
)

func TestAFormIsAskedForBeforeItIsSent(t *testing.T) {
	s := testsite.Run(t, testsite.Setup{Sites: testsite.Compared, Upstream: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		form, _ := io.ReadAll(r.Body)
		w.Header().Set("X-Form", string(form))
		testsite.ServePage(w, r)
	})})
	hints := make(map[string]int)
	for _, host := range []string{"with.test", "without.test"} {
		conn, answers := s.Dial(t)
		_, _ = io.WriteString(conn, "POST /form HTTP/1.1\r\nHost: "+host+":"+s.Port+"\r\nAccept: text/html\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n")
		resp, err := http.ReadResponse(answers, nil)
		for ; err == nil && resp.StatusCode == http.StatusContinue; resp, err = http.ReadResponse(answers, nil) {
			if hints[host]++; hints[host] == 1 {
				_, _ = io.WriteString(conn, "a=1")
			}
		}
		if err != nil {
			t.Fatal(err)
		}
		if got := resp.Header.Get("X-Form"); got != "a=1" {
			t.Errorf("the form is %q", got)
		}
		if a := testsite.Read(resp); host == "with.test" {
			s.ExpectPage(t, a, s.At(host)+"/form", testsite.Page)
		}
	}
	if hints["with.test"] == 0 || hints["without.test"] == 0 {
		t.Errorf("asked for %v times", hints) // by Caddy, and by the upstream if it is quick
	}
}

func TestAnHTTP10ClientGetsAPageThatItCanRead(t *testing.T) {
	var length bool
	s := testsite.Run(t, testsite.Setup{Sites: testsite.Compared, Upstream: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		if length {
			w.Header().Set("Content-Length", strconv.Itoa(len(testsite.LongPage)))
		}
		_, _ = io.WriteString(w, testsite.LongPage)
	})})
	for _, length = range []bool{true, false} {
		for _, connection := range []string{"close", "keep-alive"} {
			t.Run(fmt.Sprintf("%s, with a length from upstream %v", connection, length), func(t *testing.T) {
				conn, answers := s.Dial(t)
				_, _ = io.WriteString(conn, "GET /p HTTP/1.0\r\nHost: with.test:"+s.Port+"\r\nAccept: text/html\r\nConnection: "+connection+"\r\n\r\n")
				resp, err := http.ReadResponse(answers, nil)
				if err != nil {
					t.Fatal(err)
				}
				s.ExpectPage(t, testsite.Read(resp), s.At("with.test")+"/p", testsite.LongPage)
				if known := resp.ContentLength > 0; known != length || len(resp.TransferEncoding) > 0 {
					t.Errorf("length %d, Transfer-Encoding %q", resp.ContentLength, resp.TransferEncoding)
				}
			})
		}
	}
}

// TestAConnectionStaysInStep with requests sent one after the other, without
// waiting for answers: any byte too many or too few would show in the next one.
func TestAConnectionStaysInStep(t *testing.T) {
	s := testsite.Run(t, testsite.Setup{Sites: testsite.Compared, Upstream: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		switch name, coding, _ := strings.Cut(r.URL.Path[1:], "-"); name {
		case "page", "chunked":
			w.Header().Set("Content-Encoding", coding)
			if coding == "" {
				w.Header().Del("Content-Encoding")
			}
			body := testsite.Coders[coding](testsite.Page)
			if name == "page" {
				w.Header().Set("Content-Length", strconv.Itoa(len(body)))
			} else {
				_ = http.NewResponseController(w).Flush()
			}
			_, _ = io.WriteString(w, body)
		default:
			status, _ := strconv.Atoi(name)
			w.WriteHeader(status)
		}
	})})
	steps := []string{
		"GET /page", "GET /204", "GET /chunked", "HEAD /page", "GET /304", "GET /page-gzip", "GET /205", "HEAD /chunked", "GET /chunked-gzip",
		"GET /200", "GET /page-zstd", "POST /page", "GET /404", "HEAD /204", "GET /chunked-zstd", "GET /page",
	}
	conn, answers := s.Dial(t)
	go func() {
		for _, step := range steps {
			_, _ = io.WriteString(conn, step+" HTTP/1.1\r\nHost: with.test:"+s.Port+"\r\nAccept: text/html\r\nAccept-Encoding: gzip, zstd\r\nContent-Length: 0\r\n\r\n")
		}
	}()
	for i, step := range steps {
		method, path, _ := strings.Cut(step, " ")
		resp, err := http.ReadResponse(answers, &http.Request{Method: method})
		if err != nil {
			t.Fatalf("step %d, %s: %v", i, step, err)
		}
		a := testsite.Read(resp)
		status, _ := strconv.Atoi(path[1:])
		switch {
		case status > 0 && (a.Status != status || a.Body != ""):
			t.Errorf("step %d, %s: %d %q", i, step, a.Status, a.Body)
		case status == 0 && method == http.MethodHead && (a.Status != 200 || a.Body != ""):
			t.Errorf("step %d, %s: %d %q", i, step, a.Status, a.Body)
		case status == 0 && method != http.MethodHead:
			s.ExpectPage(t, a, s.At("with.test")+path, testsite.Page)
		}
	}
}

func TestCONNECTIsAnsweredAsWithoutUs(t *testing.T) {
	s := testsite.Run(t, testsite.Setup{Sites: testsite.Compared})
	for _, target := range []string{"HOST", "other.test:443"} {
		for _, accept := range []string{"*/*", "text/html"} {
			ask := func(host string) *testsite.Answer {
				host += ":" + s.Port
				return s.Raw(t, "CONNECT "+strings.ReplaceAll(target, "HOST", host)+" HTTP/1.1\r\nHost: "+host+"\r\nAccept: "+accept+"\r\nConnection: close\r\n\r\n")
			}
			testsite.ExpectSame(t, ask("with.test"), ask("without.test"))
		}
	}
}

func TestAnUpgradeThatIsRefusedIsAnsweredAsWithoutUs(t *testing.T) {
	s := testsite.Run(t, testsite.Setup{Sites: testsite.Compared, Upstream: testsite.Response{Status: http.StatusUpgradeRequired, Header: testsite.Header("Content-Type", "text/html", "Upgrade", "websocket"), Body: testsite.Page}})
	header := testsite.DocumentHeader("Connection", "Upgrade", "Upgrade", "websocket")
	testsite.ExpectSame(t, s.Do(t, http.MethodGet, s.At("with.test")+"/", "", header), s.Do(t, http.MethodGet, s.At("without.test")+"/", "", header))
}

// TestABigPieceOfAPageArrivesBeforeTheNext although its length is known and nobody
// flushes: plain Caddy passes on what its buffers cannot hold.
func TestABigPieceOfAPageArrivesBeforeTheNext(t *testing.T) {
	const piece, buffered = 50_000, 8192
	next := make(chan struct{})
	app := startFastCGI(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		w.Header().Set("Content-Length", strconv.Itoa(len(testsite.NoisyPage)))
		_, _ = io.WriteString(w, testsite.NoisyPage[:piece])
		_ = http.NewResponseController(w).Flush()
		select {
		case <-next:
		case <-r.Context().Done():
		}
		_, _ = io.WriteString(w, testsite.NoisyPage[piece:])
	}))
	s := testsite.Run(t, testsite.Setup{Sites: strings.ReplaceAll(testsite.Compared, "UPSTREAM", app+" {\n\t\ttransport fastcgi\n\t}")})
	s.URL = s.At("with.test")
	resp := s.Open(t, http.MethodGet, "/p", nil, testsite.DocumentHeader())
	first := make([]byte, piece-buffered)
	if _, err := io.ReadFull(resp.Body, first); err != nil {
		t.Fatal(err)
	}
	close(next)
	rest, err := io.ReadAll(resp.Body)
	s.ExpectPage(t, &testsite.Answer{Status: resp.StatusCode, Header: resp.Header, Body: string(first) + string(rest), Err: err}, s.URL+"/p", testsite.NoisyPage)
}
