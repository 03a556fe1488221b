package e2e

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	dingtalk "github.com/caddy-dingtalk/caddy-dingtalk"
	"github.com/caddy-dingtalk/caddy-dingtalk/internal/sandbox"
	"github.com/caddy-dingtalk/caddy-dingtalk/internal/testsite"
)

// provisioned returns a handler without a server, with more fields of JSON if
// there are any.
func provisioned(tb testing.TB, more ...string) *dingtalk.Handler {
	tb.Helper()
	h, _ := provisionedWith(tb, more...)
	return h
}

// provisionedWith is provisioned, with the simulated DingTalk behind it.
func provisionedWith(tb testing.TB, more ...string) (*dingtalk.Handler, *sandbox.DingTalk) {
	tb.Helper()
	ding := sandbox.New(sandbox.Options{})
	api := httptest.NewServer(ding)
	tb.Cleanup(api.Close)
	o := ding.Options()
	ctx, err := caddy.ProvisionContext(&caddy.Config{Logging: &caddy.Logging{Logs: map[string]*caddy.CustomLog{
		"default": {BaseLog: caddy.BaseLog{Level: "FATAL"}},
	}}})
	if err != nil {
		tb.Fatal(err)
	}
	h := new(dingtalk.Handler)
	fields := fmt.Sprintf(`{"app_key":%q,"app_secret":%q,"corp_id":%q,"agent_id":%q,"api_base":%[5]q,"oapi_base":%[5]q,"js_api_list":["biz.util.scan"],"public_host":["h5.example.com","shown.test"],
		"storage":{"module":"file_system","root":%[6]q}%[7]s}`, o.AppKey, o.AppSecret, o.CorpID, o.AgentID, api.URL, testsite.Folder(tb),
		strings.Join(append([]string{""}, more...), ","))
	if err := json.Unmarshal([]byte(fields), h); err != nil {
		tb.Fatal(err)
	}
	if err := h.Provision(ctx); err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := h.Cleanup(); err != nil {
			tb.Error(err)
		}
	})
	return h, ding
}

// sink is the simplest http.ResponseWriter.
type sink struct {
	header http.Header
	size   int
}

func (s *sink) Header() http.Header { return s.header }

func (s *sink) WriteHeader(int) {}

func (s *sink) Write(p []byte) (int, error) {
	s.size += len(p)
	return len(p), nil
}

// request is one that Caddy has prepared, for a page or for a script.
func request(w http.ResponseWriter, document bool) *http.Request {
	r := httptest.NewRequest(http.MethodGet, "/news/ding?id=1&tab=a+b", nil)
	r.Host = "h5.example.com"
	r.Header.Set("Accept-Encoding", "gzip, deflate")
	if r.Header.Set("Sec-Fetch-Dest", "script"); document {
		r.Header.Set("Sec-Fetch-Dest", "document")
	}
	return caddyhttp.PrepareRequest(r, caddy.NewReplacer(), w, nil)
}

// anew takes away what the last run has noted of the request: each is a request of
// its own.
func anew(r *http.Request) {
	vars := r.Context().Value(caddyhttp.VarsCtxKey).(map[string]any)
	for name := range vars {
		if strings.HasPrefix(name, "dingtalk") {
			delete(vars, name)
		}
	}
}

var (
	typeHTML   = []string{"text/html; charset=utf-8"}
	typeScript = []string{"text/javascript"}
	theTag     = []string{`"v1"`}
	pageBytes  = []byte(testsite.Page)
)

// upstreamOf is a next handler that allocates nothing.
func upstreamOf(mediaType []string) caddyhttp.Handler {
	return caddyhttp.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) error {
		h := w.Header()
		h["Content-Type"], h["Etag"] = mediaType, theTag
		w.WriteHeader(http.StatusOK)
		_, err := w.Write(pageBytes)
		return err
	})
}

func TestWhatARequestAllocates(t *testing.T) {
	if raceDetector {
		t.Skip("counts nothing under the race detector")
	}
	h := provisioned(t)
	tests := map[string]struct {
		document bool
		next     caddyhttp.Handler
		most     float64 // allocations more than without the handler
	}{
		"no document":               {false, upstreamOf(typeScript), 1},
		"a document that is a page": {true, upstreamOf(typeHTML), 5},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			w := &sink{header: make(http.Header)}
			r := request(w, test.document)
			accepts := r.Header["Accept-Encoding"]
			plain := testing.AllocsPerRun(200, func() { _ = test.next.ServeHTTP(w, r) })
			alone := w.size
			with := testing.AllocsPerRun(200, func() {
				r.Header["Accept-Encoding"] = accepts
				anew(r)
				clear(w.header)
				_ = h.ServeHTTP(w, r, test.next)
			})
			if signed := w.size > 3*alone; signed != test.document {
				t.Fatalf("%d bytes with the handler, %d without", w.size-alone, alone)
			}
			t.Logf("%v allocations, %v without the handler", with, plain)
			if with-plain > test.most {
				t.Errorf("%v allocations, %v without the handler: more than %v too many", with, plain, test.most)
			}
		})
	}
}

// TestACompressedPageGrowsByLittleOnTheWire: the script is compressed in it, too.
func TestACompressedPageGrowsByLittleOnTheWire(t *testing.T) {
	h := provisioned(t)
	body := []byte(testsite.Gzipped(testsite.NoisyPage))
	w := &sink{header: make(http.Header)}
	err := h.ServeHTTP(w, request(w, true), caddyhttp.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) error {
		h := w.Header()
		h["Content-Type"], h["Content-Encoding"], h["Content-Length"] = typeHTML, []string{"gzip"}, []string{strconv.Itoa(len(body))}
		_, err := w.Write(body)
		return err
	}))
	if err != nil || w.header.Get("Content-Length") != strconv.Itoa(w.size) {
		t.Fatalf("%v, Content-Length %s, %d bytes", err, w.header.Get("Content-Length"), w.size)
	}
	const most = 2200 // bytes; without compression it is twice that
	if more := w.size - len(body); more < 500 || more > most {
		t.Errorf("%d bytes more, want at most %d", more, most)
	} else {
		t.Logf("%d bytes more", more)
	}
}

func benchmarkServe(b *testing.B, document bool, next caddyhttp.Handler) {
	h := provisioned(b)
	w := &sink{header: make(http.Header)}
	r := request(w, document)
	accepts := r.Header["Accept-Encoding"]
	b.ReportAllocs()
	for b.Loop() {
		r.Header["Accept-Encoding"] = accepts
		anew(r)
		clear(w.header)
		if err := h.ServeHTTP(w, r, next); err != nil {
			b.Fatal(err)
		}
	}
	b.SetBytes(int64(w.size / b.N))
}

func BenchmarkServePage(b *testing.B) { benchmarkServe(b, true, upstreamOf(typeHTML)) }

func BenchmarkServeScript(b *testing.B) { benchmarkServe(b, false, upstreamOf(typeScript)) }
