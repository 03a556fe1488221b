package config

import (
	"reflect"
	"slices"
	"strings"

	"github.com/caddy-dingtalk/caddy-dingtalk/doctor"
)

// names are the fields as the Caddyfile and JSON write them.
var names = namesOf[Config]()

// namesOf returns the names of the fields of a block.
func namesOf[T any]() (names []string) {
	for field := range reflect.TypeFor[T]().Fields() {
		name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
		names = append(names, name)
	}
	return names
}

// SuggestionIn says, after a name that no field of a block has, which one somebody may
// have meant.
func SuggestionIn[T Tenant | Suite](name string) doctor.Text {
	names := namesOf[T]()
	for _, s := range []doctor.Text{Elsewhere(name), Closest(strings.TrimSuffix(name, ":"), names)} {
		if s != (doctor.Text{}) {
			return s
		}
	}
	last := len(names) - 1
	return doctor.Hint(": there are %s and %s", strings.Join(names[:last], ", "), names[last])
}

// synonyms are names that are no slips: what DingTalk's console calls other
// fields, and what Caddy has in another place.
var synonyms = map[string]doctor.Text{
	"{":               doctor.Hint(": the line before it takes no block"),
	";":               doctor.Hint(": %v", doctor.Hint("a Caddyfile line ends without ;")),
	"client_id":       doctor.Hint(": the console's Client ID is app_key"),
	"client_secret":   doctor.Hint(": the console's Client Secret is app_secret"),
	"suite_key":       doctor.Hint(": it stands in the first line of its block: %s", "suite <suite_key> { … }"),
	"app_id":          doctor.Hint(": the console's Client ID (AppKey) is app_key, its AgentId is agent_id"),
	"trusted_proxies": doctor.Hint(": it belongs in the global options, at the top of the Caddyfile: servers { trusted_proxies static private_ranges }"),
	"trust_proxy":     doctor.Hint(": trusted proxies stand in the global options, at the top of the Caddyfile: servers { trusted_proxies static private_ranges }"),
}

// Suggestion says, after a name that no field has, which one somebody may have meant.
func Suggestion(name string) doctor.Text {
	if s, known := synonyms[strings.TrimSuffix(name, ";")]; known {
		return s
	}
	if s, known := synonyms[name]; known {
		return s
	}
	if s := Elsewhere(name); s != (doctor.Text{}) {
		return s
	}
	if strings.HasPrefix(name, "//") || strings.HasPrefix(name, "--") || strings.HasPrefix(name, "/*") {
		return doctor.Hint(": %v", doctor.Hint("comments begin with #"))
	}
	if field, _, assigned := strings.Cut(name, "="); assigned {
		return doctor.Hint(": write name and value with a space between them, without =%s", Closest(field, names))
	}
	if s := Closest(name, names); s != (doctor.Text{}) {
		return s
	}
	return doctor.Hint(": see the table of subdirectives in the README")
}

// homes are the lines of other blocks than the directive's own, by these blocks.
var homes = map[string][]string{
	"login":   {"public", "require", "outside", "session", "detail", "key", "staff_app", "jwt", "login_base"},
	"require": {"user", "department", "admin"},
	"tenant":  {"host", "path"},
	"suite":   {"suite_secret", "token", "aes_key", "suite_ticket", "callback"},
}

var (
	// robots are the lines of a robot, which is no part of the directive.
	robots = []string{"events", "dingtalk_robot", "webhook", "keyword", "markdown", "action_card"}
	// directives are those of Caddy that stand around ours in a site.
	directives = []string{"reverse_proxy", "php_fastcgi", "file_server", "root", "encode", "templates", "respond", "redir", "rewrite", "uri", "try_files",
		"handle", "handle_path", "handle_errors", "route", "header", "request_header", "tls", "bind", "log", "basic_auth", "forward_auth", "import", "vars", "map"}
	// nginxes are those of nginx.
	nginxes = []string{"proxy_pass", "proxy_set_header", "server", "server_name", "listen", "location", "upstream", "ssl_certificate", "ssl_certificate_key", "add_header", "return"}
)

// Elsewhere says, after a name that is no line of a block, where it belongs; it is empty if
// that is not known.
func Elsewhere(name string) doctor.Text {
	for block, lines := range homes {
		if slices.Contains(lines, name) {
			return doctor.Hint(": it belongs into the block of %s: %s { … }", block, block)
		}
	}
	switch {
	case slices.Contains(names, name):
		return doctor.Hint(": it belongs to dingtalk itself: write it behind the } that closes this block")
	case slices.Contains(directives, name):
		return doctor.Hint(": it is a directive of Caddy: write it beside dingtalk, behind the } that closes its block")
	case slices.Contains(nginxes, name):
		return doctor.Hint(": it is nginx's: in a Caddyfile the site's address stands before its {, and reverse_proxy beside dingtalk")
	case slices.Contains(robots, name):
		return doctor.Hint(": robots stand in the global options, at the top of the Caddyfile: events { on dingtalk_token_failed dingtalk_robot { … } }")
	}
	return doctor.Text{}
}

// Closest asks, after a name that is none of those, whether one of them was meant; it is
// empty if none is near.
func Closest(name string, names []string) doctor.Text {
	best := nearest(name, names, slip)
	if best == "" {
		return doctor.Text{}
	}
	return doctor.Hint(": did you mean %s?", best)
}

// slip is how many wrong letters a name has that somebody meant to write right.
const slip = 2

// nearest returns the name that differs in the fewest letters, "" if all differ in more than
// that limit.
func nearest(name string, names []string, limit int) string {
	best, distance := "", limit+1
	for _, known := range names {
		if n := edits(plain(name), plain(known)); n < distance || n == distance && known < best {
			best, distance = known, n
		}
	}
	return best
}

// plain is a name without what is written in many ways.
func plain(name string) string {
	return strings.NewReplacer("_", "", "-", "", ".", "").Replace(strings.ToLower(name))
}

// edits is the Levenshtein distance of two short words.
func edits(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := diagonal
			if a[i] != b[j] {
				cost++
			}
			diagonal = row[j+1]
			row[j+1] = min(cost, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
