package dingtalk

import (
	"slices"
	"strings"
	"testing"
)

func TestDifferenceNamesThePartsAndTheCure(t *testing.T) {
	tests := map[string]struct {
		shown, signed string
		parts         []string
		advice        []string // what it must name
		not           []string // what it must not name
	}{
		"equal":                     {"https://h5.test/p?x=1", "https://h5.test/p?x=1", nil, nil, nil},
		"nothing was signed":        {"https://h5.test/p", "", nil, nil, nil},
		"nothing is shown":          {"", "https://h5.test/p", nil, nil, nil},
		"what is shown is no URL":   {"hello\nworld", "https://h5.test/p", nil, nil, nil},
		"what was signed is no URL": {"https://h5.test/p", "hello", nil, nil, nil},
		"a shown host is no host":   {"https://evil.test\n{\"level\":\"error\"}/p", "https://h5.test/p", nil, nil, nil},
		"the scheme": {"https://h5.test/p", "http://h5.test/p", []string{"scheme"},
			[]string{"X-Forwarded-Proto", "trusted_proxies", "public_origin https://h5.test "}, []string{"Host", "X-Original-URI"}},
		"the host": {"https://h5.test/p", "https://app.internal/p", []string{"host"},
			[]string{"the host is h5.test, not app.internal", "proxy_set_header Host $http_host", "public_origin https://h5.test "}, []string{"X-Forwarded-Proto"}},
		"the port": {"https://h5.test:8443/p", "https://h5.test/p", []string{"port"},
			[]string{"the port is 8443, not the default one", "$http_host", "public_origin https://h5.test:8443 "}, []string{"X-Forwarded-Proto"}},
		"the port, that is the default": {"https://h5.test/p", "https://h5.test:8080/p", []string{"port"},
			[]string{"the port is the default one, not 8080", "public_origin https://h5.test "}, nil},
		"the path": {"https://h5.test/app/p", "https://h5.test/p", []string{"path"},
			[]string{"X-Original-URI $request_uri", "forwarded X-Original-URI"}, []string{"public_origin"}},
		"a slash at the end":                     {"https://h5.test/p/", "https://h5.test/p", []string{"path"}, []string{"X-Original-URI"}, nil},
		"another case":                           {"https://h5.test/P", "https://h5.test/p", []string{"path"}, []string{"X-Original-URI"}, nil},
		"another encoding":                       {"https://h5.test/%E4%B8%AD", "https://h5.test/%e4%b8%ad", []string{"path"}, []string{"X-Original-URI"}, nil},
		"the query":                              {"https://h5.test/p?x=1", "https://h5.test/p?x=2", []string{"query"}, []string{"the query differs"}, []string{"public_origin", "X-Original-URI"}},
		"an empty query":                         {"https://h5.test/p?", "https://h5.test/p", []string{"query"}, []string{"the query differs"}, nil},
		"a query that is lost, under an address": {"http://[::1]:8080/p?x=1", "http://[::1]:8080/p", []string{"query"}, []string{"the query differs"}, []string{"port"}},
		"scheme and port": {"https://h5.test/p", "http://h5.test:8080/p", []string{"scheme", "port"},
			[]string{"X-Forwarded-Proto", "$http_host", "public_origin https://h5.test "}, nil},
		"everything": {"https://h5.test/app/p?x=1", "http://app.internal:3000/p", []string{"scheme", "host", "port", "path", "query"},
			[]string{"X-Forwarded-Proto", "app.internal", "3000", "X-Original-URI", "the query differs", "public_origin https://h5.test "}, nil},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			parts, advice := difference(test.shown, test.signed)
			if !slices.Equal(parts, test.parts) || (advice == "") != (len(test.parts) == 0) {
				t.Fatalf("parts %v, want %v; advice %q", parts, test.parts, advice)
			}
			for _, word := range test.advice {
				if !strings.Contains(advice, word) {
					t.Errorf("the advice lacks %q: %s", word, advice)
				}
			}
			for _, word := range test.not {
				if strings.Contains(advice, word) {
					t.Errorf("the advice names %q without need: %s", word, advice)
				}
			}
		})
	}
}
