package e2e

import (
	"net/http"
	"strings"
	"testing"

	"github.com/caddy-dingtalk/caddy-dingtalk/internal/testsite"
)

// TestNothingThatAVisitorSaysRunsAsATemplate: a template engine may be around the
// directive, and would show whoever asks what it can read.
func TestNothingThatAVisitorSaysRunsAsATemplate(t *testing.T) {
	t.Setenv("A_SECRET", "s3cr3t")
	s := testsite.Run(t, testsite.Setup{Sites: `http://h5.test:PORT {
	root DIR/www
	templates
	handle {
		dingtalk {
			import app
			doctor
		}
		file_server
	}
}
http://unsigned.test:PORT {
	root DIR/www
	templates
	handle {
		dingtalk {
			import app
			public_origin https://a.test https://b.test
		}
		file_server
	}
}`})
	s.Write(t, map[string]string{"www/index.html": "<!DOCTYPE html><html><head><title>{{`A_SECRET` | len}}</title></head></html>"})
	const evil = "{{`A_SECRET`|env}}"
	for name, request := range map[string]struct{ host, target, header, sign string }{
		"in the URL of a page":         {"h5.test", "/?x=" + evil, "", "<title>8</title>"},
		"in the host of a page":        {"unsigned.test", "/", "X-Forwarded-Host: " + evil, "<title>8</title>"},
		"in the URL of the doctor":     {"h5.test", "/.dingtalk/doctor?x=" + evil, "", "</html>"},
		"in a header that it shows":    {"h5.test", "/.dingtalk/doctor", "X-Forwarded-Host: " + evil, "</html>"},
		"in many braces of the doctor": {"h5.test", "/.dingtalk/doctor?x={" + evil + "}", "", "</html>"},
	} {
		t.Run(name, func(t *testing.T) {
			lines := "GET " + request.target + " HTTP/1.1\r\nHost: " + request.host + ":" + s.Port + "\r\nAccept: text/html\r\nConnection: close\r\n"
			if request.header != "" {
				lines += request.header + "\r\n"
			}
			a := s.Raw(t, lines+"\r\n")
			if a.Status != http.StatusOK || !strings.Contains(a.Body, request.sign) || !strings.Contains(a.Body, "<script") {
				t.Fatalf("%d %q", a.Status, a.Body)
			}
			if strings.Contains(a.Body, "s3cr3t") {
				t.Error("a secret is shown")
			}
		})
	}
}

// TestAPartOfAPageIsNoPage: templates ask the site for parts, with the headers of
// the request for the whole.
func TestAPartOfAPageIsNoPage(t *testing.T) {
	s := testsite.Run(t, testsite.Setup{Sites: `http://:PORT {
	root DIR/www
	dingtalk {
		import app
	}
	templates
	file_server
}`})
	s.Write(t, map[string]string{
		"www/index.html": `<!DOCTYPE html><html><head><title>t</title></head><body>{{httpInclude "/nav.html"}}<p>x</body></html>`,
		"www/nav.html":   "<nav>menu</nav>",
	})
	s.ExpectPage(t, s.Get(t, "/"), s.URL+"/", "<!DOCTYPE html><html><head><title>t</title></head><body><nav>menu</nav><p>x</body></html>")
}
