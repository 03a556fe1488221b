package examine_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/caddy-dingtalk/caddy-dingtalk/doctor"
	"github.com/caddy-dingtalk/caddy-dingtalk/internal/sandbox"
)

// A suite whose site cannot be reached: all but the callback, which has a test with a
// server.
func TestASuiteIsExamined(t *testing.T) {
	w := newWorld(t, twoCorps, nil)
	s := w.ding.Suites()[0]
	t.Setenv("DOCTOR_SECRET", s.Secret)
	t.Setenv("DOCTOR_OTHER", "mistyped")
	t.Setenv("DOCTOR_TOKEN", s.Token)
	t.Setenv("DOCTOR_AES", s.AESKey)
	if _, err := w.ding.Authorize(sandbox.Authorization{CorpID: "dingcorp1", Agents: []sandbox.Agent{{AgentID: "501"}}}); err != nil {
		t.Fatal(err)
	}
	if _, err := w.ding.Authorize(sandbox.Authorization{CorpID: "dingcorp2", Agents: []sandbox.Agent{{AgentID: "601"}, {AgentID: "602"}}}); err != nil {
		t.Fatal(err)
	}
	if _, err := w.ding.Authorize(sandbox.Authorization{CorpID: "dingcorp3", State: sandbox.Revoked}); err != nil {
		t.Fatal(err)
	}
	lines := func(secret, more string) string { return bases + suiteBlock(secret, more) }
	name := w.suiteName(t, "suiteone")
	store := func(record, content string) { w.store(t, name, record, content) }
	for _, tt := range []struct {
		name, lines string
		before      func()
		corp        string
		want        map[string]string
	}{
		{"without a ticket", lines("DOCTOR_SECRET", pushedTo), nil, "", map[string]string{
			"callback": "warning: add public_origin", "suite_ticket": "error: 重新推送", "credentials": "warning: no suite_ticket",
		}},
		{"a corp without a ticket", lines("DOCTOR_SECRET", pushedTo), nil, "dingcorp1", map[string]string{
			"callback": "warning: ", "suite_ticket": "error: ", "credentials": "warning: ", "authorization": "warning: cannot be told",
		}},
		{"a ticket", lines("DOCTOR_SECRET", pushedTo), func() { store("suite_ticket.json", ticketRecord(s.Ticket, "2h")) }, "", map[string]string{
			"callback": "warning: ", "suite_ticket": "ok: received 2h0m ago", "credentials": "ok: takes the SuiteKey", "ip_allow_list": "ok: takes calls",
		}},
		{"an old ticket", lines("DOCTOR_SECRET", pushedTo), func() { store("suite_ticket.json", ticketRecord(s.Ticket, "7h")) }, "", map[string]string{
			"callback": "warning: ", "suite_ticket": "warning: 7h0m ago, and another one is overdue", "credentials": "ok: ", "ip_allow_list": "ok: ",
		}},
		{"a refused ticket", lines("DOCTOR_SECRET", pushedTo), func() { store("suite_ticket.json", ticketRecord("an-older-one", "1h")) }, "", map[string]string{
			"callback": "warning: ", "suite_ticket": "ok: ", "credentials": "error: 重新推送", "ip_allow_list": "warning: ",
		}},
		{"a broken record", lines("DOCTOR_SECRET", pushedTo), func() { store("suite_ticket.json", "{") }, "", map[string]string{
			"callback": "warning: ", "suite_ticket": "warning: cannot be read", "credentials": "warning: ",
		}},
		{"a wrong secret", lines("DOCTOR_OTHER", pushedTo), func() { store("suite_ticket.json", ticketRecord(s.Ticket, "1h")) }, "", map[string]string{
			"callback": "warning: ", "suite_ticket": "ok: ", "credentials": "error: suite_key and suite_secret", "ip_allow_list": "warning: ",
		}},
		{"a corp", lines("DOCTOR_SECRET", pushedTo), nil, "dingcorp1", map[string]string{
			"callback": "warning: ", "suite_ticket": "ok: ", "credentials": "ok: ", "ip_allow_list": "ok: ", "authorization": "ok: agent 501", "ticket": "ok: fetched, valid until",
		}},
		{"the same corp again", lines("DOCTOR_SECRET", pushedTo), nil, "dingcorp1", map[string]string{
			"callback": "warning: ", "suite_ticket": "ok: ", "credentials": "ok: ", "ip_allow_list": "ok: ", "authorization": "ok: ", "ticket": "ok: found in the storage",
		}},
		{"a corp with two agents", lines("DOCTOR_SECRET", pushedTo), nil, "dingcorp2", map[string]string{
			"callback": "warning: ", "suite_ticket": "ok: ", "credentials": "ok: ", "ip_allow_list": "ok: ", "authorization": "warning: app_id", "ticket": "ok: ",
		}},
		{"a corp that has revoked it", lines("DOCTOR_SECRET", pushedTo), nil, "dingcorp3", map[string]string{
			"callback": "warning: ", "suite_ticket": "ok: ", "credentials": "ok: ", "ip_allow_list": "ok: ", "authorization": "error: app market",
		}},
		{"a corp that the servers take for revoked", lines("DOCTOR_SECRET", pushedTo), func() { store("corps/dingcorp1.json", `{"revoked":99999999999999}`) }, "dingcorp1", map[string]string{
			"callback": "warning: ", "suite_ticket": "ok: ", "credentials": "ok: ", "ip_allow_list": "ok: ", "authorization": "error: were told otherwise", "ticket": "ok: ",
		}},
		{"what is no corpId", lines("DOCTOR_SECRET", pushedTo), nil, "../x", map[string]string{
			"callback": "warning: ", "suite_ticket": "ok: ", "credentials": "ok: ", "ip_allow_list": "ok: ", "authorization": "error: 4 to 64 letters",
		}},
		{"a custom app", lines("DOCTOR_SECRET", "suite_ticket any"), nil, "", map[string]string{
			"suite_ticket": "ok: stands in the configuration", "credentials": "error: ", "ip_allow_list": "warning: ",
		}},
		{"another agent of the corp", lines("DOCTOR_SECRET", pushedTo), nil, "dingcorp2 603", map[string]string{
			"callback": "warning: ", "suite_ticket": "ok: ", "credentials": "ok: ", "ip_allow_list": "ok: ", "authorization": "error: its agent there is 601, 602, not 603", "ticket": "ok: ",
		}},
		{"one agent of the corp", lines("DOCTOR_SECRET", pushedTo), nil, "dingcorp2 602", map[string]string{
			"callback": "warning: ", "suite_ticket": "ok: ", "credentials": "ok: ", "ip_allow_list": "ok: ", "authorization": "ok: agent 602", "ticket": "ok: ",
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if tt.before != nil {
				tt.before()
			}
			corp, agent, _ := strings.Cut(tt.corp, " ")
			report, text := w.examineOne(t, storageLine+site(":8080", tt.lines), corp, agent)
			if len(report) != 2 || report[1].SuiteKey != "suiteone" || report[1].Of != 1 {
				t.Fatalf("the report is\n%s", text)
			}
			expect(t, checksOf(report[1]), tt.want, text)
			for _, c := range report.In(doctor.Chinese)[1].Checks {
				if c.Name != "ticket" && c.Name != "credentials" && c.Name != "ip_allow_list" && !strings.ContainsFunc(c.Message, func(r rune) bool { return r > 0x4e00 }) {
					t.Errorf("in Chinese %s is %q", c.Name, c.Message)
				}
			}
		})
	}
	if calls := w.ding.Calls(); calls["v1.corp_token"] > 2 {
		t.Errorf("the doctor has asked for access tokens: %v", calls)
	}
}

