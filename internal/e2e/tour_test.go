package e2e

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/caddy-dingtalk/caddy-dingtalk/internal/testsite"
	"github.com/caddy-dingtalk/caddy-dingtalk/internal/testsite/language"
)

// TestTheDoctorVisitsAPageThroughItsProxies runs `doctor --url` against real nginx with
// the mistakes that people make there, and looks for the line that cures each.
func TestTheDoctorVisitsAPageThroughItsProxies(t *testing.T) {
	const right = "proxy_set_header Host $http_host;\nproxy_set_header X-Forwarded-Proto $scheme;\n"
	for name, test := range map[string]struct {
		nginx     string
		directive string
		page      string
		want      map[string]string // check -> status: words, which are cut at |
	}{
		"all is right": {"location / {\n" + right + "proxy_pass http://CADDY;\n}", "", "/p?a=%E4%B8%AD",
			map[string]string{"signed_url": "ok", "endpoint": "ok", "scripts": "ok"}},
		"a block for static files": {"location ~* \\.(js|css)$ { root /var/empty; }\nlocation / {\n" + right + "proxy_pass http://CADDY;\n}", "", "/p",
			map[string]string{"signed_url": "ok", "endpoint": "ok", "scripts": "error: /.dingtalk/rest.|status 404|location ^~ /.dingtalk/ {"}},
		"and the block that goes before it": {"location ~* \\.(js|css)$ { root /var/empty; }\nlocation ^~ /.dingtalk/ {\n" + right + "proxy_pass http://CADDY;\n}\nlocation / {\n" + right + "proxy_pass http://CADDY;\n}", "", "/p",
			map[string]string{"signed_url": "ok", "endpoint": "ok", "scripts": "ok"}},
		"a site that is an app's entry for all it does not know": {"location ~ \\.js$ { default_type text/html; return 200 '<!doctype html>'; }\nlocation / {\n" + right + "proxy_pass http://CADDY;\n}", "", "/p",
			map[string]string{"signed_url": "ok", "endpoint": "ok", "scripts": "error: status 200, and not from the directive"}},
		"another port than that of public_origin": {"location / {\n" + right + "proxy_pass http://CADDY;\n}", "public_origin https://127.0.0.1", "/p",
			map[string]string{"signed_url": "error: the port is |not the default one|in the place of public_origin https://127.0.0.1,|Host $http_host", "endpoint": "error: above", "scripts": "ok"}},
		"another host, of a header": {"location / {\n" + right + "proxy_set_header X-Forwarded-Host typed.test;\nproxy_pass http://CADDY;\n}", "public_host typed.test", "/p",
			map[string]string{"signed_url": "error: not typed.test|X-Forwarded-Host \"\"", "endpoint": "error: above", "scripts": "ok"}},
		"a host that nobody vouches for": {"location / {\n" + right + "proxy_set_header X-Forwarded-Host typed.test;\nproxy_pass http://CADDY;\n}", "", "/p",
			map[string]string{"signed_url": "error: origin_unknown|public_origin https://127.0.0.1:|X-Forwarded-Host \"\"", "endpoint": "error: above", "scripts": "ok"}},
		"sign-in": {"location / {\n" + right + "proxy_pass http://CADDY;\n}", "login {\n\t\t\tpublic /open/*\n\t\t}", "/p",
			map[string]string{"page": "open: not checked: |public in login|/.dingtalk/doctor", "endpoint": "ok", "scripts": "ok"}},
		"sign-in, at a page that is public": {"location / {\n" + right + "proxy_pass http://CADDY;\n}", "login {\n\t\t\tpublic /open/*\n\t\t}", "/open/p",
			map[string]string{"signed_url": "ok", "endpoint": "ok", "scripts": "ok"}},
		"sign-in, and a block for static files": {"location ~* \\.js$ { root /var/empty; }\nlocation / {\n" + right + "proxy_pass http://CADDY;\n}", "login", "/p",
			map[string]string{"page": "open: not checked: ", "endpoint": "ok", "scripts": "error: /.dingtalk/login.|sign-in page"}},
		"sign-in at an address that is not known": {"location / {\n" + right + "proxy_set_header X-Forwarded-Host typed.test;\nproxy_pass http://CADDY;\n}", "login", "/p",
			map[string]string{"page": "error: origin_unknown|public_origin https://127.0.0.1:", "endpoint": "error: above", "scripts": "ok"}},
		"a proxy's own password": {"location / { return 401; }", "", "/p", map[string]string{"page": "error: 401|needs no sign-in"}},
		"redirects without end":  {"location / { return 302 https://$http_host$request_uri; }", "", "/p", map[string]string{"page": "error: stopped after 10 redirects|:8080"}},
		"the scheme is not sent": {"location / {\nproxy_set_header Host $http_host;\nproxy_pass http://CADDY;\n}", "", "/p",
			map[string]string{"signed_url": "error: the scheme is https, not http|X-Forwarded-Proto $scheme|trusted_proxies", "endpoint": "error: refuses to sign", "scripts": "ok"}},
		"no header is sent": {"location / { proxy_pass http://CADDY; }", "", "/p",
			map[string]string{"signed_url": "error: the scheme is https|the port is|$http_host", "endpoint": "error: refuses to sign", "scripts": "ok"}},
		"a folder is cut off": {"location /app/ {\n" + right + "proxy_pass http://CADDY/;\n}", "", "/app/p",
			map[string]string{"signed_url": "error: the path differs|X-Original-URI", "endpoint": "error: does not reach /.dingtalk/config|endpoint /app/.dingtalk"}},
		"a folder is cut off and restored": {"location /app/ {\n" + right + "proxy_set_header X-Forwarded-Prefix /app;\nproxy_pass http://CADDY/;\n}", "forwarded X-Forwarded-Prefix", "/app/p",
			map[string]string{"signed_url": "ok", "endpoint": "error: does not reach /.dingtalk/config|endpoint /app/.dingtalk"}},
		"a folder is cut off, and the endpoint is not": {"location /app/ {\n" + right + "proxy_pass http://CADDY/;\n}\nlocation /.dingtalk/ {\n" + right + "proxy_pass http://CADDY;\n}", "", "/app/p",
			map[string]string{"signed_url": "warning: it works|X-Original-URI $request_uri|forwarded X-Original-URI|trusted_proxies", "endpoint": "ok", "scripts": "ok"}},
		"and the endpoint moved there": {"location /app/ {\n" + right + "proxy_set_header X-Forwarded-Prefix /app;\nproxy_pass http://CADDY/;\n}", "forwarded X-Forwarded-Prefix\n\t\tendpoint /app/.dingtalk", "/app/p",
			map[string]string{"signed_url": "ok", "endpoint": "ok", "scripts": "ok"}},
		"the page does not go through Caddy": {"location / { default_type text/html; return 200 '<!doctype html><title>x</title>'; }", "", "/p",
			map[string]string{"page": "error: nothing was inserted|lead this path to Caddy|Server: nginx"}},
		"nothing is there": {"location / { return 502; }", "", "/p", map[string]string{"page": "error: status 502"}},
		"no HTML":          {"location / { default_type text/plain; return 200 hello; }", "", "/p", map[string]string{"page": "error: Content-Type is \"text/plain\""}},
	} {
		t.Run(name, func(t *testing.T) {
			s := testsite.Run(t, testsite.Setup{Sites: strings.Replace(testsite.Signed, "import app", "import app\n\t\t"+test.directive, 1), Global: "servers {\n\t\ttrusted_proxies static private_ranges\n\t}"})
			f := behindNginx(t, s, test.nginx)
			out, err := runDoctorIn(t, "", "--url", "https://"+f.nginx+test.page, "--json")
			var report []struct {
				URL    string
				Checks []struct{ Name, Status, Message, Advice string }
			}
			if jsonErr := json.Unmarshal([]byte(out), &report); jsonErr != nil || len(report) != 1 || err == nil {
				t.Fatalf("%v %v %s", err, jsonErr, out) // its certificate is never trusted here
			}
			got := make(map[string]string)
			for _, c := range report[0].Checks {
				got[c.Name] = c.Status + ": " + c.Message + " → " + c.Advice
			}
			if !strings.HasPrefix(got["certificate"], "error") || len(got) != len(test.want)+1 {
				t.Errorf("%v", got)
			}
			for check, want := range test.want {
				status, words, _ := strings.Cut(want, ": ")
				if !strings.HasPrefix(got[check], status+":") {
					t.Errorf("%s is %s", check, got[check])
				}
				for word := range strings.SplitSeq(words, "|") {
					if !strings.Contains(got[check], word) {
						t.Errorf("%s lacks %q: %s", check, word, got[check])
					}
				}
			}
			if out, shown, _ := doctorIn(t, "", "--url", "https://"+f.nginx+test.page, "--lang", "zh"); language.English(out+shown) != "" {
				t.Errorf("%q is English in\n%s", language.English(out+shown), out)
			}
			if calls := s.Logged(t, "a visitor's page claims: dd.config"); len(calls) != 0 {
				t.Errorf("the visit is reported: %v", calls)
			}
		})
	}
}

