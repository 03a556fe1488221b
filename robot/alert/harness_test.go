package alert

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/certmagic"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest/observer"

	"github.com/caddy-dingtalk/caddy-dingtalk/robot"
)

// group is a DingTalk group whose robot answers as told, and the transport to it.
type group struct {
	mu     sync.Mutex
	answer func(n int) string // the nth try's answer, from 0; nil: ok
	hang   bool
	posts  []post
}

type post struct {
	at    time.Time
	query string
	title string
	text  string
	uuid  string
	body  string
}

func (g *group) RoundTrip(r *http.Request) (*http.Response, error) {
	content, _ := io.ReadAll(r.Body)
	var b struct {
		Text, Markdown, Link struct{ Title, Text, Content string }
		MsgUUID              string `json:"msgUuid"`
	}
	_ = json.Unmarshal(content, &b)
	g.mu.Lock()
	n := len(g.posts)
	g.posts = append(g.posts, post{
		time.Now(), r.URL.RawQuery, b.Markdown.Title + b.Link.Title, b.Text.Content + b.Markdown.Text + b.Link.Text, b.MsgUUID, string(content),
	})
	answer, hang := `{"errcode":0}`, g.hang
	if g.answer != nil {
		answer = g.answer(n)
	}
	g.mu.Unlock()
	if hang {
		<-r.Context().Done()
		return nil, r.Context().Err()
	}
	return &http.Response{StatusCode: 200, Body: io.NopCloser(strings.NewReader(answer)), Header: http.Header{}, Request: r}, nil
}

func (g *group) got() []post {
	g.mu.Lock()
	defer g.mu.Unlock()
	return append([]post(nil), g.posts...)
}

// handler makes a handler as Provision does, for a queue of its own or another's.
func handler(t testing.TB, g *group, q *queue, change func(*Robot)) (*Robot, *observer.ObservedLogs) {
	t.Helper()
	core, logs := observer.New(zapcore.DebugLevel)
	h := &Robot{Webhook: "https://oapi.dingtalk.com/robot/send?access_token=t0ken", Secret: "SECret"}
	if change != nil {
		change(h)
	}
	if err := h.provisionAlone(zap.New(core), g); err != nil {
		t.Fatal(err)
	}
	if q == nil {
		q = newQueue("test")
	}
	h.queue = q
	q.attach(h)
	return h, logs
}

func (h *Robot) provisionAlone(logger *zap.Logger, g *group) (err error) {
	h.ctx, h.logger, h.hostname = caddy.Context{Context: context.Background()}, logger, "web-1"
	h.init()
	if err := h.resolve(); err != nil {
		return err
	}
	h.robot, err = robot.New(h.Webhook, h.Secret, robot.Client(&http.Client{Transport: g}))
	if err != nil {
		return err
	}
	return h.check()
}

func event(name string, data map[string]any) caddy.Event {
	e, err := caddy.NewEvent(caddy.Context{Context: context.Background()}, name, data)
	if err != nil {
		panic(err)
	}
	return e
}

func emit(h *Robot, n int) {
	_ = h.Handle(context.Background(), event("test", map[string]any{"n": n}))
}

func numbered(h *Robot) { h.Text = "event {event.data.n}" }

func refusal(code int) string { return fmt.Sprintf(`{"errcode":%d,"errmsg":"no"}`, code) }

// memory is a storage that several processes share.
type memory struct {
	mu, locked sync.Mutex
	values     map[string][]byte
	fails      bool
}

func (m *memory) Lock(context.Context, string) error {
	m.locked.Lock()
	return nil
}

func (m *memory) Unlock(context.Context, string) error {
	m.locked.Unlock()
	return nil
}

func (m *memory) Store(_ context.Context, key string, value []byte) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.fails {
		return fs.ErrPermission
	}
	if m.values == nil {
		m.values = make(map[string][]byte)
	}
	m.values[key] = value
	return nil
}

func (m *memory) Load(_ context.Context, key string) ([]byte, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if value, ok := m.values[key]; ok && !m.fails {
		return value, nil
	}
	return nil, fs.ErrNotExist
}

func (m *memory) Delete(context.Context, string) error { return nil }
func (m *memory) Exists(context.Context, string) bool  { return false }
func (m *memory) List(context.Context, string, bool) ([]string, error) {
	return nil, nil
}
func (m *memory) Stat(context.Context, string) (certmagic.KeyInfo, error) {
	return certmagic.KeyInfo{}, fs.ErrNotExist
}
