package examine_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2/caddyconfig"

	"github.com/caddy-dingtalk/caddy-dingtalk/doctor/examine"
	"github.com/caddy-dingtalk/caddy-dingtalk/internal/sandbox"
)

// twoCorps is a DingTalk with further apps, and a suite.
var twoCorps = sandbox.Options{
	Apps: []sandbox.Account{
		{AppKey: "dingkeya", AppSecret: "the-secret-of-a", CorpID: "ding111", AgentID: "1001"},
		{AppKey: "dingkeyb", AppSecret: "the-secret-of-b", CorpID: "ding222", AgentID: "2001"},
	},
	Suites: []sandbox.Suite{{Key: "suiteone", Secret: "the-suites-secret", Token: "the-suites-token", AESKey: "Yue0EfdN5900c1ce5cf6A152c63DDe1808a60c5ecd7", Ticket: "the-first-ticket"}},
}

const (
	tenantLines = "\n\t\ttenant ding111 1001 {\n\t\t\tapp_key dingkeya\n\t\t\tapp_secret {env.DOCTOR_A}\n\t\t}\n\t\ttenant ding222 2001 {\n\t\t\tapp_key dingkeyb\n\t\t\tapp_secret {env.DOCTOR_B}\n\t\t}"
	bases       = "api_base API\n\t\toapi_base API"
)

// checksOf returns the checks of an entry of a report by their names.
func checksOf(h examine.Handler) map[string]string {
	all := make(map[string]string)
	for _, c := range h.Checks {
		all[c.Name] = fmt.Sprintf("%s: %s\n%s", c.Status, c.Message, c.Advice)
	}
	return all
}

// expect compares checks with "status: a part".
func expect(t *testing.T, got map[string]string, want map[string]string, text string) {
	t.Helper()
	for name, w := range want {
		status, part, _ := strings.Cut(w, ": ")
		if !strings.HasPrefix(got[name], status+": ") || !strings.Contains(got[name], part) {
			t.Errorf("%s is %q, want %q in\n%s", name, got[name], w, text)
		}
	}
	if len(got) != len(want) {
		t.Errorf("%d checks, want %d in\n%s", len(got), len(want), text)
	}
}

func TestEachTenantIsExamined(t *testing.T) {
	t.Setenv("DOCTOR_A", "the-secret-of-a")
	t.Setenv("DOCTOR_B", "mistyped")
	w := newWorld(t, twoCorps, nil)
	report, text := w.examine(t, storageLine+site("h5.example.com", "APP\n\t\t"+bases+tenantLines))
	if len(report) != 4 {
		t.Fatalf("%d entries in\n%s", len(report), text)
	}
	expect(t, checksOf(report[0]), map[string]string{
		"config": "ok: complete", "secrets": "ok: tenant 1 app_secret comes from {env.DOCTOR_A}", "origins": "ok: h5.example.com", "page": "open: --url https://h5.example.com/",
		"dns": "ok: ", "connection": "ok: ", "clock": "ok: ", "storage": "ok: ", "lock": "ok: ",
	}, text)
	right := map[string]string{"credentials": "ok: access token", "corp_id": "ok: ", "agent_id": "open: ", "ip_allow_list": "ok: ", "ticket": "ok: stored for all servers"}
	for i, want := range []struct {
		corp   string
		checks map[string]string
	}{
		{w.ding.Options().CorpID, right},
		{"ding111", right},
		{"ding222", map[string]string{"credentials": "error: Compare app_key", "corp_id": "warning: ", "agent_id": "open: ", "ip_allow_list": "warning: not checked", "ticket": "warning: not checked"}},
	} {
		h := report[i+1]
		if h.Of != 1 || h.CorpID != want.corp || h.AgentID == "" || h.App == "" {
			t.Errorf("entry %d is %+v", i+1, h)
		}
		expect(t, checksOf(h), want.checks, text)
	}
	if !strings.Contains(text, "dingtalk handler 1 of 1: h5.example.com") || !strings.Contains(text, "\ntenant ding222 2001 of handler 1, app dingkeyb\n") || !strings.Contains(text, "\n1 error, ") {
		t.Errorf("the report is\n%s", text)
	}
	if calls := w.ding.CallsFor("ding111"); calls["v1.token"] != 1 {
		t.Errorf("the first tenant costs %v", calls)
	}
}

