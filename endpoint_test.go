package dingtalk

import (
	"encoding/json"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/caddy-dingtalk/caddy-dingtalk/client"
	"github.com/caddy-dingtalk/caddy-dingtalk/internal/sandbox"
)

// refusal is what an endpoint answers when it refuses.
type refusal struct {
	Error struct{ Code, Message string }
}

// expectRefusal makes sure that an endpoint has refused, in the way it should.
func expectRefusal(t *testing.T, a *answer, status int, code string, words ...string) {
	t.Helper()
	var r refusal
	if err := json.Unmarshal([]byte(a.body), &r); err != nil {
		t.Fatalf("status %d, %v: %q", a.status, err, a.body)
	}
	if a.status != status || r.Error.Code != code || r.Error.Message == "" {
		t.Errorf("%d %+v, want %d %s", a.status, r.Error, status, code)
	}
	for _, word := range words {
		if !strings.Contains(r.Error.Message, word) {
			t.Errorf("the message lacks %q: %s", word, r.Error.Message)
		}
	}
	expectEndpointHeaders(t, a)
	if got := a.header.Get("Content-Type"); got != "application/json" {
		t.Errorf("Content-Type %q", got)
	}
}

func expectEndpointHeaders(t *testing.T, a *answer) {
	t.Helper()
	if a.header.Get("Cache-Control") != "no-store" || a.header.Get("X-Content-Type-Options") != "nosniff" {
		t.Errorf("header %v", a.header)
	}
}

// expectConfig makes sure that config has answered parameters that DingTalk
// accepts at this URL.
func (s *site) expectConfig(t *testing.T, a *answer, url string) {
	t.Helper()
	if a.status != http.StatusOK {
		t.Fatalf("status %d: %s", a.status, a.body)
	}
	var members map[string]any
	var params sandbox.ConfigParams
	if err := json.Unmarshal([]byte(a.body), &members); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal([]byte(a.body), &params); err != nil {
		t.Fatal(err)
	}
	keys := slices.Sorted(maps.Keys(members))
	if want := []string{"agentId", "corpId", "jsApiList", "nonceStr", "signature", "timeStamp", "type", "url"}; !slices.Equal(keys, want) {
		t.Errorf("members %v, want %v", keys, want)
	}
	if members["url"] != url {
		t.Errorf("signed for %v, want %s", members["url"], url)
	}
	if v := s.ding.Verify(params, url); !v.OK {
		t.Errorf("DingTalk refuses the signature: %+v", v)
	}
	expectEndpointHeaders(t, a)
	if got := a.header.Get("Content-Type"); got != "application/json" {
		t.Errorf("Content-Type %q", got)
	}
}

// config asks for the parameters for a URL.
func (s *site) config(t testing.TB, origin, page string, headers ...string) *answer {
	t.Helper()
	return s.fetch(t, http.MethodGet, origin+"/.dingtalk/config?url="+url.QueryEscape(page), "", headers...)
}

// noUpstream is an upstream that nothing may reach.
func noUpstream(t *testing.T) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		t.Errorf("%s %s went upstream", r.Method, r.RequestURI)
		w.WriteHeader(http.StatusTeapot)
	}
}

// origins are a site with all that decides which URLs config signs.
const origins = `http://h5.test:PORT {
	dingtalk {
		import app
		allow_origin https://other.test https://port.test:8443
	}
	reverse_proxy UPSTREAM
}
http://public.test:PORT {
	dingtalk {
		import app
		public_origin https://public.test https://m.public.test:8443
	}
	reverse_proxy UPSTREAM
}
http://:PORT {
	dingtalk {
		import app
	}
	reverse_proxy UPSTREAM
}`

