package examine

import (
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
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
//	    "same_app_as": 1,              // this handler's app is that of handler 1 (counted
//	                                   // from 1) and was checked there; else left out
//	    "checks": [
//	      {
//	        "name": "credentials",
//	        "status": "error",         // ok, warning or error
//	        "message": "…",            // what was found
//	        "advice": "…"              // what to do; left out where nothing is to be done
//	      }
//	    ]
//	  }
//	]
//
// with the checks, in this order: config, secrets, origins, forwarded (where the
// handler believes further headers), dns, connection, clock, credentials,
// ip_allow_list, storage, lock, ticket; with sign-in also permissions (one for
// each that is missing), console, cookie, key. Where config is an error the checks of the
// app are left out. A check that could not be made is a warning whose message
// begins with "not checked". No text holds a secret, a token or a ticket.
//
// A robot that is told of events is {"robot": "dingtalk_token_failed", "checks": […]},
// with the checks config, secrets (where they stand in plain text) and message (where
// one is sent).
type Report []Handler

// Handler is one dingtalk handler, or one dingtalk_robot.
type Handler struct {
	Robot     string   `json:"robot,omitempty"` // its events
	Server    string   `json:"server,omitzero"`
	Listen    []string `json:"listen,omitzero"`
	Hosts     []string `json:"hosts,omitzero"`
	App       string   `json:"app,omitzero"`
	SameAppAs int      `json:"same_app_as,omitempty"`
	Checks    []Check  `json:"checks"`

	shared []Check // those of Checks that belong to the app
	before int     // how many stand before them
	calls  *calls  // its login
}

// Check is one thing that was looked at.
type Check struct {
	Name    string `json:"name"`
	Status  Status `json:"status"`
	Message string `json:"message"`
	Advice  string `json:"advice,omitempty"`
}

// Status is how a check turned out.
type Status string

const (
	OK      Status = "ok"
	Warning Status = "warning" // it may work, or could not be checked
	Error   Status = "error"   // it does not work
)

func good(name, message string) Check { return Check{Name: name, Status: OK, Message: message} }

func warn(name, message, advice string) Check { return Check{name, Warning, message, advice} }

func bad(name, message, advice string) Check { return Check{name, Error, message, advice} }

// unchecked is a check that another finding stands in the way of.
func unchecked(name, why string) Check {
	return Check{Name: name, Status: Warning, Message: "not checked: " + why}
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

var marks = map[Status]string{OK: "✓", Warning: "!", Error: "✗"}

// nameWidth is that of the longest name of a check.
const nameWidth = len("ip allow list")

// WriteText writes the report for people: a line a check, and below it what to do.
func (r Report) WriteText(w io.Writer) error {
	var b strings.Builder
	pages := len(r)
	for _, h := range r {
		if h.Robot != "" {
			pages--
		}
	}
	for i, h := range r {
		if h.Robot != "" {
			fmt.Fprintf(&b, "dingtalk_robot on %s\n", h.Robot)
		} else {
			fmt.Fprintf(&b, "dingtalk handler %d of %d: %s\n", i+1, pages, h.title())
		}
		for _, c := range h.own() {
			writeCheck(&b, c)
		}
		if h.SameAppAs != 0 {
			writeCheck(&b, h.reference())
		}
		b.WriteByte('\n')
	}
	fmt.Fprintf(&b, "%s, %s\n", count(r.Count(Error), "error"), count(r.Count(Warning), "warning"))
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

// wrap breaks a text into lines. Lines of a configuration, which begin with a tab
// or a brace, stay whole.
func wrap(text string) (lines []string) {
	for line := range strings.SplitSeq(text, "\n") {
		if strings.HasPrefix(line, "\t") || strings.HasPrefix(line, "{") {
			lines = append(lines, strings.ReplaceAll(line, "\t", "    "))
			continue
		}
		current, width := "", 0
		for word := range strings.FieldsSeq(line) {
			if width > 0 && width+1+columns(word) > lineWidth {
				lines = append(lines, current)
				current, width = "", 0
			}
			if width > 0 {
				current, width = current+" ", width+1
			}
			current, width = current+word, width+columns(word)
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

// title names the place of a handler.
func (h *Handler) title() string {
	site := strings.Join(h.Hosts, ", ")
	if site == "" {
		site = "any host"
	}
	return fmt.Sprintf("%s (server %s, listening at %s)", site, h.Server, strings.Join(h.Listen, ", "))
}

// reference stands for the checks of an app that were shown before.
func (h *Handler) reference() Check {
	worst := OK
	for _, c := range h.shared {
		if c.Status == Error || c.Status == Warning && worst == OK {
			worst = c.Status
		}
	}
	return Check{Name: "app", Status: worst, Message: fmt.Sprintf("%s, the same as of handler %d: see there", h.App, h.SameAppAs)}
}

func count(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}
