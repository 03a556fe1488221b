package e2e

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/caddy-dingtalk/caddy-dingtalk/internal/sandbox"
	"github.com/caddy-dingtalk/caddy-dingtalk/internal/testsite"
)

// fronted is a site behind a real nginx that ends TLS, as browsers see it.
type fronted struct {
	*testsite.Site
	nginx  string // where it listens
	client *http.Client
}

const shownOrigin = "https://h5.example.com"

// behindNginx puts nginx before a site, with these lines in its location. CADDY stands
// for Caddy's address.
func behindNginx(t *testing.T, s *testsite.Site, lines string) *fronted {
	t.Helper()
	testsite.NeedNginx(t)
	dir, addr := testsite.Folder(t), testsite.FreeAddr(t)
	cert, key := filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	testsite.WriteCertificate(t, cert, key, "h5.example.com")
	testsite.Nginx(t, dir, addr, fmt.Sprintf("upstream caddy_site { server %s; }\nserver {\nlisten %s ssl;\nserver_name h5.example.com;\nssl_certificate %s;\nssl_certificate_key %s;\n%s\n}\n",
		s.Addr, addr, cert, key, strings.ReplaceAll(lines, "CADDY", s.Addr)))
	f := &fronted{s, addr, &http.Client{Timeout: 20 * time.Second, Transport: &http.Transport{
		DisableCompression: true,
		TLSClientConfig:    &tls.Config{InsecureSkipVerify: true}, // the certificate is made up here
		DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, network, addr)
		},
	}}}
	t.Cleanup(f.client.CloseIdleConnections)
	return f
}

// ask asks under the URL that the browser shows.
func (f *fronted) ask(t *testing.T, method, path, body string, header http.Header) *testsite.Answer {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, shownOrigin+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header = header
	res, err := f.client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	return testsite.Read(res)
}

// tell reports as a page of the site does.
func (f *fronted) tell(t *testing.T, report map[string]any, headers ...string) *testsite.Answer {
	t.Helper()
	body, _ := json.Marshal(report)
	return f.ask(t, http.MethodPost, "/.dingtalk/report", string(body), testsite.Header(append([]string{"Origin", shownOrigin, "Content-Type", "application/json"}, headers...)...))
}

// bare are the locations that people write who know nginx, and no line for the Host.
var bare = map[string]string{
	"an address":            "location / { proxy_pass http://CADDY; }",
	"the name of upstreams": "location / { proxy_pass http://caddy_site; }",
}