func TestConfigSignsTheURLsOfItsOrigins(t *testing.T) {
	s := run(t, setup{sites: origins, upstream: noUpstream(t)})
	h5 := s.at("h5.test")
	tests := map[string]struct {
		site, url string
		want      string // the URL that is signed, or the code of the refusal
	}{
		"the own origin":                      {h5, h5 + "/p?x=1", h5 + "/p?x=1"},
		"the root":                            {h5, h5 + "/", h5 + "/"},
		"a fragment is dropped":               {h5, h5 + "/p?x=1#/route?y=2", h5 + "/p?x=1"},
		"an empty query":                      {h5, h5 + "/p?", h5 + "/p?"},
		"Chinese":                             {h5, h5 + "/%E4%B8%AD?q=%E6%96%87+a", h5 + "/%E4%B8%AD?q=%E6%96%87+a"},
		"a host in capitals":                  {h5, s.at("H5.TEST") + "/p", h5 + "/p"},
		"a host that looks like a query":      {h5, h5 + "/p?u=https://evil.test/", h5 + "/p?u=https://evil.test/"},
		"an allowed origin":                   {h5, "https://other.test/p", "https://other.test/p"},
		"an allowed origin with default port": {h5, "https://other.test:443/p", "https://other.test/p"},
		"an allowed origin with its port":     {h5, "https://port.test:8443/p", "https://port.test:8443/p"},
		"a public origin":                     {s.at("public.test"), "https://public.test/p", "https://public.test/p"},
		"another public origin":               {s.at("public.test"), "https://m.public.test:8443/p", "https://m.public.test:8443/p"},
		"a private address":                   {s.url, s.url + "/p", s.url + "/p"},

		"the own origin with another scheme":  {h5, "https://h5.test:" + s.port + "/p", "origin_not_allowed"},
		"the own origin with another port":    {h5, "http://h5.test:1/p", "origin_not_allowed"},
		"the own origin without its port":     {h5, "http://h5.test/p", "origin_not_allowed"},
		"an allowed origin, another scheme":   {h5, "http://other.test/p", "origin_not_allowed"},
		"an allowed origin without its port":  {h5, "https://port.test/p", "origin_not_allowed"},
		"another origin":                      {h5, "https://evil.test/p", "origin_not_allowed"},
		"an origin that begins like the own":  {h5, h5 + ".evil.test/p", "bad_url"},
		"a subdomain":                         {h5, s.at("a.h5.test") + "/p", "origin_not_allowed"},
		"a user name":                         {h5, "http://u@h5.test:" + s.port + "/p", "origin_not_allowed"},
		"the own host as a user name":         {h5, "http://h5.test@evil.test/p", "origin_not_allowed"},
		"the own host where public ones are":  {s.at("public.test"), s.at("public.test") + "/p", "origin_not_allowed"},
		"an origin that nobody vouches for":   {s.at("evil.test"), s.at("evil.test") + "/p", "origin_not_allowed"},
		"no http":                             {h5, "ftp://h5.test/p", "origin_not_allowed"},
		"javascript":                          {h5, "javascript:alert(1)", "origin_not_allowed"},
		"an app's own scheme":                 {h5, "dingtalk://dingtalkclient/page/link?url=x", "origin_not_allowed"},
		"nothing":                             {h5, "", "bad_url"},
		"no path":                             {h5, h5, "bad_url"},
		"no path but a query":                 {h5, h5 + "?x=1", "bad_url"},
		"a path alone":                        {h5, "/p", "bad_url"},
		"no scheme":                           {h5, "//h5.test/p", "bad_url"},
		"a backslash for a slash":             {h5, `http:\\h5.test\p`, "bad_url"},
		"a space":                             {h5, h5 + "/a b", "bad_url"},
		"raw Chinese":                         {h5, h5 + "/中文", "bad_url"},
		"a line break":                        {h5, h5 + "/\nx", "bad_url"},
		"a port that is none":                 {h5, "http://h5.test:x/p", "bad_url"},
		"a tab in the scheme":                 {h5, "ht\ttp://h5.test/p", "bad_url"},
		"words":                               {h5, "hello", "bad_url"},
		"a very long one of another origin":   {h5, "https://evil.test/" + strings.Repeat("x", 4000), "origin_not_allowed"},
		"a host with a line to add to a log":  {h5, "http://h5.test\n{\"level\":\"error\"}/", "bad_url"},
		"an address of the link-local cloud":  {h5, "http://169.254.169.254/p", "origin_not_allowed"},
		"a private address that is not asked": {h5, "http://127.0.0.1/p", "origin_not_allowed"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			a := s.config(t, test.site, test.url)
			switch test.want {
			case "origin_not_allowed":
				expectRefusal(t, a, http.StatusForbidden, test.want)
			case "bad_url":
				expectRefusal(t, a, http.StatusBadRequest, test.want)
			default:
				s.expectConfig(t, a, test.want)
			}
		})
	}
	t.Run("a refusal names the line to add", func(t *testing.T) {
		expectRefusal(t, s.config(t, h5, "https://evil.test/p"), http.StatusForbidden, "origin_not_allowed", "public_origin (or allow_origin) https://evil.test ")
	})
}

