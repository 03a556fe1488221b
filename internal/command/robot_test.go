package command

import (
	"bytes"
	"context"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/spf13/cobra"

	"github.com/caddy-dingtalk/caddy-dingtalk/internal/sandbox"
)

// runRobot runs the command and returns its exit code and what it prints.
func runRobot(t *testing.T, in string, args ...string) (code int, out string) {
	t.Helper()
	var printed bytes.Buffer
	var f robotFlags
	cmd := new(cobra.Command)
	f.addTo(cmd)
	cmd.SetOut(&printed)
	cmd.SetIn(strings.NewReader(in))
	if err := cmd.ParseFlags(args); err != nil {
		t.Fatal(err)
	}
	code, err := f.run(context.Background(), cmd)
	if err != nil {
		printed.WriteString(err.Error())
	}
	return code, printed.String()
}

func TestTheRobotCommand(t *testing.T) {
	message := filepath.Join(t.TempDir(), "message.json")
	if err := os.WriteFile(message, []byte(`{"msgtype":"link","link":{"title":"t","text":"x","messageURL":"https://example.com/"}}`), 0o600); err != nil {
		t.Fatal(err)
	}
	tests := map[string]struct {
		args  []string
		in    string
		rules sandbox.RobotRules
		unset bool // no webhook
		code  int
		want  string
		calls int
	}{
		"sends a text":                      {args: []string{"--text", "hi", "--at", "13800138000,@u1"}, want: "sent", calls: 1},
		"sends JSON of the standard input":  {args: []string{"--json", "-"}, in: `{"msgtype":"text","text":{"content":"hi"}}`, want: "sent", calls: 1},
		"names the field of a link":         {args: []string{"--type", "link", "--title", "t", "--url", "https://example.com/"}, code: 2, want: "link.text"},
		"knows the case trap":               {args: []string{"--json", message}, code: 2, want: "messageUrl"},
		"prints without sending":            {args: []string{"--text", "a<b", "--dry-run"}, want: `"content": "a<b"`},
		"prints without a webhook":          {args: []string{"--text", "hi", "--dry-run"}, unset: true, want: `"msgtype": "text"`},
		"needs a webhook":                   {args: []string{"--text", "hi"}, unset: true, code: 2, want: "DINGTALK_ROBOT_WEBHOOK"},
		"refuses another type":              {args: []string{"--type", "actioncard", "--text", "hi"}, code: 2, want: "actionCard"},
		"refuses a flag that is overlooked": {args: []string{"--text", "hi", "--title", "t"}, code: 2, want: "takes no --title"},
		"refuses JSON beside flags":         {args: []string{"--json", "-", "--text", "hi"}, code: 2, want: "exclude"},
		"refuses a file that is not there":  {args: []string{"--json", "nowhere.json"}, code: 2, want: "nowhere.json"},
		"tells what a refusal means": {args: []string{"--text", "hi"}, rules: sandbox.RobotRules{Keyword: "告警"}, code: 1,
			want: "自定义关键词", calls: 1},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			ding := sandbox.New(sandbox.Options{})
			ding.SetRobot(test.rules)
			server := httptest.NewServer(ding)
			defer server.Close()
			t.Setenv("DINGTALK_ROBOT_WEBHOOK", server.URL+"/robot/send?access_token="+sandbox.RobotToken)
			t.Setenv("DINGTALK_ROBOT_SECRET", "SECret")
			if test.unset {
				t.Setenv("DINGTALK_ROBOT_WEBHOOK", "")
			}
			code, out := runRobot(t, test.in, test.args...)
			if code != test.code || !strings.Contains(out, test.want) {
				t.Errorf("exit %d, %s", code, out)
			}
			if strings.Contains(out, sandbox.RobotToken) || strings.Contains(out, "SECret") || strings.Contains(out, "sign=") {
				t.Errorf("shows a secret: %s", out)
			}
			if n := len(ding.RobotMessages()); n != test.calls {
				t.Errorf("%d calls", n)
			}
		})
	}
}
