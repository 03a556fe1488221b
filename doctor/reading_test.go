package doctor_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	caddycmd "github.com/caddyserver/caddy/v2/cmd"
	_ "github.com/caddyserver/caddy/v2/modules/standard"

	_ "github.com/caddy-dingtalk/caddy-dingtalk"
	"github.com/caddy-dingtalk/caddy-dingtalk/doctor"
	"github.com/caddy-dingtalk/caddy-dingtalk/internal/testsite/language"
)

// app are the lines that every directive needs.
const app = "\t\tapp_key k\n\t\tapp_secret s3cret\n\t\tcorp_id ding1\n\t\tagent_id 1\n"

// unreadable are Caddyfiles that Caddy itself cannot read, what is to be said of them, and
// what somebody writes who does as told.
var unreadable = map[string]struct{ wrong, says, cured string }{
	"a setting behind {": {
		"h5.test {\n\tdingtalk { app_key k\n" + app + "\t}\n}\n", "End the line behind the {",
		"h5.test {\n\tdingtalk {\n" + app + "\t}\n}\n",
	},
	"a { on a line of its own": {
		"h5.test {\n\tdingtalk\n\t{\n" + app + "\t}\n}\n", "Move the { to the end of the line before it",
		"h5.test {\n\tdingtalk {\n" + app + "\t}\n}\n",
	},
	"an empty pair of braces": {
		"h5.test {\n\trespond ok {}\n}\n", "Leave out the {}", "h5.test {\n\trespond ok\n}\n",
	},
	"a } too many": {
		"h5.test {\n\tdingtalk {\n" + app + "\t}\n\t}\n}\n", "Take that } away", "h5.test {\n\tdingtalk {\n" + app + "\t}\n}\n",
	},
	"no } at all": {
		"h5.test {\n\tdingtalk {\n" + app, "A } is missing", "h5.test {\n\tdingtalk {\n" + app + "\t}\n}\n",
	},
	"dingtalk outside of a site": {
		"dingtalk {\n" + app + "}\n", "Put the site around it", "h5.test {\n\tdingtalk {\n" + app + "\t}\n}\n",
	},
	"a slip in dingtalk": {
		"h5.test {\n\tdingtlak {\n" + app + "\t}\n}\n", "Look for a slip in dingtlak", "h5.test {\n\tdingtalk {\n" + app + "\t}\n}\n",
	},
	"a setting of dingtalk beside it": {
		"h5.test {\n\tdingtalk {\n" + app + "\t}\n\tshare_tokens\n}\n", "write it inside dingtalk {", "h5.test {\n\tdingtalk {\n" + app + "\t\tshare_tokens\n\t}\n}\n",
	},
	"two sites without braces": {
		"h5.test\nrespond ok\n\nb.test\nrespond ok\n", "give each site its address and its { }", "h5.test {\n\trespond ok\n}\n\nb.test {\n\trespond ok\n}\n",
	},
	"an unset variable for the address": {
		"h5.test {\n\trespond ok\n}\n\n{$TEST_NO_SUCH_VARIABLE} {\n\trespond ok\n}\n", "set that variable", "h5.test {\n\trespond ok\n}\n\nb.test {\n\trespond ok\n}\n",
	},
	"global options below a site": {
		"h5.test {\n\trespond ok\n}\n\n{\n\tadmin off\n}\n", "move it to the top of the file", "{\n\tadmin off\n}\n\nh5.test {\n\trespond ok\n}\n",
	},
	"a site without its address": {
		"{\n\treverse_proxy localhost:3000\n}\n", "write its address before the {", "h5.test {\n\treverse_proxy localhost:3000\n}\n",
	},
	"a matcher outside of a site": {
		"@static path /a\n\nh5.test {\n\trespond @static ok\n}\n", "", "h5.test {\n\t@static path /a\n\trespond @static ok\n}\n",
	},
	"a matcher that is not defined": {
		"h5.test {\n\tdingtalk @pages {\n" + app + "\t}\n}\n", "for example: @pages path /assets/*", "h5.test {\n\t@pages path /assets/*\n\tdingtalk @pages {\n" + app + "\t\tendpoint /assets/d\n\t}\n}\n",
	},
	"a matcher that is defined twice": {
		"h5.test {\n\t@a path /a\n\t@a path /b\n\trespond @a ok\n}\n", "Give one of the two another name", "h5.test {\n\t@a path /a\n\t@b path /b\n\trespond @a ok\n}\n",
	},
	"two sites with one address": {
		"h5.test {\n\trespond a\n}\n\nh5.test {\n\trespond b\n}\n", "unite them", "h5.test {\n\trespond a\n}\n\nb.test {\n\trespond b\n}\n",
	},
	"a snippet that is not there": {
		"h5.test {\n\timport common\n}\n", "write the snippet (common) { … }", "(common) {\n\trespond ok\n}\n\nh5.test {\n\timport common\n}\n",
	},
	"nginx's line in reverse_proxy": {
		"h5.test {\n\treverse_proxy localhost:3000 {\n\t\tproxy_set_header Host $host\n\t}\n}\n", "header_up Host {host}", "h5.test {\n\treverse_proxy localhost:3000 {\n\t\theader_up Host {host}\n\t}\n}\n",
	},
	"a slip in the robot's name": {
		"{\n\tevents {\n\t\ton dingtalk_token_failed dingtalk_robto {\n\t\t\twebhook {env.W}\n\t\t}\n\t}\n}\n\nh5.test {\n\trespond ok\n}\n", "on dingtalk_token_failed dingtalk_robot {",
		"{\n\tevents {\n\t\ton dingtalk_token_failed dingtalk_robot {\n\t\t\twebhook {env.W}\n\t\t}\n\t}\n}\n\nh5.test {\n\trespond ok\n}\n",
	},
	"an event without its handler": {
		"{\n\tevents {\n\t\ton dingtalk_token_failed\n\t}\n}\n", "on dingtalk_token_failed dingtalk_robot {",
		"{\n\tevents {\n\t\ton dingtalk_token_failed dingtalk_robot {\n\t\t\twebhook {env.W}\n\t\t}\n\t}\n}\n",
	},
	"a robot outside of the global options": {
		"dingtalk_robot {\n\twebhook {env.W}\n}\n", "global options, at the top of the file", "",
	},
	"events in a site": {
		"h5.test {\n\tevents {\n\t\ton dingtalk_token_failed dingtalk_robot {\n\t\t\twebhook {env.W}\n\t\t}\n\t}\n}\n", "events is a global option", "",
	},
	"nginx's configuration": {
		"server {\n\tlisten 80;\n\tserver_name h5.test;\n}\n", "listen is nginx's", "",
	},
	"a placeholder with spaces": {
		"h5.test {\n\tdingtalk {\n\t\tapp_key { env.K }\n\t}\n}\n", "no spaces in it: {env.NAME}", "h5.test {\n\tdingtalk {\n" + app + "\t}\n}\n",
	},
	"an upstream with a path": {
		"h5.test {\n\treverse_proxy http://localhost:3000/app\n}\n", "Leave the path out", "h5.test {\n\treverse_proxy http://localhost:3000\n}\n",
	},
	"another slip in a module": {
		"{\n\tstorage filesystem /x\n}\n\nh5.test {\n\trespond ok\n}\n", "Look for a slip in caddy.storage.filesystem", "{\n\tstorage file_system /x\n}\n\nh5.test {\n\trespond ok\n}\n",
	},
	"a directive without its value": {
		"h5.test {\n\tredir\n}\n", "Look up what redir takes", "h5.test {\n\tredir https://b.test\n}\n",
	},
	"trusted_proxies without a source": {
		"{\n\tservers {\n\t\ttrusted_proxies private_ranges\n\t}\n}\n\nh5.test {\n\trespond ok\n}\n", "Look for a slip in http.ip_sources.private_ranges", "{\n\tservers {\n\t\ttrusted_proxies static private_ranges\n\t}\n}\n\nh5.test {\n\trespond ok\n}\n",
	},
	"a port out of range": {
		"h5.test:80800 {\n\trespond ok\n}\n", "Write the address of the site as", "h5.test {\n\trespond ok\n}\n",
	},
	"the scheme of WebSockets": {
		"wss://h5.test {\n\trespond ok\n}\n", "Write the address of the site as", "h5.test {\n\trespond ok\n}\n",
	},
}

