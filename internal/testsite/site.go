package testsite

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig"

	"github.com/caddy-dingtalk/caddy-dingtalk/internal/sandbox"
)

// Setup is what a test needs around its sites.
type Setup struct {
	// Sites are Caddyfile sites. PORT, UPSTREAM and DIR stand for a free port, the
	// address of the upstream and a folder; `import app` for the app's
	// credentials, `import bases` for nothing but where DingTalk is, and `import app2`
	// and so on for the key and secret of further apps.
	Sites    string
	Global   string // further global options
	Upstream http.Handler
	DingTalk sandbox.Options
	Faults   map[sandbox.Call]string // of DingTalk, from before Caddy starts
}

// Site is Caddy in this process, in front of an upstream and with a simulated
// DingTalk behind it.
type Site struct {
	Ding *sandbox.DingTalk
	Addr string // where Caddy listens
	URL  string // the same as a web origin
	Port string
	Dir  string // DIR in its Caddyfile, with the log and the storage

	Caddyfile string            // as it was loaded
	Fill      *strings.Replacer // for what PORT, UPSTREAM and DIR stand for
	Client    *http.Client      // whose connections all go to Caddy
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

%s

%s
`

// Run starts Caddy. It ends with the test.
func Run(t testing.TB, c Setup) *Site {
	t.Helper()
	if c.Upstream == nil {
		c.Upstream = http.HandlerFunc(ServePage)
	}
	s := &Site{Ding: sandbox.New(c.DingTalk), Dir: Folder(t)}
	for call, fault := range c.Faults {
		s.Ding.SetFault(call, sandbox.MustFault(fault))
	}
	upstream := httptest.NewServer(c.Upstream)
	t.Cleanup(upstream.Close)
	s.Client = &http.Client{
		Transport: &http.Transport{
			DisableCompression: true,
			ForceAttemptHTTP2:  true,
			TLSClientConfig:    &tls.Config{InsecureSkipVerify: true},
			DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
				return new(net.Dialer).DialContext(ctx, network, s.Addr)
			},
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Timeout:       20 * time.Second,
	}
	var err error
	for range 5 { // another process may take the port meanwhile
		s.Addr = FreeAddr(t)
		s.URL = "http://" + s.Addr
		_, s.Port, _ = net.SplitHostPort(s.Addr)
		s.Fill = strings.NewReplacer("PORT", s.Port, "UPSTREAM", upstream.Listener.Addr().String(), "DIR", s.Dir)
		s.Caddyfile = fmt.Sprintf(s.Fill.Replace(globalOptions), s.Fill.Replace(c.Global), s.snippets(t), s.Fill.Replace(c.Sites))
		if err = s.Load(t, s.Caddyfile); !strings.Contains(fmt.Sprint(err), syscall.EADDRINUSE.Error()) {
			break
		}
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		s.Client.CloseIdleConnections()
		if err := caddy.Stop(); err != nil {
			t.Errorf("stopping Caddy: %v", err)
		}
	})
	return s
}

// snippets are the parts that a test's sites import.
func (s *Site) snippets(t testing.TB) string {
	bases := serve(t, s.Ding)
	o := s.Ding.Options()
	text := "(app) {\n\t" + credentials(t, o.AppKey, o.AppSecret) + "\n\t" + identity(o) + "\n\t" + bases + "\n}\n(bases) {\n\t" + bases + "\n}\n"
	for i, app := range o.Apps {
		text += fmt.Sprintf("(app%d) {\n\t%s\n}\n", i+2, credentials(t, app.AppKey, app.AppSecret))
	}
	return text
}

// Credentials are the lines that log in to a simulated DingTalk.
func (s *Site) Credentials(t testing.TB, ding *sandbox.DingTalk) string {
	t.Helper()
	o := ding.Options()
	return credentials(t, o.AppKey, o.AppSecret) + "\n\t" + identity(o) + "\n\t" + serve(t, ding)
}

// serve serves a simulated DingTalk until the test ends, and returns the lines that say
// where.
func serve(t testing.TB, ding *sandbox.DingTalk) (bases string) {
	api := httptest.NewServer(ding)
	t.Cleanup(func() {
		api.CloseClientConnections()
		api.Close()
	})
	return "api_base " + api.URL + "\n\toapi_base " + api.URL
}

func credentials(t testing.TB, key, secret string) string {
	t.Helper()
	file := filepath.Join(Folder(t), "app_secret")
	if err := os.WriteFile(file, []byte(secret), 0o600); err != nil {
		t.Fatal(err)
	}
	return "app_key " + key + "\n\tapp_secret {file." + file + "}"
}

func identity(o sandbox.Options) string { return "corp_id " + o.CorpID + "\n\tagent_id " + o.AgentID }

// At returns the web origin of one of several sites.
func (s *Site) At(host string) string { return "http://" + host + ":" + s.Port }

// Load gives Caddy a Caddyfile, as a reload does.
func (s *Site) Load(t testing.TB, text string) error {
	t.Helper()
	adapted, _, err := caddyconfig.GetAdapter("caddyfile").Adapt([]byte(text), nil)
	if err != nil {
		return err
	}
	if err := caddy.Load(adapted, true); err != nil {
		return err
	}
	// All sites of a test share one server. The old one may go on for a moment.
	Eventually(t, "one server", func() bool { return creators()["github.com/caddyserver/caddy/v2/modules/caddyhttp.(*App).Start"] == 1 })
	s.Client.CloseIdleConnections()
	return nil
}

// FreeAddr returns an address of this machine with a port that is free now.
func FreeAddr(t testing.TB) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// Write puts files into the folder of the site.
func (s *Site) Write(t testing.TB, files map[string]string) {
	t.Helper()
	for name, content := range files {
		name = filepath.Join(s.Dir, name)
		if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}
