package dingtalk

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig"
	_ "github.com/caddyserver/caddy/v2/modules/standard"

	"github.com/caddy-dingtalk/caddy-dingtalk/internal/sandbox"
)

// scratch is where all tests have their folders: tokens are written to a storage
// in the background, when a test may be over.
var scratch string

func TestMain(m *testing.M) {
	flag.Parse()
	var err error
	if scratch, err = os.MkdirTemp("", "dingtalk-test-"); err != nil {
		panic(err)
	}
	code := m.Run()
	for end := time.Now().Add(10 * time.Second); strings.Contains(stacks(), "/tokens.(*App)") && time.Now().Before(end); {
		time.Sleep(10 * time.Millisecond)
	}
	_ = os.RemoveAll(scratch)
	os.Exit(code)
}

// folder makes a folder for a test.
func folder(t testing.TB) string {
	t.Helper()
	dir, err := os.MkdirTemp(scratch, "")
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

// setup is what a test needs around its sites.
type setup struct {
	// sites are Caddyfile sites. PORT, UPSTREAM and DIR stand for a free port, the
	// address of the upstream and a folder; `import app` for the app's
	// credentials.
	sites    string
	global   string // further global options
	upstream http.Handler
	dingtalk sandbox.Options
}

// site is Caddy in this process, in front of an upstream and with a simulated
// DingTalk behind it.
type site struct {
	ding *sandbox.DingTalk
	addr string // where Caddy listens
	url  string // the same as a web origin
	port string
	dir  string

	caddyfile string // as it was loaded
	fill      *strings.Replacer
	client    *http.Client
}

const globalOptions = `{
	admin off
	persist_config off
	auto_https off
	skip_install_trust
	default_bind 127.0.0.1
	grace_period 2s
	storage file_system DIR/storage
	log {
		output file DIR/log {
			roll_disabled
		}
		format json
		level DEBUG
	}
	%s
}

(app) {
	%s
}

%s
`

// run starts Caddy. It ends with the test.
func run(t testing.TB, c setup) *site {
	t.Helper()
	if c.upstream == nil {
		c.upstream = http.HandlerFunc(servePage)
	}
	s := &site{ding: sandbox.New(c.dingtalk), dir: folder(t)}
	upstream := httptest.NewServer(c.upstream)
	t.Cleanup(upstream.Close)
	s.client = &http.Client{
		Transport: &http.Transport{
			DisableCompression: true,
			ForceAttemptHTTP2:  true,
			TLSClientConfig:    &tls.Config{InsecureSkipVerify: true},
			DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
				return new(net.Dialer).DialContext(ctx, network, s.addr)
			},
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Timeout:       20 * time.Second,
	}
	var err error
	for range 5 { // another process may take the port meanwhile
		s.addr = freeAddr(t)
		s.url = "http://" + s.addr
		_, s.port, _ = net.SplitHostPort(s.addr)
		s.fill = strings.NewReplacer("PORT", s.port, "UPSTREAM", upstream.Listener.Addr().String(), "DIR", s.dir)
		s.caddyfile = fmt.Sprintf(s.fill.Replace(globalOptions), s.fill.Replace(c.global), s.credentials(t, s.ding), s.fill.Replace(c.sites))
		if err = s.load(t, s.caddyfile); !strings.Contains(fmt.Sprint(err), syscall.EADDRINUSE.Error()) {
			break
		}
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		s.client.CloseIdleConnections()
		if err := caddy.Stop(); err != nil {
			t.Errorf("stopping Caddy: %v", err)
		}
	})
	return s
}

// credentials are the lines that log in to a simulated DingTalk.
func (s *site) credentials(t testing.TB, ding *sandbox.DingTalk) string {
	t.Helper()
	api := httptest.NewServer(ding)
	t.Cleanup(func() {
		api.CloseClientConnections()
		api.Close()
	})
	o := ding.Options()
	secret := filepath.Join(folder(t), "app_secret")
	if err := os.WriteFile(secret, []byte(o.AppSecret), 0o600); err != nil {
		t.Fatal(err)
	}
	return fmt.Sprintf("app_key %s\n\tapp_secret {file.%s}\n\tcorp_id %s\n\tagent_id %s\n\tapi_base %s",
		o.AppKey, secret, o.CorpID, o.AgentID, api.URL)
}

// at returns the web origin of one of several sites.
func (s *site) at(host string) string { return "http://" + host + ":" + s.port }

// load gives Caddy a Caddyfile, as a reload does.
func (s *site) load(t testing.TB, text string) error {
	t.Helper()
	adapted, _, err := caddyconfig.GetAdapter("caddyfile").Adapt([]byte(text), nil)
	if err != nil {
		return err
	}
	if err := caddy.Load(adapted, true); err != nil {
		return err
	}
	// All sites of a test share one server. The old one may go on for a moment.
	eventually(t, "one server", func() bool { return creators()["github.com/caddyserver/caddy/v2/modules/caddyhttp.(*App).Start"] == 1 })
	s.client.CloseIdleConnections()
	return nil
}

// stacks returns what all goroutines are doing.
func stacks() string {
	buf := make([]byte, 4<<20)
	return string(buf[:runtime.Stack(buf, true)])
}

// creators counts the goroutines by what has started them.
func creators() map[string]int {
	count := make(map[string]int)
	for line := range strings.Lines(stacks()) {
		if name, ok := strings.CutPrefix(line, "created by "); ok {
			name, _, _ = strings.Cut(name, " in goroutine")
			count[name]++
		}
	}
	return count
}

// freeAddr returns an address of this machine with a port that is free now.
func freeAddr(t testing.TB) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

const thePage = "<!DOCTYPE html>\n<html><head><title>H5</title></head><body>页面</body></html>\n"

// servePage is an upstream that has a page everywhere.
func servePage(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	_, _ = io.WriteString(w, thePage)
}

// entry is a line of the log.
type entry struct {
	Level  string `json:"level"`
	Logger string `json:"logger"`
	Msg    string `json:"msg"`
	text   string
}

// log returns all lines that have been logged so far.
func (s *site) log(t testing.TB) []byte {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(s.dir, "log"))
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// logged returns the lines of the handler that hold all the texts.
func (s *site) logged(t testing.TB, texts ...string) (found []entry) {
	t.Helper()
lines:
	for line := range bytes.Lines(s.log(t)) {
		e := entry{text: string(line)}
		if err := json.Unmarshal(line, &e); err != nil || e.Logger != "http.handlers.dingtalk" {
			continue
		}
		for _, text := range texts {
			if !strings.Contains(e.text, text) {
				continue lines
			}
		}
		found = append(found, e)
	}
	return found
}

// eventually waits until something is so that other goroutines bring about.
func eventually(t testing.TB, what string, so func() bool) {
	t.Helper()
	for end := time.Now().Add(20 * time.Second); !so(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("not within 20 s: %s", what)
		}
	}
}
