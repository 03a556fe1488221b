package e2e

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"math/big"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/caddy-dingtalk/caddy-dingtalk/internal/sandbox"
	"github.com/caddy-dingtalk/caddy-dingtalk/internal/testsite"
)

// TestAUserGetsTheBytesThatWouldBeThereWithoutSignIn, however they are sent.
func TestAUserGetsTheBytesThatWouldBeThereWithoutSignIn(t *testing.T) {
	const app = `
	encode gzip
	handle /files/* {
		root DIR
		file_server
	}
	handle {
		reverse_proxy UPSTREAM
	}
}
`
	s := testsite.Run(t, testsite.Setup{Sites: "http://h5.test:PORT {\n\tdingtalk {\n\t\timport app\n\t\tlogin\n\t}" + app + "http://without.test:PORT {" + app,
		Upstream: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/events" {
				w.Header().Set("Content-Type", "text/event-stream")
				for range 3 {
					_, _ = w.Write([]byte("data: <head>\n\n"))
					_ = http.NewResponseController(w).Flush()
				}
				return
			}
			w.Header().Set("Set-Cookie", "own=1")
			w.Header().Set("Content-Type", "text/css")
			w.Header().Set("Content-Length", "8000") // else the proxy flushes after each piece, and what comes in one is chance
			_, _ = w.Write([]byte(strings.Repeat("a{} ", 2000)))
		})})
	s.Write(t, map[string]string{"files/a.bin": strings.Repeat("0123456789", 100_000), "files/a.json": `{"a":"` + strings.Repeat("b", 5000) + `"}`})
	s.URL = s.At("h5.test")
	session := signIn(t, s, "u1")
	tag := s.Fetch(t, "GET", s.At("without.test")+"/files/a.bin", "").Header.Get("ETag")
	for name, c := range map[string]struct {
		path    string
		headers []string
		status  int
	}{
		"a file":             {"/files/a.bin", nil, 200},
		"a part of a file":   {"/files/a.bin", []string{"Range", "bytes=10-19"}, 206},
		"an unchanged file":  {"/files/a.bin", []string{"If-None-Match", tag}, 304},
		"a compressed file":  {"/files/a.json", []string{"Accept-Encoding", "gzip"}, 200},
		"a compressed proxy": {"/a.css", []string{"Accept-Encoding", "gzip"}, 200},
		"events":             {"/events", []string{"Accept", "text/event-stream"}, 200},
	} {
		headers := append([]string{"Sec-Fetch-Dest", "empty", "Sec-Fetch-Site", "same-origin"}, c.headers...)
		got := s.Fetch(t, "GET", s.URL+c.path, "", append(headers, "Cookie", session)...)
		want := s.Fetch(t, "GET", s.At("without.test")+c.path, "", headers...)
		if got.Status != c.status || got.Header.Get("Cache-Control") != "private" {
			t.Errorf("%s: %d %v", name, got.Status, got.Header)
		}
		got.Header.Del("Cache-Control")
		t.Run(name, func(t *testing.T) { testsite.ExpectSame(t, got, want) })
	}
}

// TestCaddyItselfKnowsTheUser by the placeholders of its own authentication, which has its
// say where nobody is signed in.
func TestCaddyItselfKnowsTheUser(t *testing.T) {
	s := testsite.Run(t, testsite.Setup{Upstream: new(echo), Sites: `http://h5.test:PORT {
	log
	basic_auth /open/basic {
		alice $2a$04$0k4VELzuiquKNRCbZcPfaesmyY1cwvt4TOVToOjdppqk3X3aMwY.q
	}
	dingtalk {
		import app
		login {
			public /open/*
		}
	}
	respond /said "{http.auth.user.id} {http.auth.user.name} {http.auth.user.union_id} {http.auth.user.corp_id} {http.auth.user.admin}"
	respond /open/* "<{http.auth.user.id}>"
	reverse_proxy UPSTREAM {
		header_up X-Who {http.auth.user.id}
	}
}
`})
	s.URL = s.At("h5.test")
	session := signIn(t, s, "u1")
	if a := fetchAs(t, s, "GET", "/said", "", session); a.Body != "u1 张三 union-u1 "+s.Ding.Options().CorpID+" true" {
		t.Errorf("respond says %q", a.Body)
	}
	if a := fetchAs(t, s, "GET", "/api", "", session); !strings.Contains(a.Body, `"X-Who":"u1"`) {
		t.Errorf("header_up says %s", a.Body)
	}
	testsite.Eventually(t, "the access log has the user", func() bool {
		log := string(s.Log(t))
		return strings.Contains(log, `"uri":"/api"`) && strings.Contains(log, `"user_id":"u1"`)
	})
	basic := "Basic " + base64.StdEncoding.EncodeToString([]byte("alice:open sesame"))
	for cookie, want := range map[string]string{"": "<alice>", session: "<u1>"} {
		if a := fetchAs(t, s, "GET", "/open/basic", "", cookie, "Authorization", basic); a.Status != 200 || a.Body != want {
			t.Errorf("behind basic_auth: %d %q, want %q", a.Status, a.Body, want)
		}
	}
	if a := fetchAs(t, s, "GET", "/open/x", "", ""); a.Body != "<>" && a.Body != "<{http.auth.user.id}>" {
		t.Errorf("nobody is %q", a.Body)
	}
}

