package e2e

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/caddy-dingtalk/caddy-dingtalk/internal/testsite"
)

// TestASignInIsTheVisitsTenants: its token answers the code, its agent names the cookie, and
// a session of another tenant counts as none.
func TestASignInIsTheVisitsTenants(t *testing.T) {
	upstream := new(echo)
	lines := "\t\timport bases\n" + tenantA + tenantB + "\t\tlogin {\n\t\t\tpublic /open/*\n\t\t\toutside oauth\n\t\t\tlogin_base https://login.dingtalk.test\n\t\t}\n"
	s := testsite.Run(t, testsite.Setup{Upstream: upstream, DingTalk: corps, Sites: tenantSite("h5.test", lines)})
	s.URL = s.At("h5.test")
	referer := func(query string) []string { return []string{"Referer", s.URL + "/p" + query} }
	post := func(code string, headers ...string) *testsite.Answer {
		return fetchAs(t, s, "POST", "/.dingtalk/login", `{"code":"`+code+`"}`, "", headers...)
	}

	if a := visitAs(t, s, "/p?corpid=ding111", ""); a.Status != 401 || !strings.Contains(a.Body, `"corpId":"ding111"`) {
		t.Fatalf("who comes to the first gets %d %s", a.Status, a.Body)
	}
	in := post(s.Ding.CodeFor("ding111", "app", "u1"), referer("?corpid=ding111")...)
	pair, _, _ := strings.Cut(in.Header.Get("Set-Cookie"), ";")
	name, value, _ := strings.Cut(pair, "=")
	if in.Status != 200 || name != "dingtalk-1001" || !strings.Contains(in.Body, `"corpId":"ding111"`) {
		t.Fatalf("signing in at the first: %d %v %s", in.Status, in.Header, in.Body)
	}
	for what, c := range map[string]struct {
		path, cookie string
		status       int
		code         string
	}{
		"the first":                         {"/p?corpid=ding111", pair, 200, ""},
		"the second":                        {"/p?corpid=ding222", pair, 401, "not_signed_in"},
		"the second, by its cookie's name":  {"/p?corpid=ding222", "dingtalk-2001=" + value, 401, "not_signed_in"},
		"none":                              {"/p", pair, 403, "tenant_ambiguous"},
		"a stranger's":                      {"/p?corpid=ding999", pair, 403, "tenant_unknown"},
		"both at once":                      {"/p?corpid=ding111&corpid=ding222", pair, 403, "tenant_unknown"},
		"a public path of none":             {"/open/x", pair, 200, ""},
		"a public path of the second":       {"/open/x?corpid=ding222", pair, 200, ""},
		"the user where no tenant is known": {"/.dingtalk/user", pair, 403, "tenant_ambiguous"},
		"the user of the first":             {"/.dingtalk/user?corpid=ding111", pair, 200, ""},
		"the user of the second":            {"/.dingtalk/user?corpid=ding222", pair, 401, "not_signed_in"},
	} {
		a := expectGuarded(t, s, upstream, what, c.path, c.cookie, value, c.status, c.code)
		if c.path == "/p?corpid=ding111" && !strings.Contains(a.Body, `"X-Dingtalk-Corp-Id":"ding111"`) || strings.HasPrefix(c.path, "/open") && strings.Contains(a.Body, "X-Dingtalk-") {
			t.Errorf("%s: the upstream gets %s", what, a.Body)
		}
	}
	if a := visitAs(t, s, "/p", ""); a.Status != 403 || !strings.Contains(a.Body, `data-code="tenant_ambiguous"`) {
		t.Errorf("a document of none gets %d", a.Status)
	}

	for what, c := range map[string]struct {
		code    string
		headers []string
		status  int
	}{
		"a code of another corp":       {s.Ding.CodeFor("ding222", "app", "u1"), referer("?corpid=ding111"), 401},
		"a call that names none":       {s.Ding.CodeFor("ding111", "app", "u1"), nil, 403},
		"a page of another site":       {s.Ding.CodeFor("ding111", "app", "u1"), []string{"Referer", "http://evil.test/p?corpid=ding111"}, 403},
		"a page of none":               {s.Ding.CodeFor("ding111", "app", "u1"), referer(""), 403},
		"a page of the second, really": {s.Ding.CodeFor("ding222", "app", "u2"), referer("?corpid=ding222"), 200},
	} {
		if a := post(c.code, c.headers...); a.Status != c.status || (a.Status != 200) != (len(a.Header["Set-Cookie"]) == 0) {
			t.Errorf("%s: %d %s", what, a.Status, a.Body)
		}
	}

	begin := visitAs(t, s, "/.dingtalk/login?to=/p", "", referer("?corpid=ding222")...)
	to, _ := url.Parse(begin.Header.Get("Location"))
	state, _, _ := strings.Cut(begin.Header.Get("Set-Cookie"), ";")
	if begin.Status != http.StatusFound || to.Query().Get("client_id") != "dingkeyb" || to.Query().Get("corpId") != "ding222" {
		t.Fatalf("OAuth2 begins with %d %v", begin.Status, to)
	}
	end := visitAs(t, s, "/.dingtalk/callback?code="+s.Ding.CodeFor("ding222", "oauth", "u2")+"&state="+to.Query().Get("state"), state, "Sec-Fetch-Site", "cross-site")
	if end.Status != http.StatusSeeOther || !strings.Contains(strings.Join(end.Header["Set-Cookie"], "\n"), "dingtalk-2001=") {
		t.Errorf("DingTalk's answer: %d %v %s", end.Status, end.Header["Set-Cookie"], end.Body)
	}
	// Who tries again on the page of that answer says only where to go then.
	for to, want := range map[string]string{"/p?corpid=ding222": "dingkeyb", "/p?corpid=ding111": "dingkeya"} {
		again := visitAs(t, s, "/.dingtalk/login?to="+url.QueryEscape(to), "")
		if at, _ := url.Parse(again.Header.Get("Location")); again.Status != http.StatusFound || at.Query().Get("client_id") != want {
			t.Errorf("trying again for %s: %d %v", to, again.Status, at)
		}
	}
	if a := visitAs(t, s, "/.dingtalk/callback?code=x&state=y", ""); a.Status != 400 || !strings.Contains(a.Body, "bad_state") {
		t.Errorf("an answer that nobody has asked for: %d", a.Status)
	}
}

// expectGuarded asks with a cookie, whose value is secret, and expects that status and
// code, and that the upstream is reached by what is let through, and by nothing else. It
// never gets what a visitor says of himself.
func expectGuarded(t *testing.T, s *testsite.Site, upstream *echo, what, path, cookie, secret string, status int, code string) *testsite.Answer {
	t.Helper()
	before := upstream.requests.Load()
	a := fetchAs(t, s, "GET", path, "", cookie, "X-DingTalk-Corp-Id", "evil")
	if a.Status != status || codeOf(a) != code || strings.Contains(a.Body, "evil") || strings.Contains(a.Body, secret) {
		t.Errorf("%s: %d %s, want %d %s", what, a.Status, a.Body, status, code)
	}
	if reached := upstream.requests.Load() > before; reached != (status == 200 && !strings.HasPrefix(path, "/.")) {
		t.Errorf("%s: reached %v", what, reached)
	}
	return a
}
