package sandbox

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"
)

// world is a sandbox with a clock, and its tokens.
type loginWorld struct {
	*DingTalk
	now time.Time
}

func newLoginWorld(o Options) *loginWorld {
	w := &loginWorld{now: time.Now()}
	o.Now = func() time.Time { return w.now }
	w.DingTalk = New(o)
	return w
}

// ask makes a call with the living token of that kind, and returns the answer as text.
func (w *loginWorld) ask(kind Kind, method, path, body string) string {
	target := path
	if !strings.HasPrefix(path, "/v1.0/") {
		separator := "?"
		if strings.Contains(path, "?") {
			separator = "&"
		}
		target += separator + "access_token=" + w.org.token(w.first().of(kind))
	}
	r := httptest.NewRequest(method, target, strings.NewReader(body))
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	answer := httptest.NewRecorder()
	w.ServeHTTP(answer, r)
	return answer.Body.String()
}

const (
	info   = "/topapi/v2/user/getuserinfo"
	byCode = "/channel/user/get_by_code?code="
)

func codeBody(code string) string { return `{"code":"` + code + `"}` }

func TestACodeIsGoodOnceForFiveMinutesAndForItsOwnCall(t *testing.T) {
	w := newLoginWorld(Options{})
	code := w.Code("app", "u1")
	if got := w.ask(App, "POST", info, codeBody(code)); !strings.Contains(got, `"userid":"u1"`) || !strings.Contains(got, `"sys":true`) {
		t.Error(got)
	}
	for name, c := range map[string]struct{ code, want string }{
		"again":               {code, "40078"},
		"none":                {"", "41026"},
		"made up":             {"x", "40078"},
		"of a service window": {w.Code("channel", "u1"), "40078"},
		"of OAuth2":           {w.Code("oauth", "u1"), "40078"},
		"of no member":        {w.Code("app", "x1"), "50002"},
	} {
		if got := w.ask(App, "POST", info, codeBody(c.code)); !strings.Contains(got, c.want) {
			t.Errorf("%s: %s", name, got)
		}
	}
	old := w.Code("app", "u1")
	w.now = w.now.Add(5 * time.Minute)
	if got := w.ask(App, "POST", info, codeBody(old)); !strings.Contains(got, "40078") {
		t.Errorf("after five minutes: %s", got)
	}
	if got := w.ask(Channel, "GET", byCode+w.Code("channel", "f1"), ""); !strings.Contains(got, `"openid":"open-f1"`) {
		t.Error(got)
	}
	if got := w.ask(App, "GET", byCode+w.Code("channel", "f1"), ""); !strings.Contains(got, "40014") {
		t.Errorf("with an app's token: %s", got)
	}
}

func TestTheDirectoryAnswersAsDingTalkDoes(t *testing.T) {
	w := newLoginWorld(Options{})
	for name, c := range map[string]struct {
		kind               Kind
		method, path, body string
		want               []string
	}{
		"user/get":                 {App, "POST", "/topapi/v2/user/get", `{"userid":"u1","language":"zh_CN"}`, []string{`"dept_id_list":[11]`, `"job_number":"0001"`, `"admin":true`}},
		"user/get, nobody":         {App, "POST", "/topapi/v2/user/get", `{"userid":"f1"}`, []string{"60121"}},
		"legacy user/get":          {Corp, "GET", "/user/get?userid=u2", "", []string{`"isAdmin":false`, `"unionid":"union-u2"`, `"department":[12]`}},
		"legacy getuserinfo":       {Corp, "GET", "/user/getuserinfo?code=" + w.Code("app", "u2"), "", []string{`"userid":"u2"`, `"is_sys":false`}},
		"getbyunionid":             {App, "POST", "/topapi/user/getbyunionid", `{"unionid":"union-u1"}`, []string{`"contact_type":0`, `"userid":"u1"`}},
		"getbyunionid, external":   {App, "POST", "/topapi/user/getbyunionid", `{"unionid":"union-x1"}`, []string{`"contact_type":1`}},
		"getbyunionid, follower":   {App, "POST", "/topapi/user/getbyunionid", `{"unionid":"union-f1"}`, []string{"60121"}},
		"getbyunionid, no app":     {Channel, "POST", "/topapi/user/getbyunionid", `{"unionid":"union-u1"}`, []string{`"sub_code":"40014"`}},
		"listparentbyuser":         {App, "POST", "/topapi/v2/department/listparentbyuser", `{"userid":"u1"}`, []string{`"parent_dept_id_list":[11,1]`}},
		"listparentbyuser, nobody": {App, "POST", "/topapi/v2/department/listparentbyuser", `{"userid":"x1"}`, []string{"60121"}},
	} {
		t.Run(name, func(t *testing.T) {
			got := w.ask(c.kind, c.method, c.path, c.body)
			for _, want := range c.want {
				if !strings.Contains(got, want) {
					t.Errorf("%s lacks %s", got, want)
				}
			}
		})
	}
}

