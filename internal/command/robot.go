package command

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/caddy-dingtalk/caddy-dingtalk/doctor"
	"github.com/caddy-dingtalk/caddy-dingtalk/robot"
)

// robotFlags are what the command is told.
type robotFlags struct {
	kind, title, text, url, picture, button string
	at                                      []string
	json                                    string
	dryRun                                  bool
	webhookFile, secretFile, lang           string
}

func robotCommand() *cobra.Command {
	var f robotFlags
	cmd := &cobra.Command{
		Use:   "robot [--type <type>] [--title --text --url --picture --button --at] | --json <file|-> [--dry-run] [--lang zh|en]",
		Short: "Sends one message to a DingTalk group through its custom robot",
		Long: `
Sends one message through a custom robot (自定义机器人) of a DingTalk group, or
says which field would keep it from being shown: nothing invalid is sent.

The webhook comes from the variable DINGTALK_ROBOT_WEBHOOK or from the file that
--webhook-file names, the secret of 加签 from DINGTALK_ROBOT_SECRET or
--secret-file; never from an argument, which every user of the machine can see.

Exit codes: 0 sent (with --dry-run: valid), 1 refused by DingTalk or not reached,
2 invalid, nothing was sent.
`,
		Example: `  caddy dingtalk robot --text "Backup done" --at 13800138000
  caddy dingtalk robot --type markdown --title Backup --text "**done** on db-1"
  caddy dingtalk robot --type link --title News --text "Version 2" --url https://example.com/
  caddy dingtalk robot --json message.json --dry-run`,
		DisableFlagsInUseLine: true,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return nil
			}
			return f.notSent(cmd, doctor.Wrong("takes no arguments: write --text %q", args[0]))
		},
	}
	f.addTo(cmd)
	cmd.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		if name := err.Error(); strings.Contains(name, "--webhook") || strings.Contains(name, "--secret") {
			err = doctor.Wrong("%v: write it into a variable (DINGTALK_ROBOT_WEBHOOK, DINGTALK_ROBOT_SECRET) or a file (--webhook-file, --secret-file): every user of the machine sees arguments", err)
		}
		return f.notSent(cmd, err)
	})
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		ctx, stop := signal.NotifyContext(cmd.Context(), os.Interrupt, syscall.SIGTERM)
		defer stop()
		code, err := f.run(ctx, cmd)
		switch {
		case err == nil:
			return nil
		case code == exitInvalid:
			return f.notSent(cmd, err)
		}
		say(cmd, f.lang, err)
		return err
	}
	return cmd
}

// notSent shows why nothing was sent, and returns the error that makes Caddy exit so.
func (f *robotFlags) notSent(cmd *cobra.Command, err error) error {
	say(cmd, f.lang, err)
	return exit(cmd, exitInvalid)
}

func (f *robotFlags) addTo(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringVar(&f.kind, "type", "text", "text, markdown, link, actionCard or feedCard")
	flags.StringVar(&f.title, "title", "", "Title; all but text need one")
	flags.StringVar(&f.text, "text", "", "What it says; all but feedCard need it")
	flags.StringVar(&f.url, "url", "", "Page to open: link, actionCard, feedCard")
	flags.StringVar(&f.picture, "picture", "", "URL of a picture: link, feedCard")
	flags.StringVar(&f.button, "button", "", "Text of the button: actionCard")
	flags.StringSliceVar(&f.at, "at", nil, "Whom to tell: mobile numbers, @userid, or all; text and markdown only")
	flags.StringVar(&f.json, "json", "", "File with the message as DingTalk's JSON, - for the standard input, in place of the flags above")
	flags.BoolVar(&f.dryRun, "dry-run", false, "Print the body that would be sent")
	flags.StringVar(&f.webhookFile, "webhook-file", "", "File with the webhook")
	flags.StringVar(&f.secretFile, "secret-file", "", "File with the secret of 加签")
	flags.StringVar(&f.lang, "lang", "", "Language of errors, zh or en (default: that of LC_ALL or LANG)")
}

