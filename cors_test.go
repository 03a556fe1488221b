package dingtalk

import (
	"net/http"
	"net/url"
	"testing"
)

func TestWhoMayCallTheEndpoints(t *testing.T) {
	s := run(t, setup{sites: origins, upstream: noUpstream(t)})
	h5 := s.at("h5.test")
	const yes, no, cors = "yes", "no", "with CORS"
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
		"a public origin":                             {s.at("public.test"), []string{"Origin", "https://public.test"}, yes},
		"another public origin of the site":           {s.at("public.test"), []string{"Origin", "https://m.public.test:8443", "Sec-Fetch-Site", "same-origin"}, yes},
		"an allowed origin":                           {h5, []string{"Origin", "https://other.test", "Sec-Fetch-Site", "cross-site"}, cors},
		"an allowed origin of an old browser":         {h5, []string{"Origin", "https://port.test:8443"}, cors},
		"another origin":                              {h5, []string{"Origin", "https://evil.test", "Sec-Fetch-Site", "cross-site"}, no},
		"another origin of an old browser":            {h5, []string{"Origin", "https://evil.test"}, no},
		"another origin that claims to be the same":   {h5, []string{"Origin", "https://evil.test", "Sec-Fetch-Site", "same-origin"}, no},
		"a subdomain":                                 {h5, []string{"Origin", s.at("a.h5.test"), "Sec-Fetch-Site", "same-site"}, no},
		"the own host, another scheme, old browser":   {h5, []string{"Origin", "https://h5.test"}, no},
		"the own host, another port, same site":       {h5, []string{"Origin", "http://h5.test:1", "Sec-Fetch-Site", "same-site"}, no},
		"the own origin, that is not the same":        {h5, []string{"Origin", h5, "Sec-Fetch-Site", "cross-site"}, no},
		"an image of another site":                    {h5, []string{"Sec-Fetch-Site", "cross-site"}, no},
		"an image of a sibling":                       {h5, []string{"Sec-Fetch-Site", "same-site"}, no},
		"null":                                        {h5, []string{"Origin", "null"}, no},
		"null that claims to be the same":             {h5, []string{"Origin", "null", "Sec-Fetch-Site", "same-origin"}, no},
		"an allowed origin with another port":         {h5, []string{"Origin", "https://other.test:8443"}, no},
		"an allowed origin with another scheme":       {h5, []string{"Origin", "http://other.test"}, no},
		"an allowed origin that is one of other site": {s.at("public.test"), []string{"Origin", "https://other.test"}, no},
		"an Origin that is none":                      {h5, []string{"Origin", "hello"}, no},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			page := test.site + "/p"
			if test.site == s.at("public.test") {
				page = "https://public.test/p"
			}
			config := s.config(t, test.site, page, test.headers...)
			report := s.fetch(t, http.MethodPost, test.site+"/.dingtalk/report", `{}`, test.headers...)
			if test.want == no {
				for _, a := range []*answer{config, report} {
					expectRefusal(t, a, http.StatusForbidden, "origin_not_allowed", "allow_origin")
				}
			} else {
				s.expectConfig(t, config, page)
				if report.status != http.StatusNoContent {
					t.Errorf("report: %d %s", report.status, report.body)
				}
				expectEndpointHeaders(t, report)
			}
			for _, a := range []*answer{config, report} {
				want := ""
				if test.want == cors {
					want = test.headers[1]
				}
				if got := a.header.Get("Access-Control-Allow-Origin"); got != want || a.header.Get("Vary") != "Origin" || a.header.Get("Access-Control-Allow-Credentials") != "" {
					t.Errorf("Access-Control-Allow-Origin is %q, want %q, header %v", got, want, a.header)
				}
			}
		})
	}
}

func TestPreflight(t *testing.T) {
	s := run(t, setup{sites: origins, upstream: noUpstream(t)})
	for endpoint, method := range map[string]string{"config": "GET", "report": "POST"} {
		ask := func(headers ...string) *answer {
			return s.fetch(t, http.MethodOptions, s.at("h5.test")+"/.dingtalk/"+endpoint, "", headers...)
		}
		a := ask("Origin", "https://other.test", "Access-Control-Request-Method", method, "Access-Control-Request-Headers", "content-type", "Sec-Fetch-Site", "cross-site")
		want := map[string]string{"Access-Control-Allow-Origin": "https://other.test", "Access-Control-Allow-Methods": method,
			"Access-Control-Allow-Headers": "Content-Type", "Vary": "Origin"}
		for key, value := range want {
			if got := a.header.Get(key); got != value {
				t.Errorf("%s: %s is %q, want %q", endpoint, key, got, value)
			}
		}
		if a.status != http.StatusNoContent || a.body != "" {
			t.Errorf("%s: %d %q", endpoint, a.status, a.body)
		}
		expectEndpointHeaders(t, a)

		a = ask("Origin", "https://evil.test", "Access-Control-Request-Method", method, "Sec-Fetch-Site", "cross-site")
		expectRefusal(t, a, http.StatusForbidden, "origin_not_allowed")
		for key := range a.header {
			if len(key) > 14 && key[:14] == "Access-Control" {
				t.Errorf("%s: a refusal has %s", endpoint, key)
			}
		}
		a = ask("Origin", "https://other.test") // no preflight
		expectRefusal(t, a, http.StatusMethodNotAllowed, "method_not_allowed")
		if a.header.Get("Access-Control-Allow-Origin") == "" {
			t.Errorf("%s: an allowed origin cannot read the refusal", endpoint)
		}
	}
}

func TestEndpointsLiveWhereTheBrowserAsksForThem(t *testing.T) {
	s := run(t, setup{global: behindProxy, upstream: http.NotFoundHandler(), sites: `http://path.test:PORT {
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
		for kind, headers := range map[string]http.Header{"a script": fields("Sec-Fetch-Dest", "empty", "Sec-Fetch-Mode", "cors", "Accept", "*/*"), "the address bar": documentHeaders()} {
			t.Run(name+", asked by "+kind, func(t *testing.T) {
				for key, values := range fields(test.headers...) {
					headers[key] = values
				}
				a := s.do(t, http.MethodGet, s.at(test.host)+test.path, "", headers)
				if a.status != test.status {
					t.Errorf("status %d, want %d: %s", a.status, test.status, a.body)
				}
			})
		}
	}
	t.Run("a rewrite of the query does not matter", func(t *testing.T) {
		s.expectConfig(t, s.config(t, s.at("rewritten.test"), s.at("rewritten.test")+"/p"), s.at("rewritten.test")+"/p")
	})
	t.Run("a page behind such a proxy gets its parameters", func(t *testing.T) {
		page := s.at("original.test") + "/app/p?x=1"
		query := "?url=" + url.QueryEscape(page)
		a := s.fetch(t, http.MethodGet, s.at("original.test")+"/.dingtalk/config"+query, "", "X-Original-URI", "/app/.dingtalk/config"+query)
		s.expectConfig(t, a, page)
	})
}
