package e2e

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/caddy-dingtalk/caddy-dingtalk/internal/sandbox"
	"github.com/caddy-dingtalk/caddy-dingtalk/internal/testsite"
)

func TestTheDoctorPageTellsWhatSignInNeeds(t *testing.T) {
	s := testsite.Run(t, testsite.Setup{Sites: `http://h5.test:PORT {
	dingtalk {
		import app
		doctor
		login {
			outside oauth
		}
	}
	reverse_proxy UPSTREAM
}
http://without.test:PORT {
	dingtalk {
		import app
		doctor
	}
	reverse_proxy UPSTREAM
}
`})
	type found struct {
		SignIn []struct {
			Name, Status string
			Text         struct{ ZH, EN string }
			Cures        []struct{ ZH, EN string }
		} `json:"sign_in"`
	}
	ask := func(origin string) (f found) {
		t.Helper()
		a := s.Fetch(t, "POST", origin+"/.dingtalk/doctor", `{"url":"`+origin+`/.dingtalk/doctor","outcome":"outside"}`,
			"Sec-Fetch-Site", "same-origin", "Content-Type", "application/json")
		if err := json.Unmarshal([]byte(a.Body), &f); err != nil {
			t.Fatalf("%d %s", a.Status, a.Body)
		}
		return f
	}
	if f := ask(s.At("without.test")); f.SignIn != nil {
		t.Errorf("a site without sign-in is told %v", f.SignIn)
	}

	s.Ding.SetFault(sandbox.UnionIDCall, sandbox.MustFault("permission"))
	if a := visitAs(t, &testsite.Site{URL: s.At("h5.test"), Client: s.Client}, "/.dingtalk/doctor", ""); !strings.Contains(a.Body, "the permissions of sign-in were not tried") {
		t.Errorf("the page itself: %d", a.Status)
	}
	if calls := s.Ding.Calls(); calls["oapi.getuserinfo"] != 0 {
		t.Errorf("to open the page costs %v", calls)
	}
	told := make(map[string]string)
	for _, f := range ask(s.At("h5.test")).SignIn {
		if f.Text.ZH == "" || f.Text.EN == "" || f.Status == "error" && len(f.Cures) == 0 {
			t.Errorf("%s says %v", f.Name, f)
		}
		told[f.Name+" "+f.Status] += f.Text.EN + "\n"
	}
	for name, part := range map[string]string{
		"permissions error": "qyapi_get_member", "permissions ok": "topapi/v2/user/getuserinfo, oauth2/userAccessToken, topapi/v2/user/get",
		"console ok": s.At("h5.test") + "/.dingtalk/callback", "cookie warning": "plain http", "key ok": "derived", "clock ok": "agrees",
	} {
		if !strings.Contains(told[name], part) {
			t.Errorf("%s is %q, want %q", name, told[name], part)
		}
	}
	calls := s.Ding.Calls()["oapi.getuserinfo"]
	if ask(s.At("h5.test")); calls != 1 || s.Ding.Calls()["oapi.getuserinfo"] != calls {
		t.Errorf("%d calls, then %d", calls, s.Ding.Calls()["oapi.getuserinfo"])
	}
}

// TestTheDoctorPageTellsOfAMatcherInFront that lets requests pass by sign-in, or keeps the
// endpoints away.
func TestTheDoctorPageTellsOfAMatcherInFront(t *testing.T) {
	s := testsite.Run(t, testsite.Setup{Sites: `http://beside.test:PORT {
	@app path /app/* /.dingtalk/*
	dingtalk @app {
		import app
		doctor
		login
	}
	reverse_proxy UPSTREAM
}
http://within.test:PORT {
	@app path /app/* /.dingtalk/*
	handle @app {
		dingtalk {
			import app
			doctor
			login
		}
		reverse_proxy UPSTREAM
	}
}
http://without.test:PORT {
	@page not path /.dingtalk/config
	dingtalk @page {
		import app
		doctor
	}
	reverse_proxy UPSTREAM
}
http://pattern.test:PORT {
	@page path_regexp ^/(app|\.dingtalk/doctor)
	dingtalk @page {
		import app
		doctor
	}
	reverse_proxy UPSTREAM
}
http://narrow.test:PORT {
	@app path /app/* /.dingtalk/doctor
	dingtalk @app {
		import app
		doctor
	}
	reverse_proxy UPSTREAM
}
`})
	for host, want := range map[string][2]string{
		"beside.test": {"", "behind a matcher (path /app/* /.dingtalk/*)"}, "within.test": {}, "without.test": {"does not pass the matcher not /.dingtalk/config", ""},
		"pattern.test": {"does not pass the matcher path_regexp ^/(app|", ""}, "narrow.test": {"does not pass the matcher /app/* /.dingtalk/doctor", ""},
	} {
		here := s.At(host) + "/.dingtalk/doctor"
		a := s.Fetch(t, "POST", here, `{"url":"`+here+`","signed":"`+here+`","outcome":"ready"}`, "Sec-Fetch-Site", "same-origin", "Content-Type", "application/json")
		var f struct {
			Findings []struct {
				Name string
				Text struct{ ZH, EN string }
			}
			SignIn []struct {
				Name, Status string
				Text         struct{ ZH, EN string }
				Cures        []struct{ ZH, EN string }
			} `json:"sign_in"`
		}
		if err := json.Unmarshal([]byte(a.Body), &f); err != nil {
			t.Fatalf("%s: %d %s", host, a.Status, a.Body)
		}
		if first := f.Findings[0]; (first.Name == "endpoint_held_back") != (want[0] != "") || !strings.Contains(first.Text.EN, want[0]) {
			t.Errorf("%s: %+v", host, f.Findings)
		}
		told := ""
		for _, finding := range f.SignIn {
			if finding.Name == "matcher" {
				if told = finding.Text.EN; finding.Status != "warning" || finding.Text.ZH == "" || len(finding.Cures) == 0 {
					t.Errorf("%s: %+v", host, finding)
				}
			}
		}
		if (told != "") != (want[1] != "") || !strings.Contains(told, want[1]) {
			t.Errorf("%s: %q, want %q", host, told, want[1])
		}
	}
}
