package signer

import (
	"net/http"
	"strings"
	"testing"
)

func TestRequestTargets(t *testing.T) {
	tests := map[string]struct {
		target string
		ok     bool
	}{
		"the root":                  {"/", true},
		"a path and a query":        {"/a/b?c=d", true},
		"an empty query":            {"/?", true},
		"two slashes":               {"//evil.test/x", true},
		"dots":                      {"/a/../b/.", true},
		"a malformed percent sign":  {"/%zz?%", true},
		"all that browsers send":    {"/!$&'()*+,;=:@-._~[]|{}^`\"<>\\", true},
		"the last allowed byte":     {"/~", true},
		"nothing":                   {"", false},
		"an asterisk":               {"*", false},
		"absolute form":             {"http://app.test/x", false},
		"authority form":            {"app.test:443", false},
		"a path without a slash":    {"x", false},
		"a query alone":             {"?x", false},
		"a fragment":                {"/x#y", false},
		"a space":                   {"/x y", false},
		"a tab":                     {"/x\ty", false},
		"a line break":              {"/x\r\nHost: y", false},
		"a zero byte":               {"/\x00", false},
		"the byte 0x7F":             {"/\x7F", false},
		"text that is not in ASCII": {"/中", false},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			page, err := NewRules(nil, nil).Page(Request{Host: "app.test", Target: tt.target})
			if !tt.ok {
				refused(t, err, BadTarget, "")
				if page != (Page{}) {
					t.Errorf("an error with %+v", page)
				}
			} else if err != nil || page.URL() != "http://app.test"+tt.target {
				t.Errorf("%+v, %v", page, err)
			}
		})
	}
}

func TestDirectRequests(t *testing.T) {
	tests := map[string]struct {
		req  Request
		want string
	}{
		"plain":                          {Request{Host: "app.test", Target: "/"}, "http://app.test/"},
		"TLS":                            {Request{TLS: true, Host: "app.test", Target: "/"}, "https://app.test/"},
		"port 443 with TLS":              {Request{TLS: true, Host: "app.test:443", Target: "/"}, "https://app.test/"},
		"port 80 with TLS":               {Request{TLS: true, Host: "app.test:80", Target: "/"}, "https://app.test:80/"},
		"port 80 without TLS":            {Request{Host: "app.test:80", Target: "/"}, "http://app.test/"},
		"port 443 without TLS":           {Request{Host: "app.test:443", Target: "/"}, "http://app.test:443/"},
		"a lone colon":                   {Request{Host: "app.test:", Target: "/"}, "http://app.test/"},
		"a Host in upper case":           {Request{Host: "APP.test", Target: "/P?Q"}, "http://app.test/P?Q"},
		"an IPv6 Host":                   {Request{Host: "[::1]:80", Target: "/"}, "http://[::1]/"},
		"a trusted proxy that says none": {Request{TLS: true, Host: "app.test", Target: "/", Forwarded: http.Header{}}, "https://app.test/"},
		"a trusted proxy in plain text":  {Request{TLS: true, Host: "app.test", Target: "/", Forwarded: lines("X-Forwarded-Proto", "http")}, "http://app.test/"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			page, err := NewRules(nil, nil).Page(tt.req)
			if err != nil || page.URL() != tt.want {
				t.Errorf("%+v (%s), %v; want %s", page, page.URL(), err, tt.want)
			}
		})
	}
}

