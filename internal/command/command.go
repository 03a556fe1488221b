// Package command gathers the subcommands of `caddy dingtalk`. Caddy knows one
// command of that name, which the module registers; programs that the module is
// compiled into may have more to offer.
package command

import "github.com/spf13/cobra"

var additions []func() *cobra.Command

// Add adds a subcommand. It must be called in an init function: Caddy makes its
// commands when all of those have run.
func Add(subcommand func() *cobra.Command) { additions = append(additions, subcommand) }

// AddTo puts all the subcommands under their parent.
func AddTo(parent *cobra.Command) {
	parent.AddCommand(robotCommand())
	for _, subcommand := range additions {
		parent.AddCommand(subcommand())
	}
}
