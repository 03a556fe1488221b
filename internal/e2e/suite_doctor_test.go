package e2e

import (
	"net/http"
	"strings"
	"testing"

	"github.com/caddy-dingtalk/caddy-dingtalk/internal/sandbox"
	"github.com/caddy-dingtalk/caddy-dingtalk/internal/testsite"
)

// The doctor pushes to the callback of a running server, as DingTalk does.
func TestTheDoctorPushesToTheCallback(t *testing.T) {
	var seen int
	s := testsite.Run(t, testsite.Setup{DingTalk: thirdParty, Sites: tenantSite("127.0.0.1", suiteLines), Upstream: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPost {
			seen++
		}
		testsite.ServePage(w, r)
	})})
	callback := s.URL + "/.dingtalk/callback"
	doctor := func(change ...string) string {
		t.Helper()
		out, _ := runDoctorIn(t, strings.NewReplacer(change...).Replace(s.Caddyfile))
		return out
	}
	expect := func(out string, parts ...string) {
		t.Helper()
		for _, part := range parts {
			if !strings.Contains(out, part) {
				t.Errorf("no %q in\n%s", part, out)
			}
		}
		for _, secret := range append(s.Ding.SuiteSecrets(), s.Ding.Issued()...) {
			if strings.Contains(out, secret) {
				t.Errorf("the report gives a secret away:\n%s", out)
			}
		}
	}

	expect(doctor(), "✓ callback       a push to "+callback+" is answered with success in", "✗ suite ticket   no suite_ticket has been received", "! credentials    not checked: there is no suite_ticket")
	if reply, err := s.Ding.Push(t.Context(), sandbox.Push{URL: callback, Event: "suite_ticket"}); err != nil || reply.Status != http.StatusOK {
		t.Fatal(reply, err)
	}
	expect(doctor(), "✓ callback", "✓ suite ticket   the suite_ticket was received ", "s ago\n", "✓ credentials    DingTalk takes the SuiteKey")
	if seen != 0 {
		t.Errorf("the app has seen %d pushes", seen)
	}

	expect(doctor("t0ken", "an0ther"), "✗ callback       "+callback+" refuses the push: 403 bad_signature", "has another token, aes_key or suite_key than this configuration")
	expect(doctor("Yue0EfdN", "Zue0EfdN"), "403 bad_signature")
	expect(doctor("suite suiteone", "suite suitetwo"), "403 bad_signature")
	expect(doctor("aes_key ", "callback /own/callback\n\t\t\taes_key "), "✗ callback       "+s.URL+"/own/callback, which the app answers itself, gives status 200 and not a sealed success", "or leave out the")
	expect(doctor("import bases", "import bases\n\t\tendpoint /elsewhere"), "✗ callback       "+s.URL+"/elsewhere/callback is answered with status 200, but not by the directive", "lead /elsewhere/callback to Caddy")
	if seen != 2 {
		t.Errorf("the app has seen %d pushes, want those two that are not for the directive", seen)
	}
	expect(doctor("import bases", "import bases\n\t\tpublic_origin http://127.0.0.1:1"), "✗ callback       http://127.0.0.1:1/.dingtalk/callback is not reached: ", "let DNS lead this host")

	text := strings.Replace(s.Caddyfile, "suite suiteone {", "tenant ding111 1001 {\n\t\t\tapp_key a\n\t\t\tapp_secret b\n\t\t}\n\t\t#", 1) // without the suite
	text = text[:strings.Index(text, "\t\t#")] + text[strings.Index(text, "\t}\n\treverse_proxy"):]
	configured := s.Caddyfile
	if err := s.Load(t, text); err != nil {
		t.Fatal(err)
	}
	out, err := runDoctorIn(t, configured)
	if err == nil {
		t.Error("exit code 0")
	}
	expect(out, "✗ callback       "+callback+" refuses the push: 404 not_found", "caddy reload")
	out, _ = runDoctorIn(t, configured, "--lang", "zh")
	expect(out, "✗ callback       "+callback+" 拒绝了推送：404 not_found", "suite suiteone（指令 1）")
}
