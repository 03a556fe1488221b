package examine_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/caddy-dingtalk/caddy-dingtalk/internal/sandbox"
)

func TestHandlersAreFoundWhereverTheyAre(t *testing.T) {
	const app = "\n\tdingtalk {\n\t\tAPP\n\t\tapi_base API\n\t}\n"
	tests := map[string]struct {
		caddyfile string
		hosts     []string // of each handler, joined by spaces
	}{
		"in a handle within a route": {"a.test {\nroute {\nhandle /x/* {" + app + "}\n}\n}", []string{"a.test"}},
		"behind a host matcher":      {":443 {\n@b host b.test c.test\nhandle @b {" + app + "}\n}", []string{"b.test c.test"}},
		"in the responses of a reverse proxy": {
			"a.test {\nreverse_proxy localhost:1 {\n@e status 500\nhandle_response @e {" + app + "}\n}\n}", []string{"a.test"},
		},
		"in the error routes":                    {"a.test {\nhandle_errors {" + app + "}\n}", []string{"a.test"}},
		"in a named route of two sites":          {"&(n) {" + app + "}\na.test {\ninvoke n\n}\nb.test {\ninvoke n\n}", []string{"a.test", "b.test"}},
		"in a named route that invokes itself":   {"&(n) {" + app + "invoke n\n}\na.test {\ninvoke n\n}", []string{"a.test"}},
		"in several sites of one server":         {"a.test {" + app + "}\nb.test {" + app + "}", []string{"a.test", "b.test"}},
		"in a site with a catch-all beside it":   {"a.test, http:// {" + app + "}", []string{"a.test", ""}},
		"in a site of servers at several ports":  {"a.test:8443 {" + app + "}\nb.test:9443 {" + app + "}", []string{"a.test", "b.test"}},
		"in a named route that nobody is led to": {"&(n) {" + app + "}\na.test {" + app + "}", []string{"a.test"}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, sandbox.Options{}, nil)
			report, text := w.examine(t, storageLine+test.caddyfile)
			var hosts []string
			for i, h := range report {
				hosts = append(hosts, strings.Join(h.Hosts, " "))
				if (h.SameAppAs != 0) != (i > 0) {
					t.Errorf("handler %d has the app of %d", i+1, h.SameAppAs)
				}
			}
			if slices.Sort(hosts); !slices.Equal(hosts, slices.Sorted(slices.Values(test.hosts))) {
				t.Errorf("hosts %q in\n%s", hosts, text)
			}
			if calls := w.ding.Calls(); calls["v1.token"] != 1 || calls["v1.ticket"] != 1 {
				t.Errorf("the app was checked more than once: %v", calls)
			}
		})
	}
}
