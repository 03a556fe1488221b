package e2e

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/caddy-dingtalk/caddy-dingtalk/internal/sandbox"
	"github.com/caddy-dingtalk/caddy-dingtalk/internal/testsite"
)

// robotGroup is a group's robot that answers as a test says.
type robotGroup struct {
	*httptest.Server
	mu    sync.Mutex
	posts []robotPost
}

type robotPost struct{ path, uuid, body string }

// newRobotGroup answers each call by its path.
func newRobotGroup(t *testing.T, answer http.HandlerFunc) *robotGroup {
	t.Helper()
	g := new(robotGroup)
	g.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		var m struct {
			UUID string `json:"msgUuid"`
		}
		_ = json.Unmarshal(body, &m) // a redirected call would have none
		g.mu.Lock()
		g.posts = append(g.posts, robotPost{r.URL.Path, m.UUID, string(body)})
		g.mu.Unlock()
		answer(w, r)
	}))
	t.Cleanup(g.Close)
	return g
}

// got returns the calls of a path, "" for all.
func (g *robotGroup) got(path string) (posts []robotPost) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, p := range g.posts {
		if path == "" || p.path == path {
			posts = append(posts, p)
		}
	}
	return posts
}

// robotSite is a page that emits an event test for each visit of /emit.
const robotSite = `
http://127.0.0.1:PORT {
	test_emit
	respond hello
}
`

func forgetEvents() {
	recorded.mu.Lock()
	defer recorded.mu.Unlock()
	recorded.all = nil
}

// An answer that does not say that the message was taken is none, and is told to other
// handlers; the message goes out again as the same one.
func TestARobotsMessageIsSentWhenDingTalkHasSaidSo(t *testing.T) {
	answers := map[string]http.HandlerFunc{
		"/nothing": func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "{}") },
		"/page":    func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "<!DOCTYPE html><title>ok</title>") },
		"/text":    func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, `{"errmsg":"ok"}`) },
		"/moved":   func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/elsewhere", http.StatusFound) },
	}
	g := newRobotGroup(t, func(w http.ResponseWriter, r *http.Request) {
		if answer := answers[r.URL.Path]; answer != nil {
			answer(w, r)
		}
	})
	global := "events {\n\t\ton dingtalk_robot_failed test_recorder\n"
	for path := range answers {
		global += fmt.Sprintf("\t\ton test dingtalk_robot {\n\t\t\twebhook %s%s?access_token=t0ken\n\t\t\ttext hello\n\t\t}\n", g.URL, path)
	}
	forgetEvents()
	s := testsite.Run(t, testsite.Setup{Global: global + "\t}", Sites: robotSite})
	s.Fetch(t, http.MethodGet, s.URL+"/emit", "")
	for path := range answers {
		testsite.Eventually(t, "a second try at "+path, func() bool { return len(g.got(path)) == 2 })
		if p := g.got(path); p[0].uuid == "" || p[0].uuid != p[1].uuid {
			t.Errorf("%s: sent as %q, again as %q", path, p[0].uuid, p[1].uuid)
		}
	}
	testsite.Eventually(t, "the failures", func() bool { return len(events("dingtalk_robot_failed")) == len(answers) })
	for _, e := range events("dingtalk_robot_failed") {
		if e["kind"] != "network" || e["advice"] == "" {
			t.Errorf("told %v", e)
		}
	}
	if n := len(g.got("/elsewhere")); n != 0 {
		t.Errorf("a redirect was followed %d times", n)
	}
}

func TestAPageDoesNotWaitForARobotThatHangs(t *testing.T) {
	over := make(chan struct{})
	g := newRobotGroup(t, func(http.ResponseWriter, *http.Request) { <-over })
	defer close(over)
	s := testsite.Run(t, testsite.Setup{
		Global: fmt.Sprintf("events {\n\t\ton test dingtalk_robot {\n\t\t\twebhook %s?access_token=t0ken\n\t\t\ttext {event.data.n}\n\t\t}\n\t}", g.URL),
		Sites:  robotSite,
	})
	s.Fetch(t, http.MethodGet, s.URL+"/emit?0", "")
	testsite.Eventually(t, "the call that hangs", func() bool { return len(g.got("")) == 1 })
	for n := range 2000 { // twice what waits
		if a := s.Fetch(t, http.MethodGet, fmt.Sprintf("%s/emit?%d", s.URL, n), ""); a.Body != "hello" {
			t.Fatalf("page %d: %d %q", n, a.Status, a.Body)
		}
	}
}

