package alert

import (
	"fmt"
	"strings"

	"github.com/caddyserver/caddy/v2"

	"github.com/caddy-dingtalk/caddy-dingtalk/robot"
)

// content is what a message says. Equal contents are told once, with their number.
type content struct {
	form
	title, text, url string
	extra            string // the link's picture, the card's button
	mobiles, userIDs string // joined by spaces
	all              bool
	dated            bool // the time is told, but does not tell messages apart
}

type form int

const (
	textForm form = iota
	markdownForm
	linkForm
	cardForm
)

// message makes the message for DingTalk.
func (c content) message() robot.Message {
	switch c.form {
	case textForm:
		return robot.Text{Content: c.text, At: c.at()}
	case linkForm:
		return robot.Link{Title: c.title, Text: c.text, MessageURL: c.url, PicURL: c.extra}
	case cardForm:
		return robot.ActionCard{Title: c.title, Text: c.text, SingleTitle: c.extra, SingleURL: c.url}
	}
	return robot.Markdown{Title: c.title, Text: c.text, At: c.at()}
}

func (c content) at() robot.At {
	return robot.At{Mobiles: strings.Fields(c.mobiles), UserIDs: strings.Fields(c.userIDs), All: c.all}
}

// content makes the message of an event. ok is false where it has been told
// already.
func (h *Robot) content(e caddy.Event) (c content, ok bool) {
	if h.isDefault() {
		return h.byDefault(e)
	}
	return h.addressed(h.template().fill(e)), true
}

// addressed adds who is to be told by name.
func (h *Robot) addressed(c content) content {
	c.mobiles, c.userIDs, c.all = strings.Join(h.at.Mobiles, " "), strings.Join(h.at.UserIDs, " "), h.at.All
	return c
}

func (h *Robot) isDefault() bool {
	return h.Text == "" && h.Markdown == nil && h.Link == nil && h.ActionCard == nil
}

// template is a content whose texts may hold placeholders.
type template content

func (h *Robot) template() template {
	switch {
	case h.Text != "":
		return template{form: textForm, text: h.Text}
	case h.Link != nil:
		return template{form: linkForm, title: h.Link.Title, text: h.Link.Text, url: h.Link.URL, extra: h.Link.Picture}
	case h.ActionCard != nil:
		return template{form: cardForm, title: h.ActionCard.Title, text: h.ActionCard.Text, url: h.ActionCard.URL, extra: h.ActionCard.Button}
	}
	return template{form: markdownForm, title: h.Markdown.Title, text: h.Markdown.Text}
}

// fill replaces the placeholders. What comes from the event is written as its place
// needs it.
func (t template) fill(e caddy.Event) content {
	f := filler{event: e}
	inText := plain
	if t.form == markdownForm || t.form == cardForm {
		inText = escape
	}
	inExtra := plain
	if t.form == linkForm {
		inExtra = inURL
	}
	c := content(t)
	c.title = f.fill(t.title, plain)
	c.text = f.fill(t.text, inText)
	c.url = f.fill(t.url, inURL)
	c.extra = f.fill(t.extra, inExtra)
	return c
}

// filler fills the texts of one message.
type filler struct {
	event caddy.Event
	write func(value, whole string) string // how a value is written where it stands
	repl  *caddy.Replacer
}

func (f *filler) fill(text string, write func(value, whole string) string) string {
	if isStatic(text) {
		return text
	}
	if f.repl == nil {
		f.repl = caddy.NewReplacer()
	}
	f.write = write
	f.repl.Map(func(key string) (any, bool) {
		if key != "event" && !strings.HasPrefix(key, "event.") {
			return nil, false
		}
		value, ok := eventValue(f.event, key)
		if !ok || value == "" {
			return "-", true
		}
		return f.write(value, text), true
	})
	// A replacer of its own for each text: what is mapped first is asked first.
	out := f.repl.ReplaceAll(text, "-")
	f.repl = nil
	return out
}

// eventValue returns the value of {event.*}, fit for one line.
func eventValue(e caddy.Event, key string) (string, bool) {
	switch key {
	case "event", "event.name":
		return clean(e.Name()), true
	case "event.id":
		return e.ID().String(), true
	case "event.time":
		return e.Timestamp().Format(timeLayout), true
	case "event.time_unix":
		return fmt.Sprint(e.Timestamp().UnixMilli()), true
	case "event.module":
		if e.Origin() == nil {
			return "", false
		}
		return string(e.Origin().CaddyModule().ID), true
	}
	name, isData := strings.CutPrefix(key, "event.data.")
	value, ok := e.Data[name]
	if !isData || !ok {
		return "", false
	}
	return show(value), true
}

const timeLayout = "2006-01-02 15:04:05 -0700"

// isStatic reports whether a text holds no placeholder.
func isStatic(text string) bool { return !strings.Contains(text, "{") }
