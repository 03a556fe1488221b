package command

import (
	"bytes"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"testing"

	"github.com/spf13/cobra"

	"github.com/caddy-dingtalk/caddy-dingtalk/internal/testsite/language"
)

// aTicket, its parts and its signatures are a published vector: see
// testdata/dingtalk-vectors.json.
const (
	aTicket    = "sTgptestTicketXYZ123" //nolint:gosec // published
	aNonce     = "abc123def456"
	aTime      = "1718600000"
	aPage      = "https://aijiaolian.com.cn/integrations/dingtalk/quick?tenant_id=taishan"
	aSignature = "a593403d71d6c7ca77fc970e40216dca23ef6a63"
)

// run runs a command and returns its exit code and what it prints.
func run(t *testing.T, cmd *cobra.Command, in string, args ...string) (code int, out string) {
	t.Helper()
	var printed bytes.Buffer
	cmd.SetOut(&printed)
	cmd.SetErr(&printed)
	cmd.SetIn(strings.NewReader(in))
	cmd.SetArgs(args)
	if err := cmd.Execute(); err != nil {
		code = 1
		if e := reflect.Indirect(reflect.ValueOf(err)); e.Kind() == reflect.Struct && e.FieldByName("ExitCode").IsValid() {
			code = int(e.FieldByName("ExitCode").Int()) // Caddy's own type, which it does not export
		}
	}
	return code, printed.String()
}

var shownSum = regexp.MustCompile(`\b[0-9a-f]{40}\b|\b[0-9a-f]{64}\b`)

