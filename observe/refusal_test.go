package observe

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2"

	"github.com/caddy-dingtalk/caddy-dingtalk/internal/testsite/language"
)

// TestTheAdminEndpointRefusesInTheLanguageOfItsCaller and in English in the log.
func TestTheAdminEndpointRefusesInTheLanguageOfItsCaller(t *testing.T) {
	handlers := make(map[string]caddy.AdminHandler)
	for _, route := range (adminAPI{}).Routes() {
		handlers[route.Pattern] = route.Handler
	}
	for _, test := range []struct {
		method, target string
		status         int
		en, zh         string
	}{
		{"POST", "/dingtalk/status", 405, "/dingtalk/status takes GET", "/dingtalk/status 只接受 GET"},
		{"POST", "/dingtalk/tenants", 405, "takes GET", "只接受 GET"},
		{"GET", "/dingtalk/refresh", 405, "takes POST", "只接受 POST"},
		{"POST", "/dingtalk/token", 405, "takes GET", "只接受 GET"},
		{"GET", "/dingtalk/revoke", 405, "takes POST", "只接受 POST"},
		{"GET", "/dingtalk/tenants?corpid=x", 404, "see /dingtalk/tenants", "没有在用的企业"},
		{"POST", "/dingtalk/refresh?app=x", 404, "see /dingtalk/status", "没有在用的应用"},
		{"POST", "/dingtalk/refresh?corpid=x", 404, "see /dingtalk/tenants", "没有在用的企业"},
		{"GET", "/dingtalk/token?app=x", 400, "kind=jsapi_ticket", "哪一种"},
		{"GET", "/dingtalk/token?kind=jsapi_ticket", 400, "Add app=", "哪个应用"},
		{"GET", "/dingtalk/token?kind=jsapi_ticket&app=x", 404, "see /dingtalk/status", "没有在用的应用"},
		{"POST", "/dingtalk/revoke", 400, "user= for one user", "哪个应用"},
		{"POST", "/dingtalk/revoke?app=x&user=", 400, "user is empty", "user 是空的"},
		{"POST", "/dingtalk/revoke?app=x&usr=u1", 400, `no parameter "usr", but these: app, corpid, user`, `没有参数 "usr"，只有这些：app, corpid, user`},
		{"POST", "/dingtalk/revoke?app=x&user=u1&user=u2", 400, "takes user once", "一次只接受一个 user"},
		{"POST", "/dingtalk/revoke?app=x;user=u1", 400, "cannot be read", "无法读取"},
		{"POST", "/dingtalk/revoke?app=x&user=%zz", 400, "cannot be read", "无法读取"},
		{"POST", "/dingtalk/refresh?ap=x", 400, "these: app, corpid", "只有这些：app, corpid"},
		{"GET", "/dingtalk/tenants?corp=x", 400, "these: corpid, after", "只有这些：corpid, after"},
		{"GET", "/dingtalk/token?kind=jsapi_ticket&ap=x", 400, "these: app, kind", "只有这些：app, kind"},
		{"POST", "/dingtalk/revoke?app=x", 404, "with login", "带 login 的应用"},
	} {
		for accept, wants := range map[string][]string{"": {test.en, test.zh}, "zh-CN,zh;q=0.9,en;q=0.8": {test.zh}, "en-US,zh;q=0.5": {test.en}, "fr": {test.en, test.zh}} {
			r := httptest.NewRequest(test.method, test.target, nil)
			r.Header.Set("Accept-Language", accept)
			err := handlers[r.URL.Path].ServeHTTP(httptest.NewRecorder(), r)
			var refused caddy.APIError
			if !errors.As(err, &refused) || refused.HTTPStatus != test.status {
				t.Errorf("%s %s: %v", test.method, test.target, err)
				continue
			}
			for _, want := range wants {
				if !strings.Contains(refused.Message, want) {
					t.Errorf("%s %s in %q lacks %q: %s", test.method, test.target, accept, want, refused.Message)
				}
			}
			if strings.HasPrefix(accept, "zh") && language.English(refused.Message) != "" || strings.HasPrefix(accept, "en") && han.MatchString(refused.Message) {
				t.Errorf("%s %s in %q: %s", test.method, test.target, accept, refused.Message)
			}
			if log := refused.Error(); !strings.Contains(log, test.en) || han.MatchString(log) {
				t.Errorf("%s %s is logged as %s", test.method, test.target, log)
			}
		}
	}
	r := httptest.NewRequest(http.MethodPost, "/dingtalk/revoke?app=x", strings.NewReader("user=u1"))
	if err := handlers[r.URL.Path].ServeHTTP(httptest.NewRecorder(), r); err == nil || !strings.Contains(err.Error(), "in the URL, not in a body") {
		t.Errorf("parameters in a body: %v", err)
	}
	r = httptest.NewRequest(http.MethodGet, "/dingtalk/token?app=x&kind=jsapi_ticket", nil)
	r.Header.Set("Origin", "https://h5.example.com")
	r.Header.Set("Accept-Language", "zh")
	var refused caddy.APIError
	if err := handlers["/dingtalk/token"].ServeHTTP(httptest.NewRecorder(), r); !errors.As(err, &refused) || refused.HTTPStatus != http.StatusForbidden || !han.MatchString(refused.Message) {
		t.Errorf("a browser gets %v", err)
	}
}

var han = regexp.MustCompile(`\p{Han}`)
