package dingtalk

import (
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/caddy-dingtalk/caddy-dingtalk/internal/sandbox"
)

// condition is what came up with the last request, "none" if nothing did.
type condition struct{ atomic.Pointer[string] }

func (c *condition) get() string { return *c.Load() }

// tagged is an upstream whose pages have the ETag "v1" and answer to it.
func tagged(seen *condition) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		got := "none"
		if values := r.Header["If-None-Match"]; values != nil {
			got = strings.Join(values, "; ")
		}
		seen.Store(&got)
		h := w.Header()
		h.Set("Etag", `"v1"`)
		h.Set("Last-Modified", "Mon, 02 Jan 2006 15:04:05 GMT")
		h.Set("Cache-Control", "max-age=3600")
		if strings.Contains(got, `"v1"`) {
			w.WriteHeader(http.StatusNotModified)
			return
		}
		servePage(w, r)
	}
}

func TestTheHeadersOfAPage(t *testing.T) {
	tests := map[string]struct {
		upstream, want http.Header // nil values: the header must be gone
	}{
		"a page is for this browser, and checked each time": {
			fields(), fields("Cache-Control", "private, no-cache"),
		},
		"what upstream says of caching gives way": {
			fields("Cache-Control", "public, max-age=3600, immutable"), fields("Cache-Control", "private, no-cache"),
		},
		"no-store stays": {
			fields("Cache-Control", "No-Store, max-age=0"), fields("Cache-Control", "No-Store, max-age=0"),
		},
		"what speaks of the body as it was goes": {
			fields("Expires", "Mon, 02 Jan 2096 15:04:05 GMT", "Last-Modified", "Mon, 02 Jan 2006 15:04:05 GMT", "Accept-Ranges", "bytes",
				"Content-MD5", "x", "Digest", "x", "No-Vary-Search", "params", "Surrogate-Control", "max-age=60", "CDN-Cache-Control", "max-age=60"),
			http.Header{"Expires": nil, "Last-Modified": nil, "Accept-Ranges": nil, "Content-Md5": nil, "Digest": nil,
				"No-Vary-Search": nil, "Surrogate-Control": nil, "Cdn-Cache-Control": nil},
		},
		"others stay": {
			fields("Set-Cookie", "a=1", "X-Own", "1", "Vary", "Cookie"), fields("Set-Cookie", "a=1", "X-Own", "1", "Vary", "Cookie"),
		},
	}
	var header http.Header
	s := run(t, setup{sites: signed, upstream: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		response{header: header}.ServeHTTP(w, r)
		_, _ = w.Write([]byte(thePage))
	})})
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			header = test.upstream
			header.Set("Content-Type", "text/html")
			a := s.get(t, "/")
			s.expectSigned(t, a, s.url+"/")
			for key, want := range test.want {
				if got := a.header[key]; strings.Join(got, "; ") != strings.Join(want, "; ") {
					t.Errorf("%s is %q, want %q", key, got, want)
				}
			}
		})
	}
}

func TestContentLengthStaysAndIsRight(t *testing.T) {
	var length bool
	s := run(t, setup{sites: signed, upstream: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if length {
			w.Header().Set("Content-Length", "5000")
		}
		servePage(w, r)
		_, _ = w.Write([]byte(strings.Repeat("x", 5000-len(thePage))))
	})})
	for _, length = range []bool{true, false} {
		a := s.get(t, "/")
		s.expectSigned(t, a, s.url+"/")
		if got := a.header.Get("Content-Length"); (got != "") != length || a.err != nil {
			t.Errorf("with a length from upstream (%v): Content-Length %q, %v", length, got, a.err)
		}
	}
}

