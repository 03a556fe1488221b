package config

import "strings"

// CatchAll reports whether a host pattern of a matcher names nobody: nothing but
// wildcards, or a placeholder of the request itself.
func CatchAll(pattern string) bool {
	return strings.Trim(pattern, "*.") == "" || strings.Contains(pattern, "{http.")
}
