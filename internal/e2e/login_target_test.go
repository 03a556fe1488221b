package e2e

import (
	"bufio"
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/caddy-dingtalk/caddy-dingtalk/internal/testsite"
)

// asksExactly sends a request target as it is written, over a protocol, as a script with that
// cookie and an identity of its own, and returns the status.
func asksExactly(t *testing.T, s *testsite.Site, proto, target, cookie string) (status string) {
	t.Helper()
	if proto == "HTTP/2.0" {
		fields := [][2]string{
			{":method", "GET"}, {":scheme", "https"}, {":path", target}, {":authority", "h5.test:" + s.Port}, {"sec-fetch-dest", "empty"},
			{"x-dingtalk-user-id", "boss"}, {"x_dingtalk_admin", "true"},
		}
		if cookie != "" {
			fields = append(fields, [2]string{"cookie", cookie})
		}
		return overHTTP2(t, s, fields...)
	}
	conn, err := tls.DialWithDialer(&net.Dialer{Timeout: 10 * time.Second}, "tcp", s.Addr,
		&tls.Config{InsecureSkipVerify: true, ServerName: "h5.test", NextProtos: []string{"http/1.1"}})
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(20 * time.Second))
	request := "GET " + target + " HTTP/1.1\r\nHost: h5.test:" + s.Port + "\r\nSec-Fetch-Dest: empty\r\nX-DingTalk-User-Id: boss\r\nX_DingTalk_Admin: true\r\n"
	if cookie != "" {
		request += "Cookie: " + cookie + "\r\n"
	}
	_, _ = io.WriteString(conn, request+"Connection: close\r\n\r\n")
	resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	status, _, _ = strings.Cut(resp.Status, " ")
	return status
}

// whoAsked is an upstream that notes what it is asked for, and by whom.
type whoAsked struct{ seen chan [3]string }

func (u *whoAsked) ServeHTTP(_ http.ResponseWriter, r *http.Request) {
	u.seen <- [3]string{r.RequestURI, r.Header.Get("X-Dingtalk-User-Id"), strings.Join(r.Header["X_dingtalk_admin"], "") + r.Header.Get("X-Dingtalk-Admin")}
}

// TestNoSpellingOfATargetOpensWhatIsProtected: what counts is what an upstream may make of
// it, and it may be written with scheme and host in front.
func TestNoSpellingOfATargetOpensWhatIsProtected(t *testing.T) {
	upstream := &whoAsked{make(chan [3]string, 1)}
	site := testsite.Run(t, testsite.Setup{Global: testsite.OnDemand, Upstream: testsite.Asked(upstream),
		Sites: strings.Replace(signInSite, "public /open/*\n", "public /open/*\n\t\t\trequire /admin/* {\n\t\t\t\tadmin\n\t\t\t}\n", 1)})
	s := site.Over(t, "HTTP/1.1", "h5.test")
	cookieFor := func(user string) string {
		in := fetchAs(t, s, "POST", "/.dingtalk/login", `{"code":"`+s.Ding.Code("app", user)+`"}`, "")
		pair, _, _ := strings.Cut(in.Header.Get("Set-Cookie"), ";")
		return pair
	}
	admin, member := cookieFor("u1"), cookieFor("u2")
	heard := func() (what [3]string) {
		select {
		case what = <-upstream.seen:
		default:
		}
		return what
	}
	let := 0
	for _, path := range []string{
		"/admin/x", "//admin/x", "/./admin/x", "/x/../admin/x", "/%2e/admin/x", "/x/%2e%2E/admin/x", "/ADMIN/x", "/%61dmin/x", "/admin%2fx", "/admin//x",
		"/admin;v=1/x", "/admin%3bv=1/x", "/;/admin/x", "/;v=1/admin;v=2/x;v=3", "/x/..;/admin/x", "/x/..;v=1/admin/x", `/admin\x`, "/admin%5cx", `/x\..\admin\x`,
		"/admin/x%00", "/admin/%00/x", "/admin/x?public", "/admin/x?/open/",
		"/open/../admin/x", "/open/%2e%2e/admin/x", "/open/..%2fadmin/x", "/open/..;/admin/x", "/open;/../admin/x", "/open/%2e%2e;v=1/admin/x", `/open/..\admin\x`,
		"/open/..%5cadmin%5cx", "/OPEN/../ADMIN/x", "//open//..//admin/x",
	} {
		for _, target := range []string{path, "https://h5.test" + path, "http://h5.test:" + site.Port + path, "HTTPS://H5.TEST:1" + path, "http://h5.test@h5.test" + path} {
			for _, proto := range []string{"HTTP/1.1", "HTTP/2.0"} {
				for who, c := range map[string]struct{ cookie, status string }{"nobody": {"", "401"}, "u2": {member, "403"}, "u1": {admin, "200"}} {
					status := asksExactly(t, site, proto, target, c.cookie)
					got := heard()
					refused := status == "400" || proto == "HTTP/2.0" && status == "PROTOCOL_ERROR" // as malformed: HTTP/2 knows no target with a scheme
					reached := got != [3]string{}
					if reached {
						let++
					}
					if status != c.status && !refused || reached != (status == "200") || reached && (got[1] != "u1" || got[2] != "true") {
						t.Errorf("%s over %s: %s gets %s, and the upstream hears %q", target, proto, who, status, got)
					}
				}
			}
		}
	}
	if let < 150 { // all but those that Go's server refuses itself
		t.Errorf("the administrator gets to see %d", let)
	}
	for _, path := range []string{"/.dingtalk/user", "/%2edingtalk/user", "/.dingtalk/logout", "/.dingtalk/login", "/.dingtalk/nothing", "/.dingtalk/user?x=/open/", "/.dingtalk"} {
		want := asksExactly(t, site, "HTTP/1.1", path, member)
		for _, target := range []string{path, "https://h5.test" + path, "http://h5.test:" + site.Port + path, "HTTPS://H5.TEST:1" + path} {
			for _, proto := range []string{"HTTP/1.1", "HTTP/2.0"} {
				want := want
				if target != path && proto == "HTTP/2.0" {
					want = "PROTOCOL_ERROR"
				}
				if status := asksExactly(t, site, proto, target, member); status != want || heard() != [3]string{} {
					t.Errorf("%s over %s: %s, want %s, from us", target, proto, status, want)
				}
			}
		}
	}
	// What is near to an endpoint is a page of the app, which wants a session.
	for _, path := range []string{"//.dingtalk/user", "/./.dingtalk/user", "/.dingtalk;v=1/user", "/.DINGTALK/user", "/x/../.dingtalk/user", "/open/../.dingtalk/user"} {
		for _, proto := range []string{"HTTP/1.1", "HTTP/2.0"} {
			if status := asksExactly(t, site, proto, path, ""); status != "401" || heard() != [3]string{} {
				t.Errorf("%s over %s: %s", path, proto, status)
			}
		}
	}
}
