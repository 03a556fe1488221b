package e2e

import (
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/caddy-dingtalk/caddy-dingtalk/internal/testsite"
)

// TestAPageThatIsAskedForAgainTakesTheSameWay where the first 304 brings a policy with
// another nonce: blocks of which one is taken, rewrites and placeholders are as they
// were the first time.
func TestAPageThatIsAskedForAgainTakesTheSameWay(t *testing.T) {
	tests := map[string]struct{ routes, want string }{
		"one of two handle blocks": {"handle /api/* {\n respond no\n}\nhandle {\n reverse_proxy UPSTREAM\n}", "/a/x?q=1"},
		"a rewrite by placeholder": {"handle {\n rewrite * /app{uri}\n reverse_proxy UPSTREAM\n}", "/app/a/x?q=1"},
		"a rewrite in a route":     {"route {\n rewrite * /app{uri}\n reverse_proxy UPSTREAM\n}", "/app/a/x?q=1"},
		"a prefix that is cut off": {"handle_path /a/* {\n reverse_proxy UPSTREAM\n}", "/x?q=1"},
		"a variable that grows":    {"route {\n vars way {vars.way}y\n rewrite * /{vars.way}\n reverse_proxy UPSTREAM\n}", "/y?q=1"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			var nonce atomic.Int32
			var asked atomic.Pointer[string]
			s := testsite.Run(t, testsite.Setup{
				Sites: "http://:PORT {\n dingtalk {\n import app\n }\n" + test.routes + "\n}",
				Upstream: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					asked.Store(&r.RequestURI)
					w.Header().Set("Etag", `"v1"`)
					w.Header().Set("Content-Security-Policy", "script-src 'nonce-"+strings.Repeat("a", int(nonce.Add(1)))+"'")
					if r.Header.Get("If-None-Match") != "" {
						w.WriteHeader(http.StatusNotModified)
						return
					}
					testsite.ServePage(w, r)
				}),
			})
			tag := s.Get(t, "/a/x?q=1").Header.Get("Etag")
			a := s.Get(t, "/a/x?q=1", "If-None-Match", tag)
			if n := nonce.Load(); n != 3 {
				t.Errorf("upstream was asked %d times, want once, with a condition and without it", n)
			}
			if a.Status != http.StatusOK || *asked.Load() != test.want {
				t.Errorf("%d, upstream was asked for %s at last, want %s", a.Status, *asked.Load(), test.want)
			}
			s.ExpectSigned(t, a, s.URL+"/a/x?q=1")
		})
	}
}
