package e2e

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig"

	"github.com/caddy-dingtalk/caddy-dingtalk/internal/sandbox"
	"github.com/caddy-dingtalk/caddy-dingtalk/internal/testsite"
)

const pagesCanBeSigned = "there is a jsapi_ticket, pages can be signed"

func TestTheTicketIsThereBeforeTheFirstPage(t *testing.T) {
	s := testsite.Run(t, testsite.Setup{Sites: testsite.Signed + "\nhttp://other.test:PORT {\n\tdingtalk {\n\t\timport app\n\t}\n}\n"})
	testsite.Eventually(t, "the line of the start", func() bool { return len(s.Logged(t, pagesCanBeSigned)) > 0 })
	if err := s.Load(t, strings.Replace(s.Caddyfile, "UPSTREAM", "", 1)); err != nil { // a reload that changes nothing
		t.Fatal(err)
	}
	s.ExpectSigned(t, s.Get(t, "/p"), s.URL+"/p")
	if lines, calls := s.Logged(t, pagesCanBeSigned), s.Ding.Calls(); len(lines) != 1 || calls["v1.token"] != 1 || calls["v1.ticket"] != 1 {
		t.Errorf("%d lines, calls %v", len(lines), calls)
	}
}

func TestAWrongSecretIsToldAtTheStart(t *testing.T) {
	for name, test := range map[string]struct {
		fault string
		call  sandbox.Call
		words []string
	}{
		"a wrong secret":                  {"secret", sandbox.TokenCall, []string{"Compare app_key and app_secret", `"advice_zh":"密钥不对`}},
		"an address that is not listed":   {"ip", sandbox.TicketCall, []string{"服务器出口IP", `"advice_zh":"服务器的 IP 不在白名单里`}},
		"a DingTalk that is not answered": {"status:503", sandbox.TokenCall, []string{"DingTalk is in trouble itself"}},
	} {
		t.Run(name, func(t *testing.T) {
			s := testsite.Run(t, testsite.Setup{Sites: testsite.Signed, Faults: map[sandbox.Call]string{test.call: test.fault}})
			failed := "cannot fetch a jsapi_ticket"
			testsite.Eventually(t, "the line of the start", func() bool { return len(s.Logged(t, failed)) > 0 })
			if lines := s.Logged(t, append(test.words, failed)...); len(lines) != 1 || lines[0].Level != "error" {
				t.Errorf("%v", s.Logged(t, failed))
			}
		})
	}
}

// TestWhatIsOnlyValidatedCallsNobody: nor does what fails to start.
func TestWhatIsOnlyValidatedCallsNobody(t *testing.T) {
	s := testsite.Run(t, testsite.Setup{Sites: "http://:PORT {\n\trespond ok\n}\n"})
	text := strings.Replace(s.Caddyfile, "respond ok", "dingtalk {\n\t\timport app\n\t}", 1)
	adapted, _, err := caddyconfig.GetAdapter("caddyfile").Adapt([]byte(text), nil)
	if err != nil {
		t.Fatal(err)
	}
	var config caddy.Config
	if err := json.Unmarshal(adapted, &config); err != nil {
		t.Fatal(err)
	}
	if err := caddy.Validate(&config); err != nil {
		t.Fatal(err)
	}
	if calls := s.Ding.Calls(); len(calls) != 0 {
		t.Errorf("%v", calls)
	}
}

// TestAFleetThatStartsFetchesOnce, although no page is asked for.
func TestAFleetThatStartsFetchesOnce(t *testing.T) {
	a, b := testsite.NewFleetApp("start", sandbox.Options{Refetch: sandbox.NewValue}), testsite.NewFleetApp("second", sandbox.Options{})
	f := testsite.StartFleet(t, 4, a, b)
	testsite.Eventually(t, "the start of all", func() bool { return len(a.Ding.Calls()) > 0 && b.Ding.Calls()["v1.ticket"] > 0 })
	f.Crowd(t, a, 1).Expect(t, map[string]int{testsite.SignedPage: 4})
	a.ExpectCalls(t, 1, 1)
	b.ExpectCalls(t, 1, 1)
}

func TestEndpointsThatAMatcherHoldsBackAreToldAtTheStart(t *testing.T) {
	for name, test := range map[string]struct {
		site string
		want []string
	}{
		"a matcher of the directive": {"dingtalk /app/* {\n\t\timport app\n\t}", []string{"/.dingtalk does not pass the matcher /app/*", "endpoint /app/.dingtalk", `"advice_zh":"/.dingtalk 通不过`}},
		"a handle around it":         {"handle /app/* {\n\t\tdingtalk {\n\t\t\timport app\n\t\t}\n\t}", []string{"does not pass the matcher /app/*"}},
		"a named matcher":            {"@pages path *.html\n\tdingtalk @pages {\n\t\timport app\n\t}", []string{"does not pass the matcher *.html"}},
		"its cure":                   {"dingtalk /app/* {\n\t\timport app\n\t\tendpoint /app/.dingtalk\n\t}", nil},
		"a matcher of anything else": {"@get method GET\n\tdingtalk @get {\n\t\timport app\n\t}", nil},
		"one of two ways":            {"@two path /app/* /.dingtalk/*\n\tdingtalk @two {\n\t\timport app\n\t}", nil},
		"no matcher":                 {"dingtalk {\n\t\timport app\n\t}", nil},
	} {
		t.Run(name, func(t *testing.T) {
			s := testsite.Run(t, testsite.Setup{Sites: fmt.Sprintf("http://:PORT {\n\t%s\n\trespond ok\n}\n", test.site)})
			lines := s.Logged(t, "in front of the directive")
			if test.want == nil && len(lines) > 0 || test.want != nil && (len(lines) != 1 || len(s.Logged(t, test.want...)) != 1) {
				t.Errorf("%v", lines)
			}
		})
	}
}