// TestAnNginxWithoutALineForTheHostIsTold follows the most common mistake of nginx: the
// page must not be silent in the log, and what the log says cures it.
func TestAnNginxWithoutALineForTheHostIsTold(t *testing.T) {
	for name, location := range bare {
		t.Run(name, func(t *testing.T) {
			s := testsite.Run(t, testsite.Setup{Sites: testsite.Signed, DingTalk: sandbox.Options{Refetch: sandbox.NewValue}})
			f := behindNginx(t, s, location)
			page := f.ask(t, http.MethodGet, "/p?code=secret", "", testsite.DocumentHeader())
			sidecar := page.Snippet(t).Sidecar
			signed, code := "", ""
			if sidecar.Error == nil {
				signed = *sidecar.URL
			} else {
				code = sidecar.Error.Code
			}
			calls := s.Ding.Calls()["v1.ticket"]

			// The page asks, and gets no signature: nobody vouches for the host that it shows.
			a := f.ask(t, http.MethodGet, "/.dingtalk/config?url=https%3A%2F%2Fh5.example.com%2Fp", "", testsite.Header("Sec-Fetch-Site", "same-origin"))
			testsite.ExpectRefusal(t, a, http.StatusForbidden, "origin_not_allowed", "https://h5.example.com", "proxy_set_header Host $http_host;")
			if strings.Contains(a.Body, "signature") {
				t.Errorf("signed: %s", a.Body)
			}

			for _, report := range []map[string]any{
				{"url": shownOrigin + "/p?code=secret", "signed": signed, "code": "url_mismatch", "message": code},
				{"url": shownOrigin + "/p", "signed": shownOrigin + "/p", "code": 52013, "message": "签名校验失败"},
				{"url": shownOrigin + "/p", "signed": shownOrigin + "/p", "code": "healed", "tried": "hash=sha256"},
			} {
				a := f.tell(t, report, "Sec-Fetch-Site", "same-origin")
				if a.Status != http.StatusNoContent || a.Body != "" || a.Header.Get("DingTalk-Retry") != "" || a.Header.Get("Access-Control-Allow-Origin") != "" {
					t.Errorf("%v: %d %v %s", report["code"], a.Status, a.Header, a.Body)
				}
			}
			if signed != "" {
				lines := s.Logged(t, "a visitor's page claims", "the host is h5.example.com", "proxy_set_header Host $http_host;", `"advice_zh":"访问者的页面声称`)
				if len(lines) != 1 || strings.Contains(lines[0].Text, "public_origin https://h5") || strings.Contains(lines[0].Text, "code=secret") {
					t.Errorf("%v", lines)
				}
				if lines := s.Logged(t, "127.0.0.1 asks for the Host "+s.Addr, "proxy_set_header Host $http_host;"); len(lines) != 1 {
					t.Errorf("it is not told at once: %v", lines)
				}
			} else if lines := s.Logged(t, "a page passes unsigned", "proxy_set_header Host $http_host;"); len(lines) != 1 || strings.Contains(lines[0].Text, "public_origin http://caddy_site ") {
				t.Errorf("%v", lines)
			}
			s.Get(t, "/p")
			if got := s.Ding.Calls()["v1.ticket"]; got != max(calls, 1) {
				t.Errorf("the ticket became suspect: %d calls, then %d", calls, got)
			}
		})
	}
	t.Run("and the cure cures", func(t *testing.T) {
		s := testsite.Run(t, testsite.Setup{
			Sites: strings.Replace(testsite.Signed, "import app", "import app\n\t\tpublic_host h5.example.com", 1), Global: "servers {\n\t\ttrusted_proxies static private_ranges\n\t}",
		})
		f := behindNginx(t, s, "location / {\nproxy_set_header Host $http_host;\nproxy_set_header X-Forwarded-Proto $scheme;\nproxy_pass http://caddy_site;\n}")
		s.ExpectSigned(t, f.ask(t, http.MethodGet, "/p", "", testsite.DocumentHeader()), shownOrigin+"/p")
		if lines := s.Logged(t, "Host"); len(lines) != 0 {
			t.Errorf("%v", lines)
		}
	})
}

// TestAReportWithoutTheBrowsersWordIsRefusedAloud: on plain http browsers do not say
// that a call is same-origin.
func TestAReportWithoutTheBrowsersWordIsRefusedAloud(t *testing.T) {
	s := testsite.Run(t, testsite.Setup{Sites: testsite.Signed})
	f := behindNginx(t, s, bare["an address"])
	report := map[string]any{"url": shownOrigin + "/p", "signed": s.URL + "/p", "code": "url_mismatch"}
	for range 3 {
		testsite.ExpectRefusal(t, f.tell(t, report), http.StatusForbidden, "origin_not_allowed", shownOrigin, s.URL, "proxy_set_header Host $http_host;", "allow_origin")
	}
	lines := s.Logged(t, "a report is refused", shownOrigin, "proxy_set_header Host $http_host;", `"advice_zh":"`)
	if len(lines) != 1 || strings.Contains(lines[0].Text, "allow_origin https://") || strings.Contains(lines[0].Text, "public_origin https://") {
		t.Errorf("%v", lines)
	}
	for _, site := range []string{"cross-site", "same-site", "none"} {
		testsite.ExpectRefusal(t, f.tell(t, report, "Sec-Fetch-Site", site), http.StatusForbidden, "origin_not_allowed")
	}
}

// TestABrowserThatRightlyAsksForOurAddressIsNoProxy.
func TestABrowserThatRightlyAsksForOurAddressIsNoProxy(t *testing.T) {
	s := testsite.Run(t, testsite.Setup{Sites: testsite.Signed})
	for _, host := range []string{s.Addr, "localhost:" + s.Port} {
		s.ExpectSigned(t, s.Get(t, "/p", "Host", host), "http://"+host+"/p")
	}
	if lines := s.Logged(t, "which is the address that Caddy listens at"); len(lines) != 0 {
		t.Errorf("%v", lines)
	}
	s.Get(t, "/p", "Host", "localhost:"+s.Port, "X-Forwarded-For", "203.0.113.9")
	if lines := s.Logged(t, "127.0.0.1 asks for the Host localhost:"+s.Port); len(lines) != 1 {
		t.Errorf("%v", lines)
	}
}