// A robot that takes all events and fails would tell of its failures for ever.
func TestARobotForAllEventsDoesNotTellOfItself(t *testing.T) {
	g := newRobotGroup(t, func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprint(w, `{"errcode":310000,"errmsg":"keywords not in content"}`)
	})
	forgetEvents()
	s := testsite.Run(t, testsite.Setup{
		Global: fmt.Sprintf("events {\n\t\ton dingtalk_robot_failed test_recorder\n\t\ton * dingtalk_robot {\n\t\t\twebhook %s?access_token=t0ken\n\t\t\tevery 3s\n\t\t}\n\t}", g.URL),
		Sites:  robotSite,
	})
	testsite.Eventually(t, "the failure", func() bool { return len(events("dingtalk_robot_failed")) == 1 })
	if e := events("dingtalk_robot_failed")[0]; e["kind"] != "security" || e["code"] != "310000" || !strings.Contains(fmt.Sprint(e["advice"]), "自定义关键词") {
		t.Errorf("told %v", e)
	}
	s.Fetch(t, http.MethodGet, s.URL+"/emit?later", "")
	testsite.Eventually(t, "the later event", func() bool {
		all := g.got("")
		return strings.Contains(all[len(all)-1].body, "later")
	})
	for _, p := range g.got("") {
		if strings.Contains(p.body, "dingtalk_robot_failed") {
			t.Errorf("told of itself: %s", p.body)
		}
	}
}

// The command's exit codes, as scripts see them.
func TestTheRobotCommandExits(t *testing.T) {
	ding := sandbox.New(sandbox.Options{})
	server := httptest.NewServer(ding)
	defer server.Close()
	hook := server.URL + "/robot/send?access_token=" + sandbox.RobotToken
	tests := map[string]struct {
		args, webhook, input string
		keyword              string
		code                 int
		says                 string
		calls                int
	}{
		"sent":                           {args: "--text hi", says: "sent", calls: 1},
		"a link without text":            {args: "--type link --title t --url https://example.com/", code: 2, says: "link.text"},
		"the case trap of JSON":          {args: "--json -", input: `{"msgtype":"link","link":{"title":"t","text":"x","messageURL":"https://example.com/"}}`, code: 2, says: "messageUrl"},
		"a dry run":                      {args: "--text hi --dry-run", says: `"content": "hi"`},
		"no webhook":                     {args: "--text hi", webhook: "-", code: 2, says: "DINGTALK_ROBOT_WEBHOOK"},
		"another host over http":         {args: "--text hi", webhook: "http://example.com/robot/send?access_token=t0ken", code: 2, says: "write https://"},
		"refused":                        {args: "--text hi", keyword: "告警", code: 1, says: "自定义关键词", calls: 1},
		"not reached":                    {args: "--text hi", webhook: "http://127.0.0.1:1/robot/send?access_token=t0ken", code: 1, says: "Check that this machine reaches"},
		"a webhook in an argument":       {args: "--webhook " + hook + " --text hi", code: 2, says: "--webhook-file"},
		"a text without its flag":        {args: "hello", code: 2, says: `--text "hello"`},
		"a flag that there is not":       {args: "--txt hi", code: 2, says: "unknown flag: --txt"},
		"an example that was not edited": {args: "--text hi", webhook: "https://oapi.dingtalk.com/robot/send?access_token=…", code: 2, says: "access_token with characters"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			ding.SetRobot(sandbox.RobotRules{Keyword: test.keyword})
			before := len(ding.RobotMessages())
			switch test.webhook {
			case "":
				test.webhook = hook
			case "-":
				test.webhook = ""
			}
			cmd := testsite.Command(t, testsite.Folder(t), append([]string{"dingtalk", "robot"}, strings.Fields(test.args)...)...)
			cmd.Env = append(cmd.Env, "DINGTALK_ROBOT_WEBHOOK="+test.webhook, "DINGTALK_ROBOT_SECRET=")
			cmd.Stdin = strings.NewReader(test.input)
			out, _ := cmd.CombinedOutput()
			if code := cmd.ProcessState.ExitCode(); code != test.code || !strings.Contains(string(out), test.says) {
				t.Errorf("exit %d:\n%s", code, out)
			}
			if strings.Contains(string(out), "t0ken") || !strings.Contains(test.args, sandbox.RobotToken) && strings.Contains(string(out), sandbox.RobotToken) {
				t.Errorf("shows the token:\n%s", out)
			}
			if n := len(ding.RobotMessages()) - before; n != test.calls {
				t.Errorf("%d calls", n)
			}
		})
	}
}
