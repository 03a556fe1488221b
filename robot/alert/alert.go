// Package alert tells DingTalk (钉钉) groups of Caddy's events: the guest
// events.handlers.dingtalk_robot.
package alert

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync/atomic"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyevents"
	"github.com/caddyserver/certmagic"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"

	"github.com/caddy-dingtalk/caddy-dingtalk/config"
	"github.com/caddy-dingtalk/caddy-dingtalk/doctor"
	"github.com/caddy-dingtalk/caddy-dingtalk/robot"
)

func init() { caddy.RegisterModule(Robot{}) }

// The times of `every`. At MinEvery a robot sends its 20 messages a minute.
const (
	DefaultEvery = 10 * time.Second
	MinEvery     = 3 * time.Second
)

// Robot sends events of Caddy to a DingTalk (钉钉) group through the group's custom
// robot (自定义机器人).
//
// The event waits for nothing: messages are queued. The first goes at once, what
// comes within `every` becomes one digest. All handlers of one webhook share this,
// over reloads, too. Without a message the events of the dingtalk handler are told
// in Chinese and English with what to do, and a ticket that comes back after a
// failure is told as well; other events become a list of their data.
//
// Messages take Caddy's global placeholders and `{event.*}`. What comes from the
// event is shortened to 500 characters, and its Markdown is escaped.
type Robot struct {
	// Required: the robot's webhook with its access_token; https, or http to a
	// loopback or private host. Write a placeholder: {env.ROBOT_WEBHOOK}.
	Webhook string `json:"webhook,omitempty"`

	// The secret of 加签, SEC…. Write a placeholder. Default: 加签 is off.
	Secret string `json:"secret,omitempty"`

	// A keyword (自定义关键词), put in front of messages that lack it. Default: none.
	Keyword string `json:"keyword,omitempty"`

	// At most one message. Default: Markdown with the title `[<hostname>] <event>`.
	Text       string      `json:"text,omitempty"`
	Markdown   *Markdown   `json:"markdown,omitempty"`
	Link       *Link       `json:"link,omitempty"`
	ActionCard *ActionCard `json:"action_card,omitempty"`

	// Who is told by name, in text and Markdown: mobile numbers, @userid, or all.
	// Default: nobody.
	At []string `json:"at,omitempty"`

	// At most one message in this time, at least 3s. Default: 10s.
	Every caddy.Duration `json:"every,omitempty"`

	ctx      caddy.Context
	logger   *zap.Logger
	events   *caddyevents.App // nil where the handler is not a guest of it
	storage  certmagic.Storage
	robot    *robot.Robot
	at       robot.At
	hostname string
	key      string // of the queue in the pool
	queue    *queue
	release  func() error            // gives the queue back
	refused  *atomic.Pointer[string] // why the last message was invalid, nil if it was not
}

// Markdown is a message in DingTalk's Markdown.
type Markdown struct {
	Title string `json:"title"`
	Text  string `json:"text"`
}

// Link is a card that opens a page.
type Link struct {
	Title   string `json:"title"`
	Text    string `json:"text"`
	URL     string `json:"url"`
	Picture string `json:"picture,omitempty"`
}

// ActionCard is Markdown with a button.
type ActionCard struct {
	Title  string `json:"title"`
	Text   string `json:"text"`
	Button string `json:"button"`
	URL    string `json:"url"`
}

// CaddyModule returns the Caddy module information.
func (Robot) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{
		ID:  "events.handlers.dingtalk_robot",
		New: func() caddy.Module { return new(Robot) },
	}
}

// Provision resolves the placeholders of the settings and takes the webhook's
// queue. It makes no call and reads no storage.
func (h *Robot) Provision(ctx caddy.Context) error {
	h.ctx, h.logger = ctx, ctx.Logger()
	h.init()
	if err := h.resolve(); err != nil {
		return err
	}
	if err := h.check(); err != nil {
		return err
	}
	if err := registerMetrics(ctx.GetMetricsRegistry()); err != nil {
		return err
	}
	h.storage = ctx.Storage()
	h.hostname, _ = os.Hostname()
	h.hostname = clean(h.hostname)
	for _, module := range ctx.Modules() {
		if app, ok := module.(*caddyevents.App); ok {
			h.events = app
		}
	}
	if h.isDefault() && h.events != nil {
		if err := h.events.On(eventRefreshed, recovery{h}); err != nil {
			return fmt.Errorf("subscribing to %s: %w", eventRefreshed, err)
		}
	}
	return h.takeQueue()
}

func (h *Robot) init() { h.refused = new(atomic.Pointer[string]) }

