package e2e

import (
	"encoding/json"
	"maps"
	"strings"
	"testing"

	"github.com/caddy-dingtalk/caddy-dingtalk/internal/sandbox"
	"github.com/caddy-dingtalk/caddy-dingtalk/internal/testsite"
)

// windowSite is a service window (服务窗), beside the organisation's own app, with that
// login block.
func windowSite(t *testing.T, login string) *testsite.Site {
	t.Helper()
	const channel, app = "secret-channel-of-the-test", "secret-app-of-the-test"
	t.Setenv("TEST_CHANNEL_SECRET", channel)
	t.Setenv("TEST_STAFF_SECRET", app)
	s := testsite.Run(t, testsite.Setup{Upstream: new(echo), DingTalk: sandbox.Options{ChannelSecret: channel, AppSecret: app, CorpID: "dingwindow", AppKey: "dingstaff"}, Sites: `http://h5.test:PORT {
	dingtalk {
		import bases
		channel_secret {env.TEST_CHANNEL_SECRET}
		corp_id dingwindow
		agent_id 1234567890
		` + login + `
	}
	reverse_proxy UPSTREAM
}
`})
	s.URL = s.At("h5.test")
	return s
}

// follow signs somebody in by the code that a service window gets.
func follow(t *testing.T, s *testsite.Site, who string) *testsite.Answer {
	t.Helper()
	return fetchAs(t, s, "POST", "/.dingtalk/login", `{"code":"`+s.Ding.Code("channel", who)+`"}`, "")
}

// upstreamGets are the headers that the upstream gets from who has that session.
func upstreamGets(t *testing.T, s *testsite.Site, session string) map[string]string {
	t.Helper()
	var got map[string]string
	a := fetchAs(t, s, "GET", "/api", "", session)
	if err := json.Unmarshal([]byte(a.Body), &got); err != nil {
		t.Fatalf("%d %s", a.Status, a.Body)
	}
	maps.DeleteFunc(got, func(name, _ string) bool { return !strings.HasPrefix(name, "X-Dingtalk-") })
	return got
}

func TestAServiceWindowKnowsItsFollowers(t *testing.T) {
	s := windowSite(t, "login")
	page := visitAs(t, s, "/", "")
	if !strings.Contains(page.Body, `"channel":true`) || !strings.Contains(page.Body, `"clientId":""`) {
		t.Errorf("the page: %d %s", page.Status, page.Body)
	}
	for who, openID := range map[string]string{"f1": "open-f1", "u1": "open-u1"} {
		got := upstreamGets(t, s, cookieOf(t, follow(t, s, who)))
		if got["X-Dingtalk-Open-Id"] != openID || got["X-Dingtalk-User-Id"] != "" || got["X-Dingtalk-Name"] != "" || got["X-Dingtalk-Admin"] != "false" {
			t.Errorf("%s is %v", who, got)
		}
	}
	if a := fetchAs(t, s, "POST", "/.dingtalk/login", `{"code":"`+s.Ding.Code("app", "u1")+`"}`, ""); a.Status != 401 || codeOf(a) != "code_invalid" {
		t.Errorf("an app's code: %d %s", a.Status, a.Body)
	}
	if calls := s.Ding.Calls(); calls["channel.get_by_code"] != 3 || calls["oapi.getuserinfo"]+calls["oapi.getbyunionid"] != 0 {
		t.Errorf("calls: %v", calls)
	}
}

func TestAStaffAppKnowsWhichFollowersAreMembers(t *testing.T) {
	s := windowSite(t, "login {\n staff_app dingstaff {env.TEST_STAFF_SECRET}\n require {\n department 1\n }\n}")
	member := cookieOf(t, follow(t, s, "u1"))
	if got := upstreamGets(t, s, member); got["X-Dingtalk-User-Id"] != "u1" || got["X-Dingtalk-Open-Id"] != "open-u1" || got["X-Dingtalk-Departments"] != "1,11" {
		t.Errorf("a member is %v", got)
	}
	if a := fetchAs(t, s, "GET", "/api", "", cookieOf(t, follow(t, s, "f1"))); a.Status != 403 || codeOf(a) != "not_allowed" {
		t.Errorf("a mere follower is in no department, but gets %d %s", a.Status, a.Body)
	}
	calls := s.Ding.Calls()
	if calls["channel.get_by_code"] != 2 || calls["oapi.getbyunionid"] != 2 || calls["oapi.listparentbyuser"] != 1 || calls["oapi.getuserinfo"] != 0 {
		t.Errorf("calls: %v", calls)
	}
	s.Ding.SetFault(sandbox.UnionIDCall, sandbox.MustFault("busy"))
	if a := follow(t, s, "u1"); a.Status != 503 || codeOf(a) != "dingtalk_unavailable" || len(a.Header["Set-Cookie"]) != 0 {
		t.Errorf("while nobody knows who is a member: %d %s", a.Status, a.Body)
	}
}

// TestAServiceWindowOfTheNewStyleSignsInAsAnApp: it has an AppKey and a corp of its own, and
// `type 1` is for dd.config alone.
func TestAServiceWindowOfTheNewStyleSignsInAsAnApp(t *testing.T) {
	s, _ := loginSite(t, "type 1\n login", sandbox.Options{})
	if page := visitAs(t, s, "/", ""); !strings.Contains(page.Body, `"channel":false`) || !strings.Contains(page.Body, `"clientId":"`+s.Ding.Options().AppKey+`"`) {
		t.Errorf("the page: %s", page.Body)
	}
	session := signIn(t, s, "u1")
	if calls := s.Ding.Calls(); calls["oapi.getuserinfo"] != 1 || calls["channel.get_by_code"]+calls["channel.token"] != 0 {
		t.Errorf("calls: %v", calls)
	}
	if got := upstreamGets(t, s, session); got["X-Dingtalk-User-Id"] != "u1" {
		t.Errorf("the user is %v", got)
	}
}
