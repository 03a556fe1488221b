package config

import (
	"reflect"
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
	if s := Closest(strings.TrimSuffix(name, ":"), names); s != (doctor.Text{}) {
		return s
	}
	last := len(names) - 1
	return doctor.Hint(": there are %s and %s", strings.Join(names[:last], ", "), names[last])
}

// elsewhere are names that are no slips: what DingTalk's console calls other
// fields, and what Caddy has in another place.
var elsewhere = map[string]doctor.Text{
	"{":               doctor.Hint(": the line before it takes no block"),
	";":               doctor.Hint(": a Caddyfile line ends without ;"),
	"client_id":       doctor.Hint(": the console's Client ID is app_key"),
	"client_secret":   doctor.Hint(": the console's Client Secret is app_secret"),
	"app_id":          doctor.Hint(": the console's Client ID (AppKey) is app_key, its AgentId is agent_id"),
	"trusted_proxies": doctor.Hint(": it belongs in the global options, at the top of the Caddyfile: servers { trusted_proxies static private_ranges }"),
	"trust_proxy":     doctor.Hint(": trusted proxies stand in the global options, at the top of the Caddyfile: servers { trusted_proxies static private_ranges }"),
}

// Suggestion says, after a name that no field has, which one somebody may have meant.
func Suggestion(name string) doctor.Text {
	if s, known := elsewhere[strings.TrimSuffix(name, ";")]; known {
		return s
	}
	if s, known := elsewhere[name]; known {
		return s
	}
	if strings.HasPrefix(name, "//") || strings.HasPrefix(name, "--") || strings.HasPrefix(name, "/*") {
		return doctor.Hint(": comments begin with #")
	}
	if field, _, assigned := strings.Cut(name, "="); assigned {
		return doctor.Hint(": write name and value with a space between them, without =%s", Closest(field, names))
	}
	if s := Closest(name, names); s != (doctor.Text{}) {
		return s
	}
	return doctor.Hint(": see the table of subdirectives in the README")
}

// Closest asks, after a name that is none of those, whether one of them was meant; it is
// empty if none is near.
func Closest(name string, names []string) doctor.Text {
	plain := func(s string) string { return strings.NewReplacer("_", "", "-", "").Replace(strings.ToLower(s)) }
	best, distance := "", 3 // more than two wrong letters are no slip
	for _, known := range names {
		if n := edits(plain(name), plain(known)); n < distance || n == distance && known < best {
			best, distance = known, n
		}
	}
	if best == "" {
		return doctor.Text{}
	}
	return doctor.Hint(": did you mean %s?", best)
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
