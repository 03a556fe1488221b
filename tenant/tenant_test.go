package tenant

import (
	"context"
	"io/fs"
	"strings"
	"testing"
	"time"

	"github.com/caddyserver/caddy/v2"
	_ "github.com/caddyserver/caddy/v2/modules/filestorage"
	"go.uber.org/zap"

	"github.com/caddy-dingtalk/caddy-dingtalk/config"
	"github.com/caddy-dingtalk/caddy-dingtalk/doctor"
	"github.com/caddy-dingtalk/caddy-dingtalk/oapi"
	"github.com/caddy-dingtalk/caddy-dingtalk/observe"
	"github.com/caddy-dingtalk/caddy-dingtalk/tokens"
)

// complete is a configuration with a storage at some place.
func complete(t *testing.T, storage string) *config.Config {
	t.Helper()
	c := config.Config{AppKey: "key", AppSecret: "secret", CorpID: "corp", AgentID: "1"}
	c.StorageRaw = []byte(storage)
	config.SetDefaults(&c)
	return &c
}

func TestTheMemoryLivesAsLongAsOneOfItsTenants(t *testing.T) {
	ctx, cancel := caddy.NewContext(caddy.Context{Context: t.Context()})
	defer cancel()
	storage := `{"module":"file_system","root":"` + t.TempDir() + `"}`
	expect := func(want int) {
		t.Helper()
		if n, _ := memories.References(memoryKey); n != want {
			t.Errorf("%d hold the memory, want %d", n, want)
		}
	}
	open := func() *Tenants {
		t.Helper()
		opened, err := Open(ctx, complete(t, storage), new(observe.Emitter), zap.NewNop())
		if err != nil {
			t.Fatal(err)
		}
		return opened
	}
	first := open()
	expect(1)
	second := open()
	expect(2)
	if first.For(nil).Tokens == second.For(nil).Tokens {
		t.Error("two directives share more than the memory")
	}
	first.Close()
	expect(1)
	second.Close()
	expect(0)

	if _, err := Open(ctx, complete(t, `{"module":"nothing"}`), new(observe.Emitter), zap.NewNop()); err == nil {
		t.Error("opened with a storage that does not exist")
	}
	expect(0)
}

// refusing is a DingTalk that gives no tokens.
type refusing struct{ err error }

func (s refusing) AccessToken(context.Context) (string, time.Duration, error) { return "", 0, s.err }
func (s refusing) Ticket(context.Context, string) (string, time.Duration, error) {
	return "", 0, s.err
}

// empty is a storage that keeps nothing.
type empty struct{}

func (empty) Load(context.Context, string) ([]byte, error) { return nil, fs.ErrNotExist }
func (empty) Store(context.Context, string, []byte) error  { return nil }
func (empty) Lock(context.Context, string) error           { return nil }
func (empty) Unlock(context.Context, string) error         { return nil }

func TestVisitorsAreToldWhatToDoButNotTheAddressOfTheServer(t *testing.T) {
	err := &oapi.Error{Call: "oauth2/accessToken", Kind: oapi.AllowList, Message: "request ip=198.51.100.4"}
	one := newTenant(complete(t, "null"), false)
	one.Tokens = tokens.NewApp(tokens.Options{Name: "app", Source: refusing{err}, Storage: empty{}, Memory: tokens.NewMemory(), Log: zap.NewNop()})
	defer one.Tokens.Close()
	_, none := one.Ticket(t.Context())
	if none == nil || strings.Contains(none.Message.Both(), "198.51.100.4") || !strings.Contains(none.Message.EN, "服务器出口IP") || none.Retry < time.Second {
		t.Errorf("visitors are told %+v", none)
	}
	if advice := doctor.Advice(err).EN; !strings.Contains(advice, "198.51.100.4") {
		t.Errorf("operators are told %q", advice)
	}
}
