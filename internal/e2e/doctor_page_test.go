package e2e

import (
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2"

	"github.com/caddy-dingtalk/caddy-dingtalk/config"
	"github.com/caddy-dingtalk/caddy-dingtalk/internal/testsite"
)

const (
	doctorToken = "let-me-in-0123456789"
	doctorPath  = "/.dingtalk/doctor"
)

// doctored are sites with a doctor, with one that asks for a token, and without.
const doctored = `http://h5.test:PORT {
	dingtalk {
		import app
		doctor
	}
	reverse_proxy UPSTREAM
}
http://guarded.test:PORT {
	log
	dingtalk {
		import app
		doctor ` + doctorToken + `
		jsapi_url https://scripts.test/dd.js?a=1&b=2
	}
	reverse_proxy UPSTREAM
}
http://off.test:PORT {
	dingtalk {
		import app
	}
	reverse_proxy UPSTREAM
}`

func TestThereIsADoctorPageOnlyWhereItIsWanted(t *testing.T) {
	s := testsite.Run(t, testsite.Setup{Sites: doctored, Upstream: testsite.NoUpstream(t)})
	h5, guarded, off := s.At("h5.test")+doctorPath, s.At("guarded.test")+doctorPath, s.At("off.test")+doctorPath
	nothing := s.Get(t, s.At("off.test")+"/.dingtalk/nothing").Body
	tests := map[string]struct {
		where string
		there bool
	}{
		"without a token":                {h5, true},
		"with a token that nobody wants": {h5 + "?token=x", true},
		"with a slash at the end":        {h5 + "/", false},
		"not configured":                 {off, false},
		"not configured, with a token":   {off + "?token=" + doctorToken, false},
		"the token":                      {guarded + "?token=" + doctorToken, true},
		"the token among others":         {guarded + "?q=%E4%B8%AD+a&token=" + doctorToken + "&x", true},
		"the token, percent-encoded":     {guarded + "?%74oken=%6Cet-me-in-0123456789", true},
		"no token":                       {guarded, false},
		"an empty token":                 {guarded + "?token=", false},
		"another token":                  {guarded + "?token=let-me-in", false},
		"the token in capitals":          {guarded + "?token=" + strings.ToUpper(doctorToken), false},
		"the token behind another":       {guarded + "?token=x&token=" + doctorToken, false},
		"the token under another name":   {guarded + "?TOKEN=" + doctorToken, false},
		"the token in the fragment":      {guarded + "?#token=" + doctorToken, false},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			for _, method := range []string{http.MethodGet, http.MethodPost, http.MethodPut} {
				a := s.Fetch(t, method, test.where, "{}")
				switch {
				case !test.there:
					testsite.ExpectRefusal(t, a, http.StatusNotFound, "not_found")
					if a.Body != nothing {
						t.Errorf("%s tells that there is a page: %s", method, a.Body)
					}
				case method == http.MethodPut:
					testsite.ExpectRefusal(t, a, http.StatusMethodNotAllowed, "method_not_allowed")
					if got := a.Header.Get("Allow"); got != "GET, HEAD, POST" {
						t.Errorf("Allow: %q", got)
					}
				case a.Status != http.StatusOK:
					t.Errorf("%s: %d %s", method, a.Status, a.Body)
				}
			}
		})
	}
}

