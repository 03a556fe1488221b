package sandbox

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

// The published vectors of the callback encryption.
var pushVectors = map[string]struct {
	token, aesKey, receiver, timestamp, nonce, signature, encrypt, message string
}{
	"official docs": {
		"123456", "4g5j64qlyl3zvetqxz5jiocdr586fn2zvjpa8zls3ij", "suite4xxxxxxxxxxxxxxx", "1445827045067", "nEXhMP4r",
		"5a65ceeef9aab2d149439f82dc191dd6c5cbe2c0",
		"1a3NBxmCFwkCJvfoQ7WhJHB+iX3qHPsc9JbaDznE1i03peOk1LaOQoRz3+nlyGNhwmwJ3vDMG+OzrHMeiZI7gTRWVdUBmfxjZ8Ej23JVYa9VrYeJ5as7XM/ZpulX8NEQis44w53h1qAgnC3PRzM7Zc/D6Ibr0rgUathB6zRHP8PYrfgnNOS9PhSBdHlegK+AGGanfwjXuQ9+0pZcy0w9lQ==",
		`{"EventType":"check_create_suite_url","Random":"LPIdSnlF","TestSuiteKey":"suite4xxxxxxxxxxxxxxx"}`,
	},
	"DingTalk-Callback-Crypto": {
		"tokenxxxx", "o1w0aum42yaptlz8alnhwikjd3jenzt9cb9wmzptgus", "dingxxxxxx", "1605695694141", "WelUQl6bCqcBa2fM",
		"f36f4ba5337d426c7d4bca0dbcb06b3ddc1388fc",
		"X1VSe9cTJUMZu60d3kyLYTrBq5578ZRJtteU94wG0Q4Uk6E/wQYeJRIC0/UFW5Wkya1Ihz9oXAdLlyC9TRaqsQ==", "success",
	},
	"configure-stream-push": {
		"123456", "1234567890123456789012345678901234567890123", "dingsnotzck6pm5veliw", "1614767836", "A7Co0cJLMzIDtMMI",
		"9a95a004dd16f5c307e849b994173f76aa26e5eb",
		"YvkvaGe4hQxd3VxRmEty0dVlnCOAqwf56xwTRHDHoOURqhalbmBJQk5FNcRk42Gl5T0YQXZNwpwWSm1xAFJ5ZA==", "success",
	},
}

func TestPushesAreEncryptedAsDingTalkDoes(t *testing.T) {
	for name, v := range pushVectors {
		t.Run(name, func(t *testing.T) {
			if got := pushSignature(v.token, v.timestamp, v.nonce, v.encrypt); got != v.signature {
				t.Errorf("signature %s, want %s", got, v.signature)
			}
			key, err := aesKey(v.aesKey)
			if err != nil {
				t.Fatal(err)
			}
			if message, to, err := decrypt(key, v.encrypt); err != nil || message != v.message || to != v.receiver {
				t.Errorf("holds %q for %q (%v)", message, to, err)
			}
			again, to, err := decrypt(key, encrypt(key, padded(plainPush(v.message, v.receiver))))
			if err != nil || again != v.message || to != v.receiver {
				t.Errorf("what is encrypted here holds %q for %q (%v)", again, to, err)
			}
		})
	}
}

// callback is a receiver of pushes that keeps the last one and answers with success.
type callback struct {
	*httptest.Server
	message string
	fault   string
}

func receiving(t *testing.T, s Suite) *callback {
	c := &callback{}
	c.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var wire struct{ Encrypt string }
		body, _ := io.ReadAll(r.Body)
		q := r.URL.Query()
		key, _ := aesKey(s.AESKey)
		if json.Unmarshal(body, &wire) != nil || q.Get("signature") != pushSignature(s.Token, q.Get("timestamp"), q.Get("nonce"), wire.Encrypt) {
			w.WriteHeader(http.StatusForbidden)
			return
		}
		message, to, err := decrypt(key, wire.Encrypt)
		if err != nil || to != s.Key && to != createSuiteKey {
			w.WriteHeader(http.StatusForbidden)
			return
		}
		c.message = message
		token, word := s.Token, "success"
		if c.fault == "token" {
			token = "another"
		}
		if c.fault == "word" {
			word = "no"
		}
		sealed := encrypt(key, padded(plainPush(word, s.Key)))
		_ = json.NewEncoder(w).Encode(map[string]any{"msg_signature": pushSignature(token, "1", "n", sealed), "timeStamp": "1", "nonce": "n", "encrypt": sealed})
	}))
	t.Cleanup(c.Close)
	return c
}

