package e2e

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/caddy-dingtalk/caddy-dingtalk/internal/testsite"
)

func TestTheURLIsTheBrowsersWhateverIsRewritten(t *testing.T) {
	s := testsite.Run(t, testsite.Setup{Sites: `&(sidecar) {
	route {
		uri replace /named /renamed
		dingtalk {
			import app
		}
		reverse_proxy UPSTREAM
	}
}
(sign) {
	dingtalk {
		import app
	}
	reverse_proxy UPSTREAM
}
http://plain.test:PORT {
	import sign
}
http://handle-path.test:PORT {
	handle_path /app/* {
		import sign
	}
}
http://strip.test:PORT {
	uri strip_prefix /app
	import sign
}
http://rewrite.test:PORT {
	rewrite * /index.html?x=y
	import sign
}
http://try.test:PORT {
	root DIR/www
	try_files {path} /index.html
	dingtalk {
		import app
	}
	file_server
}
http://route.test:PORT {
	route /app/* {
		uri strip_prefix /app
		rewrite /a /b
		dingtalk {
			import app
		}
		rewrite /b /c
		reverse_proxy UPSTREAM
	}
}
http://php.test:PORT {
	root DIR/www
	try_files {path} {path}/index.php index.php
	dingtalk {
		import app
	}
	rewrite *.php {path}?front=1&{query}
	reverse_proxy UPSTREAM
}
http://invoke.test:PORT {
	invoke sidecar
}
http://nested.test:PORT {
	handle /a/* {
		handle_path /a/* {
			route {
				uri strip_prefix /b
				handle {
					import sign
				}
			}
		}
	}
}
http://errors.test:PORT {
	root DIR/www
	rewrite /gone /missing
	file_server
	handle_errors {
		dingtalk {
			import app
		}
		rewrite /index.html
		file_server
	}
}
http://method.test:PORT {
	method POST
	import sign
}`})
	if err := os.Mkdir(filepath.Join(s.Dir, "www"), 0o700); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"index.html", "index.php"} {
		if err := os.WriteFile(filepath.Join(s.Dir, "www", name), []byte(testsite.Page), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	tests := map[string]struct{ host, target string }{
		"nothing is rewritten":              {"plain.test", "/p?x=1"},
		"handle_path cuts a prefix off":     {"handle-path.test", "/app/p?x=1"},
		"uri strip_prefix does":             {"strip.test", "/app/p?x=1"},
		"rewrite changes all":               {"rewrite.test", "/p?x=1"},
		"try_files finds another file":      {"try.test", "/deep/link?x=1"},
		"a route rewrites before and after": {"route.test", "/app/a?x=1"},
		"an index.php takes everything":     {"php.test", "/news/1?x=1"},
		"a named route rewrites":            {"invoke.test", "/named?x=1"},
		"subroutes in subroutes":            {"nested.test", "/a/b/c?x=1"},
		"a page of handle_errors":           {"errors.test", "/gone?x=1"},
		"the method is rewritten":           {"method.test", "/p?x=1"},

		"Chinese":                        {"handle-path.test", "/app/%E4%B8%AD%E6%96%87?q=%E9%92%89&%E9%94%AE=1"},
		"Chinese, small hex":             {"strip.test", "/app/%e4%b8%ad?q=%e4%b8%ad"},
		"GBK":                            {"plain.test", "/%D6%D0?q=%D6%D0"},
		"two slashes":                    {"plain.test", "//double//slash"},
		"two slashes behind handle_path": {"handle-path.test", "/app//a//b"},
		"a host in the path":             {"plain.test", "//evil.test/x"},
		"a question mark and nothing":    {"handle-path.test", "/app/p?"},
		"two question marks":             {"strip.test", "/app/p??a=1?"},
		"an encoded slash":               {"handle-path.test", "/app/a%2fb%2Fc"},
		"an encoded dot":                 {"plain.test", "/a/%2e%2e/b"},
		"dots":                           {"plain.test", "/a/..;/b;c=1"},
		"plus and encoded space":         {"handle-path.test", "/app/a+b%20c?d+e%20f"},
		"malformed percent in the query": {"plain.test", "/p?q=%zz&r=100%"},
		"characters that browsers leave": {"plain.test", "/!$&'()*+,-.:;=@_~|^`[]?{\"a\":[1]}|\\^`<>$CORPID$"},
		"an empty name":                  {"rewrite.test", "/?=&&x"},
		"a placeholder":                  {"rewrite.test", "/p?x={env.HOME}{http.request.host}"},
		"a very long one":                {"strip.test", "/app/" + strings.Repeat("%E4%B8%AD", 2000)},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			host := test.host + ":" + s.Port
			s.ExpectSigned(t, s.Target(t, host, test.target), "http://"+host+test.target)
		})
	}
}

func TestATargetThatNoBrowserSendsIsNotSigned(t *testing.T) {
	s := testsite.Run(t, testsite.Setup{Sites: testsite.Signed})
	tests := map[string]string{
		"absolute form":            s.URL + "/p",
		"absolute form, elsewhere": "http://127.0.0.1:1/p",
		"a fragment":               "/p#top",
		"a fragment in the query":  "/p?x#top",
		"raw UTF-8":                "/中文",
		"raw UTF-8 in the query":   "/?q=中文",
		"raw GBK":                  "/\xD6\xD0",
	}
	for name, target := range tests {
		t.Run(name, func(t *testing.T) {
			got := s.ExpectUnsigned(t, s.Target(t, s.Addr, target), "bad_url", "0x21 to 0x7E")
			if got.Sidecar.URL != nil {
				t.Errorf("it claims to know the URL: %s", *got.Sidecar.URL)
			}
		})
	}
}

func TestAHostThatWasRewrittenIsNotBelieved(t *testing.T) {
	s := testsite.Run(t, testsite.Setup{Sites: `http://h5.test:PORT {
	request_header Host app.internal
	dingtalk {
		import app
	}
	reverse_proxy UPSTREAM
}
http://up.test:PORT {
	dingtalk {
		import app
	}
	reverse_proxy UPSTREAM {
		header_up Host app.internal
	}
}
http://inner.test:PORT {
	route {
		dingtalk {
			import app
		}
		request_header Host app.internal
		request_header X-Forwarded-Proto https
		reverse_proxy UPSTREAM
	}
}
http://public.test:PORT {
	request_header Host app.internal
	dingtalk {
		import app
		public_origin https://public.test
	}
	reverse_proxy UPSTREAM
}`})
	s.ExpectUnsigned(t, s.Get(t, s.At("h5.test")+"/"), "origin_unknown", "that http://app.internal is this site")
	for name, test := range map[string][2]string{
		"header_up changes a copy":               {s.At("up.test") + "/p", s.At("up.test") + "/p"},
		"what changes behind us comes too late":  {s.At("inner.test") + "/p", s.At("inner.test") + "/p"},
		"public_origin does not need the Host":   {s.At("public.test") + "/p", "https://public.test/p"},
		"public_origin counts whoever's Host is": {s.At("public.test") + "/", "https://public.test/"},
	} {
		t.Run(name, func(t *testing.T) { s.ExpectSigned(t, s.Get(t, test[0]), test[1]) })
	}
}

func TestARequestWithoutAHostIsNotSigned(t *testing.T) {
	s := testsite.Run(t, testsite.Setup{Sites: testsite.Signed})
	a := s.Raw(t, "GET / HTTP/1.0\r\nAccept: text/html\r\n\r\n")
	if a.Status != http.StatusOK {
		t.Fatal(a.Status)
	}
	s.ExpectUnsigned(t, a, "origin_unknown", "public_origin")
}
