package dingtalk

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/caddy-dingtalk/caddy-dingtalk/internal/sandbox"
)

// fleetApp is an app of DingTalk. Each process of a fleet has a site for it.
type fleetApp struct {
	name    string
	ding    *sandbox.DingTalk
	storage []string // what its storage is like, as internal/testcaddy has it
	root    string   // the folder of its storage

	mu    sync.Mutex
	calls []call
}

// call is a call of DingTalk that a process has made.
type call struct {
	kind sandbox.Call
	from int // the number of the process
	at   time.Time
}

func newFleetApp(name string, o sandbox.Options, storage ...string) *fleetApp {
	return &fleetApp{name: name, ding: sandbox.New(o), storage: storage}
}

// called returns the calls of one kind.
func (a *fleetApp) called(kind sandbox.Call) (calls []call) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, c := range a.calls {
		if c.kind == kind {
			calls = append(calls, c)
		}
	}
	return calls
}

func (a *fleetApp) expectCalls(t testing.TB, token, ticket int) {
	t.Helper()
	if gotToken, gotTicket := len(a.called(sandbox.TokenCall)), len(a.called(sandbox.TicketCall)); gotToken != token || gotTicket != ticket {
		t.Errorf("%s: %d access token calls and %d ticket calls, want %d and %d", a.name, gotToken, gotTicket, token, ticket)
	}
}

// record is a line of a storage's journal.
type record struct {
	PID     int       `json:"pid"`
	Op      string    `json:"op"` // lock, unlock or store
	Key     string    `json:"key"`
	Fetched time.Time `json:"fetched"`
}

// isTicket reports whether a ticket was written.
func (r record) isTicket() bool {
	return r.Op == "store" && strings.HasSuffix(r.Key, "/jsapi_ticket.json")
}

// journal returns what has been done to the app's storage so far.
func (a *fleetApp) journal(t testing.TB) (records []record) {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(a.root, "journal"))
	if err != nil && !os.IsNotExist(err) {
		t.Fatal(err)
	}
	for line := range bytes.Lines(data) {
		var r record
		if err := json.Unmarshal(line, &r); err != nil {
			t.Fatalf("reading the journal: %v", err)
		}
		records = append(records, r)
	}
	return records
}

// fleet is Caddy in several processes, over the same storages. Each has a proxy of
// its own to DingTalk, so that it is known who calls.
type fleet struct {
	dir       string
	apps      []*fleetApp
	processes []*process
}

type process struct {
	addr   string
	cmd    *exec.Cmd
	client *http.Client
}

// fleetCaddy builds the Caddy of all fleets.
var fleetCaddy = sync.OnceValues(func() (binary string, err error) {
	binary = filepath.Join(scratch, "testcaddy")
	if out, err := exec.Command("go", "build", "-ldflags=-s -w", "-o", binary, "./internal/testcaddy").CombinedOutput(); err != nil {
		return "", fmt.Errorf("building Caddy: %w\n%s", err, out)
	}
	return binary, nil
})

// startFleet starts a fleet that serves the apps. It ends with the test, which
// runs beside those of other fleets: they mostly wait.
func startFleet(t *testing.T, size int, apps ...*fleetApp) *fleet {
	t.Helper()
	if testing.Short() {
		t.Skip("builds Caddy")
	}
	t.Parallel()
	f := &fleet{dir: folder(t), apps: apps}
	for _, a := range apps {
		a.root = filepath.Join(f.dir, a.name)
		if err := os.WriteFile(a.root+".secret", []byte(a.ding.Options().AppSecret), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for range size {
		f.start(t)
	}
	return f
}

// start adds a process.
func (f *fleet) start(t *testing.T) {
	t.Helper()
	binary, err := fleetCaddy()
	if err != nil {
		t.Fatal(err)
	}
	proxy := httptest.NewServer(f.dingTalkFor(len(f.processes)))
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

	p := &process{addr: listener.Addr().String()}
	p.client = &http.Client{Timeout: time.Minute, Transport: &http.Transport{
		MaxIdleConnsPerHost: 16,
		DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, network, p.addr)
		},
	}}
	file := filepath.Join(f.dir, fmt.Sprint(len(f.processes), ".Caddyfile"))
	if err := os.WriteFile(file, []byte(f.caddyfile(p)), 0o600); err != nil {
		t.Fatal(err)
	}
	var log bytes.Buffer
	p.cmd = exec.Command(binary, "run", "--adapter", "caddyfile", "--config", file)
	p.cmd.Env = append(os.Environ(), "GOMAXPROCS=1", "HOME="+f.dir, "XDG_DATA_HOME="+f.dir, "XDG_CONFIG_HOME="+f.dir,
		"HTTP_PROXY="+proxy.URL, "NO_PROXY=", "no_proxy=")
	p.cmd.Stdout, p.cmd.Stderr = &log, &log
	p.cmd.ExtraFiles = []*os.File{socket}
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	number := len(f.processes)
	t.Cleanup(func() {
		p.client.CloseIdleConnections()
		_ = p.cmd.Process.Kill()
		_ = p.cmd.Wait()
		if t.Failed() {
			t.Logf("process %d, pid %d:\n%s", number, p.cmd.Process.Pid, log.String())
		}
	})
	f.processes = append(f.processes, p)
	resp, err := p.client.Get("http://" + p.addr) // none of the sites
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
}

