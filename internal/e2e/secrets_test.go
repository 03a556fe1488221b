package e2e

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/caddy-dingtalk/caddy-dingtalk/internal/sandbox"
	"github.com/caddy-dingtalk/caddy-dingtalk/internal/testsite"
)

func TestNoSecretIsLoggedOrServed(t *testing.T) {
	s := testsite.Run(t, testsite.Setup{
		Global: `debug
	servers {
		trace
		trusted_proxies static 127.0.0.1/32
	}`,
		DingTalk: sandbox.Options{Refetch: sandbox.NewValue},
		Sites:    testsite.Signed,
	})
	o := s.Ding.Options()
	_, api, _ := strings.Cut(s.Credentials(t, s.Ding), "oapi_base ")
	common := fmt.Sprintf("corp_id %s\n\t\tagent_id %s\n\t\toapi_base %s", o.CorpID, o.AgentID, api)
	// The secrets stand in the configuration in plain text: the worst case.
	text := s.Caddyfile
	for host, login := range map[string]string{
		"legacy.test":  "api legacy\n\t\tapp_key " + o.AppKey + "\n\t\tapp_secret " + o.AppSecret,
		"corp.test":    "corp_secret " + o.CorpSecret,
		"channel.test": "channel_secret " + o.ChannelSecret,
	} {
		text += fmt.Sprintf("%s {\n\tlog\n\tdingtalk {\n\t\t%s\n\t\t%s\n\t}\n\t%s\n}\n", s.At(host), login, common, s.Fill.Replace("reverse_proxy UPSTREAM"))
	}
	if err := s.Load(t, text); err != nil {
		t.Fatal(err)
	}

	var served strings.Builder
	show := func(answers ...*testsite.Answer) {
		for _, a := range answers {
			fmt.Fprintln(&served, a.Status, a.Header, a.Body)
		}
	}
	visit := func() {
		for _, host := range []string{"127.0.0.1", "legacy.test", "corp.test", "channel.test"} {
			origin := s.At(host)
			show(s.Get(t, origin+"/p"), s.Config(t, origin, origin+"/p"), s.Config(t, origin, "https://evil.test/"),
				s.Get(t, origin+"/p", "X-Forwarded-Proto", "x"),
				s.Fetch(t, http.MethodPost, origin+"/.dingtalk/report", `{"url":"`+origin+`/p","signed":"`+origin+`/p","code":52013,"message":""}`),
				s.Fetch(t, http.MethodGet, origin+"/.dingtalk/nothing", ""))
		}
	}
	visit()
	for _, fault := range []string{"secret", "token", "drop", "html", "truncated", "redirect:http://127.0.0.1:1/?access_token=x", "status:500", "missing"} {
		for _, call := range []sandbox.Call{sandbox.TokenCall, sandbox.TicketCall} {
			s.Ding.SetFault(call, sandbox.MustFault(fault))
		}
		// Other keys are other apps: each begins cold, and fails.
		other := strings.NewReplacer("app_key "+o.AppKey, "app_key other-"+fault[:4], "corp_id "+o.CorpID, "corp_id other-"+fault[:4]).Replace(text)
		if err := s.Load(t, other); err != nil {
			t.Fatal(err)
		}
		visit()
		show(s.Get(t, "/p"))
	}
	testsite.Eventually(t, "tokens at rest", func() bool {
		return len(s.Logged(t, "cannot fetch a jsapi_ticket")) >= 8 && !strings.Contains(testsite.Stacks(), "tokens.(*App).fetch")
	})

	broken := strings.Replace(text, "api legacy", "api legacy\n\t\turl_policy nothing", 1)
	if err := s.Load(t, broken); err == nil {
		t.Error("a broken configuration was loaded")
	} else {
		fmt.Fprintln(&served, err)
	}

	secrets := append(s.Ding.Issued(), o.AppSecret, o.CorpSecret, o.ChannelSecret)
	if len(secrets) < 9 {
		t.Fatalf("only %d secrets: not every login was used", len(secrets))
	}
	log := string(s.Log(t))
	if !strings.Contains(log, `"app_secret":"[redacted]"`) {
		t.Error("the trace does not show the handler: the test has seen nothing")
	}
	for _, secret := range secrets {
		for what, text := range map[string]string{"the log": log, "an answer": served.String()} {
			if i := strings.Index(text, secret); i >= 0 {
				t.Errorf("%s has a secret: %s", what, text[max(0, i-300):min(len(text), i+100)])
			}
		}
	}
	if lines := s.Logged(t, "stands in the configuration in plain text"); len(lines) < 3 {
		t.Errorf("%d lines warn of secrets in plain text", len(lines))
	}
}
