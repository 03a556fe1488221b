package e2e

import (
	"crypto/tls"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"github.com/caddy-dingtalk/caddy-dingtalk/internal/testsite"
)

// TestAProxyIsNotBelievedInEarlyData because its address is not proven before
// the handshake is complete.
func TestAProxyIsNotBelievedInEarlyData(t *testing.T) {
	h := provisioned(t, `"public_host":["shown.test"]`)
	for name, test := range map[string]struct {
		state    *tls.ConnectionState
		trusted  bool
		believed bool
	}{
		"without TLS":                {nil, true, true},
		"after the handshake":        {&tls.ConnectionState{HandshakeComplete: true}, true, true},
		"in early data":              {&tls.ConnectionState{}, true, false},
		"a peer that is not trusted": {&tls.ConnectionState{HandshakeComplete: true}, false, false},
	} {
		t.Run(name, func(t *testing.T) {
			w := httptest.NewRecorder()
			r := httptest.NewRequest(http.MethodGet, "/p", nil)
			r.Host, r.TLS = "own.test", test.state
			r.Header = testsite.DocumentHeader("X-Forwarded-Host", "shown.test")
			r = caddyhttp.PrepareRequest(r, caddy.NewReplacer(), w, nil)
			caddyhttp.SetVar(r.Context(), caddyhttp.TrustedProxyVarKey, test.trusted)
			if err := h.ServeHTTP(w, r, upstreamOf(typeHTML)); err != nil {
				t.Fatal(err)
			}
			scheme := "http"
			if test.state != nil {
				scheme = "https"
			}
			got := testsite.Read(w.Result()).Snippet(t)
			if test.believed {
				if got.Sidecar.URL == nil || *got.Sidecar.URL != scheme+"://shown.test/p" {
					t.Errorf("%+v", got.Sidecar)
				}
			} else if got.Sidecar.Error == nil || !strings.Contains(got.Sidecar.Error.Message, "own.test") {
				t.Errorf("%+v", got.Sidecar.Error)
			}
		})
	}
}

// behindProxy makes this machine a trusted proxy.
const behindProxy = `servers {
		trusted_proxies static 127.0.0.1/32
	}`

const believing = `http://:PORT {
	handle /named/* {
		dingtalk {
			import app
			public_host h5.test shown.test f.test
			forwarded X-Forwarded-Port X-Forwarded-Prefix X-Original-URI X-Client-Scheme Forwarded X-Rewrite-Url
		}
		reverse_proxy UPSTREAM
	}
	handle {
		dingtalk {
			import app
			public_host h5.test shown.test f.test
		}
		reverse_proxy UPSTREAM
	}
}`

func TestATrustedProxyIsBelieved(t *testing.T) {
	s := testsite.Run(t, testsite.Setup{Global: behindProxy, Sites: believing})
	tests := map[string]struct {
		target  string
		headers []string
		want    string
	}{
		"its Host":             {"/p", nil, "http://h5.test/p"},
		"its scheme":           {"/p", []string{"X-Forwarded-Proto", "https"}, "https://h5.test/p"},
		"its X-Forwarded-Host": {"/p", []string{"X-Forwarded-Host", "Shown.test:8443", "X-Forwarded-Proto", "https"}, "https://shown.test:8443/p"},
		"a default port goes":  {"/p", []string{"X-Forwarded-Host", "shown.test:443", "X-Forwarded-Proto", "https"}, "https://shown.test/p"},
		"headers that the directive does not name":  {"/p", []string{"X-Forwarded-Port", "8443", "X-Forwarded-Prefix", "/x", "X-Original-URI", "/y", "Forwarded", "host=z.test", "X-Client-Scheme", "https"}, "http://h5.test/p"},
		"the port that the directive names":         {"/named/p", []string{"X-Forwarded-Port", "8443"}, "http://h5.test:8443/named/p"},
		"the prefix that the directive names":       {"/named/p", []string{"X-Forwarded-Prefix", "/cut"}, "http://h5.test/cut/named/p"},
		"the original target":                       {"/named/p", []string{"X-Original-URI", "/deep/%E4%B8%AD?"}, "http://h5.test/deep/%E4%B8%AD?"},
		"an original target of another name":        {"/named/p", []string{"X-Rewrite-URL", "/iis?x"}, "http://h5.test/iis?x"},
		"the standard header":                       {"/named/p", []string{"Forwarded", `for=192.0.2.1;host="f.test:8443";proto=https`}, "https://f.test:8443/named/p"},
		"the scheme of a load balancer":             {"/named/p", []string{"X-Client-Scheme", "https"}, "https://h5.test/named/p"},
		"a broken header that nobody asked for":     {"/p", []string{"Forwarded", "???", "X-Forwarded-Port", "no"}, "http://h5.test/p"},
		"X-Forwarded-Uri only where it is named":    {"/p", []string{"X-Forwarded-Uri", "/other"}, "http://h5.test/p"},
		"a Host that no browser would show, behind": {"/p", []string{"Host", "app_1:3000", "X-Forwarded-Host", "h5.test"}, "http://h5.test/p"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			headers := append([]string{"Host", "h5.test"}, test.headers...)
			if len(test.headers) > 0 && test.headers[0] == "Host" {
				headers = test.headers
			}
			s.ExpectSigned(t, s.Get(t, test.target, headers...), test.want)
		})
	}
}