func TestAProxyThatHidesTheSchemeIsLoggedOnce(t *testing.T) {
	s := run(t, setup{sites: origins, upstream: noUpstream(t)})
	for range 3 {
		expectRefusal(t, s.config(t, s.at("h5.test"), "https://h5.test/p"), http.StatusForbidden, "origin_not_allowed")
	}
	if lines := s.logged(t, "the browser shows another origin", "X-Forwarded-Proto", "public_origin https://h5.test "); len(lines) != 1 {
		t.Errorf("%d lines", len(lines))
	}
}

func TestConfigWithoutAURLTakesTheReferer(t *testing.T) {
	s := run(t, setup{sites: origins, upstream: noUpstream(t)})
	h5 := s.at("h5.test")
	tests := map[string]struct {
		query   string
		headers []string
		want    string
	}{
		"a full one":                           {"", []string{"Referer", h5 + "/p?x=1"}, h5 + "/p?x=1"},
		"the root of the own origin":           {"", []string{"Referer", h5 + "/"}, h5 + "/"},
		"a full one of an allowed origin":      {"", []string{"Referer", "https://other.test/p", "Origin", "https://other.test"}, "https://other.test/p"},
		"url counts before it":                 {"?url=" + url.QueryEscape(h5+"/u"), []string{"Referer", h5 + "/p"}, h5 + "/u"},
		"other parameters do not matter":       {"?_=123", []string{"Referer", h5 + "/p"}, h5 + "/p"},
		"none":                                 {"", nil, "bad_url"},
		"one cut down by the browser":          {"", []string{"Referer", "https://other.test/", "Origin", "https://other.test"}, "bad_url"},
		"one of another origin":                {"", []string{"Referer", "https://evil.test/p"}, "origin_not_allowed"},
		"one that is no URL":                   {"", []string{"Referer", "about:blank"}, "bad_url"},
		"an empty url is not made up for":      {"?url=", []string{"Referer", h5 + "/p"}, "bad_url"},
		"two urls":                             {"?url=" + url.QueryEscape(h5+"/a") + "&url=" + url.QueryEscape(h5+"/b"), nil, "bad_url"},
		"a query that is cut off":              {"?url=http%3A%2", []string{"Referer", h5 + "/p"}, "bad_url"},
		"a url that was not encoded is cut":    {"?url=" + h5 + "/p?a=1", nil, h5 + "/p?a=1"},
		"a fragment that was not encoded goes": {"?url=" + h5 + "/p", []string{"Referer", h5 + "/other"}, h5 + "/p"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			a := s.fetch(t, http.MethodGet, h5+"/.dingtalk/config"+test.query, "", test.headers...)
			switch test.want {
			case "origin_not_allowed":
				expectRefusal(t, a, http.StatusForbidden, test.want)
			case "bad_url":
				expectRefusal(t, a, http.StatusBadRequest, test.want, "url")
			default:
				s.expectConfig(t, a, test.want)
			}
		})
	}
}

func TestAURLThatLostItsEndIsNotSigned(t *testing.T) {
	s := run(t, setup{sites: signed, upstream: noUpstream(t)})
	for name, test := range map[string]struct {
		query  string
		signed string // the path that is, "" if none
	}{
		"one that is not encoded, with two parameters": {s.url + "/p?a=1&b=2", ""},
		"one that is not encoded, with one":            {s.url + "/p?a=1", "/p?a=1"},
		"one that is not encoded, with a form":         {s.url + "/p?a=1&hash=sha1", "/p?a=1"},
		"one that is encoded":                          {url.QueryEscape(s.url + "/p?a=1&b=2"), "/p?a=1&b=2"},
		"one that is encoded, and what is unknown":     {url.QueryEscape(s.url+"/p?a=1&b=2") + "&_=1", "/p?a=1&b=2"},
	} {
		t.Run(name, func(t *testing.T) {
			a := s.fetch(t, http.MethodGet, "/.dingtalk/config?url="+test.query, "")
			if test.signed == "" {
				expectRefusal(t, a, http.StatusBadRequest, "bad_url", "encodeURIComponent(location.href)")
			} else if a.status != http.StatusOK || !strings.Contains(a.body, `"url":"`+s.url+strings.ReplaceAll(test.signed, "&", `\u0026`)) {
				t.Errorf("%d %s", a.status, a.body)
			}
		})
	}
}

