package testsite

import (
	"encoding/json"
	"strings"
	"testing"

	"golang.org/x/net/html"

	"github.com/caddy-dingtalk/caddy-dingtalk/internal/sandbox"
)

// Forms of a snippet.
const (
	Inline   = "inline"
	External = "external"
	Data     = "data"
)

// Snippet is what was inserted into a page, as a browser reads it.
type Snippet struct {
	Form    string
	Nonce   string
	Scripts []map[string]string // the attributes of all script elements
	Text    string              // of the first script element
	Config  json.RawMessage     `json:"config"`
	Sidecar struct {
		URL      *string `json:"url"`
		Endpoint string  `json:"endpoint"`
		Version  string  `json:"version"`
		Tenant   *struct {
			CorpID  string `json:"corpId"`
			AgentID string `json:"agentId"`
			By      string `json:"by"`
		} `json:"tenant"`
		Error *struct {
			Code    string `json:"code"`
			Message string `json:"message"`
		} `json:"error"`
	} `json:"sidecar"`
}

// Snippet returns what was inserted into the page, nil if nothing was.
func (a *Answer) Snippet(t testing.TB) *Snippet {
	t.Helper()
	var s Snippet
	z := html.NewTokenizer(strings.NewReader(a.Body))
	for tt := z.Next(); tt != html.ErrorToken; tt = z.Next() {
		token := z.Token()
		if tt != html.StartTagToken || token.Data != "script" {
			continue
		}
		attributes := make(map[string]string)
		for _, attr := range token.Attr {
			attributes[attr.Key] = attr.Val
		}
		if s.Scripts = append(s.Scripts, attributes); len(s.Scripts) > 1 {
			continue
		}
		if z.Next() == html.TextToken {
			s.Text = string(z.Raw())
		}
	}
	if len(s.Scripts) == 0 {
		return nil
	}
	text := s.Text
	switch first := s.Scripts[0]; {
	case first["id"] == "dd-sidecar" && first["type"] == "application/json":
		s.Form = Data
		if len(s.Scripts) > 1 && strings.Contains(s.Scripts[1]["src"], "/client.") {
			s.Form, s.Nonce = External, s.Scripts[1]["nonce"]
		}
	default:
		i := strings.LastIndex(text, `({"config":`)
		if i < 0 {
			return nil // a script of the page itself
		}
		text = text[i+1:]
		s.Form, s.Nonce = Inline, first["nonce"]
	}
	// Behind the data stands the end of the call, and maybe the rest of the script.
	if err := json.NewDecoder(strings.NewReader(text)).Decode(&s); err != nil {
		t.Fatalf("the data of the snippet: %v in %s", err, text)
	}
	return &s
}

// Params returns the parameters for dd.config.
func (s *Snippet) Params(t testing.TB) (p sandbox.ConfigParams) {
	t.Helper()
	if err := json.Unmarshal(s.Config, &p); err != nil {
		t.Fatal(err)
	}
	return p
}

// Tenant is whom the page is for, as `<corp>/<agent> <by>`, or why it is for nobody.
func (s *Snippet) Tenant() string {
	switch {
	case s.Sidecar.Tenant != nil:
		return s.Sidecar.Tenant.CorpID + "/" + s.Sidecar.Tenant.AgentID + " " + s.Sidecar.Tenant.By
	case s.Sidecar.Error != nil:
		return s.Sidecar.Error.Code
	}
	return ""
}

// Without returns the page as it was before the snippet came.
func (a *Answer) Without(t testing.TB) string {
	t.Helper()
	i := max(strings.Index(a.Body, "<script>(function"), strings.Index(a.Body, "<script data-posted>(function"))
	j := strings.Index(a.Body, ")</script>")
	if i < 0 || j < i {
		t.Fatalf("no snippet in %.200q", a.Body)
	}
	return a.Body[:i] + a.Body[j+len(")</script>"):]
}