func TestTheDoctorPageIsAnOrdinaryPageOfTheSite(t *testing.T) {
	s := testsite.Run(t, testsite.Setup{Sites: doctored, Upstream: testsite.NoUpstream(t)})
	for site, script := range map[string]string{
		"h5.test":      "https://g.alicdn.com/dingding/dingtalk-jsapi/3.1.0/dingtalk.open.js",
		"guarded.test": "https://scripts.test/dd.js?a=1&amp;b=2",
	} {
		url := s.At(site) + doctorPath + "?q=%E4%B8%AD%E6%96%87+a"
		cookie := ""
		if site == "guarded.test" {
			cookie = admitted(t, s)
		}
		a := s.Get(t, url, "Accept-Language", "en-GB,en;q=0.9", "Cookie", cookie)
		got := s.ExpectSigned(t, a, url)
		if got.Form != testsite.Inline || got.Nonce == "" {
			t.Errorf("the snippet is %s with the nonce %q", got.Form, got.Nonce)
		}
		policy := a.Header.Get("Content-Security-Policy")
		if !strings.Contains(policy, "script-src 'nonce-"+got.Nonce+"'") || !strings.Contains(policy, "frame-ancestors 'self' https://*.dingtalk.com") {
			t.Errorf("policy %q", policy)
		}
		for _, attributes := range got.Scripts {
			if attributes["type"] != "application/json" && attributes["nonce"] != got.Nonce {
				t.Errorf("a script without the nonce: %v", attributes)
			}
		}
		if !strings.Contains(a.Body, `async src="`+script+`"`) {
			t.Errorf("DingTalk's script is not %s", script)
		}
		if outside := regexp.MustCompile(`(?:src|href)="(?:https?:)?//[^"]*`).FindAllString(a.Body, -1); len(outside) != 1 {
			t.Errorf("resources from elsewhere: %q", outside)
		}
		for key, want := range map[string]string{
			"Content-Type": "text/html; charset=utf-8", "Referrer-Policy": "no-referrer", "X-Frame-Options": "SAMEORIGIN",
			"X-Robots-Tag": "noindex, nofollow", "Access-Control-Allow-Origin": "",
		} {
			if v := a.Header.Get(key); v != want {
				t.Errorf("%s: %q, want %q", key, v, want)
			}
		}
		testsite.ExpectEndpointHeaders(t, a)
		if !strings.Contains(a.Body, `<html lang="en">`) || strings.Contains(a.Body, "{{") {
			t.Error("the page is not filled in")
		}
		if again := s.Get(t, url, "Cookie", cookie).Snippet(t); again.Nonce == got.Nonce {
			t.Error("the nonce is the same again")
		}
	}
	head := s.Fetch(t, http.MethodHead, s.At("h5.test")+doctorPath, "")
	if head.Status != http.StatusOK || head.Body != "" || head.Header.Get("Content-Type") != "text/html; charset=utf-8" {
		t.Errorf("HEAD: %d %v", head.Status, head.Header)
	}
}

func TestTheLanguageIsTheBrowsers(t *testing.T) {
	s := testsite.Run(t, testsite.Setup{Sites: doctored, Upstream: testsite.NoUpstream(t)})
	for accept, want := range map[string]string{
		"zh-CN,zh;q=0.9,en;q=0.8": "zh-CN", "en-US,en;q=0.9,zh;q=0.1": "en", "zh-Hans-CN": "zh-CN", "EN": "en", "fr,de": "zh-CN", "fr,en": "en", "": "zh-CN",
	} {
		a := s.Get(t, s.At("h5.test")+doctorPath, "Accept-Language", accept)
		if !strings.Contains(a.Body, `<html lang="`+want+`">`) {
			t.Errorf("%q: not %s", accept, want)
		}
		for _, text := range []string{"复制全部结果", "Copy all as text"} {
			if !strings.Contains(a.Body, text) {
				t.Errorf("%q: the page lacks %q", accept, text)
			}
		}
	}
}

