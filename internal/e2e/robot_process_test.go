package e2e

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/caddy-dingtalk/caddy-dingtalk/internal/sandbox"
	"github.com/caddy-dingtalk/caddy-dingtalk/internal/testsite"
)

// robotProcess is a Caddy whose site and admin API listen at Unix sockets.
type robotProcess struct {
	stop        func() error // ends it as a service manager does
	site, admin *http.Client
	mu          sync.Mutex
	log         bytes.Buffer
}

func (p *robotProcess) Write(b []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.log.Write(b)
}

func (p *robotProcess) logged() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.log.String()
}

// startRobotProcess starts a Caddy at DEBUG whose visits of /emit are events test.
func startRobotProcess(t *testing.T, events string, env ...string) *robotProcess {
	t.Helper()
	if runtime.GOOS == "windows" {
		t.Skip("it is ended by a signal")
	}
	p, dir := new(robotProcess), testsite.Folder(t)
	at := func(name string) *http.Client {
		return &http.Client{Transport: &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, "unix", filepath.Join(dir, name))
		}}}
	}
	p.site, p.admin = at("site"), at("admin")
	file := filepath.Join(dir, "Caddyfile")
	if err := os.WriteFile(file, fmt.Appendf(nil, "{\n\tdebug\n\tadmin unix/%s/admin\n\tpersist_config off\n\tmetrics\n\tevents {\n%s\n\t}\n}\nhttp:// {\n\tbind unix/%[1]s/site\n\ttest_emit\n\trespond hello\n}\n", dir, events), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := testsite.Command(t, dir, "run", "--adapter", "caddyfile", "--config", file)
	cmd.Env = append(cmd.Env, env...)
	cmd.Stdout, cmd.Stderr = p, p
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	p.stop = sync.OnceValue(func() error {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		return cmd.Wait()
	})
	t.Cleanup(func() {
		_ = p.stop()
		if t.Failed() {
			t.Log(p.logged())
		}
	})
	// The site answers before the events app has begun, to which nobody listens yet.
	testsite.Eventually(t, "a Caddy that has started", func() bool { return strings.Contains(p.logged(), "serving initial configuration") })
	return p
}

func get(t *testing.T, c *http.Client, url string) string {
	t.Helper()
	resp, err := c.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(body)
}

// Webhooks that fail in each way, one of them with the call's own query in its answer:
// whatever Caddy says of them, at DEBUG too, holds neither token nor secret nor sign.
func TestNoRobotsSecretIsLoggedOrServed(t *testing.T) {
	const token, secret = "t0kent0kent0ken", "SECt0ps3cret"
	var mu sync.Mutex
	secrets := []string{token, secret}
	echo := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		secrets = append(secrets, r.URL.Query().Get("sign"))
		mu.Unlock()
		fmt.Fprintf(w, `{"errcode":300001,"errmsg":"token %s is not exist, %s"}`, token, r.URL.RawQuery)
	}))
	defer echo.Close()
	untrusted := httptest.NewTLSServer(http.NotFoundHandler())
	defer untrusted.Close()
	hooks := map[string]string{"ECHO": echo.URL, "UNTRUSTED": untrusted.URL, "REFUSED": "http://127.0.0.1:1"}
	var global strings.Builder
	env := []string{"ROBOT_SECRET=" + secret}
	for name, url := range hooks {
		fmt.Fprintf(&global, "\t\ton test dingtalk_robot {\n\t\t\twebhook {env.%s}\n\t\t\tsecret {env.ROBOT_SECRET}\n\t\t\ttext hello\n\t\t}\n", name)
		env = append(env, name+"="+url+"/robot/send?access_token="+token)
	}
	p := startRobotProcess(t, global.String(), env...)
	get(t, p.site, "http://site/emit")
	testsite.Eventually(t, "three failures", func() bool { return strings.Count(p.logged(), "robot messages are not taken") == 3 })
	shown := map[string]string{
		"/config/": get(t, p.admin, "http://localhost/config/"),
		"/metrics": get(t, p.admin, "http://localhost/metrics"),
	}
	_ = p.stop()
	shown["the log"] = p.logged()
	if !strings.Contains(shown["/config/"], "{env.ROBOT_SECRET}") || !strings.Contains(shown["the log"], "dingtalk_robot_failed") ||
		!regexp.MustCompile(`robot_messages_total\{result="config"\} 1`).MatchString(shown["/metrics"]) {
		t.Errorf("the test has not seen what it looks through: %s", shown)
	}
	for where, text := range shown {
		for _, s := range secrets {
			if i := strings.Index(text, s); i >= 0 {
				t.Errorf("%s has a secret: %s", where, text[max(0, i-200):min(len(text), i+50)])
			}
		}
	}
}

func TestAProcessThatEndsTellsWhatWaitsInOneMessage(t *testing.T) {
	ding := sandbox.New(sandbox.Options{})
	server := httptest.NewServer(ding)
	defer server.Close()
	p := startRobotProcess(t, fmt.Sprintf("\t\ton test dingtalk_robot {\n\t\t\twebhook %s/robot/send?access_token=%s\n\t\t\ttext \"event {event.data.n}\"\n\t\t\tevery 1h\n\t\t}", server.URL, sandbox.RobotToken))
	for n := range 31 {
		get(t, p.site, fmt.Sprintf("http://site/emit?%d", n))
		testsite.Eventually(t, "the first message", func() bool { return len(ding.RobotMessages()) > 0 })
	}
	_ = p.stop()
	all := ding.RobotMessages()
	if len(all) != 2 || messagesIn(t, all[1].Body) != 30 || !all[1].Shown {
		t.Errorf("%d messages: %s", len(all), all[len(all)-1].Body)
	}
}

// What is wrong with a static message is found before Caddy starts, and named.
func TestAStaticMessageIsValidatedByCaddyValidate(t *testing.T) {
	tests := map[string]struct{ lines, adapter, says string }{
		"a link without text in the Caddyfile": {"webhook http://127.0.0.1:1/?access_token=t0ken\n link t \"\" https://example.com/", "caddyfile", "link.text"},
		"a link without text in the JSON":      {`"webhook": "http://127.0.0.1:1/?access_token=t0ken", "link": {"title": "t", "url": "https://example.com/"}`, "", "link.text"},
		"a webhook in the clear":               {"webhook http://example.com/?access_token=t0ken", "caddyfile", "write https://"},
		"a webhook on this machine":            {"webhook http://127.0.0.1/?access_token=t0ken", "caddyfile", "Valid configuration"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			dir := testsite.Folder(t)
			file, text := filepath.Join(dir, "config"), "{\n events {\n on started dingtalk_robot {\n"+test.lines+"\n }\n }\n}\n"
			if test.adapter == "" {
				text = `{"apps": {"events": {"subscriptions": [{"events": ["started"], "handlers": [{"handler": "dingtalk_robot", ` + test.lines + `}]}]}}}`
			}
			if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
			cmd := testsite.Command(t, dir, "validate", "--config", file, "--adapter", test.adapter)
			out, err := cmd.CombinedOutput()
			if !strings.Contains(string(out), test.says) || (err == nil) != strings.Contains(test.says, "Valid") || strings.Contains(string(out), "t0ken") {
				t.Errorf("%v:\n%s", err, out)
			}
		})
	}
}