// caddyfile is the configuration of a process.
func (f *fleet) caddyfile(p *process) string {
	var text strings.Builder
	fmt.Fprintf(&text, "{\n\tadmin off\n\tpersist_config off\n\tauto_https off\n\tdefault_bind fd/3\n\tstorage file_system %s/storage\n}\n", f.dir)
	for _, a := range f.apps {
		o := a.ding.Options()
		fmt.Fprintf(&text, `http://%s {
	dingtalk {
		app_key %s
		app_secret {file.%s.secret}
		corp_id %s
		agent_id %s
		api_base http://%s
		ticket_wait 20s
		storage test_files %s {
			%s
		}
	}
	header Content-Type "text/html; charset=utf-8"
	header ETag "\"page\""
	respond "<!DOCTYPE html><html><head></head><body>页面</body></html>"
}
`, a.host(p), o.AppKey, a.root, o.CorpID, o.AgentID, a.apiHost(), a.root, strings.Join(a.storage, "\n\t\t\t"))
	}
	return text.String()
}

// host is where a process serves the pages of the app.
func (a *fleetApp) host(p *process) string {
	_, port, _ := net.SplitHostPort(p.addr)
	return a.name + ".test:" + port
}

// apiHost is where the processes look for the app's DingTalk.
func (a *fleetApp) apiHost() string { return a.name + ".dingtalk.test" }

// dingTalkFor is the proxy through which a process reaches DingTalk.
func (f *fleet) dingTalkFor(number int) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		i := slices.IndexFunc(f.apps, func(a *fleetApp) bool { return a.apiHost() == r.Host })
		if i < 0 {
			http.Error(w, "no such host", http.StatusBadGateway)
			return
		}
		a, kind := f.apps[i], sandbox.TokenCall
		if strings.HasSuffix(r.URL.Path, "/jsapiTickets") {
			kind = sandbox.TicketCall
		}
		a.mu.Lock()
		a.calls = append(a.calls, call{kind, number, time.Now()})
		a.mu.Unlock()
		a.ding.ServeHTTP(w, r)
	})
}

// site is the app's site in one of the processes.
func (f *fleet) site(number int, a *fleetApp) *site {
	p := f.processes[number]
	return &site{ding: a.ding, addr: p.addr, url: "http://" + a.host(p), client: p.client}
}

// signedPage is what became of a page that DingTalk accepts.
const signedPage = "signed"

// visit asks for a page and says what became of it.
func (s *site) visit(t testing.TB, path string) string {
	t.Helper()
	a, err := s.ask(path)
	if err != nil {
		return err.Error()
	}
	return s.outcome(t, a, path)
}

// ask asks for a page, once, for those whom a failure does not end.
func (s *site) ask(path string) (*answer, error) {
	req, err := http.NewRequest(http.MethodGet, s.url+path, nil)
	if err != nil {
		return nil, err
	}
	req.Header = documentHeaders()
	resp, err := s.client.Do(req)
	if err != nil {
		return nil, err
	}
	return read(resp), nil
}

// outcome says what became of a page: signed, or why not.
func (s *site) outcome(t testing.TB, a *answer, path string) string {
	t.Helper()
	if a.err != nil {
		return a.err.Error()
	}
	if a.status != http.StatusOK {
		return "status " + strconv.Itoa(a.status)
	}
	got := a.snippet(t)
	switch {
	case got == nil:
		return "no snippet"
	case got.Sidecar.Error != nil:
		return got.Sidecar.Error.Code + ": " + got.Sidecar.Error.Message
	case !s.ding.Verify(got.params(t), s.url+path).OK:
		return "refused"
	}
	return signedPage
}

// tally is how many pages had which outcome.
type tally map[string]int

// crowd lets visitors ask each process for a page of the app. All of them have
// asked before the first reads. They are connections, not goroutines: the race
// detector takes no more than 8128 of those.
func (f *fleet) crowd(t testing.TB, a *fleetApp, visitors int) tally {
	t.Helper()
	var mu sync.Mutex
	count := make(tally)
	conns := make([][]net.Conn, len(f.processes))
	each := func(do func(i, n int) string) {
		var all sync.WaitGroup
		for i := range f.processes {
			all.Go(func() {
				for n := range visitors {
					if outcome := do(i, n); outcome != "" {
						mu.Lock()
						count[outcome]++
						mu.Unlock()
					}
				}
			})
		}
		all.Wait()
	}
	path := func(n int) string { return fmt.Sprint("/p?n=", n) }
	each(func(i, n int) string {
		conn, err := net.Dial("tcp", f.processes[i].addr)
		conns[i] = append(conns[i], conn)
		return fault(err)
	})
	each(func(i, n int) string {
		if conns[i][n] == nil {
			return ""
		}
		_ = conns[i][n].SetDeadline(time.Now().Add(time.Minute))
		_, err := fmt.Fprintf(conns[i][n], "GET %s HTTP/1.1\r\nHost: %s\r\nSec-Fetch-Dest: document\r\nAccept: text/html\r\n\r\n", path(n), a.host(f.processes[i]))
		return fault(err)
	})
	each(func(i, n int) string {
		if conns[i][n] == nil {
			return ""
		}
		defer conns[i][n].Close()
		resp, err := http.ReadResponse(bufio.NewReader(conns[i][n]), nil)
		if err != nil {
			return err.Error()
		}
		return f.site(i, a).outcome(t, read(resp), path(n))
	})
	return count
}

func fault(err error) string {
	if err != nil {
		return err.Error()
	}
	return ""
}
