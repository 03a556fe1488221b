package e2e

import (
	"bytes"
	"encoding/json"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/caddy-dingtalk/caddy-dingtalk/internal/sandbox"
	"github.com/caddy-dingtalk/caddy-dingtalk/internal/testsite"
)

func TestRulesDecideWhoMaySeeWhat(t *testing.T) {
	s, upstream := loginSite(t, `login {
		require /admin/* {
			admin
		}
		require /sales/* {
			department 11
		}
		public /assets/*
	}`, sandbox.Options{})
	zhang, li := signIn(t, s, "u1"), signIn(t, s, "u2")
	for _, c := range []struct {
		cookie, path string
		status       int
		code         string
	}{
		{zhang, "/admin/x", 200, ""}, {li, "/admin/x", 403, "not_allowed"}, {"", "/admin/x", 401, "not_signed_in"},
		{zhang, "/sales/x", 200, ""}, {li, "/sales/x", 403, "not_allowed"},
		{"", "/assets/x", 200, ""}, {"", "/assets/..%2fadmin", 401, "not_signed_in"}, {"", "/assets/a%5cb", 401, "not_signed_in"},
		{li, "/other", 200, ""}, {"", "/other", 401, "not_signed_in"},
	} {
		before := upstream.requests.Load()
		a := fetchAs(t, s, "GET", c.path, "", c.cookie)
		if a.Status != c.status || codeOf(a) != c.code && c.code != "" {
			t.Errorf("%s: %d %s, want %d %s", c.path, a.Status, codeOf(a), c.status, c.code)
		}
		if reached := upstream.requests.Load() > before; reached != (c.status == 200) {
			t.Errorf("%s: reached %v", c.path, reached)
		}
	}
}

func TestWhatIsPublicIsSoByTheFirstLineThatFits(t *testing.T) {
	upstream := new(echo)
	s := testsite.Run(t, testsite.Setup{Upstream: upstream, Sites: `http://h5.test:PORT {
	@pre method OPTIONS
	@in client_ip 10.0.0.0/8
	@key header X-Key open
	@ex expression path("/ex*")
	dingtalk {
	import app
	login {
		public @pre
		public @in
		public @key
		public @ex
		require /admin/* {
			admin
		}
	}
	}
	reverse_proxy UPSTREAM
}
`})
	s.URL = s.At("h5.test")
	li := signIn(t, s, "u2")
	for name, c := range map[string]struct {
		method, path, cookie string
		headers              []string
		status               int
	}{
		"a preflight that is public":     {"OPTIONS", "/api", "", nil, 200},
		"a header":                       {"GET", "/api", "", []string{"X-Key", "open"}, 200},
		"another value of it":            {"GET", "/api", "", []string{"X-Key", "shut"}, 401},
		"an expression":                  {"GET", "/ex/a", "", nil, 200},
		"an address that is another":     {"GET", "/api", "", []string{"X-Forwarded-For", "10.0.0.1"}, 401},
		"nobody in a line with rules":    {"GET", "/admin/x", "", nil, 401},
		"somebody whom no rule fits":     {"GET", "/admin/x", li, nil, 403},
		"somebody in what no line names": {"GET", "/x", li, nil, 200},
	} {
		before := upstream.requests.Load()
		a := fetchAs(t, s, c.method, c.path, "", c.cookie, c.headers...)
		if a.Status != c.status || (upstream.requests.Load() > before) != (c.status == 200) {
			t.Errorf("%s: %d, want %d: %s", name, a.Status, c.status, a.Body)
		}
	}
}

func TestAUserRuleNamesItsUsersExactly(t *testing.T) {
	s, upstream := loginSite(t, "login {\n require {\n user u1 U2\n }\n}", sandbox.Options{})
	for user, status := range map[string]int{"u1": 200, "u2": 403} {
		session := signIn(t, s, user)
		before := upstream.requests.Load()
		if a := fetchAs(t, s, "GET", "/api", "", session); a.Status != status || (status == 403) != (codeOf(a) == "not_allowed") {
			t.Errorf("%s: %d %s", user, a.Status, a.Body)
		}
		page := visitAs(t, s, "/", session)
		if refused := strings.Contains(page.Body, `data-state="forbidden" data-code="not_allowed"`); page.Status != status || refused != (status == 403) {
			t.Errorf("%s: a document gets %d", user, page.Status)
		}
		if n := upstream.requests.Load() - before; (n == 0) != (status == 403) {
			t.Errorf("%s: %d requests at the upstream", user, n)
		}
	}
}

