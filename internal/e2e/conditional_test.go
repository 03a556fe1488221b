package e2e

import (
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/caddy-dingtalk/caddy-dingtalk/internal/sandbox"
	"github.com/caddy-dingtalk/caddy-dingtalk/internal/testsite"
)

func TestIfNoneMatchInAllItsSpellings(t *testing.T) {
	var seen condition
	s := testsite.Run(t, testsite.Setup{Sites: testsite.Signed, Upstream: tagged(&seen)})
	tag := s.Get(t, "/").Header.Get("Etag")
	tests := map[string]struct {
		lines []string // V1 and V0 stand for our tags of two pages
		seen  string
	}{
		"ours behind a stranger's header":         {[]string{`"a"`, `V1`}, `"v1"`},
		"ours before a stranger's header":         {[]string{`V1`, `W/"a", "b"`}, `"v1"`},
		"ours for two pages in two headers":       {[]string{`V0`, `V1`}, `"v0", "v1"`},
		"ours twice, strong and weak":             {[]string{`V1, W/V1`}, `"v1", W/"v1"`},
		"a weak one among strangers":              {[]string{`W/"a",W/V1,"b"`}, `W/"v1"`},
		"a list without spaces":                   {[]string{`"a",V1,"b"`}, `"v1"`},
		"a list with empty members and tabs":      {[]string{",\t, V1 ,,"}, `"v1"`},
		"behind a hundred strangers":              {[]string{strings.Repeat(`"stranger", `, 100) + `V1`}, `"v1"`},
		"behind a stranger's with a comma":        {[]string{`"a, b", V1`}, `"v1"`},
		"behind upstream's own":                   {[]string{`"v1", V1`}, `"v1"`},
		"behind what is no list, in a new header": {[]string{`*`, `V1`}, `"v1"`},
		"ours with a comma":                       {[]string{strings.Replace(tag, "v1", "v,0", 1)}, `"v,0"`},
		"ours with bytes beyond ASCII":            {[]string{strings.Replace(tag, "v1", "页", 1)}, `"页"`},
		"ours for a page whose tag was empty":     {[]string{strings.Replace(tag, "v1", "", 1)}, `""`},
		"any, in a list with ours":                {[]string{`*, V1`}, "none"},
		"any":                                     {[]string{`*`}, "none"},
		"nothing":                                 {[]string{``}, "none"},
		"a small w":                               {[]string{`w/V1`}, "none"},
		"capitals":                                {[]string{strings.ToUpper(tag)}, "none"},
		"the suffix in capitals":                  {[]string{strings.Replace(tag, "-dt", "-DT", 1)}, "none"},
		"without quotes":                          {[]string{strings.Trim(tag, `"`)}, "none"},
		"without the last quote":                  {[]string{strings.TrimSuffix(tag, `"`)}, "none"},
		"the suffix of encode, which is not here": {[]string{strings.TrimSuffix(tag, `"`) + `-gzip"`}, "none"},
		"the suffix in the middle":                {[]string{strings.TrimSuffix(tag, `"`) + `-x"`}, "none"},
		"strangers in several headers":            {[]string{`"a"`, `W/"b"`, `"v1"`}, "none"},
	}
	ours := strings.NewReplacer("V1", tag, "V0", strings.Replace(tag, "v1", "v0", 1))
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			header := testsite.DocumentHeader()
			for _, line := range test.lines {
				header.Add("If-None-Match", ours.Replace(line))
			}
			a := s.Do(t, http.MethodGet, "/", "", header)
			want := http.StatusOK
			if strings.Contains(test.seen, `"v1"`) {
				want = http.StatusNotModified
			}
			if a.Status != want || seen.get() != test.seen {
				t.Fatalf("status %d, upstream saw %s; want %d and %s", a.Status, seen.get(), want, test.seen)
			}
			if a.Header.Get("Etag") != tag || a.Header.Get("Cache-Control") != "private, no-cache" || a.Header.Get("Last-Modified") != "" {
				t.Errorf("header %v", a.Header)
			}
			if want == http.StatusOK {
				s.ExpectPage(t, a, s.URL+"/", testsite.Page)
			}
		})
	}
	for _, name := range []string{"if-none-match", "IF-NONE-MATCH", "If-none-MATCH"} {
		t.Run(name, func(t *testing.T) {
			a := s.Raw(t, "GET / HTTP/1.1\r\nHost: "+s.Addr+"\r\nAccept: text/html\r\n"+name+":"+tag+"\r\nConnection: close\r\n\r\n")
			if a.Status != http.StatusNotModified || seen.get() != `"v1"` {
				t.Errorf("status %d, upstream saw %s", a.Status, seen.get())
			}
		})
	}
}

