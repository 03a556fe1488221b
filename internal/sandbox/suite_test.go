package sandbox

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"testing"
	"time"
)

// published is a suite whose secrets a table can spell out, at a time that is known.
func published(t *testing.T) *DingTalk {
	t.Helper()
	d := New(Options{
		AppKey: "key", AppSecret: "s1", CorpID: "corp", CorpSecret: "s2", ChannelSecret: "s3", AgentID: "1",
		Apps:   []Account{{AppKey: "key2", AppSecret: "s4", CorpID: "corp2", AgentID: "2"}},
		Suites: []Suite{{Key: "suite1", Secret: "_FP5PpZF3irDKj3e", Ticket: "test", AppID: "77"}, {Key: "suite2", Custom: true}},
		Now:    func() time.Time { return time.UnixMilli(1527130370219) },
	})
	for _, a := range []Authorization{
		{CorpID: "c1", Agents: []Agent{{AgentID: "101"}}},
		{CorpID: "c2", Agents: []Agent{{AgentID: "201"}, {AgentID: "202", AppID: "78"}}},
		{CorpID: "stopped", State: Stopped},
		{CorpID: "gone", State: Revoked},
		{CorpID: "dead", State: Dissolved},
		{Suite: "suite2", CorpID: "c1", Agents: []Agent{{AgentID: "111"}}},
	} {
		if _, err := d.Authorize(a); err != nil {
			t.Fatal(err)
		}
	}
	return d
}

func v1Corp(key, secret, corp, ticket string) *http.Request {
	body, _ := json.Marshal(map[string]string{"suiteKey": key, "suiteSecret": secret, "authCorpId": corp, "suiteTicket": ticket})
	return post("/v1.0/oauth2/corpAccessToken", "application/json", string(body))
}

// signed is a call that the first suite signs, with the parameters that change spoils.
func signed(path, body string, change func(q url.Values)) *http.Request {
	mac := hmac.New(sha256.New, []byte("_FP5PpZF3irDKj3e"))
	mac.Write([]byte("1527130370219\ntest"))
	q := url.Values{"accessKey": {"suite1"}, "timestamp": {"1527130370219"}, "suiteTicket": {"test"},
		"signature": {base64.StdEncoding.EncodeToString(mac.Sum(nil))}}
	if change != nil {
		change(q)
	}
	return post(path+"?"+q.Encode(), "application/json", body)
}

func TestCorpTokensAreCheckedStrictly(t *testing.T) {
	const right = "_FP5PpZF3irDKj3e"
	set := func(name, value string) func(url.Values) { return func(q url.Values) { q.Set(name, value) } }
	tests := map[string]struct {
		request *http.Request
		errcode float64
		code    string
	}{
		"another suite key":             {request: v1Corp("suite9", right, "c1", "test"), code: "invalidSuiteKey"},
		"no suite key":                  {request: v1Corp("", right, "c1", "test"), code: "invalidSuiteKey"},
		"another secret":                {request: v1Corp("suite1", "x", "c1", "test"), code: "invalidSuiteKey"},
		"another ticket":                {request: v1Corp("suite1", right, "c1", "old"), code: "invalidSuiteTicket"},
		"a corp that never had it":      {request: v1Corp("suite1", right, "c9", "test"), code: "invalidAuthInfo"},
		"a corp that has removed it":    {request: v1Corp("suite1", right, "gone", "test"), code: "invalidAuthInfo"},
		"a form":                        {request: post("/v1.0/oauth2/corpAccessToken", "application/x-www-form-urlencoded", "suiteKey=suite1"), code: "Missingbody"},
		"legacy, seconds":               {request: signed("/service/get_corp_token", `{"auth_corpid":"c1"}`, set("timestamp", "1527130370")), errcode: 853001},
		"legacy, two minutes late":      {request: signed("/service/get_corp_token", `{"auth_corpid":"c1"}`, set("timestamp", "1527130250219")), errcode: 853002},
		"legacy, another key":           {request: signed("/service/get_corp_token", `{"auth_corpid":"c1"}`, set("accessKey", "suite9")), errcode: 853003},
		"legacy, encoded twice":         {request: signed("/service/get_corp_token", `{"auth_corpid":"c1"}`, set("signature", "C%2FTSJ1rkdafqS5HAiv%2BxumGwm7wmbgXynqaQe6icm6s%3D")), errcode: 853004},
		"legacy, another ticket":        {request: signed("/service/get_corp_token", `{"auth_corpid":"c1"}`, set("suiteTicket", "old")), errcode: 853004},
		"legacy, a corp without it":     {request: signed("/service/get_corp_token", `{"auth_corpid":"c9"}`, nil), errcode: 41030},
		"legacy, no such corp any more": {request: signed("/service/get_auth_info", `{"auth_corpid":"dead","suite_key":"suite1"}`, nil), errcode: 33001},
		"legacy, no corp":               {request: signed("/service/get_auth_info", `{}`, nil), errcode: 40035},
		"legacy, another suite's info":  {request: signed("/service/get_auth_info", `{"auth_corpid":"c1","suite_key":"suite2"}`, nil), errcode: 40035},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			_, body := ask(t, published(t), tt.request)
			if tt.code != "" && body["code"] != tt.code || tt.code == "" && body["errcode"] != tt.errcode {
				t.Errorf("answered %v, want %s%v", body, tt.code, tt.errcode)
			}
			if body["accessToken"] != nil || body["access_token"] != nil {
				t.Errorf("a refusal with a token: %v", body)
			}
		})
	}
}

