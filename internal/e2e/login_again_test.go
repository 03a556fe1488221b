package e2e

import (
	"net/http"
	"strings"
	"testing"

	"github.com/caddy-dingtalk/caddy-dingtalk/internal/testsite"
)

// TestWhoIsSignedInStaysSoWhereARequestComesToTheDirectiveAgain: its cookie was taken out
// of the request the first time.
func TestWhoIsSignedInStaysSoWhereARequestComesToTheDirectiveAgain(t *testing.T) {
	upstream := new(echo)
	s := testsite.Run(t, testsite.Setup{Upstream: upstream, Sites: `(asks) {
	dingtalk {
		import app
		login {
			public /open*
		}
	}
}
http://h5.test:PORT {
	import asks
	handle /dead {
		reverse_proxy 127.0.0.1:1
	}
	handle /whole {
		header Content-Type text/html
		templates
		respond "<p>{{httpInclude ` + "`/api`" + `}}</p>"
	}
	handle /open-whole {
		header Content-Type text/html
		templates
		respond "<p>{{httpInclude ` + "`/api`" + `}}</p>"
	}
	handle {
		reverse_proxy UPSTREAM
	}
	handle_errors 502 {
		import asks
		reverse_proxy UPSTREAM
	}
}
`})
	s.URL = s.At("h5.test")
	session := signIn(t, s, "u2")
	for path, what := range map[string]string{
		"/dead": "the page of an error", "/whole": "a part of a page", "/open-whole": "a part of a public page",
	} {
		before := upstream.requests.Load()
		a := visitAs(t, s, path, session, "X-DingTalk-User-Id", "boss")
		if !strings.Contains(a.Body, "<body>u2</body>") || upstream.requests.Load() != before+1 {
			t.Errorf("%s: %d %.300s", what, a.Status, a.Body[max(0, len(a.Body)-300):])
		}
	}
	before := upstream.requests.Load()
	for _, path := range []string{"/dead", "/whole", "/open-whole"} {
		if a := visitAs(t, s, path, "", "X-DingTalk-User-Id", "boss", "Proxy-Authorization", "DingTalk x"); a.Status == http.StatusOK || upstream.requests.Load() != before {
			t.Errorf("a stranger at %s: %d %.300s", path, a.Status, a.Body[max(0, len(a.Body)-300):])
		}
	}
	if a := fetchAs(t, s, "GET", "/api", "", session); strings.Contains(a.Body, "Authorization") {
		t.Errorf("the upstream gets %s", a.Body)
	}
}
