package doctor_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/caddy-dingtalk/caddy-dingtalk/doctor"
	"github.com/caddy-dingtalk/caddy-dingtalk/signer"
)

func TestWhatIsFoundOfASignIn(t *testing.T) {
	https := signer.Origin{Scheme: "https", Host: "h5.example.com"}
	right := []doctor.Probe{{Call: "topapi/v2/user/getuserinfo", Verdict: doctor.Yes}}
	tests := map[string]struct {
		facts  doctor.SignIn
		name   string
		status doctor.Status
		en, zh string // parts of what is said, cures included
	}{
		"DingTalk was not asked":    {doctor.SignIn{}, "permissions", doctor.Open, "not tried", "还没有检查"},
		"all permissions are there": {doctor.SignIn{Probes: right}, "permissions", doctor.OK, "getuserinfo", "getuserinfo"},
		"a permission is missing": {
			doctor.SignIn{Probes: []doctor.Probe{{Call: "topapi/user/getbyunionid", Verdict: doctor.No}}},
			"permissions", doctor.Error, "qyapi_get_member", "权限管理",
		},
		"a permission that sign-ins do without": {
			doctor.SignIn{Probes: []doctor.Probe{{Call: "topapi/v2/user/get", Verdict: doctor.No}}},
			"permissions", doctor.Warning, "no title", "没有职位",
		},
		"a probe has failed": {
			doctor.SignIn{Probes: []doctor.Probe{{Call: "topapi/v2/user/get", Err: errors.New("no answer")}}},
			"permissions", doctor.Open, "no answer", "no answer",
		},
		"the last sign-in was refused": {doctor.SignIn{Refusal: "ip_not_allowed"}, "last_sign_in", doctor.Warning, "服务器出口IP", "服务器出口IP"},
		"what to register": {
			doctor.SignIn{Origin: https, Callback: "/.dingtalk/callback"}, "console", doctor.OK,
			"https://h5.example.com/.dingtalk/callback as 重定向 URL", "必须是 https://h5.example.com/，",
		},
		"what to register for a third-party app": {
			doctor.SignIn{Origin: https, Suite: true}, "console", doctor.OK, "have https://h5.example.com/?corpid=$CORPID$ as", "必须是 https://h5.example.com/?corpid=$CORPID$",
		},
		"what to register for a third-party app where the address is not known": {doctor.SignIn{Suite: true}, "console", doctor.OK, "the address that users open with ?corpid=$CORPID$", "再加上 ?corpid=$CORPID$"},
		"a third-party app without a corp":                                      {doctor.SignIn{Suite: true, Probes: right}, "permissions", doctor.Open, "--corpid", "--corpid"},
		"a corp of a third-party app":                                           {doctor.SignIn{Suite: true, Corp: "dingcorp1", Probes: right}, "permissions", doctor.OK, "getuserinfo", "getuserinfo"},
		"a permission that a corp has not granted": {
			doctor.SignIn{Suite: true, Corp: "dingcorp1", Probes: []doctor.Probe{{Call: "topapi/v2/user/getuserinfo", Verdict: doctor.No}}},
			"permissions", doctor.Error, "let the administrator of the corp agree", "该企业的管理员同意",
		},
		"what to register where the address is not known": {doctor.SignIn{}, "console", doctor.OK, "the address that users open", "用户打开的网址"},
		"https":                     {doctor.SignIn{Origin: https, Cookie: "dingtalk-1"}, "cookie", doctor.OK, "__Host-dingtalk-1", "Secure"},
		"plain http":                {doctor.SignIn{Origin: signer.Origin{Scheme: "http", Host: "10.0.0.1"}, Cookie: "dingtalk-1"}, "cookie", doctor.Warning, "trusted_proxies", "明文"},
		"http on one's own machine": {doctor.SignIn{Origin: signer.Origin{Scheme: "http", Host: "127.0.0.1"}, Cookie: "dingtalk-1"}, "cookie", doctor.OK, "dingtalk-1", "dingtalk-1"},
		"nobody vouches":            {doctor.SignIn{Unknown: &signer.Error{Reason: signer.Unvouched, Subject: "https://x.test"}}, "cookie", doctor.Error, "public_origin", "public_origin"},
		"a derived key":             {doctor.SignIn{}, "key", doctor.OK, "derived from the app's secret", "派生"},
		"a key":                     {doctor.SignIn{Keys: 1}, "key", doctor.OK, "the configured key", "配置的 key"},
		"keys that change":          {doctor.SignIn{Keys: 2}, "key", doctor.OK, "first of 2", "2 个 key"},
		"clocks agree":              {doctor.SignIn{Clock: doctor.Clock{Known: true, Ahead: time.Second}}, "clock", doctor.OK, "agrees", "一致"},
		"a clock is behind":         {doctor.SignIn{Clock: doctor.Clock{Known: true, Ahead: -2 * time.Minute}}, "clock", doctor.Warning, "2m0s off", "NTP"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			for _, f := range test.facts.Findings() {
				if f.Name != test.name {
					continue
				}
				en, zh := f.Text.EN, f.Text.ZH
				for _, cure := range f.Cures {
					en, zh = en+"\n"+cure.EN, zh+"\n"+cure.ZH
				}
				if f.Status != test.status || !strings.Contains(en, test.en) || !strings.Contains(zh, test.zh) {
					t.Errorf("%s: %s / %s", f.Status, en, zh)
				}
				return
			}
			t.Errorf("nothing of %s in %v", test.name, test.facts.Findings())
		})
	}
}