func TestPushesSayWhatTheEventsSay(t *testing.T) {
	d := published(t)
	c := receiving(t, d.Suites()[0])
	tests := []struct {
		push Push
		want []string
	}{
		{Push{Event: "check_url"}, []string{`{"EventType":"check_url"}`}},
		{Push{Event: "check_create_suite_url"}, []string{`"TestSuiteKey":"suite4xxxxxxxxxxxxxxx"`}},
		{Push{Event: "check_update_suite_url"}, []string{`"TestSuiteKey":"suite1"`}},
		{Push{Event: "suite_ticket"}, []string{`"SuiteTicket":"test"`, `"TimeStamp":"1527130370219"`, `"SuiteKey":"suite1"`}},
		{Push{Event: "suite_ticket", Shape: "sync"}, []string{`"biz_type":2`, `"biz_data":"{`, `\"suiteTicket\":\"test\"`, `"gmt_modified":1527130370219`}},
		{Push{Event: "suite_ticket", Shape: "sync", Object: true}, []string{`"biz_data":{`, `"suiteTicket":"test"`}},
		{Push{Event: "tmp_auth_code", CorpID: "c1"}, []string{`"EventType":"tmp_auth_code"`, `"AuthCorpId":"c1"`, `"AuthCode":"auth`}},
		{Push{Event: "org_suite_auth", CorpID: "c1"}, []string{`"biz_type":4`, `"corp_id":"c1"`, `\"agentid\":101`, `\"syncAction\":\"org_suite_auth\"`}},
		{Push{Event: "org_suite_auth", CorpID: "c1", Shape: "plain"}, []string{`"EventType":"tmp_auth_code"`}},
		{Push{Event: "tmp_auth_code", CorpID: "c1", Shape: "sync"}, []string{`\"syncAction\":\"org_suite_auth\"`}},
		{Push{Event: "suite_relieve", CorpID: "c1", Time: "-1h"}, []string{`"EventType":"suite_relieve"`, `"AuthCorpId":"c1"`, `"TimeStamp":"1527126770219"`}},
		{Push{Event: "org_micro_app_stop", CorpID: "c1"}, []string{`"AgentId":101`, `"AppId":77`, `"AuthCorpId":"c1"`}},
		{Push{Event: "org_micro_app_restore", CorpID: "c1", Shape: "sync"}, []string{`"biz_type":7`, `\"agentId\":101`}},
		{Push{Event: "org_remove", CorpID: "c1"}, []string{`"biz_type":16`}},
		{Push{Event: "anything", Message: `{"EventType":"x"}`}, []string{`{"EventType":"x"}`}},
	}
	for _, tt := range tests {
		t.Run(tt.push.Event+" "+tt.push.Shape, func(t *testing.T) {
			tt.push.URL = c.URL
			answer, err := d.Push(t.Context(), tt.push)
			if err != nil || answer.Status != 200 || answer.Reply != "success" || answer.Error != "" {
				t.Fatalf("%+v, %v", answer, err)
			}
			for _, want := range tt.want {
				if !strings.Contains(c.message, want) {
					t.Errorf("%s lacks %s", c.message, want)
				}
			}
		})
	}
}

func TestTamperedPushesAreRefusedByARightReceiver(t *testing.T) {
	d := published(t)
	c := receiving(t, d.Suites()[0])
	for _, tamper := range tampers {
		answer, err := d.Push(t.Context(), Push{URL: c.URL, Event: "suite_ticket", Tamper: tamper})
		if err != nil || answer.Status != http.StatusForbidden || answer.Reply != "" || answer.Error == "" {
			t.Errorf("%s: %+v, %v", tamper, answer, err)
		}
	}
}

