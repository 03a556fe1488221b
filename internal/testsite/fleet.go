package testsite

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/caddy-dingtalk/caddy-dingtalk/internal/sandbox"
)

// Fleet is Caddy in several processes, over the same storages. Each has a proxy of
// its own to DingTalk, so that it is known who calls.
type Fleet struct {
	dir       string
	Apps      []*FleetApp
	Processes []*Process
}

// Process is one Caddy of a fleet.
type Process struct {
	addr   string
	log    bytes.Buffer
	Cmd    *exec.Cmd
	client *http.Client
}

// StartFleet starts a fleet that serves the apps. It ends with the test, which
// runs beside those of other fleets: they mostly wait.
func StartFleet(t *testing.T, size int, apps ...*FleetApp) *Fleet {
	t.Helper()
	if testing.Short() {
		t.Skip("takes its time")
	}
	if runtime.GOOS == "windows" {
		t.Skip("its processes cannot be given a listener here")
	}
	t.Parallel()
	f := &Fleet{dir: Folder(t), Apps: apps}
	for _, a := range apps {
		a.root = filepath.Join(f.dir, a.Name)
		if err := os.WriteFile(a.root+".secret", []byte(a.Ding.Options().AppSecret), 0o600); err != nil {
			t.Fatal(err)
		}
		if a.Cold {
			if err := os.WriteFile(a.root+closedGate, nil, 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
	for range size {
		f.Start(t)
	}
	return f
}

// Start adds a process.
func (f *Fleet) Start(t *testing.T) {
	t.Helper()
	proxy := httptest.NewServer(f.dingTalkFor(len(f.Processes)))
	t.Cleanup(func() {
		proxy.CloseClientConnections()
		proxy.Close()
	})
	// The process gets a listener that is open already: nobody else can take its
	// port, and visitors wait until it is ready.
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	socket, err := listener.(*net.TCPListener).File()
	if err != nil {
		t.Fatal(err)
	}
	defer socket.Close()

	p := &Process{addr: listener.Addr().String()}
	stay := func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	p.client = &http.Client{Timeout: time.Minute, CheckRedirect: stay, Transport: &http.Transport{
		MaxIdleConnsPerHost: 16,
		DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, network, p.addr)
		},
	}}
	file := filepath.Join(f.dir, fmt.Sprint(len(f.Processes), ".Caddyfile"))
	if err := os.WriteFile(file, []byte(f.caddyfile(p)), 0o600); err != nil {
		t.Fatal(err)
	}
	p.Cmd = Command(t, f.dir, "run", "--adapter", "caddyfile", "--config", file)
	p.Cmd.Env = append(p.Cmd.Env, "GOMAXPROCS=1", "HTTP_PROXY="+proxy.URL, "NO_PROXY=", "no_proxy=")
	p.Cmd.Stdout, p.Cmd.Stderr = &p.log, &p.log
	p.Cmd.ExtraFiles = []*os.File{socket}
	if err := p.Cmd.Start(); err != nil {
		t.Fatal(err)
	}
	number := len(f.Processes)
	t.Cleanup(func() {
		p.client.CloseIdleConnections()
		_ = p.Cmd.Process.Kill()
		_ = p.Cmd.Wait()
		if t.Failed() {
			t.Logf("process %d, pid %d:\n%s", number, p.Cmd.Process.Pid, p.log.String())
		}
	})
	f.Processes = append(f.Processes, p)
	if f.cold(t, p) {
		return
	}
	resp, err := p.client.Get("http://" + p.addr) // none of the sites
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
}

// cold reports whether a process waits for an app that is cold, once it does.
func (f *Fleet) cold(t *testing.T, p *Process) bool {
	t.Helper()
	for _, a := range f.Apps {
		if _, err := os.Stat(a.root + closedGate); err != nil {
			continue
		}
		Eventually(t, "a process that waits", func() bool {
			found, _ := filepath.Glob(filepath.Join(f.dir, "*"+waiting+strconv.Itoa(p.Cmd.Process.Pid)))
			return len(found) > 0
		})
		return true
	}
	return false
}

// caddyfile is the configuration of a process.
func (f *Fleet) caddyfile(p *Process) string {
	var text strings.Builder
	fmt.Fprintf(&text, "{\n\tadmin off\n\tpersist_config off\n\tauto_https off\n\tdefault_bind fd/3\n\tstorage file_system %s/storage\n", f.dir)
	for _, a := range f.Apps {
		text.WriteString(a.Options)
	}
	text.WriteString("}\n")
	for _, a := range f.Apps {
		fmt.Fprintf(&text, `http://%s {
	dingtalk {
		%s
		api_base http://%s
		oapi_base http://%[3]s
		ticket_wait 20s
		storage %s
		%s
	}
	header Content-Type "text/html; charset=utf-8"
	header ETag "\"page\""
	%s
	respond "<!DOCTYPE html><html><head></head><body>页面</body></html>"
}
`, a.host(p), a.login(), a.apiHost(), a.storageLine(), a.SignIn, a.Routes)
	}
	return text.String()
}

// dingTalkFor is the proxy through which a process reaches DingTalk.
func (f *Fleet) dingTalkFor(number int) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		i := slices.IndexFunc(f.Apps, func(a *FleetApp) bool { return a.apiHost() == r.Host })
		if i < 0 {
			http.Error(w, "no such host", http.StatusBadGateway)
			return
		}
		a, kind := f.Apps[i], kindOf(r.URL.Path)
		a.mu.Lock()
		a.calls = append(a.calls, Call{kind, number, time.Now()})
		a.mu.Unlock()
		a.Ding.ServeHTTP(w, r)
	})
}

// kindOf is what a call asks for, by its path.
func kindOf(path string) sandbox.Call {
	switch name := path[strings.LastIndexByte(path, '/')+1:]; name {
	case "jsapiTickets", "get_jsapi_ticket":
		return sandbox.TicketCall
	case "accessToken", "gettoken":
		return sandbox.TokenCall
	default:
		return sandbox.Call(name)
	}
}

// Site is the app's site in one of the processes.
func (f *Fleet) Site(number int, a *FleetApp) *Site {
	p := f.Processes[number]
	return &Site{Ding: a.Ding, Addr: p.addr, URL: "http://" + a.host(p), Client: p.client}
}

// Stop ends a process as a service manager does, and returns what it has logged.
func (f *Fleet) Stop(t *testing.T, number int) (log string) {
	t.Helper()
	p := f.Processes[number]
	if err := p.Cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	_ = p.Cmd.Wait() // the code of a signal
	return p.log.String()
}

// Kill ends a process as kill -9 does.
func (f *Fleet) Kill(number int) {
	_ = f.Processes[number].Cmd.Process.Kill()
	_ = f.Processes[number].Cmd.Wait()
}
