package testsite

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2"
)

// Metrics returns our samples as they are scraped.
func (s *Site) Metrics(t *testing.T) map[string]float64 {
	t.Helper()
	samples := make(map[string]float64)
	for line := range strings.Lines(s.Fetch(t, http.MethodGet, s.URL+"/metrics", "").Body) {
		if strings.HasPrefix(line, "caddy_dingtalk_") {
			name, value, _ := strings.Cut(strings.TrimSpace(line), " ")
			var v float64
			if _, err := fmt.Sscan(value, &v); err != nil {
				t.Fatalf("%q: %v", line, err)
			}
			samples[strings.TrimPrefix(name, "caddy_dingtalk_")] = v
		}
	}
	return samples
}

// AppState is how the admin API says that an app stands.
type AppState struct {
	App         string      `json:"app"`
	CorpID      string      `json:"corp_id"`
	AccessToken *TokenState `json:"access_token"`
	JSAPITicket *TokenState `json:"jsapi_ticket"`
	Error       *struct {
		Kind    string `json:"kind"`
		Message string `json:"message"`
		Advice  string `json:"advice"`
		NextTry int    `json:"next_try_seconds"`
	} `json:"error"`
	Storage string `json:"storage"`
}

// TokenState is how it says that a token stands.
type TokenState struct {
	Age       int `json:"age_seconds"`
	ExpiresIn int `json:"expires_in_seconds"`
}

// Refresh has all apps fetch fresh tickets.
func (s *Site) Refresh(t *testing.T) {
	t.Helper()
	status, apps, text := Admin(t, http.MethodPost, "/dingtalk/refresh")
	if status != http.StatusOK || len(apps) == 0 {
		t.Fatal(status, text)
	}
	for _, a := range apps {
		if a.Error != nil {
			t.Fatalf("%+v", *a.Error)
		}
	}
}

// Admin calls the admin API as Caddy does, and returns the answer.
func Admin(t *testing.T, method, target string) (status int, apps []AppState, text string) {
	t.Helper()
	module, err := caddy.GetModule("admin.api.dingtalk")
	if err != nil {
		t.Fatal(err)
	}
	w := httptest.NewRecorder()
	r := httptest.NewRequest(method, target, nil)
	for _, route := range module.New().(caddy.AdminRouter).Routes() {
		if route.Pattern != r.URL.Path {
			continue
		}
		if err := route.Handler.ServeHTTP(w, r); err != nil {
			e, ok := err.(caddy.APIError)
			if !ok {
				t.Fatal(err)
			}
			return e.HTTPStatus, nil, e.Error()
		}
	}
	var body struct {
		Apps []AppState `json:"apps"`
	}
	text = w.Body.String()
	if err := json.Unmarshal(w.Body.Bytes(), &body); err != nil {
		t.Fatalf("%v: %s", err, text)
	}
	return w.Code, body.Apps, text
}
