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
		"/a?to=//evil":                  "/a?to=//evil",
		"/a//b":                         "/a//b",
		"/a%2Fb/%5C/%00?x=%2F#%2F":      "/a%2Fb/%5C/%00?x=%2F#%2F", // to browsers these lead nowhere else
		"/%2F/evil":                     "/%2F/evil",
		"/..%2Fevil":                    "/..%2Fevil",
		"/.dingtalk%2Flogout":           "/",
		"//evil":                        "/",
		`/\evil`:                        "/",
		"/\t/evil":                      "/",
		"/\r/evil":                      "/",
		"https://evil":                  "/",
		"/\x00":                         "/",
		"/中":                            "/",
		"":                              "/",
		"evil":                          "/",
		"/%zz":                          "/",
		"/.dingtalk":                    "/",
		"/.dingtalk/logout":             "/",
		"/%2edingtalk/logout":           "/",
		"/x/../.dingtalk/login":         "/",
		"/x/%2e%2e/.dingtalk":           "/",
		"/.dingtalk?to=/":               "/",
		"/" + strings.Repeat("a", 1023): "/" + strings.Repeat("a", 1023),
		"/" + strings.Repeat("a", 1024): "/",
	} {
		if got := SafeTo(to, "/.dingtalk"); got != want {
			t.Errorf("%q leads to %q, want %q", to, got, want)
		}
	}
}

func FuzzSafeTo(f *testing.F) {
	for _, to := range []string{"/a?x#y", "//evil", `/\evil`, "/%5Cevil", "/.//evil", "/..//evil", "/#0%0"} {
		f.Add(to)
	}
	base, _ := url.Parse("https://h5.example.com/.dingtalk/callback")
	f.Fuzz(func(t *testing.T, to string) {
		got := SafeTo(to, "/.dingtalk")
		if got != to && got != "/" {
			t.Fatalf("%q became %q", to, got)
		}
		place, _, _ := strings.Cut(got, "#") // Go is stricter with fragments than browsers are
		u, err := base.Parse(place)
		if err != nil || u.Host != "h5.example.com" || u.Scheme != "https" || len(got) > maxTo {
			t.Errorf("%q leads to %v (%v)", to, u, err)
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
