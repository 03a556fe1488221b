package dingtalk

import (
	"compress/gzip"
	"context"
	"crypto/tls"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"strings"
	"testing"

	"github.com/klauspost/compress/zstd"
	"github.com/quic-go/quic-go"
	"github.com/quic-go/quic-go/http3"
)

// protocols are the versions of HTTP that Caddy speaks with browsers.
var protocols = []string{"HTTP/1.1", "HTTP/2.0", "HTTP/3.0"}

// overTLS are a site with the directive and the same without, over all protocols.
// Below /flush/ the proxy flushes at once.
const overTLS = `(served) {
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

// onDemand lets Caddy make a certificate for any name.
const onDemand = `on_demand_tls {
		ask http://UPSTREAM/ask
	}`

// overEach runs a test for each protocol, through a site with the directive and
// the same without.
func overEach(t *testing.T, upstream http.Handler, test func(t *testing.T, proto string, with, without *site)) {
	t.Helper()
	s := run(t, setup{global: onDemand, sites: overTLS, upstream: asked(upstream)})
	for _, proto := range protocols {
		t.Run(proto, func(t *testing.T) {
			test(t, proto, s.over(t, proto, "with.test"), s.over(t, proto, "without.test"))
		})
	}
}

// asked is an upstream that allows all certificates, too.
func asked(upstream http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/ask" {
			upstream.ServeHTTP(w, r)
		}
	})
}

// over returns the site under one of its names, over TLS and one protocol.
func (s *site) over(t *testing.T, proto, host string) *site {
	t.Helper()
	own := *s
	own.url = "https://" + host + ":" + s.port
	client := *s.client
	own.client = &client
	if proto == "HTTP/3.0" {
		transport := &http3.Transport{
			DisableCompression: true,
			TLSClientConfig:    &tls.Config{InsecureSkipVerify: true},
			Dial: func(ctx context.Context, _ string, c *tls.Config, q *quic.Config) (*quic.Conn, error) {
				return quic.DialAddr(ctx, s.addr, c, q)
			},
		}
		client.Transport = transport
		t.Cleanup(func() { _ = transport.Close() })
		return &own
	}
	transport := s.client.Transport.(*http.Transport).Clone()
	transport.TLSClientConfig = &tls.Config{InsecureSkipVerify: true}
	transport.Protocols = new(http.Protocols)
	transport.Protocols.SetHTTP1(proto == "HTTP/1.1")
	transport.Protocols.SetHTTP2(proto == "HTTP/2.0")
	client.Transport = transport
	t.Cleanup(transport.CloseIdleConnections)
	return &own
}

// open asks for a path of the site and returns the response while it is being
// written. It ends with the test.
func (s *site) open(t *testing.T, method, path string, body io.Reader, header http.Header) *http.Response {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, s.url+path, body)
	if err != nil {
		t.Fatal(err)
	}
	req.Header = header
	resp, err := s.client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { resp.Body.Close() })
	return resp
}

// try asks for a document. A response that fails before its header is an answer,
// too.
func (s *site) try(t *testing.T, path string, headers ...string) *answer {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.url+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header = documentHeaders(headers...)
	resp, err := s.client.Do(req)
	if err != nil {
		return &answer{err: err}
	}
	return read(resp)
}

// expectPage makes sure that the answer is a signed page with one insertion, which
// is the only difference to the page of the upstream, and that the length is right.
func (s *site) expectPage(t *testing.T, a *answer, url, want string) {
	t.Helper()
	if a.err != nil {
		t.Fatalf("reading the page: %v", a.err)
	}
	if length := a.header.Get("Content-Length"); length != "" && length != fmt.Sprint(len(a.body)) {
		t.Errorf("Content-Length %s of %d bytes", length, len(a.body))
	}
	plain := a.decode(t)
	s.expectSigned(t, plain, url)
	if count := strings.Count(plain.body, `({"config":`); count != 1 {
		t.Errorf("%d insertions", count)
	}
	// A coded page may be spliced: its beginning stands twice then.
	if got := plain.without(t); got != want && (a.header.Get("Content-Encoding") == "" || got != beginning+want) {
		t.Errorf("the page without the snippet is %.300q (%d bytes), want %.300q (%d bytes)", got, len(got), want, len(want))
	}
}

// isCutOff reports whether this is how a protocol tells that a response was cut
// off: the connection ends too early, or the stream is reset.
func isCutOff(proto string, err error) bool {
	switch proto {
	case "HTTP/1.1":
		return errors.Is(err, io.ErrUnexpectedEOF)
	case "HTTP/2.0":
		return err != nil && strings.Contains(err.Error(), "stream error: stream ID ") && strings.Contains(err.Error(), "received from peer")
	}
	reset, ok := errors.AsType[*http3.Error](err)
	return ok && reset.Remote
}

// arrives reads until the text has arrived, and returns all that has.
func arrives(t *testing.T, r io.Reader, text string) string {
	t.Helper()
	var got strings.Builder
	buf := make([]byte, 4096)
	for !strings.Contains(got.String(), text) {
		n, err := r.Read(buf)
		got.Write(buf[:n])
		if err != nil && !strings.Contains(got.String(), text) {
			t.Fatalf("%q has not arrived, but %q and %v", text, got.String(), err)
		}
	}
	return got.String()
}

// coders put a content coding on, which the empty one is not.
var coders = map[string]func(string) string{"": func(s string) string { return s }, "gzip": gzipped, "zstd": zstded}

// decodable returns what of a body can be decoded, and the error behind that.
func decodable(coding, body string) (text string, err error) {
	var r io.Reader
	if coding == "gzip" {
		r, err = gzip.NewReader(strings.NewReader(body))
	} else {
		r, err = zstd.NewReader(strings.NewReader(body), zstd.WithDecoderConcurrency(1))
	}
	if err != nil {
		return "", err
	}
	all, err := io.ReadAll(r)
	return string(all), err
}

// noisyPage is a page that stays long in any coding.
var noisyPage = func() string {
	noise := make([]byte, 100_000)
	_, _ = rand.NewChaCha8([32]byte{}).Read(noise)
	return strings.Replace(thePage, "页面", hex.EncodeToString(noise), 1)
}()

// unusualPage begins with what keeps a coded page from being spliced.
var unusualPage = "<!-- 钉钉 -->" + noisyPage
