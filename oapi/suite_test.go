package oapi

import (
	"encoding/json"
	"io"
	"net/http"
	"reflect"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// testTicket is a suite_ticket, which no error may repeat either.
const testTicket = "t0ken-of-the-suite"

// TestTheSignatureIsDingTalks: vectors of DingTalk's page
// the-signature-calculation-method-of-the-third-party-access-interface, computed with
// another program.
func TestTheSignatureIsDingTalks(t *testing.T) {
	for _, v := range []struct{ secret, timestamp, ticket, want string }{
		{"_FP5PpZF3irDKj3e", "1527130370219", "test", "C/TSJ1rkdafqS5HAiv+xumGwm7wmbgXynqaQe6icm6s="},
		{"testsuiteSecret", "1546084445901", "TestSuiteTicket", "v1JBpwbleyCA7Fk45SWFwD/Cy0aLz8gUPrdlLIoLdc0="},
	} {
		if got := sign(v.secret, v.timestamp, v.ticket); got != v.want {
			t.Errorf("%s: %s", v.timestamp, got)
		}
	}
}

// exchange makes one call in virtual time, and returns the request.
func (s *Suite) recorded(t *testing.T, answer string, do func(*Suite) error) (request, body string) {
	t.Helper()
	s.o.Transport = transport(func(r *http.Request) (*http.Response, error) {
		text, _ := io.ReadAll(r.Body)
		request, body = r.Method+" "+r.URL.String(), string(text)
		return &http.Response{StatusCode: 200, Body: io.NopCloser(strings.NewReader(answer))}, nil
	})
	if err := do(s); err != nil {
		t.Error(err)
	}
	return request, body
}

type transport func(*http.Request) (*http.Response, error)

func (f transport) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func TestTheCallsOfASuiteAreMadeExactlyAsDingTalkDescribesThem(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(time.Until(time.UnixMilli(1527130370219)))
		const signed = "accessKey=suite1&signature=C%2FTSJ1rkdafqS5HAiv%2BxumGwm7wmbgXynqaQe6icm6s%3D&suiteTicket=test&timestamp=1527130370219"
		v1 := NewSuite("suite1", "_FP5PpZF3irDKj3e", false, Options{})
		legacy := NewSuite("suite1", "_FP5PpZF3irDKj3e", true, Options{})
		corpToken := func(s *Suite) error {
			value, lifetime, err := s.CorpToken(t.Context(), "ding1", "test")
			if value != "v-1" || lifetime != 2*time.Hour {
				t.Errorf("got %q for %v", value, lifetime)
			}
			return err
		}
		agents := func(s *Suite) error {
			got, err := s.Agents(t.Context(), "ding1", "test")
			if want := []Agent{{"1001", "5"}, {"1002", "6"}}; !reflect.DeepEqual(got, want) {
				t.Errorf("got %v", got)
			}
			return err
		}
		ticket := func(s *Suite) error {
			value, _, err := s.Ticket(t.Context(), "a-1")
			if value != "v-1" {
				t.Errorf("got %q", value)
			}
			return err
		}
		const authInfo = `{"errcode":0,"auth_info":{"agent":[{"agentid":1001,"appid":"5","agent_name":"x"},{"agentid":"1002","appid":6},{"appid":7}]}}`
		for name, tt := range map[string]struct {
			suite                 *Suite
			do                    func(*Suite) error
			answer, request, body string
		}{
			"token, v1": {v1, corpToken, `{"accessToken":"v-1","expireIn":7200}`, "POST https://api.dingtalk.com/v1.0/oauth2/corpAccessToken",
				`{"suiteKey":"suite1","suiteSecret":"_FP5PpZF3irDKj3e","authCorpId":"ding1","suiteTicket":"test"}`},
			"token, legacy": {legacy, corpToken, `{"errcode":0,"access_token":"v-1","expires_in":7200}`,
				"POST https://oapi.dingtalk.com/service/get_corp_token?" + signed, `{"auth_corpid":"ding1"}`},
			"agents, v1":     {v1, agents, authInfo, "POST https://oapi.dingtalk.com/service/get_auth_info?" + signed, `{"auth_corpid":"ding1","suite_key":"suite1"}`},
			"agents, legacy": {legacy, agents, authInfo, "POST https://oapi.dingtalk.com/service/get_auth_info?" + signed, `{"auth_corpid":"ding1","suite_key":"suite1"}`},
			"ticket, v1":     {v1, ticket, `{"jsapiTicket":"v-1","expireIn":7200}`, "POST https://api.dingtalk.com/v1.0/oauth2/jsapiTickets", `{}`},
			"ticket, legacy": {legacy, ticket, `{"errcode":0,"ticket":"v-1","expires_in":7200}`, "GET https://oapi.dingtalk.com/get_jsapi_ticket?access_token=a-1", ``},
		} {
			if request, body := tt.suite.recorded(t, tt.answer, tt.do); request != tt.request || !sameJSON(body, tt.body) {
				t.Errorf("%s: %s with %s, want %s with %s", name, request, body, tt.request, tt.body)
			}
		}
	})
}

