package examine_test

import (
	"strings"
	"testing"

	"github.com/caddy-dingtalk/caddy-dingtalk/doctor/examine"
	"github.com/caddy-dingtalk/caddy-dingtalk/internal/sandbox"
)

func TestWhatIsMissingIsNamed(t *testing.T) {
	w := newWorld(t, sandbox.Options{}, nil)
	t.Setenv("DOCTOR_EMPTY", " ")
	tests := map[string]struct {
		lines string
		want  []string
	}{
		"a variable that is not set": {
			"app_key KEY\n\t\tapp_secret {env.DOCTOR_NOT_SET}\n\t\tDD", []string{"app_secret {env.DOCTOR_NOT_SET}: the environment variable DOCTOR_NOT_SET is not set"},
		},
		"a variable that is empty, and a file that is not there": {
			"app_key {env.DOCTOR_EMPTY}\n\t\tapp_secret {file.DIR/none}\n\t\tDD",
			[]string{"app_key {env.DOCTOR_EMPTY}: the environment variable DOCTOR_EMPTY is empty", "DIR/none cannot be read: no such file"},
		},
		"an element of a list": {
			"APP\n\t\tpublic_origin https://h5.example.com {env.DOCTOR_NOT_SET}", []string{"public_origin {env.DOCTOR_NOT_SET}: the environment"},
		},
		"a placeholder that nobody knows": {
			"app_key KEY\n\t\tapp_secret {envy.X}\n\t\tDD", []string{"app_secret", "{envy.X}"},
		},
		"a secret with braces is not quoted": {
			"app_key KEY\n\t\tapp_secret ab{PLAIN}cd\n\t\tDD", []string{"app_secret holds a brace"},
		},
		"a value that is wrong once it is known": {
			"app_key KEY\n\t\tapp_secret {file.DIR/app_secret}\n\t\tcorp_id c\n\t\tagent_id 1\n\t\thash {env.PATH}", []string{"hash: ", "must be one of sha1, sha256"},
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			report, text := w.examine(t, storageLine+site("h5.example.com", test.lines))
			checks := report[0].Checks
			if len(checks) != 2 || checks[0].Name != "config" || checks[0].Status != examine.Error || checks[0].Advice == "" {
				t.Fatalf("the report is\n%s", text)
			}
			for _, part := range test.want {
				if !strings.Contains(checks[0].Message, w.fill.Replace(part)) {
					t.Errorf("no %q in\n%s", part, text)
				}
			}
			if n := len(w.ding.Calls()); n != 0 {
				t.Errorf("%d calls of DingTalk", n)
			}
		})
	}
}

func TestAHandlerInJSONThatCaddyRefusesIsAnError(t *testing.T) {
	report, err := examine.Examine(t.Context(), []byte(
		`{"apps":{"http":{"servers":{"srv0":{"routes":[{"handle":[{"handler":"dingtalk","@id":"x","app_kee":"k","ticket_wait":2000000000}]}]}}}}}`), options(t))
	if err != nil || len(report) != 1 {
		t.Fatalf("%v %v", report, err)
	}
	if c := report[0].Checks[0]; c.Name != "config" || c.Status != examine.Error || !strings.Contains(c.Message, `"app_kee"`) {
		t.Errorf("the check is %+v", c)
	}
}
