package sandbox

import (
	"encoding/json"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// ask sends one request and returns status and JSON body.
func ask(t *testing.T, h http.Handler, r *http.Request) (int, map[string]any) {
	t.Helper()
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	var body map[string]any
	if err := json.Unmarshal(w.Body.Bytes(), &body); err != nil {
		t.Fatalf("%s %s answered no JSON: %q", r.Method, r.URL, w.Body)
	}
	return w.Code, body
}

func get(target string) *http.Request { return httptest.NewRequest(http.MethodGet, target, nil) }

func post(target, contentType, body string) *http.Request {
	r := httptest.NewRequest(http.MethodPost, target, strings.NewReader(body))
	if contentType != "" {
		r.Header.Set("Content-Type", contentType)
	}
	return r
}

func withToken(r *http.Request, token string) *http.Request {
	r.Header.Set("x-acs-dingtalk-access-token", token)
	return r
}

// fixed is an organisation whose secrets a table can spell out.
func fixed() *DingTalk {
	return New(Options{AppKey: "key", AppSecret: "s1", CorpID: "corp", CorpSecret: "s2", ChannelSecret: "s3"})
}

func login(t *testing.T, d *DingTalk, kind Kind) string {
	t.Helper()
	targets := map[Kind]string{
		App:     "/gettoken?appkey=key&appsecret=s1",
		Corp:    "/gettoken?corpid=corp&corpsecret=s2",
		Channel: "/channel/get_channel_token?corpid=corp&channel_secret=s3",
	}
	_, body := ask(t, d, get(targets[kind]))
	token, _ := body["access_token"].(string)
	if token == "" {
		t.Fatalf("no token for %s: %v", kind, body)
	}
	return token
}

func legacyTicket(t *testing.T, d *DingTalk, token string) string {
	t.Helper()
	_, body := ask(t, d, get("/get_jsapi_ticket?access_token="+token))
	ticket, _ := body["ticket"].(string)
	if ticket == "" {
		t.Fatalf("no ticket: %v", body)
	}
	return ticket
}

func TestServerAPIRefuses(t *testing.T) {
	d := fixed()
	app, channel := login(t, d, App), login(t, d, Channel)
	const form = "application/x-www-form-urlencoded"

	tests := map[string]struct {
		request *http.Request
		status  int
		errcode float64
		code    string
	}{
		"a legacy login without any parameter": {request: get("/gettoken"), status: 200, errcode: 40035},
		"a legacy login with a form body only": {
			request: func() *http.Request {
				r := post("/gettoken", form, "appkey=key&appsecret=s1")
				r.Method = http.MethodGet
				return r
			}(), status: 200, errcode: 40035,
		},
		"a wrong appkey":                {request: get("/gettoken?appkey=x&appsecret=s1"), status: 200, errcode: 40096},
		"a wrong appsecret":             {request: get("/gettoken?appkey=key&appsecret=x"), status: 200, errcode: 40096},
		"a wrong corpid":                {request: get("/gettoken?corpid=x&corpsecret=s2"), status: 200, errcode: 40089},
		"a wrong corpsecret":            {request: get("/gettoken?corpid=corp&corpsecret=x"), status: 200, errcode: 40089},
		"a channel login without corp":  {request: get("/channel/get_channel_token"), status: 200, errcode: 40035},
		"a wrong channel secret":        {request: get("/channel/get_channel_token?corpid=corp&channel_secret=s2"), status: 200, errcode: 40089},
		"a legacy ticket without token": {request: get("/get_jsapi_ticket"), status: 200, errcode: 41001},
		"a legacy ticket with the token in the new header only": {
			request: withToken(get("/get_jsapi_ticket"), app), status: 200, errcode: 41001,
		},
		"a legacy ticket for an unknown token":       {request: get("/get_jsapi_ticket?access_token=x"), status: 200, errcode: 40014},
		"a legacy ticket for a channel's token":      {request: get("/get_jsapi_ticket?access_token=" + channel), status: 200, errcode: 40014},
		"a ticket of a type other than jsapi":        {request: get("/get_jsapi_ticket?type=card&access_token=" + app), status: 200, errcode: 40035},
		"a channel ticket for an app's token":        {request: get("/channel/get_channel_jsapi_ticket?access_token=" + app), status: 200, errcode: 40014},
		"a path that DingTalk does not serve":        {request: get("/v2/token"), status: 404, errcode: 404},
		"a GET where the new family wants a POST":    {request: get("/v1.0/oauth2/accessToken"), status: 404, errcode: 404},
		"a new login as a form":                      {request: post("/v1.0/oauth2/accessToken", form, "appKey=key&appSecret=s1"), status: 400, code: "Missingbody"},
		"a new login as JSON without a content type": {request: post("/v1.0/oauth2/accessToken", "", `{"appKey":"key","appSecret":"s1"}`), status: 400, code: "Missingbody"},
		"a new login with broken JSON":               {request: post("/v1.0/oauth2/accessToken", "application/json", `{"appKey":`), status: 400, code: "Missingbody"},
		"a new login with a wrong secret":            {request: post("/v1.0/oauth2/accessToken", "application/json", `{"appKey":"key","appSecret":"x"}`), status: 400, code: "invalidClientIdOrSecret"},
		"a new login with names in the wrong case":   {request: post("/v1.0/oauth2/accessToken", "application/json", `{"appkey":"key","appsecret":"s1"}`), status: 400, code: "invalidClientIdOrSecret"},
		"a new ticket without token":                 {request: post("/v1.0/oauth2/jsapiTickets", "", ""), status: 400, code: "AuthenticationFailed.MissingParameter"},
		"a new ticket with the token in the query":   {request: post("/v1.0/oauth2/jsapiTickets?access_token="+app, "", ""), status: 400, code: "AuthenticationFailed.MissingParameter"},
		"a new ticket for an unknown token":          {request: withToken(post("/v1.0/oauth2/jsapiTickets", "", ""), "x"), status: 400, code: "InvalidAuthentication"},
		"a new ticket for a channel's token":         {request: withToken(post("/v1.0/oauth2/jsapiTickets", "", ""), channel), status: 400, code: "InvalidAuthentication"},
		"a new ticket with a form body":              {request: withToken(post("/v1.0/oauth2/jsapiTickets", form, "a=b"), app), status: 400, code: "Missingbody"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			status, body := ask(t, d, tt.request)
			if status != tt.status {
				t.Errorf("status %d, want %d", status, tt.status)
			}
			if tt.code == "" && (body["errcode"] != tt.errcode || body["errmsg"] == "") {
				t.Errorf("answered %v, want errcode %v", body, tt.errcode)
			}
			if tt.code != "" && (body["code"] != tt.code || body["requestid"] == "" || body["message"] == "") {
				t.Errorf("answered %v, want code %q, a requestid and a message", body, tt.code)
			}
		})
	}
	if len(d.Tickets()) != 0 {
		t.Errorf("refusals issued tickets: %v", d.Tickets())
	}
}

