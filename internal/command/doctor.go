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
	"github.com/caddy-dingtalk/caddy-dingtalk/doctor/examine"
	"github.com/caddy-dingtalk/caddy-dingtalk/login"
	"github.com/caddy-dingtalk/caddy-dingtalk/robot/alert"
	"github.com/caddy-dingtalk/caddy-dingtalk/tenant"
	"github.com/caddy-dingtalk/caddy-dingtalk/tokens"
)

func doctorCommand() *cobra.Command {
	var file, adapter string
	var asJSON, sendTest bool
	cmd := &cobra.Command{
		Use:   "doctor [--config <path> [--adapter <name>]] [--json] [--send-test]",
		Short: "Says what is right and wrong with each dingtalk handler, and what to do",
		Long: `
Reads a configuration and examines each dingtalk handler in it: its fields and
placeholders, the origins that pages are signed for, DNS and the connection to
DingTalk, this machine's clock, the credentials, the IP allow list (服务器出口IP),
the storage, its lock and the jsapi_ticket. Below what is wrong it says what to
do. The exit code is 1 if something is wrong, and 0 if there are warnings only.

No running server is touched: the admin API is not asked and nothing listens.
DingTalk gets one call for an access token, which harms nobody. The ticket is
taken from the storage, as Caddy does; only if there is none it is fetched, and
stored for the servers. Besides, one key dingtalk/doctor-… is stored and deleted,
and one lock taken and released.

With sign-in (login) the calls that a sign-in makes are tried with a code and a
user that do not exist, which shows missing permissions and spends nothing, and
it is said what the console must have, which key is used and which cookie.

Of each dingtalk_robot (events to a DingTalk group) the settings are examined.
With --send-test each robot also sends one message to its group.

Run it as the user and with the environment that Caddy runs with, so that it
finds the same storage and the same variables.
`,
		Example: `  caddy dingtalk doctor
  caddy dingtalk doctor --config /etc/caddy/Caddyfile
  caddy dingtalk doctor --config caddy.json --json`,
		DisableFlagsInUseLine: true,
		Args:                  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			cmd.SilenceUsage = true
			return runDoctor(cmd, file, adapter, asJSON, sendTest)
		},
	}
	cmd.Flags().StringVarP(&file, "config", "c", "", "Configuration file (default: the Caddyfile of this folder)")
	cmd.Flags().StringVarP(&adapter, "adapter", "a", "", "Name of config adapter to apply")
	cmd.Flags().BoolVar(&sendTest, "send-test", false, "Send one message through each robot")
	cmd.Flags().BoolVar(&asJSON, "json", false, "Print an array of handlers with their checks {name, status, message, advice}")
	return cmd
}

// errFound ends the command with exit code 1; the report has said why.
var errFound = errors.New("something is wrong with a dingtalk handler")

func runDoctor(cmd *cobra.Command, file, adapter string, asJSON, sendTest bool) error {
	ctx, stop := signal.NotifyContext(cmd.Context(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	modules, err := examine.Modules()
	if err != nil {
		return err
	}
	configuration, _, _, err := caddycmd.LoadConfig(file, adapter)
	if err != nil {
		return err
	}
	if len(configuration) == 0 {
		return errors.New("no configuration: there is no Caddyfile in this folder, name a file with --config")
	}
	robots, err := examineRobots(ctx, configuration, sendTest)
	if err != nil {
		return err
	}
	report, err := examine.Examine(ctx, configuration, examine.Options{
		Modules: modules,
		Source:  func(c *config.Config) tokens.Source { return tenant.Source(c) },
		AppName: tenant.Name,
		SignIn:  examine.SignIn{Facts: login.FactsOf, Probe: login.ProbeAs},
	})
	if err != nil && (len(robots) == 0 || !errors.Is(err, examine.ErrNoHandler)) {
		return err
	}
	report = append(report, robots...)
	write := report.WriteText
	if asJSON {
		write = report.WriteJSON
	}
	if err := write(cmd.OutOrStdout()); err != nil {
		return fmt.Errorf("writing the report: %w", err)
	}
	if report.Count(examine.Error) > 0 {
		cmd.SilenceErrors = true
		return errFound
	}
	return nil
}

// examineRobots examines each dingtalk_robot of a configuration.
func examineRobots(ctx context.Context, configuration []byte, sendTest bool) (report examine.Report, err error) {
	robots, err := alert.Examine(ctx, configuration, sendTest)
	for _, r := range robots {
		h := examine.Handler{Robot: r.Event}
		for _, c := range r.Checks {
			h.Checks = append(h.Checks, examine.Check{Name: c.Name, Status: examine.Status(c.Status), Message: c.Message, Advice: c.Advice})
		}
		report = append(report, h)
	}
	return report, err
}
