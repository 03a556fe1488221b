package config

import (
	"reflect"
	"strings"
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
func SuggestionIn[T Tenant | Suite](name string) string {
	names := namesOf[T]()
	if s := Closest(strings.TrimSuffix(name, ":"), names); s != "" {
		return s
	}
	last := len(names) - 1
	return ": there are " + strings.Join(names[:last], ", ") + " and " + names[last]
}

// elsewhere are names that are no slips: what DingTalk's console calls other
// fields, and what Caddy has in another place.
var elsewhere = map[string]string{
	"{":               ": the line before it takes no block",
	";":               ": a Caddyfile line ends without ;",
	"client_id":       ": the console's Client ID is app_key",
	"client_secret":   ": the console's Client Secret is app_secret",
	"app_id":          ": the console's Client ID (AppKey) is app_key, its AgentId is agent_id",
	"trusted_proxies": ": it belongs in the global options, at the top of the Caddyfile: servers { trusted_proxies static private_ranges }",
	"trust_proxy":     ": trusted proxies stand in the global options, at the top of the Caddyfile: servers { trusted_proxies static private_ranges }",
}

// Suggestion says, after a name that no field has, which one somebody may have meant.
func Suggestion(name string) string {
	if s := elsewhere[strings.TrimSuffix(name, ";")]; s != "" {
		return s
	}
	if s := elsewhere[name]; s != "" {
		return s
	}
	if strings.HasPrefix(name, "//") || strings.HasPrefix(name, "--") || strings.HasPrefix(name, "/*") {
		return ": comments begin with #"
	}
	if field, _, assigned := strings.Cut(name, "="); assigned {
		return ": write name and value with a space between them, without =" + Closest(field, names)
	}
	if s := Closest(name, names); s != "" {
		return s
	}
	return ": see the table of subdirectives in the README"
}

// Closest asks, after a name that is none of those, whether one of them was meant; "" if
// none is near.
func Closest(name string, names []string) string {
	plain := func(s string) string { return strings.NewReplacer("_", "", "-", "").Replace(strings.ToLower(s)) }
	best, distance := "", 3 // more than two wrong letters are no slip
	for _, known := range names {
		if n := edits(plain(name), plain(known)); n < distance || n == distance && known < best {
			best, distance = known, n
		}
	}
	if best == "" {
		return ""
	}
	return ": did you mean " + best + "?"
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
