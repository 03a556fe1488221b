package e2e

import (
	"bytes"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	caddycmd "github.com/caddyserver/caddy/v2/cmd"
	"github.com/spf13/cobra"

	"github.com/caddy-dingtalk/caddy-dingtalk/internal/sandbox"
	"github.com/caddy-dingtalk/caddy-dingtalk/internal/testsite"
	"github.com/caddy-dingtalk/caddy-dingtalk/internal/testsite/language"
)

// foundSomething is the error when the report has said what is wrong.
const foundSomething = "something is wrong with a dingtalk handler"

// dingtalkCommand is `caddy dingtalk`.
func dingtalkCommand() *cobra.Command {
	cmd := new(cobra.Command)
	caddycmd.Commands()["dingtalk"].CobraFunc(cmd)
	return cmd
}

// runDoctorIn runs `caddy dingtalk doctor` in a folder with a Caddyfile, if there
// is one.
func runDoctorIn(t *testing.T, caddyfile string, args ...string) (out string, err error) {
	t.Helper()
	out, shown, err := doctorIn(t, caddyfile, args...)
	if err != nil && err.Error() != foundSomething && !strings.Contains(shown, err.Error()) {
		t.Errorf("the user does not see the error: %s", shown)
	}
	return out, err
}

// doctorIn also returns the error as it is shown.
func doctorIn(t *testing.T, caddyfile string, args ...string) (out, shown string, err error) {
	t.Helper()
	t.Chdir(testsite.Folder(t))
	if caddyfile != "" {
		if err := os.WriteFile("Caddyfile", []byte(caddyfile), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	cmd := dingtalkCommand()
	var stdout, stderr bytes.Buffer
	cmd.SetOut(&stdout)
	cmd.SetErr(&stderr)
	cmd.SetArgs(append([]string{"doctor"}, args...))
	err = cmd.ExecuteContext(t.Context())
	return stdout.String(), stderr.String(), err
}

// credentialLines are those of a fresh simulated DingTalk.
func credentialLines(t *testing.T) (lines string, ding *sandbox.DingTalk) {
	t.Helper()
	ding = sandbox.New(sandbox.Options{})
	return new(testsite.Site).Credentials(t, ding), ding
}

func TestTheDoctorsExitCodeSaysWhetherSomethingIsWrong(t *testing.T) {
	lines, _ := credentialLines(t)
	wrong := strings.Replace(lines, "app_key ", "app_key not", 1)
	caddyfile := func(lines string) string {
		return "{\n\tstorage file_system " + testsite.Folder(t) + "\n}\n:8080 {\n\tdingtalk {\n\t" + lines + "\n\t}\n}\n"
	}
	elsewhere := filepath.Join(testsite.Folder(t), "h5.conf")
	if err := os.WriteFile(elsewhere, []byte(caddyfile(lines)), 0o600); err != nil {
		t.Fatal(err)
	}
	tests := map[string]struct {
		caddyfile string
		args      []string
		out       string // a part of the report
		err       string // a part of the error, "" for exit code 0
	}{
		"nothing, warnings do not count":  {caddyfile(lines), nil, "\n0 errors, 1 warning, 2 not checked\n", ""},
		"a wrong key":                     {caddyfile(wrong), nil, "\n1 error, ", foundSomething},
		"another file than the Caddyfile": {caddyfile(wrong), []string{"--config", elsewhere, "--adapter", "caddyfile"}, "0 errors", ""},
		"no Caddyfile":                    {"", nil, "", "name a file with --config"},
		"no such file":                    {"", []string{"-c", "nothing"}, "", "nothing: no such file"},
		"no such adapter":                 {caddyfile(lines), []string{"-c", "Caddyfile", "-a", "nginx"}, "", "unrecognized config adapter: nginx"},
		"no handler":                      {":8080 {\n\trespond hello\n}\n", nil, "", "no dingtalk handler"},
		"a directive that is not right":   {caddyfile("app_key k"), nil, "", "Caddyfile:5"},
		"an argument that is not known":   {caddyfile(lines), []string{"now"}, "", "write --config before a file"},
		"a flag that is not known":        {caddyfile(lines), []string{"--agent", "1"}, "", "unknown flag: --agent"},
		"a page that is none":             {"", []string{"--url", "h5.example.com"}, "", "--url takes the whole address"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			out, err := runDoctorIn(t, test.caddyfile, test.args...)
			if (err != nil) != (test.err != "") || err != nil && !strings.Contains(err.Error(), test.err) {
				t.Errorf("the error is %v", err)
			}
			if !strings.Contains(out, test.out) || test.out == "" && strings.Contains(out, "✓") {
				t.Errorf("the report is\n%s", out)
			}
			out, shown, err := doctorIn(t, test.caddyfile, append([]string{"--lang", "zh"}, test.args...)...)
			if words := language.English(out + shown); words != "" || (err != nil && err.Error() != foundSomething) != strings.HasPrefix(shown, "错误：") {
				t.Errorf("%q is English in\n%s%s", words, shown, out)
			}
		})
	}
}

func TestTheDoctorPrintsJSON(t *testing.T) {
	lines, ding := credentialLines(t)
	ding.SetFault(sandbox.TokenCall, sandbox.MustFault("secret"))
	out, err := runDoctorIn(t, "{\n\tstorage file_system "+testsite.Folder(t)+"\n}\nh5.example.com {\n\tdingtalk {\n\t"+lines+"\n\t}\n}\n", "--json")
	if err == nil || err.Error() != foundSomething {
		t.Errorf("the error is %v", err)
	}
	var report []struct {
		Server, App string
		Hosts       []string
		Checks      []struct{ Name, Status, Message, Advice string }
	}
	if err := json.Unmarshal([]byte(out), &report); err != nil || len(report) != 1 {
		t.Fatalf("%v in %s", err, out)
	}
	if h := report[0]; h.Server != "srv0" || h.App != ding.Options().AppKey || len(h.Hosts) != 1 || len(h.Checks) != 14 {
		t.Errorf("the report is %s", out)
	}
	for _, c := range report[0].Checks {
		if (c.Name == "credentials") != (c.Status == "error") || c.Message == "" {
			t.Errorf("%+v", c)
		}
	}
}

func TestTheDoctorExaminesRobotsOfAConfigurationWithoutPages(t *testing.T) {
	ding := sandbox.New(sandbox.Options{})
	server := httptest.NewServer(ding)
	defer server.Close()
	t.Setenv("ROBOT_WEBHOOK", server.URL+"/robot/send?access_token="+sandbox.RobotToken)
	const robots = "{\n\tevents {\n\t\ton cert_failed dingtalk_robot {\n\t\t\twebhook {env.ROBOT_WEBHOOK}\n\t\t}\n\t}\n}\n"

	out, err := runDoctorIn(t, robots)
	if err != nil || !strings.Contains(out, "dingtalk_robot on cert_failed\n  ✓ config") || len(ding.RobotMessages()) != 0 {
		t.Errorf("%v, %d messages:\n%s", err, len(ding.RobotMessages()), out)
	}
	out, err = runDoctorIn(t, robots, "--send-test", "--json")
	if err != nil || !strings.Contains(out, `"robot": "cert_failed"`) || strings.Contains(out, `"server"`) || len(ding.RobotMessages()) != 1 {
		t.Errorf("%v, %d messages:\n%s", err, len(ding.RobotMessages()), out)
	}
	ding.SetRobot(sandbox.RobotRules{Secret: "SECret"})
	out, err = runDoctorIn(t, robots, "--send-test")
	if err == nil || err.Error() != foundSomething || !strings.Contains(out, "✗ message") || !strings.Contains(out, "no secret is given") {
		t.Errorf("%v:\n%s", err, out)
	}
	t.Setenv("ROBOT_WEBHOOK", "http://example.com/robot/send?access_token=t0ken")
	if out, err = runDoctorIn(t, robots); err == nil || !strings.Contains(out, "✗ config") || strings.Contains(out, "t0ken") {
		t.Errorf("%v:\n%s", err, out)
	}
}

func TestTheDoctorSeesTheTicketOfARunningServerAndLeavesItAlone(t *testing.T) {
	s := testsite.Run(t, testsite.Setup{DingTalk: sandbox.Options{Refetch: sandbox.NewValue}, Sites: testsite.Signed})
	s.Get(t, "/p")
	testsite.Eventually(t, "the ticket in the storage", func() bool {
		files, _ := filepath.Glob(filepath.Join(s.Dir, "storage", "dingtalk", "*", "jsapi_ticket.json"))
		return len(files) == 1
	})
	ticket := s.Ding.Ticket(sandbox.App)
	out, err := runDoctorIn(t, s.Caddyfile)
	if err != nil || !strings.Contains(out, "✓ ticket         found in the storage") {
		t.Errorf("%v in\n%s", err, out)
	}
	if s.Ding.Ticket(sandbox.App) != ticket || s.Ding.Calls()["v1.ticket"] != 1 {
		t.Error("the ticket was fetched again")
	}
}

func TestTheDoctorCallsNoServerOfOurs(t *testing.T) {
	lines, _ := credentialLines(t)
	server := httptest.NewUnstartedServer(http.NotFoundHandler())
	server.Config.ConnState = func(_ net.Conn, state http.ConnState) { t.Errorf("a connection is %s", state) }
	server.Start() // it has the ports of the admin API and of the site
	defer server.Close()
	address := server.Listener.Addr().String()
	out, err := runDoctorIn(t, "{\n\tadmin "+address+"\n\tstorage file_system "+testsite.Folder(t)+"\n}\nhttp://"+address+" {\n\tdingtalk {\n\t"+lines+"\n\t}\n\treverse_proxy "+address+"\n}\n")
	if err != nil {
		t.Errorf("%v in\n%s", err, out)
	}
}

func TestAnUnknownCommandIsRefused(t *testing.T) {
	parent := dingtalkCommand()
	parent.SetOut(io.Discard)
	parent.SetErr(io.Discard)
	parent.SetArgs([]string{"docter"})
	if err := parent.Execute(); err == nil || !strings.Contains(err.Error(), `"docter"`) || !strings.Contains(err.Error(), "caddy dingtalk doctor") {
		t.Errorf("%v", err)
	}
	parent.SetArgs(nil)
	if err := parent.Execute(); err != nil {
		t.Errorf("without a command: %v", err)
	}
}

func TestTheCommandHasTheDoctor(t *testing.T) {
	parent := dingtalkCommand()
	doctor, _, err := parent.Find([]string{"doctor"})
	if err != nil || doctor.Name() != "doctor" || doctor.Example == "" {
		t.Errorf("%v %v", doctor, err)
	}
}
