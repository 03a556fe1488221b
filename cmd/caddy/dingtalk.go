package main

import (
	"github.com/spf13/cobra"

	caddycmd "github.com/caddyserver/caddy/v2/cmd"
)

func init() {
	caddycmd.RegisterCommand(caddycmd.Command{
		Name:  "dingtalk",
		Usage: "<command>",
		Short: "Commands of the dingtalk handler",
		CobraFunc: func(cmd *cobra.Command) {
			cmd.AddCommand(demoCommand())
		},
	})
}
