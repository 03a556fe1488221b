package robot

import (
	"fmt"
	"net/url"
	"strings"
	"unicode"
)

// Limits of DingTalk. A body above the first is refused with 460101; more names
// than the second are not told (custom-robots-send-group-messages, 2026-07-14).
const (
	MaxBody = 20_000 // bytes of JSON
	MaxAt   = 50
)

// InvalidError is why a message is not sent: DingTalk would refuse it, or accept
// it with errcode 0 and show it to nobody.
type InvalidError struct {
	Type   string // text, markdown, link, actionCard or feedCard; "" where the JSON has none
	Field  string // as in the JSON: "messageUrl", "btns[1].title"
	Reason string // what is wrong with it, and what to write
}

func (e *InvalidError) Error() string {
	switch {
	case e.Type == "":
		return e.Field + " " + e.Reason
	case e.Field == "":
		return e.Type + " " + e.Reason
	}
	return e.Type + "." + e.Field + " " + e.Reason
}

// check is one thing that a field must be.
type check struct{ field, reason string }

// first returns the first check that failed, as an error.
func first(messageType string, checks ...check) error {
	for _, c := range checks {
		if c.reason != "" {
			return &InvalidError{messageType, c.field, c.reason}
		}
	}
	return nil
}

// Validate implements [Message].
func (m Text) Validate() error {
	return first("text", present("content", m.Content), m.At.check(), fits("content", m))
}

// Validate implements [Message].
func (m Markdown) Validate() error {
	return first("markdown", present("title", m.Title), present("text", m.Text), m.At.check(), fits("text", m))
}

// Validate implements [Message].
func (m Link) Validate() error {
	return first("link", present("title", m.Title), present("text", m.Text),
		page("messageUrl", m.MessageURL), optional(picture, "picUrl", m.PicURL), fits("text", m))
}

// Validate implements [Message].
func (m ActionCard) Validate() error {
	checks := []check{present("title", m.Title), present("text", m.Text)}
	single := !blank(m.SingleTitle) || !blank(m.SingleURL)
	switch {
	case single && len(m.Buttons) > 0:
		checks = append(checks, check{"btns", "stands beside singleTitle and singleURL, which hide it: keep one of the two"})
	case len(m.Buttons) == 0:
		checks = append(checks, present("singleTitle", m.SingleTitle), page("singleURL", m.SingleURL))
	}
	for i, b := range m.Buttons {
		at := fmt.Sprintf("btns[%d].", i)
		checks = append(checks, present(at+"title", b.Title), page(at+"actionURL", b.ActionURL))
	}
	checks = append(checks, digit("btnOrientation", m.Orientation), digit("hideAvatar", m.HideAvatar), fits("text", m))
	return first("actionCard", checks...)
}

// Validate implements [Message].
func (m FeedCard) Validate() error {
	if len(m.Links) == 0 {
		return first("feedCard", check{"links", missing})
	}
	var checks []check
	for i, l := range m.Links {
		at := fmt.Sprintf("links[%d].", i)
		checks = append(checks, present(at+"title", l.Title), page(at+"messageURL", l.MessageURL), picture(at+"picURL", l.PicURL))
	}
	return first("feedCard", append(checks, fits("links", m))...)
}

const missing = "is missing or blank: DingTalk would not show the message"

func present(field, value string) check {
	if blank(value) {
		return check{field, missing}
	}
	return check{}
}

// blank reports whether a text shows nothing: spaces, controls, and characters
// without width.
func blank(text string) bool {
	return strings.TrimFunc(text, func(r rune) bool {
		return unicode.IsSpace(r) || unicode.IsControl(r) || unicode.Is(unicode.Cf, r)
	}) == ""
}

func digit(field, value string) check {
	if value == "" || value == "0" || value == "1" {
		return check{}
	}
	return check{field, `must be "0" or "1"`}
}

func optional(must func(field, value string) check, field, value string) check {
	if blank(value) {
		return check{}
	}
	return must(field, value)
}

func page(field, value string) check {
	return address(field, value, "http", "https", "dingtalk")
}

func picture(field, value string) check {
	return address(field, value, "http", "https")
}

func address(field, value string, schemes ...string) check {
	if blank(value) {
		return check{field, missing}
	}
	reason := "must be a full URL, beginning with " + strings.Join(schemes, "://, ") + "://"
	u, err := url.Parse(value)
	if err != nil || u.Host == "" || strings.ContainsFunc(value, unicode.IsSpace) {
		return check{field, reason}
	}
	for _, s := range schemes {
		if u.Scheme == s {
			return check{}
		}
	}
	return check{field, reason}
}

func (a At) check() check {
	if n := len(a.Mobiles) + len(a.UserIDs); n > MaxAt {
		return check{"at", fmt.Sprintf("names %d people: DingTalk tells at most %d, use isAtAll for everybody", n, MaxAt)}
	}
	for _, mobile := range a.Mobiles {
		if !isMobile(mobile) {
			return check{"at.atMobiles", fmt.Sprintf("holds %q, which is not a mobile number: write 13800138000, abroad +1-1234567890", mobile)}
		}
	}
	for _, id := range a.UserIDs {
		if blank(id) {
			return check{"at.atUserIds", "holds a blank userid"}
		}
	}
	return check{}
}

func isMobile(s string) bool {
	digits := 0
	for i, c := range []byte(s) {
		switch {
		case '0' <= c && c <= '9':
			digits++
		case c == '+' && i == 0, c == '-' && i > 0:
		default:
			return false
		}
	}
	return digits >= 5 && digits <= 20
}

// fits checks the size of the body, which is measured with a msgUuid.
func fits(field string, m Message) check {
	b := m.body()
	if b.short() {
		return check{}
	}
	b.MsgUUID = "00000000-0000-0000-0000-000000000000"
	encoded, err := encode(b)
	if err != nil {
		return check{field, "cannot be written as JSON: " + err.Error()}
	}
	if len(encoded) > MaxBody {
		return check{field, fmt.Sprintf("is too long: the body has %d bytes, DingTalk takes at most %d", len(encoded), MaxBody)}
	}
	return check{}
}

// short reports whether a body fits for sure, without encoding it: JSON makes at
// most six bytes of one.
func (b body) short() bool {
	var n int
	switch {
	case b.Text != nil:
		n = len(b.Text.Content)
	case b.Markdown != nil:
		n = len(b.Markdown.Title) + len(b.Markdown.Text)
	default:
		return false
	}
	return b.At == nil && 6*n < MaxBody-200
}
