package e2e

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"path"
	"strings"
	"testing"
	"time"

	"github.com/caddy-dingtalk/caddy-dingtalk/internal/sandbox"
	"github.com/caddy-dingtalk/caddy-dingtalk/internal/testsite"
)

// cachedSite answers everybody by name, in all the ways that an answer comes about: by the
// app, by Caddy's own errors, and by what handle_errors makes of them.
const cachedSite = `(asks) {
	dingtalk {
		import app
		login {
			public /open/*
			require /admins/* {
				admin
			}
			key ` + loginKey + `
		}
	}
}
(answers) {
	@dead path /dead/* /open/dead/*
	handle @dead {
		reverse_proxy 127.0.0.1:1
	}
	handle /error/* {
		error "no" 404
	}
	handle /empty/* {
		vars nothing 1
	}
	handle {
		reverse_proxy UPSTREAM
	}
}
http://bare.test:PORT {
	import asks
	import answers
}
http://worded.test:PORT {
	import asks
	import answers
	handle_errors {
		respond "{http.auth.user.id} {http.error.status_code}"
	}
}
http://proxied.test:PORT {
	import asks
	import answers
	handle_errors {
		import asks
		reverse_proxy UPSTREAM
	}
}
`

// TestACacheForAllKeepsNobodysAnswer has nginx keep whatever it may, as people configure it
// who want a site to be fast.
func TestACacheForAllKeepsNobodysAnswer(t *testing.T) {
	testsite.NeedNginx(t)
	s := testsite.Run(t, testsite.Setup{Sites: cachedSite, DingTalk: sandbox.Options{People: []sandbox.Person{
		{UserID: "zhang-san", Admin: true}, {UserID: "li-si"}, // no signature reads like that
	}}, Upstream: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		switch path.Base(r.URL.Path) {
		case "page":
			w.Header().Set("Content-Type", "text/html")
		case "missing":
			w.WriteHeader(http.StatusNotFound)
		case "own":
			w.Header().Set("Cache-Control", "no-cache")
		}
		fmt.Fprintf(w, "<html><head></head><body>%s</body></html>", r.Header.Get("X-DingTalk-User-Id"))
	})})
	addr, dir := testsite.FreeAddr(t), testsite.Folder(t)
	testsite.Nginx(t, dir, addr, fmt.Sprintf(`proxy_cache_path %s/cache keys_zone=all:1m;
server {
	listen %s;
	location / {
		proxy_pass http://%s;
		proxy_set_header Host $http_host;
		proxy_cache all;
		proxy_cache_key $http_host$request_uri;
		proxy_cache_valid any 10m;
		proxy_cache_use_stale error timeout invalid_header updating http_500 http_502 http_503 http_504 http_403 http_404;
		add_header X-Cache $upstream_cache_status always;
	}
}
`, dir, addr, s.Addr))
	through := &http.Client{Timeout: 20 * time.Second, Transport: &http.Transport{
		DisableCompression: true,
		DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, network, addr)
		},
	}}
	t.Cleanup(through.CloseIdleConnections)
	cached := *s
	cached.Client = through

	s.URL = s.At("bare.test")
	sessions := map[string]string{"": "", "zhang-san": signIn(t, s, "zhang-san"), "li-si": signIn(t, s, "li-si")}
	paths := map[string]string{ // to what the browser wants there
		"/page": "document", "/api": "empty", "/pic": "image", "/missing": "document", "/dead/x": "document", "/dead/y": "empty", "/error/x": "document",
		"/empty/x": "empty", "/admins/page": "document", "/admins/api": "empty",
		"/open/page": "document", "/open/api": "empty", "/open/dead/x": "document", "/open/missing": "document",
	}
	for _, host := range []string{"bare.test", "worded.test", "proxied.test"} {
		for target, dest := range paths {
			open := strings.HasPrefix(target, "/open/")
			order := []string{"", "zhang-san", "li-si", "zhang-san", ""} // what nobody gets is not for users either
			if open {
				order = order[1:]
			}
			for _, user := range order {
				header := testsite.Header("Sec-Fetch-Dest", dest, "Accept", "*/*")
				if user != "" {
					header.Set("Cookie", sessions[user])
				}
				got := cached.Do(t, http.MethodGet, s.At(host)+target, "", header)
				want := s.Do(t, http.MethodGet, s.At(host)+target, "", header)
				if got.Status != want.Status || got.Header.Get("Cache-Control") != want.Header.Get("Cache-Control") {
					t.Errorf("%s%s: %q gets %d %v instead of %d %v", host, target, user, got.Status, got.Header, want.Status, want.Header)
				}
				for name := range sessions {
					if name != user && name != "" && strings.Contains(got.Body, name) {
						t.Errorf("%s%s: %q gets what is for %s: %v", host, target, user, name, got.Header)
					}
				}
				if user != "" && got.Header.Get("X-Cache") == "HIT" {
					t.Errorf("%s%s: %s gets what was kept: %d %v", host, target, user, got.Status, got.Header)
				}
			}
		}
	}
	if a := fetchAs(t, &testsite.Site{URL: s.At("proxied.test"), Client: s.Client}, "GET", "/dead/own", "", sessions["zhang-san"]); strings.Join(a.Header["Cache-Control"], " and ") != "no-cache" {
		t.Errorf("what an app says of its error page becomes %q", a.Header["Cache-Control"])
	}
	for i, want := range []string{"MISS", "HIT"} { // it does keep what is for all
		header := testsite.Header("Sec-Fetch-Dest", "image", "Cookie", sessions["zhang-san"])
		if a := cached.Do(t, http.MethodGet, s.At("bare.test")+"/open/pic", "", header); a.Header.Get("X-Cache") != want {
			t.Errorf("request %d for an image that is open to all: %v", i, a.Header)
		}
	}
}