// TestTheLogTellsOnceASessionAndLineThatAUserMayNotSeeIt, however often they ask.
func TestTheLogTellsOnceASessionAndLineThatAUserMayNotSeeIt(t *testing.T) {
	s, _ := loginSite(t, "login {\n public /open\n require /a* {\n admin\n }\n require /b* {\n user u9\n }\n}", sandbox.Options{})
	first, second := signIn(t, s, "u2"), signIn(t, s, "u2")
	for range 20 {
		for _, path := range []string{"/a/1", "/a/2", "/b"} {
			if a := fetchAs(t, s, "GET", path, "", first); a.Status != 403 {
				t.Fatal(a.Status)
			}
			visitAs(t, s, path, first)
		}
		visitAs(t, s, "/b", second)
	}
	told := make(map[int]int)
	for line := range bytes.Lines(s.Log(t)) {
		var got struct {
			Logger   string
			Msg      string
			Code     string
			Rule     int
			UserID   string `json:"user_id"`
			ClientIP string `json:"client_ip"`
		}
		if err := json.Unmarshal(line, &got); err != nil || got.Msg != "not allowed" {
			continue
		}
		if got.Logger != "http.handlers.dingtalk.login" || got.UserID != "u2" || got.Code != "not_allowed" || got.ClientIP != "127.0.0.1" {
			t.Errorf("the log says %s", line)
		}
		told[got.Rule]++
	}
	if len(told) != 2 || told[2] != 1 || told[3] != 2 {
		t.Errorf("lines by rule: %v", told)
	}
}

func TestDepartmentsThatNobodyTellsKeepOut(t *testing.T) {
	s, _ := loginSite(t, "login {\n require /sales/* {\n department 1\n }\n}", sandbox.Options{})
	for fault, want := range map[string]struct {
		status int
		code   string
	}{"busy": {503, "dingtalk_unavailable"}, "permission": {502, "no_permission"}, "errcode:43007": {502, "no_permission"}, "html": {502, "dingtalk_error"}} {
		s.Ding.SetFault(sandbox.ParentsCall, sandbox.MustFault(fault))
		a := fetchAs(t, s, "POST", "/.dingtalk/login", `{"code":"`+s.Ding.Code("app", "u1")+`"}`, "")
		if a.Status != want.status || codeOf(a) != want.code || len(a.Header["Set-Cookie"]) != 0 {
			t.Errorf("%s: %d %s", fault, a.Status, a.Body)
		}
	}
	if log := string(s.Log(t)); !strings.Contains(log, "grant the app 通讯录部门信息读权限 (qyapi_get_department_list)") {
		t.Error("the log does not name the permission")
	}
}

// TestRulesThatAReloadChangesActAtTheNextRequest, on sessions from before.
func TestRulesThatAReloadChangesActAtTheNextRequest(t *testing.T) {
	s, _ := loginSite(t, "login {\n public /nothing\n}", sandbox.Options{})
	zhang, li := signIn(t, s, "u1"), signIn(t, s, "u2")
	for _, c := range []struct {
		line      string
		zhang, li int
		nobody    int
	}{
		{"require {\n admin\n }", 200, 403, 401},
		{"require {\n user u2\n }", 403, 200, 401},
		{"require {\n department 1\n }", 401, 401, 401}, // nobody knows: they have to sign in again
		{"public /api", 200, 200, 200},
		{"public /nothing", 200, 200, 401},
	} {
		if err := s.Load(t, strings.Replace(s.Caddyfile, "public /nothing", c.line, 1)); err != nil {
			t.Fatal(err)
		}
		for session, want := range map[string]int{zhang: c.zhang, li: c.li, "": c.nobody} {
			if a := fetchAs(t, s, "GET", "/api", "", session); a.Status != want {
				t.Errorf("%s: %d %s, want %d", c.line, a.Status, a.Body, want)
			}
		}
	}
	if err := s.Load(t, strings.Replace(s.Caddyfile, "public /nothing", "require {\n department 1\n }", 1)); err != nil {
		t.Fatal(err)
	}
	if a := fetchAs(t, s, "GET", "/api", "", signIn(t, s, "u1")); a.Status != 200 {
		t.Errorf("who has signed in again gets %d %s", a.Status, a.Body)
	}
}

// TestTheOtherEndpointsNeedNoSession: pages that sign in have to be signed themselves.
func TestTheOtherEndpointsNeedNoSession(t *testing.T) {
	s, upstream := loginSite(t, "js_api_list a\n doctor\n login {\n public /page\n}", sandbox.Options{})
	file := regexp.MustCompile(`rest\.[0-9a-f]+\.js`).FindString(visitAs(t, s, "/page", "").Body)
	before := upstream.requests.Load()
	for target, want := range map[string]int{
		"GET /.dingtalk/config?url=" + url.QueryEscape(s.URL+"/x"): 200, "GET /.dingtalk/" + file: 200, "GET /.dingtalk/doctor": 200, "GET /.dingtalk/nothing": 404,
	} {
		method, path, _ := strings.Cut(target, " ")
		if a := fetchAs(t, s, method, path, "", ""); a.Status != want {
			t.Errorf("%s: %d %s", target, a.Status, a.Body)
		}
	}
	if a := fetchAs(t, s, "POST", "/.dingtalk/report", `{"url":"`+s.URL+`/x","signed":"`+s.URL+`/x","code":3,"message":"x"}`, ""); a.Status != 204 {
		t.Errorf("report: %d %s", a.Status, a.Body)
	}
	if n := upstream.requests.Load(); n != before {
		t.Errorf("%d requests at the upstream", n-before)
	}
}
