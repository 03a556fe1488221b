package visit

import "strings"

// OtherReading returns a path, decoded, as an upstream may read it that cuts path parameters
// off ("/admin;x/" is /admin/ to Tomcat), takes a backslash for a slash, or ends at a NUL.
// Mostly that is the path itself. Caddy's own matchers take care of "//", "/./", "%2e" and
// capitals.
func OtherReading(path string) string {
	if !strings.ContainsAny(path, ";\\\x00") {
		return path
	}
	path, _, _ = strings.Cut(path, "\x00")
	segments := strings.Split(strings.ReplaceAll(path, `\`, "/"), "/")
	for i := range segments {
		segments[i], _, _ = strings.Cut(segments[i], ";")
	}
	return strings.Join(segments, "/")
}
