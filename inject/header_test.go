package inject

import (
	"bytes"
	"io"
	"maps"
	"net/http"
	"reflect"
	"testing"
)

func TestAPagesHeadersSpeakOfThePage(t *testing.T) {
	private := []string{"private, no-cache"}
	for name, c := range map[string]struct{ in, want http.Header }{
		"what caches may keep becomes private": {
			http.Header{"Cache-Control": {"public, max-age=600"}, "Expires": {"Mon, 02 Nov 2026 10:00:00 GMT"}, "Pragma": {"x"}},
			http.Header{"Cache-Control": private, "Pragma": {"x"}},
		},
		"several lines become one":       {http.Header{"Cache-Control": {"public", "s-maxage=9"}}, http.Header{"Cache-Control": private}},
		"no-store stays":                 {http.Header{"Cache-Control": {"no-store"}}, http.Header{"Cache-Control": {"no-store"}}},
		"no-store among others stays":    {http.Header{"Cache-Control": {"no-cache, No-Store, max-age=0"}}, http.Header{"Cache-Control": {"no-cache, No-Store, max-age=0"}}},
		"no-store on its own line stays": {http.Header{"Cache-Control": {"private", "no-store"}}, http.Header{"Cache-Control": {"private", "no-store"}}},
		"what only sounds like no-store": {http.Header{"Cache-Control": {"x-no-store, no-storex"}}, http.Header{"Cache-Control": private}},
		"a page without any":             {http.Header{}, http.Header{"Cache-Control": private}},
		"the date of the body goes":      {http.Header{"Last-Modified": {"Mon, 02 Nov 2026 10:00:00 GMT"}}, http.Header{"Cache-Control": private}},
		"ranges are none of the page's":  {http.Header{"Accept-Ranges": {"bytes"}}, http.Header{"Cache-Control": private}},
		"digests go":                     {http.Header{"Content-Md5": {"x"}, "Digest": {"x"}, "Content-Digest": {"x"}, "Repr-Digest": {"x"}}, http.Header{"Cache-Control": private}},
		"No-Vary-Search goes":            {http.Header{"No-Vary-Search": {"params"}}, http.Header{"Cache-Control": private}},
		"headers for other caches go":    {http.Header{"Cdn-Cache-Control": {"max-age=9"}, "Cloudflare-Cdn-Cache-Control": {"x"}, "Surrogate-Control": {"x"}, "X-Accel-Expires": {"9"}, "Edge-Control": {"x"}}, http.Header{"Cache-Control": private}},
		"a strong tag gets the suffix":   {http.Header{"Etag": {`"a"`}}, http.Header{"Cache-Control": private, "Etag": {`"a-t1"`}}},
		"a weak tag gets the suffix":     {http.Header{"Etag": {`W/"a"`}}, http.Header{"Cache-Control": private, "Etag": {`W/"a-t1"`}}},
		"an empty tag gets the suffix":   {http.Header{"Etag": {`""`}}, http.Header{"Cache-Control": private, "Etag": {`"-t1"`}}},
		"a tag with a comma":             {http.Header{"Etag": {`"a,b"`}}, http.Header{"Cache-Control": private, "Etag": {`"a,b-t1"`}}},
		"a tag without quotes goes":      {http.Header{"Etag": {`a`}}, http.Header{"Cache-Control": private}},
		"a tag with a quote at its end":  {http.Header{"Etag": {`a"`}}, http.Header{"Cache-Control": private}},
		"a tag with an open quote":       {http.Header{"Etag": {`"a`}}, http.Header{"Cache-Control": private}},
		"a tag of one quote":             {http.Header{"Etag": {`"`}}, http.Header{"Cache-Control": private}},
		"a weak tag with a small letter": {http.Header{"Etag": {`w/"a"`}}, http.Header{"Cache-Control": private}},
		"a tag with a quote within":      {http.Header{"Etag": {`"a"b"`}}, http.Header{"Cache-Control": private}},
		"two tags in one":                {http.Header{"Etag": {`"a", "b"`}}, http.Header{"Cache-Control": private}},
		"what is none of our business":   {http.Header{"Vary": {"Accept"}, "Set-Cookie": {"a=b"}, "Content-Security-Policy": {"x"}, "Age": {"1"}}, http.Header{"Vary": {"Accept", vary}, "Set-Cookie": {"a=b"}, "Content-Security-Policy": {"x"}, "Age": {"1"}, "Cache-Control": private}},
	} {
		t.Run(name, func(t *testing.T) {
			h := maps.Clone(c.in)
			h["Content-Type"] = []string{"text/html; charset=utf-8"}
			want := maps.Clone(c.want)
			want["Content-Type"] = h["Content-Type"]
			if want["Vary"] == nil {
				want["Vary"] = []string{vary}
			}
			s := through(t, h, whole([]byte(doc)), false)
			if !reflect.DeepEqual(s.header, want) {
				t.Errorf("%v, want %v", s.header, want)
			}
		})
	}
}