func TestAnOldSuiteTicketIsRefusedOnceThereIsANewOne(t *testing.T) {
	d := published(t)
	fresh := d.NewSuiteTicket("suite1", "")
	if _, body := ask(t, d, v1Corp("suite1", "_FP5PpZF3irDKj3e", "c1", "test")); body["code"] != "invalidSuiteTicket" {
		t.Errorf("the old ticket: %v", body)
	}
	if _, body := ask(t, d, signed("/service/get_corp_token", `{"auth_corpid":"c1"}`, nil)); body["errcode"] != 853005.0 {
		t.Errorf("the old ticket, rightly signed: %v", body)
	}
	if _, body := ask(t, d, v1Corp("suite1", "_FP5PpZF3irDKj3e", "c1", fresh)); body["accessToken"] == nil {
		t.Errorf("the new ticket: %v", body)
	}
	if _, body := ask(t, d, v1Corp("suite2", d.Suites()[1].Secret, "c1", "anything")); body["accessToken"] == nil {
		t.Errorf("a custom app takes any ticket: %v", body)
	}
}

func TestACorpsTokenIsNewEachTimeAndTheOldOnesLiveOn(t *testing.T) {
	d := published(t)
	token := func(r *http.Request, field string) string {
		t.Helper()
		_, body := ask(t, d, r)
		value, _ := body[field].(string)
		if value == "" {
			t.Fatalf("no token: %v", body)
		}
		return value
	}
	first := token(v1Corp("suite1", "_FP5PpZF3irDKj3e", "c1", "test"), "accessToken")
	second := token(signed("/service/get_corp_token", `{"auth_corpid":"c1"}`, nil), "access_token")
	other := token(v1Corp("suite1", "_FP5PpZF3irDKj3e", "c2", "test"), "accessToken")
	if first == second {
		t.Error("a second token is the first one again")
	}
	ticket := legacyTicket(t, d, first)
	if again := legacyTicket(t, d, second); again != ticket {
		t.Errorf("one corp has two living tickets")
	}
	if _, body := ask(t, d, withToken(post("/v1.0/oauth2/jsapiTickets", "", ""), other)); body["jsapiTicket"] == ticket {
		t.Error("two corps have one ticket")
	}
	if got := d.TicketFor("suite1", "c1"); got != ticket {
		t.Errorf("the living ticket of c1 is %q, want %q", got, ticket)
	}
	if got := d.CallsFor("c1"); got["oapi.ticket"] != 2 || got["v1.corpAccessToken"] != 1 || got["oapi.get_corp_token"] != 1 {
		t.Errorf("calls for c1: %v", got)
	}

	if _, err := d.Authorize(Authorization{CorpID: "c1", State: Revoked}); err != nil {
		t.Fatal(err)
	}
	if _, body := ask(t, d, get("/get_jsapi_ticket?access_token="+first)); body["errcode"] != 40014.0 {
		t.Errorf("a revoked corp's token: %v", body)
	}
}

func TestAuthInfoListsTheAgentsAsNumbers(t *testing.T) {
	_, body := ask(t, published(t), signed("/service/get_auth_info", `{"auth_corpid":"c2","suite_key":"suite1"}`, nil))
	info, _ := body["auth_info"].(map[string]any)
	if got := fmt.Sprint(info["agent"]); got != "[map[admin_list:[u1] agent_name:应用 77 agentid:201 appid:77] map[admin_list:[u1] agent_name:应用 78 agentid:202 appid:78]]" {
		t.Errorf("agents: %s", got)
	}
}

