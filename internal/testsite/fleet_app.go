package testsite

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/caddy-dingtalk/caddy-dingtalk/internal/sandbox"
)

// FleetApp is an app of DingTalk. Each process of a fleet has a site for it.
type FleetApp struct {
	Name    string
	Ding    *sandbox.DingTalk
	Options string   // more lines for each process's global options
	Routes  string   // more lines for its site
	Login   string   // lines of the directive; default: the credentials of the first app
	SignIn  string   // the login block of the directive
	Redis   *Redis   // where its storage is; default: files
	Cold    bool     // its processes wait where they start, and visitors with them, until Warm
	storage []string // what its files are like, as TestFiles has it
	root    string   // the folder of its storage

	mu    sync.Mutex
	calls []Call
}

// Call is a call of DingTalk that a process has made.
type Call struct {
	kind sandbox.Call
	From int // the number of the process
	At   time.Time
}

// NewFleetApp makes an app, and the lines of its storage's block.
func NewFleetApp(name string, o sandbox.Options, storage ...string) *FleetApp {
	return &FleetApp{Name: name, Ding: sandbox.New(o), storage: storage}
}

// Called returns the calls of one kind.
func (a *FleetApp) Called(kind sandbox.Call) (calls []Call) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, c := range a.calls {
		if c.kind == kind {
			calls = append(calls, c)
		}
	}
	return calls
}

// ExpectCalls compares how often all processes together have called DingTalk.
func (a *FleetApp) ExpectCalls(t testing.TB, token, ticket int) {
	t.Helper()
	if gotToken, gotTicket := len(a.Called(sandbox.TokenCall)), len(a.Called(sandbox.TicketCall)); gotToken != token || gotTicket != ticket {
		t.Errorf("%s: %d access token calls and %d ticket calls, want %d and %d", a.Name, gotToken, gotTicket, token, ticket)
	}
}

// Record is a line of a storage's journal. It never holds a value.
type Record struct {
	Time    time.Time `json:"time"`
	PID     int       `json:"pid"`
	Op      string    `json:"op"` // lock, unlock or store
	Key     string    `json:"key"`
	Fetched time.Time `json:"fetched,omitzero"` // of the token that is stored
}

// IsTicket reports whether a ticket was written.
func (r Record) IsTicket() bool {
	return r.Op == "store" && strings.HasSuffix(r.Key, "/jsapi_ticket.json")
}

// Journal returns what has been done to the app's storage so far.
func (a *FleetApp) Journal(t testing.TB) (records []Record) {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(a.root, "journal"))
	if err != nil && !os.IsNotExist(err) {
		t.Fatal(err)
	}
	for line := range bytes.Lines(data) {
		var r Record
		if err := json.Unmarshal(line, &r); err != nil {
			t.Fatalf("reading the journal: %v", err)
		}
		records = append(records, r)
	}
	return records
}

// Warm lets the processes of an app that is cold start, all at once.
func (a *FleetApp) Warm(t testing.TB) {
	t.Helper()
	if err := os.Remove(a.root + closedGate); err != nil {
		t.Fatal(err)
	}
}

// storageLine is the storage in the app's directive.
func (a *FleetApp) storageLine() string {
	if a.Redis != nil {
		return fmt.Sprintf("test_redis %s %s", a.Redis.Socket, a.root)
	}
	return fmt.Sprintf("test_files %s {\n\t\t\t%s\n\t\t}", a.root, strings.Join(a.storage, "\n\t\t\t"))
}

// LoseStorage takes the app's files away from all processes: what is in their place is no
// folder.
func (a *FleetApp) LoseStorage(t testing.TB) {
	t.Helper()
	if err := errors.Join(os.Rename(a.root, a.root+".lost"), os.WriteFile(a.root, nil, 0o600)); err != nil {
		t.Fatal(err)
	}
}

// login are the lines that say for whom the directive speaks.
func (a *FleetApp) login() string {
	if a.Login != "" {
		return a.Login
	}
	o := a.Ding.Options()
	return fmt.Sprintf("app_key %s\n\t\tapp_secret {file.%s.secret}\n\t\tcorp_id %s\n\t\tagent_id %s", o.AppKey, a.root, o.CorpID, o.AgentID)
}

// host is where a process serves the pages of the app.
func (a *FleetApp) host(p *Process) string {
	_, port, _ := net.SplitHostPort(p.addr)
	return a.Name + ".test:" + port
}

// apiHost is where the processes look for the app's DingTalk.
func (a *FleetApp) apiHost() string { return a.Name + ".dingtalk.test" }
