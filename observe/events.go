package observe

import (
	"fmt"
	"sync/atomic"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyevents"
	"go.uber.org/zap"

	"github.com/caddy-dingtalk/caddy-dingtalk/config"
	"github.com/caddy-dingtalk/caddy-dingtalk/doctor"
	"github.com/caddy-dingtalk/caddy-dingtalk/oapi"
	"github.com/caddy-dingtalk/caddy-dingtalk/tokens"
)

// The events that a configuration can subscribe to (Caddy's events app).
const (
	// EventRefreshed: this process has fetched a jsapi_ticket. Data: app, expires.
	EventRefreshed = "dingtalk_token_refreshed"
	// EventFailed: DingTalk gives no ticket, once a failure. Data: app, kind,
	// error, advice, advice_zh, next_try (seconds).
	EventFailed = "dingtalk_token_failed"
	// EventRefused: DingTalk refused a signature for the right URL. Data: url,
	// code, message. At most five a minute, and so with the next.
	EventRefused = "dingtalk_signature_refused"
	// EventMismatch: a browser shows another URL than the one signed. Data: url,
	// signed, advice.
	EventMismatch = "dingtalk_url_mismatch"
	// EventTenantAuthorized: a corp has authorised a third-party app, or one of its agents
	// works again. Data: app, corp_id, agent_id ("" where it is not known, or all).
	EventTenantAuthorized = "dingtalk_tenant_authorized"
	// EventTenantRevoked: a corp has revoked or stopped it. Data: as before.
	EventTenantRevoked = "dingtalk_tenant_revoked"
	// EventSuiteTicketStale: the suite_ticket of a third-party app is older than six hours,
	// or there is none ten minutes after the start. Data: app, suite_key, age_seconds (not
	// where there is none).
	EventSuiteTicketStale = "dingtalk_suite_ticket_stale"
)

// Emitter emits the events of a handler. The zero one has no subscribers.
type Emitter struct {
	ctx    caddy.Context
	events *caddyevents.App
}

// NewEmitter returns the emitter of a handler that is being provisioned.
func NewEmitter(ctx caddy.Context) (*Emitter, error) {
	app, err := ctx.App("events")
	if err != nil {
		return nil, fmt.Errorf("getting the events app: %w", err)
	}
	events := app.(*caddyevents.App)
	if looked.Swap(events) != events { // all handlers of a configuration have the same
		warnOfUnknown(ctx.Logger(), events)
	}
	return &Emitter{ctx, events}, nil
}

// looked is the app whose subscriptions were looked at last.
var looked atomic.Pointer[caddyevents.App]

// warnOfUnknown warns of events that are subscribed to under a name that is none.
func warnOfUnknown(log *zap.Logger, events *caddyevents.App) {
	for _, sub := range events.Subscriptions {
		for _, name := range sub.Events {
			if err := config.CheckEvent(name); err != nil {
				log.Warn(err.Error(), zap.String("advice_zh", doctor.Of(err).ZH))
			}
		}
	}
}

// Emit tells the subscribers, which may take their time, behind the caller's back.
// Texts are cleaned as those of the log are: they may go on to a shell or a chat.
func (e *Emitter) Emit(name string, data map[string]any) {
	if e.events == nil || !e.events.ShouldEmit(name) {
		return
	}
	for key, value := range data {
		if text, is := value.(string); is {
			data[key] = clean(text)
		}
	}
	go e.events.Emit(e.ctx, name, data)
}

// Watcher tells metrics and events how the app of that name fares.
type Watcher struct {
	App    string
	Events *Emitter
}

// Called counts a call of DingTalk's API.
func (Watcher) Called(kind string, err error) { countCall(kind, err) }

// Fetched tells that there is a fresh ticket.
func (w Watcher) Fetched(expires time.Time) {
	w.Events.Emit(EventRefreshed, map[string]any{"app": w.App, "expires": expires})
}

// Failed tells that DingTalk gives no ticket.
func (w Watcher) Failed(err error, delay time.Duration) {
	advice := doctor.Advice(err)
	w.Events.Emit(EventFailed, map[string]any{
		"app": w.App, "kind": oapi.KindOf(err).String(), "error": err.Error(),
		"advice": advice.EN, "advice_zh": advice.ZH, "next_try": delay.Seconds(),
	})
}

// Interface guards
var _ tokens.Observer = Watcher{}
