package e2e

import (
	"net/http"
	"testing"

	"github.com/caddy-dingtalk/caddy-dingtalk/internal/testsite"
)

func TestARangeOfAPageIsTheWholePage(t *testing.T) {
	s := testsite.Run(t, testsite.Setup{Sites: caching})
	s.Write(t, map[string]string{"www/index.html": testsite.LongPage, "www/index.html.gz": testsite.Gzipped(testsite.LongPage)})
	for _, host := range []string{"files.test", "encode.test", "precompressed.test"} {
		tag := s.Get(t, s.At(host)+"/").Header.Get("Etag")
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
				a := s.Get(t, s.At(host)+"/", headers...)
				if a.Status != http.StatusOK || a.Header.Get("Content-Range") != "" || a.Header.Get("Accept-Ranges") != "" {
					t.Errorf("%d %v", a.Status, a.Header)
				}
				s.ExpectPage(t, a, s.At(host)+"/", testsite.LongPage)
			})
		}
		t.Run("a range of a current page of "+host, func(t *testing.T) {
			if a := s.Get(t, s.At(host)+"/", "Range", "bytes=5-9", "If-None-Match", tag); a.Status != http.StatusNotModified {
				t.Errorf("%d %v", a.Status, a.Header)
			}
		})
	}
}

func TestRanges(t *testing.T) {
	s := testsite.Run(t, testsite.Setup{Sites: `http://:PORT {
	root DIR/www
	dingtalk {
		import app
	}
	file_server
}`})
	s.Write(t, map[string]string{"www/index.html": testsite.Page, "www/a.mp4": "0123456789"})
	a := s.Get(t, "/", "Range", "bytes=5-9", "If-Range", `"x"`)
	if a.Status != http.StatusOK || a.Header.Get("Content-Range") != "" {
		t.Errorf("a range of a page: %d %v", a.Status, a.Header)
	}
	s.ExpectSigned(t, a, s.URL+"/")
	a = s.Fetch(t, http.MethodGet, "/a.mp4", "", "Range", "bytes=5-9", "Sec-Fetch-Dest", "video", "Accept", "*/*")
	if a.Status != http.StatusPartialContent || a.Body != "56789" || a.Header.Get("Accept-Ranges") != "bytes" {
		t.Errorf("a range of a video: %d %q %v", a.Status, a.Body, a.Header)
	}
	a = s.Fetch(t, http.MethodGet, "/", "", "Range", "bytes=0-4", "Sec-Fetch-Dest", "empty", "Accept", "*/*")
	if a.Status != http.StatusPartialContent || a.Body != testsite.Page[:5] {
		t.Errorf("a range of a page that a script fetches: %d %q", a.Status, a.Body)
	}
}
