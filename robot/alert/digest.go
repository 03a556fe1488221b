package alert

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/caddy-dingtalk/caddy-dingtalk/robot"
)

const (
	digestLines = 20
	digestBytes = 15_000 // of text; the body may have 20 000
	lineBytes   = 600    // of one line before its number
)

// entry is a message that waits, and how often.
type entry struct {
	content
	robot *robot.Robot
	first time.Time
	count int
}

// batch is what is told by one message: of so many entries, and more that are known
// by number only.
type batch struct {
	entries []*entry
	more    int
	message robot.Message // with its identity
}

// messages is how many messages are told by the batch.
func (b *batch) messages() int {
	n := b.more
	for _, e := range b.entries {
		n += e.count
	}
	return n
}

// merged is how many of them go without a message of their own.
func (b *batch) merged() int {
	if b.alone() {
		return 0
	}
	return b.messages() - b.more
}

func (b *batch) alone() bool { return len(b.entries) == 1 && b.entries[0].count == 1 && b.more == 0 }

// robot is the one with the newest settings.
func (b *batch) robot() *robot.Robot { return b.entries[len(b.entries)-1].robot }

// compose makes the message: the only one as it is, several as a digest.
func (b *batch) compose(hostname string) {
	if b.alone() {
		e := b.entries[0]
		c := e.content
		if c.dated {
			c.text += "\n\n时间 Time: " + e.first.Format(timeLayout)
		}
		b.message = robot.Once(c.message())
		return
	}
	b.message = robot.Once(robot.Markdown{
		Title: fmt.Sprintf("[%s] %d 条消息 messages", hostname, b.messages()),
		Text:  b.text(),
		At:    b.at(),
	})
}

// text writes a line for each entry, the first 20 and as many as fit.
func (b *batch) text() string {
	var out strings.Builder
	more := b.more
	for i, e := range b.entries {
		line := e.line()
		if i >= digestLines || out.Len()+len(line) > digestBytes-len("+1000000000 more") {
			more += e.count
			continue
		}
		out.WriteString(line)
	}
	if more > 0 {
		fmt.Fprintf(&out, "\n+%d more", more)
	}
	return strings.TrimSpace(out.String())
}

// line tells an entry: when it came first, what it says, how often.
func (e *entry) line() string {
	title, text := e.title, flat(e.text)
	if e.form != markdownForm && e.form != cardForm {
		text = escape(text, "")
	}
	said := escape(clean(title), "")
	if e.url != "" {
		said = "[" + said + "](" + strings.NewReplacer("(", "%28", ")", "%29").Replace(e.url) + ")"
	} else if said != "" {
		said = "**" + said + "**"
	}
	said = strings.TrimSpace(said + " " + text)
	line := "- " + e.first.Format(time.TimeOnly) + " " + cutBytes(said, lineBytes)
	if e.count > 1 {
		line += fmt.Sprintf(" ×%d", e.count)
	}
	return line + "\n"
}

// flat puts Markdown into one line, without the marks that begin lines.
func flat(text string) string {
	var parts []string
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(lineMark.ReplaceAllString(line, ""))
		if line != "" {
			parts = append(parts, line)
		}
	}
	return strings.Join(parts, " · ")
}

var lineMark = regexp.MustCompile(`^\s*(?:[#>]+|[-+*]\s|\d+\.\s)\s*`)

// cutBytes shortens a text at a rune, and not behind a backslash.
func cutBytes(text string, size int) string {
	if len(text) <= size {
		return text
	}
	for size > 0 && !utf8.RuneStart(text[size]) {
		size--
	}
	return strings.TrimRight(text[:size], `\`) + "…"
}

// at is everybody who would have been told by one of the messages, as far as
// DingTalk allows.
func (b *batch) at() (at robot.At) {
	add := func(list *[]string, names []string) {
		for _, name := range names {
			if len(at.Mobiles)+len(at.UserIDs) < robot.MaxAt && !slices.Contains(*list, name) {
				*list = append(*list, name)
			}
		}
	}
	for _, e := range b.entries {
		one := e.at()
		at.All = at.All || one.All
		add(&at.Mobiles, one.Mobiles)
		add(&at.UserIDs, one.UserIDs)
	}
	return at
}