func TestThePageTellsHowItsRequestArrived(t *testing.T) {
	s := testsite.Run(t, testsite.Setup{
		Global: "servers {\n\ttrusted_proxies static 127.0.0.1/32\n}",
		Sites:  doctored, Upstream: testsite.NoUpstream(t),
	})
	f := inDoctorPage(t, s.Get(t, s.At("h5.test")+doctorPath, "X-Forwarded-Proto", "https", "X-Forwarded-Port", "8443", "Cookie", "session=1"))
	r := f.Request
	if r.Peer != "127.0.0.1" || !r.Trusted || r.TLS || r.EarlyData || r.Host != "h5.test:"+s.Port || len(r.Headers) != 2 {
		t.Errorf("%+v", r)
	}
	if h := r.Headers[0]; h.Name != "X-Forwarded-Proto" || h.Value != "https" || !h.Believed || !strings.Contains(h.Why.EN, "it gives the scheme") {
		t.Errorf("%+v", h)
	}
	if h := r.Headers[1]; h.Name != "X-Forwarded-Port" || h.Believed || !strings.Contains(h.Why.ZH, "forwarded") {
		t.Errorf("%+v", h)
	}
	if !f.Ticket.Held || f.Ticket.ExpiresIn < 7000 || f.Ticket.Error != nil || f.Findings[0].Name != "pending" {
		t.Errorf("%+v", f)
	}
	if url := "https://h5.test:" + s.Port + doctorPath; f.URL.Signed[0].Text != url {
		t.Errorf("%+v, want %s", f.URL, url)
	}
	bad := inDoctorPage(t, s.Get(t, s.At("h5.test")+doctorPath, "X-Forwarded-Proto", "x"))
	if bad.Findings[0].Name != "origin_unknown" || bad.Request.Headers[0].Status != "error" || !strings.Contains(bad.Findings[0].Cures[0].ZH, "X-Forwarded-Proto") {
		t.Errorf("%+v", bad)
	}
}

func TestTheDoctorKeepsItsSecrets(t *testing.T) {
	s := testsite.Run(t, testsite.Setup{
		Global: "debug\n\tservers {\n\t\ttrace\n\t\ttrusted_proxies static 127.0.0.1/32\n\t}",
		Sites:  doctored, Upstream: testsite.NoUpstream(t),
	})
	guarded := s.At("guarded.test") + doctorPath + "?token=" + doctorToken
	page := s.Fetch(t, http.MethodGet, guarded, "", "X-Original-Uri", doctorPath+"?token="+doctorToken)
	body, _ := json.Marshal(map[string]any{"url": strings.Replace(guarded, "http:", "https:", 1), "signed": guarded, "outcome": "error", "code": 52013,
		"message": "签名校验失败,nonce:[a],timestamp:[1],url:[" + guarded + "],ticketList:[x***y]"})
	found := consult(t, s, guarded, string(body), "X-Original-Uri", doctorPath+"?token="+doctorToken)
	s.Fetch(t, http.MethodPost, s.At("guarded.test")+"/.dingtalk/report", string(body))
	s.Config(t, s.At("guarded.test"), strings.Replace(guarded, "http:", "https:", 1))
	s.Get(t, s.At("guarded.test")+doctorPath+"?token=wrong")
	s.Get(t, guarded)
	s.Get(t, s.At("guarded.test")+doctorPath, "Cookie", admitted(t, s))
	for _, stray := range []string{"//.dingtalk/doctor?token=", "/x/../.dingtalk//doctor?token=", "/.dingtalk/./doctor?a&token="} {
		if a := s.Raw(t, "GET "+stray+doctorToken+" HTTP/1.1\r\nHost: guarded.test:"+s.Port+"\r\nConnection: close\r\n\r\n"); a.Status != http.StatusNotFound {
			t.Errorf("%s: %d, and upstream has seen the token", stray, a.Status)
		}
	}
	s.Fetch(t, http.MethodGet, s.At("guarded.test")+"/.dingtalk/config?url=x", "", "Referer", guarded)
	s.Get(t, s.At("guarded.test")+doctorPath+"?token=%6C"+doctorToken[1:])
	if found.Status != http.StatusOK || !strings.Contains(found.Body, "token=***") {
		t.Fatal(found.Status, found.Body)
	}

	// The page's own URL holds the token, and so do the parameters for it.
	_, shown, _ := strings.Cut(page.Body, `id="findings">`)
	log := string(s.Log(t))
	if !strings.Contains(log, `"doctor":{"token":"[redacted]"}`) || !strings.Contains(log, "token=wrong") || !strings.Contains(log, "token=***") {
		t.Error("the log lacks what the test is about")
	}
	for what, text := range map[string]string{"the log": log, "the findings": found.Body, "what the page begins with": shown} {
		if i := strings.Index(text, doctorToken[1:]); i >= 0 {
			t.Errorf("%s: the token in %s", what, text[max(0, i-300):i+30])
		}
	}
	for _, secret := range secretsOf(s.Ding) {
		if strings.Contains(page.Body+found.Body, secret) {
			t.Errorf("a secret is shown: %s", secret)
		}
	}
}

