package e2e

import (
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"testing"

	"github.com/caddy-dingtalk/caddy-dingtalk/client"
	"github.com/caddy-dingtalk/caddy-dingtalk/internal/testsite"
)

func TestWhoMayCallTheEndpoints(t *testing.T) {
	s := testsite.Run(t, testsite.Setup{Sites: origins, Upstream: testsite.NoUpstream(t)})
	h5 := s.At("h5.test")
	const yes, no, cors, told = "yes", "no", "with CORS", "only to report, for a proxy may replace the Host"
	tests := map[string]struct {
		site    string
		headers []string
		want    string
	}{
		"no browser at all":                           {h5, nil, yes},
		"the own origin":                              {h5, []string{"Origin", h5}, yes},
		"the own origin, and the browser says so":     {h5, []string{"Origin", h5, "Sec-Fetch-Site", "same-origin"}, yes},
		"a page of the own origin, without Origin":    {h5, []string{"Sec-Fetch-Site", "same-origin"}, yes},
		"the address bar":                             {h5, []string{"Sec-Fetch-Site", "none"}, yes},
		"the own host under a scheme that we lack":    {h5, []string{"Origin", "https://h5.test", "Sec-Fetch-Site", "same-origin"}, yes},
		"the own host at a port that we lack":         {h5, []string{"Origin", "http://h5.test", "Sec-Fetch-Site", "same-origin"}, yes},
		"a public origin":                             {s.At("public.test"), []string{"Origin", "https://public.test"}, yes},
		"another public origin of the site":           {s.At("public.test"), []string{"Origin", "https://m.public.test:8443", "Sec-Fetch-Site", "same-origin"}, yes},
		"an allowed origin":                           {h5, []string{"Origin", "https://other.test", "Sec-Fetch-Site", "cross-site"}, cors},
		"an allowed origin of an old browser":         {h5, []string{"Origin", "https://port.test:8443"}, cors},
		"another origin":                              {h5, []string{"Origin", "https://evil.test", "Sec-Fetch-Site", "cross-site"}, no},
		"another origin of an old browser":            {h5, []string{"Origin", "https://evil.test"}, no},
		"another origin that claims to be the same":   {h5, []string{"Origin", "https://evil.test", "Sec-Fetch-Site", "same-origin"}, told},
		"a subdomain":                                 {h5, []string{"Origin", s.At("a.h5.test"), "Sec-Fetch-Site", "same-site"}, no},
		"the own host, another scheme, old browser":   {h5, []string{"Origin", "https://h5.test"}, no},
		"the own host, another port, same site":       {h5, []string{"Origin", "http://h5.test:1", "Sec-Fetch-Site", "same-site"}, no},
		"the own origin, that is not the same":        {h5, []string{"Origin", h5, "Sec-Fetch-Site", "cross-site"}, no},
		"an image of another site":                    {h5, []string{"Sec-Fetch-Site", "cross-site"}, no},
		"an image of a sibling":                       {h5, []string{"Sec-Fetch-Site", "same-site"}, no},
		"null":                                        {h5, []string{"Origin", "null"}, no},
		"null that claims to be the same":             {h5, []string{"Origin", "null", "Sec-Fetch-Site", "same-origin"}, no},
		"an allowed origin with another port":         {h5, []string{"Origin", "https://other.test:8443"}, no},
		"an allowed origin with another scheme":       {h5, []string{"Origin", "http://other.test"}, no},
		"an allowed origin that is one of other site": {s.At("public.test"), []string{"Origin", "https://other.test"}, no},
		"an Origin that is none":                      {h5, []string{"Origin", "hello"}, no},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			page := test.site + "/p"
			if test.site == s.At("public.test") {
				page = "https://public.test/p"
			}
			config := s.Config(t, test.site, page, test.headers...)
			report := s.Fetch(t, http.MethodPost, test.site+"/.dingtalk/report", `{}`, test.headers...)
			switch test.want {
			case told:
				testsite.ExpectRefusal(t, config, http.StatusForbidden, "origin_not_allowed", "allow_origin")
				if report.Status != http.StatusNoContent {
					t.Errorf("report: %d %s", report.Status, report.Body)
				}
			case no:
				for _, a := range []*testsite.Answer{config, report} {
					testsite.ExpectRefusal(t, a, http.StatusForbidden, "origin_not_allowed", "allow_origin")
				}
			default:
				s.ExpectConfig(t, config, page)
				if report.Status != http.StatusNoContent {
					t.Errorf("report: %d %s", report.Status, report.Body)
				}
				testsite.ExpectEndpointHeaders(t, report)
			}
			for _, a := range []*testsite.Answer{config, report} {
				want := ""
				if test.want == cors {
					want = test.headers[1]
				}
				if got := a.Header.Get("Access-Control-Allow-Origin"); got != want || a.Header.Get("Vary") != "Origin" || a.Header.Get("Access-Control-Allow-Credentials") != "" {
					t.Errorf("Access-Control-Allow-Origin is %q, want %q, header %v", got, want, a.Header)
				}
			}
		})
	}
}

