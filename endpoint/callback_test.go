package endpoint

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"go.uber.org/zap"

	"github.com/caddy-dingtalk/caddy-dingtalk/tenant/suite"
	"github.com/caddy-dingtalk/caddy-dingtalk/visit"
)

// memory is a storage.
type memory map[string][]byte

func (m memory) Load(_ context.Context, key string) ([]byte, error) {
	if data, is := m[key]; is {
		return data, nil
	}
	return nil, fs.ErrNotExist
}
func (m memory) Store(_ context.Context, key string, data []byte) error { m[key] = data; return nil }
func (m memory) Delete(_ context.Context, key string) error             { delete(m, key); return nil }
func (memory) Lock(context.Context, string) error                       { return nil }
func (memory) Unlock(context.Context, string) error                     { return nil }

var pushKey = bytes.Repeat([]byte{7}, 32)

func newSuites(t *testing.T, path string) suite.Suites {
	t.Helper()
	s, err := suite.Open(suite.Options{Key: "suite1", Secret: t.Name(), Token: "t0ken", AESKey: pushKey, CallbackPath: path, Storage: memory{}, Log: zap.NewNop()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return suite.Suites{s}
}

// pushRequest is a push of a suite_ticket.
func pushRequest(t *testing.T, path, signature string, at time.Time) *http.Request {
	t.Helper()
	c, err := suite.NewCrypt("t0ken", pushKey)
	if err != nil {
		t.Fatal(err)
	}
	m := c.Seal(`{"EventType":"suite_ticket","SuiteTicket":"t1"}`, "suite1", at)
	q := url.Values{signature: {m.Signature}, "timestamp": {m.Timestamp}, "nonce": {m.Nonce}}
	r := httptest.NewRequest(http.MethodPost, path+"?"+q.Encode(), strings.NewReader(`{"encrypt":"`+m.Encrypt+`"}`))
	r.Header.Set("Origin", "https://elsewhere.example")
	r.Header.Set("Sec-Fetch-Site", "cross-site")
	return r
}

func serve(s *Server, r *http.Request) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	s.answers[callbackName](w, &call{Request: r, visit: &visit.Visit{Target: r.URL.RequestURI()}})
	return w
}

func TestDingTalkIsAnsweredAtTheCallback(t *testing.T) {
	s := &Server{answers: make(map[string]answer)}
	s.AddSuites(newSuites(t, ""))
	now := time.Now()
	for name, tt := range map[string]struct {
		r    *http.Request
		code int
		want string
	}{
		"as it is today":       {pushRequest(t, "/cb", "msg_signature", now), 200, `"msg_signature"`},
		"as it was":            {pushRequest(t, "/cb", "signature", now), 200, `"timeStamp"`},
		"23 hours old":         {pushRequest(t, "/cb", "signature", now.Add(-23*time.Hour)), 200, `"encrypt"`},
		"25 hours old":         {pushRequest(t, "/cb", "signature", now.Add(-25*time.Hour)), 403, `"stale"`},
		"2 hours ahead":        {pushRequest(t, "/cb", "signature", now.Add(2*time.Hour)), 403, `"stale"`},
		"no signature":         {pushRequest(t, "/cb", "sig", now), 403, `"bad_signature"`},
		"a malformed query":    {httptest.NewRequest(http.MethodPost, "/cb?signature=%25&a=%2;b", strings.NewReader(`{"encrypt":"x"}`)), 403, `"bad_signature"`},
		"no JSON":              {httptest.NewRequest(http.MethodPost, "/cb", strings.NewReader(`encrypt=x`)), 400, `"bad_push"`},
		"JSON of another kind": {httptest.NewRequest(http.MethodPost, "/cb", strings.NewReader(`[]`)), 403, `"bad_signature"`},
		"too long":             {httptest.NewRequest(http.MethodPost, "/cb", bytes.NewReader(make([]byte, maxPush+1))), 413, `"too_large"`},
		"GET":                  {httptest.NewRequest(http.MethodGet, "/cb", nil), 405, `"method_not_allowed"`},
	} {
		if w := serve(s, tt.r); w.Code != tt.code || !strings.Contains(w.Body.String(), tt.want) {
			t.Errorf("%s: %d %s", name, w.Code, w.Body)
		}
	}
}

func TestANavigationToTheCallbackIsThatOfASignIn(t *testing.T) {
	s := &Server{answers: map[string]answer{callbackName: func(w http.ResponseWriter, _ *call) { w.WriteHeader(http.StatusTeapot) }}}
	s.AddSuites(newSuites(t, ""))
	if w := serve(s, httptest.NewRequest(http.MethodGet, "/cb", nil)); w.Code != http.StatusTeapot {
		t.Errorf("%d", w.Code)
	}
	if w := serve(s, pushRequest(t, "/cb", "signature", time.Now())); w.Code != 200 {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}

func TestAPushToTheAppsOwnCallbackGoesOnAsItWas(t *testing.T) {
	s := &Server{answers: make(map[string]answer)}
	all := newSuites(t, "/ding/cb")
	s.AddSuites(all)
	status := func() string {
		text, _ := json.Marshal(all[0].Status())
		return string(text)
	}
	for name, tt := range map[string]struct {
		r     *http.Request
		heard bool
	}{
		"a forged one":   {pushRequest(t, "/ding/cb", "sig", time.Now()), false},
		"another path":   {pushRequest(t, "/ding/cb2", "signature", time.Now()), false},
		"something long": {httptest.NewRequest(http.MethodPost, "/ding/cb", io.MultiReader(bytes.NewReader(make([]byte, maxPush+9)))), false},
		"the real one":   {pushRequest(t, "/ding/cb", "signature", time.Now()), true},
	} {
		want, _ := io.ReadAll(tt.r.Body)
		tt.r.Body = io.NopCloser(bytes.NewReader(want))
		s.Listen(tt.r, &visit.Visit{Target: tt.r.URL.RequestURI()})
		got, err := io.ReadAll(tt.r.Body)
		if err != nil || !bytes.Equal(got, want) {
			t.Errorf("%s: the app gets %d bytes of %d, %v", name, len(got), len(want), err)
		}
		if heard := strings.Contains(status(), "received"); tt.heard && !heard {
			t.Errorf("%s: it is not heard: %s", name, status())
		}
	}
}
