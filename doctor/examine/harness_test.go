package examine_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	_ "github.com/caddyserver/caddy/v2/modules/standard"
	"github.com/caddyserver/certmagic"
	"go.uber.org/zap"

	_ "github.com/caddy-dingtalk/caddy-dingtalk"
	"github.com/caddy-dingtalk/caddy-dingtalk/config"
	"github.com/caddy-dingtalk/caddy-dingtalk/doctor"
	"github.com/caddy-dingtalk/caddy-dingtalk/doctor/examine"
	"github.com/caddy-dingtalk/caddy-dingtalk/internal/sandbox"
	"github.com/caddy-dingtalk/caddy-dingtalk/internal/testsite/language"
	"github.com/caddy-dingtalk/caddy-dingtalk/login"
	"github.com/caddy-dingtalk/caddy-dingtalk/tenant"
	"github.com/caddy-dingtalk/caddy-dingtalk/tokens"
)

// world is a simulated DingTalk and a folder.
type world struct {
	ding *sandbox.DingTalk
	api  string // its address, as a web origin
	dir  string
	fill *strings.Replacer
}

// newWorld makes a world. Its API may be wrapped.
func newWorld(t *testing.T, o sandbox.Options, wrap func(http.Handler) http.Handler) *world {
	t.Helper()
	w := &world{ding: sandbox.New(o), dir: t.TempDir()}
	var handler http.Handler = w.ding
	if wrap != nil {
		handler = wrap(handler)
	}
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	w.api = server.URL
	o = w.ding.Options()
	for file, secret := range map[string]string{
		"app_secret": o.AppSecret, "corp_secret": o.CorpSecret, "channel_secret": o.ChannelSecret, "another_secret": "another",
	} {
		if err := os.WriteFile(filepath.Join(w.dir, file), []byte(secret), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	app := "app_key " + o.AppKey + "\n\t\tapp_secret {file." + filepath.Join(w.dir, "app_secret") + "}"
	dd := "corp_id " + o.CorpID + "\n\t\tagent_id " + o.AgentID
	w.fill = strings.NewReplacer("DIR", w.dir, "API", w.api, "APP", app+"\n\t\t"+dd, "DD", dd,
		"KEY", o.AppKey, "PLAIN", o.AppSecret)
	return w
}

// modules is made once: it changes what all of the process shares.
var modules = sync.OnceValues(examine.Modules)

// options are what the command passes.
func options(t *testing.T) examine.Options {
	t.Helper()
	ctx, err := modules()
	if err != nil {
		t.Fatal(err)
	}
	return examine.Options{
		Modules: ctx, Source: source, AppName: tenant.Name,
		SignIn: examine.SignIn{Facts: login.FactsOf, Probe: login.ProbeAs},
	}
}

func source(c *config.Config) examine.Source { return tenant.Source(c) }

// examine examines a Caddyfile in which the names that newWorld fills in stand
// for the world's. It makes sure that the report gives nothing away and that
// nothing is left in the storage.
func (w *world) examine(t *testing.T, text string) (examine.Report, string) {
	t.Helper()
	return w.examineOne(t, text, "", "")
}

// examineOne is examine for one of several tenants.
func (w *world) examineOne(t *testing.T, text, corp, agent string) (examine.Report, string) {
	t.Helper()
	o := options(t)
	o.Corp, o.Agent = corp, agent
	adapted, _, err := caddyconfig.GetAdapter("caddyfile").Adapt([]byte(w.fill.Replace(text)), nil)
	if err != nil {
		t.Fatal(err)
	}
	report, err := examine.Examine(t.Context(), adapted, o)
	if err != nil {
		t.Fatal(err)
	}
	var plain, asJSON bytes.Buffer
	if err := errors.Join(report.WriteText(&plain), report.WriteJSON(&asJSON)); err != nil {
		t.Fatal(err)
	}
	var parsed examine.Report
	if err := json.Unmarshal(asJSON.Bytes(), &parsed); err != nil || len(parsed) != len(report) {
		t.Errorf("the JSON has %d handlers of %d: %v", len(parsed), len(report), err)
	}
	ding := w.ding.Options()
	for _, secret := range append(append(w.ding.Issued(), w.ding.SuiteSecrets()...), ding.AppSecret, ding.CorpSecret, ding.ChannelSecret) {
		if strings.Contains(plain.String(), secret) || strings.Contains(asJSON.String(), secret) {
			t.Errorf("the report gives a secret away:\n%s", plain.String())
		}
	}
	var inChinese bytes.Buffer
	if err := report.In(doctor.Chinese).WriteText(&inChinese); err != nil {
		t.Fatal(err)
	}
	if words := language.English(inChinese.String()); words != "" {
		t.Errorf("%q is English:\n%s", words, inChinese.String())
	}
	for _, left := range w.stored(t) {
		if strings.Contains(left, "doctor-") || strings.HasSuffix(left, ".lock") {
			t.Errorf("left behind: %s", left)
		}
	}
	return report, plain.String()
}

// suiteName is that of a suite in the storage.
func (w *world) suiteName(t *testing.T, key string) string {
	t.Helper()
	probe, err := tenant.ProbeSuite(&config.Config{APIBase: w.api, OAPIBase: w.api}, &config.Suite{SuiteKey: key, SuiteTicket: "any"}, nil)
	if err != nil {
		t.Fatal(err)
	}
	return probe.Name()
}

// ticketRecord is a suite_ticket of some age, as a server stores it.
func ticketRecord(value, age string) string {
	d, _ := time.ParseDuration(age)
	at := time.Now().Add(-d)
	return fmt.Sprintf(`{"value":%q,"time":%d,"received":%q}`, value, at.UnixMilli(), at.Format(time.RFC3339))
}

// stored returns the files of the storage.
func (w *world) stored(t *testing.T) (files []string) {
	t.Helper()
	err := filepath.WalkDir(filepath.Join(w.dir, "storage"), func(path string, d os.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			files = append(files, path)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// server is one more process that has the app's tokens in the world's storage.
func (w *world) server(t *testing.T) *tokens.App {
	t.Helper()
	o := w.ding.Options()
	storage := &certmagic.FileStorage{Path: filepath.Join(w.dir, "storage")}
	c := &config.Config{AppKey: o.AppKey, CorpID: o.CorpID, APIBase: w.api}
	c.AppSecret = config.Secret(o.AppSecret)
	return tokens.NewApp(tokens.Options{
		Name: tenant.Name(c), Source: source(c), Storage: storage, Memory: tokens.NewMemory(), Log: zap.NewNop(),
	})
}

// nobody is an address that refuses connections.
func nobody(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

func init() { caddy.RegisterModule(faulty{}) }

// faulty is a file storage with something wrong: `storage faulty <folder> <fault>`.
type faulty struct {
	Root  string `json:"root"`
	Fault string `json:"fault"`
}

func (faulty) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{ID: "caddy.storage.faulty", New: func() caddy.Module { return new(faulty) }}
}

func (f *faulty) UnmarshalCaddyfile(d *caddyfile.Dispenser) error {
	d.Next()
	d.Args(&f.Root, &f.Fault)
	return nil
}

func (f *faulty) Provision(caddy.Context) error {
	if f.Fault == "unloadable" {
		return errors.New("no such cluster")
	}
	return nil
}

func (f *faulty) CertMagicStorage() (certmagic.Storage, error) {
	return &faultyStorage{&certmagic.FileStorage{Path: f.Root}, f.Fault}, nil
}

type faultyStorage struct {
	*certmagic.FileStorage
	fault string
}

var errDisk = errors.New("read-only file system")

func (s *faultyStorage) Store(ctx context.Context, key string, value []byte) error {
	if s.fault == "readonly" || s.fault == "noticket" && strings.HasSuffix(key, "ticket.json") {
		return errDisk
	}
	if s.fault == "slow" {
		time.Sleep(1600 * time.Millisecond)
	}
	return s.FileStorage.Store(ctx, key, value)
}

func (s *faultyStorage) Load(ctx context.Context, key string) ([]byte, error) {
	if s.fault == "forgetful" && strings.Contains(key, "doctor-") {
		return []byte("something else"), nil
	}
	return s.FileStorage.Load(ctx, key)
}

func (s *faultyStorage) Delete(ctx context.Context, key string) error {
	_ = s.FileStorage.Delete(ctx, key)
	if s.fault == "undeletable" {
		return errDisk
	}
	return nil
}

func (s *faultyStorage) Lock(ctx context.Context, name string) error {
	switch s.fault {
	case "nolock":
		return nil
	case "lockless":
		return errors.New("no locks here")
	}
	return s.FileStorage.Lock(ctx, name)
}

func (s *faultyStorage) Unlock(ctx context.Context, name string) error {
	if s.fault == "nolock" {
		return nil
	}
	return s.FileStorage.Unlock(ctx, name)
}

// settled waits until a server's tokens are in the storage and its lock released.
func (w *world) settled(t *testing.T) {
	t.Helper()
	settled := func() bool {
		tokens := 0
		for _, file := range w.stored(t) {
			switch filepath.Base(file) {
			case "jsapi_ticket.json", "access_token.json":
				tokens++
			default: // a lock, or what is being written
				return false
			}
		}
		return tokens == 2
	}
	for end := time.Now().Add(20 * time.Second); !settled(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("the tokens were not stored within 20 s")
		}
	}
}
