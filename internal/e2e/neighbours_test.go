package e2e

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/fcgi"
	"strings"
	"testing"

	"github.com/caddy-dingtalk/caddy-dingtalk/internal/testsite"
)

// startFastCGI is an application as PHP runs it.
func startFastCGI(t *testing.T, app http.Handler) (addr string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() { _ = fcgi.Serve(l, app) }()
	return l.Addr().String()
}

// webApp is an application that leaves some answers to the server in front.
var webApp = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	switch r.URL.Path {
	case "/file":
		w.Header().Set("X-Accel-Redirect", "/protected.html")
	case "/other":
		w.Header().Set("X-Accel-Other", "/elsewhere")
	case "/copied":
		w.Header().Set("X-Copied", "yes")
		_, _ = io.WriteString(w, testsite.Page)
	case "/missing":
		w.WriteHeader(http.StatusNotFound)
		_, _ = io.WriteString(w, testsite.Page)
	case "/failing":
		w.Header().Set("X-Accel-Redirect", "/not-there.html")
	case "/broken":
		w.WriteHeader(http.StatusServiceUnavailable)
		_, _ = io.WriteString(w, testsite.Page)
	case "/gzip":
		w.Header().Set("Content-Encoding", "gzip")
		_, _ = io.WriteString(w, testsite.Gzipped(testsite.Page))
	default:
		_, _ = io.WriteString(w, testsite.Page)
	}
})

const accelerated = `
		@file header X-Accel-Redirect *
		handle_response @file {
			rewrite {rp.header.X-Accel-Redirect}
			file_server
		}
		@other header X-Accel-Other *
		handle_response @other {
			rewrite {rp.header.X-Accel-Other}
			reverse_proxy UPSTREAM
		}
		@copied header X-Copied *
		handle_response @copied {
			header X-More yes
			copy_response_headers {
				include Content-Type X-Copied
			}
			copy_response 203
		}`

// protectedPage is one that only the server in front can read.
var protectedPage = strings.Replace(testsite.LongPage, "H5", "protected", 1)