func TestPreflight(t *testing.T) {
	s := testsite.Run(t, testsite.Setup{Sites: origins, Upstream: testsite.NoUpstream(t)})
	for endpoint, method := range map[string]string{"config": "GET", "report": "POST"} {
		ask := func(headers ...string) *testsite.Answer {
			return s.Fetch(t, http.MethodOptions, s.At("h5.test")+"/.dingtalk/"+endpoint, "", headers...)
		}
		a := ask("Origin", "https://other.test", "Access-Control-Request-Method", method, "Access-Control-Request-Headers", "content-type", "Sec-Fetch-Site", "cross-site")
		want := map[string]string{"Access-Control-Allow-Origin": "https://other.test", "Access-Control-Allow-Methods": method,
			"Access-Control-Allow-Headers": "Content-Type", "Vary": "Origin"}
		for key, value := range want {
			if got := a.Header.Get(key); got != value {
				t.Errorf("%s: %s is %q, want %q", endpoint, key, got, value)
			}
		}
		if a.Status != http.StatusNoContent || a.Body != "" {
			t.Errorf("%s: %d %q", endpoint, a.Status, a.Body)
		}
		testsite.ExpectEndpointHeaders(t, a)

		a = ask("Origin", "https://evil.test", "Access-Control-Request-Method", method, "Sec-Fetch-Site", "cross-site")
		testsite.ExpectRefusal(t, a, http.StatusForbidden, "origin_not_allowed")
		for key := range a.Header {
			if len(key) > 14 && key[:14] == "Access-Control" {
				t.Errorf("%s: a refusal has %s", endpoint, key)
			}
		}
		a = ask("Origin", "https://other.test") // no preflight
		testsite.ExpectRefusal(t, a, http.StatusMethodNotAllowed, "method_not_allowed")
		if a.Header.Get("Access-Control-Allow-Origin") == "" {
			t.Errorf("%s: an allowed origin cannot read the refusal", endpoint)
		}
	}
}