// adapted reads a Caddyfile as the commands do.
func adapted(t *testing.T, name, text string) error {
	t.Helper()
	file := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return loaded(file)
}

func loaded(file string) error {
	configuration, _, _, err := caddycmd.LoadConfig(file, "")
	if err == nil && len(configuration) == 0 {
		return errors.New("nothing was read")
	}
	return err
}

func TestWhatCaddyCannotReadIsToldWithACureInBothLanguages(t *testing.T) {
	han := regexp.MustCompile(`\p{Han}`)
	for name, tt := range unreadable {
		t.Run(name, func(t *testing.T) {
			err := adapted(t, "Caddyfile", tt.wrong)
			if err == nil {
				t.Fatal("is no mistake")
			}
			told := doctor.Of(err)
			cure, is := strings.CutPrefix(told.EN, err.Error()+"\n")
			if !is || !strings.Contains(cure, tt.says) {
				t.Errorf("no cure with %q: %s", tt.says, told.EN)
			}
			if words := language.English(told.ZH); words != "" || !han.MatchString(told.ZH[strings.LastIndex(told.ZH, "\n")+1:]) {
				t.Errorf("%q is English: %s", words, told.ZH)
			}
			if strings.Contains(told.EN+told.ZH, "$1") || strings.Contains(told.EN+told.ZH, "$$") {
				t.Errorf("not expanded: %s", told.Both())
			}
			if tt.cured != "" {
				if again := adapted(t, "Caddyfile", tt.cured); again != nil {
					t.Errorf("whoever follows %q is told %v", cure, again)
				}
			}
		})
	}
}

func TestAFileThatIsNotThereOrNoJSONIsToldWithACure(t *testing.T) {
	if told := doctor.Of(adapted(t, "config.txt", "h5.test {\n}\n")); !strings.Contains(told.EN, "--adapter caddyfile") || !strings.Contains(told.ZH, "--adapter caddyfile") {
		t.Error(told.Both())
	}
	if told := doctor.Of(loaded(filepath.Join(t.TempDir(), "none"))); !strings.Contains(told.EN, "behind --config") || language.English(told.ZH) != "" {
		t.Error(told.Both())
	}
}

// TestAConnectionThatBreaksIsNoCaddyfile: both end unexpectedly.
func TestAConnectionThatBreaksIsNoCaddyfile(t *testing.T) {
	err := fmt.Errorf("calling x: %w", os.ErrDeadlineExceeded)
	if told := doctor.Of(err); strings.Contains(told.EN, "\n") {
		t.Error(told.EN)
	}
	if told := doctor.Of(fmt.Errorf("calling x: unexpected EOF")); strings.Contains(told.EN, "\n") || !strings.Contains(told.ZH, "连接中途断开") {
		t.Error(told.Both())
	}
}
