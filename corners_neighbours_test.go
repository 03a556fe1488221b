package dingtalk

import (
	"io"
	"net"
	"net/http"
	"net/http/fcgi"
	"strings"
	"testing"
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
		_, _ = io.WriteString(w, thePage)
	case "/missing":
		w.WriteHeader(http.StatusNotFound)
		_, _ = io.WriteString(w, thePage)
	case "/failing":
		w.Header().Set("X-Accel-Redirect", "/not-there.html")
	case "/broken":
		w.WriteHeader(http.StatusServiceUnavailable)
		_, _ = io.WriteString(w, thePage)
	case "/gzip":
		w.Header().Set("Content-Encoding", "gzip")
		_, _ = io.WriteString(w, gzipped(thePage))
	default:
		_, _ = io.WriteString(w, thePage)
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
var protectedPage = strings.Replace(longPage, "H5", "protected", 1)

func TestTheApplicationsBehindTheDirective(t *testing.T) {
	app := startFastCGI(t, webApp)
	s := run(t, setup{upstream: webApp, sites: `(sign) {
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
	s.write(t, map[string]string{
		"www/index.html": longPage, "www/index.html.zst": zstded(longPage), "www/index.html.gz": gzipped(longPage),
		"www/index.php": "<?php", "www/protected.html": protectedPage,
	})
	tests := map[string]struct {
		url, accepts string
		coding       string // of the answer
		status       int
		want         string
	}{
		"an application of one page":                        {"spa.test/deep/link?a=1", "", "", 200, longPage},
		"one behind encode, precompressed with zstd":        {"spa-encode.test/deep/link", "zstd, br, gzip", "zstd", 200, longPage},
		"one behind encode, precompressed with gzip":        {"spa-encode.test/deep/link", "gzip", "gzip", 200, longPage},
		"one in a handle":                                   {"handled.test/app/deep/link", "", "", 200, longPage},
		"what is beside it":                                 {"handled.test/deep/link", "gzip", "", 200, thePage},
		"encode inside of us":                               {"inside.test/deep/link", "gzip", "gzip", 200, longPage},
		"encode inside of us with zstd":                     {"inside.test/deep/link", "zstd", "zstd", 200, longPage},
		"encode inside of us for clients that want nothing": {"inside.test/deep/link", "", "", 200, longPage},
		"a page of PHP":                                     {"php.test/page?a=1", "gzip", "", 200, thePage},
		"a gzip page of PHP":                                {"php.test/gzip", "gzip", "gzip", 200, thePage},
		"an error page of PHP":                              {"php.test/missing", "", "", 404, thePage},
		"a file that PHP leaves to Caddy":                   {"php.test/file", "", "", 200, protectedPage},
		"a page that PHP leaves to another":                 {"php.test/other", "", "", 200, thePage},
		"a page over FastCGI, behind encode":                {"fastcgi.test/page", "gzip", "gzip", 200, thePage},
		"an error page over FastCGI":                        {"fastcgi.test/broken", "", "", 503, thePage},
		"a file that an upstream leaves to Caddy":           {"proxy.test/file", "gzip", "", 200, protectedPage},
		"a page that an upstream leaves to another":         {"proxy.test/other", "", "", 200, thePage},
		"a response that is copied":                         {"proxy.test/copied", "", "", 203, thePage},
		"a page not found":                                  {"proxy.test/missing", "", "", 404, thePage},
		"a page of an upstream that fails":                  {"proxy.test/broken", "gzip", "", 503, thePage},
		"a file that is left to Caddy by a flushing proxy":  {"flush.test/file", "gzip", "gzip", 200, protectedPage},
		"a page that a flushing proxy gets from another":    {"flush.test/other", "", "", 200, thePage},
		"a copied response of a flushing proxy":             {"flush.test/copied", "", "", 203, thePage},
		"a gzip page of a proxy that buffers":               {"buffers.test/gzip", "gzip", "gzip", 200, thePage},
		"a page of a proxy that buffers":                    {"buffers.test/page", "", "", 200, thePage},
		"a page whose status is replaced":                   {"intercept.test/missing", "", "", 410, thePage},
		"a page that comes in the place of an intercepted":  {"intercept.test/broken", "", "", 500, strings.TrimSuffix(thePage, "\n") + "\n"},
		"a page that is not intercepted, and is coded":      {"intercept.test/gzip", "gzip", "gzip", 200, thePage},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			host, path, _ := strings.Cut(test.url, "/")
			url := s.at(host) + "/" + path
			a := s.get(t, url, "Accept-Encoding", test.accepts)
			if a.status != test.status || a.header.Get("Content-Encoding") != test.coding {
				t.Errorf("status %d, Content-Encoding %q", a.status, a.header.Get("Content-Encoding"))
			}
			s.expectPage(t, a, url, test.want)
			if strings.HasSuffix(path, "copied") && a.header.Get("X-Copied")+a.header.Get("X-More") != "yesyes" {
				t.Errorf("header %v", a.header)
			}
		})
	}
	t.Run("a file that is not there", func(t *testing.T) {
		for _, host := range []string{"proxy.test", "php.test"} {
			if a := s.get(t, s.at(host)+"/failing"); a.status != http.StatusNotFound || a.body != "" || a.header.Get("Cache-Control") != "" {
				t.Errorf("%d %q %v", a.status, a.body, a.header)
			}
		}
	})
}

func TestThePagesOfHandleErrors(t *testing.T) {
	s := run(t, setup{sites: `(errors) {
	handle /dead {
		reverse_proxy 127.0.0.1:1
	}
	handle /gone {
		error "gone" 410
	}
	handle /broken.html {
		root DIR/www
		templates
		file_server
	}
	handle {
		root DIR/www
		file_server
	}
}
(page) {
	root DIR/www
	rewrite /error.html
	file_server
}
http://without.test:PORT {
	import errors
	handle_errors {
		import page
	}
}
http://with.test:PORT {
	dingtalk {
		import app
	}
	import errors
	handle_errors {
		import page
	}
}
http://both.test:PORT {
	encode
	dingtalk {
		import app
	}
	import errors
	handle_errors {
		encode
		dingtalk {
			import app
		}
		import page
	}
}
http://only.test:PORT {
	import errors
	handle_errors {
		dingtalk {
			import app
		}
		import page
	}
}
http://none.test:PORT {
	dingtalk {
		import app
	}
	import errors
}`})
	s.write(t, map[string]string{"www/error.html": thePage, "www/broken.html": thePage + "{{nothing}}"})
	for path, status := range map[string]int{"/dead": 502, "/gone": 410, "/broken.html": 500, "/missing?a=1": 404} {
		t.Run(path, func(t *testing.T) {
			headers := []string{"Accept-Encoding", "gzip", "If-None-Match", `"x"`}
			a := s.get(t, s.at("with.test")+path)
			if expectSame(t, a, s.get(t, s.at("without.test")+path)); a.status != status || a.body != thePage {
				t.Errorf("a page of handle_errors is not ours: %d %q", a.status, a.body)
			}
			for _, host := range []string{"both.test", "only.test"} { // a directive in handle_errors makes it so
				a := s.get(t, s.at(host)+path, headers...)
				if s.expectPage(t, a, s.at(host)+path, thePage); a.status != status {
					t.Errorf("%s: %d", host, a.status)
				}
			}
			if a := s.get(t, s.at("none.test")+path, headers...); a.status != status || a.body != "" {
				t.Errorf("without handle_errors: %d %q", a.status, a.body)
			}
		})
	}
}
