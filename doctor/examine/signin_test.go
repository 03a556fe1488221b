package examine_test

import (
	"strings"
	"testing"

	"github.com/caddy-dingtalk/caddy-dingtalk/doctor/examine"
	"github.com/caddy-dingtalk/caddy-dingtalk/internal/sandbox"
)

func TestTheReportTellsWhatSignInNeeds(t *testing.T) {
	const app = "APP\n\t\tapi_base API\n\t\toapi_base API\n\t\t"
	tests := map[string]struct {
		address, lines  string
		matcher, before string
		fault           map[sandbox.Call]string
		want            map[string]string // check -> "status: a part of the message or the advice"
	}{
		"all that sign-in asks for": {
			address: "h5.example.com", lines: app + "login {\n\t\t\toutside oauth\n\t\t\trequire {\n\t\t\t\tdepartment 1\n\t\t\t}\n\t\t}",
			want: map[string]string{
				"permissions": "ok: topapi/v2/user/getuserinfo, oauth2/userAccessToken, topapi/user/getbyunionid, topapi/v2/user/get, topapi/v2/department/listparentbyuser",
				"console":     "ok: https://h5.example.com/.dingtalk/callback as 重定向 URL", "cookie": "ok: __Host-dingtalk-", "key": "ok: derived",
			},
		},
		"a missing permission": {
			address: "h5.example.com", lines: app + "login", fault: map[sandbox.Call]string{sandbox.UserInfoCall: "permission"},
			want: map[string]string{"permissions": "error: qyapi_base"},
		},
		"a call that gets no answer": {
			address: "h5.example.com", lines: app + "login", fault: map[sandbox.Call]string{sandbox.UserInfoCall: "drop"},
			want: map[string]string{"permissions": "warning: not checked: the permission for topapi/v2/user/getuserinfo cannot be told"},
		},
		"no login at all": {
			address: "h5.example.com", lines: app + "login", fault: map[sandbox.Call]string{sandbox.TokenCall: "secret"},
			want: map[string]string{"permissions": "warning: not checked", "credentials": "error: "},
		},
		"plain http": {
			address: "http://h5.example.com", lines: app + "login",
			want: map[string]string{"cookie": "warning: plain http", "console": "ok: http://h5.example.com/"},
		},
		"keys of one's own": {
			address: "h5.example.com", lines: app + "login {\n\t\t\tkey 0123456789abcdef0123456789abcdef 0123456789abcdef0123456789abcdeg\n\t\t}",
			want: map[string]string{"key": "ok: the first of 2"},
		},
		"a matcher in front": {
			address: "h5.example.com", lines: app + "login", matcher: "/app/*",
			want: map[string]string{"matcher": "warning: behind a matcher (path /app/*)", "endpoint": "warning: endpoint /app/.dingtalk"},
		},
		"a named matcher in front": {
			address: "h5.example.com", lines: app + "login", matcher: "@app", before: "@app {\n\t\theader X-App 1\n\t\tmethod GET\n\t}\n\t",
			want: map[string]string{"matcher": "warning: behind a matcher (header, method)"},
		},
		"a service window": {
			address: "h5.example.com",
			lines:   "channel_secret {file.DIR/channel_secret}\n\t\tDD\n\t\tapi_base API\n\t\toapi_base API\n\t\tlogin {\n\t\t\tstaff_app KEY {file.DIR/app_secret}\n\t\t}",
			want:    map[string]string{"permissions": "ok: channel/user/get_by_code, topapi/user/getbyunionid"},
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, sandbox.Options{}, nil)
			for call, fault := range test.fault {
				w.ding.SetFault(call, sandbox.MustFault(fault))
			}
			text := strings.Replace(site(test.address, test.lines), "dingtalk {", test.before+"dingtalk "+test.matcher+" {", 1)
			report, text := w.examine(t, storageLine+text)
			for _, check := range report[0].Checks {
				want, looked := test.want[check.Name]
				status, part, _ := strings.Cut(want, ": ")
				if looked && (string(check.Status) != status || !strings.Contains(check.Message+"\n"+check.Advice, part)) {
					t.Errorf("%s, want %q in\n%s", check.Name, want, text)
				}
				if check.Status == examine.Error && check.Advice == "" {
					t.Errorf("%s: no advice", check.Name)
				}
				delete(test.want, check.Name)
			}
			if len(test.want) > 0 {
				t.Errorf("nothing of %v in\n%s", test.want, text)
			}
		})
	}
}
