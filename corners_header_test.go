package dingtalk

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/httpcaddyfile"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
)

func TestWhichHeadersOfItsNeighboursThePageFollows(t *testing.T) {
	const (
		ownOrigin = "script-src 'self'"
		nothing   = "script-src 'none'"
	)
	tests := map[string]struct {
		lines    string // what the site says; it ends in the directive and the proxy if they are not there
		upstream string // its policy
		form     string
		sent     []string // the policies that the browser gets
	}{
		"header sets a policy":                       {"header Content-Security-Policy \"" + ownOrigin + "\"", "", external, []string{ownOrigin}},
		"header adds one":                            {"header +Content-Security-Policy \"" + ownOrigin + "\"", "img-src *", external, []string{ownOrigin, "img-src *"}},
		"header sets one late: it is not seen":       {"header >Content-Security-Policy \"" + ownOrigin + "\"", "", inline, []string{ownOrigin}},
		"header replaces upstream's late":            {"header >Content-Security-Policy \"" + nothing + "\"", ownOrigin, external, []string{nothing}},
		"header defers a block: it is not seen":      {"header {\n\t\tContent-Security-Policy \"" + ownOrigin + "\"\n\t\tdefer\n\t}", "", inline, []string{ownOrigin}},
		"a deletion defers the others beside it":     {"header {\n\t\tContent-Security-Policy \"" + ownOrigin + "\"\n\t\t-X-Powered-By\n\t}", "", inline, []string{ownOrigin}},
		"a default is set late: it is not seen":      {"header ?Content-Security-Policy \"" + ownOrigin + "\"", "", inline, []string{ownOrigin}},
		"a default that is not needed":               {"header ?Content-Security-Policy \"" + nothing + "\"", ownOrigin, external, []string{ownOrigin}},
		"header deletes upstream's: it is obeyed":    {"header -Content-Security-Policy", nothing, data, nil},
		"the proxy sets one":                         {"dingtalk {\n\t\timport app\n\t}\n\treverse_proxy UPSTREAM {\n\t\theader_down Content-Security-Policy \"" + ownOrigin + "\"\n\t}", nothing, external, []string{ownOrigin}},
		"the proxy adds one":                         {"dingtalk {\n\t\timport app\n\t}\n\treverse_proxy UPSTREAM {\n\t\theader_down +Content-Security-Policy \"" + ownOrigin + "\"\n\t}", "img-src *", external, []string{"img-src *", ownOrigin}},
		"the proxy deletes upstream's":               {"dingtalk {\n\t\timport app\n\t}\n\treverse_proxy UPSTREAM {\n\t\theader_down -Content-Security-Policy\n\t}", nothing, inline, nil},
		"header behind us, late":                     {"route {\n\t\tdingtalk {\n\t\t\timport app\n\t\t}\n\t\theader >Content-Security-Policy \"" + ownOrigin + "\"\n\t\treverse_proxy UPSTREAM\n\t}", nothing, external, []string{ownOrigin}},
		"header behind us, in a handle":              {"dingtalk {\n\t\timport app\n\t}\n\thandle {\n\t\theader ?Content-Security-Policy \"" + ownOrigin + "\"\n\t\treverse_proxy UPSTREAM\n\t}", "", external, []string{ownOrigin}},
		"header behind us deletes upstream's":        {"route {\n\t\tdingtalk {\n\t\t\timport app\n\t\t}\n\t\theader -Content-Security-Policy\n\t\treverse_proxy UPSTREAM\n\t}", nothing, inline, nil},
		"upstream's and the site's meet in the page": {"header Content-Security-Policy \"script-src 'nonce-abc'\"", ownOrigin, external, []string{"script-src 'nonce-abc'", ownOrigin}},
	}
	var sites strings.Builder
	hosts := make(map[string]string)
	for name, test := range tests {
		hosts[name] = fmt.Sprintf("h%d.test", len(hosts))
		lines := test.lines
		if !strings.Contains(lines, "dingtalk") {
			lines += "\n\tdingtalk {\n\t\timport app\n\t}\n\treverse_proxy UPSTREAM"
		}
		fmt.Fprintf(&sites, "http://%s:PORT {\n\t%s\n}\n", hosts[name], lines)
	}
	s := run(t, setup{sites: sites.String(), upstream: pageWithPolicy})
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			url := s.at(hosts[name]) + "/"
			a := s.get(t, url, "X-Policy", test.upstream)
			if got := s.expectSigned(t, a, url); got.form != test.form {
				t.Errorf("form %s, want %s", got.form, test.form)
			}
			if sent := a.header["Content-Security-Policy"]; !slices.Equal(sent, test.sent) {
				t.Errorf("the browser gets %q, want %q", sent, test.sent)
			}
		})
	}
}