func TestARevalidatedPageIsNotSentAgainOverEachProtocol(t *testing.T) {
	var seen condition
	testsite.OverEach(t, tagged(&seen), func(t *testing.T, _ string, with, _ *testsite.Site) {
		page := with.Get(t, "/p")
		with.ExpectPage(t, page, with.URL+"/p", testsite.Page)
		tag := page.Header.Get("Etag")
		a := with.Get(t, "/p", "If-None-Match", `"x", W/`+tag)
		if a.Status != http.StatusNotModified || a.Body != "" || a.Header.Get("Etag") != tag || seen.get() != `W/"v1"` {
			t.Errorf("%d %v, upstream saw %s", a.Status, a.Header, seen.get())
		}
	})
}

// caching are sites that answer conditions themselves.
const caching = `(sign) {
	dingtalk {
		import app
		ticket_wait 2s
	}
}
http://files.test:PORT {
	root DIR/www
	import sign
	file_server
}
http://encode.test:PORT {
	root DIR/www
	encode gzip
	import sign
	file_server
}
http://inside.test:PORT {
	root DIR/www
	route {
		import sign
		encode gzip
		file_server
	}
}
http://precompressed.test:PORT {
	root DIR/www
	import sign
	file_server {
		precompressed gzip
	}
}`

func TestATagIsGoodForItsGenerationOnly(t *testing.T) {
	s := testsite.Run(t, testsite.Setup{Sites: caching, DingTalk: sandbox.Options{Refetch: sandbox.NewValue}})
	s.Write(t, map[string]string{"www/index.html": testsite.LongPage, "www/index.html.gz": testsite.Gzipped(testsite.LongPage)})
	hosts := []string{"files.test", "encode.test", "inside.test", "precompressed.test"}
	tags := make(map[string]string) // the current ones
	old := make(map[string][]string)
	ask := func(host string, condition ...string) *testsite.Answer {
		return s.Get(t, s.At(host)+"/", "Accept-Encoding", "gzip", "If-None-Match", strings.Join(condition, ", "))
	}
	expectGeneration := func(what string) {
		t.Helper()
		for _, host := range hosts {
			a := ask(host, tags[host])
			s.ExpectPage(t, a, s.At(host)+"/", testsite.LongPage)
			if tags[host] != "" {
				old[host] = append(old[host], tags[host])
			}
			tag := a.Header.Get("Etag")
			if tag == "" || slices.Contains(old[host], tag) {
				t.Fatalf("%s after %s: tag %s, after %v", host, what, tag, old[host])
			}
			tags[host] = tag
			for _, condition := range [][]string{{tag}, {"W/" + tag}, append([]string{`"x"`, tag}, old[host]...)} {
				if a := ask(host, condition...); a.Status != http.StatusNotModified || a.Body != "" {
					t.Errorf("%s after %s: %d for %v", host, what, a.Status, condition)
				}
			}
			if a := ask(host, old[host]...); a.Status != http.StatusOK {
				t.Errorf("%s after %s: %d for %v", host, what, a.Status, old[host])
			}
		}
	}
	expectGeneration("the start")

	ticket := s.Ding.Ticket(sandbox.App)
	url := s.At("files.test") + "/"
	if a := s.Fetch(t, http.MethodPost, s.At("files.test")+"/.dingtalk/report", `{"url":"`+url+`","signed":"`+url+`","code":52013,"message":""}`); a.Status != http.StatusNoContent {
		t.Fatal(a.Status, a.Body)
	}
	testsite.Eventually(t, "a new ticket", func() bool { return s.Ding.Ticket(sandbox.App) != ticket })
	testsite.Eventually(t, "pages with it", func() bool { return ask("files.test").Header.Get("Etag") != tags["files.test"] })
	expectGeneration("a new ticket")

	changed := strings.Replace(s.Caddyfile, "ticket_wait 2s", "js_api_list biz.contact.choose", 1)
	if err := s.Load(t, changed); err != nil {
		t.Fatal(err)
	}
	expectGeneration("another configuration")

	s.Write(t, map[string]string{"www/index.html": testsite.LongPage + "<!-- new -->", "www/index.html.gz": testsite.Gzipped(testsite.LongPage + "<!-- new -->")})
	for _, host := range hosts {
		if a := ask(host, tags[host]); a.Status != http.StatusOK || a.Header.Get("Etag") == tags[host] {
			t.Errorf("%s after another page: %d %s", host, a.Status, a.Header.Get("Etag"))
		}
	}
	for _, host := range hosts { // a script gets the page as it is, whatever the browser has in its cache
		a := s.Fetch(t, http.MethodGet, s.At(host)+"/", "", "Sec-Fetch-Dest", "empty", "If-None-Match", tags[host])
		if a.Status != http.StatusOK || a.Body != testsite.LongPage+"<!-- new -->" {
			t.Errorf("%s: %d with %d bytes", host, a.Status, len(a.Body))
		}
	}
}

