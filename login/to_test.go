package login

import (
	"net/url"
	"strings"
	"testing"
)

func TestTheWayBackStaysOnTheSite(t *testing.T) {
	for to, want := range map[string]string{
		"/a?x=%20y#/r":                  "/a?x=%20y#/r",
		"/":                             "/",
		"/.dingtalkish":                 "/.dingtalkish",
		"/100%25?of=100%25#100%25":      "/100%25?of=100%25#100%25",
		"/a%252Fb/%25":                  "/a%252Fb/%25",
		"/100%?x=%":                     "/100%?x=%", // malformed, and as asked for
		"/a/../b":                       "/a/../b",   // browsers go to /b
		"/a/./b/%2e%2E/c/..":            "/a/./b/%2e%2E/c/..",
		"/../../b":                      "/../../b",
		"/a?to=//evil":                  "/a?to=//evil",
		"/a//b":                         "/a//b",
		"/a%2Fb/%5C/%00?x=%2F#%2F":      "/a%2Fb/%5C/%00?x=%2F#%2F", // to browsers these lead nowhere else
		"/%2F/evil":                     "/%2F/evil",
		"/..%2Fevil":                    "/..%2Fevil",
		"/.dingtalk%2Flogout":           "/",
		"//evil":                        "/",
		"//..":                          "/",
		"//evil/../..":                  "/",
		"//evil/%2e%2e/%2E.":            "/",
		`/\evil`:                        "/",
		"/\t/evil":                      "/",
		"/\r/evil":                      "/",
		"https://evil":                  "/",
		"/\x00":                         "/",
		"/中":                            "/",
		"":                              "/",
		"evil":                          "/",
		"/.dingtalk":                    "/",
		"/.dingtalk/logout":             "/",
		"/%2edingtalk/logout":           "/",
		"/x/../.dingtalk/login":         "/",
		"/x/%2e%2e/.dingtalk":           "/",
		"/.dingtalk?to=/":               "/",
		"/x/../.dingtalk":               "/",
		"/./%2Edingtalk/login":          "/",
		"/x/.%2e/.dingtalk/login%":      "/",
		"/.dingtalk/x/..":               "/",
		"/.//evil":                      "/",
		"/x/..//evil":                   "/",
		"/%2e//evil":                    "/",
		"/x/..///evil":                  "/",
		"/../%2E%2e//evil":              "/",
		"/" + strings.Repeat("a", 1023): "/" + strings.Repeat("a", 1023),
		"/" + strings.Repeat("a", 1024): "/",
	} {
		if got := SafeTo(to, "/.dingtalk"); got != want {
			t.Errorf("%q leads to %q, want %q", to, got, want)
		}
	}
}

func FuzzSafeTo(f *testing.F) {
	for _, to := range []string{
		"/a?x#y", "//evil", `/\evil`, "/%5Cevil", "/.//evil", "/..//evil", "/#0%0", "/100%25", "/a/../b", "/a/..//evil", "/%2e%2E//evil",
		"/x/../.dingtalk/logout", "/%", "/a/%2e./.dingtalk", "/.dingtalk/..", "//..", "//evil/../..",
	} {
		f.Add(to)
	}
	base, _ := url.Parse("https://h5.example.com/.dingtalk/callback")
	f.Fuzz(func(t *testing.T, to string) {
		got := SafeTo(to, "/.dingtalk")
		if got != to && got != "/" {
			t.Fatalf("%q became %q", to, got)
		}
		if len(got) > maxTo {
			t.Errorf("%q leads to %d bytes", to, len(got))
		}
		// Go is stricter with fragments, queries and percent signs than browsers are, and does not
		// take %2e for a dot.
		place, _, _ := strings.Cut(got, "#")
		place, _, _ = strings.Cut(place, "?")
		place = strings.NewReplacer("%2e", ".", "%2E", ".").Replace(place)
		for _, read := range []string{place, strings.ReplaceAll(place, "%", "%25")} {
			u, err := base.Parse(read)
			if read != place && err != nil {
				t.Errorf("%q: %v", to, err)
			}
			if err != nil {
				continue
			}
			if u.Host != "h5.example.com" || u.Scheme != "https" || strings.HasPrefix(u.EscapedPath(), "//") || u.Path == "/.dingtalk" || strings.HasPrefix(u.Path, "/.dingtalk/") {
				t.Errorf("%q leads to %v", to, u)
			}
		}
	})
}

func TestPathsThatTheUpstreamMayReadDifferentlyAreTraps(t *testing.T) {
	for path, want := range map[string]bool{
		"/assets/a.js": false, "/a.b/..c/...": false, "/a%20b": false, "/.well-known/x": false, "/a;v=1": false,
		"/a/../b": true, "/a/.": true, "/./a": true, "/a/%2e%2E/b": true, "/a/.%2e/b": true, "/a/..;x=1/b": true,
		`/a\b`: true, "/a%5cb": true, "/a%2Fb": true, "/a%2fb": true, "/a%00": true, "/a%zz": true, "/%2e": true,
	} {
		if got := trapped(path); got != want {
			t.Errorf("%q: %v, want %v", path, got, want)
		}
	}
}