func TestServerAPIAnswersEachFamilyInItsOwnWords(t *testing.T) {
	d := fixed()
	status, body := ask(t, d, post("/v1.0/oauth2/accessToken", "application/json; charset=utf-8", `{"appKey":"key","appSecret":"s1"}`))
	token, _ := body["accessToken"].(string)
	if status != 200 || token == "" || body["expireIn"] != 7200.0 || len(body) != 2 {
		t.Fatalf("new token: %d %v", status, body)
	}
	if same := login(t, d, App); same != token {
		t.Errorf("the legacy family has another token for the same app")
	}
	status, body = ask(t, d, withToken(post("/v1.0/oauth2/jsapiTickets", "application/json", "{}"), token))
	ticket, _ := body["jsapiTicket"].(string)
	if status != 200 || ticket == "" || body["expireIn"] != 7200.0 || len(body) != 2 {
		t.Fatalf("new ticket: %d %v", status, body)
	}
	status, body = ask(t, d, get("/get_jsapi_ticket?type=jsapi&access_token="+token))
	want := map[string]any{"errcode": 0.0, "errmsg": "ok", "ticket": ticket, "expires_in": 7200.0}
	if status != 200 || !maps.Equal(body, want) {
		t.Errorf("legacy ticket: %d %v, want %v", status, body, want)
	}
	status, body = ask(t, d, get("/channel/get_channel_jsapi_ticket?access_token="+login(t, d, Channel)))
	if status != 200 || body["ticket"] != d.Ticket(Channel) || body["ticket"] == ticket {
		t.Errorf("channel ticket: %d %v", status, body)
	}
	corp := legacyTicket(t, d, login(t, d, Corp))
	if corp != d.Ticket(Corp) || len(d.Tickets()) != 3 {
		t.Errorf("corp ticket %q, living are %v", corp, d.Tickets())
	}
	if got := len(d.Issued()); got != 6 {
		t.Errorf("%d secrets issued, want 3 tokens and 3 tickets", got)
	}
}

func TestCallsAreCountedByName(t *testing.T) {
	d := fixed()
	token := login(t, d, App)
	legacyTicket(t, d, token)
	login(t, d, Corp)
	login(t, d, Channel)
	ask(t, d, get("/channel/get_channel_jsapi_ticket?access_token=x"))
	ask(t, d, post("/v1.0/oauth2/accessToken", "", ""))
	ask(t, d, withToken(post("/v1.0/oauth2/jsapiTickets", "", ""), token))
	ask(t, d, get("/elsewhere"))
	d.SetFault(TokenCall, MustFault("busy"))
	ask(t, d, get("/gettoken?appkey=key&appsecret=s1"))

	want := map[string]int{
		"oapi.token": 2, "oapi.ticket": 1, "corp.token": 1, "channel.token": 1, "channel.ticket": 1,
		"v1.token": 1, "v1.ticket": 1, "unknown": 1,
	}
	if got := d.Calls(); !maps.Equal(got, want) {
		t.Errorf("calls %v, want %v", got, want)
	}
	d.Reset()
	if got := d.Calls(); len(got) != 0 {
		t.Errorf("calls %v after a reset", got)
	}
	if login(t, d, App) != token {
		t.Error("the fault or the old token did not survive the reset as they should")
	}
}