func TestSignShowsWhatIsHashed(t *testing.T) {
	t.Setenv(ticketVariable, "")
	file := filepath.Join(t.TempDir(), "ticket")
	if err := os.WriteFile(file, []byte(aTicket+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	parts := []string{"--url", aPage + "#/list", "--nonce", aNonce, "--timestamp", aTime}
	tests := map[string]struct {
		in    string
		env   string
		args  []string
		code  int
		wants []string
	}{
		"with the ticket of a file": {args: append(parts, "--ticket-file", file, "--lang", "en"),
			wants: []string{"jsapi_ticket=***&noncestr=" + aNonce + "&timestamp=" + aTime + "&url=" + aPage + "\n", aSignature}},
		"with that of the standard input": {in: aTicket + "\n", args: append(parts, "--ticket-file", "-", "--lang", "zh"),
			wants: []string{"参与计算", "ticket，共 20 个字符", aSignature}},
		"with that of the variable, as JSON":    {env: aTicket, args: append(parts, "--json"), wants: []string{`"signature": "` + aSignature, `"urlPolicy": "query_decoded"`}},
		"with SHA-256":                          {env: aTicket, args: append(parts, "--hash", "sha256", "--lang", "en"), wants: []string{"sha256"}},
		"without a ticket":                      {args: append(parts, "--lang", "en"), code: 2, wants: []string{"--ticket-file", ticketVariable}},
		"without a ticket, in Chinese":          {args: append(parts, "--lang", "zh"), code: 2, wants: []string{"错误：", "--ticket-file"}},
		"with the ticket as an argument":        {args: append(parts, "--ticket", aTicket), code: 2, wants: []string{"every user of the machine"}},
		"with a file that is not there":         {args: append(parts, "--ticket-file", "nowhere", "--lang", "en"), code: 2, wants: []string{"nowhere"}},
		"with a hash that there is not":         {env: aTicket, args: append(parts, "--hash", "md5", "--lang", "en"), code: 2, wants: []string{"sha1 or sha256"}},
		"with a ticket after a byte order mark": {env: "\ufeff" + aTicket, args: append(parts, "--lang", "en"), code: 2, wants: []string{"the ticket: its value holds an invisible character"}},
		"with a ticket in quotes":               {in: `"` + aTicket + `"`, args: append(parts, "--ticket-file", "-", "--lang", "zh"), code: 2, wants: []string{"ticket 有误：它的值带着引号"}},
		"with DingTalk's whole answer":          {env: `{"errcode":0,"ticket":"` + aTicket + `"}`, args: append(parts, "--lang", "en"), code: 2, wants: []string{"whole answer in JSON"}},
		"with an answer of many lines":          {env: "{\n  \"ticket\": \"" + aTicket + "\"\n}", args: append(parts, "--lang", "zh"), code: 2, wants: []string{"整段 JSON"}},
		"with a time that is none":              {env: aTicket, args: []string{"--url", aPage, "--timestamp", "abc", "--lang", "en"}, code: 2, wants: []string{`--timestamp takes the digits of timeStamp`, `"abc"`}},
		"with a URL that has spaces":            {env: aTicket, args: []string{"--url", "https://h5.example.com/a b", "--lang", "en"}, code: 2, wants: []string{"--url has spaces", "%20"}},
		"with no URL":                           {env: aTicket, args: []string{"--url", "h5.example.com/app", "--lang", "en"}, code: 2, wants: []string{"https://h5.example.com/app/"}},
		"with a URL that has no flag":           {env: aTicket, args: []string{aPage}, code: 2, wants: []string{"--url"}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Setenv(ticketVariable, test.env)
			code, out := run(t, signCommand(), test.in, test.args...)
			if code != test.code {
				t.Errorf("exit %d, want %d: %s", code, test.code, out)
			}
			for _, want := range test.wants {
				if !strings.Contains(out, want) {
					t.Errorf("lacks %q: %s", want, out)
				}
			}
			if strings.Contains(out, aTicket) {
				t.Errorf("shows the ticket: %s", out)
			}
		})
	}
}

func TestVerifySaysHowASignatureWasMade(t *testing.T) {
	t.Setenv(ticketVariable, "another\n"+aTicket)
	// made returns what sign makes of a URL.
	made := func(url string, args ...string) string {
		t.Helper()
		code, out := run(t, signCommand(), aTicket, append([]string{"--ticket-file", "-", "--url", url, "--nonce", aNonce, "--timestamp", aTime}, args...)...)
		if code != 0 {
			t.Fatal(out)
		}
		return shownSum.FindString(out)
	}
	insecure := "http" + strings.TrimPrefix(aPage, "https")
	bare, _, _ := strings.Cut(aPage, "?")
	tests := map[string]struct {
		signature string
		code      int
		en, zh    []string
	}{
		"as DingTalk checks it":    {made(aPage), 0, []string{"accepts this signature", "ticket 2 of 2"}, []string{"钉钉接受", "第 2 张"}},
		"with SHA-256":             {made(aPage, "--hash", "sha256"), 0, []string{"sha256"}, []string{"sha256"}},
		"of the other scheme":      {made(insecure), 1, []string{"the other scheme", "X-Forwarded-Proto"}, []string{"协议反了"}},
		"without the query":        {made(bare), 1, []string{"the query is left out"}, []string{"缺了查询参数"}},
		"with both mistakes":       {made("http" + strings.TrimPrefix(bare, "https")), 1, []string{"the other scheme", "the query is left out"}, []string{"协议反了", "缺了查询参数"}},
		"in capitals":              {strings.ToUpper(made(aPage)), 1, []string{"in capitals"}, []string{"大写"}},
		"in none of the ways":      {strings.Repeat("0", 40), 1, []string{"no ticket, form of the URL and hash"}, []string{"都算不出"}},
		"with no hex digits":       {"xyz", 2, []string{"40 hex digits", `"xyz"`}, []string{"40 位"}},
		"with 41 hex digits":       {strings.Repeat("0", 41), 2, []string{"40 hex digits"}, []string{"40 位"}},
		"with nothing to look for": {"", 2, []string{"--signature is missing"}, []string{"--signature"}},
	}
	for name, test := range tests {
		for lang, wants := range map[string][]string{"en": test.en, "zh": test.zh} {
			t.Run(name+" in "+lang, func(t *testing.T) {
				code, out := run(t, verifyCommand(), "", "--signature", test.signature, "--url", aPage, "--nonce", aNonce, "--timestamp", aTime, "--lang", lang)
				if code != test.code {
					t.Errorf("exit %d, want %d", code, test.code)
				}
				for _, want := range wants {
					if !strings.Contains(out, want) {
						t.Errorf("lacks %q: %s", want, out)
					}
				}
				if strings.Contains(out, aTicket) {
					t.Errorf("shows the ticket: %s", out)
				}
				if words := language.English(out); lang == "zh" && words != "" {
					t.Errorf("%q is English: %s", words, out)
				}
			})
		}
	}
}

func TestVerifyTakesTheWholeAddressOfAPage(t *testing.T) {
	t.Setenv(ticketVariable, aTicket)
	for url, want := range map[string]string{"h5.example.com/app": "the whole address", "https://h5.example.com/a b": "has spaces"} {
		code, out := run(t, verifyCommand(), "", "--signature", aSignature, "--url", url, "--nonce", aNonce, "--timestamp", aTime, "--lang", "en")
		if code != 2 || !strings.Contains(out, want) {
			t.Errorf("%s: exit %d, %s", url, code, out)
		}
	}
}

func TestAWrongFlagIsToldInTheLanguageThatIsNamedBehindIt(t *testing.T) {
	t.Setenv("LC_ALL", "en_US.UTF-8")
	before := os.Args
	t.Cleanup(func() { os.Args = before })
	for name, command := range map[string]func() *cobra.Command{"doctor": doctorCommand, "robot": robotCommand, "sign": signCommand, "verify": verifyCommand} {
		for want, args := range map[string][]string{"错误：": {"--wrong", "--lang", "zh"}, "错误": {"--wrong", "--lang=zh"}, "Error: ": {"--wrong", "--lang"}} {
			os.Args = append([]string{"caddy", "dingtalk", name}, args...)
			if code, out := run(t, command(), "", args...); code == 0 || !strings.Contains(out, want) {
				t.Errorf("%s %v: exit %d, %s", name, args, code, out)
			}
		}
	}
}