func TestTheApplicationsBehindTheDirective(t *testing.T) {
	app := startFastCGI(t, webApp)
	s := testsite.Run(t, testsite.Setup{Upstream: webApp, Sites: `(sign) {
	root DIR/www
	dingtalk {
		import app
	}
}
http://spa.test:PORT {
	import sign
	try_files {path} /index.html
	file_server
}
http://spa-encode.test:PORT {
	import sign
	encode gzip zstd
	try_files {path} /index.html
	file_server {
		precompressed zstd br gzip
	}
}
http://php.test:PORT {
	import sign
	php_fastcgi ` + app + ` {` + accelerated + `
	}
}
http://fastcgi.test:PORT {
	import sign
	encode
	reverse_proxy ` + app + ` {
		transport fastcgi
	}
}
http://proxy.test:PORT {
	import sign
	reverse_proxy UPSTREAM {` + accelerated + `
	}
}
http://flush.test:PORT {
	import sign
	encode
	reverse_proxy UPSTREAM {
		flush_interval -1` + accelerated + `
	}
}
http://buffers.test:PORT {
	import sign
	reverse_proxy UPSTREAM {
		response_buffers 1MiB
	}
}
http://inside.test:PORT {
	root DIR/www
	route {
		dingtalk {
			import app
		}
		encode gzip zstd
		try_files {path} /index.html
		file_server
	}
}
http://handled.test:PORT {
	import sign
	handle_path /app/* {
		try_files {path} /index.html
		file_server
	}
	handle {
		reverse_proxy UPSTREAM
	}
}
http://intercept.test:PORT {
	import sign
	intercept {
		@missing status 404
		replace_status @missing 410
		@broken status 503
		handle_response @broken {
			header Content-Type "text/html; charset=utf-8"
			respond <<HTML
				<!DOCTYPE html>
				<html><head><title>H5</title></head><body>页面</body></html>
				
				HTML 500
		}
	}
	reverse_proxy UPSTREAM
}
`})
	s.Write(t, map[string]string{
		"www/index.html": testsite.LongPage, "www/index.html.zst": testsite.Zstded(testsite.LongPage), "www/index.html.gz": testsite.Gzipped(testsite.LongPage),
		"www/index.php": "<?php", "www/protected.html": protectedPage,
	})
	tests := map[string]struct {
		url, accepts string
		coding       string // of the answer
		status       int
		want         string
	}{
		"an application of one page":                        {"spa.test/deep/link?a=1", "", "", 200, testsite.LongPage},
		"one behind encode, precompressed with zstd":        {"spa-encode.test/deep/link", "zstd, br, gzip", "zstd", 200, testsite.LongPage},
		"one behind encode, precompressed with gzip":        {"spa-encode.test/deep/link", "gzip", "gzip", 200, testsite.LongPage},
		"one in a handle":                                   {"handled.test/app/deep/link", "", "", 200, testsite.LongPage},
		"what is beside it":                                 {"handled.test/deep/link", "gzip", "", 200, testsite.Page},
		"encode inside of us":                               {"inside.test/deep/link", "gzip", "gzip", 200, testsite.LongPage},
		"encode inside of us with zstd":                     {"inside.test/deep/link", "zstd", "zstd", 200, testsite.LongPage},
		"encode inside of us for clients that want nothing": {"inside.test/deep/link", "", "", 200, testsite.LongPage},
		"a page of PHP":                                     {"php.test/page?a=1", "gzip", "", 200, testsite.Page},
		"a gzip page of PHP":                                {"php.test/gzip", "gzip", "gzip", 200, testsite.Page},
		"an error page of PHP":                              {"php.test/missing", "", "", 404, testsite.Page},
		"a file that PHP leaves to Caddy":                   {"php.test/file", "", "", 200, protectedPage},
		"a page that PHP leaves to another":                 {"php.test/other", "", "", 200, testsite.Page},
		"a page over FastCGI, behind encode":                {"fastcgi.test/page", "gzip", "gzip", 200, testsite.Page},
		"an error page over FastCGI":                        {"fastcgi.test/broken", "", "", 503, testsite.Page},
		"a file that an upstream leaves to Caddy":           {"proxy.test/file", "gzip", "", 200, protectedPage},
		"a page that an upstream leaves to another":         {"proxy.test/other", "", "", 200, testsite.Page},
		"a response that is copied":                         {"proxy.test/copied", "", "", 203, testsite.Page},
		"a page not found":                                  {"proxy.test/missing", "", "", 404, testsite.Page},
		"a page of an upstream that fails":                  {"proxy.test/broken", "gzip", "", 503, testsite.Page},
		"a file that is left to Caddy by a flushing proxy":  {"flush.test/file", "gzip", "gzip", 200, protectedPage},
		"a page that a flushing proxy gets from another":    {"flush.test/other", "", "", 200, testsite.Page},
		"a copied response of a flushing proxy":             {"flush.test/copied", "", "", 203, testsite.Page},
		"a gzip page of a proxy that buffers":               {"buffers.test/gzip", "gzip", "gzip", 200, testsite.Page},
		"a page of a proxy that buffers":                    {"buffers.test/page", "", "", 200, testsite.Page},
		"a page whose status is replaced":                   {"intercept.test/missing", "", "", 410, testsite.Page},
		"a page that comes in the place of an intercepted":  {"intercept.test/broken", "", "", 500, strings.TrimSuffix(testsite.Page, "\n") + "\n"},
		"a page that is not intercepted, and is coded":      {"intercept.test/gzip", "gzip", "gzip", 200, testsite.Page},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			host, path, _ := strings.Cut(test.url, "/")
			url := s.At(host) + "/" + path
			a := s.Get(t, url, "Accept-Encoding", test.accepts)
			if a.Status != test.status || a.Header.Get("Content-Encoding") != test.coding {
				t.Errorf("status %d, Content-Encoding %q", a.Status, a.Header.Get("Content-Encoding"))
			}
			s.ExpectPage(t, a, url, test.want)
			if strings.HasSuffix(path, "copied") && a.Header.Get("X-Copied")+a.Header.Get("X-More") != "yesyes" {
				t.Errorf("header %v", a.Header)
			}
		})
	}
	t.Run("a file that is not there", func(t *testing.T) {
		for _, host := range []string{"proxy.test", "php.test"} {
			if a := s.Get(t, s.At(host)+"/failing"); a.Status != http.StatusNotFound || a.Body != "" || a.Header.Get("Cache-Control") != "" {
				t.Errorf("%d %q %v", a.Status, a.Body, a.Header)
			}
		}
	})
}

