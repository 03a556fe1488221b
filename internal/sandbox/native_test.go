package sandbox

import (
	"encoding/json"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
)

func TestNativeJSHasTheUserAgentsOfThisPackage(t *testing.T) {
	if got := slices.Sorted(maps.Keys(UserAgents)); !slices.Equal(got, slices.Sorted(slices.Values(Platforms))) {
		t.Errorf("user agents for %v, platforms are %v", got, Platforms)
	}
	for platform, ua := range UserAgents {
		if !strings.Contains(NativeJS, platform+": '"+ua+"'") {
			t.Errorf("native.js has another user agent for %s", platform)
		}
	}
}

func TestNativeVerify(t *testing.T) {
	d := holding(App, knownTicket, Options{})
	request := func(signature string) *http.Request {
		p := d.params(knownNonce, knownTime, signature)
		body, _ := json.Marshal(map[string]any{
			"platform": "pc", "href": knownURL + "#/r",
			"params": map[string]any{
				"agentId": p.AgentID, "corpId": p.CorpID, "timeStamp": p.TimeStamp, "nonceStr": p.NonceStr,
				"signature": p.Signature, "type": 0, "jsApiList": []string{"a"}, "url": knownURL,
			},
		})
		return post("/native/verify", "application/json", string(body))
	}

	_, got := ask(t, d.NativeHandler(), request("052a58540c3aace961d24ec22530fa211fd877dc"))
	expected, _ := got["expected"].(map[string]any)
	if got["ok"] != true || got["error"] != nil || expected["url"] != knownURL || expected["form"] != "raw" || expected["hash"] != "sha1" {
		t.Errorf("right: %v", got)
	}
	_, got = ask(t, d.NativeHandler(), request("wrong"))
	refusal, _ := got["error"].(map[string]any)
	expected, _ = got["expected"].(map[string]any)
	forms, _ := expected["forms"].(map[string]any)
	if got["ok"] != false || refusal["errorCode"] != 9.0 || expected["form"] != nil || forms["raw"] != knownURL || len(forms) != 3 {
		t.Errorf("wrong: %v", got)
	}
}

func TestNativeVerifyRefusesWhatItCannotRead(t *testing.T) {
	for name, body := range map[string]string{
		"no JSON":    "x",
		"cut off":    `{"href":"https://h.exam`,
		"wrong type": `{"params":{"jsApiList":7}}`,
		"too large":  `{"href":"` + strings.Repeat("x", maxRequestBody) + `"}`,
	} {
		w := httptest.NewRecorder()
		New(Options{}).NativeHandler().ServeHTTP(w, post("/native/verify", "application/json", body))
		if w.Code != http.StatusBadRequest {
			t.Errorf("%s: status %d", name, w.Code)
		}
	}
}

func TestPagesOfAllOriginsMayCall(t *testing.T) {
	d := New(Options{})
	for _, tt := range []struct {
		handler http.Handler
		target  string
	}{
		{d.NativeHandler(), "/native/verify"},
		{d.ControlHandler(), "/sandbox/fault"},
	} {
		preflight := httptest.NewRecorder()
		tt.handler.ServeHTTP(preflight, httptest.NewRequest(http.MethodOptions, tt.target, nil))
		if h := preflight.Header(); preflight.Code != http.StatusNoContent || h.Get("Access-Control-Allow-Origin") != "*" ||
			h.Get("Access-Control-Allow-Headers") != "Content-Type" || !strings.Contains(h.Get("Access-Control-Allow-Methods"), "POST") {
			t.Errorf("%s preflight: %d %v", tt.target, preflight.Code, h)
		}
		call := httptest.NewRecorder()
		tt.handler.ServeHTTP(call, post(tt.target, "application/json", "{}"))
		if call.Header().Get("Access-Control-Allow-Origin") != "*" {
			t.Errorf("%s answers without CORS", tt.target)
		}
	}
}
