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
			s.ExpectUnsigned(t, a, "origin_unknown", s.At(strings.ToLower(test.host))+" is this site", "public_origin", "public_host", "the site's address")
		})
	}
	t.Run("the log names the line to add, once a handler", func(t *testing.T) {
		lines := s.Logged(t, "a page passes unsigned", "that http://evil.test:"+s.Port+" is this site: if it is, name it in the line public_origin", `"advice_zh":"`, `"host":"evil.test:`)
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

// onDemand is a site that gets a certificate for any name that a handshake asks for.
const onDemand = `https://:PORT {
	tls internal {
		on_demand
	}
	dingtalk {
		import app
		EXTRA
	}
	reverse_proxy UPSTREAM
}`

// askUpstream lets the upstream decide about certificates: it admits all names.
const askUpstream = `on_demand_tls {
		ask http://UPSTREAM/ask
	}`

// TestACertificateThatWasIssuedOnDemandVouchesForNothing: whoever asks for the name
// gets it.
func TestACertificateThatWasIssuedOnDemandVouchesForNothing(t *testing.T) {
	s := testsite.Run(t, testsite.Setup{Global: askUpstream, Sites: strings.Replace(onDemand, "EXTRA", "", 1)})
	origin := func(host string) string { return "https://" + host + ":" + s.Port }
	for name, test := range map[string]struct {
		sni, host string
		signed    bool
	}{
		"the name of the handshake":             {"h5.test", "h5.test", false},
		"the same in capitals":                  {"h5.test", "H5.TEST", false},
		"another name than the handshake's":     {"h5.test", "evil.test", false},
		"a name with a dot more":                {"h5.test", "h5.test.", false},
		"a private address, from a private end": {"h5.test", "127.0.0.1", true},
	} {
		t.Run(name, func(t *testing.T) {
			url := origin(strings.ToLower(test.host)) + "/p"
			for range 2 { // the second time the certificate is there already
				a := s.Get(t, origin(test.sni)+"/p", "Host", test.host+":"+s.Port)
				if test.signed {
					s.ExpectSigned(t, a, url)
				} else {
					s.ExpectUnsigned(t, a, "origin_unknown", "that "+strings.TrimSuffix(url, "/p")+" is this site", "public_origin", "public_host")
				}
			}
		})
	}
}

// TestALonePublicHostLeavesItToTheAskEndpoint, but only for the name in the handshake.
func TestALonePublicHostLeavesItToTheAskEndpoint(t *testing.T) {
	s := testsite.Run(t, testsite.Setup{Global: askUpstream, Sites: strings.Replace(onDemand, "EXTRA", "public_host *", 1)})
	origin := func(host string) string { return "https://" + host + ":" + s.Port }
	s.ExpectSigned(t, s.Get(t, origin("h5.test")+"/p"), origin("h5.test")+"/p")
	s.ExpectUnsigned(t, s.Get(t, origin("h5.test")+"/p", "Host", "evil.test:"+s.Port), "origin_unknown", "that "+origin("evil.test")+" is this site", "public_host")
}

// TestACertificateThatIsManagedVouches where no host matcher leads to the handler.
func TestACertificateThatIsManagedVouches(t *testing.T) {
	s := testsite.Run(t, testsite.Setup{Global: "auto_https disable_redirects\n\t" + askUpstream, Sites: `https://h5.test:PORT/elsewhere/* {
	tls internal
	respond elsewhere
}
` + strings.Replace(onDemand, "EXTRA", "", 1)})
	origin := func(host string) string { return "https://" + host + ":" + s.Port }
	testsite.Eventually(t, "the certificate", func() bool {
		resp, err := s.Client.Get(origin("h5.test") + "/p")
		if err == nil {
			resp.Body.Close()
		}
		return err == nil
	})
	s.ExpectSigned(t, s.Get(t, origin("h5.test")+"/p"), origin("h5.test")+"/p")
	s.ExpectUnsigned(t, s.Get(t, origin("other.test")+"/p"), "origin_unknown", "that "+origin("other.test")+" is this site", "public_host")
	s.ExpectUnsigned(t, s.Get(t, origin("other.test")+"/p", "Host", "h5.test:"+s.Port), "origin_unknown", "that "+origin("h5.test")+" is this site", "public_host")
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
			s.ExpectUnsigned(t, s.Get(t, origin("evil.test")+"/p"), "origin_unknown", "that "+origin("evil.test")+" is this site", "public_origin")
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

// TestTheRebuiltHostIsAskedAbout: a trusted proxy says which of our hosts a request is
// for, never that it is ours. It passes on what a client sends.
func TestTheRebuiltHostIsAskedAbout(t *testing.T) {
	s := testsite.Run(t, testsite.Setup{Global: behindProxy, Sites: `http://exact.test:PORT, http://*.wild.test:PORT {
	dingtalk {
		import app
	}
	reverse_proxy UPSTREAM
}
http://:PORT {
	handle /named/* {
		dingtalk {
			import app
			public_host h5.test *.many.test
			endpoint /named/.dingtalk
		}
		reverse_proxy UPSTREAM
	}
	handle /any/* {
		dingtalk {
			import app
			public_host *
			endpoint /any/.dingtalk
		}
		reverse_proxy UPSTREAM
	}
	handle {
		dingtalk {
			import app
		}
		reverse_proxy UPSTREAM
	}
}`})
	for name, test := range map[string]struct {
		host, path, forwarded string
		signed                bool
	}{
		"a matcher for the Host, and the same host":      {"exact.test", "/p", "exact.test", true},
		"a matcher for the Host, and another of its own": {"exact.test", "/p", "a.wild.test", true},
		"a matcher for the Host, and a foreign host":     {"exact.test", "/p", "evil.test", false},
		"a wildcard for the Host, and two labels":        {"a.wild.test", "/p", "a.b.wild.test", false},
		"no matcher, and a foreign host":                 {"app.internal", "/p", "evil.test", false},
		"no matcher, and another site's host":            {"app.internal", "/p", "exact.test", false},
		"public_host":                                    {"app.internal", "/named/p", "h5.test", true},
		"public_host in capitals":                        {"app.internal", "/named/p", "H5.Test", true},
		"public_host with a port":                        {"app.internal", "/named/p", "h5.test:8443", true},
		"public_host, and a foreign host":                {"h5.test", "/named/p", "evil.test", false},
		"public_host, and a name that ends like it":      {"h5.test", "/named/p", "evilh5.test", false},
		"public_host with one label":                     {"app.internal", "/named/p", "a.many.test", true},
		"public_host with two labels":                    {"app.internal", "/named/p", "a.b.many.test", false},
		"public_host without the label":                  {"app.internal", "/named/p", "many.test", false},
		"a lone star believes the trusted proxy":         {"app.internal", "/any/p", "whatever.test", true},
	} {
		t.Run(name, func(t *testing.T) {
			a := s.Get(t, test.path, "Host", test.host, "X-Forwarded-Host", test.forwarded, "X-Forwarded-Proto", "https")
			origin := "https://" + strings.ToLower(test.forwarded)
			if test.signed {
				s.ExpectSigned(t, a, origin+test.path)
			} else {
				s.ExpectUnsigned(t, a, "origin_unknown", "that "+origin+" is this site", "public_origin", "public_host")
				a := s.Config(t, s.URL+strings.TrimSuffix(test.path, "/p"), origin+"/p", "Host", test.host, "X-Forwarded-Host", test.forwarded, "X-Forwarded-Proto", "https")
				testsite.ExpectRefusal(t, a, http.StatusForbidden, "origin_not_allowed", origin)
			}
		})
	}
}

// TestALonePublicHostBelievesNobodyElse than trusted proxies.
func TestALonePublicHostBelievesNobodyElse(t *testing.T) {
	s := testsite.Run(t, testsite.Setup{Sites: `http://:PORT {
	dingtalk {
		import app
		public_host *
	}
	reverse_proxy UPSTREAM
}`})
	s.ExpectUnsigned(t, s.Get(t, s.At("h5.test")+"/p"), "origin_unknown", "that "+s.At("h5.test")+" is this site", "public_host")
}

// TestAProxyThatIsNotTrustedIsNamed: page, log and config say what is missing, and no
// origin that only looks like the browser's. Who follows it has signed pages.
func TestAProxyThatIsNotTrustedIsNamed(t *testing.T) {
	const site = `http://:PORT {
	dingtalk {
		import app
		EXTRA
	}
	reverse_proxy UPSTREAM
}`
	proxied := []string{"Host", "h5.test", "X-Forwarded-Proto", "https"}
	s := testsite.Run(t, testsite.Setup{Sites: strings.Replace(site, "EXTRA", "", 1)})
	words := []string{"127.0.0.1 sends X-Forwarded-Proto: https but is not trusted", "trusted_proxies static private_ranges", "if h5.test is this site, name it in public_host", "https://h5.test in public_origin"}
	page := s.ExpectUnsigned(t, s.Get(t, "/p", proxied...), "origin_unknown", words...)
	if strings.Contains(page.Sidecar.Error.Message, "http://h5.test") {
		t.Errorf("an origin that the browser does not show: %s", page.Sidecar.Error.Message)
	}
	testsite.ExpectRefusal(t, s.Config(t, s.URL, "https://h5.test/p", append(proxied, "Origin", "https://h5.test", "Sec-Fetch-Site", "same-origin")...),
		http.StatusForbidden, "origin_not_allowed", words...)
	if lines := s.Logged(t, "a page passes unsigned", words[0], words[2]); len(lines) != 1 {
		t.Errorf("%d lines", len(lines))
	}

	t.Run("who follows the advice has signed pages", func(t *testing.T) {
		s := testsite.Run(t, testsite.Setup{Global: "servers {\n\t\ttrusted_proxies static private_ranges\n\t}", Sites: strings.Replace(site, "EXTRA", "public_host h5.test", 1)})
		s.ExpectSigned(t, s.Get(t, "/p", proxied...), "https://h5.test/p")
	})
	t.Run("the line that does both", func(t *testing.T) {
		s := testsite.Run(t, testsite.Setup{Sites: strings.Replace(site, "EXTRA", "public_origin https://h5.test", 1)})
		s.ExpectSigned(t, s.Get(t, "/p", proxied...), "https://h5.test/p")
	})
}

// TestNobodySendsTwoOrigins: which of them counts is not known.
func TestNobodySendsTwoOrigins(t *testing.T) {
	s := testsite.Run(t, testsite.Setup{Sites: testsite.Signed})
	for name, origins := range map[string][2]string{
		"the site's own twice":             {s.URL, s.URL},
		"the site's own, and then another": {s.URL, "https://evil.test"},
		"another, and then the site's own": {"https://evil.test", s.URL},
		"the site's own, and then nothing": {s.URL, ""},
		"nothing, and then the site's own": {"", s.URL},
		"two that are empty":               {"", ""},
	} {
		t.Run(name, func(t *testing.T) {
			a := s.Config(t, s.URL, s.URL+"/p", "Origin", origins[0], "Origin", origins[1], "Sec-Fetch-Site", "same-origin")
			testsite.ExpectRefusal(t, a, http.StatusForbidden, "origin_not_allowed")
			if a.Header.Get("Access-Control-Allow-Origin") != "" {
				t.Errorf("header %v", a.Header)
			}
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