func TestRefusalsOfASuiteAreSorted(t *testing.T) {
	for body, want := range map[string]Kind{
		`{"errcode":40082}`:             SuiteTicket,
		`{"errcode":853005}`:            SuiteTicket,
		`{"code":"invalidSuiteTicket"}`: SuiteTicket,
		`{"code":"invalidAuthInfo"}`:    NotAuthorized,
		`{"code":"orgNotAuthApp"}`:      NotAuthorized,
		`{"code":"orgNotExist"}`:        NotAuthorized,
		`{"code":"invalidCorpId"}`:      NotAuthorized,
		`{"errcode":41030}`:             NotAuthorized,
		`{"errcode":40013}`:             NotAuthorized,
		`{"code":"invalidSuiteKey"}`:    Credentials,
		`{"errcode":40088}`:             Credentials,
		`{"errcode":853003}`:            Credentials,
		`{"errcode":853004}`:            Credentials,
		`{"errcode":853001}`:            Clock,
		`{"errcode":853002}`:            Clock,
		`{"errcode":90007}`:             RateLimit,
		`{"errcode":90008}`:             RateLimit,
		`{"errcode":90009}`:             RateLimit,
		`{"errcode":90012}`:             RateLimit,
		`{"errcode":90002}`:             RateLimit,
		`{"status":1111,"wait":5}`:      RateLimit,
		`{"code":"Forbidden.AccessDenied.QpsLimitForAppkeyAndApi"}`: RateLimit,
		`{"errcode":60020,"errmsg":"request ip=203.0.113.7"}`:       AllowList,
		`{"errcode":-1}`:               Busy,
		`{"errcode":0}`:                Garbage,
		`{"errcode":0,"auth_info":{}}`: Garbage,
		`{"errcode":88,"sub_code":"41030","sub_msg":"` + testTicket + `"}`: NotAuthorized,
	} {
		status := 200
		if strings.Contains(body, `"code"`) {
			status = 400
		}
		base := serve(t, answer(status, body))
		for _, legacy := range []bool{false, true} {
			s := NewSuite("suite1", testSecret, legacy, Options{API: base, OAPI: base})
			_, _, err := s.CorpToken(t.Context(), "ding1", testTicket)
			if e := failed(t, err); e.Kind != want || strings.Contains(e.Error(), testTicket) {
				t.Errorf("%s: %v", body, e)
			}
			if _, err = s.Agents(t.Context(), "ding1", testTicket); KindOf(err) != want {
				t.Errorf("%s: %v", body, err)
			}
		}
	}
	one, all := &Error{Code: "90008"}, &Error{Code: "90009"}
	if !one.OneCorp() || all.OneCorp() {
		t.Error("the limits of a corp and of all are taken for each other")
	}
}

func TestNoErrorOfASuiteRepeatsWhatItLogsInWith(t *testing.T) {
	base := serve(t, func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		text, _ := json.Marshal(r.RequestURI + " " + r.URL.Query().Get("signature") + " " + string(body))
		_, _ = io.WriteString(w, `{"errcode":41030,"errmsg":`+string(text)+`}`)
	})
	for _, legacy := range []bool{false, true} {
		s := NewSuite("suite1", testSecret, legacy, Options{API: base, OAPI: base})
		_, _, err := s.CorpToken(t.Context(), "ding1", testTicket)
		if e := failed(t, err); strings.Contains(e.Message, testTicket) || strings.Contains(e.Message, "signature=") && !strings.Contains(e.Message, "signature=[secret]") {
			t.Errorf("%s", e.Message)
		}
	}
}