func TestABelievedHeaderThatIsMalformedIsNamed(t *testing.T) {
	s := testsite.Run(t, testsite.Setup{Global: behindProxy, Sites: believing})
	tests := map[string]struct {
		headers []string
		named   string
	}{
		"two schemes":                     {[]string{"X-Forwarded-Proto", "https", "X-Forwarded-Proto", "http"}, "X-Forwarded-Proto"},
		"a list of schemes":               {[]string{"X-Forwarded-Proto", "https,http"}, "X-Forwarded-Proto"},
		"an empty scheme":                 {[]string{"X-Forwarded-Proto", ""}, "X-Forwarded-Proto"},
		"a scheme that is none":           {[]string{"X-Forwarded-Proto", "on"}, "X-Forwarded-Proto"},
		"a list of hosts":                 {[]string{"X-Forwarded-Host", "a.test, b.test"}, "X-Forwarded-Host"},
		"a host with a path":              {[]string{"X-Forwarded-Host", "a.test/x"}, "X-Forwarded-Host"},
		"an empty host":                   {[]string{"X-Forwarded-Host", ""}, "X-Forwarded-Host"},
		"a port that is none":             {[]string{"X-Forwarded-Port", "https"}, "X-Forwarded-Port"},
		"a list of ports":                 {[]string{"X-Forwarded-Port", "443,80"}, "X-Forwarded-Port"},
		"a prefix without a slash":        {[]string{"X-Forwarded-Prefix", "app"}, "X-Forwarded-Prefix"},
		"a full URL as the target":        {[]string{"X-Original-URI", "https://h5.test/p"}, "X-Original-Uri"},
		"two original targets":            {[]string{"X-Original-URI", "/a", "X-Original-URI", "/a"}, "X-Original-Uri"},
		"two elements in Forwarded":       {[]string{"Forwarded", "proto=https, proto=http"}, "Forwarded"},
		"a header of an unusual name":     {[]string{"X-Rewrite-Url", "nothing"}, "X-Rewrite-Url"},
		"a malformed one that comes last": {[]string{"X-Client-Scheme", "https", "X-Forwarded-Proto", "x"}, "X-Forwarded-Proto"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			a := s.Get(t, "/named/p", test.headers...)
			if a.Status != http.StatusOK {
				t.Fatal(a.Status)
			}
			cure := "public_origin"
			if strings.HasPrefix(test.named, "X-Original") || test.named == "X-Forwarded-Prefix" || test.named == "X-Rewrite-Url" { // no origin says a path
				cure = "the line forwarded"
			}
			s.ExpectUnsigned(t, a, "origin_unknown", "header "+test.named+" ", cure)
		})
	}
}

func TestNobodyElseIsBelieved(t *testing.T) {
	headers := []string{"X-Forwarded-Proto", "https", "X-Forwarded-Host", "evil.test", "X-Forwarded-Port", "8443", "X-Forwarded-Prefix", "/x",
		"X-Original-URI", "/y", "X-Client-Scheme", "https", "Forwarded", "host=evil.test;proto=https", "X-Rewrite-URL", "/z"}
	for name, global := range map[string]string{
		"no proxy is trusted":    "",
		"another proxy is":       "servers {\n\t\ttrusted_proxies static 10.0.0.0/8\n\t}",
		"malformed ones neither": "",
	} {
		t.Run(name, func(t *testing.T) {
			s := testsite.Run(t, testsite.Setup{Global: global, Sites: believing})
			headers := headers
			advice := []string{"127.0.0.1 sends X-Forwarded-Proto: https, X-Forwarded-Host: evil.test", "but is not trusted", "trusted_proxies static private_ranges"}
			if name == "malformed ones neither" {
				advice = []string{"that http://own.test is this site"}
				headers = []string{"X-Forwarded-Proto", "", "X-Forwarded-Host", "a,b", "Forwarded", "?", "X-Forwarded-Port", "x", "X-Original-URI", ""}
			}
			for _, path := range []string{"/p", "/named/p"} {
				s.ExpectSigned(t, s.Get(t, path, headers...), s.URL+path)
				s.ExpectUnsigned(t, s.Get(t, path, append(headers, "Host", "own.test")...), "origin_unknown", advice...)
			}
		})
	}
}
