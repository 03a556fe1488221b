package doctor

import (
	"net/http"
	"testing"
)

// ashore is what a page says of itself.
func ashore(url, code, message string) *Sidecar {
	s := &Sidecar{URL: url, Endpoint: "/.dingtalk"}
	if code != "" {
		s.Error = &struct {
			Code    string `json:"code"`
			Message string `json:"message"`
		}{code, message}
	}
	return s
}

func TestWhatIsSeenFromOutsideIsCuredWithThatAddress(t *testing.T) {
	const shown = "https://h5.test:8443/app/p?a=1"
	ours := Answered{Status: 200, Ours: true, URL: shown}
	refused := Answered{Status: 403, Ours: true, Code: "origin_not_allowed", Message: "only URLs of this site are signed"}
	served := Script{Name: "rest.0a1b2c3d.js", Status: 200, Ours: true}
	for name, test := range map[string]struct {
		tour  Tour
		find  string // a finding
		state Status
		words []string
		not   []string
	}{
		"all is well": {Tour{Sidecar: ashore(shown, "", ""), Endpoint: ours, Scripts: []Script{served}}, "signed_url", OK, nil, nil},
		"the server does not know its origin": {Tour{Sidecar: ashore("", "origin_unknown", "nothing says that http://127.0.0.1:9 is this site: public_origin … / 配置里没有任何地方说明"), Endpoint: refused},
			"signed_url", Error, []string{"public_origin https://h5.test:8443 ", "public_host h5.test,", "trusted_proxies static private_ranges", passHost, noHost}, []string{"127.0.0.1", "配置"}},
		"and its endpoint says no more": {Tour{Sidecar: ashore("", "origin_unknown", "x / 某"), Endpoint: refused}, "endpoint", Error, []string{"above"}, []string{"only URLs"}},
		"another refusal, in two languages": {Tour{Sidecar: ashore("", "ticket_unavailable", "DingTalk gives none / 钉钉没有给出"), Endpoint: refused},
			"signed_url", Error, []string{"ticket_unavailable", "DingTalk gives none"}, []string{"钉钉", "public_origin"}},
		"another port than public_origin's": {Tour{Sidecar: ashore("https://h5.test/app/p?a=1", "", ""), Endpoint: refused},
			"signed_url", Error, []string{"the port is 8443, not the default one", passHost, "public_origin https://h5.test:8443 ", "in the place of public_origin https://h5.test,", "pass the port on"}, []string{"$scheme", "trusted_proxies"}},
		"another host": {Tour{Sidecar: ashore("https://app:8443/app/p?a=1", "", ""), Endpoint: refused},
			"signed_url", Error, []string{"the host is h5.test, not app", passHost, noHost, "in the place of public_origin https://app:8443,"}, nil},
		"another scheme": {Tour{Sidecar: ashore("http://h5.test:8443/app/p?a=1", "", ""), Endpoint: refused},
			"signed_url", Error, []string{ownScheme, "trusted_proxies"}, []string{passHost}},
		"another path": {Tour{Sidecar: ashore("https://h5.test:8443/p?a=1", "", ""), Endpoint: ours},
			"signed_url", Warning, []string{"X-Original-URI $request_uri", "forwarded X-Original-URI", "trusted_proxies"}, []string{"public_origin"}},
		"sign-in": {Tour{SignIn: &Gate{Endpoint: "/.dingtalk"}, Endpoint: ours}, "page", Open, []string{"public in login", "/.dingtalk/doctor in DingTalk"}, nil},
		"sign-in at another address than is known": {Tour{SignIn: &Gate{Endpoint: "/.dingtalk"}, Endpoint: refused},
			"endpoint", Error, []string{"public_origin https://h5.test:8443 ", "origin_not_allowed"}, []string{"only URLs"}},
		"sign-in at an unknown address": {Tour{SignIn: &Gate{Endpoint: "/.dingtalk", Code: "origin_unknown"}, Endpoint: refused},
			"page", Error, []string{"public_origin https://h5.test:8443 ", "public_host h5.test"}, nil},
		"sign-in of nobody":       {Tour{SignIn: &Gate{Endpoint: "/.dingtalk", Code: "tenant_unknown"}, Endpoint: refused}, "page", Error, []string{"tenant_unknown", "?corpid="}, nil},
		"somebody else's sign-in": {Tour{Status: http.StatusUnauthorized}, "page", Error, []string{"401", "needs no sign-in"}, nil},
		"redirects without end":   {Tour{Err: http.ErrAbortHandler, Loops: true}, "page", Error, []string{"such as :8080", "http://"}, []string{"DNS"}},
		"a script that is a static file": {Tour{Sidecar: ashore(shown, "", ""), Endpoint: ours, Scripts: []Script{served, {Name: "login.0a1b2c3d.js", Status: 404}}},
			"scripts", Error, []string{"/.dingtalk/login.0a1b2c3d.js (status 404", "sign-in page", "location ^~ /.dingtalk/ {"}, nil},
		"a script that does not come": {Tour{Sidecar: ashore(shown, "", ""), Endpoint: ours, Scripts: []Script{{Name: "rest.0a1b2c3d.js"}}},
			"scripts", Error, []string{"no answer", "location ^~ /.dingtalk/ {"}, []string{"status 0"}},
		"scripts that come": {Tour{Sidecar: ashore(shown, "", ""), Endpoint: ours, Scripts: []Script{served}}, "scripts", OK, nil, nil},
	} {
		t.Run(name, func(t *testing.T) {
			test.tour.Shown = shown
			var found *Finding
			for _, f := range test.tour.Findings() {
				expectWords(t, f, nil, nil)
				if f.Name == test.find {
					found = &f
				}
			}
			if found == nil || found.Status != test.state {
				t.Fatalf("%+v", test.tour.Findings())
			}
			expectWords(t, *found, test.words, test.not)
			if test.state == Error && len(found.Cures) == 0 {
				t.Error("nothing is to be done")
			}
		})
	}
}

func TestWhatIsInBothLanguagesIsTakenApart(t *testing.T) {
	for both, want := range map[string]Text{
		"x is wrong / x 不对":         {EN: "x is wrong", ZH: "x 不对"},
		"a / b is wrong / a / b 不对": {EN: "a / b is wrong", ZH: "a / b 不对"},
		"only one":                  {EN: "only one", ZH: "only one"},
		"a / b":                     {EN: "a / b", ZH: "a / b"},
		"a / b / 丙":                 {EN: "a / b / 丙", ZH: "a / b / 丙"},
		"拒绝访问: no such app / 拒绝访问：没有应用": {EN: "拒绝访问: no such app", ZH: "拒绝访问：没有应用"},
	} {
		if got := Apart(both); got != want {
			t.Errorf("%q: %+v", both, got)
		}
	}
	if text := (Text{EN: "in English", ZH: "中文"}); Apart(text.Both()) != text {
		t.Error(Apart(text.Both()))
	}
}
