package login

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

var testApp = App{Endpoint: "/.dingtalk", CorpID: "dingcorp", ClientID: "dingkey"}

func TestThePageIsOursAloneAndSaysItsStateInTheLanguageAskedFor(t *testing.T) {
	for name, c := range map[string]struct {
		accept string
		page   Page
		want   []string
	}{
		"Chinese where nobody asks": {"", Page{State: StateAsking}, []string{`lang="zh-CN"`, `data-state="asking"`, "正在登录"}},
		"English":                   {"en-US,en;q=0.9", Page{State: StateAsking}, []string{`lang="en"`, "Signing you in"}},
		"an error with its advice": {"en", Page{State: StateError, Code: CodeNotVisible},
			[]string{`data-state="error"`, `data-code="not_visible"`, "可使用范围"}},
		"a path that would end the data": {"zh", Page{State: StateError, Next: `/</script><script>alert(1)</script>`},
			[]string{`\u003c/script\u003e`}},
	} {
		t.Run(name, func(t *testing.T) {
			r := httptest.NewRequest("GET", "/", nil)
			r.Header.Set("Accept-Language", c.accept)
			c.page.Language = pageLanguage(r.Header)
			w := httptest.NewRecorder()
			if err := c.page.Write(w, r, http.StatusUnauthorized, testApp, "login.js"); err != nil {
				t.Fatal(err)
			}
			body := w.Body.String()
			for _, want := range append(c.want, `src="/.dingtalk/login.js"`, `"corpId":"dingcorp"`) {
				if !strings.Contains(body, want) {
					t.Errorf("the page lacks %q:\n%s", want, body)
				}
			}
			if strings.Contains(body, "<script>") || strings.Contains(body, "ZgotmplZ") {
				t.Errorf("the page holds what it should not:\n%s", body)
			}
			policy := w.Header().Get("Content-Security-Policy")
			_, rest, _ := strings.Cut(policy, "script-src 'nonce-")
			nonce, _, _ := strings.Cut(rest, "'")
			if nonce == "" || strings.Count(body, `nonce="`+nonce+`"`) != 4 {
				t.Errorf("the nonce of %q is not that of the page", policy)
			}
		})
	}
}

func TestAHEADGetsTheHeadersOfThePageAlone(t *testing.T) {
	w := httptest.NewRecorder()
	if err := (Page{State: StateAsking}).Write(w, httptest.NewRequest("HEAD", "/", nil), 401, testApp, "login.js"); err != nil {
		t.Fatal(err)
	}
	if w.Code != 401 || w.Body.Len() != 0 || w.Header().Get("Content-Length") == "0" {
		t.Errorf("status %d, %d bytes, Content-Length %s", w.Code, w.Body.Len(), w.Header().Get("Content-Length"))
	}
}