func TestTheNativeSideKnowsWhichTicketIsWhose(t *testing.T) {
	d := published(t)
	const page = "https://h5.example.com/p"
	tickets := map[string]string{
		"corp": d.org.ticket(d.accounts[0].of(App)), "corp2": d.org.ticket(d.accounts[1].of(App)),
		"c1": d.org.ticket(holder{ISV, "suite1", "c1"}), "c2": d.org.ticket(holder{ISV, "suite1", "c2"}),
		"c1 of suite2": d.org.ticket(holder{ISV, "suite2", "c1"}), "stopped": d.org.ticket(holder{ISV, "suite1", "stopped"}),
	}
	tests := []struct {
		name, ticket, corp, agent string
		code                      int
	}{
		{"the first app", "corp", "corp", "1", 0},
		{"the second app", "corp2", "corp2", "2", 0},
		{"the second app's agent in the first corp", "corp", "corp", "2", 52019},
		{"another corp's ticket", "corp2", "corp", "1", 52013},
		{"a corp of a suite", "c1", "c1", "101", 0},
		{"its second agent", "c2", "c2", "202", 0},
		{"another corp of the suite", "c1", "c2", "201", 52013},
		{"another corp's agent", "c1", "c1", "201", 52019},
		{"the other suite in the same corp", "c1 of suite2", "c1", "111", 0},
		{"the other suite's ticket for this suite's agent", "c1 of suite2", "c1", "101", 52019},
		{"an app that is switched off", "stopped", "stopped", "5000003", 52019},
		{"a corp that nobody knows", "c1", "c9", "101", 52010},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p := ConfigParams{AgentID: tt.agent, CorpID: tt.corp, TimeStamp: "1", NonceStr: "n", JSAPIList: []string{},
				Signature: sign(SHA1, tickets[tt.ticket], "n", "1", page)}
			if got := d.Verify(p, page); got.Code != tt.code || got.OK != (tt.code == 0) {
				t.Errorf("verdict %+v, want code %d", got, tt.code)
			}
		})
	}
}

// What is hashed has no escapes: a URL of ours that holds `&timestamp=…&url=…` is, with another
// nonce and time, the signature of a URL of somebody else. Natively nothing speaks against it.
func TestAHashedTextWithoutEscapesSignsForAnybody(t *testing.T) {
	d := holding(App, knownTicket, Options{})
	const ours, theirs = "http://h5.example.com/?a", "https://evil.test/steal"
	asked := ours + "&timestamp=1&url=" + theirs
	signature := sign(SHA1, knownTicket, knownNonce, knownTime, asked)

	if got := d.Verify(d.params(knownNonce, knownTime, signature), asked); !got.OK {
		t.Fatalf("the page that was asked for: %+v", got)
	}
	stolen := d.params(knownNonce+"&timestamp="+knownTime+"&url="+ours, "1", signature)
	if got := d.Verify(stolen, theirs); !got.OK {
		t.Errorf("the attack: %+v; if the native side saw through it, nobody would have to refuse such URLs", got)
	}
}

func TestFaultsTakeTheCallsOfSuitesByName(t *testing.T) {
	for call, request := range map[Call]*http.Request{
		CorpTokenCall: v1Corp("suite1", "_FP5PpZF3irDKj3e", "c1", "test"),
		GetTokenCall:  signed("/service/get_corp_token", `{"auth_corpid":"c1"}`, nil),
		AuthInfoCall:  signed("/service/get_auth_info", `{"auth_corpid":"c1"}`, nil),
	} {
		d := published(t)
		d.SetFault(call, MustFault("not_authorized"))
		if _, body := ask(t, d, request); body["errcode"] != 41030.0 && body["code"] != "invalidAuthInfo" {
			t.Errorf("%s: %v", call, body)
		}
	}
	d := published(t)
	d.SetFault(TokenCall, MustFault("busy"))
	if status, _ := ask(t, d, v1Corp("suite1", "_FP5PpZF3irDKj3e", "c1", "test")); status != http.StatusInternalServerError {
		t.Errorf("a fault of all calls that give a token spares that of suites: %d", status)
	}
}

func TestDefaultsOfAppsAndSuitesAreWellFormed(t *testing.T) {
	d := New(Options{Apps: make([]Account, 2), Suites: make([]Suite, 2)})
	o := d.Options()
	for _, s := range o.Suites {
		if _, err := aesKey(s.AESKey); err != nil || len(s.AESKey) != 43 || len(s.Token) > 32 {
			t.Errorf("%+v: %v", s, err)
		}
	}
	seen := map[string]bool{o.AppKey: true, o.CorpID: true, o.AgentID: true}
	for _, a := range o.Apps {
		for _, value := range []string{a.AppKey, a.CorpID, a.AgentID} {
			if _, err := strconv.Atoi(a.AgentID); seen[value] || err != nil {
				t.Errorf("%+v", a)
			}
			seen[value] = true
		}
	}
}
