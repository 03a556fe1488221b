package dingtalk

import (
	"net/http"
	"slices"
	"testing"
)

// pageWithPolicy is an upstream whose pages have the Content-Security-Policy that
// the request asks for.
var pageWithPolicy = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
	for _, policy := range r.Header["X-Policy"] {
		if policy != "" {
			w.Header().Add("Content-Security-Policy", policy)
		}
	}
	if policy := r.Header.Get("X-Report-Only"); policy != "" {
		w.Header().Set("Content-Security-Policy-Report-Only", policy)
	}
	servePage(w, r)
})

func TestTheFormFollowsThePolicyOfThePage(t *testing.T) {
	s := run(t, setup{upstream: pageWithPolicy, sites: `http://h5.test:PORT {
	dingtalk {
		import app
	}
	reverse_proxy UPSTREAM
}
http://strict.test:PORT {
	header Content-Security-Policy "script-src 'self'"
	dingtalk {
		import app
	}
	reverse_proxy UPSTREAM
}
http://nonce.test:PORT {
	header Content-Security-Policy "script-src 'nonce-s1te'"
	dingtalk {
		import app
	}
	reverse_proxy UPSTREAM
}
`})
	tests := map[string]struct {
		host        string
		policies    []string
		form, nonce string
	}{
		"no policy":                        {"h5.test", nil, inline, ""},
		"one that says nothing of scripts": {"h5.test", []string{"img-src 'self'"}, inline, ""},
		"unsafe-inline":                    {"h5.test", []string{"script-src 'self' 'unsafe-inline'"}, inline, ""},
		"a nonce":                          {"h5.test", []string{"default-src 'none'; script-src 'nonce-AbC+/=='"}, inline, "AbC+/=="},
		"the own origin":                   {"h5.test", []string{"default-src 'self'"}, external, ""},
		"the own origin by its name":       {"h5.test", []string{"script-src http://h5.test:*/.dingtalk/"}, external, ""},
		"the own origin, and a nonce in another header": {"h5.test", []string{"script-src 'self'", "script-src 'nonce-abc'"}, external, "abc"},
		"nothing of ours":                  {"h5.test", []string{"script-src https://cdn.test"}, data, ""},
		"two nonces that do not agree":     {"h5.test", []string{"script-src 'nonce-abc', script-src 'nonce-def'"}, data, ""},
		"the header directive, own origin": {"strict.test", nil, external, ""},
		"the header directive, a nonce":    {"nonce.test", nil, inline, "s1te"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			var headers []string
			for _, policy := range test.policies {
				headers = append(headers, "X-Policy", policy)
			}
			url := s.at(test.host) + "/"
			a := s.get(t, url, headers...)
			got := s.expectSigned(t, a, url)
			if got.form != test.form || got.nonce != test.nonce {
				t.Errorf("form %s with nonce %q, want %s with %q", got.form, got.nonce, test.form, test.nonce)
			}
			if policies := a.header["Content-Security-Policy"]; test.policies != nil && !slices.Equal(policies, test.policies) {
				t.Errorf("the policy was changed: %q", policies)
			}
		})
	}

	t.Run("a policy that only reports does not count", func(t *testing.T) {
		if got := s.get(t, s.at("h5.test")+"/", "X-Report-Only", "script-src 'none'").snippet(t); got.form != inline {
			t.Errorf("form %s", got.form)
		}
	})
	t.Run("where the policies of site and upstream meet, both count", func(t *testing.T) {
		a := s.get(t, s.at("strict.test")+"/", "X-Policy", "script-src 'unsafe-inline'")
		if got := a.snippet(t); got.form != data || len(a.header["Content-Security-Policy"]) != 2 {
			t.Errorf("form %s under %q", got.form, a.header["Content-Security-Policy"])
		}
	})
	t.Run("a page that is not signed takes the same form", func(t *testing.T) {
		a := s.raw(t, "GET http://strict.test:"+s.port+"/ HTTP/1.1\r\nHost: strict.test\r\nAccept: text/html\r\nConnection: close\r\n\r\n")
		if got := s.expectUnsigned(t, a, "bad_url"); got.form != external {
			t.Errorf("form %s", got.form)
		}
	})
}
