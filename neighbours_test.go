package dingtalk

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/klauspost/compress/zstd"
)

// write puts files into the folder of the site.
func (s *site) write(t testing.TB, files map[string]string) {
	t.Helper()
	for name, content := range files {
		name = filepath.Join(s.dir, name)
		if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// decode takes the content coding off, if there is one.
func (a *answer) decode(t testing.TB) *answer {
	t.Helper()
	var r io.Reader = strings.NewReader(a.body)
	var err error
	switch coding := a.header.Get("Content-Encoding"); coding {
	case "":
	case "gzip":
		r, err = gzip.NewReader(r)
	case "zstd":
		r, err = zstd.NewReader(r)
	default:
		t.Fatalf("Content-Encoding: %s", coding)
	}
	if err != nil {
		t.Fatal(err)
	}
	body, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return &answer{a.status, a.header, string(body), a.err}
}

// without returns the page as it was before the snippet came.
func (a *answer) without(t testing.TB) string {
	t.Helper()
	i := max(strings.Index(a.body, "<script>(function"), strings.Index(a.body, "<script data-posted>(function"))
	j := strings.Index(a.body, ")</script>")
	if i < 0 || j < i {
		t.Fatalf("no snippet in %.200q", a.body)
	}
	return a.body[:i] + a.body[j+len(")</script>"):]
}

func zstded(s string) string {
	var b bytes.Buffer
	w, _ := zstd.NewWriter(&b)
	_, _ = io.WriteString(w, s)
	_ = w.Close()
	return b.String()
}

// beginning is that of thePage, up to the place of the snippet.
const beginning = "<!DOCTYPE html>\n<html><head>"

var longPage = strings.Replace(thePage, "页面", strings.Repeat("页面", 200_000), 1) // more than a megabyte

func TestTheNeighboursOfTheDirective(t *testing.T) {
	s := run(t, setup{upstream: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/broken" {
			w.WriteHeader(http.StatusInternalServerError)
			return
		}
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		body := thePage
		switch accepted := r.Header.Get("Accept-Encoding"); {
		case strings.Contains(accepted, "zstd"):
			w.Header().Set("Content-Encoding", "zstd")
			body = zstded(body)
		case strings.Contains(accepted, "gzip"):
			w.Header().Set("Content-Encoding", "gzip")
			body = gzipped(body)
		}
		_, _ = io.WriteString(w, body)
	}), sites: `(sign) {
	dingtalk {
		import app
	}
}
http://encode.test:PORT {
	root DIR/www
	encode zstd gzip
	import sign
	file_server
}
http://templates.test:PORT {
	root DIR/www
	templates
	encode
	import sign
	file_server
}
http://files.test:PORT {
	root DIR/www
	import sign
	file_server
}
http://precompressed.test:PORT {
	root DIR/www
	import sign
	file_server {
		precompressed br gzip
	}
}
http://respond.test:PORT {
	import sign
	header Content-Type text/html
	respond <<HTML
		<!DOCTYPE html>
		<html><head><title>H5</title></head><body>页面</body></html>
		HTML 200
}
http://proxy.test:PORT {
	import sign
	reverse_proxy UPSTREAM
}
http://flush.test:PORT {
	import sign
	reverse_proxy UPSTREAM {
		flush_interval -1
	}
}
http://handled.test:PORT {
	root DIR/www
	import sign
	reverse_proxy UPSTREAM {
		@broken status 5xx
		handle_response @broken {
			rewrite /index.html
			file_server
		}
	}
}
http://intercept.test:PORT {
	root DIR/www
	import sign
	intercept {
		@broken status 5xx
		handle_response @broken {
			rewrite /index.html
			file_server
		}
	}
	reverse_proxy UPSTREAM
}
http://auth.test:PORT {
	basic_auth {
		alice $2a$04$8oH.ZJlzVSqcBkWiFxKHTe1nDDgSnHTUMnfGCPUVnMQPhYBRaqTIi
	}
	import sign
	reverse_proxy UPSTREAM
}`})
	s.write(t, map[string]string{
		"www/index.html": thePage, "www/long.html": longPage, "www/index.html.gz": gzipped(thePage), "www/index.html.br": "\x0b\x02\x80none\x03",
		"www/hello.html": `<!DOCTYPE html><html><head><title>{{"templated"}}</title></head><body>{{.OriginalReq.URL.Path}}` + strings.Repeat("<p>", 300) + `</body></html>`,
	})
	tests := map[string]struct {
		url     string
		accepts string
		coding  string // of the answer
		want    string // the page without the snippet; "" if it does not matter
	}{
		"encode compresses what we wrote, gzip":         {"encode.test/index.html", "gzip", "gzip", thePage},
		"encode compresses what we wrote, zstd":         {"encode.test/long.html", "br, zstd, gzip", "zstd", longPage},
		"encode leaves clients alone that want nothing": {"encode.test/long.html", "", "", longPage},
		"templates run before us": {"templates.test/hello.html", "gzip", "gzip",
			`<!DOCTYPE html><html><head><title>templated</title></head><body>/hello.html` + strings.Repeat("<p>", 300) + `</body></html>`},
		"a file":                             {"files.test/", "gzip", "", thePage},
		"a long file":                        {"files.test/long.html", "", "", longPage},
		"a precompressed file":               {"precompressed.test/index.html", "gzip", "gzip", thePage},
		"not the one that we cannot read":    {"precompressed.test/index.html", "br, gzip", "gzip", thePage},
		"no precompressed file for br alone": {"precompressed.test/index.html", "br", "", thePage},
		"a page of respond":                  {"respond.test/p", "", "", strings.TrimSuffix(thePage, "\n")},
		"an upstream without compression":    {"proxy.test/p", "", "", thePage},
		"an upstream that sends gzip":        {"proxy.test/p", "gzip", "gzip", thePage},
		"an upstream that sends zstd":        {"proxy.test/p", "gzip, zstd", "zstd", thePage},
		"an upstream that would send br":     {"proxy.test/p", "br", "", thePage},
		"a proxy that flushes":               {"flush.test/p", "", "", thePage},
		"a proxy that flushes gzip":          {"flush.test/p", "gzip", "gzip", thePage},
		"a response that is replaced":        {"handled.test/broken", "", "", thePage},
		"a response that is not":             {"handled.test/p", "gzip", "gzip", thePage},
		"a response that is intercepted":     {"intercept.test/broken", "", "", thePage},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			host, path, _ := strings.Cut(test.url, "/")
			url := s.at(host) + "/" + path
			a := s.get(t, url, "Accept-Encoding", test.accepts)
			if got := a.header.Get("Content-Encoding"); got != test.coding {
				t.Fatalf("Content-Encoding %q, want %q", got, test.coding)
			}
			plain := a.decode(t)
			s.expectSigned(t, plain, url)
			// A coded page may be spliced: its beginning stands twice then.
			if got := plain.without(t); got != test.want && (test.coding == "" || got != beginning+test.want) {
				t.Errorf("the page without the snippet is %.300q (%d bytes), want %.300q (%d bytes)", got, len(got), test.want, len(test.want))
			}
			if length := a.header.Get("Content-Length"); length != "" && length != fmt.Sprint(len(a.body)) {
				t.Errorf("Content-Length %s of %d bytes", length, len(a.body))
			}
		})
	}
	t.Run("authentication comes first", func(t *testing.T) {
		if a := s.get(t, s.at("auth.test")+"/"); a.status != http.StatusUnauthorized || a.snippet(t) != nil {
			t.Errorf("%d %q", a.status, a.body)
		}
		if a := s.fetch(t, http.MethodGet, s.at("auth.test")+"/.dingtalk/config", ""); a.status != http.StatusUnauthorized {
			t.Errorf("%d %q", a.status, a.body)
		}
	})
	t.Run("an ETag goes round through encode", func(t *testing.T) {
		url := s.at("encode.test") + "/long.html"
		first := s.get(t, url, "Accept-Encoding", "gzip")
		tag := first.header.Get("Etag")
		if !strings.HasSuffix(tag, `-gzip"`) || !strings.Contains(tag, "-dt") {
			t.Fatalf("tag %s", tag)
		}
		again := s.get(t, url, "Accept-Encoding", "gzip", "If-None-Match", tag)
		if bare := strings.TrimSuffix(tag, `-gzip"`) + `"`; again.status != http.StatusNotModified || again.header.Get("Etag") != bare { // as without us
			t.Errorf("%d with tag %s", again.status, again.header.Get("Etag"))
		}
	})
	t.Run("an ETag of a file goes round", func(t *testing.T) {
		url := s.at("files.test") + "/long.html"
		tag := s.get(t, url).header.Get("Etag")
		if again := s.get(t, url, "If-None-Match", tag); again.status != http.StatusNotModified || again.header.Get("Etag") != tag {
			t.Errorf("%d with tag %s, after %s", again.status, again.header.Get("Etag"), tag)
		}
	})
}