func TestEndpointsLiveWhereTheBrowserAsksForThem(t *testing.T) {
	s := testsite.Run(t, testsite.Setup{Global: behindProxy, Upstream: http.NotFoundHandler(), Sites: `http://path.test:PORT {
	handle_path /app/* {
		dingtalk {
			import app
			endpoint /app/.dingtalk
		}
		reverse_proxy UPSTREAM
	}
}
http://matcher.test:PORT {
	@h5 path /h5/*
	dingtalk @h5 {
		import app
		endpoint /h5/sign
	}
	reverse_proxy UPSTREAM
}
http://rewritten.test:PORT {
	rewrite * /index.php?front=1
	dingtalk {
		import app
	}
	reverse_proxy UPSTREAM
}
http://original.test:PORT {
	dingtalk {
		import app
		forwarded X-Original-URI
		endpoint /app/.dingtalk
	}
	reverse_proxy UPSTREAM
}
http://prefix.test:PORT {
	dingtalk {
		import app
		forwarded X-Forwarded-Prefix
		endpoint /app/.dingtalk
	}
	reverse_proxy UPSTREAM
}`})
	tests := map[string]struct {
		host, path string
		headers    []string
		status     int // of the answer without a url
	}{
		"behind handle_path":                                {"path.test", "/app/.dingtalk/config", nil, 400},
		"not where handle_path has cut":                     {"path.test", "/.dingtalk/config", nil, 200}, // Caddy's empty answer
		"behind a matcher":                                  {"matcher.test", "/h5/sign/config", nil, 400},
		"not beside the matcher":                            {"matcher.test", "/sign/config", nil, 404},
		"behind a rewrite of everything":                    {"rewritten.test", "/.dingtalk/config", nil, 400},
		"behind a proxy that cuts, by the original":         {"original.test", "/.dingtalk/config", []string{"X-Original-URI", "/app/.dingtalk/config"}, 400},
		"behind a proxy that cuts, with its query":          {"original.test", "/.dingtalk/config?x=1", []string{"X-Original-URI", "/app/.dingtalk/config?x=1"}, 400},
		"behind a proxy that does not cut":                  {"original.test", "/app/.dingtalk/config", nil, 400},
		"not what another path became":                      {"original.test", "/.dingtalk/config", []string{"X-Original-URI", "/other/.dingtalk/config"}, 404},
		"behind a proxy that cuts, by the prefix":           {"prefix.test", "/.dingtalk/config", []string{"X-Forwarded-Prefix", "/app"}, 400},
		"behind a proxy that cuts, by the prefix and slash": {"prefix.test", "/.dingtalk/config", []string{"X-Forwarded-Prefix", "/app/"}, 400},
		"not below another prefix":                          {"prefix.test", "/.dingtalk/config", []string{"X-Forwarded-Prefix", "/other"}, 404},
	}
	for name, test := range tests {
		for kind, headers := range map[string]http.Header{"a script": testsite.Header("Sec-Fetch-Dest", "empty", "Sec-Fetch-Mode", "cors", "Accept", "*/*"), "the address bar": testsite.DocumentHeader()} {
			t.Run(name+", asked by "+kind, func(t *testing.T) {
				for key, values := range testsite.Header(test.headers...) {
					headers[key] = values
				}
				a := s.Do(t, http.MethodGet, s.At(test.host)+test.path, "", headers)
				if a.Status != test.status {
					t.Errorf("status %d, want %d: %s", a.Status, test.status, a.Body)
				}
			})
		}
	}
	t.Run("a rewrite of the query does not matter", func(t *testing.T) {
		s.ExpectConfig(t, s.Config(t, s.At("rewritten.test"), s.At("rewritten.test")+"/p"), s.At("rewritten.test")+"/p")
	})
	t.Run("a page behind such a proxy gets its parameters", func(t *testing.T) {
		page := s.At("original.test") + "/app/p?x=1"
		query := "?url=" + url.QueryEscape(page)
		a := s.Fetch(t, http.MethodGet, s.At("original.test")+"/.dingtalk/config"+query, "", "X-Original-URI", "/app/.dingtalk/config"+query)
		s.ExpectConfig(t, a, page)
	})
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
	s := testsite.Run(t, testsite.Setup{Sites: origins, Upstream: testsite.NoUpstream(t)})
	h5 := s.At("h5.test")
	tests := map[string]struct {
		site, url string
		want      string // the URL that is signed, or the code of the refusal
	}{
		"the own origin":                      {h5, h5 + "/p?x=1", h5 + "/p?x=1"},
		"the root":                            {h5, h5 + "/", h5 + "/"},
		"a fragment is dropped":               {h5, h5 + "/p?x=1#/route?y=2", h5 + "/p?x=1"},
		"an empty query":                      {h5, h5 + "/p?", h5 + "/p?"},
		"Chinese":                             {h5, h5 + "/%E4%B8%AD?q=%E6%96%87+a", h5 + "/%E4%B8%AD?q=%E6%96%87+a"},
		"a host in capitals":                  {h5, s.At("H5.TEST") + "/p", h5 + "/p"},
		"a host that looks like a query":      {h5, h5 + "/p?u=https://evil.test/", h5 + "/p?u=https://evil.test/"},
		"an allowed origin":                   {h5, "https://other.test/p", "https://other.test/p"},
		"an allowed origin with default port": {h5, "https://other.test:443/p", "https://other.test/p"},
		"an allowed origin with its port":     {h5, "https://port.test:8443/p", "https://port.test:8443/p"},
		"a public origin":                     {s.At("public.test"), "https://public.test/p", "https://public.test/p"},
		"another public origin":               {s.At("public.test"), "https://m.public.test:8443/p", "https://m.public.test:8443/p"},
		"a private address":                   {s.URL, s.URL + "/p", s.URL + "/p"},

		"the own origin with another scheme":  {h5, "https://h5.test:" + s.Port + "/p", "origin_not_allowed"},
		"the own origin with another port":    {h5, "http://h5.test:1/p", "origin_not_allowed"},
		"the own origin without its port":     {h5, "http://h5.test/p", "origin_not_allowed"},
		"an allowed origin, another scheme":   {h5, "http://other.test/p", "origin_not_allowed"},
		"an allowed origin without its port":  {h5, "https://port.test/p", "origin_not_allowed"},
		"another origin":                      {h5, "https://evil.test/p", "origin_not_allowed"},
		"an origin that begins like the own":  {h5, h5 + ".evil.test/p", "bad_url"},
		"a subdomain":                         {h5, s.At("a.h5.test") + "/p", "origin_not_allowed"},
		"a user name":                         {h5, "http://u@h5.test:" + s.Port + "/p", "origin_not_allowed"},
		"the own host as a user name":         {h5, "http://h5.test@evil.test/p", "origin_not_allowed"},
		"the own host where public ones are":  {s.At("public.test"), s.At("public.test") + "/p", "origin_not_allowed"},
		"an origin that nobody vouches for":   {s.At("evil.test"), s.At("evil.test") + "/p", "origin_not_allowed"},
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
			a := s.Config(t, test.site, test.url)
			switch test.want {
			case "origin_not_allowed":
				testsite.ExpectRefusal(t, a, http.StatusForbidden, test.want)
			case "bad_url":
				testsite.ExpectRefusal(t, a, http.StatusBadRequest, test.want)
			default:
				s.ExpectConfig(t, a, test.want)
			}
		})
	}
	t.Run("a refusal names the line to add for a host of ours", func(t *testing.T) {
		testsite.ExpectRefusal(t, s.Config(t, h5, strings.Replace(h5, "http", "https", 1)+"/p"), http.StatusForbidden, "origin_not_allowed",
			"knows as "+h5, "public_origin "+strings.Replace(h5, "http", "https", 1)+" ")
	})
	t.Run("and says what is known of any other", func(t *testing.T) {
		a := s.Config(t, h5, "https://evil.test/p")
		testsite.ExpectRefusal(t, a, http.StatusForbidden, "origin_not_allowed", "this call came to "+h5, "https://evil.test", "proxy_set_header Host $http_host;")
		if strings.Contains(a.Body, "_origin https://evil.test") {
			t.Errorf("ready to paste: %s", a.Body)
		}
	})
	t.Run("in Chinese where that is read", func(t *testing.T) {
		a := s.Fetch(t, http.MethodGet, h5+"/.dingtalk/config?url=https%3A%2F%2Fevil.test%2Fp", "", "Accept-Language", "zh-CN,zh;q=0.9,en;q=0.8")
		testsite.ExpectRefusal(t, a, http.StatusForbidden, "origin_not_allowed", "只签名本站的网址")
	})
}

