package e2e

import (
	"bytes"
	"regexp"
	"testing"

	"github.com/caddyserver/caddy/v2/caddyconfig"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"

	"github.com/caddy-dingtalk/caddy-dingtalk/internal/testsite"
)

// TestTheCaddyfilesOfTheREADMEs: who copies one must not be warned, and the two
// languages must show the same.
func TestTheCaddyfilesOfTheREADMEs(t *testing.T) {
	block := regexp.MustCompile("(?s)```caddyfile\n(.*?)```")
	english := block.FindAllSubmatch(testsite.ReadFile(t, "README.md"), -1)
	chinese := block.FindAllSubmatch(testsite.ReadFile(t, "README.zh-CN.md"), -1)
	if len(english) < 5 || len(english) != len(chinese) {
		t.Fatalf("%d blocks and %d", len(english), len(chinese))
	}
	whole := 0
	for i, found := range english {
		text := found[1]
		if !bytes.Equal(text, chinese[i][1]) {
			t.Errorf("another block in Chinese:\n%s", chinese[i][1])
		}
		if formatted := caddyfile.Format(text); !bytes.Equal(formatted, text) {
			t.Errorf("not as caddy fmt has it:\n%s", text)
		}
		if !bytes.Contains(text, []byte("\n\tdingtalk {")) {
			continue // a part, or what needs a plugin
		}
		whole++
		if _, warnings, err := caddyconfig.GetAdapter("caddyfile").Adapt(text, nil); err != nil || len(warnings) > 0 {
			t.Errorf("%v %v in\n%s", err, warnings, text)
		}
	}
	if whole < 2 {
		t.Errorf("%d whole Caddyfiles", whole)
	}
}