func TestTheNeighboursOfTheDirective(t *testing.T) {
	s := testsite.Run(t, testsite.Setup{Upstream: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/broken" {
			w.WriteHeader(http.StatusInternalServerError)
			return
		}
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		body := testsite.Page
		switch accepted := r.Header.Get("Accept-Encoding"); {
		case strings.Contains(accepted, "zstd"):
			w.Header().Set("Content-Encoding", "zstd")
			body = testsite.Zstded(body)
		case strings.Contains(accepted, "gzip"):
			w.Header().Set("Content-Encoding", "gzip")
			body = testsite.Gzipped(body)
		}
		_, _ = io.WriteString(w, body)
	}), Sites: `(sign) {
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
	s.Write(t, map[string]string{
		"www/index.html": testsite.Page, "www/long.html": testsite.LongPage, "www/index.html.gz": testsite.Gzipped(testsite.Page), "www/index.html.br": "\x0b\x02\x80none\x03",
		"www/hello.html": `<!DOCTYPE html><html><head><title>{{"templated"}}</title></head><body>{{.OriginalReq.URL.Path}}` + strings.Repeat("<p>", 300) + `</body></html>`,
	})
	tests := map[string]struct {
		url     string
		accepts string
		coding  string // of the answer
		want    string // the page without the snippet; "" if it does not matter
	}{
		"encode compresses what we wrote, gzip":         {"encode.test/index.html", "gzip", "gzip", testsite.Page},
		"encode compresses what we wrote, zstd":         {"encode.test/long.html", "br, zstd, gzip", "zstd", testsite.LongPage},
		"encode leaves clients alone that want nothing": {"encode.test/long.html", "", "", testsite.LongPage},
		"templates run before us": {"templates.test/hello.html", "gzip", "gzip",
			`<!DOCTYPE html><html><head><title>templated</title></head><body>/hello.html` + strings.Repeat("<p>", 300) + `</body></html>`},
		"a file":                             {"files.test/", "gzip", "", testsite.Page},
		"a long file":                        {"files.test/long.html", "", "", testsite.LongPage},
		"a precompressed file":               {"precompressed.test/index.html", "gzip", "gzip", testsite.Page},
		"not the one that we cannot read":    {"precompressed.test/index.html", "br, gzip", "gzip", testsite.Page},
		"no precompressed file for br alone": {"precompressed.test/index.html", "br", "", testsite.Page},
		"a page of respond":                  {"respond.test/p", "", "", strings.TrimSuffix(testsite.Page, "\n")},
		"an upstream without compression":    {"proxy.test/p", "", "", testsite.Page},
		"an upstream that sends gzip":        {"proxy.test/p", "gzip", "gzip", testsite.Page},
		"an upstream that sends zstd":        {"proxy.test/p", "gzip, zstd", "zstd", testsite.Page},
		"an upstream that would send br":     {"proxy.test/p", "br", "", testsite.Page},
		"a proxy that flushes":               {"flush.test/p", "", "", testsite.Page},
		"a proxy that flushes gzip":          {"flush.test/p", "gzip", "gzip", testsite.Page},
		"a response that is replaced":        {"handled.test/broken", "", "", testsite.Page},
		"a response that is not":             {"handled.test/p", "gzip", "gzip", testsite.Page},
		"a response that is intercepted":     {"intercept.test/broken", "", "", testsite.Page},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			host, path, _ := strings.Cut(test.url, "/")
			url := s.At(host) + "/" + path
			a := s.Get(t, url, "Accept-Encoding", test.accepts)
			if got := a.Header.Get("Content-Encoding"); got != test.coding {
				t.Fatalf("Content-Encoding %q, want %q", got, test.coding)
			}
			plain := a.Decode(t)
			s.ExpectSigned(t, plain, url)
			// A coded page may be spliced: its beginning stands twice then.
			if got := plain.Without(t); got != test.want && (test.coding == "" || got != testsite.Beginning+test.want) {
				t.Errorf("the page without the snippet is %.300q (%d bytes), want %.300q (%d bytes)", got, len(got), test.want, len(test.want))
			}
			if length := a.Header.Get("Content-Length"); length != "" && length != fmt.Sprint(len(a.Body)) {
				t.Errorf("Content-Length %s of %d bytes", length, len(a.Body))
			}
		})
	}
	t.Run("authentication comes first", func(t *testing.T) {
		if a := s.Get(t, s.At("auth.test")+"/"); a.Status != http.StatusUnauthorized || a.Snippet(t) != nil {
			t.Errorf("%d %q", a.Status, a.Body)
		}
		if a := s.Fetch(t, http.MethodGet, s.At("auth.test")+"/.dingtalk/config", ""); a.Status != http.StatusUnauthorized {
			t.Errorf("%d %q", a.Status, a.Body)
		}
	})
	t.Run("an ETag goes round through encode", func(t *testing.T) {
		url := s.At("encode.test") + "/long.html"
		first := s.Get(t, url, "Accept-Encoding", "gzip")
		tag := first.Header.Get("Etag")
		if !strings.HasSuffix(tag, `-gzip"`) || !strings.Contains(tag, "-dt") {
			t.Fatalf("tag %s", tag)
		}
		again := s.Get(t, url, "Accept-Encoding", "gzip", "If-None-Match", tag)
		if bare := strings.TrimSuffix(tag, `-gzip"`) + `"`; again.Status != http.StatusNotModified || again.Header.Get("Etag") != bare { // as without us
			t.Errorf("%d with tag %s", again.Status, again.Header.Get("Etag"))
		}
	})
	t.Run("an ETag of a file goes round", func(t *testing.T) {
		url := s.At("files.test") + "/long.html"
		tag := s.Get(t, url).Header.Get("Etag")
		if again := s.Get(t, url, "If-None-Match", tag); again.Status != http.StatusNotModified || again.Header.Get("Etag") != tag {
			t.Errorf("%d with tag %s, after %s", again.Status, again.Header.Get("Etag"), tag)
		}
	})
}
