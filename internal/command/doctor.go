package command

import (
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"

	caddycmd "github.com/caddyserver/caddy/v2/cmd"

	"github.com/caddy-dingtalk/caddy-dingtalk/config"
	"github.com/caddy-dingtalk/caddy-dingtalk/doctor/examine"
	"github.com/caddy-dingtalk/caddy-dingtalk/tenant"
	"github.com/caddy-dingtalk/caddy-dingtalk/tokens"
)

func doctorCommand() *cobra.Command {
	var file, adapter string
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "doctor [--config <path> [--adapter <name>]] [--json]",
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
			return runDoctor(cmd, file, adapter, asJSON)
		},
	}
	cmd.Flags().StringVarP(&file, "config", "c", "", "Configuration file (default: the Caddyfile of this folder)")
	cmd.Flags().StringVarP(&adapter, "adapter", "a", "", "Name of config adapter to apply")
	cmd.Flags().BoolVar(&asJSON, "json", false, "Print an array of handlers with their checks {name, status, message, advice}")
	return cmd
}

// errFound ends the command with exit code 1; the report has said why.
var errFound = errors.New("something is wrong with a dingtalk handler")

func runDoctor(cmd *cobra.Command, file, adapter string, asJSON bool) error {
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
	report, err := examine.Examine(ctx, configuration, examine.Options{
		Modules: modules,
		Source:  func(c *config.Config) tokens.Source { return tenant.Source(c) },
		AppName: tenant.Name,
	})
	if err != nil {
		return err
	}
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