// run returns the exit code, and why it is not 0.
func (f *robotFlags) run(ctx context.Context, cmd *cobra.Command) (int, error) {
	language, err := languageNamed(f.lang)
	if err != nil {
		return exitInvalid, err
	}
	m, err := f.message(cmd)
	if err != nil {
		return exitInvalid, err
	}
	if err := m.Validate(); err != nil {
		return exitInvalid, err
	}
	webhook, err := setting("DINGTALK_ROBOT_WEBHOOK", f.webhookFile)
	if err != nil {
		return exitInvalid, err
	}
	secret, err := setting("DINGTALK_ROBOT_SECRET", f.secretFile)
	if err != nil {
		return exitInvalid, err
	}
	if f.dryRun && webhook == "" {
		return f.print(cmd.OutOrStdout(), m)
	}
	if webhook == "" {
		return exitInvalid, doctor.Wrong("there is no webhook: set the variable DINGTALK_ROBOT_WEBHOOK, or name a file that holds it with --webhook-file")
	}
	r, err := robot.New(webhook, secret)
	if err != nil {
		return exitInvalid, err
	}
	if f.dryRun {
		return f.print(cmd.OutOrStdout(), m)
	}
	if err := r.Send(ctx, m); err != nil {
		if failure, ok := errors.AsType[*robot.SendError](err); ok {
			return exitRefused, doctor.Wrong("%v\n%v", failure, doctor.Advice(failure))
		}
		return exitRefused, err
	}
	fmt.Fprintln(cmd.OutOrStdout(), doctor.Say("sent", "已发送").In(language))
	return 0, nil
}

// print shows the body as DingTalk would get it, but for its msgUuid.
func (f *robotFlags) print(out io.Writer, m robot.Message) (int, error) {
	var body bytes.Buffer
	enc := json.NewEncoder(&body)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	if err := enc.Encode(m); err != nil {
		return exitInvalid, doctor.Wrong("writing the body: %v", err)
	}
	_, err := body.WriteTo(out)
	return 0, err
}

// message makes the message of the flags.
func (f *robotFlags) message(cmd *cobra.Command) (robot.Message, error) {
	if f.json != "" {
		for _, name := range []string{"type", "title", "text", "url", "picture", "button", "at"} {
			if cmd.Flags().Changed(name) {
				return nil, doctor.Wrong("--%s and --json exclude one another: the JSON holds the whole message", name)
			}
		}
		content, err := readJSON(f.json, cmd.InOrStdin())
		if err != nil {
			return nil, doctor.Wrong("reading the message: %v", err)
		}
		return robot.Parse(content)
	}
	if unused := f.unused(); unused != "" {
		return nil, doctor.Wrong("%s takes no --%s", f.kind, unused)
	}
	switch f.kind {
	case "text":
		return robot.Text{Content: f.text, At: f.whom()}, nil
	case "markdown":
		return robot.Markdown{Title: f.title, Text: f.text, At: f.whom()}, nil
	case "link":
		return robot.Link{Title: f.title, Text: f.text, MessageURL: f.url, PicURL: f.picture}, nil
	case "actionCard":
		return robot.ActionCard{Title: f.title, Text: f.text, SingleTitle: f.button, SingleURL: f.url}, nil
	case "feedCard":
		return robot.FeedCard{Links: []robot.FeedLink{{Title: f.title, MessageURL: f.url, PicURL: f.picture}}}, nil
	}
	return nil, doctor.Wrong("there is no type %q: write text, markdown, link, actionCard or feedCard", f.kind)
}

// taken are the flags that a type takes.
var taken = map[string]string{
	"text": "text at", "markdown": "title text at", "link": "title text url picture",
	"actionCard": "title text button url", "feedCard": "title url picture",
}

// unused names a flag that would be overlooked.
func (f *robotFlags) unused() string {
	takes, known := taken[f.kind]
	if !known {
		return ""
	}
	for _, flag := range []struct {
		name  string
		given bool
	}{
		{"title", f.title != ""}, {"text", f.text != ""}, {"url", f.url != ""}, {"picture", f.picture != ""},
		{"button", f.button != ""}, {"at", len(f.at) > 0},
	} {
		if flag.given && !strings.Contains(" "+takes+" ", " "+flag.name+" ") {
			return flag.name
		}
	}
	return ""
}

func (f *robotFlags) whom() (at robot.At) {
	for _, name := range f.at {
		at.Add(name)
	}
	return at
}

func readJSON(name string, in io.Reader) ([]byte, error) {
	if name == "-" {
		return io.ReadAll(io.LimitReader(in, 1<<20))
	}
	return os.ReadFile(name)
}

// setting reads a file, or else a variable.
func setting(variable, file string) (string, error) {
	if file == "" {
		return strings.TrimSpace(os.Getenv(variable)), nil
	}
	content, err := os.ReadFile(file)
	if err != nil {
		return "", doctor.Wrong("reading what %s would hold: %v", variable, err)
	}
	value := strings.TrimSpace(string(content))
	if value == "" {
		return "", doctor.Wrong("%s is empty", file)
	}
	return value, nil
}
