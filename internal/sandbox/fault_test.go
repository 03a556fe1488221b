package sandbox

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func tokenRequest(f family) *http.Request {
	if f == v1 {
		return post("/v1.0/oauth2/accessToken", "application/json", `{"appKey":"key","appSecret":"s1"}`)
	}
	return get("/gettoken?appkey=key&appsecret=s1")
}

func TestFaults(t *testing.T) {
	tests := map[string]struct {
		fault  string
		family family
		status int
		body   string // part of it
		absent string // what the body must not have
	}{
		"a legacy errcode with DingTalk's text":     {"errcode:40001", legacy, 200, `"errcode":40001,"errmsg":"获取access_token时Secret错误`, "access_token\":"},
		"a legacy errcode with a text":              {"errcode:7:because: why", legacy, 200, `"errmsg":"because: why"`, ""},
		"a negative errcode":                        {"errcode:-1", legacy, 200, `"errcode":-1`, ""},
		"an errcode stays legacy on the new family": {"errcode:45009", v1, 200, `"errcode":45009`, ""},
		"60020 names ip and app":                    {"errcode:60020", legacy, 200, "request ip=192.0.2.1 appKey(key)", ""},
		"a new code":                                {"code:systemBusy:500:busy", v1, 500, `"code":"systemBusy","message":"busy"`, ""},
		"a new code has status 400 unless told":     {"code:Forbidden.AccessDenied", v1, 400, `"code":"Forbidden.AccessDenied"`, ""},
		"the ip list, legacy":                       {"ip", legacy, 200, `"errcode":60020`, ""},
		"the ip list, new":                          {"ip", v1, 403, "IpNotInWhiteList", ""},
		"the ip list, new, names the ip":            {"ip", v1, 403, "request ip=192.0.2.1", ""},
		"the rate limit, legacy":                    {"rate", legacy, 200, `"errcode":90018`, ""},
		"the rate limit, new":                       {"rate", v1, 403, "QpsLimitForAppkeyAndApi", ""},
		"the quota, new":                            {"quota", v1, 403, "ApiCountLimitForOrg", ""},
		"a busy system, legacy":                     {"busy", legacy, 200, `"errcode":-1`, ""},
		"a busy system, new":                        {"busy", v1, 500, "systemBusy", ""},
		"a wrong secret, legacy":                    {"secret", legacy, 200, `"errcode":40096`, ""},
		"a wrong secret, new":                       {"secret", v1, 400, "invalidClientIdOrSecret", ""},
		"a wrong token, legacy":                     {"token", legacy, 200, `"errcode":40014`, ""},
		"a missing permission, new":                 {"permission", v1, 403, "AccessTokenPermissionDenied", ""},
		"the ip ban":                                {"banned", v1, 200, `"status":1111`, "errcode"},
		"a proxy's page":                            {"html", v1, 200, "<html>", "{"},
		"a proxy's page with a status":              {"html:502", legacy, 502, "<html>", "{"},
		"an empty token, legacy":                    {"empty", legacy, 200, `"access_token":""`, ""},
		"an empty token, new":                       {"empty", v1, 200, `"accessToken":""`, ""},
		"a missing token":                           {"missing", v1, 200, `"expireIn":7200`, "accessToken"},
		"a lifetime of zero":                        {"expires:0", legacy, 200, `"expires_in":0}`, ""},
		"a negative lifetime":                       {"expires:-1", v1, 200, `"expireIn":-1}`, ""},
		"a lifetime as a string":                    {`expires:"7200"`, v1, 200, `"expireIn":"7200"`, ""},
		"an absurd lifetime":                        {"expires:1e12", legacy, 200, `"expires_in":1e12`, ""},
		"no lifetime":                               {"expires:missing", v1, 200, `"accessToken":`, "expireIn"},
		"a bare status":                             {"status:503", v1, 503, "Service Unavailable", "{"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			d := fixed()
			d.SetFault(TokenCall, MustFault(tt.fault))
			w := httptest.NewRecorder()
			d.ServeHTTP(w, tokenRequest(tt.family))
			if w.Code != tt.status || !strings.Contains(w.Body.String(), tt.body) {
				t.Errorf("answered %d %s, want %d with %s", w.Code, w.Body, tt.status, tt.body)
			}
			if tt.absent != "" && strings.Contains(w.Body.String(), tt.absent) {
				t.Errorf("answered %s, which should not have %s", w.Body, tt.absent)
			}
		})
	}
}

func TestAFaultBefallsItsKindOfCallOnly(t *testing.T) {
	d := fixed()
	d.SetFault(TicketCall, MustFault("busy"))
	token := login(t, d, App)
	if _, body := ask(t, d, get("/get_jsapi_ticket?access_token="+token)); body["errcode"] != -1.0 {
		t.Errorf("the ticket call answers %v", body)
	}
	d.SetFault(TicketCall, Fault{})
	legacyTicket(t, d, token)
}

func TestEmptyAndMissingBefallTicketsToo(t *testing.T) {
	d := fixed()
	token := login(t, d, App)
	d.SetFault(TicketCall, MustFault("empty"))
	if _, body := ask(t, d, get("/get_jsapi_ticket?access_token="+token)); body["ticket"] != "" {
		t.Errorf("legacy ticket: %v", body)
	}
	d.SetFault(TicketCall, MustFault("missing"))
	_, body := ask(t, d, withToken(post("/v1.0/oauth2/jsapiTickets", "", ""), token))
	if _, has := body["jsapiTicket"]; has || body["expireIn"] != 7200.0 {
		t.Errorf("new ticket: %v", body)
	}
}

