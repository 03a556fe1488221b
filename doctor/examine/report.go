package examine

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"

	"github.com/caddy-dingtalk/caddy-dingtalk/doctor"
)

// Report is what was found, a Handler for each handler of the configuration. As
// JSON it is
//
//	[
//	  {
//	    "server": "srv0",              // the server's name in Caddy's JSON
//	    "listen": [":443"],            // where it listens
//	    "hosts": ["h5.example.com"],   // host names that lead to the handler
//	    "app": "ding…",                // app_key, or corp_id where there is none
//	    "same_app_as": 1,              // this handler's app is that of entry 1 (counted
//	                                   // from 1) and was checked there; else left out
//	    "checks": [
//	      {
//	        "name": "credentials",
//	        "status": "error",         // ok, warning, error or open
//	        "message": "…",            // what was found
//	        "advice": "…"              // what to do; left out where nothing is to be done
//	      }
//	    ]
//	  }
//	]
//
// with the checks, in this order: config, secrets, events (of the first handler, where one is
// subscribed to that there is not), origins, forwarded (where the handler believes further
// headers), endpoint (where a matcher holds it back), page, dns, connection, clock,
// credentials, corp_id, agent_id, ip_allow_list, storage, lock, ticket; with sign-in also
// permissions (one for each that is missing), matcher (where one stands before it), console,
// cookie, key. Where config is an error the checks of the
// app are left out. A check that could not be made is a warning, or open where it cannot
// be made from here at all, and its message begins with "not checked". No text holds a
// secret, a token or a ticket.
//
// A handler with several tenants has the checks of what they have in common, and behind it
// an entry for each tenant and suite:
//
//	{"of": 1, "corp_id": "ding111", "agent_id": "1001", "app": "ding…", "checks": […]}
//	{"of": 1, "suite_key": "suite…", "checks": […]}
//
// of is the entry of the handler, counted from 1. A tenant has credentials, ip_allow_list,
// ticket and what sign-in adds; a suite callback and suite_ticket, credentials, ip_allow_list,
// of one corp authorization and ticket, and what sign-in adds.
//
// A page that was visited is {"url": "https://…", "checks": […]}, with the checks
// certificate (where browsers refuse it), page (where it is not signed by the directive, or
// asks for sign-in), signed_url, endpoint and scripts.
//
// A robot that is told of events is {"robot": "dingtalk_token_failed", "checks": […]},
// with the checks config, secrets (where they stand in plain text) and message (where
// one is sent).
type Report []Handler

// Handler is one dingtalk handler, or one dingtalk_robot.
type Handler struct {
	URL       string   `json:"url,omitempty"`   // of a page that was visited, instead of a handler
	Robot     string   `json:"robot,omitempty"` // its events
	Server    string   `json:"server,omitzero"`
	Listen    []string `json:"listen,omitzero"`
	Hosts     []string `json:"hosts,omitzero"`
	Of        int      `json:"of,omitempty"`        // of a tenant or suite: the entry of its handler
	CorpID    string   `json:"corp_id,omitempty"`   // of a tenant
	AgentID   string   `json:"agent_id,omitempty"`  // of a tenant
	SuiteKey  string   `json:"suite_key,omitempty"` // of a suite
	App       string   `json:"app,omitzero"`
	SameAppAs int      `json:"same_app_as,omitempty"`
	Checks    []Check  `json:"checks"`

	shared []Check // those of Checks that belong to the app
	before int     // how many stand before them
	calls  *calls  // its login

	language doctor.Language
	heading  doctor.Text // of a page
}

// Findings is a report on a page from what was found out elsewhere.
func Findings(page string, heading doctor.Text, findings []doctor.Finding) Report {
	h := Handler{URL: page, heading: heading}
	for _, f := range findings {
		h.Checks = append(h.Checks, openCheck(f))
	}
	return Report{h}
}

// RobotFindings is the entry of a dingtalk_robot on these events.
func RobotFindings(events string, findings []doctor.Finding) Handler {
	h := Handler{Robot: events}
	for _, f := range findings {
		h.Checks = append(h.Checks, checkOf(f))
	}
	return h
}