// TestATokenIsVerifiedByTheSetAlone, with nothing but the standard library.
func TestATokenIsVerifiedByTheSetAlone(t *testing.T) {
	s, _ := loginSite(t, "login {\n jwt app1\n key "+loginKey+"\n}", sandbox.Options{})
	session := signIn(t, s, "u1")
	token := func() string {
		t.Helper()
		var got map[string]string
		if err := json.Unmarshal([]byte(fetchAs(t, s, "GET", "/api", "", session).Body), &got); err != nil {
			t.Fatal(err)
		}
		return got["X-Dingtalk-Jwt"]
	}
	verifies := func(token string) (claims map[string]any) {
		t.Helper()
		set := s.Fetch(t, "GET", s.URL+"/.dingtalk/jwks", "")
		if set.Header.Get("Cache-Control") != "public, max-age=300" {
			t.Errorf("the set has %v", set.Header)
		}
		var keys struct {
			Keys []struct{ Kid, Kty, Crv, Alg, X, Y, D string }
		}
		parts := strings.Split(token, ".")
		if err := json.Unmarshal([]byte(set.Body), &keys); err != nil || len(parts) != 3 {
			t.Fatalf("%v %s, token %q", err, set.Body, token)
		}
		var header struct{ Alg, Kid string }
		raw := make([][]byte, 3)
		for i, part := range parts {
			raw[i], _ = base64.RawURLEncoding.DecodeString(part)
		}
		_ = json.Unmarshal(raw[0], &header)
		for _, k := range keys.Keys {
			x, _ := base64.RawURLEncoding.DecodeString(k.X)
			y, _ := base64.RawURLEncoding.DecodeString(k.Y)
			public, err := ecdsa.ParseUncompressedPublicKey(elliptic.P256(), slices.Concat([]byte{4}, x, y))
			if err != nil {
				t.Fatalf("%v in %s", err, set.Body)
			}
			sum := sha256.Sum256([]byte(parts[0] + "." + parts[1]))
			if k.D != "" {
				t.Error("the set holds a private key")
			}
			if k.Kid == header.Kid && k.Kty == "EC" && k.Crv == "P-256" && header.Alg == "ES256" && len(raw[2]) == 64 &&
				ecdsa.Verify(public, sum[:], new(big.Int).SetBytes(raw[2][:32]), new(big.Int).SetBytes(raw[2][32:])) {
				_ = json.Unmarshal(raw[1], &claims)
			}
		}
		return claims
	}
	old := token()
	claims := verifies(old)
	iat, _ := claims["iat"].(float64)
	for name, want := range map[string]any{
		"iss": s.URL + "/.dingtalk", "sub": "u1", "exp": iat + 60, "nbf": iat, "corp_id": s.Ding.Options().CorpID, "union_id": "union-u1", "name": "张三", "admin": true,
	} {
		if claims[name] != want {
			t.Errorf("%s is %v, want %v", name, claims[name], want)
		}
	}
	if aud := claims["aud"]; aud != "app1" && !(len(aud.([]any)) == 1 && aud.([]any)[0] == "app1") {
		t.Errorf("aud is %v", aud)
	}
	if err := s.Load(t, strings.Replace(s.Caddyfile, "key "+loginKey, "key fedcba9876543210fedcba9876543210 "+loginKey, 1)); err != nil {
		t.Fatal(err)
	}
	if fresh := token(); verifies(old) == nil || verifies(fresh) == nil || fresh == old {
		t.Error("a new key breaks tokens, or signs none")
	}
	if err := s.Load(t, strings.Replace(s.Caddyfile, "jwt app1", "", 1)); err != nil {
		t.Fatal(err)
	}
	if a := s.Fetch(t, "GET", s.URL+"/.dingtalk/jwks", ""); a.Status != 404 || token() != "" {
		t.Errorf("without jwt: %d, token %q", a.Status, token())
	}
}