func TestWhatHeaderChangesAroundThePage(t *testing.T) {
	tests := map[string]struct {
		line string
		want http.Header // nil values: the header must be gone
	}{
		"without a length the page is whole":      {"header -Content-Length", http.Header{"Content-Length": nil}},
		"a late deletion takes the tag":           {"header -Etag", http.Header{"Etag": nil}},
		"a late tag takes the place of ours":      {`header >Etag "\"site\""`, fields("Etag", `"site"`)},
		"a tag set before gets a suffix":          {"header Etag `\"site\"`", fields("Etag", `"site-dt`)},
		"a Cache-Control set before gives way":    {"header Cache-Control max-age=60", fields("Cache-Control", "private, no-cache")},
		"a default Cache-Control is not needed":   {"header ?Cache-Control max-age=60", fields("Cache-Control", "private, no-cache")},
		"a late Cache-Control has the last word":  {"header >Cache-Control no-store", fields("Cache-Control", "no-store")},
		"a Last-Modified set before goes":         {`header Last-Modified "Mon, 02 Jan 2006 15:04:05 GMT"`, http.Header{"Last-Modified": nil}},
		"a late replacement works on what is out": {"header >Etag v1 v2", fields("Etag", `"v2-dt`)},
	}
	var sites strings.Builder
	hosts := make(map[string]string)
	for name, test := range tests {
		hosts[name] = fmt.Sprintf("h%d.test", len(hosts))
		fmt.Fprintf(&sites, "http://%s:PORT {\n\t%s\n\tdingtalk {\n\t\timport app\n\t}\n\treverse_proxy UPSTREAM\n}\n", hosts[name], test.line)
	}
	s := run(t, setup{sites: sites.String(), upstream: response{
		header: fields("Content-Type", "text/html; charset=utf-8", "Etag", `"v1"`, "Content-Length", strconv.Itoa(len(longPage))), body: longPage,
	}})
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			url := s.at(hosts[name]) + "/"
			a := s.get(t, url)
			s.expectPage(t, a, url, longPage)
			for key, want := range test.want {
				got := a.header[key]
				if want == nil && got != nil || want != nil && (len(got) != 1 || !strings.HasPrefix(got[0], want[0])) {
					t.Errorf("%s is %q, want %q", key, got, want)
				}
			}
		})
	}
}

func init() {
	caddy.RegisterModule(replacing{})
	httpcaddyfile.RegisterHandlerDirective("replacing", func(h httpcaddyfile.Helper) (caddyhttp.MiddlewareHandler, error) {
		h.Next()
		return &replacing{Stream: h.NextArg()}, nil
	})
}

// replacing is a handler that rewrites bodies, as that of replace-response does:
// as a whole, or as they stream.
type replacing struct {
	Stream bool `json:"stream,omitempty"`
}

func (replacing) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{ID: "http.handlers.replacing", New: func() caddy.Module { return new(replacing) }}
}

func replaced(s string) string {
	return strings.ReplaceAll(s, "页面", "新页") + "<!-- replaced -->"
}

