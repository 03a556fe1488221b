package alert

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/caddyserver/caddy/v2"

	"github.com/caddy-dingtalk/caddy-dingtalk/doctor"
	"github.com/caddy-dingtalk/caddy-dingtalk/robot"
)

// Examined is what a doctor finds of one handler of a configuration.
type Examined struct {
	Event string // what it is subscribed to; * for all events
	// Findings are called config, secrets, or message: that which is sent.
	Findings []doctor.Finding
}

// Examine checks each dingtalk_robot handler of a configuration in Caddy's own
// JSON: its placeholders, the form of webhook and secret, its message. With send it
// also sends one message through each webhook, once for however many handlers.
// No text holds token or secret. The error says that the JSON cannot be read.
func Examine(ctx context.Context, configuration []byte, send bool) ([]Examined, error) {
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
	var all []Examined
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
			all = append(all, Examined{event, examine(ctx, raw, event, send, sent)})
		}
	}
	return all, nil
}

var correct = []doctor.Text{doctor.Say("Correct this line of the dingtalk_robot handler, then run the doctor again.",
	"请改正 dingtalk_robot 的这一行，再检查一次")}

func examine(ctx context.Context, raw json.RawMessage, event string, send bool, sent map[string]bool) []doctor.Finding {
	var h Robot
	if err := json.Unmarshal(raw, &h); err != nil {
		return []doctor.Finding{{Name: "config", Status: doctor.Error, Cures: correct,
			Text: doctor.Say("the handler cannot be read: %v", "读不懂这个处理器的配置：%v", err)}}
	}
	err := h.resolve()
	if err == nil {
		err = h.check()
	}
	if err != nil {
		return []doctor.Finding{{Name: "config", Status: doctor.Error, Text: doctor.Of(err), Cures: correct}}
	}
	findings := []doctor.Finding{{Name: "config", Status: doctor.OK, Text: doctor.Say(
		"webhook, secret and message are well formed; messages go to %s", "webhook、secret 和消息的格式都对；消息发往 %s", h.robot.Host())}}
	for _, secret := range []struct{ name, value string }{{"webhook", h.Webhook}, {"secret", h.Secret}} {
		if secret.value != "" && isStatic(secret.value) {
			findings = append(findings, doctor.Finding{
				Name: "secrets", Status: doctor.Warning,
				Text: doctor.Say("%s stands in the configuration in plain text", "%s 以明文写在配置里", secret.name),
				Cures: []doctor.Text{doctor.Say("Write %[1]s {env.NAME} or %[1]s {file./path}: what the webhook holds lets everybody write into the group.",
					"请写成 %[1]s {env.NAME} 或 %[1]s {file./path}：拿到 webhook 的人都能往群里发消息", secret.name)},
			})
		}
	}
	if send && !sent[h.key] {
		sent[h.key] = true
		findings = append(findings, h.test(ctx, event))
	}
	return findings
}

// test sends one message.
func (h *Robot) test(ctx context.Context, event string) doctor.Finding {
	_, full := caddy.Version()
	err := h.robot.Send(ctx, robot.Markdown{
		Title: "dingtalk doctor",
		Text: "**这是一条测试消息，机器人工作正常**\n\nA test message of caddy dingtalk doctor: the robot works\n\n" +
			"- event: " + escape(event, "") + "\n- Caddy: " + escape(clean(full), ""),
	})
	if err == nil {
		return doctor.Finding{Name: "message", Status: doctor.OK,
			Text: doctor.Say("DingTalk has taken a test message: look whether the group shows it", "钉钉收下了一条测试消息：请看群里有没有显示")}
	}
	f := doctor.Finding{Name: "message", Status: doctor.Error, Text: doctor.Of(err), Cures: correct}
	if advice := doctor.Advice(err); advice != (doctor.Text{}) {
		f.Cures = []doctor.Text{advice}
	}
	return f
}
