package e2e

import (
	"testing"

	"github.com/caddy-dingtalk/caddy-dingtalk/internal/testsite"
)

func TestThePagesOfHandleErrors(t *testing.T) {
	s := testsite.Run(t, testsite.Setup{Sites: `(errors) {
	handle /dead {
		reverse_proxy 127.0.0.1:1
	}
	handle /gone {
		error "gone" 410
	}
	handle /broken.html {
		root DIR/www
		templates
		file_server
	}
	handle {
		root DIR/www
		file_server
	}
}
(page) {
	root DIR/www
	rewrite /error.html
	file_server
}
http://without.test:PORT {
	import errors
	handle_errors {
		import page
	}
}
http://with.test:PORT {
	dingtalk {
		import app
	}
	import errors
	handle_errors {
		import page
	}
}
http://both.test:PORT {
	encode
	dingtalk {
		import app
	}
	import errors
	handle_errors {
		encode
		dingtalk {
			import app
		}
		import page
	}
}
http://only.test:PORT {
	import errors
	handle_errors {
		dingtalk {
			import app
		}
		import page
	}
}
http://none.test:PORT {
	dingtalk {
		import app
	}
	import errors
}`})
	s.Write(t, map[string]string{"www/error.html": testsite.Page, "www/broken.html": testsite.Page + "{{nothing}}"})
	for path, status := range map[string]int{"/dead": 502, "/gone": 410, "/broken.html": 500, "/missing?a=1": 404} {
		t.Run(path, func(t *testing.T) {
			headers := []string{"Accept-Encoding", "gzip", "If-None-Match", `"x"`}
			a := s.Get(t, s.At("with.test")+path)
			if testsite.ExpectSame(t, a, s.Get(t, s.At("without.test")+path)); a.Status != status || a.Body != testsite.Page {
				t.Errorf("a page of handle_errors is not ours: %d %q", a.Status, a.Body)
			}
			for _, host := range []string{"both.test", "only.test"} { // a directive in handle_errors makes it so
				a := s.Get(t, s.At(host)+path, headers...)
				if s.ExpectPage(t, a, s.At(host)+path, testsite.Page); a.Status != status {
					t.Errorf("%s: %d", host, a.Status)
				}
			}
			if a := s.Get(t, s.At("none.test")+path, headers...); a.Status != status || a.Body != "" {
				t.Errorf("without handle_errors: %d %q", a.Status, a.Body)
			}
		})
	}
}