func TestARevalidatedPageIsNotSentAgain(t *testing.T) {
	var seen condition
	s := run(t, setup{sites: signed, upstream: tagged(&seen)})
	page := s.get(t, "/")
	s.expectSigned(t, page, s.url+"/")
	tag := page.header.Get("Etag")
	suffix, ok := strings.CutPrefix(strings.TrimSuffix(tag, `"`), `"v1-`)
	if !ok || seen.get() != "none" {
		t.Fatalf("the tag is %s, upstream saw %s", tag, seen.get())
	}

	tests := map[string]struct {
		condition string
		seen      string
		status    int
	}{
		"our tag goes up bare, and the 304 comes back": {tag, `"v1"`, 304},
		"so does a weak one":                           {"W/" + tag, `W/"v1"`, 304},
		"of a list only ours go up":                    {`"v1", "v0-` + suffix + `", ` + tag, `"v0", "v1"`, 304},
		"ours for an older page is asked for":          {`"v0-` + suffix + `"`, `"v0"`, 200},
		"upstream's own tag goes up unconditional":     {`"v1"`, "none", 200},
		"a tag with another suffix too":                {`"v1-dt0000000000"`, "none", 200},
		"and any tag":                                  {"*", "none", 200},
		"and what is no tag":                           {"v1-" + suffix, "none", 200},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			a := s.get(t, "/", "If-None-Match", test.condition, "If-Modified-Since", "Mon, 02 Jan 2096 15:04:05 GMT")
			if a.status != test.status || seen.get() != test.seen {
				t.Fatalf("status %d, upstream saw %s; want %d and %s", a.status, seen.get(), test.status, test.seen)
			}
			if a.header.Get("Etag") != tag || a.header.Get("Cache-Control") != "private, no-cache" || a.header.Get("Last-Modified") != "" {
				t.Errorf("header %v", a.header)
			}
			if a.status == 200 {
				s.expectSigned(t, a, s.url+"/")
			}
		})
	}
}

func TestAnOutdatedPageIsSentAgain(t *testing.T) {
	var seen condition
	s := run(t, setup{sites: signed, upstream: tagged(&seen), dingtalk: sandbox.Options{Refetch: sandbox.NewValue}})
	tag := s.get(t, "/").header.Get("Etag")
	expectOutdated := func(what string) {
		t.Helper()
		a := s.get(t, "/", "If-None-Match", tag)
		if a.status != 200 || seen.get() != "none" || a.header.Get("Etag") == tag {
			t.Errorf("after %s: status %d, upstream saw %s, tag %s", what, a.status, seen.get(), a.header.Get("Etag"))
		}
		tag = a.header.Get("Etag")
		if a := s.get(t, "/", "If-None-Match", tag); a.status != 304 {
			t.Errorf("after %s the new tag is not good: %d", what, a.status)
		}
	}

	old := s.ding.Ticket(sandbox.App)
	report := `{"url":"` + s.url + `/","signed":"` + s.url + `/","code":52013,"message":""}`
	if a := s.fetch(t, http.MethodPost, "/.dingtalk/report", report); a.status != http.StatusNoContent {
		t.Fatal(a.status, a.body)
	}
	eventually(t, "a new ticket", func() bool { return s.ding.Ticket(sandbox.App) != old })
	eventually(t, "a page with it", func() bool { return s.get(t, "/").header.Get("Etag") != tag })
	expectOutdated("a new ticket")

	for what, change := range map[string][2]string{
		"another agent_id":      {"agent_id 1234567890", "agent_id 1234567891"},
		"another jsApiList":     {"import app\n", "import app\n\t\tjs_api_list a\n"},
		"another form of URL":   {"import app\n", "import app\n\t\turl_policy raw\n"},
		"another hash":          {"import app\n", "import app\n\t\thash sha256\n"},
		"another endpoint":      {"import app\n", "import app\n\t\tendpoint /x\n"},
		"another public origin": {"import app\n", "import app\n\t\tpublic_origin https://h5.test\n"},
		"another JSAPI script":  {"import app\n", "import app\n\t\tjsapi_url https://cdn.test/x.js\n"},
	} {
		if err := s.load(t, strings.Replace(s.caddyfile, change[0], change[1], 1)); err != nil {
			t.Fatal(err)
		}
		expectOutdated(what)
	}
	if err := s.load(t, s.caddyfile); err != nil {
		t.Fatal(err)
	}
	first := s.get(t, "/").header.Get("Etag")
	if err := s.load(t, strings.Replace(s.caddyfile, "import app\n", "import app\n\t\tticket_wait 3s\n", 1)); err != nil {
		t.Fatal(err)
	}
	if again := s.get(t, "/").header.Get("Etag"); again != first {
		t.Errorf("a setting that changes no page makes all out of date: %s, then %s", first, again)
	}
}

func TestAnUnsignedPageHasNoETag(t *testing.T) {
	var seen condition
	s := run(t, setup{sites: signed, upstream: tagged(&seen)})
	tag := s.get(t, "/").header.Get("Etag")
	a := s.get(t, "/", "Host", "evil.test")
	s.expectUnsigned(t, a, "origin_unknown")
	if got := a.header["Etag"]; got != nil || a.header.Get("Cache-Control") != "private, no-cache" {
		t.Errorf("tag %q, header %v", got, a.header)
	}
	if a := s.get(t, "/", "If-None-Match", tag); a.status != 304 {
		t.Errorf("a signed page: status %d", a.status)
	}
}
