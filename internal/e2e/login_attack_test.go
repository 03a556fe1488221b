package e2e

import (
	"net/http"
	"strings"
	"testing"

	"github.com/caddy-dingtalk/caddy-dingtalk/internal/sandbox"
	"github.com/caddy-dingtalk/caddy-dingtalk/internal/testsite"
)

// TestNoOtherSiteCallsTheEndpointsOfSignIn: allow_origin opens config and report alone.
func TestNoOtherSiteCallsTheEndpointsOfSignIn(t *testing.T) {
	s, _ := loginSite(t, "allow_origin https://friend.test\n login", sandbox.Options{})
	session := signIn(t, s, "u1")
	for name, headers := range map[string][]string{
		"another site":                     {"Sec-Fetch-Site", "cross-site", "Origin", "https://evil.test"},
		"a neighbouring host":              {"Sec-Fetch-Site", "same-site", "Origin", "http://evil.h5.test"},
		"a sandboxed frame":                {"Sec-Fetch-Site", "cross-site", "Origin", "null"},
		"an old browser at another site":   {"Origin", "https://evil.test"},
		"an old browser that says nothing": {},
		"an origin that config is open to": {"Origin", "https://friend.test"},
		"the same in a new browser":        {"Sec-Fetch-Site", "cross-site", "Origin", "https://friend.test"},
		"two words of the browser":         {"Sec-Fetch-Site", "same-origin", "Sec-Fetch-Site", "cross-site"},
		"two origins":                      {"Sec-Fetch-Site", "same-origin", "Origin", s.URL, "Origin", "https://evil.test"},
		"another port":                     {"Origin", "http://h5.test:1"},
		"a link":                           {"Sec-Fetch-Site", "none"},
	} {
		for _, path := range []string{"/.dingtalk/logout", "/.dingtalk/logout?everywhere", "/.dingtalk/login"} {
			a := s.Fetch(t, "POST", s.URL+path, `{"code":"`+s.Ding.Code("app", "u2")+`"}`, append([]string{"Cookie", session, "Content-Type", "application/json"}, headers...)...)
			if a.Status != 403 || codeOf(a) != "cross_origin" || len(a.Header["Set-Cookie"]) > 0 || a.Header.Get("Access-Control-Allow-Origin") != "" {
				t.Errorf("%s: POST %s: %d %v %s", name, path, a.Status, a.Header, a.Body)
			}
		}
	}
	for _, method := range []string{"GET", "OPTIONS"} {
		a := s.Fetch(t, method, s.URL+"/.dingtalk/user", "", "Cookie", session, "Origin", "https://friend.test", "Sec-Fetch-Site", "cross-site", "Access-Control-Request-Method", "GET")
		if a.Status != 403 || a.Header.Get("Access-Control-Allow-Origin") != "" || a.Header.Get("X-Dingtalk-User-Id") != "" || strings.Contains(a.Body, "u1") {
			t.Errorf("%s user from an origin that config is open to: %d %v %s", method, a.Status, a.Header, a.Body)
		}
	}
	for _, method := range []string{"GET", "HEAD", "PUT"} {
		if a := s.Fetch(t, method, s.URL+"/.dingtalk/logout", "", "Cookie", session, "Sec-Fetch-Site", "same-origin"); a.Status != 405 || len(a.Header["Set-Cookie"]) > 0 {
			t.Errorf("%s logout: %d", method, a.Status)
		}
	}
	if a := fetchAs(t, s, "GET", "/api", "", session); a.Status != 200 {
		t.Errorf("after all that: %d", a.Status)
	}
}

// TestAPlantedCookieIsNoSession: a neighbouring host may plant names that a browser does not
// take for those with __Host- in front, and servers that trim do.
func TestAPlantedCookieIsNoSession(t *testing.T) {
	s := testsite.Run(t, testsite.Setup{Global: behindProxy, Upstream: new(echo), Sites: "http://h5.test:PORT {\n\tdingtalk {\n\t\timport app\n\t\tlogin {\n\t\t\tpublic /open/*\n\t\t}\n\t}\n\treverse_proxy UPSTREAM\n}\n"})
	s.URL = s.At("h5.test")
	in := fetchAs(t, s, "POST", "/.dingtalk/login", `{"code":"`+s.Ding.Code("app", "u2")+`"}`, "", "X-Forwarded-Proto", "https")
	planted, _, _ := strings.Cut(in.Header.Get("Set-Cookie"), ";")
	name, value, _ := strings.Cut(planted, "=")
	for what, c := range map[string]struct {
		cookie string
		status int
	}{
		"as it is":                        {planted, 200},
		"behind a space that is no blank": {"\u00a0" + planted, 401},
		"behind a wide space":             {"a=1; \u3000" + planted, 401},
		"without the prefix":              {strings.TrimPrefix(planted, "__Host-"), 401},
		"in another case":                 {strings.ToLower(name) + "=" + value, 401},
		"by the name of an attempt":       {name + "-s-00000000=" + value, 401},
		"beside the real one":             {planted + "; \u00a0" + planted, 200},
		"twice":                           {planted + "; " + planted, 401},
		"in two headers' worth of commas": {"a=1, " + planted, 401},
		"within quotes":                   {name + `="` + value + `"`, 401},
		"as an attribute":                 {`$Version=1; ` + planted + `; $Path=/`, 200},
	} {
		r := testsite.Header("Sec-Fetch-Dest", "empty", "Accept", "*/*", "X-Forwarded-Proto", "https", "Cookie", c.cookie)
		if a := s.Do(t, http.MethodGet, "/api", "", r); a.Status != c.status || strings.Contains(a.Body, value) {
			t.Errorf("%s: %d, want %d: %s", what, a.Status, c.status, a.Body)
		}
	}
}
