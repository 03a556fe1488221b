package command

import (
	"fmt"

	caddycmd "github.com/caddyserver/caddy/v2/cmd"
	"github.com/spf13/cobra"
)

// The exit codes besides 0.
const (
	exitRefused = 1 // DingTalk refuses, or is not reached
	exitInvalid = 2 // what the command was called with is wrong, and nothing was done
)

// say shows an error: people and scripts read it, not Caddy's log.
func say(cmd *cobra.Command, err error) {
	cmd.SilenceUsage, cmd.SilenceErrors = true, true
	fmt.Fprintln(cmd.ErrOrStderr(), "Error:", err)
}

// exit returns the error that makes Caddy exit with a code above 1.
func exit(cmd *cobra.Command, code int) error {
	cmd.SilenceUsage, cmd.SilenceErrors = true, true
	return caddycmd.WrapCommandFuncForCobra(func(caddycmd.Flags) (int, error) { return code, nil })(cmd, nil)
}