// TestATagIsGoodForItsPolicyOnly because the 304 brings its policy with it, under
// which the script of a page that the browser has kept would not run.
func TestATagIsGoodForItsPolicyOnly(t *testing.T) {
	var seen condition
	s := testsite.Run(t, testsite.Setup{Sites: testsite.Signed, Upstream: tagged(&seen)})
	tag := s.Get(t, "/").Header.Get("Etag")
	for _, policy := range []string{"script-src 'self'", "script-src 'nonce-{http.request.uuid}'", "script-src 'unsafe-inline'"} {
		t.Run(policy, func(t *testing.T) {
			if err := s.Load(t, strings.Replace(s.Caddyfile, "\tdingtalk {", "\theader Content-Security-Policy \""+policy+"\"\n\tdingtalk {", 1)); err != nil {
				t.Fatal(err)
			}
			conditional := testsite.DocumentHeader()
			conditional.Set("If-None-Match", tag)
			if head := s.Do(t, http.MethodHead, "/", "", conditional); head.Status != http.StatusOK || head.Header.Get("Etag") == tag {
				t.Errorf("the page of another policy is good for HEAD: %d %v", head.Status, head.Header)
			}
			a := s.Get(t, "/", "If-None-Match", tag)
			if a.Status != http.StatusOK {
				t.Fatalf("the page of another policy is good: %d %v", a.Status, a.Header)
			}
			s.ExpectSigned(t, a, s.URL+"/")
			tag = a.Header.Get("Etag")
			want := http.StatusNotModified
			if strings.Contains(policy, "nonce") {
				want = http.StatusOK // its script would have the nonce of the last time
			}
			if a := s.Get(t, "/", "If-None-Match", tag); a.Status != want {
				t.Errorf("the same page again: %d, want %d", a.Status, want)
			}
		})
	}
}

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
		testsite.ServePage(w, r)
	}
}