// consent follows the OAuth2 page as a user does, and returns where it leads.
func (w *loginWorld) consent(t *testing.T, more string) url.Values {
	t.Helper()
	r := httptest.NewRequest("GET", "/oauth2/auth?client_id="+w.Options().AppKey+
		"&redirect_uri=https%3A%2F%2Fh5.example.com%2Fback&response_type=code&scope=openid%20corpid&state=s&prompt=consent"+more, nil)
	answer := httptest.NewRecorder()
	w.ServeHTTP(answer, r)
	to, err := url.Parse(answer.Header().Get("Location"))
	if answer.Code != http.StatusFound || err != nil || to.Host != "h5.example.com" || to.Query().Get("state") != "s" {
		t.Fatalf("status %d, to %v, %s", answer.Code, to, answer.Body)
	}
	return to.Query()
}

func TestTheOAuth2PageApprovesAsTheUserChosen(t *testing.T) {
	w := newLoginWorld(Options{})
	back := w.consent(t, "&user=u2")
	if back.Get("code") == "" || back.Get("code") != back.Get("authCode") {
		t.Fatalf("back with %v", back)
	}
	login := func(code string) string {
		return w.ask(App, "POST", "/v1.0/oauth2/userAccessToken", `{"clientId":"`+w.Options().AppKey+`","clientSecret":"`+
			w.Options().AppSecret+`","code":"`+code+`","grantType":"authorization_code"}`)
	}
	var token struct{ AccessToken, CorpID string }
	if err := json.Unmarshal([]byte(login(back.Get("code"))), &token); err != nil || token.CorpID != w.Options().CorpID {
		t.Fatalf("%+v, %v", token, err)
	}
	if got := login(back.Get("code")); !strings.Contains(got, "authCode.notFound") {
		t.Errorf("again: %s", got)
	}
	r := httptest.NewRequest("GET", "/v1.0/contact/users/me", nil)
	r.Header.Set("x-acs-dingtalk-access-token", token.AccessToken)
	answer := httptest.NewRecorder()
	w.ServeHTTP(answer, r)
	if got := answer.Body.String(); !strings.Contains(got, `"unionId":"union-u2"`) {
		t.Error(got)
	}
	w.Approve("refuse")
	if back := w.consent(t, ""); back.Get("error") == "" || back.Has("code") {
		t.Errorf("refused: %v", back)
	}
}

func TestMoreCallsThanAllowedInASecondAreRefused(t *testing.T) {
	w := newLoginWorld(Options{Rate: 20})
	refused := 0
	for range 25 {
		if strings.Contains(w.ask(App, "POST", info, codeBody("x")), "90018") {
			refused++
		}
	}
	if refused != 5 {
		t.Errorf("%d of 25 refused", refused)
	}
	w.now = w.now.Add(time.Second)
	if got := w.ask(App, "POST", info, codeBody("x")); !strings.Contains(got, "40078") {
		t.Errorf("a second later: %s", got)
	}
}

func TestEachUserCallHasItsFaultByName(t *testing.T) {
	w := newLoginWorld(Options{})
	w.SetFault(UserInfoCall, MustFault("permission"))
	if got := w.ask(App, "POST", info, codeBody(w.Code("app", "u1"))); !strings.Contains(got, "60011") {
		t.Error(got)
	}
	w.SetFault(UserInfoCall, MustFault("missing"))
	if got := w.ask(App, "POST", info, codeBody(w.Code("app", "u1"))); strings.Contains(got, `"userid"`) || !strings.Contains(got, `"unionid"`) {
		t.Error(got)
	}
	if got := w.ask(App, "POST", "/topapi/v2/user/get", `{"userid":"u1"}`); !strings.Contains(got, `"errcode":0`) {
		t.Error(got)
	}
}

func TestTheNativeBridgeGivesCodesOfWhoHoldsTheClientApp(t *testing.T) {
	w := newLoginWorld(Options{})
	for name, c := range map[string]struct {
		user, method, corp, client string
		ok                         bool
	}{
		"a member":                       {"u2", "runtime.permission.requestAuthCode", w.Options().CorpID, "", true},
		"another corp":                   {"u2", "runtime.permission.requestAuthCode", "dingother", "", false},
		"an external contact":            {"x1", "runtime.permission.requestAuthCode", w.Options().CorpID, "", false},
		"a member, V2":                   {"u2", "runtime.permission.requestAuthCodeV2", w.Options().CorpID, w.Options().AppKey, true},
		"V2 without the clientId":        {"u2", "runtime.permission.requestAuthCodeV2", w.Options().CorpID, "", false},
		"a follower at a service window": {"f1", "channel.permission.requestAuthCode", w.Options().CorpID, "", true},
		"a stranger at a service window": {"x1", "channel.permission.requestAuthCode", w.Options().CorpID, "", false},
	} {
		w.Hold(c.user)
		q := codeRequest{Platform: "ios", Method: c.method}
		q.Params.CorpID, q.Params.ClientID = c.corp, c.client
		if got := w.nativeCode(q); got.OK != c.ok || (got.Code != "") != c.ok || (got.Error == nil) != c.ok {
			t.Errorf("%s: %+v", name, got)
		}
	}
}