func TestRanges(t *testing.T) {
	s := run(t, setup{sites: `http://:PORT {
	root DIR/www
	dingtalk {
		import app
	}
	file_server
}`})
	s.write(t, map[string]string{"www/index.html": thePage, "www/a.mp4": "0123456789"})
	a := s.get(t, "/", "Range", "bytes=5-9", "If-Range", `"x"`)
	if a.status != http.StatusOK || a.header.Get("Content-Range") != "" {
		t.Errorf("a range of a page: %d %v", a.status, a.header)
	}
	s.expectSigned(t, a, s.url+"/")
	a = s.fetch(t, http.MethodGet, "/a.mp4", "", "Range", "bytes=5-9", "Sec-Fetch-Dest", "video", "Accept", "*/*")
	if a.status != http.StatusPartialContent || a.body != "56789" || a.header.Get("Accept-Ranges") != "bytes" {
		t.Errorf("a range of a video: %d %q %v", a.status, a.body, a.header)
	}
	a = s.fetch(t, http.MethodGet, "/", "", "Range", "bytes=0-4", "Sec-Fetch-Dest", "empty", "Accept", "*/*")
	if a.status != http.StatusPartialContent || a.body != thePage[:5] {
		t.Errorf("a range of a page that a script fetches: %d %q", a.status, a.body)
	}
}