// TestTheSignInOfASuiteIsExamined: its permissions are those that one corp has granted.
func TestTheSignInOfASuiteIsExamined(t *testing.T) {
	for name, tt := range map[string]struct {
		lines, corp string
		fault       string
		ticket      string // stored
		access      string // stored
		want        map[string]string
		probed      int
	}{
		"no corp": {"", "", "", "right", "", map[string]string{
			"permissions": "warning: --corpid", "console": "ok: http://127.0.0.1:1/?corpid=$CORPID$", "cookie": "ok: dingtalk-<agentid>", "key": "ok: derived",
		}, 0},
		"a corp": {"", "dingcorp1", "", "right", "", map[string]string{
			"permissions": "ok: topapi/v2/user/getuserinfo", "console": "ok: http://127.0.0.1:1/?corpid=$CORPID$", "cookie": "ok: dingtalk-501", "key": "ok: derived",
		}, 1},
		"a corp by the older calls": {"\n\t\tapi legacy", "dingcorp1", "", "right", "", map[string]string{
			"permissions": "ok: user/getuserinfo", "console": "ok: ", "cookie": "ok: ", "key": "ok: ",
		}, 1},
		"a permission that the corp has not granted": {"", "dingcorp1", "permission", "right", "", map[string]string{
			"permissions": "error: let the administrator of the corp agree", "console": "ok: ", "cookie": "ok: ", "key": "ok: ",
		}, 1},
		"a call without an answer": {"", "dingcorp1", "drop", "right", "", map[string]string{
			"permissions": "warning: not checked: the permission for topapi/v2/user/getuserinfo cannot be told", "console": "ok: ", "cookie": "ok: ", "key": "ok: ",
		}, 1},
		"no suite_ticket": {"", "dingcorp1", "", "", "", map[string]string{
			"permissions": "warning: not checked: the permissions of sign-in were not tried", "console": "ok: ", "cookie": "ok: dingtalk-<agentid>", "key": "ok: ",
		}, 0},
		"a corp that has revoked it": {"", "dingcorp3", "", "right", "", map[string]string{
			"permissions": "warning: not checked: the permissions of sign-in were not tried", "console": "ok: ", "cookie": "ok: ", "key": "ok: ",
		}, 0},
		"a corp with two agents, one of them named": {"", "dingcorp2 602", "", "right", "", map[string]string{
			"permissions": "ok: ", "console": "ok: ", "cookie": "ok: dingtalk-602", "key": "ok: ",
		}, 1},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, twoCorps, nil)
			s := w.ding.Suites()[0]
			for _, a := range []sandbox.Authorization{
				{CorpID: "dingcorp1", Agents: []sandbox.Agent{{AgentID: "501"}}},
				{CorpID: "dingcorp2", Agents: []sandbox.Agent{{AgentID: "601"}, {AgentID: "602"}}},
				{CorpID: "dingcorp3", State: sandbox.Revoked},
			} {
				if _, err := w.ding.Authorize(a); err != nil {
					t.Fatal(err)
				}
			}
			t.Setenv("DOCTOR_SECRET", s.Secret)
			t.Setenv("DOCTOR_TOKEN", s.Token)
			t.Setenv("DOCTOR_AES", s.AESKey)
			if tt.ticket != "" {
				w.store(t, w.suiteName(t, "suiteone"), "suite_ticket.json", ticketRecord(s.Ticket, "1h"))
			}
			if tt.fault != "" {
				w.ding.SetFault(sandbox.UserInfoCall, sandbox.MustFault(tt.fault))
			}
			corp, agent, _ := strings.Cut(tt.corp, " ")
			report, text := w.examineOne(t, storageLine+site(":8080", "public_origin http://127.0.0.1:1\n\t\t"+bases+tt.lines+suiteBlock("DOCTOR_SECRET", pushedTo)+"\n\t\tlogin"), corp, agent)
			got := checksOf(report[1])
			for _, other := range []string{"callback", "suite_ticket", "credentials", "ip_allow_list", "authorization", "ticket"} {
				delete(got, other)
			}
			expect(t, got, tt.want, text)
			for _, c := range report.In(doctor.Chinese)[1].Checks {
				if _, ours := tt.want[c.Name]; ours && !strings.ContainsFunc(c.Message, func(r rune) bool { return r > 0x4e00 }) {
					t.Errorf("in Chinese %s is %q", c.Name, c.Message)
				}
			}
			calls := w.ding.Calls()
			if n := calls["oapi.getuserinfo"] + calls["legacy.getuserinfo"]; n != tt.probed {
				t.Errorf("%d codes were tried, want %d: %v", n, tt.probed, calls)
			}
			if calls["v1.corp_token"]+calls["oapi.corp_token"] > 1 {
				t.Errorf("more than one access token was fetched: %v", calls)
			}
		})
	}
}

// pushedTo are the lines of a suite that DingTalk pushes to.
const pushedTo = "token {env.DOCTOR_TOKEN}\n\t\t\taes_key {env.DOCTOR_AES}"

// suiteBlock is a suite whose secret stands in that variable, with further lines.
func suiteBlock(secret, more string) string {
	return "\n\t\tsuite suiteone {\n\t\t\tsuite_secret {env." + secret + "}\n\t\t\t" + more + "\n\t\t}"
}

// store puts a record of an app into the storage.
func (w *world) store(t *testing.T, app, record, content string) {
	t.Helper()
	file := filepath.Join(w.dir, "storage", "dingtalk", app, filepath.FromSlash(record))
	if err := errors.Join(os.MkdirAll(filepath.Dir(file), 0o700), os.WriteFile(file, []byte(content), 0o600)); err != nil {
		t.Fatal(err)
	}
}