func TestTheDoctorSpeaksChineseWhereItIsRead(t *testing.T) {
	s := testsite.Run(t, testsite.Setup{Sites: testsite.Signed})
	page := s.URL + "/p"
	for name, test := range map[string]struct {
		lang  string // LANG
		args  []string
		words []string
	}{
		"--lang zh":            {"en_US.UTF-8", []string{"--lang", "zh"}, []string{"签名的网址与浏览器显示的一致", "0 个错误，0 个警告"}},
		"LANG":                 {"zh_CN.UTF-8", nil, []string{"签名的网址与浏览器显示的一致"}},
		"--lang en before it":  {"zh_CN.UTF-8", []string{"--lang", "en"}, []string{"the page is signed for the URL that the browser shows", "0 errors, 0 warnings"}},
		"a machine that is up": {"C", []string{"--json"}, []string{`"message": "the page is signed`}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Setenv("LC_ALL", "")
			t.Setenv("LC_MESSAGES", "")
			t.Setenv("LANG", test.lang)
			out, err := runDoctorIn(t, "", append([]string{"--url", page}, test.args...)...)
			if err != nil {
				t.Fatal(err, out)
			}
			for _, word := range test.words {
				if !strings.Contains(out, word) {
					t.Errorf("no %q in\n%s", word, out)
				}
			}
		})
	}
	if _, err := runDoctorIn(t, "", "--url", page, "--lang", "fr"); err == nil || !strings.Contains(err.Error(), "zh or en") {
		t.Error(err)
	}
	for _, url := range []string{"h5.example.com", "ftp://h5.example.com/", "https://user@h5.example.com/"} {
		if _, err := runDoctorIn(t, "", "--url", url); err == nil || !strings.Contains(err.Error(), "--url takes the whole address") {
			t.Errorf("%s: %v", url, err)
		}
	}
	if a := s.Fetch(t, http.MethodGet, "/.dingtalk/none", "", "Accept-Language", "zh-CN"); !strings.Contains(a.Body, "没有这个接口") {
		t.Error(a.Body)
	}
}
