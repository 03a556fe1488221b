package alert

import (
	"regexp"
	"strings"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"

	"github.com/caddy-dingtalk/caddy-dingtalk/config"
	"github.com/caddy-dingtalk/caddy-dingtalk/doctor"
	"github.com/caddy-dingtalk/caddy-dingtalk/robot"
)

// UnmarshalCaddyfile sets up the handler from Caddyfile tokens. Syntax:
//
//	on <event> dingtalk_robot {
//	    webhook     <url>
//	    secret      <SEC…>
//	    keyword     <word>
//	    text        <content>
//	    markdown    <title> <text>
//	    link        <title> <text> <url> [<picture>]
//	    action_card <title> <text> <button> <url>
//	    at          <mobile|@userid|all...>
//	    every       <duration>
//	}
//
// webhook is required, and of text, markdown, link and action_card at most one is
// allowed. Errors name file, line and cure.
func (h *Robot) UnmarshalCaddyfile(d *caddyfile.Dispenser) error {
	d.Next() // the handler's name
	if d.NextArg() {
		return d.WrapErr(doctor.Wrong("dingtalk_robot takes no arguments, but got %d: write the settings into a block { … }", 1+len(d.RemainingArgs())))
	}
	start, at := *d, *d
	seen := make(map[string]bool)
	for d.NextBlock(0) {
		name := d.Val()
		parse, known := subdirectives[name]
		switch {
		case !known:
			return d.WrapErr(doctor.Wrong("unrecognized subdirective %q: write webhook, secret, keyword, text, markdown, link, action_card, at or every", name))
		case seen[name]:
			return d.WrapErr(doctor.Wrong("%s is given twice: keep one line; at takes all its values there, another webhook needs another on line", name))
		}
		seen[name] = true
		if name == "at" {
			at = *d
		}
		args := d.RemainingArgs()
		if isGiven[name] {
			for _, arg := range args {
				if err := config.PastedValue(arg); err != nil {
					return d.WrapErr(doctor.Wrong("%s: %v", name, err))
				}
			}
		}
		if err := parse(h, args); err != nil {
			return d.WrapErr(doctor.Wrong("%s %v", name, err))
		}
		if isMessage[name] {
			if h.messages() > 1 {
				return d.WrapErr(doctor.Wrong("%s is a second message: keep one of text, markdown, link and action_card", name))
			}
			if err := h.template().check(); err != nil {
				return d.WrapErr(err)
			}
		}
	}
	if h.Webhook == "" {
		return start.WrapErr(doctor.Wrong("%s %v", "webhook", robot.CheckWebhook("")))
	}
	if err := h.checkAt(); err != nil {
		return at.WrapErr(err)
	}
	return nil
}

// isGiven are the settings that DingTalk gives, and where other tools leave their habits.
var isGiven = map[string]bool{"webhook": true, "secret": true, "keyword": true, "every": true}

var isMessage = map[string]bool{"text": true, "markdown": true, "link": true, "action_card": true}

