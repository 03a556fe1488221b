package e2e

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/caddy-dingtalk/caddy-dingtalk/internal/sandbox"
	"github.com/caddy-dingtalk/caddy-dingtalk/internal/testsite"
)

func TestATokenThatDingTalkHasForgottenCostsOneMoreCall(t *testing.T) {
	s, _ := loginSite(t, "login", sandbox.Options{})
	signIn(t, s, "u1")
	before := s.Ding.Calls()
	s.Ding.ExpireToken()
	signIn(t, s, "u1")
	after := s.Ding.Calls()
	if infos, held := after["oapi.getuserinfo"]-before["oapi.getuserinfo"], after["v1.token"]-before["v1.token"]; infos != 2 || held != 1 {
		t.Errorf("%d calls with the code, %d new tokens", infos, held)
	}
	before = s.Ding.Calls()
	s.Ding.ExpireToken() // the new one as well, at once
	signIn(t, s, "u1")
	after = s.Ding.Calls()
	if infos, held := after["oapi.getuserinfo"]-before["oapi.getuserinfo"], after["v1.token"]-before["v1.token"]; infos != 2 || held != 1 {
		t.Errorf("at once again: %d calls with the code, %d new tokens", infos, held)
	}
}

func TestARefusalThatAnotherTokenDoesNotEndIsTold(t *testing.T) {
	s, _ := loginSite(t, "login", sandbox.Options{})
	s.Ding.SetFault(sandbox.UserInfoCall, sandbox.MustFault("errcode:40014"))
	before := s.Ding.Calls()
	a := fetchAs(t, s, "POST", "/.dingtalk/login", `{"code":"`+s.Ding.Code("app", "u1")+`"}`, "")
	if infos := s.Ding.Calls()["oapi.getuserinfo"] - before["oapi.getuserinfo"]; a.Status != 502 || codeOf(a) != "bad_credentials" || infos != 2 {
		t.Errorf("refused twice: %d %s after %d calls", a.Status, a.Body, infos)
	}
	s.Ding.SetFault(sandbox.UserInfoCall, sandbox.MustFault("errcode:40096")) // not the token, but who the app is
	before = s.Ding.Calls()
	a = fetchAs(t, s, "POST", "/.dingtalk/login", `{"code":"`+s.Ding.Code("app", "u1")+`"}`, "")
	if infos := s.Ding.Calls()["oapi.getuserinfo"] - before["oapi.getuserinfo"]; a.Status != 502 || infos != 1 {
		t.Errorf("refused for its secret: %d %s after %d calls", a.Status, a.Body, infos)
	}
}

// TestOneClientsGuessesHurtNobodyElse, and who really signs in is never counted.
func TestOneClientsGuessesHurtNobodyElse(t *testing.T) {
	s := testsite.Run(t, testsite.Setup{Global: behindProxy, Upstream: new(echo), Sites: "http://h5.test:PORT {\n\tdingtalk {\n\t\timport app\n\t\tlogin\n\t}\n\treverse_proxy UPSTREAM\n}\n"})
	s.URL = s.At("h5.test")
	try := func(ip, code string) int {
		t.Helper()
		return fetchAs(t, s, "POST", "/.dingtalk/login", `{"code":"`+code+`"}`, "", "X-Forwarded-For", ip).Status
	}
	for i := range 35 { // more than a client may guess
		if status := try("192.0.2.1", s.Ding.Code("app", "u1")); status != 200 {
			t.Fatalf("sign-in %d from one address: %d", i, status)
		}
	}
	for i := range 30 {
		try("192.0.2.1", fmt.Sprint("guess", i))
	}
	for ip, want := range map[string]int{"192.0.2.1": 429, "192.0.2.2": 200} {
		if status := try(ip, s.Ding.Code("app", "u1")); status != want {
			t.Errorf("%s: %d, want %d", ip, status, want)
		}
	}
}

// TestInvalidCodesThatComeAtOnceAreNoMoreThanThoseThatComeInTurn at DingTalk.
func TestInvalidCodesThatComeAtOnceAreNoMoreThanThoseThatComeInTurn(t *testing.T) {
	s, _ := loginSite(t, "login", sandbox.Options{})
	var all sync.WaitGroup
	var invalid, tooMany atomic.Int64
	for i := range 90 {
		all.Go(func() {
			switch a := fetchAs(t, s, "POST", "/.dingtalk/login", fmt.Sprintf(`{"code":"guess%d"}`, i), ""); codeOf(a) {
			case "code_invalid":
				invalid.Add(1)
			case "too_many_attempts":
				tooMany.Add(1)
			default:
				t.Errorf("%d %s", a.Status, a.Body)
			}
		})
	}
	all.Wait()
	if calls := s.Ding.Calls()["oapi.getuserinfo"]; calls != 30 || invalid.Load() != 30 || tooMany.Load() != 60 {
		t.Errorf("%d calls, %d invalid and %d too many", calls, invalid.Load(), tooMany.Load())
	}
}

func TestJunkReadsNoStorageAndFillsNoLog(t *testing.T) {
	s, _ := loginSite(t, "storage test_counted DIR/counted\n login", sandbox.Options{})
	signIn(t, s, "u1")
	lines := func() int { return bytes.Count(s.Log(t), []byte(`"http.handlers.dingtalk`)) }
	begin, stored, logged := time.Now(), storageCalls.Load(), lines()
	for i := range 1000 {
		if a := fetchAs(t, s, "GET", "/api", "", fmt.Sprintf("dingtalk-1234567890=%d%s", i, strings.Repeat("A", i))); a.Status != 401 {
			t.Fatal(a.Status)
		}
	}
	if grown := lines() - logged; grown > 5 {
		t.Errorf("%d lines of log", grown)
	}
	if n, ahead := storageCalls.Load()-stored, 10+10*int64(time.Since(begin)/(9*time.Second)); n > ahead { // the ticket is still being stored
		t.Errorf("the storage was asked %d times in %v", n, time.Since(begin))
	}
}

