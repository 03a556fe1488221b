package inject

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httptrace"
	"net/textproto"
	"reflect"
	"testing"
	"time"
)

// handler is an http.Handler that can fail, as those of Caddy can.
type handler func(w http.ResponseWriter, r *http.Request) error

// inserting puts the snippet into the pages of next, as the Caddy module does. An
// error that comes before anything was written becomes a 502.
func inserting(next handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ask := AskOf(r)
		switch ask {
		case AskOther:
			_ = next(w, r)
			return
		case AskPart, AskUnclear:
			part := NewPartWriter(w, Unmark(r.Header))
			_ = next(part, r)
			part.Close()
			return
		}
		Prepare(r.Header)
		kept := Revalidate(r.Header, tag)
		if ask == AskHead {
			head := NewHeadWriter(w, kept, func(http.Header) string { return tag })
			_ = next(head, r)
			if head.Again() {
				delete(r.Header, "If-None-Match")
				_ = next(head, r)
			}
			head.Close()
			return
		}
		page := NewWriter(w, kept, theSnippet)
		returned := false
		defer func() {
			if !returned {
				page.Abort()
			}
		}()
		err := next(page, r)
		if page.Again() {
			delete(r.Header, "If-None-Match")
			err = next(page, r)
		}
		returned = true
		if err != nil {
			page.Abort()
			if page.phase == waiting {
				w.WriteHeader(http.StatusBadGateway)
			}
			return
		}
		_ = page.Finish()
	})
}

func plain(next handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { _ = next(w, r) })
}

// protocols are what responses are tested over.
var protocols = map[string]bool{"HTTP/1.1": false, "HTTP/2.0": true}

func start(t testing.TB, h http.Handler, http2 bool) *httptest.Server {
	t.Helper()
	s := httptest.NewUnstartedServer(h)
	if http2 {
		s.EnableHTTP2 = true
		s.StartTLS()
	} else {
		s.Start()
	}
	s.Client().Transport.(*http.Transport).DisableCompression = true
	s.Client().CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	t.Cleanup(s.Close)
	return s
}

// answer is a response as a client sees it.
type answer struct {
	proto   string
	status  int
	header  http.Header
	length  int64
	chunked bool
	body    []byte
	trailer http.Header
	hints   []textproto.MIMEHeader // of informational responses
	err     error                  // of reading the body
}

// ask makes a request as a browser makes it for a document.
func ask(t testing.TB, s *httptest.Server, edits ...func(*http.Request)) answer {
	t.Helper()
	a := answer{}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{Got1xxResponse: func(code int, h textproto.MIMEHeader) error {
		a.hints = append(a.hints, h)
		return nil
	}})
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, s.URL+"/", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Accept", "text/html,*/*;q=0.8")
	for _, edit := range edits {
		edit(r)
	}
	resp, err := s.Client().Do(r)
	if err != nil {
		a.err = err
		return a
	}
	defer resp.Body.Close()
	a.proto, a.status, a.header, a.length, a.trailer = resp.Proto, resp.StatusCode, resp.Header, resp.ContentLength, resp.Trailer
	a.chunked = len(resp.TransferEncoding) > 0
	a.body, a.err = io.ReadAll(resp.Body)
	delete(a.header, "Date")
	return a
}

func method(m string) func(*http.Request) { return func(r *http.Request) { r.Method = m } }

func with(key, value string) func(*http.Request) {
	return func(r *http.Request) { r.Header.Set(key, value) }
}

// both asks the same of a handler with and without a Writer.
func both(t *testing.T, h handler, http2 bool, edits ...func(*http.Request)) (without, within answer) {
	t.Helper()
	return ask(t, start(t, plain(h), http2), edits...), ask(t, start(t, inserting(h), http2), edits...)
}

func checkUntouched(t *testing.T, h handler, edits ...func(*http.Request)) {
	t.Helper()
	for proto, http2 := range protocols {
		without, within := both(t, h, http2, edits...)
		if within.proto != proto {
			t.Fatalf("%s, want %s", within.proto, proto)
		}
		if !reflect.DeepEqual(without, within) {
			t.Errorf("%s: with a Writer\n%+v\nwithout\n%+v", proto, within, without)
		}
	}
}