func TestPublicOrigins(t *testing.T) {
	https := lines("X-Forwarded-Proto", "https")
	tests := map[string]struct {
		public  string // separated by spaces
		host    string
		headers http.Header
		want    string // "" is none
	}{
		"a single one is always used":                 {"https://h5.test:8443", "other.test", nil, "https://h5.test:8443"},
		"even where the Host is none":                 {"https://h5.test", "", nil, "https://h5.test"},
		"even where headers are malformed":            {"https://h5.test", "app.test", lines("X-Forwarded-Proto", "?", "X-Forwarded-Host", "?"), "https://h5.test"},
		"one that is given twice is a single one":     {"https://h5.test https://h5.test:443", "other.test", nil, "https://h5.test"},
		"of two, the one with the host":               {"https://a.test https://b.test", "b.test", nil, "https://b.test"},
		"the port does not matter then":               {"https://a.test:8443 https://b.test", "a.test", nil, "https://a.test:8443"},
		"nor another port":                            {"https://a.test:8443 https://b.test", "a.test:9", nil, "https://a.test:8443"},
		"nor the scheme":                              {"http://a.test https://b.test", "a.test", https, "http://a.test"},
		"nor the case":                                {"https://a.test https://b.test", "B.Test", nil, "https://b.test"},
		"a proxy's host counts":                       {"https://a.test https://b.test", "10.0.0.1", lines("X-Forwarded-Host", "a.test"), "https://a.test"},
		"none fits":                                   {"https://a.test https://b.test", "c.test", nil, ""},
		"a subdomain does not fit":                    {"https://a.test https://b.test", "x.a.test", nil, ""},
		"the same host: by port":                      {"https://a.test:8443 https://a.test:9443 https://b.test", "a.test:9443", nil, "https://a.test:9443"},
		"no port is the port of the default":          {"https://a.test https://a.test:8443", "a.test", nil, "https://a.test"},
		"a default port is no port":                   {"https://a.test https://a.test:8443", "a.test:443", nil, "https://a.test"},
		"a default port of the other scheme":          {"https://a.test http://a.test", "a.test:80", https, "http://a.test"},
		"a believed port":                             {"https://a.test https://a.test:8443", "a.test", lines("X-Forwarded-Port", "8443"), "https://a.test:8443"},
		"the same host and port: by scheme":           {"https://a.test http://a.test", "a.test", https, "https://a.test"},
		"by the own scheme":                           {"https://a.test http://a.test", "a.test", nil, "http://a.test"},
		"a port of no one: by scheme":                 {"https://a.test:8443 http://a.test:8080", "a.test", https, "https://a.test:8443"},
		"a port of no one, and the scheme of both":    {"https://a.test:8443 https://a.test:9443", "a.test", https, ""},
		"a port of no one, and the scheme of no one":  {"https://a.test:8443 https://a.test:9443", "a.test", nil, ""},
		"one of the two is given twice":               {"https://a.test https://a.test https://b.test", "a.test", nil, "https://a.test"},
		"IPv6":                                        {"https://[::1]:8443 https://a.test", "[::1]", nil, "https://[::1]:8443"},
		"a scheme is not asked for without need":      {"https://a.test https://b.test", "a.test", lines("X-Forwarded-Proto", "?"), "https://a.test"},
		"a malformed scheme where it decides":         {"https://a.test http://a.test", "a.test", lines("X-Forwarded-Proto", "?"), ""},
		"a malformed host":                            {"https://a.test https://b.test", "a.test", lines("X-Forwarded-Host", "?"), ""},
		"a Host that is none, and several to pick of": {"https://a.test https://b.test", "a test", nil, ""},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			rules := NewRules(mustOrigins(t, strings.Fields(tt.public)...), []string{"X-Forwarded-Port"})
			page, err := rules.Page(Request{Host: tt.host, Target: "/p?x", Forwarded: tt.headers})
			if tt.want == "" {
				if e, ok := err.(*Error); !ok || e.Code() != CodeOriginUnknown {
					t.Errorf("got %v, want an *Error %s", err, CodeOriginUnknown)
				}
				return
			}
			if err != nil || page.URL() != tt.want+"/p?x" || !page.Public {
				t.Errorf("%+v (%s), %v; want %s", page, page.URL(), err, tt.want)
			}
		})
	}
}

func BenchmarkPage(b *testing.B) {
	target := "/app/index.html?corpid=ding0123456789abcdef&name=%E5%BC%A0%E4%B8%89+x"
	proxy := lines("X-Forwarded-Proto", "https", "X-Forwarded-Host", "h5.example.com", "X-Forwarded-Uri", target,
		"Forwarded", `for=192.0.2.60;host="h5.example.com";proto=https`)
	one := []Origin{{"https", "h5.example.com", ""}}
	for _, bench := range []struct {
		name  string
		rules *Rules
		req   Request
	}{
		{"direct", NewRules(nil, nil), Request{TLS: true, Host: "h5.example.com", Target: target}},
		{"public", NewRules(one, nil), Request{Host: "10.0.0.1:8080", Target: target}},
		{"proxy", NewRules(nil, nil), Request{Host: "10.0.0.1:8080", Target: target, Forwarded: proxy}},
		{"proxy-forwarded", NewRules(nil, []string{"Forwarded", "X-Forwarded-Uri"}), Request{Host: "10.0.0.1:8080", Target: target, Forwarded: proxy}},
	} {
		b.Run(bench.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				page, err := bench.rules.Page(bench.req)
				if err != nil || page.URL() == "" {
					b.Fatal(err)
				}
			}
		})
	}
}
