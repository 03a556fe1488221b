package e2e

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/caddy-dingtalk/caddy-dingtalk/internal/sandbox"
	"github.com/caddy-dingtalk/caddy-dingtalk/internal/testsite"
)

// toldOnDoctorPage returns what the doctor page is told of tenants, and its verdict.
func toldOnDoctorPage(t *testing.T, s *testsite.Site, origin, query string, headers ...string) (told map[string]string, verdict string) {
	t.Helper()
	page := origin + "/.dingtalk/doctor" + query
	a := s.Fetch(t, http.MethodPost, page, `{"url":"`+page+`","outcome":"outside"}`, append([]string{"Sec-Fetch-Site", "same-origin", "Content-Type", "application/json"}, headers...)...)
	var found struct {
		Findings, Tenants []struct {
			Name, Status string
			Text         struct{ ZH, EN string }
			Cures        []struct{ ZH, EN string }
		}
	}
	if err := json.Unmarshal([]byte(a.Body), &found); err != nil || len(found.Findings) == 0 {
		t.Fatalf("%d %s", a.Status, a.Body)
	}
	for _, secret := range append(s.Ding.SuiteSecrets(), s.Ding.Issued()...) {
		if strings.Contains(a.Body, secret) {
			t.Errorf("the page is told a secret: %s", a.Body)
		}
	}
	told = make(map[string]string)
	for _, f := range found.Tenants {
		if f.Text.ZH == "" || f.Text.EN == "" || f.Status == "error" && len(f.Cures) == 0 {
			t.Errorf("%s says %v", f.Name, f)
		}
		told[f.Name+" "+f.Status] += f.Text.EN
		for _, cure := range f.Cures {
			told[f.Name+" "+f.Status] += "; " + cure.EN
		}
	}
	return told, found.Findings[0].Name
}

func TestTheDoctorPageTellsWhichTenantAVisitIsFor(t *testing.T) {
	token := "\t\tdoctor " + doctorToken + "\n"
	s := testsite.Run(t, testsite.Setup{DingTalk: corps, Sites: tenantSite("h5.test", "\t\timport bases\n"+token+tenantA+strings.Replace(tenantB, "import", "path /crm/*\n\t\t\timport", 1)) +
		tenantSite("default.test", "\t\timport app\n\t\tdoctor\n"+tenantA) + tenantSite("plain.test", "\t\timport app\n\t\tdoctor\n")})
	const all = "the tenants of this host, corp and agent: ding222 2001 (/crm/*), ding111 1001"
	for name, tt := range map[string]struct {
		site, query string
		headers     []string
		want        map[string]string // name and status -> a part
		verdict     string            // "" where the page would be signed
	}{
		"one that the URL names": {"h5.test", "?corpid=ding111&token=" + doctorToken, nil,
			map[string]string{"tenant ok": "this visit is for corp ding111, agent 1001: the page's URL names it", "tenants ok": all}, ""},
		"one with a path of its own": {"h5.test", "?corpid=ding222&token=" + doctorToken, nil,
			map[string]string{"tenant ok": "corp ding222, agent 2001", "tenants ok": all}, ""},
		"one that the cookie remembers": {"h5.test", "?token=" + doctorToken, []string{"Cookie", "dingtalk_tenant=ding111.1001"},
			map[string]string{"tenant ok": "the cookie dingtalk_tenant remembers it", "tenants ok": all}, ""},
		"none": {"h5.test", "?token=" + doctorToken, nil,
			map[string]string{"tenant_ambiguous error": "?corpid=$CORPID$", "tenants ok": all}, "tenant_ambiguous"},
		"a stranger": {"h5.test", "?corpid=ding999&token=" + doctorToken, nil,
			map[string]string{"tenant_unknown error": "names ding999, which is no tenant here", "tenants ok": all}, "tenant_unknown"},
		"the default one, where anybody may look":    {"default.test", "", nil, map[string]string{"tenant ok": "nothing names another, and the directive itself has its credential"}, ""},
		"a stranger, where anybody may look":         {"default.test", "?corpid=ding999", nil, map[string]string{"tenant_unknown error": "give the doctor page a token: doctor <token>"}, "tenant_unknown"},
		"the only one, of which nothing is told":     {"plain.test", "", nil, map[string]string{}, ""},
		"the only one, whatever the URL seems to be": {"plain.test", "?corpid=ding999", nil, map[string]string{}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			told, verdict := toldOnDoctorPage(t, s, s.At(tt.site), tt.query, tt.headers...)
			for what, part := range tt.want {
				if !strings.Contains(told[what], part) {
					t.Errorf("%s is %q, want %q", what, told[what], part)
				}
			}
			if len(told) != len(tt.want) || tt.verdict != "" && verdict != tt.verdict {
				t.Errorf("the verdict is %s, want %s, with %v", verdict, tt.verdict, told)
			}
		})
	}
}