// TestSignInsAreSeen in metrics, events, status and log, without what would let anybody in.
func TestSignInsAreSeen(t *testing.T) {
	s := testsite.Run(t, testsite.Setup{Upstream: new(echo), Global: `events {
		on dingtalk_login test_recorder
		on dingtalk_login_failed test_recorder
		on dingtalk_revoked test_recorder
	}`, Sites: `http://127.0.0.1:PORT {
	metrics /metrics
}
http://h5.test:PORT {
	dingtalk {
		import app
		login {
			key ` + loginKey + `
		}
	}
	reverse_proxy UPSTREAM
}
`})
	metrics := *s
	s.URL = s.At("h5.test")
	before := metrics.Metrics(t)
	for _, way := range []string{"code", "channel", "oauth"} {
		for _, outcome := range []string{"ok", "bad_code", "bad_state", "refused", "too_many_attempts", "busy", "code_invalid", "not_visible", "no_permission", "ip_not_allowed",
			"bad_credentials", "rate_limited", "quota_exhausted", "dingtalk_unavailable", "dingtalk_error", "wrong_corp", "not_a_member"} {
			if _, there := before[`logins_total{outcome="`+outcome+`",way="`+way+`"}`]; !there {
				t.Errorf("%s %s does not begin at zero", way, outcome)
			}
		}
	}
	for _, outcome := range []string{"signed_in", "public", "not_signed_in", "not_allowed", "origin_unknown"} {
		if _, there := before[`login_requests_total{outcome="`+outcome+`"}`]; !there {
			t.Errorf("%s does not begin at zero", outcome)
		}
	}
	told := func(name string) int { return len(events(name)) }
	logins, failed, revoked := told("dingtalk_login"), told("dingtalk_login_failed"), told("dingtalk_revoked")
	session := signIn(t, s, "u1")
	fetchAs(t, s, "GET", "/api", "", session)
	fetchAs(t, s, "GET", "/api", "", "")
	fetchAs(t, s, "POST", "/.dingtalk/login", `{"code":"no-such-code"}`, "")
	_, apps, status := testsite.Admin(t, http.MethodGet, "/dingtalk/status")
	if len(apps) != 1 || !strings.Contains(status, `"login":{"outside":"page","key":"configured"`) || strings.Contains(status, loginKey[:8]) {
		t.Fatalf("the status is %s", status)
	}
	if code, _, text := testsite.Admin(t, http.MethodPost, "/dingtalk/revoke?app="+apps[0].App+"&usr=u1"); code != 400 {
		t.Errorf("revoking with a mistyped parameter: %d %s", code, text)
	}
	if a := fetchAs(t, s, "GET", "/api", "", session); a.Status != 200 {
		t.Errorf("after a call that was refused, a session gets %d", a.Status)
	}
	if code, _, text := testsite.Admin(t, http.MethodPost, "/dingtalk/revoke?app="+apps[0].App+"&user=u1"); code != 200 ||
		!strings.Contains(text, `"revoked":{"corp_id":"","user_id":"u1","all":false}`) {
		t.Errorf("revoking: %d %s", code, text)
	}
	if a := s.Fetch(t, http.MethodGet, "/.dingtalk/none", ""); !strings.Contains(a.Body, "login, logout") || !strings.Contains(a.Body, "report, user") {
		t.Errorf("an unknown endpoint is answered with %s", a.Body)
	}
	if a := fetchAs(t, s, "GET", "/api", "", session); a.Status != 401 {
		t.Errorf("a revoked session gets %d", a.Status)
	}
	if code, _, _ := testsite.Admin(t, http.MethodPost, "/dingtalk/revoke?app=none"); code != 404 {
		t.Errorf("revoking at no app: %d", code)
	}
	got := grown(before, metrics.Metrics(t))
	for name, want := range map[string]float64{
		`logins_total{outcome="ok",way="code"}`: 1, `logins_total{outcome="code_invalid",way="code"}`: 1,
		`login_requests_total{outcome="signed_in"}`: 2, `login_requests_total{outcome="not_signed_in"}`: 2,
	} {
		if got[name] != want {
			t.Errorf("%s has grown by %v, want %v", name, got[name], want)
		}
	}
	testsite.Eventually(t, "three events", func() bool {
		return told("dingtalk_login") == logins+1 && told("dingtalk_login_failed") == failed+1 && told("dingtalk_revoked") == revoked+1
	})
	for name, fields := range map[string]map[string]any{
		"dingtalk_login":        {"app": apps[0].App, "way": "code", "user_id": "u1", "name": "张三", "client_ip": "127.0.0.1"},
		"dingtalk_login_failed": {"app": apps[0].App, "way": "code", "code": "code_invalid", "client_ip": "127.0.0.1"},
		"dingtalk_revoked":      {"app": apps[0].App, "user_id": "u1"},
	} {
		last := events(name)[told(name)-1]
		for field, want := range fields {
			if last[field] != want {
				t.Errorf("%s: %s is %v, want %v", name, field, last[field], want)
			}
		}
	}
	all, _ := json.Marshal(append(events("dingtalk_login"), events("dingtalk_login_failed")...))
	for name := range metrics.Metrics(t) {
		all = append(all, name...)
	}
	for _, secret := range append(s.Ding.Codes(), "no-such-code", strings.TrimPrefix(session, "dingtalk-1234567890=")) {
		if strings.Contains(string(all)+string(s.Log(t)), secret) {
			t.Errorf("%.10s… is told", secret)
		}
	}
}
