package alert

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/caddyserver/caddy/v2"

	"github.com/caddy-dingtalk/caddy-dingtalk/robot"
)

// Check is what a doctor finds of one robot of a configuration.
type Check struct {
	Event   string // what the handler is subscribed to; * for all events
	Status  Status
	Message string
	Advice  string // "" where nothing is to be done
}

// Status is how a check turned out.
type Status string

const (
	OK      Status = "ok"
	Warning Status = "warning"
	Error   Status = "error"
)

// Examine checks each dingtalk_robot handler of a configuration in Caddy's own
// JSON: its placeholders, the form of webhook and secret, its message. With send it
// also sends one message through each webhook, once for however many handlers.
// No text holds token or secret. The error says that the JSON cannot be read.
func Examine(ctx context.Context, configuration []byte, send bool) ([]Check, error) {
	var found struct {
		Apps struct {
			Events struct {
				Subscriptions []struct {
					Events   []string          `json:"events"`
					Handlers []json.RawMessage `json:"handlers"`
				} `json:"subscriptions"`
			} `json:"events"`
		} `json:"apps"`
	}
	if err := json.Unmarshal(configuration, &found); err != nil {
		return nil, fmt.Errorf("reading the configuration: %w", err)
	}
	var checks []Check
	sent := make(map[string]bool)
	for _, sub := range found.Apps.Events.Subscriptions {
		for _, raw := range sub.Handlers {
			var module struct {
				Handler string `json:"handler"`
			}
			if json.Unmarshal(raw, &module) != nil || module.Handler != "dingtalk_robot" {
				continue
			}
			event := strings.Join(sub.Events, ", ")
			if event == "" {
				event = "*"
			}
			for _, c := range examine(ctx, raw, event, send, sent) {
				c.Event = event
				checks = append(checks, c)
			}
		}
	}
	return checks, nil
}

func examine(ctx context.Context, raw json.RawMessage, event string, send bool, sent map[string]bool) []Check {
	var h Robot
	const correct = "Correct this line of the dingtalk_robot handler, then run the doctor again."
	if err := json.Unmarshal(raw, &h); err != nil {
		return []Check{{Status: Error, Message: "the handler cannot be read: " + err.Error(), Advice: correct}}
	}
	err := h.resolve()
	if err == nil {
		err = h.check()
	}
	if err != nil {
		return []Check{{Status: Error, Message: err.Error(), Advice: correct}}
	}
	checks := []Check{{Status: OK, Message: "webhook, secret and message are well formed; messages go to " + h.robot.Host()}}
	for _, secret := range []struct{ name, value string }{{"webhook", h.Webhook}, {"secret", h.Secret}} {
		if secret.value != "" && isStatic(secret.value) {
			checks = append(checks, Check{
				Status: Warning, Message: secret.name + " stands in the configuration in plain text",
				Advice: fmt.Sprintf("Write %s {env.NAME} or %s {file./path}: what the webhook holds lets everybody write into the group.", secret.name, secret.name),
			})
		}
	}
	if send && !sent[h.key] {
		sent[h.key] = true
		checks = append(checks, h.test(ctx, event))
	}
	return checks
}

// test sends one message.
func (h *Robot) test(ctx context.Context, event string) Check {
	_, full := caddy.Version()
	err := h.robot.Send(ctx, robot.Markdown{
		Title: "dingtalk doctor",
		Text: "**这是一条测试消息，机器人工作正常**\n\nA test message of caddy dingtalk doctor: the robot works\n\n" +
			"- event: " + escape(event, "") + "\n- Caddy: " + escape(clean(full), ""),
	})
	if failure, ok := errors.AsType[*robot.SendError](err); ok {
		return Check{Status: Error, Message: failure.Error(), Advice: failure.Advice}
	}
	if err != nil {
		return Check{Status: Error, Message: err.Error(), Advice: "Correct the handler's settings."}
	}
	return Check{Status: OK, Message: "DingTalk has taken a test message: look whether the group shows it"}
}
