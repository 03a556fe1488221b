package doctor

import (
	"errors"
	"os"
	"regexp"
	"strings"
	"testing"
)

func TestAModuleThatIsNotCompiledInIsToldFrom(t *testing.T) {
	mod, err := os.ReadFile("../go.mod")
	if err != nil {
		t.Fatal(err)
	}
	ours := "xcaddy build --with " + regexp.MustCompile(`(?m)^module (\S+)$`).FindStringSubmatch(string(mod))[1]
	for text, words := range map[string][]string{
		"adapting config using caddyfile: Caddyfile:3: unrecognized directive: dingtalk":                         {ours + ",", "caddy list-modules"},
		"unknown module: http.handlers.dingtalk":                                                                 {ours + ",", "caddy list-modules"},
		"getting module named 'caddy.storage.redis': module not registered: caddy.storage.redis, at Caddyfile:2": {ours + " --with github.com/pberkel/caddy-storage-redis"},
		"getting module named 'caddy.storage.floppy': module not registered: caddy.storage.floppy":               {"a slip in caddy.storage.floppy", ours + " --with <its path>"},
		"getting module named 'http.matchers.x': module not registered: http.matchers.x":                         {"a slip in http.matchers.x", "xcaddy build"},
	} {
		got := Of(errors.New(text))
		for _, word := range words {
			if !strings.Contains(got.EN, word) || strings.HasPrefix(word, "xcaddy") && !strings.Contains(got.ZH, strings.TrimSuffix(word, ",")) {
				t.Errorf("%s: no %q in %+v", text, word, got)
			}
		}
	}
	for text, command := range map[string]string{
		"unknown module: caddy.storage.redis":  ours + " --with github.com/pberkel/caddy-storage-redis",
		"unknown module: caddy.storage.floppy": ours + " --with <its path>",
	} {
		if built := Of(Built(errors.New(text))); !strings.HasSuffix(built.EN, command) || !strings.HasSuffix(built.ZH, command) {
			t.Errorf("%+v", built)
		}
	}
	other := errors.New("no such file or directory")
	if !errors.Is(Built(other), other) || Built(other).Error() != other.Error() || Built(nil) != nil {
		t.Errorf("%v", Built(other))
	}
}