func TestAProxyThatHidesTheSchemeIsLoggedOnce(t *testing.T) {
	s := testsite.Run(t, testsite.Setup{Sites: origins, Upstream: testsite.NoUpstream(t)})
	for range 3 {
		testsite.ExpectRefusal(t, s.Config(t, s.At("h5.test"), "https://h5.test/p"), http.StatusForbidden, "origin_not_allowed")
	}
	if lines := s.Logged(t, "the browser shows another origin", "X-Forwarded-Proto", "public_origin https://h5.test "); len(lines) != 1 {
		t.Errorf("%d lines", len(lines))
	}
}

func TestConfigWithoutAURLTakesTheReferer(t *testing.T) {
	s := testsite.Run(t, testsite.Setup{Sites: origins, Upstream: testsite.NoUpstream(t)})
	h5 := s.At("h5.test")
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
			a := s.Fetch(t, http.MethodGet, h5+"/.dingtalk/config"+test.query, "", test.headers...)
			switch test.want {
			case "origin_not_allowed":
				testsite.ExpectRefusal(t, a, http.StatusForbidden, test.want)
			case "bad_url":
				testsite.ExpectRefusal(t, a, http.StatusBadRequest, test.want, "url")
			default:
				s.ExpectConfig(t, a, test.want)
			}
		})
	}
}

func TestAURLThatLostItsEndIsNotSigned(t *testing.T) {
	s := testsite.Run(t, testsite.Setup{Sites: testsite.Signed, Upstream: testsite.NoUpstream(t)})
	for name, test := range map[string]struct {
		query  string
		signed string // the path that is, "" if none
	}{
		"one that is not encoded, with two parameters": {s.URL + "/p?a=1&b=2", ""},
		"one that is not encoded, with one":            {s.URL + "/p?a=1", "/p?a=1"},
		"one that is not encoded, with a form":         {s.URL + "/p?a=1&hash=sha1", "/p?a=1"},
		"one that is encoded":                          {url.QueryEscape(s.URL + "/p?a=1&b=2"), "/p?a=1&b=2"},
		"one that is encoded, and what is unknown":     {url.QueryEscape(s.URL+"/p?a=1&b=2") + "&_=1", "/p?a=1&b=2"},
	} {
		t.Run(name, func(t *testing.T) {
			a := s.Fetch(t, http.MethodGet, "/.dingtalk/config?url="+test.query, "")
			if test.signed == "" {
				testsite.ExpectRefusal(t, a, http.StatusBadRequest, "bad_url", "encodeURIComponent(location.href)")
			} else if a.Status != http.StatusOK || !strings.Contains(a.Body, `"url":"`+s.URL+strings.ReplaceAll(test.signed, "&", `\u0026`)) {
				t.Errorf("%d %s", a.Status, a.Body)
			}
		})
	}
}