// Check is one thing that was looked at.
type Check struct {
	Name    string `json:"name"`
	Status  Status `json:"status"`
	Message string `json:"message"`
	Advice  string `json:"advice,omitempty"`

	chinese struct{ message, advice string } // the same, "" where there is none
}

// Status is how a check turned out.
type Status string

const (
	OK      Status = "ok"
	Warning Status = "warning" // it may work, or could not be checked
	Error   Status = "error"   // it does not work
	Open    Status = "open"    // nothing can tell from here
)

// say makes what is said, in both languages.
func say(en, zh string, args ...any) doctor.Text { return doctor.Say(en, zh, args...) }

func check(name string, status Status, message, advice doctor.Text) Check {
	c := Check{Name: name, Status: status, Message: message.EN, Advice: advice.EN}
	c.chinese.message, c.chinese.advice = message.ZH, advice.ZH
	return c
}

func good(name string, message doctor.Text) Check { return check(name, OK, message, doctor.Text{}) }

func warn(name string, message, advice doctor.Text) Check {
	return check(name, Warning, message, advice)
}

func bad(name string, message, advice doctor.Text) Check { return check(name, Error, message, advice) }

// unchecked is a check that another finding stands in the way of.
func unchecked(name string, why doctor.Text) Check {
	return check(name, Warning, say("not checked: %s", "未检查：%s", why), doctor.Text{})
}

// In returns the report in a language. Names and statuses stay: programs read them.
func (r Report) In(l doctor.Language) Report {
	if l == doctor.English {
		return r
	}
	out := slices.Clone(r)
	for i := range out {
		out[i].language = l
		out[i].Checks, out[i].shared = inChinese(out[i].Checks), inChinese(out[i].shared)
	}
	return out
}

func inChinese(checks []Check) []Check {
	checks = slices.Clone(checks)
	for i, c := range checks {
		checks[i].Message, checks[i].Advice = cmp.Or(c.chinese.message, c.Message), cmp.Or(c.chinese.advice, c.Advice)
	}
	return checks
}

// Count returns how many checks turned out so. Those of an app that several
// handlers have count once.
func (r Report) Count(status Status) (n int) {
	for _, h := range r {
		for _, c := range h.own() {
			if c.Status == status {
				n++
			}
		}
	}
	return n
}

// own returns the checks that no handler before has.
func (h *Handler) own() []Check {
	if h.SameAppAs == 0 {
		return h.Checks
	}
	return slices.Concat(h.Checks[:h.before], h.Checks[h.before+len(h.shared):])
}

// WriteJSON writes the report as JSON.
func (r Report) WriteJSON(w io.Writer) error {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	return enc.Encode(r)
}

var marks = map[Status]string{OK: "✓", Warning: "!", Error: "✗", Open: "?"}

// nameWidth is that of the longest name of a check.
const nameWidth = len("ip allow list")

// WriteText writes the report for people: a line a check, and below it what to do.
func (r Report) WriteText(w io.Writer) error {
	var b strings.Builder
	for i, h := range r {
		if i > 0 {
			b.WriteByte('\n')
		}
		fmt.Fprintf(&b, "%s\n", r.title(i))
		for _, c := range h.own() {
			writeCheck(&b, c)
		}
		if h.SameAppAs != 0 {
			writeCheck(&b, h.reference(r.name(h.SameAppAs-1)))
		}
	}
	b.WriteByte('\n')
	fmt.Fprintln(&b, r.total())
	_, err := io.WriteString(w, b.String())
	return err
}

func writeCheck(b *strings.Builder, c Check) {
	name := strings.ReplaceAll(c.Name, "_", " ")
	fmt.Fprintf(b, "  %s %s%s  %s\n", marks[c.Status], name, strings.Repeat(" ", nameWidth-len(name)), c.Message)
	if c.Advice == "" {
		return
	}
	indent, arrow := strings.Repeat(" ", nameWidth+6), "→ "
	for _, line := range wrap(c.Advice) {
		fmt.Fprintf(b, "%s%s%s\n", indent, arrow, line)
		arrow = "  "
	}
}

// lineWidth is where advice is broken into lines, in columns of a terminal.
const lineWidth = 90

