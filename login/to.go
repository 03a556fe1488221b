package login

import (
	"net/url"
	"strings"
)

// maxTo is the longest path to come back to, in bytes.
const maxTo = 1024

// SafeTo returns where to go after signing in: the given path, query and fragment, byte
// for byte, if they stay on this site, else "/". Browsers read more as another site than
// servers do: "//evil", "/\evil", "/\tevil" all lead away (oauth2-proxy
// GHSA-qqxw-m5fj-f7gv, -j7px-6hwj-hpjg).
func SafeTo(to, endpoint string) string {
	if to == "" || len(to) > maxTo || to[0] != '/' || strings.HasPrefix(to, "//") {
		return "/"
	}
	for i := range len(to) {
		if to[i] < 0x21 || to[i] > 0x7E || to[i] == '\\' {
			return "/"
		}
	}
	path, _, _ := strings.Cut(to, "#")
	path, _, _ = strings.Cut(path, "?")
	path = resolved(path)
	if strings.HasPrefix(path, "//") {
		return "/"
	}
	if plain, err := url.PathUnescape(path); err == nil {
		path = plain
	}
	if rest, ok := strings.CutPrefix(path, endpoint); ok && (rest == "" || rest[0] == '/') {
		return "/"
	}
	return to
}

// resolved is the path that a browser asks for when it is sent to one: without the segments
// "." and "..", however their dots are written (URL standard, path state).
func resolved(path string) string {
	segments := strings.Split(path[1:], "/")
	kept := segments[:0]
	for i, segment := range segments {
		dots := strings.ReplaceAll(strings.ToLower(segment), "%2e", ".")
		if dots == ".." && len(kept) > 0 {
			kept = kept[:len(kept)-1]
		}
		switch {
		case dots != "." && dots != "..":
			kept = append(kept, segment)
		case i == len(segments)-1:
			kept = append(kept, "")
		}
	}
	return "/" + strings.Join(kept, "/")
}

// trapped tells whether a path, still percent-encoded, may mean another one to the
// upstream than to us: it is dotted, or holds a backslash, an encoded slash or backslash,
// or a NUL.
func trapped(path string) bool {
	if strings.IndexByte(path, '\\') >= 0 || dotted(path) {
		return true
	}
	for rest := path; ; {
		_, after, found := strings.Cut(rest, "%")
		if !found {
			return false
		}
		if len(after) >= 2 {
			switch strings.ToLower(after[:2]) {
			case "2f", "5c", "00":
				return true
			}
		}
		rest = after
	}
}

// dotted tells whether a segment of a path is "." or ".." once decoded, with or without
// path parameters, which some servers cut off.
func dotted(path string) bool {
	if strings.IndexByte(path, '%') < 0 && !strings.Contains(path, "/.") && !strings.HasPrefix(path, ".") {
		return false
	}
	for segment := range strings.SplitSeq(path, "/") {
		segment, _, _ = strings.Cut(segment, ";")
		plain, err := url.PathUnescape(segment)
		if err != nil {
			return true // who decodes it leniently may find anything
		}
		plain, _, _ = strings.Cut(plain, ";")
		if plain == "." || plain == ".." {
			return true
		}
	}
	return false
}
