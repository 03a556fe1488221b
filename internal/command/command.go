// Package command is `caddy dingtalk`, with its subcommands. Caddy knows one command
// of that name; programs that the module is compiled into may have more to offer
// under it.
package command

import (
	"strings"

	caddycmd "github.com/caddyserver/caddy/v2/cmd"
	"github.com/spf13/cobra"

	"github.com/caddy-dingtalk/caddy-dingtalk/doctor"
)

// subcommands are what every build has, and what Add has added.
var subcommands = []func() *cobra.Command{doctorCommand, robotCommand, signCommand, verifyCommand}

// Add adds a subcommand. It must be called in an init function: Caddy makes its
// commands when all of those have run.
func Add(subcommand func() *cobra.Command) { subcommands = append(subcommands, subcommand) }

func init() {
	caddycmd.RegisterCommand(caddycmd.Command{
		Name:  "dingtalk",
		Usage: "<command>",
		Short: "Commands of the dingtalk handler",
		Long: `
Commands around the dingtalk directive, which signs DingTalk (钉钉) H5 pages.
`,
		CobraFunc: func(cmd *cobra.Command) {
			for _, subcommand := range subcommands {
				cmd.AddCommand(subcommand())
			}
			cmd.Args = known
			cmd.RunE = func(cmd *cobra.Command, _ []string) error { return cmd.Help() }
		},
	})
}

// known refuses what is no subcommand, which cobra would take for a call for help.
func known(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	var names []string
	for _, sub := range cmd.Commands() {
		names = append(names, "caddy dingtalk "+sub.Name())
	}
	err := doctor.Wrong("there is no command %q here, but %s", args[0], strings.Join(names, ", "))
	say(cmd, "", err)
	return err
}
