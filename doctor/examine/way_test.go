package examine

import (
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/caddy-dingtalk/caddy-dingtalk/config"
)

func TestTheWayToDingTalkIsThatOfTheCalls(t *testing.T) {
	app := config.Config{AppKey: "k", AppSecret: "s"}
	with := func(change func(*config.Config)) config.Config {
		c := app
		change(&c)
		return c
	}
	tests := map[string]struct {
		config              config.Config
		proxy               string
		host, port, setting string
	}{
		"an app":                       {app, "", "api.dingtalk.com", "443", "api_base"},
		"an app of the older API":      {with(func(c *config.Config) { c.API = "legacy" }), "", "oapi.dingtalk.com", "443", "oapi_base"},
		"the older login":              {config.Config{CorpID: "c", CorpSecret: "s"}, "", "oapi.dingtalk.com", "443", "oapi_base"},
		"a service window":             {config.Config{CorpID: "c", ChannelSecret: "s"}, "", "oapi.dingtalk.com", "443", "oapi_base"},
		"another host":                 {with(func(c *config.Config) { c.APIBase = "http://ding.corp.test" }), "", "ding.corp.test", "80", "api_base"},
		"another host with a port":     {with(func(c *config.Config) { c.APIBase = "http://[::1]:81/x" }), "", "::1", "81", "api_base"},
		"through a proxy":              {app, "http://user:password@proxy.corp.test:3128", "proxy.corp.test", "3128", "api_base"},
		"through a proxy without port": {app, "socks5://proxy.corp.test", "proxy.corp.test", "1080", "api_base"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			w := wayTo(&test.config, func(*http.Request) (*url.URL, error) {
				if test.proxy == "" {
					return nil, nil
				}
				return url.Parse(test.proxy)
			})
			if w.host != test.host || w.port != test.port || w.setting != test.setting || w.proxy != (test.proxy != "") {
				t.Errorf("the way is %+v", w)
			}
			if w.proxy != strings.Contains(w.named().EN+w.advice(say("this machine", "本机")).EN, "HTTPS_PROXY names") || strings.Contains(w.named().EN, "password") {
				t.Errorf("it is shown as %q: %s", w.named(), w.advice(say("this machine", "本机")))
			}
		})
	}
}

func TestRootLeavesTheFilesOfOthersAlone(t *testing.T) {
	dir := t.TempDir()
	me := os.Geteuid()
	if me == 0 {
		const other = 65533
		if err := os.Chown(dir, other, other); err != nil {
			t.Fatal(err)
		}
	}
	for name, test := range map[string]struct {
		path  string
		uid   int
		owned bool
	}{
		"a folder of another user":        {dir, 0, true},
		"a folder to be made in it":       {filepath.Join(dir, "not", "yet"), 0, true},
		"a folder of root":                {"/", 0, false},
		"somebody who may not write":      {dir, 1000, false},
		"a system that knows of no users": {dir, -1, false},
	} {
		t.Run(name, func(t *testing.T) {
			if owner := otherOwner(test.path, test.uid); (owner != "") != test.owned {
				t.Errorf("the owner is %q", owner)
			}
		})
	}
}

func TestAdviceIsBrokenAtTheWidthOfATerminal(t *testing.T) {
	lines := wrap(strings.Repeat("钉钉开放平台 ", 20) + "\nor add:\n\tpublic_origin https://" + strings.Repeat("long", 30) + "\n{\n}")
	if len(lines) < 6 || lines[len(lines)-2] != "{" || !strings.HasPrefix(lines[len(lines)-3], "    public_origin ") {
		t.Errorf("the lines are %q", lines)
	}
	for _, line := range lines[:3] {
		if n := columns(line); n > lineWidth || n < lineWidth/2 {
			t.Errorf("%d columns: %s", n, line)
		}
	}
}