// resolve makes robot and at of what the settings say.
func (h *Robot) resolve() error {
	repl := caddy.NewReplacer()
	var texts [3]string
	for i, setting := range []struct{ name, text string }{{"webhook", h.Webhook}, {"secret", h.Secret}, {"keyword", h.Keyword}} {
		text, err := resolve(repl, setting.name, setting.text)
		if err != nil {
			return err
		}
		texts[i] = text
	}
	r, err := robot.New(texts[0], texts[1], robot.Keyword(texts[2]))
	if err != nil {
		return fmt.Errorf("setting up the robot: %w", err)
	}
	h.robot = r
	h.key = poolKey(texts[0])
	h.at = robot.At{}
	for _, name := range h.At {
		if name, err = resolve(repl, "at", name); err != nil {
			return err
		}
		h.at.Add(name)
	}
	if h.Every == 0 {
		h.Every = caddy.Duration(DefaultEvery)
	}
	return nil
}

// resolve replaces the placeholders of a setting. Its errors quote nothing but a
// placeholder: what is around one may be secret.
func resolve(repl *caddy.Replacer, name, text string) (string, error) {
	value := text
	if !isStatic(text) {
		var err error
		value, err = repl.ReplaceOrErr(text, true, true)
		if value = strings.TrimSpace(value); err != nil || value == "" {
			return "", unresolved(name, text)
		}
	}
	if err := config.PastedValue(value); err != nil {
		return "", doctor.Wrong("%s: %v", name, err)
	}
	return value, nil
}

// unresolved is the error about a setting whose placeholder has no value.
func unresolved(name, text string) error {
	var quoted any = doctor.Hint("a placeholder")
	if strings.HasPrefix(text, "{") && strings.IndexByte(text, '}') == len(text)-1 {
		quoted = text
	}
	cure := doctor.Fill(text)
	if name != "webhook" {
		cure = doctor.Hint("%v; or leave the line %s out", cure, name)
	}
	return doctor.Wrong("resolving %s: %v is unknown or empty: %v", name, quoted, cure)
}

// Cleanup gives the queue back. The last to do so waits up to 2 s for what is
// still to be sent.
func (h *Robot) Cleanup() error {
	if h.release == nil {
		return nil
	}
	return h.release()
}

// Handle queues a message about the event. It never waits, fails or aborts.
func (h *Robot) Handle(_ context.Context, e caddy.Event) error {
	if e.Name() == eventRobotFailed {
		return nil // or a robot that fails would tell of itself for ever
	}
	if !h.queue.admits() {
		return nil
	}
	c, ok := h.content(e)
	if !ok {
		return nil
	}
	h.enqueue(c, e.Timestamp())
	return nil
}

// enqueue validates and queues a message. What was not static is known only now.
func (h *Robot) enqueue(c content, at time.Time) {
	_, err := h.robot.Prepared(c.message())
	if err == nil {
		h.refused.Store(nil)
		h.queue.add(&entry{content: c, robot: h.robot, first: at})
		return
	}
	count(string(robot.Invalid), 1)
	text := err.Error()
	if last := h.refused.Swap(&text); last != nil && *last == text {
		return
	}
	field := ""
	if invalid, ok := errors.AsType[*robot.InvalidError](err); ok {
		field = invalid.Type + "." + invalid.Field
	}
	advice := doctor.Say("Correct this field of the dingtalk_robot handler; the event may lack what its placeholder names.",
		"请改正 dingtalk_robot 的这个字段；也可能是事件里没有占位符所指的数据")
	h.logger.Error("dropping an invalid robot message",
		zap.String("field", field), zap.Error(err), zap.String("advice", advice.EN), zap.String("advice_zh", advice.ZH))
	h.emitFailed(string(robot.Invalid), field, advice)
}

// emitFailed emits dingtalk_robot_failed behind the caller's back.
func (h *Robot) emitFailed(kind, code string, advice doctor.Text) {
	if h.events == nil || h.ctx.Err() != nil || !h.events.ShouldEmit(eventRobotFailed) {
		return
	}
	go h.events.Emit(h.ctx, eventRobotFailed, map[string]any{"kind": kind, "code": code, "advice": advice.EN, "advice_zh": advice.ZH})
}

// MarshalLogObject shows the handler without webhook and secret: at DEBUG Caddy
// logs each handler whole.
func (h *Robot) MarshalLogObject(enc zapcore.ObjectEncoder) error {
	enc.AddString("handler", "dingtalk_robot")
	enc.AddDuration("every", time.Duration(h.Every))
	if h.robot != nil {
		enc.AddString("host", h.robot.Host())
	}
	return nil
}

// Format prints the handler without webhook and secret, whatever the verb.
func (h *Robot) Format(w fmt.State, _ rune) { fmt.Fprint(w, "dingtalk_robot") }

// recovery tells of the ticket that ends a failure which the handler has told.
type recovery struct{ *Robot }

func (r recovery) Handle(_ context.Context, e caddy.Event) error {
	app := appOf(e)
	if since, ok := r.queue.recover(app, e.ID().String()); ok {
		r.enqueue(r.recovered(e, since), e.Timestamp())
	}
	return nil
}

// Interface guards
var (
	_ caddy.Provisioner       = (*Robot)(nil)
	_ caddy.CleanerUpper      = (*Robot)(nil)
	_ caddyevents.Handler     = (*Robot)(nil)
	_ caddyevents.Handler     = recovery{}
	_ zapcore.ObjectMarshaler = (*Robot)(nil)
)