func TestTheEndpointsOwnTheirPath(t *testing.T) {
	s := testsite.Run(t, testsite.Setup{Sites: testsite.Signed, Upstream: testsite.NoUpstream(t)})
	base := "http://127.0.0.1:" + s.Port
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
		"another version of the client":         {"GET", "/.dingtalk/client.0000000000000000.js", 200, ""},
		"no version of the client":              {"GET", "/.dingtalk/client.x.js", 404, "not_found"},
		"the client's source map":               {"GET", "/.dingtalk/client.0000000000000000.js.map", 404, "not_found"},
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
				a := s.Raw(t, test.method+" "+test.target+" HTTP/1.1\r\nHost: "+s.Addr+"\r\nAccept: "+accept+"\r\nConnection: close\r\n\r\n")
				if a.Status != test.status {
					t.Fatalf("status %d, want %d: %s", a.Status, test.status, a.Body)
				}
				if test.code != "" {
					testsite.ExpectRefusal(t, a, test.status, test.code)
				}
				if allow := a.Header.Get("Allow"); (test.status == 405) != (allow != "") {
					t.Errorf("Allow: %q", allow)
				}
			})
		}
	}
}

func TestWhatOnlyLooksLikeAnEndpointGoesUpstream(t *testing.T) {
	s := testsite.Run(t, testsite.Setup{Sites: testsite.Signed})
	for _, target := range []string{"/.dingtalkx", "/.dingtalk.html", "/x/.dingtalk/config", "/?/.dingtalk/config", "/.DINGTALK/config", "//.dingtalk/config"} {
		s.ExpectSigned(t, s.Target(t, s.Addr, target), s.URL+target)
	}
}

func TestTheClientIsKeptForEver(t *testing.T) {
	s := testsite.Run(t, testsite.Setup{Sites: testsite.Signed, Upstream: testsite.NoUpstream(t)})
	for _, method := range []string{http.MethodGet, http.MethodHead} {
		a := s.Fetch(t, method, "/.dingtalk/"+client.FileName, "", "Origin", "https://evil.test", "Sec-Fetch-Site", "cross-site")
		want := map[string]string{"Cache-Control": "public, max-age=31536000, immutable", "Content-Type": "text/javascript; charset=utf-8",
			"X-Content-Type-Options": "nosniff", "Content-Length": strconv.Itoa(len(client.Source)), "Access-Control-Allow-Origin": ""}
		for key, value := range want {
			if got := a.Header.Get(key); got != value {
				t.Errorf("%s: %s is %q, want %q", method, key, got, value)
			}
		}
		if a.Status != http.StatusOK || (method == http.MethodGet) != (a.Body == client.Source) {
			t.Errorf("%s: status %d, body %.40q", method, a.Status, a.Body)
		}
	}
}

// A neighbour of another version inserts another name in a rolling upgrade.
func TestTheClientOfAnotherVersionIsOursAndNotKept(t *testing.T) {
	s := testsite.Run(t, testsite.Setup{Sites: testsite.Signed, Upstream: testsite.NoUpstream(t)})
	for _, method := range []string{http.MethodGet, http.MethodHead, http.MethodPost} {
		a := s.Fetch(t, method, "/.dingtalk/client.0123456789abcdef.js", "")
		if method == http.MethodPost {
			testsite.ExpectRefusal(t, a, http.StatusMethodNotAllowed, "method_not_allowed")
			continue
		}
		if a.Status != http.StatusOK || a.Header.Get("Cache-Control") != "no-cache" || (method == http.MethodGet) != (a.Body == client.Source) {
			t.Errorf("%s: status %d, Cache-Control %q, body %.40q", method, a.Status, a.Header.Get("Cache-Control"), a.Body)
		}
	}
}
