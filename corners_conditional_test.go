package dingtalk

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/caddy-dingtalk/caddy-dingtalk/internal/sandbox"
)

func TestIfNoneMatchInAllItsSpellings(t *testing.T) {
	var seen condition
	s := run(t, setup{sites: signed, upstream: tagged(&seen)})
	tag := s.get(t, "/").header.Get("Etag")
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
			header := documentHeaders()
			for _, line := range test.lines {
				header.Add("If-None-Match", ours.Replace(line))
			}
			a := s.do(t, http.MethodGet, "/", "", header)
			want := http.StatusOK
			if strings.Contains(test.seen, `"v1"`) {
				want = http.StatusNotModified
			}
			if a.status != want || seen.get() != test.seen {
				t.Fatalf("status %d, upstream saw %s; want %d and %s", a.status, seen.get(), want, test.seen)
			}
			if a.header.Get("Etag") != tag || a.header.Get("Cache-Control") != "private, no-cache" || a.header.Get("Last-Modified") != "" {
				t.Errorf("header %v", a.header)
			}
			if want == http.StatusOK {
				s.expectPage(t, a, s.url+"/", thePage)
			}
		})
	}
	for _, name := range []string{"if-none-match", "IF-NONE-MATCH", "If-none-MATCH"} {
		t.Run(name, func(t *testing.T) {
			a := s.raw(t, "GET / HTTP/1.1\r\nHost: "+s.addr+"\r\nAccept: text/html\r\n"+name+":"+tag+"\r\nConnection: close\r\n\r\n")
			if a.status != http.StatusNotModified || seen.get() != `"v1"` {
				t.Errorf("status %d, upstream saw %s", a.status, seen.get())
			}
		})
	}
}

