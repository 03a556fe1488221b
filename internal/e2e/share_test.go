package e2e

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/caddy-dingtalk/caddy-dingtalk/internal/testsite"
)

func TestOtherProgramsHaveTheTokensOfAnAppThatSharesThem(t *testing.T) {
	s := testsite.Run(t, testsite.Setup{Sites: strings.Replace(testsite.Signed, "import app", "import app\n\t\tshare_tokens", 1)})
	s.Get(t, "/p")
	_, apps, _ := testsite.Admin(t, http.MethodGet, "/dingtalk/status")
	where := "/dingtalk/token?app=" + apps[0].App
	for _, kind := range []string{"access_token", "jsapi_ticket"} {
		status, _, text := testsite.Admin(t, http.MethodGet, where+"&kind="+kind)
		var got struct {
			App, Kind, Value, Expires string
			ExpiresIn                 int `json:"expires_in_seconds"`
		}
		if err := json.Unmarshal([]byte(text), &got); err != nil || status != http.StatusOK {
			t.Fatalf("%d %v %s", status, err, text)
		}
		if got.App != apps[0].App || got.Kind != kind || !strings.Contains(strings.Join(s.Ding.Issued(), " "), got.Value) || got.ExpiresIn < 7000 || got.Expires == "" {
			t.Errorf("%+v", got)
		}
	}
	if calls := s.Ding.Calls(); calls["v1.token"] != 1 || calls["v1.ticket"] != 1 {
		t.Errorf("%v", calls)
	}
	for name, test := range map[string]struct {
		method, target string
		status         int
		words          string
	}{
		"no kind":        {http.MethodGet, where, http.StatusBadRequest, "kind=access_token or kind=jsapi_ticket"},
		"another kind":   {http.MethodGet, where + "&kind=app_secret", http.StatusBadRequest, "kind="},
		"no app":         {http.MethodGet, "/dingtalk/token?kind=jsapi_ticket", http.StatusBadRequest, "/dingtalk/status"},
		"an unknown app": {http.MethodGet, "/dingtalk/token?kind=jsapi_ticket&app=x", http.StatusNotFound, "/dingtalk/status"},
		"another method": {http.MethodPost, where + "&kind=jsapi_ticket", http.StatusMethodNotAllowed, "GET"},
	} {
		t.Run(name, func(t *testing.T) {
			if status, _, text := testsite.Admin(t, test.method, test.target); status != test.status || !strings.Contains(text, test.words) {
				t.Errorf("%d %s", status, text)
			}
		})
	}
	t.Run("no value reaches the log", func(t *testing.T) {
		for _, value := range s.Ding.Issued() {
			if strings.Contains(string(s.Log(t)), value) {
				t.Errorf("%.6s… is logged", value)
			}
		}
	})
	t.Run("and the public side has none", func(t *testing.T) {
		for _, target := range []string{"/.dingtalk/token?kind=jsapi_ticket&app=" + apps[0].App, "/dingtalk/token?kind=jsapi_ticket&app=" + apps[0].App} {
			a := s.Fetch(t, http.MethodGet, target, "")
			for _, value := range s.Ding.Issued() {
				if strings.Contains(a.Body, value) {
					t.Errorf("%s answers %d %s", target, a.Status, a.Body)
				}
			}
		}
	})
}

func TestAnAppSharesNothingUnlessItsDirectiveSaysSo(t *testing.T) {
	s := testsite.Run(t, testsite.Setup{Sites: testsite.Signed})
	s.Get(t, "/p")
	_, apps, _ := testsite.Admin(t, http.MethodGet, "/dingtalk/status")
	status, _, text := testsite.Admin(t, http.MethodGet, "/dingtalk/token?kind=jsapi_ticket&app="+apps[0].App)
	if status != http.StatusForbidden || !strings.Contains(text, "share_tokens") || strings.Contains(text, s.Ding.Issued()[0]) {
		t.Errorf("%d %s", status, text)
	}
}
