package e2e

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"math/big"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/caddy-dingtalk/caddy-dingtalk/internal/testsite"
)

func TestAHostMatcherOnTheWayVouchesForItsHosts(t *testing.T) {
	t.Setenv("H5_HOST", "placed.test")
	s := testsite.Run(t, testsite.Setup{Sites: `&(shared) {
	route {
		dingtalk {
			import app
		}
		reverse_proxy UPSTREAM
	}
}
(sign) {
	dingtalk {
		import app
	}
	reverse_proxy UPSTREAM
}
http://exact.test:PORT, http://second.test:PORT {
	import sign
}
http://*.wild.test:PORT {
	import sign
}
http://bare.test:PORT {
	invoke shared
}
http://{env.H5_HOST}:PORT {
	import sign
}
http://deep.test:PORT {
	handle /a/* {
		route {
			handle_path /a/* {
				import sign
			}
		}
	}
}
http://answers.test:PORT {
	reverse_proxy UPSTREAM {
		handle_response {
			import sign
		}
	}
}
http://intercepts.test:PORT {
	intercept {
		handle_response {
			import sign
		}
	}
	reverse_proxy UPSTREAM
}
http://errors.test:PORT {
	error 404
	handle_errors {
		import sign
	}
}
http://:PORT {
	@both {
		host both.test
		path /both/*
	}
	handle @both {
		import sign
	}
	@not not host good.test
	handle /not/* {
		route @not {
			import sign
		}
	}
	@self host {http.request.host}
	handle /self/* {
		route @self {
			import sign
		}
	}
	@stars host *.* *
	handle /stars/* {
		route @stars {
			import sign
		}
	}
	handle /invoke/* {
		invoke shared
	}
	@elsewhere host elsewhere.test
	handle /elsewhere/* {
		route @elsewhere {
			header X-Elsewhere yes
		}
		import sign
	}
	handle {
		import sign
	}
}`})
	const yes, no = true, false
	tests := map[string]struct {
		host, path string
		signed     bool
	}{
		"the site's name":                               {"exact.test", "/", yes},
		"its second name":                               {"second.test", "/", yes},
		"the name in capitals":                          {"EXACT.test", "/", yes},
		"a name under a wildcard":                       {"a.wild.test", "/", yes},
		"two names under a wildcard":                    {"a.b.wild.test", "/", no},
		"the wildcard's own domain":                     {"wild.test", "/", no},
		"a name from the environment":                   {"placed.test", "/", yes},
		"a site of several subroutes":                   {"deep.test", "/a/b", yes},
		"a site's error page":                           {"errors.test", "/", yes},
		"a proxy's handle_response":                     {"answers.test", "/", yes},
		"an interceptor's handle_response":              {"intercepts.test", "/", yes},
		"a named route, through the site":               {"bare.test", "/", yes},
		"a named route, through nobody's site":          {"evil.test", "/invoke/", no},
		"the same for another site's name":              {"exact.test.evil.test", "/invoke/", no},
		"a matcher with host and path":                  {"both.test", "/both/x", yes},
		"its host with another path":                    {"both.test", "/other", no},
		"a site for every name":                         {"evil.test", "/", no},
		"a site for every name, a known suffix":         {"evilexact.test", "/", no},
		"a site for every name, a trailing dot":         {"exact.test.evil.", "/", no},
		"a matcher on another route":                    {"elsewhere.test", "/elsewhere/", no},
		"the name that a matcher excludes all but":      {"evil.test", "/not/", no},
		"a matcher that compares the host with itself":  {"evil.test", "/self/", no},
		"a matcher of nothing but wildcards":            {"evil.test", "/stars/", no},
		"a matcher of nothing but wildcards, one label": {"evil", "/stars/", no},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			url := s.At(strings.ToLower(test.host)) + test.path
			a := s.Get(t, url, "Host", test.host+":"+s.Port)
			if test.signed {
				s.ExpectSigned(t, a, url)
				return
			}
			s.ExpectUnsigned(t, a, "origin_unknown", "public_origin "+s.At(strings.ToLower(test.host))+"`", "trusted_proxies")
		})
	}
	t.Run("the log names the line to add, once a handler", func(t *testing.T) {
		lines := s.Logged(t, "a page passes unsigned", "add the line `public_origin http://evil.test:"+s.Port+"`", `"host":"evil.test:`)
		if len(lines) == 0 || lines[0].Level != "warn" {
			t.Errorf("%v", lines)
		}
		if lines := s.Logged(t, "a page passes unsigned"); len(lines) > 7 { // as many handlers leave pages unsigned
			t.Errorf("%d lines", len(lines))
		}
	})
}

func TestAListOfManyHostsVouches(t *testing.T) {
	var names []string
	for i := range 150 {
		names = append(names, "h"+strings.Repeat("x", i)+".test")
	}
	s := testsite.Run(t, testsite.Setup{Sites: `http://:PORT {
	@hosts host *.wild.test z.test ` + strings.Join(names, " ") + `
	handle @hosts {
		dingtalk {
			import app
		}
		reverse_proxy UPSTREAM
	}
}`})
	for _, host := range []string{"hxxx.test", "z.test", "a.wild.test"} {
		s.ExpectSigned(t, s.Get(t, s.At(host)+"/"), s.At(host)+"/")
	}
}

