package e2e

import (
	"strings"
	"testing"

	"github.com/caddy-dingtalk/caddy-dingtalk/internal/testsite"
)

// TestAPartThatATemplateAsksForNeedsASessionToo: a template of another route may
// include what stands behind sign-in, and its request brings what a stranger sent.
func TestAPartThatATemplateAsksForNeedsASessionToo(t *testing.T) {
	upstream := new(echo)
	s := testsite.Run(t, testsite.Setup{Upstream: upstream, Sites: `http://h5.test:PORT {
	handle /open {
		header Content-Type text/html
		templates
		respond "<p>{{httpInclude ` + "`/api`" + `}}</p>"
	}
	handle {
		dingtalk {
			import app
			login
		}
		reverse_proxy UPSTREAM
	}
}
`})
	s.URL = s.At("h5.test")
	stranger := visitAs(t, s, "/open", "", "X-DingTalk-User-Id", "boss")
	if upstream.requests.Load() != 0 || strings.Contains(stranger.Body, "boss") {
		t.Errorf("a stranger reaches the app %d times: %d %s", upstream.requests.Load(), stranger.Status, stranger.Body)
	}
	session := signIn(t, s, "u2")
	if a := visitAs(t, s, "/open", session, "X-DingTalk-User-Id", "boss"); a.Status != 200 || upstream.requests.Load() != 1 || !strings.Contains(a.Body, "<body>u2</body>") {
		t.Errorf("who has a session gets %d %s", a.Status, a.Body)
	}
}
