package inject

import (
	"net/http"
	"testing"
)

// TestA304ThatBringsAnotherPolicyIsNotPassedOn: the browser would put that policy
// in the place of the one that the snippet's form was chosen for.
func TestA304ThatBringsAnotherPolicyIsNotPassedOn(t *testing.T) {
	const strict, loose = "script-src 'self'", "script-src 'self' 'unsafe-inline'"
	for name, c := range map[string]struct {
		first, again http.Header // what upstream says of policies, with the page and with the 304
		status       int         // of the second answer
	}{
		"the same policy":                  {http.Header{"Content-Security-Policy": {strict}}, http.Header{"Content-Security-Policy": {strict}}, 304},
		"no policy":                        {nil, nil, 304},
		"none with the 304":                {http.Header{"Content-Security-Policy": {strict}}, nil, 304},
		"another policy":                   {http.Header{"Content-Security-Policy": {loose}}, http.Header{"Content-Security-Policy": {strict}}, 200},
		"a policy with the 304 alone":      {nil, http.Header{"Content-Security-Policy": {strict}}, 200},
		"a second policy":                  {http.Header{"Content-Security-Policy": {loose}}, http.Header{"Content-Security-Policy": {loose, strict}}, 200},
		"another policy that only reports": {http.Header{"Content-Security-Policy-Report-Only": {loose}}, http.Header{"Content-Security-Policy-Report-Only": {strict}}, 200},
	} {
		for proto, http2 := range protocols {
			t.Run(name+" "+proto, func(t *testing.T) {
				policies := c.first
				s := start(t, inserting(func(w http.ResponseWriter, r *http.Request) error {
					for key, values := range policies {
						w.Header()[key] = values
					}
					w.Header().Set("Etag", `"a"`)
					if r.Header.Get("If-None-Match") == `"a"` {
						w.Header().Set("X-Left", "of the 304")
						w.WriteHeader(http.StatusNotModified)
						_ = http.NewResponseController(w).Flush()
						return nil
					}
					return page(doc)(w, r)
				}), http2)
				first := ask(t, s)
				policies = c.again
				again := ask(t, s, with("If-None-Match", first.header.Get("Etag")))
				if again.status != c.status {
					t.Fatalf("%d %v, want %d", again.status, again.header, c.status)
				}
				if c.status == 200 && (string(again.body) != docWithSnippet || again.header.Get("X-Left") != "" || again.header.Get("Etag") == first.header.Get("Etag")) {
					t.Errorf("%q %v", again.body, again.header)
				}
				head := ask(t, s, method(http.MethodHead), with("If-None-Match", first.header.Get("Etag")))
				if head.status != c.status || head.header.Get("Etag") != again.header.Get("Etag") || c.status == 200 && head.header.Get("X-Left") != "" {
					t.Errorf("HEAD: %d %v, want those of GET", head.status, head.header)
				}
				if c.status == 304 && again.header.Get("Etag") != first.header.Get("Etag") {
					t.Errorf("%s, want %s", again.header.Get("Etag"), first.header.Get("Etag"))
				}
			})
		}
	}
}

// TestTheHeadOfA304IsPassedOnByWhoeverDoesNotAskAgain: there is nothing else to send.
func TestTheHeadOfA304IsPassedOnByWhoeverDoesNotAskAgain(t *testing.T) {
	s := &sink{header: http.Header{"Etag": {`"a"`}, "Content-Security-Policy": {"x"}}}
	w := NewHeadWriter(s, tag, func(http.Header) string { return tag })
	w.WriteHeader(http.StatusNotModified)
	if s.status != 0 {
		t.Error("it is out at once")
	}
	if w.Close(); s.status != http.StatusNotModified || s.header.Get("Etag") != `"a-t1"` {
		t.Errorf("%d %v", s.status, s.header)
	}
}

// TestA304IsPassedOnByWhoeverDoesNotAskAgain: there is nothing else to send.
func TestA304IsPassedOnByWhoeverDoesNotAskAgain(t *testing.T) {
	s := &sink{header: http.Header{"Etag": {`"a"`}, "Content-Security-Policy": {"x"}}}
	w := NewWriter(s, tag, theSnippet)
	w.WriteHeader(http.StatusNotModified)
	if s.status != 0 {
		t.Error("it is out at once")
	}
	if err := w.Finish(); err != nil || s.status != http.StatusNotModified || s.header.Get("Etag") != `"a-t1"` {
		t.Errorf("%v, %d %v", err, s.status, s.header)
	}
}