func TestAPrivateAddressIsItsOwnVoucher(t *testing.T) {
	s := testsite.Run(t, testsite.Setup{Sites: testsite.Signed})
	hosts := map[string]bool{
		"127.0.0.1": true, "127.9.9.9": true, "localhost": true, "LOCALHOST": true, "10.1.2.3": true, "172.16.0.1": true,
		"192.168.1.2": true, "[::1]": true, "[fd00::1]": true, "[::ffff:10.0.0.1]": true,
		"8.8.8.8": false, "172.32.0.1": false, "192.169.0.1": false, "100.64.0.1": false, "169.254.169.254": false,
		"0.0.0.0": false, "[2001:db8::1]": false, "[fe80::1]": false, "localhost.evil.test": false, "evil.localhost.test": false,
		"127.0.0.1.evil.test": false, "10.1.2": false, "2130706433": false, "0x7f.1": false, "127.0.0.1.": false,
	}
	for host, private := range hosts {
		t.Run(host, func(t *testing.T) {
			a := s.Target(t, host+":8080", "/p")
			if url := "http://" + strings.ToLower(host) + ":8080/p"; private {
				s.ExpectSigned(t, a, url)
			} else {
				s.ExpectUnsigned(t, a, "origin_unknown", "public_origin")
			}
		})
	}
}

func TestTheNameOfATLSHandshakeVouches(t *testing.T) {
	s := testsite.Run(t, testsite.Setup{
		Global: `on_demand_tls {
		ask http://UPSTREAM/ask
	}`,
		Sites: `https://:PORT {
	tls internal {
		on_demand
	}
	dingtalk {
		import app
	}
	reverse_proxy UPSTREAM
}`})
	origin := func(host string) string { return "https://" + host + ":" + s.Port }
	tests := map[string]struct {
		sni, host string
		signed    bool
	}{
		"the Host":                  {"h5.test", "h5.test", true},
		"the Host in capitals":      {"h5.test", "H5.TEST", true},
		"another Host":              {"h5.test", "evil.test", false},
		"a Host with a dot more":    {"h5.test", "h5.test.", false},
		"a Host below the name":     {"h5.test", "a.h5.test", false},
		"a private address as Host": {"h5.test", "127.0.0.1", true},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			a := s.Get(t, origin(test.sni)+"/p", "Host", test.host+":"+s.Port)
			if url := origin(strings.ToLower(test.host)); test.signed {
				s.ExpectSigned(t, a, url+"/p")
			} else {
				s.ExpectUnsigned(t, a, "origin_unknown", "public_origin "+url)
			}
		})
	}
}

// TestANameWithoutACertificateDoesNotVouch: Caddy answers to any name with a
// certificate that was loaded by hand, or by fallback_sni.
func TestANameWithoutACertificateDoesNotVouch(t *testing.T) {
	for name, global := range map[string]string{"a catch-all": "", "fallback_sni": "fallback_sni h5.test"} {
		t.Run(name, func(t *testing.T) {
			certificate, key := selfSigned(t, "h5.test")
			s := testsite.Run(t, testsite.Setup{Global: global, Sites: `https://:PORT {
	tls ` + certificate + ` ` + key + `
	dingtalk {
		import app
	}
	reverse_proxy UPSTREAM
}`})
			origin := func(host string) string { return "https://" + host + ":" + s.Port }
			s.ExpectSigned(t, s.Get(t, origin("h5.test")+"/p"), origin("h5.test")+"/p")
			s.ExpectUnsigned(t, s.Get(t, origin("evil.test")+"/p"), "origin_unknown", "public_origin "+origin("evil.test"))
			a := s.Fetch(t, http.MethodGet, origin("evil.test")+"/.dingtalk/config?url="+url.QueryEscape(origin("evil.test")+"/p"), "")
			testsite.ExpectRefusal(t, a, http.StatusForbidden, "origin_not_allowed")
		})
	}
}

func TestPublicOriginVouches(t *testing.T) {
	s := testsite.Run(t, testsite.Setup{Sites: `http://:PORT {
	handle /one/* {
		dingtalk {
			import app
			public_origin https://h5.test:8443
		}
		reverse_proxy UPSTREAM
	}
	handle /several/* {
		dingtalk {
			import app
			public_origin https://h5.test http://h5.test:8080 https://m.test
		}
		reverse_proxy UPSTREAM
	}
}`})
	tests := map[string]struct{ host, path, origin string }{
		"a single one is always used":                     {"app.internal:3000", "/one/p", "https://h5.test:8443"},
		"even where the Host is none":                     {"[oops]", "/one/p", "https://h5.test:8443"},
		"of several the one with the host's name":         {"m.test", "/several/p", "https://m.test"},
		"whatever its port":                               {"m.test:3000", "/several/p", "https://m.test"},
		"where they share the name, by the port":          {"h5.test:8080", "/several/p", "http://h5.test:8080"},
		"where they share the name, by the default port":  {"h5.test:443", "/several/p", "https://h5.test"},
		"the same without a port":                         {"h5.test", "/several/p", "https://h5.test"},
		"where neither port is the Host's, by the scheme": {"h5.test:9", "/several/p", "http://h5.test:8080"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) { s.ExpectSigned(t, s.Target(t, test.host, test.path), test.origin+test.path) })
	}
	for name, host := range map[string]string{"another name": "x.test", "a private address": "127.0.0.1"} {
		t.Run("none of several fits "+name, func(t *testing.T) {
			s.ExpectUnsigned(t, s.Target(t, host, "/several/p"), "origin_unknown", "no public_origin fits")
		})
	}
}

// selfSigned writes a certificate for a host into files.
func selfSigned(t *testing.T, host string) (certificate, key string) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), DNSNames: []string{host}, NotAfter: time.Now().Add(time.Hour)}
	public, err := x509.CreateCertificate(rand.Reader, template, template, private.Public(), private)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	for name, block := range map[string]*pem.Block{"c.pem": {Type: "CERTIFICATE", Bytes: public}, "k.pem": {Type: "PRIVATE KEY", Bytes: secret}} {
		if err := os.WriteFile(filepath.Join(dir, name), pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return filepath.Join(dir, "c.pem"), filepath.Join(dir, "k.pem")
}