func TestAPageThatMustNotBeKeptLosesItsTag(t *testing.T) {
	s := &sink{header: http.Header{"Content-Type": {"text/html"}, "Etag": {`"a"`}}}
	w := NewWriter(s, "", func(dst []byte, _ http.Header) ([]byte, string) { return append(dst, snippet...), "" })
	_, _ = io.WriteString(w, doc)
	_ = w.Finish()
	if _, ok := s.header["Etag"]; ok || string(s.body) != docWithSnippet {
		t.Errorf("%v %q", s.header, s.body)
	}
}

func TestA304OfAPageIsThePages(t *testing.T) {
	h := respond(http.StatusNotModified, "", "Etag", `"a"`, "Cache-Control", "public, max-age=600", "Last-Modified", "Mon, 02 Nov 2026 10:00:00 GMT", "Expires", "x")
	for proto, http2 := range protocols {
		t.Run(proto, func(t *testing.T) {
			var seen http.Header
			s := start(t, inserting(func(w http.ResponseWriter, r *http.Request) error {
				seen = r.Header
				return h(w, r)
			}), http2)
			a := ask(t, s, with("If-None-Match", `"a-t1", "b-t0"`))
			if a.status != http.StatusNotModified || len(a.body) != 0 {
				t.Errorf("%d %q", a.status, a.body)
			}
			want := http.Header{"Etag": {`"a-t1"`}, "Cache-Control": {"private, no-cache"}, "Vary": {vary}}
			if !reflect.DeepEqual(a.header, want) {
				t.Errorf("%v, want %v", a.header, want)
			}
			if got := seen["If-None-Match"]; !reflect.DeepEqual(got, []string{`"a"`}) {
				t.Errorf("upstream was asked for %q", got)
			}
		})
	}
}

func TestA304ThatNobodyAskedForPassesUntouched(t *testing.T) {
	checkUntouched(t, respond(http.StatusNotModified, "", "Etag", `"a"`, "Cache-Control", "max-age=9"), with("If-None-Match", `"a-t0"`))
}

// TestAPageIsAskedForAgainAndFound is the whole round: what the browser keeps
// comes back as a condition that upstream understands.
func TestAPageIsAskedForAgainAndFound(t *testing.T) {
	s := start(t, inserting(func(w http.ResponseWriter, r *http.Request) error {
		w.Header().Set("Etag", `W/"v1"`)
		if r.Header.Get("If-None-Match") == `W/"v1"` {
			w.WriteHeader(http.StatusNotModified)
			return nil
		}
		return page(doc)(w, r)
	}), false)
	first := ask(t, s)
	again := ask(t, s, with("If-None-Match", first.header.Get("Etag")))
	if first.status != 200 || again.status != http.StatusNotModified || again.header.Get("Etag") != first.header.Get("Etag") {
		t.Errorf("%d, then %d with %q for %q", first.status, again.status, again.header.Get("Etag"), first.header.Get("Etag"))
	}
	other := ask(t, s, with("If-None-Match", `W/"v1-t0"`))
	if other.status != 200 || string(other.body) != docWithSnippet {
		t.Errorf("a page of before: %d %q", other.status, other.body)
	}
}

// TestStaleTrailersGoWheneverThePageWasReleased: a short page of unknown length is
// held until the handler has returned, with its trailers set.
func TestStaleTrailersGoWheneverThePageWasReleased(t *testing.T) {
	for name, flush := range map[string]bool{"before its end": true, "at its end": false} {
		t.Run(name, func(t *testing.T) {
			s := &sink{header: http.Header{"Content-Type": {"text/html; charset=utf-8"}, "Trailer": {"Etag, X-Kept"}}}
			w := NewWriter(s, "", theSnippet)
			_, _ = w.Write([]byte(doc))
			if flush {
				if err := w.FlushError(); err != nil {
					t.Fatal(err)
				}
			}
			for _, key := range []string{"Etag", "X-Kept", http.TrailerPrefix + "Content-Md5", http.TrailerPrefix + "X-Kept"} {
				s.header[key] = []string{"v"}
			}
			if err := w.Finish(); err != nil {
				t.Fatal(err)
			}
			for key, want := range map[string]int{"Etag": 0, "X-Kept": 1, http.TrailerPrefix + "Content-Md5": 0, http.TrailerPrefix + "X-Kept": 1} {
				if len(s.header[key]) != want {
					t.Errorf("%s: %q", key, s.header[key])
				}
			}
			if !bytes.Contains(s.body, []byte(snippet)) {
				t.Errorf("no page: %q", s.body)
			}
		})
	}
}
