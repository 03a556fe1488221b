package docs_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/caddy-dingtalk/caddy-dingtalk/login"
)

// surroundings are what a snippet of "What the app reads" stands in: a program that has the
// headers of a request as its environment, as CGI names them, and prints what the snippet
// has read as JSON.
var surroundings = map[string]struct {
	tool     string
	required bool // where SNIPPETS=required
	file     string
	args     []string // before the file
	text     string
}{
	"js": {"node", true, "app.js", nil, `
const req = {get: name => process.env['HTTP_' + name.toUpperCase().replaceAll('-', '_')]}
SNIPPET
console.log(JSON.stringify([userId ?? null, name]))
`},
	"php": {"php", true, "app.php", nil, `<?php
SNIPPET
echo json_encode([$userId, $name]);
`},
	"python": {"python3", false, "app.py", nil, `
import email.message, json, os, types, urllib.parse
headers = email.message.Message()
for key, value in os.environ.items():
    if key.startswith("HTTP_"):
        headers[key[5:].replace("_", "-")] = value
request = types.SimpleNamespace(headers=headers)
SNIPPET
print(json.dumps([user_id, name]))
`},
	"go": {"go", true, "app.go", []string{"run"}, `package main

import (
	"encoding/json"
	"net/url"
	"os"
	"strings"
)

type context struct{}

func (context) GetHeader(name string) string {
	return os.Getenv("HTTP_" + strings.ToUpper(strings.ReplaceAll(name, "-", "_")))
}

func main() {
	var c context
	SNIPPET
	_ = json.NewEncoder(os.Stdout).Encode([]string{userID, name})
}
`},
}

// readBy runs the snippet of a language and returns what it makes of the headers.
func readBy(t *testing.T, language, snippet string, header http.Header) (got []any) {
	t.Helper()
	s := surroundings[language]
	file := filepath.Join(t.TempDir(), s.file)
	if err := os.WriteFile(file, []byte(strings.Replace(s.text, "SNIPPET", snippet, 1)), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), s.tool, append(s.args, file)...)
	cmd.Dir, cmd.Env = filepath.Dir(file), append(os.Environ(), "PYTHONUTF8=1")
	for name, values := range header {
		cmd.Env = append(cmd.Env, "HTTP_"+strings.ToUpper(strings.ReplaceAll(name, "-", "_"))+"="+values[0])
	}
	out, err := cmd.Output()
	if err == nil {
		err = json.Unmarshal(out, &got)
	}
	if err != nil || len(got) != 2 {
		t.Fatalf("%v: %s", err, out)
	}
	return got
}

// TestTheSnippetsReadWhatCaddySays: each that a tool of this machine can run reads the
// headers as they leave, and does not stumble where there are none.
func TestTheSnippetsReadWhatCaddySays(t *testing.T) {
	const name = `张三 "50%" \ <é>+&`
	signedIn := make(http.Header)
	(&login.User{UserID: "u 1%", Name: name}).SetHeaders(signedIn)
	for language, s := range surroundings {
		t.Run(language, func(t *testing.T) {
			if _, err := exec.LookPath(s.tool); err != nil {
				if s.required && os.Getenv("SNIPPETS") == "required" {
					t.Fatalf("SNIPPETS=required, but %v", err)
				}
				t.Skip(err)
			}
			snippets := make(map[string]bool)
			for _, page := range []string{"sign-in.md", "zh/sign-in.md"} {
				snippets[string(blocks(read(t, page), language)[0])] = true
			}
			for snippet := range snippets {
				if got, want := readBy(t, language, snippet, signedIn), []any{"u%201%25", name}; fmt.Sprint(got) != fmt.Sprint(want) {
					t.Errorf("%q, want %q", got, want)
				}
				if got := readBy(t, language, snippet, nil); got[0] != nil && got[0] != "" || got[1] != "" {
					t.Errorf("of nobody it reads %q", got)
				}
			}
		})
	}
}
