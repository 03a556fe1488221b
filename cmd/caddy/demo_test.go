package main

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	_ "github.com/caddyserver/caddy/v2/modules/standard"
)

// screen is what the user sees.
type screen struct {
	mu    sync.Mutex
	text  bytes.Buffer
	ready chan struct{}
}

func (s *screen) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	n, err := s.text.Write(p)
	if strings.Contains(s.text.String(), "Ctrl-C") && s.ready != nil {
		close(s.ready)
		s.ready = nil
	}
	return n, err
}

func (s *screen) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.String()
}

func TestTheDemoPrintsAURLWhosePageIsAcceptedAndEndsCleanly(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	ready := make(chan struct{})
	out := &screen{ready: ready}
	ended := make(chan error, 1)
	go func() { ended <- demo(ctx, out, "127.0.0.1:0") }()
	select {
	case <-ready:
	case err := <-ended:
		t.Fatalf("the demo ended at once: %v", err)
	}
	address := regexp.MustCompile(`http://127\.0\.0\.1:\d+/`).FindString(out.String())
	if address == "" {
		t.Fatalf("no URL to open in: %s", out)
	}

	tests := map[string]struct {
		path     string
		sidecar  bool
		accepted bool
	}{
		"the page behind the directive is signed for its URL":   {"", true, true},
		"a page without it carries a signature that is refused": {"broken/scheme", false, false},
		"and so does one whose port is lost":                    {"broken/port", false, false},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			body := get(t, address+test.path)
			config, sidecar := parameters(t, body, test.sidecar)
			if sidecar != test.sidecar {
				t.Fatalf("sidecar %v, want %v, in %s", sidecar, test.sidecar, body)
			}
			if got := native(t, address, address+test.path, config); got != test.accepted {
				t.Errorf("the native side says %v of %s", got, config)
			}
		})
	}

	if body := get(t, address+"hello/"); !strings.Contains(body, "张三") || !strings.Contains(body, `"login"`) {
		t.Errorf("the page of sign-in is %s", body)
	}
	if resp, err := http.Get(address + "hello/me"); err != nil || resp.StatusCode != http.StatusUnauthorized {
		t.Errorf("a stranger gets %v, %v", resp, err)
	}

	for corp, want := range map[string]string{"dingdemo1": `"by":"query"`, "dingdemo2": "tenant_unknown"} {
		if body := get(t, address+"corps/page?corpid="+corp); !strings.Contains(body, want) {
			t.Errorf("the page of %s is %s", corp, body)
		}
	}

	cancel()
	if err := <-ended; err != nil {
		t.Errorf("the demo did not end cleanly: %v", err)
	}
	if _, err := http.Get(address); err == nil {
		t.Error("something still listens")
	}
}

func get(t *testing.T, url string) string {
	t.Helper()
	req, _ := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	req.Header.Set("Accept", "text/html")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK {
		t.Fatalf("%s: %s %v", url, resp.Status, err)
	}
	return string(body)
}

// parameters returns what dd.config goes out with: the sidecar's, else those of
// the app's own backend.
func parameters(t *testing.T, body string, sidecar bool) (json.RawMessage, bool) {
	t.Helper()
	if m := regexp.MustCompile(`\((\{"config":.*?\})\)</script>`).FindStringSubmatch(body); m != nil {
		var data struct{ Config json.RawMessage }
		if err := json.Unmarshal([]byte(m[1]), &data); err != nil {
			t.Fatal(err)
		}
		return data.Config, true
	}
	m := regexp.MustCompile(`"config":(\{.*?\})`).FindStringSubmatch(body)
	if m == nil {
		t.Fatalf("no parameters (sidecar %v) in %s", sidecar, body)
	}
	return json.RawMessage(m[1]), false
}

// native asks the simulated app for its verdict.
func native(t *testing.T, address, href string, params json.RawMessage) bool {
	t.Helper()
	body, _ := json.Marshal(map[string]any{"platform": "ios", "href": href, "params": params})
	resp, err := http.Post(address+"native/verify", "application/json", bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	var verdict struct{ OK bool }
	if err := json.NewDecoder(resp.Body).Decode(&verdict); err != nil {
		t.Fatal(err)
	}
	return verdict.OK
}
