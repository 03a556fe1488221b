package e2e

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

	"github.com/caddy-dingtalk/caddy-dingtalk/internal/testsite"
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
		"header sets a policy":                       {"header Content-Security-Policy \"" + ownOrigin + "\"", "", testsite.External, []string{ownOrigin}},
		"header adds one":                            {"header +Content-Security-Policy \"" + ownOrigin + "\"", "img-src *", testsite.External, []string{ownOrigin, "img-src *"}},
		"header sets one late: it is not seen":       {"header >Content-Security-Policy \"" + ownOrigin + "\"", "", testsite.Inline, []string{ownOrigin}},
		"header replaces upstream's late":            {"header >Content-Security-Policy \"" + nothing + "\"", ownOrigin, testsite.External, []string{nothing}},
		"header defers a block: it is not seen":      {"header {\n\t\tContent-Security-Policy \"" + ownOrigin + "\"\n\t\tdefer\n\t}", "", testsite.Inline, []string{ownOrigin}},
		"a deletion defers the others beside it":     {"header {\n\t\tContent-Security-Policy \"" + ownOrigin + "\"\n\t\t-X-Powered-By\n\t}", "", testsite.Inline, []string{ownOrigin}},
		"a default is set late: it is not seen":      {"header ?Content-Security-Policy \"" + ownOrigin + "\"", "", testsite.Inline, []string{ownOrigin}},
		"a default that is not needed":               {"header ?Content-Security-Policy \"" + nothing + "\"", ownOrigin, testsite.External, []string{ownOrigin}},
		"header deletes upstream's: it is obeyed":    {"header -Content-Security-Policy", nothing, testsite.Data, nil},
		"the proxy sets one":                         {"dingtalk {\n\t\timport app\n\t}\n\treverse_proxy UPSTREAM {\n\t\theader_down Content-Security-Policy \"" + ownOrigin + "\"\n\t}", nothing, testsite.External, []string{ownOrigin}},
		"the proxy adds one":                         {"dingtalk {\n\t\timport app\n\t}\n\treverse_proxy UPSTREAM {\n\t\theader_down +Content-Security-Policy \"" + ownOrigin + "\"\n\t}", "img-src *", testsite.External, []string{"img-src *", ownOrigin}},
		"the proxy deletes upstream's":               {"dingtalk {\n\t\timport app\n\t}\n\treverse_proxy UPSTREAM {\n\t\theader_down -Content-Security-Policy\n\t}", nothing, testsite.Inline, nil},
		"header behind us, late":                     {"route {\n\t\tdingtalk {\n\t\t\timport app\n\t\t}\n\t\theader >Content-Security-Policy \"" + ownOrigin + "\"\n\t\treverse_proxy UPSTREAM\n\t}", nothing, testsite.External, []string{ownOrigin}},
		"header behind us, in a handle":              {"dingtalk {\n\t\timport app\n\t}\n\thandle {\n\t\theader ?Content-Security-Policy \"" + ownOrigin + "\"\n\t\treverse_proxy UPSTREAM\n\t}", "", testsite.External, []string{ownOrigin}},
		"header behind us deletes upstream's":        {"route {\n\t\tdingtalk {\n\t\t\timport app\n\t\t}\n\t\theader -Content-Security-Policy\n\t\treverse_proxy UPSTREAM\n\t}", nothing, testsite.Inline, nil},
		"upstream's and the site's meet in the page": {"header Content-Security-Policy \"script-src 'nonce-abc'\"", ownOrigin, testsite.External, []string{"script-src 'nonce-abc'", ownOrigin}},
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
	s := testsite.Run(t, testsite.Setup{Sites: sites.String(), Upstream: pageWithPolicy})
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			url := s.At(hosts[name]) + "/"
			a := s.Get(t, url, "X-Policy", test.upstream)
			if got := s.ExpectSigned(t, a, url); got.Form != test.form {
				t.Errorf("form %s, want %s", got.Form, test.form)
			}
			if sent := a.Header["Content-Security-Policy"]; !slices.Equal(sent, test.sent) {
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
		"a late tag takes the place of ours":      {`header >Etag "\"site\""`, testsite.Header("Etag", `"site"`)},
		"a tag set before gets a suffix":          {"header Etag `\"site\"`", testsite.Header("Etag", `"site-dt`)},
		"a Cache-Control set before gives way":    {"header Cache-Control max-age=60", testsite.Header("Cache-Control", "private, no-cache")},
		"a default Cache-Control is not needed":   {"header ?Cache-Control max-age=60", testsite.Header("Cache-Control", "private, no-cache")},
		"a late Cache-Control has the last word":  {"header >Cache-Control no-store", testsite.Header("Cache-Control", "no-store")},
		"a Last-Modified set before goes":         {`header Last-Modified "Mon, 02 Jan 2006 15:04:05 GMT"`, http.Header{"Last-Modified": nil}},
		"a late replacement works on what is out": {"header >Etag v1 v2", testsite.Header("Etag", `"v2-dt`)},
	}
	var sites strings.Builder
	hosts := make(map[string]string)
	for name, test := range tests {
		hosts[name] = fmt.Sprintf("h%d.test", len(hosts))
		fmt.Fprintf(&sites, "http://%s:PORT {\n\t%s\n\tdingtalk {\n\t\timport app\n\t}\n\treverse_proxy UPSTREAM\n}\n", hosts[name], test.line)
	}
	s := testsite.Run(t, testsite.Setup{Sites: sites.String(), Upstream: testsite.Response{
		Header: testsite.Header("Content-Type", "text/html; charset=utf-8", "Etag", `"v1"`, "Content-Length", strconv.Itoa(len(testsite.LongPage))), Body: testsite.LongPage,
	}})
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			url := s.At(hosts[name]) + "/"
			a := s.Get(t, url)
			s.ExpectPage(t, a, url, testsite.LongPage)
			for key, want := range test.want {
				got := a.Header[key]
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
			s := testsite.Run(t, testsite.Setup{
				Global: "order replacing " + test.order,
				Sites: `http://whole.test:PORT {
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
				Upstream: testsite.Response{Header: testsite.Header("Content-Type", "text/html", "Etag", `"v1"`, "Content-Length", strconv.Itoa(len(testsite.Page))), Body: testsite.Page},
			})
			for _, host := range []string{"whole.test", "stream.test"} {
				a := s.Get(t, s.At(host)+"/")
				s.ExpectPage(t, a, s.At(host)+"/", replaced(testsite.Page))
				if length := a.Header.Get("Content-Length"); host == "whole.test" && length == "" {
					t.Errorf("%s: no Content-Length", host)
				}
			}
			if outside := s.Get(t, s.At("whole.test")+"/").Header.Get("X-Saw-Snippet"); outside != strconv.FormatBool(test.outside) {
				t.Errorf("the rewriter saw the snippet: %s", outside)
			}
		})
	}
}

func TestTwoDirectivesOnTheWayInsertOnce(t *testing.T) {
	s := testsite.Run(t, testsite.Setup{Sites: `http://nested.test:PORT {
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
	s.Write(t, map[string]string{"www/index.html": testsite.Page})
	for _, path := range []string{"/app/", "/"} {
		a := s.Get(t, s.At("nested.test")+path)
		s.ExpectSigned(t, a, s.At("nested.test")+path)
		if count := strings.Count(a.Body, `({"config":`); count != 1 {
			t.Errorf("%s: %d insertions", path, count)
		}
	}
}

func TestTheHeadersOfAPage(t *testing.T) {
	tests := map[string]struct {
		upstream, want http.Header // nil values: the header must be gone
	}{
		"a page is for this browser, and checked each time": {
			testsite.Header(), testsite.Header("Cache-Control", "private, no-cache"),
		},
		"what upstream says of caching gives way": {
			testsite.Header("Cache-Control", "public, max-age=3600, immutable"), testsite.Header("Cache-Control", "private, no-cache"),
		},
		"no-store stays": {
			testsite.Header("Cache-Control", "No-Store, max-age=0"), testsite.Header("Cache-Control", "No-Store, max-age=0"),
		},
		"what speaks of the body as it was goes": {
			testsite.Header("Expires", "Mon, 02 Jan 2096 15:04:05 GMT", "Last-Modified", "Mon, 02 Jan 2006 15:04:05 GMT", "Accept-Ranges", "bytes",
				"Content-MD5", "x", "Digest", "x", "No-Vary-Search", "params", "Surrogate-Control", "max-age=60", "CDN-Cache-Control", "max-age=60"),
			http.Header{"Expires": nil, "Last-Modified": nil, "Accept-Ranges": nil, "Content-Md5": nil, "Digest": nil,
				"No-Vary-Search": nil, "Surrogate-Control": nil, "Cdn-Cache-Control": nil},
		},
		"others stay": {
			testsite.Header("Set-Cookie", "a=1", "X-Own", "1", "Vary", "Cookie"),
			http.Header{"Set-Cookie": {"a=1"}, "X-Own": {"1"}, "Vary": {"Cookie", "Sec-Fetch-Dest, Accept"}},
		},
	}
	var header http.Header
	s := testsite.Run(t, testsite.Setup{Sites: testsite.Signed, Upstream: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		testsite.Response{Header: header}.ServeHTTP(w, r)
		_, _ = w.Write([]byte(testsite.Page))
	})})
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			header = test.upstream
			header.Set("Content-Type", "text/html")
			a := s.Get(t, "/")
			s.ExpectSigned(t, a, s.URL+"/")
			for key, want := range test.want {
				if got := a.Header[key]; strings.Join(got, "; ") != strings.Join(want, "; ") {
					t.Errorf("%s is %q, want %q", key, got, want)
				}
			}
		})
	}
}

func TestContentLengthStaysAndIsRight(t *testing.T) {
	var length bool
	s := testsite.Run(t, testsite.Setup{Sites: testsite.Signed, Upstream: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if length {
			w.Header().Set("Content-Length", "5000")
		}
		testsite.ServePage(w, r)
		_, _ = w.Write([]byte(strings.Repeat("x", 5000-len(testsite.Page))))
	})})
	for _, length = range []bool{true, false} {
		a := s.Get(t, "/")
		s.ExpectSigned(t, a, s.URL+"/")
		if got := a.Header.Get("Content-Length"); (got != "") != length || a.Err != nil {
			t.Errorf("with a length from upstream (%v): Content-Length %q, %v", length, got, a.Err)
		}
	}
}