func (p replacing) ServeHTTP(w http.ResponseWriter, r *http.Request, next caddyhttp.Handler) error {
	if p.Stream {
		err := next.ServeHTTP(&replacingWriter{w}, r)
		if err == nil {
			_, err = io.WriteString(w, "<!-- replaced -->")
		}
		return err
	}
	var body bytes.Buffer
	rec := caddyhttp.NewResponseRecorder(w, &body, func(int, http.Header) bool { return true })
	if err := next.ServeHTTP(rec, r); err != nil {
		return err
	}
	text := replaced(body.String())
	w.Header().Set("Content-Length", strconv.Itoa(len(text)))
	w.Header().Set("X-Saw-Snippet", strconv.FormatBool(strings.Contains(text, `({"config":`)))
	w.WriteHeader(rec.Status())
	_, err := io.WriteString(w, text)
	return err
}

type replacingWriter struct{ http.ResponseWriter }

func (w *replacingWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

func (w *replacingWriter) WriteHeader(status int) {
	w.Header().Del("Content-Length")
	w.ResponseWriter.WriteHeader(status)
}

func (w *replacingWriter) Write(p []byte) (int, error) {
	_, err := io.WriteString(w.ResponseWriter, strings.ReplaceAll(string(p), "页面", "新页"))
	return len(p), err
}

func TestARewriterOfBodiesWorksOnBothSides(t *testing.T) {
	for name, test := range map[string]struct {
		order   string // of the rewriter
		outside bool
	}{
		"below us":                      {"after dingtalk", false},
		"above us":                      {"before dingtalk", true},
		"after encode, that is above":   {"after encode", true},
		"far below, before the proxy":   {"before reverse_proxy", false},
		"far above, in front of encode": {"before encode", true},
	} {
		t.Run(name, func(t *testing.T) {
			s := run(t, setup{
				global: "order replacing " + test.order,
				sites: `http://whole.test:PORT {
	dingtalk {
		import app
	}
	replacing
	reverse_proxy UPSTREAM
}
http://stream.test:PORT {
	dingtalk {
		import app
	}
	replacing stream
	reverse_proxy UPSTREAM
}
`,
				upstream: response{header: fields("Content-Type", "text/html", "Etag", `"v1"`, "Content-Length", strconv.Itoa(len(thePage))), body: thePage},
			})
			for _, host := range []string{"whole.test", "stream.test"} {
				a := s.get(t, s.at(host)+"/")
				s.expectPage(t, a, s.at(host)+"/", replaced(thePage))
				if length := a.header.Get("Content-Length"); host == "whole.test" && length == "" {
					t.Errorf("%s: no Content-Length", host)
				}
			}
			if outside := s.get(t, s.at("whole.test")+"/").header.Get("X-Saw-Snippet"); outside != strconv.FormatBool(test.outside) {
				t.Errorf("the rewriter saw the snippet: %s", outside)
			}
		})
	}
}

func TestTwoDirectivesOnTheWayInsertOnce(t *testing.T) {
	s := run(t, setup{sites: `http://nested.test:PORT {
	root DIR/www
	dingtalk {
		import app
	}
	handle /app/* {
		dingtalk {
			import app
			js_api_list biz.contact.choose
		}
		reverse_proxy UPSTREAM
	}
	handle {
		reverse_proxy UPSTREAM {
			@all status 200
			handle_response @all {
				dingtalk {
					import app
				}
				file_server
			}
		}
	}
}`})
	s.write(t, map[string]string{"www/index.html": thePage})
	for _, path := range []string{"/app/", "/"} {
		a := s.get(t, s.at("nested.test")+path)
		s.expectSigned(t, a, s.at("nested.test")+path)
		if count := strings.Count(a.body, `({"config":`); count != 1 {
			t.Errorf("%s: %d insertions", path, count)
		}
	}
}
