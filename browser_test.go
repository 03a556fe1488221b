package dingtalk

import (
	"bufio"
	"encoding/json"
	"io"
	"maps"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/html"

	"github.com/caddy-dingtalk/caddy-dingtalk/internal/sandbox"
)

// answer is a response, read to its end.
type answer struct {
	status int
	header http.Header
	body   string
	err    error // of reading the body
}

// get asks for a document as browsers do. where is a path of the site, or a URL
// with any host: the connection goes to Caddy all the same. headers are names
// and values.
func (s *site) get(t testing.TB, where string, headers ...string) *answer {
	t.Helper()
	return s.do(t, http.MethodGet, where, "", documentHeaders(headers...))
}

// fetch asks as a script of a page does.
func (s *site) fetch(t testing.TB, method, where, body string, headers ...string) *answer {
	t.Helper()
	return s.do(t, method, where, body, fields(headers...))
}

func (s *site) do(t testing.TB, method, where, body string, header http.Header) *answer {
	t.Helper()
	if strings.HasPrefix(where, "/") {
		where = s.url + where
	}
	req, err := http.NewRequestWithContext(t.Context(), method, where, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	maps.Copy(req.Header, header)
	if host := header.Get("Host"); host != "" {
		req.Host = host
	}
	resp, err := s.client.Do(req)
	if err != nil && method == http.MethodGet { // a reload has closed the connection: browsers try again, too
		resp, err = s.client.Do(req)
	}
	if err != nil {
		t.Fatal(err)
	}
	return read(resp)
}

// raw sends these bytes and reads one response.
func (s *site) raw(t testing.TB, request string) *answer {
	t.Helper()
	conn, err := net.Dial("tcp", s.addr)
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
	return read(resp)
}

func read(resp *http.Response) *answer {
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	return &answer{resp.StatusCode, resp.Header, string(body), err}
}

// fields makes a header of names and values.
func fields(headers ...string) http.Header {
	h := make(http.Header)
	for i := 0; i+1 < len(headers); i += 2 {
		h.Add(headers[i], headers[i+1])
	}
	return h
}

func documentHeaders(headers ...string) http.Header {
	h := fields("Sec-Fetch-Dest", "document", "Accept", "text/html,application/xhtml+xml,*/*;q=0.8")
	maps.Copy(h, fields(headers...))
	return h
}

// Forms of a snippet.
const (
	inline   = "inline"
	external = "external"
	data     = "data"
)

// snippet is what was inserted into a page, as a browser reads it.
type snippet struct {
	form    string
	nonce   string
	scripts []map[string]string // the attributes of all script elements
	text    string              // of the first script element
	Config  json.RawMessage     `json:"config"`
	Sidecar struct {
		URL      *string `json:"url"`
		Endpoint string  `json:"endpoint"`
		Version  string  `json:"version"`
		Error    *struct {
			Code    string `json:"code"`
			Message string `json:"message"`
		} `json:"error"`
	} `json:"sidecar"`
}

// snippet returns what was inserted into the page, nil if nothing was.
func (a *answer) snippet(t testing.TB) *snippet {
	t.Helper()
	var s snippet
	z := html.NewTokenizer(strings.NewReader(a.body))
	for tt := z.Next(); tt != html.ErrorToken; tt = z.Next() {
		token := z.Token()
		if tt != html.StartTagToken || token.Data != "script" {
			continue
		}
		attributes := make(map[string]string)
		for _, attr := range token.Attr {
			attributes[attr.Key] = attr.Val
		}
		if s.scripts = append(s.scripts, attributes); len(s.scripts) > 1 {
			continue
		}
		if z.Next() == html.TextToken {
			s.text = string(z.Raw())
		}
	}
	if len(s.scripts) == 0 {
		return nil
	}
	text := s.text
	switch first := s.scripts[0]; {
	case first["id"] == "dd-sidecar" && first["type"] == "application/json":
		s.form = data
		if len(s.scripts) > 1 && strings.Contains(s.scripts[1]["src"], "/client.") {
			s.form, s.nonce = external, s.scripts[1]["nonce"]
		}
	default:
		i := strings.LastIndex(text, `({"config":`)
		if i < 0 {
			return nil // a script of the page itself
		}
		text = strings.TrimSuffix(text[i+1:], ")")
		s.form, s.nonce = inline, first["nonce"]
	}
	if err := json.Unmarshal([]byte(text), &s); err != nil {
		t.Fatalf("the data of the snippet: %v in %s", err, text)
	}
	return &s
}

// signed returns the parameters for dd.config.
func (s *snippet) params(t testing.TB) (p sandbox.ConfigParams) {
	t.Helper()
	if err := json.Unmarshal(s.Config, &p); err != nil {
		t.Fatal(err)
	}
	return p
}

// expectSigned makes sure that DingTalk would accept the page at this URL.
func (s *site) expectSigned(t testing.TB, a *answer, url string) *snippet {
	t.Helper()
	got := a.snippet(t)
	switch {
	case got == nil:
		t.Fatalf("status %d, and no snippet in %q", a.status, a.body)
	case got.Sidecar.Error != nil:
		t.Fatalf("unsigned: %+v", *got.Sidecar.Error)
	case got.Sidecar.URL == nil || *got.Sidecar.URL != url:
		t.Fatalf("signed for %v, want %s", *got.Sidecar.URL, url)
	}
	if v := s.ding.Verify(got.params(t), url); !v.OK {
		t.Fatalf("DingTalk refuses the signature: %+v", v)
	}
	return got
}

// expectUnsigned makes sure that the page has passed with a reason for not being
// signed whose message holds all the words.
func (s *site) expectUnsigned(t testing.TB, a *answer, code string, words ...string) *snippet {
	t.Helper()
	got := a.snippet(t)
	switch {
	case got == nil:
		t.Fatalf("status %d, and no snippet in %q", a.status, a.body)
	case string(got.Config) != "null" || got.Sidecar.Error == nil:
		t.Fatalf("signed for %v", *got.Sidecar.URL)
	case got.Sidecar.Error.Code != code:
		t.Fatalf("unsigned for another reason: %+v", *got.Sidecar.Error)
	}
	for _, word := range words {
		if !strings.Contains(got.Sidecar.Error.Message, word) {
			t.Errorf("the message lacks %q: %s", word, got.Sidecar.Error.Message)
		}
	}
	return got
}