func TestTheDoctorsTokenIsResolvedInACopy(t *testing.T) {
	t.Setenv("H5_TOKEN", doctorToken)
	c := config.Config{Doctor: &config.Doctor{Token: "{env.H5_TOKEN}"}}
	resolved, err := config.Resolve(c, caddy.NewReplacer())
	if err != nil {
		t.Fatal(err)
	}
	if string(resolved.Doctor.Token) != doctorToken {
		t.Errorf("the token is %q", string(resolved.Doctor.Token))
	}
	if c.Doctor.Token != "{env.H5_TOKEN}" {
		t.Errorf("the running configuration shows %q", string(c.Doctor.Token))
	}
	s := testsite.Run(t, testsite.Setup{Sites: strings.Replace(doctored, doctorToken, "{env.H5_TOKEN}", 1), Upstream: testsite.NoUpstream(t)})
	for token, want := range map[string]int{doctorToken: http.StatusSeeOther, "{env.H5_TOKEN}": http.StatusNotFound} {
		if a := s.Get(t, s.At("guarded.test")+doctorPath+"?token="+url.QueryEscape(token)); a.Status != want {
			t.Errorf("the token %s: %d", token, a.Status)
		}
	}
}

func TestAPhoneThatClosesThePageLeavesNoErrorInTheLog(t *testing.T) {
	s := testsite.Run(t, testsite.Setup{Sites: doctored, Upstream: testsite.NoUpstream(t)})
	for range 50 {
		conn, _ := s.Dial(t)
		fmt.Fprintf(conn, "GET %s?token=%s HTTP/1.1\r\nHost: guarded.test:%s\r\n\r\n", doctorPath, doctorToken, s.Port)
		_ = conn.(*net.TCPConn).SetLinger(0)
		conn.Close()
	}
	s.Get(t, s.At("h5.test")+doctorPath)
	for line := range strings.Lines(string(s.Log(t))) {
		if strings.Contains(line, `"level":"error"`) || strings.Contains(line, doctorToken) {
			t.Fatal(line)
		}
	}
}

// admitted opens the guarded page with its token and returns the Cookie for it.
func admitted(t testing.TB, s *testsite.Site) string {
	t.Helper()
	a := s.Get(t, s.At("guarded.test")+doctorPath+"?token="+doctorToken)
	cookie, _, _ := strings.Cut(a.Header.Get("Set-Cookie"), ";")
	if a.Status != http.StatusSeeOther || cookie == "" {
		t.Fatal(a.Status, a.Header)
	}
	return cookie
}