func TestARevalidatedPageIsNotSentAgain(t *testing.T) {
	var seen condition
	s := testsite.Run(t, testsite.Setup{Sites: testsite.Signed, Upstream: tagged(&seen)})
	page := s.Get(t, "/")
	s.ExpectSigned(t, page, s.URL+"/")
	tag := page.Header.Get("Etag")
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
			a := s.Get(t, "/", "If-None-Match", test.condition, "If-Modified-Since", "Mon, 02 Jan 2096 15:04:05 GMT")
			if a.Status != test.status || seen.get() != test.seen {
				t.Fatalf("status %d, upstream saw %s; want %d and %s", a.Status, seen.get(), test.status, test.seen)
			}
			if a.Header.Get("Etag") != tag || a.Header.Get("Cache-Control") != "private, no-cache" || a.Header.Get("Last-Modified") != "" {
				t.Errorf("header %v", a.Header)
			}
			if a.Status == 200 {
				s.ExpectSigned(t, a, s.URL+"/")
			}
		})
	}
}

func TestAnOutdatedPageIsSentAgain(t *testing.T) {
	var seen condition
	s := testsite.Run(t, testsite.Setup{Sites: testsite.Signed, Upstream: tagged(&seen), DingTalk: sandbox.Options{Refetch: sandbox.NewValue}})
	tag := s.Get(t, "/").Header.Get("Etag")
	expectOutdated := func(what string) {
		t.Helper()
		a := s.Get(t, "/", "If-None-Match", tag)
		if a.Status != 200 || seen.get() != "none" || a.Header.Get("Etag") == tag {
			t.Errorf("after %s: status %d, upstream saw %s, tag %s", what, a.Status, seen.get(), a.Header.Get("Etag"))
		}
		tag = a.Header.Get("Etag")
		if a := s.Get(t, "/", "If-None-Match", tag); a.Status != 304 {
			t.Errorf("after %s the new tag is not good: %d", what, a.Status)
		}
	}

	old := s.Ding.Ticket(sandbox.App)
	report := `{"url":"` + s.URL + `/","signed":"` + s.URL + `/","code":52013,"message":""}`
	if a := s.Fetch(t, http.MethodPost, "/.dingtalk/report", report); a.Status != http.StatusNoContent {
		t.Fatal(a.Status, a.Body)
	}
	testsite.Eventually(t, "a new ticket", func() bool { return s.Ding.Ticket(sandbox.App) != old })
	testsite.Eventually(t, "a page with it", func() bool { return s.Get(t, "/").Header.Get("Etag") != tag })
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
		if err := s.Load(t, strings.Replace(s.Caddyfile, change[0], change[1], 1)); err != nil {
			t.Fatal(err)
		}
		expectOutdated(what)
	}
	if err := s.Load(t, s.Caddyfile); err != nil {
		t.Fatal(err)
	}
	first := s.Get(t, "/").Header.Get("Etag")
	if err := s.Load(t, strings.Replace(s.Caddyfile, "import app\n", "import app\n\t\tticket_wait 3s\n", 1)); err != nil {
		t.Fatal(err)
	}
	if again := s.Get(t, "/").Header.Get("Etag"); again != first {
		t.Errorf("a setting that changes no page makes all out of date: %s, then %s", first, again)
	}
}

func TestAnUnsignedPageHasNoETag(t *testing.T) {
	var seen condition
	s := testsite.Run(t, testsite.Setup{Sites: testsite.Signed, Upstream: tagged(&seen)})
	tag := s.Get(t, "/").Header.Get("Etag")
	a := s.Get(t, "/", "Host", "evil.test")
	s.ExpectUnsigned(t, a, "origin_unknown")
	if got := a.Header["Etag"]; got != nil || a.Header.Get("Cache-Control") != "private, no-cache" {
		t.Errorf("tag %q, header %v", got, a.Header)
	}
	if a := s.Get(t, "/", "If-None-Match", tag); a.Status != 304 {
		t.Errorf("a signed page: status %d", a.Status)
	}
}
