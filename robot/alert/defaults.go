package alert

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/caddyserver/caddy/v2"

	"github.com/caddy-dingtalk/caddy-dingtalk/doctor"
)

const (
	eventFailed      = "dingtalk_token_failed"
	eventRefreshed   = "dingtalk_token_refreshed"
	eventRobotFailed = "dingtalk_robot_failed" // data: kind, code, advice, advice_zh
)

// byDefault makes the message of an event for which none is configured. ok is false
// for a ticket that has been told as the end of a failure.
func (h *Robot) byDefault(e caddy.Event) (c content, ok bool) {
	switch app := appOf(e); e.Name() {
	case eventFailed:
		h.queue.fail(app, e.Timestamp())
	case eventRefreshed:
		if since, ends := h.queue.recover(app, e.ID().String()); ends {
			return h.recovered(e, since), true
		}
		if h.queue.told(e.ID().String()) {
			return content{}, false
		}
	}
	found, ours := doctor.Event(e.Name())
	if !ours {
		return h.markdown(e, list(e)), true
	}
	return h.markdown(e, told(found, e)+"\n\n"+list(e, "advice", "advice_zh", "next_try")), true
}

// recovered tells of the ticket that ends a failure.
func (h *Robot) recovered(e caddy.Event, since time.Time) content {
	zh, en := spoken(e.Timestamp().Sub(since))
	text := "**又有 jsapi_ticket 了，中断了 " + zh + "**\n\nThere is a ticket again after " + en
	return h.markdown(e, text+"\n\n"+list(e, "expires"))
}

// told is what an event means, and what to do: as its own data advise, which know the
// case, or else as is always advised.
func told(found doctor.Finding, e caddy.Event) string {
	text := "**" + found.Text.ZH + "**\n\n" + found.Text.EN
	var cure doctor.Text
	if len(found.Cures) > 0 {
		cure = found.Cures[0]
	}
	if own := show(e.Data["advice_zh"]); own != "" {
		cure.ZH = escape(own, "")
	}
	if own := show(e.Data["advice"]); own != "" {
		cure.EN = escape(own, "")
	}
	if cure.ZH != "" {
		text += "\n\n怎么办：" + cure.ZH
	}
	if cure.EN != "" {
		text += "\n\nWhat to do: " + cure.EN
	}
	return text
}

func (h *Robot) markdown(e caddy.Event, text string) content {
	return h.addressed(content{
		form: markdownForm, dated: true, text: text,
		title: "[" + h.hostname + "] " + clean(e.Name()),
	})
}

// list writes the event's data, a line each. What is told elsewhere, or differs
// each time and would keep messages from being merged, can be left out.
func list(e caddy.Event, but ...string) string {
	var out strings.Builder
	for _, key := range slices.Sorted(maps.Keys(e.Data)) {
		if slices.Contains(but, key) {
			continue
		}
		value := show(e.Data[key])
		if value == "" {
			value = "-"
		}
		out.WriteString("- " + escape(clean(key), "") + ": " + escape(value, "") + "\n")
	}
	if out.Len() == 0 {
		return "- event: " + escape(clean(e.Name()), "")
	}
	return strings.TrimSuffix(out.String(), "\n")
}

func appOf(e caddy.Event) string { return show(e.Data["app"]) }

// spoken is a duration as people say it.
func spoken(d time.Duration) (zh, en string) {
	switch {
	case d < time.Minute:
		n := int(d / time.Second)
		return fmt.Sprintf("%d 秒", n), fmt.Sprintf("%d s", n)
	case d < 2*time.Hour:
		n := int(d / time.Minute)
		return fmt.Sprintf("%d 分钟", n), fmt.Sprintf("%d min", n)
	}
	hours, minutes := int(d/time.Hour), int(d%time.Hour/time.Minute)
	return fmt.Sprintf("%d 小时 %d 分钟", hours, minutes), fmt.Sprintf("%d h %d min", hours, minutes)
}