func TestTheEndpointsOwnTheirPath(t *testing.T) {
	s := run(t, setup{sites: signed, upstream: noUpstream(t)})
	base := "http://127.0.0.1:" + s.port
	tests := map[string]struct {
		method, target string
		status         int
		code           string
	}{
		"the path alone":                        {"GET", "/.dingtalk", 404, "not_found"},
		"the path with a slash":                 {"GET", "/.dingtalk/", 404, "not_found"},
		"an unknown name":                       {"GET", "/.dingtalk/nothing?x=1", 404, "not_found"},
		"more below a name":                     {"GET", "/.dingtalk/config/x", 404, "not_found"},
		"two slashes":                           {"GET", "/.dingtalk//config", 404, "not_found"},
		"another version of the client":         {"GET", "/.dingtalk/client.0000000000000000.js", 404, "not_found"},
		"a percent-encoded dot":                 {"GET", "/%2edingtalk/config?url=" + url.QueryEscape(base+"/p"), 200, ""},
		"percent-encoded letters":               {"GET", "/.%64ing%74alk/%63onfig?url=" + url.QueryEscape(base+"/p"), 200, ""},
		"a percent-encoded slash":               {"GET", "/.dingtalk%2Fconfig?url=" + url.QueryEscape(base+"/p"), 200, ""},
		"an unknown name behind an encoded dot": {"GET", "/%2Edingtalk/%00", 404, "not_found"},
		"PUT config":                            {"PUT", "/.dingtalk/config", 405, "method_not_allowed"},
		"POST config":                           {"POST", "/.dingtalk/config", 405, "method_not_allowed"},
		"HEAD config":                           {"HEAD", "/.dingtalk/config", 405, ""},
		"OPTIONS config":                        {"OPTIONS", "/.dingtalk/config", 405, "method_not_allowed"},
		"GET report":                            {"GET", "/.dingtalk/report", 405, "method_not_allowed"},
		"DELETE of the client":                  {"DELETE", "/.dingtalk/" + client.FileName, 405, "method_not_allowed"},
		"POST to nothing":                       {"POST", "/.dingtalk/nothing", 404, "not_found"},
	}
	for name, test := range tests {
		for kind, accept := range map[string]string{"as a script asks": "*/*", "as a browser asks for a document": "text/html"} {
			t.Run(name+", "+kind, func(t *testing.T) {
				a := s.raw(t, test.method+" "+test.target+" HTTP/1.1\r\nHost: "+s.addr+"\r\nAccept: "+accept+"\r\nConnection: close\r\n\r\n")
				if a.status != test.status {
					t.Fatalf("status %d, want %d: %s", a.status, test.status, a.body)
				}
				if test.code != "" {
					expectRefusal(t, a, test.status, test.code)
				}
				if allow := a.header.Get("Allow"); (test.status == 405) != (allow != "") {
					t.Errorf("Allow: %q", allow)
				}
			})
		}
	}
}

func TestWhatOnlyLooksLikeAnEndpointGoesUpstream(t *testing.T) {
	s := run(t, setup{sites: signed})
	for _, target := range []string{"/.dingtalkx", "/.dingtalk.html", "/x/.dingtalk/config", "/?/.dingtalk/config", "/.DINGTALK/config", "//.dingtalk/config"} {
		s.expectSigned(t, s.target(t, s.addr, target), s.url+target)
	}
}

func TestTheClientIsKeptForEver(t *testing.T) {
	s := run(t, setup{sites: signed, upstream: noUpstream(t)})
	for _, method := range []string{http.MethodGet, http.MethodHead} {
		a := s.fetch(t, method, "/.dingtalk/"+client.FileName, "", "Origin", "https://evil.test", "Sec-Fetch-Site", "cross-site")
		want := map[string]string{"Cache-Control": "public, max-age=31536000, immutable", "Content-Type": "text/javascript; charset=utf-8",
			"X-Content-Type-Options": "nosniff", "Content-Length": strconv.Itoa(len(client.Source)), "Access-Control-Allow-Origin": ""}
		for key, value := range want {
			if got := a.header.Get(key); got != value {
				t.Errorf("%s: %s is %q, want %q", method, key, got, value)
			}
		}
		if a.status != http.StatusOK || (method == http.MethodGet) != (a.body == client.Source) {
			t.Errorf("%s: status %d, body %.40q", method, a.status, a.body)
		}
	}
}
