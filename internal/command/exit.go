package command

import (
	"fmt"
	"os"
	"strings"

	caddycmd "github.com/caddyserver/caddy/v2/cmd"
	"github.com/spf13/cobra"

	"github.com/caddy-dingtalk/caddy-dingtalk/doctor"
)

// The exit codes besides 0.
const (
	exitRefused = 1 // DingTalk refuses, or is not reached
	exitInvalid = 2 // what the command was called with is wrong, and nothing was done
)

// say shows an error in the language that --lang names, else that of the terminal. Cobra
// is to be silent about it.
func say(cmd *cobra.Command, lang string, err error) {
	if lang == "" {
		lang = langAmong(os.Args)
	}
	language, wrong := languageNamed(lang)
	if wrong != nil {
		language = doctor.LanguageOfTerminal()
	}
	cmd.SilenceUsage, cmd.SilenceErrors = true, true
	fmt.Fprintln(cmd.ErrOrStderr(), doctor.Say("Error: %v", "错误：%v", err).In(language))
}

// langAmong finds what --lang names among arguments that were not read up to there, because
// one before it is wrong; "" if it is not there.
func langAmong(args []string) string {
	for i, arg := range args {
		if lang, found := strings.CutPrefix(arg, "--lang="); found {
			return lang
		}
		if arg == "--lang" && i+1 < len(args) {
			return args[i+1]
		}
	}
	return ""
}

// languageNamed is the one that --lang names, else that of the terminal.
func languageNamed(lang string) (doctor.Language, error) {
	switch lang {
	case "":
		return doctor.LanguageOfTerminal(), nil
	case "en":
		return doctor.English, nil
	case "zh":
		return doctor.Chinese, nil
	}
	return 0, doctor.Wrong("--lang is zh or en, not %q", lang)
}

// exit returns the error that makes Caddy exit with a code above 1.
func exit(cmd *cobra.Command, code int) error {
	cmd.SilenceUsage, cmd.SilenceErrors = true, true
	return caddycmd.WrapCommandFuncForCobra(func(caddycmd.Flags) (int, error) { return code, nil })(cmd, nil)
}