func TestOneOfSeveralTenantsIsExamined(t *testing.T) {
	t.Setenv("DOCTOR_A", "the-secret-of-a")
	t.Setenv("DOCTOR_B", "the-secret-of-b")
	suite := "\n\t\tsuite suiteone {\n\t\t\tsuite_secret {env.DOCTOR_A}\n\t\t\tsuite_ticket any\n\t\t}"
	sites := storageLine + site("h5.example.com", bases+tenantLines+suite) + site("b.example.com", bases+tenantLines) + site("c.example.com", "APP\n\t\t"+bases)
	for name, tt := range map[string]struct {
		corp, agent string
		want        []string // of the report's text
	}{
		"a corp":             {"ding222", "", []string{"\ntenant ding222 2001 of handler 1", "\ntenant ding222 2001 of handler 2", "dingkeyb, the same as of tenant ding222 2001 of handler 1: see there"}},
		"a corp and its app": {"ding111", "1001", []string{"\ntenant ding111 1001 of handler 1", "\ntenant ding111 1001 of handler 2"}},
		"an app":             {"", "2001", []string{"\ntenant ding222 2001 of handler 1", "\ntenant ding222 2001 of handler 2"}},
		"somebody's":         {"ding999", "", []string{"\nsuite suiteone of handler 1"}},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, twoCorps, nil)
			report, text := w.examineOne(t, sites, tt.corp, tt.agent)
			for _, part := range tt.want {
				if !strings.Contains(text, part) {
					t.Errorf("no %q in\n%s", part, text)
				}
			}
			tenants := 0
			for _, h := range report {
				if h.Of != 0 {
					tenants++
				}
			}
			if named := strings.Count(strings.Join(tt.want, "\n"), " of handler ") - strings.Count(strings.Join(tt.want, "\n"), "see there"); tenants != named || strings.Contains(text, "c.example.com") {
				t.Errorf("%d tenants, want %d in\n%s", tenants, named, text)
			}
		})
	}
	w := newWorld(t, twoCorps, nil)
	o := options(t)
	o.Corp, o.Agent = "ding111", "2001"
	adapted, _, err := caddyconfig.GetAdapter("caddyfile").Adapt([]byte(w.fill.Replace(storageLine+site("b.example.com", bases+tenantLines))), nil)
	if err != nil {
		t.Fatal(err)
	}
	_, err = examine.Examine(t.Context(), adapted, o)
	var none *examine.NoTenantError
	if !errors.As(err, &none) || !strings.Contains(err.Error(), "corp_id ding111 agent_id 2001") {
		t.Errorf("of a pair that is not there: %v", err)
	}
}

func TestWhatIsMissingOfATenantIsNamed(t *testing.T) {
	w := newWorld(t, twoCorps, nil)
	report, text := w.examine(t, storageLine+site("h5.example.com", bases+tenantLines))
	if got := checksOf(report[0])["config"]; len(report) != 1 || !strings.HasPrefix(got, "error: tenant {env.DOCTOR_A}: the environment variable DOCTOR_A is not set") {
		t.Errorf("the report is\n%s", text)
	}
	report, text = w.examine(t, storageLine+site("h5.example.com", strings.ReplaceAll(bases+tenantLines, "{env.DOCTOR_A}", "the-open-secret")))
	if got := checksOf(report[0])["secrets"]; !strings.HasPrefix(got, "warning: tenant 1 app_secret stands in the configuration in plain text\nWrite app_secret {env.NAME}") {
		t.Errorf("the report is\n%s", text)
	}
}