// breakable are the pieces of a text behind which a line may end: words, and parts of a
// Chinese sentence.
var breakable = regexp.MustCompile(`[^ ，；：。、]*([，；：。、]+| +|$)`)

// wrap breaks a text into lines. Lines of a configuration, which begin with a tab
// or a brace, stay whole.
func wrap(text string) (lines []string) {
	for line := range strings.SplitSeq(text, "\n") {
		if strings.HasPrefix(line, "\t") || strings.HasPrefix(line, "{") {
			lines = append(lines, strings.ReplaceAll(line, "\t", "    "))
			continue
		}
		current := ""
		for _, piece := range breakable.FindAllString(strings.TrimSpace(line), -1) {
			if current != "" && columns(current)+columns(strings.TrimRight(piece, " ")) > lineWidth {
				lines = append(lines, strings.TrimRight(current, " "))
				current = ""
			}
			current += piece
		}
		lines = append(lines, current)
	}
	return lines
}

// columns is how wide a terminal shows a text: Chinese characters take two.
func columns(text string) (n int) {
	for _, r := range text {
		n++
		if r >= 0x2E80 {
			n++
		}
	}
	return n
}

// title is the line above the checks of an entry.
func (r Report) title(i int) string {
	h := &r[i]
	switch {
	case h.URL != "":
		return h.heading.In(h.language)
	case h.Robot != "":
		return fmt.Sprintf(h.say("dingtalk_robot on %s", "dingtalk_robot，事件 %s"), h.Robot)
	case h.Of != 0 && h.SuiteKey != "":
		return r.name(i)
	case h.Of != 0:
		return fmt.Sprintf(h.say("%s, app %s", "%s，应用 %s"), r.name(i), h.App)
	}
	return fmt.Sprintf(h.say("dingtalk handler %d of %d: %s", "dingtalk 指令 %d/%d：%s"), r.number(i), r.number(len(r)-1), h.place())
}

// name is what other entries call one.
func (r Report) name(i int) string {
	h := &r[i]
	switch {
	case h.SuiteKey != "":
		return fmt.Sprintf(h.say("suite %s of handler %d", "suite %s（指令 %d）"), h.SuiteKey, r.number(h.Of-1))
	case h.Of != 0:
		return fmt.Sprintf(h.say("tenant %s %s of handler %d", "tenant %s %s（指令 %d）"), h.CorpID, h.AgentID, r.number(h.Of-1))
	}
	return fmt.Sprintf(h.say("handler %d", "指令 %d"), r.number(i))
}

// number counts the handlers up to an entry.
func (r Report) number(i int) (n int) {
	for _, h := range r[:i+1] {
		if h.Of == 0 && h.Robot == "" && h.URL == "" {
			n++
		}
	}
	return n
}

// place names where a handler stands.
func (h *Handler) place() string {
	site := strings.Join(h.Hosts, ", ")
	if site == "" {
		site = h.say("any host", "任意主机")
	}
	return fmt.Sprintf(h.say("%s (server %s, listening at %s)", "%s（server %s，监听 %s）"), site, h.Server, strings.Join(h.Listen, ", "))
}

// reference stands for the checks of an app that were shown before.
func (h *Handler) reference(first string) Check {
	worst := OK
	for _, c := range h.shared {
		if c.Status == Error || c.Status == Warning && worst == OK {
			worst = c.Status
		}
	}
	return Check{Name: "app", Status: worst, Message: fmt.Sprintf(h.say("%s, the same as of %s: see there", "%s，与%s相同：见那里"), h.App, first)}
}

func (h *Handler) say(en, zh string) string {
	return doctor.Text{EN: en, ZH: zh}.In(h.language)
}

// total counts what was found.
func (r Report) total() string {
	language := doctor.English
	if len(r) > 0 {
		language = r[0].language
	}
	total := doctor.Text{
		EN: count(r.Count(Error), "error") + ", " + count(r.Count(Warning), "warning"),
		ZH: fmt.Sprintf("%d 个错误，%d 个警告", r.Count(Error), r.Count(Warning)),
	}
	if n := r.Count(Open); n > 0 {
		total = say("%s, %d not checked", "%s，%d 项未检查", total, n)
	}
	return total.In(language)
}

func count(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}
