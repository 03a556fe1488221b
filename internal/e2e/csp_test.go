package e2e

import (
	"net/http"
	"slices"
	"testing"

	"github.com/caddy-dingtalk/caddy-dingtalk/internal/testsite"
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
	testsite.ServePage(w, r)
})

func TestTheFormFollowsThePolicyOfThePage(t *testing.T) {
	s := testsite.Run(t, testsite.Setup{Upstream: pageWithPolicy, Sites: `http://h5.test:PORT {
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
		"no policy":                        {"h5.test", nil, testsite.Inline, ""},
		"one that says nothing of scripts": {"h5.test", []string{"img-src 'self'"}, testsite.Inline, ""},
		"unsafe-inline":                    {"h5.test", []string{"script-src 'self' 'unsafe-inline'"}, testsite.Inline, ""},
		"a nonce":                          {"h5.test", []string{"default-src 'none'; script-src 'nonce-AbC+/=='"}, testsite.Inline, "AbC+/=="},
		"the own origin":                   {"h5.test", []string{"default-src 'self'"}, testsite.External, ""},
		"the own origin by its name":       {"h5.test", []string{"script-src http://h5.test:*/.dingtalk/"}, testsite.External, ""},
		"the own origin, and a nonce in another header": {"h5.test", []string{"script-src 'self'", "script-src 'nonce-abc'"}, testsite.External, "abc"},
		"nothing of ours":                  {"h5.test", []string{"script-src https://cdn.test"}, testsite.Data, ""},
		"two nonces that do not agree":     {"h5.test", []string{"script-src 'nonce-abc', script-src 'nonce-def'"}, testsite.Data, ""},
		"the header directive, own origin": {"strict.test", nil, testsite.External, ""},
		"the header directive, a nonce":    {"nonce.test", nil, testsite.Inline, "s1te"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			var headers []string
			for _, policy := range test.policies {
				headers = append(headers, "X-Policy", policy)
			}
			url := s.At(test.host) + "/"
			a := s.Get(t, url, headers...)
			got := s.ExpectSigned(t, a, url)
			if got.Form != test.form || got.Nonce != test.nonce {
				t.Errorf("form %s with nonce %q, want %s with %q", got.Form, got.Nonce, test.form, test.nonce)
			}
			if policies := a.Header["Content-Security-Policy"]; test.policies != nil && !slices.Equal(policies, test.policies) {
				t.Errorf("the policy was changed: %q", policies)
			}
		})
	}

	t.Run("a policy that only reports does not count", func(t *testing.T) {
		if got := s.Get(t, s.At("h5.test")+"/", "X-Report-Only", "script-src 'none'").Snippet(t); got.Form != testsite.Inline {
			t.Errorf("form %s", got.Form)
		}
	})
	t.Run("where the policies of site and upstream meet, both count", func(t *testing.T) {
		a := s.Get(t, s.At("strict.test")+"/", "X-Policy", "script-src 'unsafe-inline'")
		if got := a.Snippet(t); got.Form != testsite.Data || len(a.Header["Content-Security-Policy"]) != 2 {
			t.Errorf("form %s under %q", got.Form, a.Header["Content-Security-Policy"])
		}
	})
	t.Run("a page that is not signed takes the same form", func(t *testing.T) {
		a := s.Raw(t, "GET http://strict.test:"+s.Port+"/ HTTP/1.1\r\nHost: strict.test\r\nAccept: text/html\r\nConnection: close\r\n\r\n")
		if got := s.ExpectUnsigned(t, a, "bad_url"); got.Form != testsite.External {
			t.Errorf("form %s", got.Form)
		}
	})
}