// subdirectives is the grammar. Errors follow the name of the subdirective and
// quote no value of webhook and secret.
var subdirectives = map[string]func(h *Robot, args []string) error{
	"webhook": func(h *Robot, args []string) error {
		return one(args, &h.Webhook, robot.CheckWebhook)
	},
	"secret": func(h *Robot, args []string) error {
		return one(args, &h.Secret, robot.CheckSecret)
	},
	"keyword": func(h *Robot, args []string) error {
		return one(args, &h.Keyword, func(string) error { return nil })
	},
	"text": func(h *Robot, args []string) error {
		if len(args) != 1 {
			return doctor.Wrong("needs <content>: put quotes around a content with spaces")
		}
		if h.Text = args[0]; strings.TrimSpace(h.Text) == "" {
			return robot.Text{}.Validate()
		}
		return nil
	},
	"markdown": func(h *Robot, args []string) error {
		if len(args) != 2 {
			return doctor.Wrong("needs <title> <text>: put quotes around each")
		}
		h.Markdown = &Markdown{args[0], args[1]}
		return nil
	},
	"link": func(h *Robot, args []string) error {
		if len(args) != 3 && len(args) != 4 {
			return doctor.Wrong("needs <title> <text> <url> [<picture>]: without a text DingTalk accepts a link and shows it to nobody")
		}
		h.Link = &Link{Title: args[0], Text: args[1], URL: args[2]}
		if len(args) == 4 {
			h.Link.Picture = args[3]
		}
		return nil
	},
	"action_card": func(h *Robot, args []string) error {
		if len(args) != 4 {
			return doctor.Wrong("needs <title> <text> <button> <url>")
		}
		h.ActionCard = &ActionCard{args[0], args[1], args[2], args[3]}
		return nil
	},
	"at": func(h *Robot, args []string) error {
		if h.At = args; len(args) == 0 {
			return doctor.Wrong("needs whom to tell: mobile numbers, @userid, or all")
		}
		return nil
	},
	"every": func(h *Robot, args []string) error {
		if len(args) != 1 {
			return doctor.Wrong("takes exactly one time, for example 10s")
		}
		t, err := caddy.ParseDuration(args[0])
		if err != nil {
			return doctor.Wrong("takes a time, for example 10s, but got %q", args[0])
		}
		h.Every = caddy.Duration(t)
		return checkEvery(t)
	},
}

func one(args []string, value *string, check func(string) error) error {
	if len(args) != 1 || args[0] == "" {
		return doctor.Wrong("takes exactly one value: write it behind the name; a {$NAME} whose variable is not set is no value")
	}
	if *value = args[0]; !isStatic(*value) {
		return nil
	}
	return check(*value)
}

func checkEvery(t time.Duration) error {
	if t < MinEvery {
		return doctor.Wrong("must be at least %s: DingTalk takes 20 messages a minute from a robot, and for 10 minutes none if there are more", MinEvery)
	}
	return nil
}

// check validates the settings as far as they are known before events come: this
// is what `caddy validate` finds.
func (h *Robot) check() error {
	if err := checkEvery(time.Duration(h.Every)); err != nil {
		return doctor.Wrong("%s %v", "every", err)
	}
	if n := h.messages(); n > 1 {
		return doctor.Wrong("%d messages are given: keep one of text, markdown, link and action_card", n)
	}
	if !h.isDefault() {
		if err := h.template().check(); err != nil {
			return err
		}
	}
	return h.checkAt()
}

func (h *Robot) messages() (n int) {
	for _, given := range []bool{h.Text != "", h.Markdown != nil, h.Link != nil, h.ActionCard != nil} {
		if given {
			n++
		}
	}
	return n
}

// check validates the message with something in place of its placeholders.
func (t template) check() error {
	stand := func(text string) string { return placeholder.ReplaceAllString(text, "x") }
	standURL := func(text string) string {
		if strings.HasPrefix(text, "{") {
			return "https://example.com/"
		}
		return stand(text)
	}
	c := content(t)
	c.title, c.text, c.url = stand(t.title), stand(t.text), standURL(t.url)
	if c.extra = stand(t.extra); t.form == linkForm {
		c.extra = standURL(t.extra)
	}
	return c.message().Validate()
}

var placeholder = regexp.MustCompile(`\{[^{}]*\}`)

// checkAt validates whom to tell.
func (h *Robot) checkAt() error {
	if len(h.At) > 0 && (h.Link != nil || h.ActionCard != nil) {
		return doctor.Wrong("at works with text and markdown only: DingTalk tells nobody by name of a link or card")
	}
	var at robot.At
	for _, name := range h.At {
		if isStatic(name) {
			at.Add(name)
		}
	}
	return robot.Text{Content: "x", At: at}.Validate()
}

// Interface guard
var _ caddyfile.Unmarshaler = (*Robot)(nil)