// TestWhileDingTalkIsDownOnlyNewSignInsNotice, and not for long after its end.
func TestWhileDingTalkIsDownOnlyNewSignInsNotice(t *testing.T) {
	s, _ := loginSite(t, "login", sandbox.Options{})
	session := signIn(t, s, "u1")
	testsite.Eventually(t, "the ticket of the start", func() bool { return len(s.Logged(t, "there is a jsapi_ticket")) > 0 })
	for _, call := range []sandbox.Call{sandbox.TokenCall, sandbox.TicketCall, sandbox.UserInfoCall} {
		s.Ding.SetFault(call, sandbox.MustFault("drop"))
	}
	calls := s.Ding.Calls()["oapi.getuserinfo"]
	for range 50 {
		if a := visitAs(t, s, "/", session); a.Status != 200 || !strings.Contains(a.Body, "<body>u1</body>") {
			t.Fatalf("who has a session gets %d %s", a.Status, a.Body)
		}
	}
	if n := s.Ding.Calls()["oapi.getuserinfo"]; n != calls {
		t.Errorf("%d calls for who has a session", n-calls)
	}
	down := fetchAs(t, s, "POST", "/.dingtalk/login", `{"code":"`+s.Ding.Code("app", "u2")+`"}`, "")
	if down.Status != 503 || codeOf(down) != "dingtalk_unavailable" || down.Header.Get("Retry-After") != "3" {
		t.Errorf("a new sign-in gets %d %s", down.Status, down.Body)
	}
	s.Ding.Reset()
	testsite.EventuallyWithin(t, 30*time.Second, "a sign-in after the end", func() bool {
		return fetchAs(t, s, "POST", "/.dingtalk/login", `{"code":"`+s.Ding.Code("app", "u2")+`"}`, "").Status == 200
	})

	// One that waits for an answer holds up nobody.
	s.Ding.SetFault(sandbox.UserInfoCall, sandbox.MustFault("hang"))
	calls = s.Ding.Calls()["oapi.getuserinfo"]
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	done := make(chan error, 1)
	go func() {
		r, _ := http.NewRequestWithContext(ctx, "POST", s.URL+"/.dingtalk/login", strings.NewReader(`{"code":"`+s.Ding.Code("app", "u2")+`"}`))
		r.Header = testsite.Header("Content-Type", "application/json", "Sec-Fetch-Site", "same-origin")
		_, err := s.Client.Do(r) //nolint:bodyclose // it is cancelled
		done <- err
	}()
	testsite.Eventually(t, "the call that hangs", func() bool { return s.Ding.Calls()["oapi.getuserinfo"] > calls })
	if a := fetchAs(t, s, "GET", "/api", "", session); a.Status != 200 {
		t.Errorf("who has a session gets %d beside it", a.Status)
	}
	cancel()
	if err := <-done; err == nil {
		t.Error("a sign-in that hangs was answered")
	}
}

func TestReloadsUnderLoadRefuseNobodySignedIn(t *testing.T) {
	testsite.NeedDescriptors(t)
	s := testsite.Run(t, testsite.Setup{Upstream: new(echo), Sites: `http://h5.test:PORT {
	dingtalk {
		import app
		login
	}
	reverse_proxy UPSTREAM {
		transport http {
			keepalive off
		}
	}
}
`})
	s.URL = s.At("h5.test")
	session := signIn(t, s, "u1")
	reload := func(i int) {
		t.Helper()
		if err := s.Load(t, strings.Replace(s.Caddyfile, "\t\tlogin\n", fmt.Sprintf("\t\tlogin {\n\t\t\tpublic /open%d\n\t\t}\n", i%5), 1)); err != nil {
			t.Fatal(err)
		}
	}
	reload(0)
	visitAs(t, s, "/", session)
	before := testsite.HeldAtRest(t)
	var stop atomic.Bool
	var pages atomic.Int64
	var load sync.WaitGroup
	header := testsite.Header("Sec-Fetch-Dest", "document", "Accept", "text/html", "Cookie", session)
	for range 4 {
		load.Go(func() {
			for !stop.Load() {
				a := visitAgainAs(t, s, header)
				if a == nil || a.Status != 200 || !strings.Contains(a.Body, "<body>u1</body>") {
					t.Errorf("during a reload: %+v", a)
					return
				}
				pages.Add(1)
			}
		})
	}
	for i := range 25 {
		n := pages.Load()
		testsite.Eventually(t, "pages between two reloads", func() bool { return pages.Load() > n+4 || t.Failed() })
		reload(i + 1)
	}
	stop.Store(true)
	load.Wait()
	s.Client.CloseIdleConnections()
	before.ExpectNoMore(t)
}

// visitAgainAs asks for a page with that header. A server that is reloaded resets connections
// that wait for the listener it closes; browsers try again.
func visitAgainAs(t *testing.T, s *testsite.Site, header http.Header) *testsite.Answer {
	t.Helper()
	for range 5 {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.URL+"/", nil)
		if err != nil {
			return nil
		}
		r.Header = header.Clone()
		if resp, err := s.Client.Do(r); err == nil {
			return testsite.Read(resp)
		}
	}
	return nil
}