func TestAWrongAnswerToAPushIsTold(t *testing.T) {
	d := published(t)
	c := receiving(t, d.Suites()[0])
	c.fault = "token"
	if answer, err := d.Push(t.Context(), Push{URL: c.URL, Event: "check_url"}); err != nil || answer.Reply != "" || !strings.Contains(answer.Error, "msg_signature") {
		t.Errorf("%+v, %v", answer, err)
	}
	c.fault = "word"
	if answer, err := d.Push(t.Context(), Push{URL: c.URL, Event: "check_url"}); err != nil || answer.Reply != "no" {
		t.Errorf("%+v, %v", answer, err)
	}
}

func TestTheControlAuthorizesPushesAndGivesTickets(t *testing.T) {
	d := published(t)
	d.options.Now = time.Now
	c := receiving(t, d.Suites()[0])
	control := d.ControlHandler()
	order := func(path string, body map[string]any) map[string]any {
		t.Helper()
		data, _ := json.Marshal(body)
		status, answer := ask(t, control, post(path, "application/json", string(data)))
		if status != http.StatusOK {
			t.Fatalf("%s: %d %v", path, status, answer)
		}
		return answer
	}
	order("/sandbox/corp", map[string]any{"corpid": "c7", "agents": []any{701, map[string]any{"agentid": "702", "appid": 9}}})
	if a, _ := d.authorization("suite1", "c7"); a.State != Authorized || len(a.Agents) != 2 || a.Agents[0] != (Agent{"701", "77"}) || a.Agents[1] != (Agent{"702", "9"}) {
		t.Errorf("%+v", a)
	}
	order("/sandbox/corp", map[string]any{"corpid": "c7", "state": "revoked"})
	if a, _ := d.authorization("suite1", "c7"); a.State != Revoked || len(a.Agents) != 2 {
		t.Errorf("%+v", a)
	}
	ticket := order("/sandbox/suite_ticket", nil)["suite_ticket"]
	if d.Suites()[0].Ticket != ticket {
		t.Errorf("the ticket is %v, want %v", d.Suites()[0].Ticket, ticket)
	}
	if answer := order("/sandbox/push", map[string]any{"url": c.URL, "event": "suite_ticket", "time": time.Now().UnixMilli()}); answer["reply"] != "success" || answer["status"] != 200.0 {
		t.Errorf("%v", answer)
	}
	if _, answer := ask(t, control, get("/sandbox/state")); len(answer["suites"].([]any)) != 2 {
		t.Errorf("%v", answer)
	}
}

func TestTheControlRefusesWrongOrdersForSuites(t *testing.T) {
	for name, r := range map[string]*http.Request{
		"an unknown state":           post("/sandbox/corp", "", `{"corpid":"c1","state":"odd"}`),
		"no corp":                    post("/sandbox/corp", "", `{}`),
		"an unknown suite":           post("/sandbox/corp", "", `{"corpid":"c1","suite":"suite9"}`),
		"a push without a url":       post("/sandbox/push", "", `{"event":"check_url"}`),
		"an unknown way to tamper":   post("/sandbox/push", "", `{"url":"http://127.0.0.1:9/","tamper":"odd"}`),
		"a push at no time":          post("/sandbox/push", "", `{"url":"http://127.0.0.1:9/","time":"soon"}`),
		"a push of an unknown suite": post("/sandbox/push", "", `{"url":"http://127.0.0.1:9/","suite":"suite9"}`),
		"a ticket for nobody":        post("/sandbox/suite_ticket", "", `{"suite":"suite9"}`),
	} {
		w := httptest.NewRecorder()
		published(t).ControlHandler().ServeHTTP(w, r)
		if w.Code != http.StatusBadRequest {
			t.Errorf("%s: %d %s", name, w.Code, w.Body)
		}
	}
}
