package dingtalk

import (
	"fmt"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyevents"

	"github.com/caddy-dingtalk/caddy-dingtalk/internal/diagnosis"
	"github.com/caddy-dingtalk/caddy-dingtalk/oapi"
	"github.com/caddy-dingtalk/caddy-dingtalk/tokens"
)

// The events that a configuration can subscribe to (Caddy's events app).
const (
	// eventRefreshed: this process has fetched a jsapi_ticket. Data: app, expires.
	eventRefreshed = "dingtalk_token_refreshed"
	// eventFailed: DingTalk gives no ticket, once a failure. Data: app, kind,
	// error, advice, next_try (seconds).
	eventFailed = "dingtalk_token_failed"
	// eventRefused: DingTalk refused a signature for the right URL. Data: url,
	// code, message. At most five a minute, and so with the next.
	eventRefused = "dingtalk_signature_refused"
	// eventMismatch: a browser shows another URL than the one signed. Data: url,
	// signed, advice.
	eventMismatch = "dingtalk_url_mismatch"
)

// emitter emits the events of a handler.
type emitter struct {
	ctx    caddy.Context
	events *caddyevents.App
}

func newEmitter(ctx caddy.Context) (*emitter, error) {
	app, err := ctx.App("events")
	if err != nil {
		return nil, fmt.Errorf("getting the events app: %w", err)
	}
	return &emitter{ctx, app.(*caddyevents.App)}, nil
}

// emit tells the subscribers, which may take their time, behind the caller's back.
func (e *emitter) emit(name string, data map[string]any) {
	if e.events.ShouldEmit(name) {
		go e.events.Emit(e.ctx, name, data)
	}
}

// watcher tells metrics and events how an app fares.
type watcher struct {
	app string
	*emitter
}

func (watcher) Called(kind string, err error) { countCall(kind, err) }

func (w watcher) Fetched(expires time.Time) {
	w.emit(eventRefreshed, map[string]any{"app": w.app, "expires": expires})
}

func (w watcher) Failed(err error, delay time.Duration) {
	w.emit(eventFailed, map[string]any{
		"app": w.app, "kind": oapi.KindOf(err).String(), "error": err.Error(), "advice": diagnosis.Advice(err).EN, "next_try": delay.Seconds(),
	})
}

// Interface guards
var _ tokens.Observer = watcher{}
