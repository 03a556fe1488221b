package e2e

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/caddy-dingtalk/caddy-dingtalk/internal/testsite"
)

func TestTrailersOfAPagePassOverEachProtocol(t *testing.T) {
	tests := map[string]func(http.Header){
		"announced": func(h http.Header) { h.Set("X-Sum", "42") },
		"some that were not announced": func(h http.Header) {
			h.Set("X-Sum", "42")
			h.Set(http.TrailerPrefix+"X-More", "43")
		},
		"announced, and then missing": func(http.Header) {},
	}
	testsite.OverEach(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Trailer", "X-Sum")
		testsite.ServePage(w, r)
		tests[r.Header.Get("X-Page")](w.Header())
	}), func(t *testing.T, _ string, with, without *testsite.Site) {
		for name := range tests {
			t.Run(name, func(t *testing.T) {
				got := with.Open(t, http.MethodGet, "/p", nil, testsite.DocumentHeader("X-Page", name))
				want := without.Open(t, http.MethodGet, "/p", nil, testsite.DocumentHeader("X-Page", name))
				with.ExpectPage(t, testsite.Read(got), with.URL+"/p", testsite.Page)
				testsite.Read(want)
				if fmt.Sprint(got.Trailer) != fmt.Sprint(want.Trailer) || got.Header.Get("Trailer") != want.Header.Get("Trailer") {
					t.Errorf("trailers %v, without us %v", got.Trailer, want.Trailer)
				}
			})
		}
	})
}

func TestTrailersThatNobodyAnnouncedPassOverEachProtocol(t *testing.T) {
	testsite.OverEach(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		testsite.ServePage(w, r)
		_ = http.NewResponseController(w).Flush()
		w.Header().Set(http.TrailerPrefix+"X-Sum", "42")
	}), func(t *testing.T, _ string, with, without *testsite.Site) {
		got := with.Open(t, http.MethodGet, "/p", nil, testsite.DocumentHeader())
		want := without.Open(t, http.MethodGet, "/p", nil, testsite.DocumentHeader())
		with.ExpectPage(t, testsite.Read(got), with.URL+"/p", testsite.Page)
		testsite.Read(want)
		if got.Trailer.Get("X-Sum") != "42" || fmt.Sprint(got.Trailer) != fmt.Sprint(want.Trailer) {
			t.Errorf("trailers %v, without us %v", got.Trailer, want.Trailer)
		}
	})
}

func TestTrailersThatSpeakOfTheBodyAsItWasGo(t *testing.T) {
	stale := []string{"Etag", "Content-Md5", "Digest", "Repr-Digest", "Content-Digest"}
	testsite.OverEach(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		prefix := ""
		if r.URL.Path == "/announced" {
			w.Header().Set("Trailer", "X-Sum, "+strings.Join(stale, ", "))
		} else {
			prefix = http.TrailerPrefix
		}
		testsite.ServePage(w, r)
		_ = http.NewResponseController(w).Flush()
		for _, name := range append(stale, "X-Sum") {
			w.Header().Set(prefix+name, `"42"`)
		}
	}), func(t *testing.T, _ string, with, _ *testsite.Site) {
		for _, path := range []string{"/announced", "/unannounced"} {
			resp := with.Open(t, http.MethodGet, path, nil, testsite.DocumentHeader())
			with.ExpectPage(t, testsite.Read(resp), with.URL+path, testsite.Page)
			if resp.Trailer.Get("X-Sum") == "" {
				t.Errorf("%s: trailers %v", path, resp.Trailer)
			}
			for _, name := range stale {
				if got := resp.Trailer.Get(name); got != "" {
					t.Errorf("%s: trailer %s: %s", path, name, got)
				}
			}
		}
	})
}

// TestTrailersOfAPageThatWasHeldToItsEnd: a proxy has put them beside the header by
// then, which has not gone out.
func TestTrailersOfAPageThatWasHeldToItsEnd(t *testing.T) {
	for name, body := range map[string]string{"a page": "<!DOCTYPE html><!-- x -->\n", "none": "<!-- never closed"} {
		t.Run(name, func(t *testing.T) {
			testsite.OverEach(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("Content-Type", "text/html; charset=utf-8")
				w.Header().Set("Trailer", "X-Sum, Content-Md5")
				_, _ = w.Write([]byte(body))
				_ = http.NewResponseController(w).Flush()
				w.Header().Set("X-Sum", "42")
				w.Header().Set("Content-Md5", "42")
			}), func(t *testing.T, _ string, with, _ *testsite.Site) {
				resp := with.Open(t, http.MethodGet, "/", nil, testsite.DocumentHeader())
				a := testsite.Read(resp)
				if strings.Contains(a.Body, "<script") != (name == "a page") {
					t.Fatalf("%q", a.Body)
				}
				if resp.Header.Get("X-Sum") != "" || resp.Header.Get("Content-Md5") != "" || resp.Trailer.Get("X-Sum") != "42" {
					t.Errorf("header %v, trailer %v", resp.Header, resp.Trailer)
				}
				if (resp.Trailer.Get("Content-Md5") == "") != (name == "a page") {
					t.Errorf("trailer %v", resp.Trailer)
				}
			})
		})
	}
}

// TestStaleTrailersGoWhateverElseGoes: a directive around us may drop fields.
func TestStaleTrailersGoWhateverElseGoes(t *testing.T) {
	s := testsite.Run(t, testsite.Setup{Upstream: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		testsite.ServePage(w, r)
		_ = http.NewResponseController(w).Flush()
		w.Header().Set(http.TrailerPrefix+"Content-Md5", "42")
	}), Sites: `http://:PORT {
	header -Via
	dingtalk {
		import app
	}
	reverse_proxy UPSTREAM
}`})
	resp := s.Open(t, http.MethodGet, "/p", nil, testsite.DocumentHeader())
	s.ExpectPage(t, testsite.Read(resp), s.URL+"/p", testsite.Page)
	if len(resp.Trailer) > 0 || resp.Header.Get("Via") != "" {
		t.Errorf("trailer %v, header %v", resp.Trailer, resp.Header)
	}
}

func TestTrailersOfAPagePass(t *testing.T) {
	s := testsite.Run(t, testsite.Setup{Sites: testsite.Compared, Upstream: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Trailer", "X-Sum")
		testsite.ServePage(w, r)
		w.Header().Set("X-Sum", "42")
	})})
	req, _ := http.NewRequestWithContext(t.Context(), http.MethodGet, s.At("with.test")+"/", nil)
	req.Header = testsite.DocumentHeader()
	resp, err := s.Client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	s.ExpectSigned(t, testsite.Read(resp), s.At("with.test")+"/")
	if got := resp.Trailer.Get("X-Sum"); got != "42" {
		t.Errorf("trailer %q", got)
	}
}
