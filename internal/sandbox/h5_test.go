package sandbox

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
)

// appOf reads what the page's script learns from the backend.
func appOf(t *testing.T, html string) (app struct {
	Mistake   string
	SignedURL string
	Config    json.RawMessage
}) {
	t.Helper()
	m := regexp.MustCompile(`var app = (.*);</script>`).FindStringSubmatch(html)
	if m == nil {
		t.Fatalf("no app data in the page:\n%s", html)
	}
	if err := json.Unmarshal([]byte(m[1]), &app); err != nil {
		t.Fatal(err)
	}
	return app
}

func TestTheBackendSignsTheURLThatItSees(t *testing.T) {
	tests := map[string]struct {
		target, host, proto string
		mistake             string
		shown, signed       string
	}{
		"the scheme is lost behind TLS": {
			"/?a=%20", "h.example:8443", "https", "", "https://h.example:8443/?a=%20", "http://h.example:8443/?a=%20",
		},
		"the scheme is wrong without TLS too": {
			"/broken/scheme", "localhost:8080", "http", "scheme", "http://localhost:8080/broken/scheme", "https://localhost:8080/broken/scheme",
		},
		"the port is lost": {
			"/broken/port?platform=pc", "h.example:8443", "https", "port", "https://h.example:8443/broken/port?platform=pc", "https://h.example/broken/port?platform=pc",
		},
		"another port gets in where there was none": {
			"/broken/port", "h.example", "https", "port", "https://h.example/broken/port", "https://h.example:8080/broken/port",
		},
		"the ticket's page has the lost scheme": {
			"/broken/ticket", "h.example", "https", "ticket", "https://h.example/broken/ticket", "http://h.example/broken/ticket",
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			d := New(Options{})
			r := get(tt.target)
			r.Host = tt.host
			r.Header.Set("X-Forwarded-Proto", tt.proto)
			w := httptest.NewRecorder()
			H5(d).ServeHTTP(w, r)
			if w.Code != http.StatusOK || w.Header().Get("Content-Type") != "text/html; charset=utf-8" {
				t.Fatalf("%d %v", w.Code, w.Header())
			}
			app := appOf(t, w.Body.String())
			if app.Mistake != tt.mistake || app.SignedURL != tt.signed {
				t.Errorf("mistake %q signed %q, want %q signed %q", app.Mistake, app.SignedURL, tt.mistake, tt.signed)
			}
			var p ConfigParams
			if err := json.Unmarshal(app.Config, &p); err != nil {
				t.Fatal(err)
			}
			if got := d.Verify(p, tt.signed); !got.OK {
				t.Errorf("for the signed URL: %+v", got)
			}
			if got := d.Verify(p, tt.shown); got.Code != 52013 {
				t.Errorf("for the shown URL: %+v", got)
			}
		})
	}
}

func TestTheBackendSharesTheLivingTicket(t *testing.T) {
	d := New(Options{AppKey: "key", AppSecret: "s1", Refetch: NewValue})
	ticket := legacyTicket(t, d, login(t, d, App))
	H5(d).ServeHTTP(httptest.NewRecorder(), get("/"))
	if d.Ticket(App) != ticket {
		t.Error("the backend killed the ticket that the sidecar holds")
	}
	d.ExpireTicket()
	H5(d).ServeHTTP(httptest.NewRecorder(), get("/"))
	if next := d.Ticket(App); next == "" || next == ticket {
		t.Errorf("the backend went on with the ticket %q", next)
	}
}

func TestH5Serves(t *testing.T) {
	tests := map[string]struct {
		request     *http.Request
		status      int
		contentType string
		contains    string
	}{
		"the bridge":          {get("/native.js"), 200, "text/javascript; charset=utf-8", "window.__ddNative"},
		"the stand-in script": {get("/jsapi.js"), 200, "text/javascript; charset=utf-8", "stand-in"},
		"the page's script":   {get("/demo.js"), 200, "text/javascript; charset=utf-8", "dd.config"},
		"the page's style":    {get("/demo.css"), 200, "text/css; charset=utf-8", ".card"},
		"the native check":    {post("/native/verify", "application/json", "{}"), 200, "application/json;charset=utf-8", "Code:52016"},
		"the control":         {get("/sandbox/state"), 200, "application/json;charset=utf-8", "faults"},
		"no other mistake":    {get("/broken/heart"), 404, "", ""},
		"no other path":       {get("/gettoken"), 404, "", ""},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			w := httptest.NewRecorder()
			H5(New(Options{})).ServeHTTP(w, tt.request)
			if w.Code != tt.status || !strings.Contains(w.Body.String(), tt.contains) {
				t.Errorf("%d %.200s", w.Code, w.Body)
			}
			if ct := w.Header().Get("Content-Type"); tt.contentType != "" && ct != tt.contentType {
				t.Errorf("content type %q", ct)
			}
		})
	}
}

func TestThePageLoadsNothingFromElsewhere(t *testing.T) {
	w := httptest.NewRecorder()
	H5(New(Options{})).ServeHTTP(w, get("/"))
	for _, m := range regexp.MustCompile(`(?:src|href)="([^"]*)"`).FindAllStringSubmatch(w.Body.String(), -1) {
		if !strings.HasPrefix(m[1], "/") && m[1] != "data:," || strings.HasPrefix(m[1], "//") {
			t.Errorf("the page refers to %q", m[1])
		}
	}
}