func TestTruncatedIsNoJSON(t *testing.T) {
	d := fixed()
	d.SetFault(TokenCall, MustFault("truncated"))
	w := httptest.NewRecorder()
	d.ServeHTTP(w, tokenRequest(legacy))
	if w.Body.Len() == 0 || json.Valid(w.Body.Bytes()) {
		t.Errorf("answered %s", w.Body)
	}
}

func TestSlowAnswersRightlyInTheEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := fixed()
		d.SetFault(TokenCall, MustFault("slow:1500ms"))
		start := time.Now()
		login(t, d, App)
		if took := time.Since(start); took != 1500*time.Millisecond {
			t.Errorf("took %v", took)
		}
	})
}

// writes counts the writes of a response.
type writes struct {
	*httptest.ResponseRecorder
	n, size int
	limit   int // fails from this many bytes on, 0 is never
}

func (w *writes) Write(b []byte) (int, error) {
	w.n, w.size = w.n+1, w.size+len(b)
	if w.limit > 0 && w.size > w.limit {
		return 0, errors.New("the client has gone away")
	}
	if w.limit > 0 {
		return len(b), nil
	}
	return w.ResponseRecorder.Write(b)
}

func TestDripSendsByteByByte(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := fixed()
		d.SetFault(TokenCall, MustFault("drip:20ms"))
		w := &writes{ResponseRecorder: httptest.NewRecorder()}
		start := time.Now()
		d.ServeHTTP(w, tokenRequest(v1))
		if !json.Valid(w.Body.Bytes()) || w.n != w.Body.Len() || !w.Flushed {
			t.Errorf("%d writes for %d bytes: %s", w.n, w.Body.Len(), w.Body)
		}
		if took := time.Since(start); took != time.Duration(w.n)*20*time.Millisecond {
			t.Errorf("took %v for %d bytes", took, w.n)
		}
	})
}

func TestFaultsThatLastEndWithTheCaller(t *testing.T) {
	for _, fault := range []string{"hang", "slow:1h", "drip:1h"} {
		t.Run(fault, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				d := fixed()
				d.SetFault(TokenCall, MustFault(fault))
				ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
				defer cancel()
				start := time.Now()
				w := httptest.NewRecorder()
				d.ServeHTTP(w, tokenRequest(legacy).WithContext(ctx))
				if took := time.Since(start); took != time.Minute {
					t.Errorf("took %v", took)
				}
				if json.Valid(w.Body.Bytes()) {
					t.Errorf("answered %s", w.Body)
				}
			})
		})
	}
}

func TestHugeIsStreamed(t *testing.T) {
	d := fixed()
	d.SetFault(TokenCall, MustFault("huge"))
	w := &writes{ResponseRecorder: httptest.NewRecorder(), limit: 2 << 30}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	d.ServeHTTP(w, tokenRequest(v1))
	runtime.ReadMemStats(&after)
	if w.size < 1<<30 {
		t.Errorf("%d bytes, want 1 GB", w.size)
	}
	if held := after.TotalAlloc - before.TotalAlloc; held > 10<<20 {
		t.Errorf("%d bytes allocated", held)
	}

	gone := &writes{ResponseRecorder: httptest.NewRecorder(), limit: 1 << 20}
	d.ServeHTTP(gone, tokenRequest(v1))
	if gone.size > 2<<20 {
		t.Errorf("went on for %d bytes after the client was gone", gone.size)
	}
}

func TestDropAndRedirectOverHTTP(t *testing.T) {
	d := fixed()
	server := httptest.NewServer(d)
	defer server.Close()
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}

	d.SetFault(TokenCall, MustFault("drop"))
	if resp, err := client.Get(server.URL + "/gettoken"); !errors.Is(err, io.EOF) {
		t.Errorf("dropped connection: response %v, error %v", resp, err)
	}
	d.SetFault(TokenCall, MustFault("redirect:http://127.0.0.1:9/x?y=1"))
	resp, err := client.Get(server.URL + "/gettoken")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusFound || resp.Header.Get("Location") != "http://127.0.0.1:9/x?y=1" {
		t.Errorf("redirect: %d to %q", resp.StatusCode, resp.Header.Get("Location"))
	}
}

func TestAHangingServerLetsGoOfAClientThatGaveUp(t *testing.T) {
	d := fixed()
	d.SetFault(TokenCall, MustFault("hang"))
	server := httptest.NewServer(d)
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, server.URL+"/v1.0/oauth2/accessToken", strings.NewReader("{}"))
	if err != nil {
		t.Fatal(err)
	}
	if resp, err := http.DefaultClient.Do(r); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("response %v, error %v", resp, err)
	}
	server.Close() // waits for the handler
}

func TestParseFaultRefuses(t *testing.T) {
	for _, text := range []string{
		"nonsense", "errcode", "errcode:x", "code", "code::500", "code:x:99", "slow", "slow:fast", "drip:x", "html:1000",
		"expires", "expires:soon", "redirect", "redirect:mailto:x", "status", "status:x", "hang:1s", "drop:x", "ip:x",
	} {
		if f, err := ParseFault(text); err == nil {
			t.Errorf("%q was read as %q", text, f)
		} else if !strings.Contains(err.Error(), "parsing fault") {
			t.Errorf("%q: %v", text, err)
		}
	}
}

func TestFaultsPrintAsTheyWereRead(t *testing.T) {
	for _, text := range []string{"", "ip", "errcode:60020", "slow:1500ms", "html", `expires:"7200"`} {
		if got := MustFault(text).String(); got != text {
			t.Errorf("%q prints as %q", text, got)
		}
	}
}