func TestABrowserChangesTheTokenForACookie(t *testing.T) {
	s := testsite.Run(t, testsite.Setup{Sites: doctored, Upstream: testsite.NoUpstream(t)})
	guarded := s.At("guarded.test") + doctorPath
	for query, want := range map[string]string{
		"?token=" + doctorToken:                                      "doctor",
		"?token=" + doctorToken + "&q=%E4%B8%AD+a&x":                 "doctor?q=%E4%B8%AD+a&x",
		"?q=1&&%74oken=%6C" + doctorToken[1:] + "&token=second&t=%z": "doctor?q=1&t=%z",
	} {
		a := s.Get(t, guarded+query)
		if a.Status != http.StatusSeeOther || a.Header.Get("Location") != want || a.Body != "" || a.Header.Get("Referrer-Policy") != "no-referrer" {
			t.Errorf("%s: %d to %q, want %q", query, a.Status, a.Header.Get("Location"), want)
		}
		testsite.ExpectEndpointHeaders(t, a)
		cookie := a.Header.Get("Set-Cookie")
		if !regexp.MustCompile(`^dingtalk_doctor=\d+\.[0-9a-f]{64}; Max-Age=3600; HttpOnly; SameSite=Lax$`).MatchString(cookie) {
			t.Errorf("Set-Cookie: %s", cookie)
		}
	}
	cookie := admitted(t, s)
	for name, test := range map[string]struct {
		cookie string
		status int
	}{
		"the cookie":           {cookie, http.StatusOK},
		"the cookie, altered":  {strings.Replace(cookie, "=", "=9", 1), http.StatusNotFound},
		"the cookie, cut":      {cookie[:len(cookie)-1], http.StatusNotFound},
		"no cookie":            {"", http.StatusNotFound},
		"an empty one":         {"dingtalk_doctor=", http.StatusNotFound},
		"the token as one":     {"dingtalk_doctor=" + doctorToken, http.StatusNotFound},
		"a strange one before": {"dingtalk_doctor=x; " + cookie, http.StatusOK},
	} {
		for _, method := range []string{http.MethodGet, http.MethodPost} {
			if a := s.Fetch(t, method, guarded, "{}", "Cookie", test.cookie); a.Status != test.status {
				t.Errorf("%s, %s: %d, want %d", name, method, a.Status, test.status)
			}
		}
	}
	for name, header := range map[string][]string{
		"in a frame, where cookies are withheld": {"Sec-Fetch-Dest", "iframe", "Accept", "text/html"},
		"for a program":                          {"Accept", "*/*"},
	} {
		if a := s.Fetch(t, http.MethodGet, guarded+"?token="+doctorToken, "", header...); a.Status != http.StatusOK || a.Header.Get("Set-Cookie") != "" {
			t.Errorf("%s: %d %v", name, a.Status, a.Header)
		}
	}
}

func TestAnOpenDoctorIsHiddenUnderAForeignHost(t *testing.T) {
	s := testsite.Run(t, testsite.Setup{
		Global: "servers {\n\ttrusted_proxies static 127.0.0.1/32\n}",
		Sites:  strings.Replace(doctored, "http://off.test:PORT {\n\tdingtalk {", "http://:PORT {\n\tdingtalk {\n\t\tdoctor", 1), Upstream: testsite.NoUpstream(t),
	})
	for name, test := range map[string]struct {
		host    string
		headers []string
		status  int
	}{
		"a host of the site":                    {"h5.test", nil, http.StatusOK},
		"a private address":                     {"127.0.0.1", nil, http.StatusOK},
		"a host that nobody vouches for":        {"evil.test", nil, http.StatusNotFound},
		"one that a proxy names":                {"h5.test", []string{"X-Forwarded-Host", "evil.test"}, http.StatusNotFound},
		"a header that the page shows as wrong": {"h5.test", []string{"X-Forwarded-Proto", "x"}, http.StatusOK},
		"such a header under a foreign host":    {"evil.test", []string{"X-Forwarded-Proto", "x"}, http.StatusNotFound},
	} {
		for _, method := range []string{http.MethodGet, http.MethodPost} {
			if a := s.Fetch(t, method, s.At(test.host)+doctorPath, "{}", test.headers...); a.Status != test.status {
				t.Errorf("%s, %s: %d %s", name, method, a.Status, a.Body)
			}
		}
	}
	if lines := s.Logged(t, "the doctor page is hidden", "public_host", "doctor <token>"); len(lines) != 2 { // one a site
		t.Errorf("%d lines", len(lines))
	}
}
