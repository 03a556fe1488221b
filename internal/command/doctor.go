package command

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"

	caddycmd "github.com/caddyserver/caddy/v2/cmd"

	"github.com/caddy-dingtalk/caddy-dingtalk/config"
	"github.com/caddy-dingtalk/caddy-dingtalk/doctor"
	"github.com/caddy-dingtalk/caddy-dingtalk/doctor/examine"
	"github.com/caddy-dingtalk/caddy-dingtalk/login"
	"github.com/caddy-dingtalk/caddy-dingtalk/robot/alert"
	"github.com/caddy-dingtalk/caddy-dingtalk/tenant"
)

func doctorCommand() *cobra.Command {
	o := new(doctorOptions)
	cmd := &cobra.Command{
		Use:   "doctor [--config <path> [--adapter <name>]] [--corpid <id>] [--agentid <id>] [--url <page>] [--lang zh|en] [--json] [--send-test]",
		Short: "Says what is right and wrong with each dingtalk handler, and what to do",
		Long: `
Reads a configuration and examines each dingtalk handler in it: its fields and
placeholders, the origins that pages are signed for, DNS and the connection to
DingTalk, this machine's clock, the credentials, the IP allow list (服务器出口IP),
the storage, its lock and the jsapi_ticket. Below what is wrong it says what to
do. The exit code is 1 if something is wrong, and 0 if there are warnings only.

No running server is touched but by such a push and by --url: the admin API is not
asked and nothing listens.
DingTalk gets one call for an access token, which harms nobody, and two that show
whether corp_id is the app's organisation. No call shows agent_id: what is not
checked is said to be so, with a question mark. The ticket is
taken from the storage, as Caddy does; only if there is none it is fetched, and
stored for the servers. Besides, one key dingtalk/doctor-… is stored and deleted,
and one lock taken and released.

With sign-in (login) the calls that a sign-in makes are tried with a code and a
user that do not exist, which shows missing permissions and spends nothing, and
it is said what the console must have, which key is used and which cookie.

Of several apps and corps (tenant) each is examined; --corpid and --agentid name one.
Of a third-party app (suite) one push that tells nothing is sent to the callback,
through the public address as DingTalk sends its own; the age of the suite_ticket is
told, and DingTalk asked whether it takes key, secret and ticket. With --corpid also
whether that corp has authorised the app, and its jsapi_ticket.

Of each dingtalk_robot (events to a DingTalk group) the settings are examined.
With --send-test each robot also sends one message to its group.

With --url a page is visited as DingTalk's browser does, through the proxies that
are there: whether it is signed for the URL that the browser shows, whether its
script reaches the endpoints, and whether the browser gets the scripts of these.
That needs no configuration, and runs from any machine; with --config the
handlers are examined, too.

It speaks Chinese where LC_ALL or LANG says so; --lang says it first.

Run it as the user and with the environment that Caddy runs with, so that it
finds the same storage and the same variables.
`,
		Example: `  caddy dingtalk doctor
  caddy dingtalk doctor --config /etc/caddy/Caddyfile
  caddy dingtalk doctor --config caddy.json --json
  caddy dingtalk doctor --corpid ding0123456789abcdef --agentid 1234567890
  caddy dingtalk doctor --url https://h5.example.com/app/ --lang zh`,
		DisableFlagsInUseLine: true,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return nil
			}
			return o.failed(cmd, doctor.Wrong("takes no arguments, but got %q: write --config before a file, --url before a page", args[0]))
		},
		RunE: func(cmd *cobra.Command, _ []string) error { return o.failed(cmd, runDoctor(cmd, o)) },
	}
	cmd.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error { return o.failed(cmd, err) })
	cmd.Flags().StringVarP(&o.file, "config", "c", "", "Configuration file (default: the Caddyfile of this folder)")
	cmd.Flags().StringVarP(&o.adapter, "adapter", "a", "", "Name of config adapter to apply")
	cmd.Flags().StringVar(&o.corp, "corpid", "", "Examine this one of several corps only")
	cmd.Flags().StringVar(&o.agent, "agentid", "", "Examine the app with this agentId only")
	cmd.Flags().BoolVar(&o.sendTest, "send-test", false, "Send one message through each robot")
	cmd.Flags().BoolVar(&o.asJSON, "json", false, "Print an array of handlers with their checks {name, status, message, advice}")
	cmd.Flags().StringVar(&o.page, "url", "", "Visit this page of a running site, as DingTalk's browser does")
	cmd.Flags().StringVar(&o.lang, "lang", "", "Language of the report, zh or en (default: that of LC_ALL or LANG)")
	return cmd
}