func TestARevalidatedPageIsNotSentAgainOverEachProtocol(t *testing.T) {
	var seen condition
	overEach(t, tagged(&seen), func(t *testing.T, _ string, with, _ *site) {
		page := with.get(t, "/p")
		with.expectPage(t, page, with.url+"/p", thePage)
		tag := page.header.Get("Etag")
		a := with.get(t, "/p", "If-None-Match", `"x", W/`+tag)
		if a.status != http.StatusNotModified || a.body != "" || a.header.Get("Etag") != tag || seen.get() != `W/"v1"` {
			t.Errorf("%d %v, upstream saw %s", a.status, a.header, seen.get())
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
	s := run(t, setup{sites: caching, dingtalk: sandbox.Options{Refetch: sandbox.NewValue}})
	s.write(t, map[string]string{"www/index.html": longPage, "www/index.html.gz": gzipped(longPage)})
	hosts := []string{"files.test", "encode.test", "inside.test", "precompressed.test"}
	tags := make(map[string]string) // the current ones
	old := make(map[string][]string)
	ask := func(host string, condition ...string) *answer {
		return s.get(t, s.at(host)+"/", "Accept-Encoding", "gzip", "If-None-Match", strings.Join(condition, ", "))
	}
	expectGeneration := func(what string) {
		t.Helper()
		for _, host := range hosts {
			a := ask(host, tags[host])
			s.expectPage(t, a, s.at(host)+"/", longPage)
			if tags[host] != "" {
				old[host] = append(old[host], tags[host])
			}
			tag := a.header.Get("Etag")
			if tag == "" || slices.Contains(old[host], tag) {
				t.Fatalf("%s after %s: tag %s, after %v", host, what, tag, old[host])
			}
			tags[host] = tag
			for _, condition := range [][]string{{tag}, {"W/" + tag}, append([]string{`"x"`, tag}, old[host]...)} {
				if a := ask(host, condition...); a.status != http.StatusNotModified || a.body != "" {
					t.Errorf("%s after %s: %d for %v", host, what, a.status, condition)
				}
			}
			if a := ask(host, old[host]...); a.status != http.StatusOK {
				t.Errorf("%s after %s: %d for %v", host, what, a.status, old[host])
			}
		}
	}
	expectGeneration("the start")

	ticket := s.ding.Ticket(sandbox.App)
	url := s.at("files.test") + "/"
	if a := s.fetch(t, http.MethodPost, s.at("files.test")+"/.dingtalk/report", `{"url":"`+url+`","signed":"`+url+`","code":52013,"message":""}`); a.status != http.StatusNoContent {
		t.Fatal(a.status, a.body)
	}
	eventually(t, "a new ticket", func() bool { return s.ding.Ticket(sandbox.App) != ticket })
	eventually(t, "pages with it", func() bool { return ask("files.test").header.Get("Etag") != tags["files.test"] })
	expectGeneration("a new ticket")

	changed := strings.Replace(s.caddyfile, "ticket_wait 2s", "js_api_list biz.contact.choose", 1)
	if err := s.load(t, changed); err != nil {
		t.Fatal(err)
	}
	expectGeneration("another configuration")

	s.write(t, map[string]string{"www/index.html": longPage + "<!-- new -->", "www/index.html.gz": gzipped(longPage + "<!-- new -->")})
	for _, host := range hosts {
		if a := ask(host, tags[host]); a.status != http.StatusOK || a.header.Get("Etag") == tags[host] {
			t.Errorf("%s after another page: %d %s", host, a.status, a.header.Get("Etag"))
		}
	}
	for _, host := range hosts { // a script gets the page as it is, whatever the browser has in its cache
		a := s.fetch(t, http.MethodGet, s.at(host)+"/", "", "Sec-Fetch-Dest", "empty", "If-None-Match", tags[host])
		if a.status != http.StatusOK || a.body != longPage+"<!-- new -->" {
			t.Errorf("%s: %d with %d bytes", host, a.status, len(a.body))
		}
	}
}

// TestATagIsGoodForItsPolicyOnly because the 304 brings its policy with it, under
// which the script of a page that the browser has kept would not run.
func TestATagIsGoodForItsPolicyOnly(t *testing.T) {
	var seen condition
	s := run(t, setup{sites: signed, upstream: tagged(&seen)})
	tag := s.get(t, "/").header.Get("Etag")
	for _, policy := range []string{"script-src 'self'", "script-src 'nonce-{http.request.uuid}'", "script-src 'unsafe-inline'"} {
		t.Run(policy, func(t *testing.T) {
			if err := s.load(t, strings.Replace(s.caddyfile, "\tdingtalk {", "\theader Content-Security-Policy \""+policy+"\"\n\tdingtalk {", 1)); err != nil {
				t.Fatal(err)
			}
			a := s.get(t, "/", "If-None-Match", tag)
			if a.status != http.StatusOK {
				t.Fatalf("the page of another policy is good: %d %v", a.status, a.header)
			}
			s.expectSigned(t, a, s.url+"/")
			tag = a.header.Get("Etag")
			want := http.StatusNotModified
			if strings.Contains(policy, "nonce") {
				want = http.StatusOK // its script would have the nonce of the last time
			}
			if a := s.get(t, "/", "If-None-Match", tag); a.status != want {
				t.Errorf("the same page again: %d, want %d", a.status, want)
			}
		})
	}
}

func TestARangeOfAPageIsTheWholePage(t *testing.T) {
	s := run(t, setup{sites: caching})
	s.write(t, map[string]string{"www/index.html": longPage, "www/index.html.gz": gzipped(longPage)})
	for _, host := range []string{"files.test", "encode.test", "precompressed.test"} {
		tag := s.get(t, s.at(host)+"/").header.Get("Etag")
		for name, headers := range map[string][]string{
			"a range":                          {"Range", "bytes=5-9"},
			"a suffix":                         {"Range", "bytes=-5"},
			"several ranges":                   {"Range", "bytes=0-4,10-14"},
			"a range beyond the end":           {"Range", "bytes=99999999-"},
			"a range that is none":             {"Range", "bytes=x"},
			"all from the start":               {"Range", "bytes=0-"},
			"a range if the page is still it":  {"Range", "bytes=5-9", "If-Range", tag},
			"a range if it is, weakly":         {"Range", "bytes=5-9", "If-Range", "W/" + tag},
			"a range if it is of that date":    {"Range", "bytes=5-9", "If-Range", "Fri, 02 Jan 2099 15:04:05 GMT"},
			"a range if it is another":         {"Range", "bytes=5-9", "If-Range", `"x"`},
			"If-Range without Range":           {"If-Range", tag},
			"a range, and a date in between":   {"Range", "bytes=5-9", "If-Modified-Since", "Fri, 02 Jan 2099 15:04:05 GMT"},
			"a range, and a stranger's tag":    {"Range", "bytes=5-9", "If-None-Match", `"x"`},
			"a range over gzip":                {"Range", "bytes=5-9", "Accept-Encoding", "gzip"},
			"a range over gzip, and If-Range":  {"Range", "bytes=5-9", "Accept-Encoding", "gzip", "If-Range", tag},
			"any page if there is none as yet": {"If-None-Match", "*"},
		} {
			t.Run(name+" of "+host, func(t *testing.T) {
				a := s.get(t, s.at(host)+"/", headers...)
				if a.status != http.StatusOK || a.header.Get("Content-Range") != "" || a.header.Get("Accept-Ranges") != "" {
					t.Errorf("%d %v", a.status, a.header)
				}
				s.expectPage(t, a, s.at(host)+"/", longPage)
			})
		}
		t.Run("a range of a current page of "+host, func(t *testing.T) {
			if a := s.get(t, s.at(host)+"/", "Range", "bytes=5-9", "If-None-Match", tag); a.status != http.StatusNotModified {
				t.Errorf("%d %v", a.status, a.header)
			}
		})
	}
}
