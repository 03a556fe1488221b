package testsite

import (
	"bufio"
	"io"
	"maps"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"
)

// Answer is a response, read to its end.
type Answer struct {
	Status int
	Header http.Header
	Body   string
	Err    error // of reading the body
}

// Get asks for a document as browsers do. where is a path of the site, or a URL
// with any host: the connection goes to Caddy all the same. headers are names
// and values.
func (s *Site) Get(t testing.TB, where string, headers ...string) *Answer {
	t.Helper()
	return s.Do(t, http.MethodGet, where, "", DocumentHeader(headers...))
}

// Fetch asks as a script of a page does.
func (s *Site) Fetch(t testing.TB, method, where, body string, headers ...string) *Answer {
	t.Helper()
	return s.Do(t, method, where, body, Header(headers...))
}

// Do asks with a header of the caller's own.
func (s *Site) Do(t testing.TB, method, where, body string, header http.Header) *Answer {
	t.Helper()
	if strings.HasPrefix(where, "/") {
		where = s.URL + where
	}
	req, err := http.NewRequestWithContext(t.Context(), method, where, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	maps.Copy(req.Header, header)
	if host := header.Get("Host"); host != "" {
		req.Host = host
	}
	resp, err := s.Client.Do(req)
	if err != nil && method == http.MethodGet { // a reload has closed the connection: browsers try again, too
		resp, err = s.Client.Do(req)
	}
	if err != nil {
		t.Fatal(err)
	}
	return Read(resp)
}

// Raw sends these bytes and reads one response.
func (s *Site) Raw(t testing.TB, request string) *Answer {
	t.Helper()
	conn, err := net.Dial("tcp", s.Addr)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(20 * time.Second))
	if _, err := io.WriteString(conn, request); err != nil {
		t.Fatal(err)
	}
	resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatal(err)
	}
	return Read(resp)
}

// Read reads a response to its end.
func Read(resp *http.Response) *Answer {
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	return &Answer{resp.StatusCode, resp.Header, string(body), err}
}

// Header makes a header of names and values.
func Header(headers ...string) http.Header {
	h := make(http.Header)
	for i := 0; i+1 < len(headers); i += 2 {
		h.Add(headers[i], headers[i+1])
	}
	return h
}

// DocumentHeader is what a browser sends that asks for a document, and more.
func DocumentHeader(headers ...string) http.Header {
	h := Header("Sec-Fetch-Dest", "document", "Accept", "text/html,application/xhtml+xml,*/*;q=0.8")
	maps.Copy(h, Header(headers...))
	return h
}

// Dial opens a connection to the site.
func (s *Site) Dial(t *testing.T) (net.Conn, *bufio.Reader) {
	t.Helper()
	conn, err := net.Dial("tcp", s.Addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	_ = conn.SetDeadline(time.Now().Add(20 * time.Second))
	return conn, bufio.NewReader(conn)
}

// Open asks for a path of the site and returns the response while it is being
// written. It ends with the test.
func (s *Site) Open(t *testing.T, method, path string, body io.Reader, header http.Header) *http.Response {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, s.URL+path, body)
	if err != nil {
		t.Fatal(err)
	}
	req.Header = header
	resp, err := s.Client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { resp.Body.Close() })
	return resp
}

// Try asks for a document. A response that fails before its header is an answer,
// too.
func (s *Site) Try(t *testing.T, path string, headers ...string) *Answer {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.URL+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header = DocumentHeader(headers...)
	resp, err := s.Client.Do(req)
	if err != nil {
		return &Answer{Err: err}
	}
	return Read(resp)
}

// Arrives reads until the text has arrived, and returns all that has.
func Arrives(t *testing.T, r io.Reader, text string) string {
	t.Helper()
	var got strings.Builder
	buf := make([]byte, 4096)
	for !strings.Contains(got.String(), text) {
		n, err := r.Read(buf)
		got.Write(buf[:n])
		if err != nil && !strings.Contains(got.String(), text) {
			t.Fatalf("%q has not arrived, but %q and %v", text, got.String(), err)
		}
	}
	return got.String()
}

// Target asks for a document with exactly this request target.
func (s *Site) Target(t testing.TB, host, target string) *Answer {
	t.Helper()
	return s.Raw(t, "GET "+target+" HTTP/1.1\r\nHost: "+host+"\r\nSec-Fetch-Dest: document\r\nAccept: text/html\r\nConnection: close\r\n\r\n")
}