// doctorOptions are what the command was called with.
type doctorOptions struct {
	file, adapter, page, lang string
	corp, agent               string
	asJSON, sendTest          bool
}

// errFound ends the command with exit code 1; the report has said why.
var errFound = errors.New("something is wrong with a dingtalk handler")

// failed shows why there is no report, and returns that.
func (o *doctorOptions) failed(cmd *cobra.Command, err error) error {
	switch {
	case errors.Is(err, errFound):
		cmd.SilenceUsage, cmd.SilenceErrors = true, true
	case err != nil:
		say(cmd, o.lang, err)
	}
	return err
}

func runDoctor(cmd *cobra.Command, o *doctorOptions) error {
	ctx, stop := signal.NotifyContext(cmd.Context(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	language, err := languageNamed(o.lang)
	if err != nil {
		return err
	}
	var report, visited examine.Report
	if o.page != "" {
		page, err := examine.Tour(ctx, o.page, language)
		if err != nil {
			return err
		}
		visited = append(visited, page)
	}
	if o.page == "" || o.file != "" || o.corp != "" || o.agent != "" {
		if report, err = examineConfiguration(ctx, o); err != nil {
			return err
		}
	}
	report = append(report, visited...) // entries of the others refer to each other by their number
	report = report.In(language)
	write := report.WriteText
	if o.asJSON {
		write = report.WriteJSON
	}
	if err := write(cmd.OutOrStdout()); err != nil {
		return fmt.Errorf("writing the report: %w", err)
	}
	if report.Count(examine.Error) > 0 {
		return errFound
	}
	return nil
}

// examineConfiguration examines the handlers and robots of a configuration.
func examineConfiguration(ctx context.Context, o *doctorOptions) (examine.Report, error) {
	modules, err := examine.Modules()
	if err != nil {
		return nil, err
	}
	configuration, _, _, err := caddycmd.LoadConfig(o.file, o.adapter)
	if err != nil {
		return nil, err
	}
	if len(configuration) == 0 {
		return nil, doctor.Wrong("no configuration: there is no Caddyfile in this folder, name a file with --config")
	}
	robots, err := examineRobots(ctx, configuration, o.sendTest)
	if err != nil {
		return nil, err
	}
	report, err := examine.Examine(ctx, configuration, examine.Options{
		Modules: modules,
		Source:  func(c *config.Config) examine.Source { return tenant.Source(c) },
		AppName: tenant.Name,
		SignIn:  examine.SignIn{Facts: login.FactsOf, Probe: login.ProbeAs},
		Corp:    o.corp, Agent: o.agent, Visited: o.page != "",
	})
	if err != nil && (len(robots) == 0 || !errors.Is(err, examine.ErrNoHandler)) {
		return nil, err
	}
	return append(report, robots...), nil
}

// examineRobots examines each dingtalk_robot of a configuration.
func examineRobots(ctx context.Context, configuration []byte, sendTest bool) (report examine.Report, err error) {
	robots, err := alert.Examine(ctx, configuration, sendTest)
	for _, r := range robots {
		report = append(report, examine.RobotFindings(r.Event, r.Findings))
	}
	return report, err
}