func TestTheDoctorPageTellsHowASuiteStands(t *testing.T) {
	s := testsite.Run(t, testsite.Setup{DingTalk: thirdParty, Sites: tenantSite("h5.test", "\t\tdoctor "+doctorToken+"\n"+suiteLines)})
	const page = "?corpid=dingcorp1&token=" + doctorToken
	told, verdict := toldOnDoctorPage(t, s, s.At("h5.test"), page)
	if verdict != "ticket_unavailable" || !strings.Contains(told["suite_ticket error"], "suite suiteone: no suite_ticket has been received") ||
		!strings.Contains(told["ticket_unavailable error"], "not known whether corp dingcorp1 has authorised the app") || !strings.Contains(told["ticket_unavailable error"], "重新推送") {
		t.Errorf("without a ticket: %s %v", verdict, told)
	}
	if _, err := s.Ding.Authorize(sandbox.Authorization{CorpID: "dingcorp1", Agents: []sandbox.Agent{{AgentID: "501"}}}); err != nil {
		t.Fatal(err)
	}
	for _, event := range []string{"suite_ticket", "org_suite_auth"} {
		if reply, err := s.Ding.PushBy(t.Context(), s.Client, sandbox.Push{URL: s.At("h5.test") + "/.dingtalk/callback", Event: event, CorpID: "dingcorp1"}); err != nil || reply.Status != http.StatusOK {
			t.Fatal(reply, err)
		}
	}
	s.ExpectSigned(t, s.Get(t, s.At("h5.test")+"/p?corpid=dingcorp1"), s.At("h5.test")+"/p?corpid=dingcorp1")
	told, _ = toldOnDoctorPage(t, s, s.At("h5.test"), page)
	if !strings.Contains(told["tenant ok"], "corp dingcorp1, agent 501") || !strings.Contains(told["suite_ticket ok"], "received") ||
		!strings.Contains(told["corps ok"], "holds 1 corps that have authorised it, and 0 that") {
		t.Errorf("with all there is: %v", told)
	}
}

// TestTheDoctorPageTellsNobodyOfATenantsSignIn: a visit that is for no tenant may be anybody's.
func TestTheDoctorPageTellsNobodyOfATenantsSignIn(t *testing.T) {
	s := testsite.Run(t, testsite.Setup{Sites: tenantSite("", "\t\timport bases\n"+tenantA+tenantB+"\t\tdoctor\n\t\tlogin\n"), DingTalk: corps})
	told := func(query string) string {
		page := s.URL + "/.dingtalk/doctor" + query
		a := s.Fetch(t, http.MethodPost, page, `{"url":"`+page+`","outcome":"outside"}`, "Sec-Fetch-Site", "same-origin", "Content-Type", "application/json")
		return a.Body + s.Get(t, page).Body
	}
	if got := told(""); strings.Contains(got, `"sign_in":`) || strings.Contains(got, "dingtalk-1001") || strings.Contains(got, "ding111") {
		t.Errorf("nobody is told %s", got)
	}
	if calls := s.Ding.Calls(); calls["oapi.getuserinfo"] != 0 {
		t.Errorf("for nobody DingTalk was called: %v", calls)
	}
	if got := told("?corpid=ding222"); !strings.Contains(got, `"sign_in":`) || !strings.Contains(got, "dingtalk-2001") || strings.Contains(got, "ding111") {
		t.Errorf("a tenant's visit is told %s", got)
	}
}