func TestTicketsLiveAsRefetchSays(t *testing.T) {
	tests := map[string]struct {
		refetch Refetch
		steps   []time.Duration // pauses between fetches
		tickets []int           // which different ticket each fetch yields
	}{
		"the same value, prolonged, while it lives":       {SameValue, []time.Duration{0, time.Hour, 119 * time.Minute}, []int{0, 0, 0}},
		"another value after it expired":                  {SameValue, []time.Duration{0, 2 * time.Hour}, []int{0, 1}},
		"another value 24 h after its creation":           {SameValue, slices.Repeat([]time.Duration{90 * time.Minute}, 18), append(make([]int, 16), 1, 1)},
		"another value each time under the old semantics": {NewValue, []time.Duration{0, 0, time.Minute}, []int{0, 1, 2}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				d := New(Options{AppKey: "key", AppSecret: "s1", Refetch: tt.refetch})
				var seen []string
				for i, pause := range tt.steps {
					time.Sleep(pause)
					ticket := legacyTicket(t, d, login(t, d, App))
					if !slices.Contains(seen, ticket) {
						seen = append(seen, ticket)
					}
					if got := slices.Index(seen, ticket); got != tt.tickets[i] {
						t.Fatalf("fetch %d yields ticket %d, want %d", i, got, tt.tickets[i])
					}
					if living := d.Tickets(); len(living) != 1 || living[App] != ticket {
						t.Fatalf("living tickets %v, want the one just fetched only", living)
					}
				}
			})
		})
	}
}

func TestATicketDiesAtTheEndOfItsDayThoughRenewed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := New(Options{AppKey: "key", AppSecret: "s1"})
		for range 24 {
			legacyTicket(t, d, login(t, d, App))
			time.Sleep(time.Hour - time.Second)
		}
		if d.Ticket(App) == "" {
			t.Fatal("the ticket is dead before its 24 h")
		}
		time.Sleep(24 * time.Second)
		if d.Ticket(App) != "" {
			t.Error("the ticket lives longer than 24 h")
		}
	})
}

func TestTokensExpire(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := New(Options{AppKey: "key", AppSecret: "s1", Lifetime: time.Minute})
		token := login(t, d, App)
		time.Sleep(59 * time.Second)
		if login(t, d, App) != token {
			t.Fatal("a living token was not handed out again")
		}
		time.Sleep(time.Minute)
		if _, body := ask(t, d, get("/get_jsapi_ticket?access_token="+token)); body["errcode"] != 42001.0 {
			t.Errorf("an expired token is answered with %v", body)
		}
		if _, body := ask(t, d, withToken(post("/v1.0/oauth2/jsapiTickets", "", ""), token)); body["code"] != "InvalidAuthentication" {
			t.Errorf("an expired token is answered with %v", body)
		}
		if login(t, d, App) == token {
			t.Error("an expired token was handed out again")
		}
	})
}

func TestExpireKillsBehindEverybodysBack(t *testing.T) {
	d := fixed()
	token := login(t, d, App)
	ticket := legacyTicket(t, d, token)
	d.ExpireTicket()
	if len(d.Tickets()) != 0 {
		t.Errorf("tickets live on: %v", d.Tickets())
	}
	if next := legacyTicket(t, d, token); next == ticket {
		t.Error("the killed ticket was handed out again")
	}
	d.ExpireToken()
	if _, body := ask(t, d, get("/get_jsapi_ticket?access_token="+token)); body["errcode"] != 40014.0 {
		t.Errorf("a killed token is answered with %v", body)
	}
	if !slices.Contains(d.Issued(), ticket) || !slices.Contains(d.Issued(), token) {
		t.Error("what was killed is no longer listed as issued")
	}
}

func TestOptionsHaveDefaults(t *testing.T) {
	a, b := New(Options{}).Options(), New(Options{}).Options()
	for name, value := range map[string]string{"AppKey": a.AppKey, "CorpID": a.CorpID, "AgentID": a.AgentID} {
		if value == "" {
			t.Errorf("%s has no default", name)
		}
	}
	if a.AppSecret == b.AppSecret || a.CorpSecret == b.CorpSecret || a.ChannelSecret == b.ChannelSecret {
		t.Error("two organisations share a secret")
	}
}

func TestAWholeClientTalksToItOverHTTP(t *testing.T) {
	d := fixed()
	server := httptest.NewServer(d)
	defer server.Close()
	resp, err := http.Get(server.URL + "/gettoken?" + url.Values{"appkey": {"key"}, "appsecret": {"s1"}}.Encode())
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if ct := resp.Header.Get("Content-Type"); ct != "application/json;charset=utf-8" || resp.ContentLength <= 0 {
		t.Errorf("content type %q, length %d", ct, resp.ContentLength)
	}
}
