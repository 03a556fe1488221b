package command

import (
	"errors"
	"regexp"

	"github.com/spf13/cobra"

	"github.com/caddy-dingtalk/caddy-dingtalk/doctor"
	"github.com/caddy-dingtalk/caddy-dingtalk/doctor/examine"
	"github.com/caddy-dingtalk/caddy-dingtalk/signer"
)

// errOtherwise ends the command with exit code 1; the report has said why.
var errOtherwise = errors.New("DingTalk does not accept this signature")

// hexSum is how the sums of both hashes are written; capitals are among the mistakes to find.
var hexSum = regexp.MustCompile(`^(?i:[0-9a-f]{40}|[0-9a-f]{64})$`)

func verifyCommand() *cobra.Command {
	var f partFlags
	var signature string
	cmd := &cobra.Command{
		Use:   "verify --signature <hex> --url <url> --nonce <nonceStr> --timestamp <timeStamp> [--ticket-file <file|->] [--lang zh|en] [--json]",
		Short: "Says how a backend has made a signature, and what is wrong with it",
		Long: `
Takes a signature with its parts, as a page gives them to dd.config, and says which
form of the URL, which hash and which ticket it was made with: with the other
scheme, without the query, encoded once more, with the fragment and so on, up to
four mistakes at once. Of a file with several tickets, one a line, it finds the
one.

Exit codes: 0 DingTalk accepts it for that URL and ticket, 1 it was made otherwise,
or in none of the ways that were tried, 2 something is missing.
` + secretHelp,
		Example: `  caddy dingtalk verify --signature 5c1b… --url 'https://h5.example.com/app/?id=1#/list' \
    --nonce abc --timestamp 1700000000 --ticket-file ticket`,
	}
	f.addTo(cmd)
	cmd.Flags().StringVar(&signature, "signature", "", "The signature")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		made, report, err := f.verify(cmd, signature)
		if err != nil {
			return f.invalid(cmd, err)
		}
		write := report.WriteText
		if f.asJSON {
			write = report.WriteJSON
		}
		if err := write(cmd.OutOrStdout()); err != nil {
			return err
		}
		if !made {
			cmd.SilenceUsage, cmd.SilenceErrors = true, true
			return errOtherwise
		}
		return nil
	}
	return cmd
}

// verify looks for the way in which a signature was made. made tells that DingTalk
// accepts it.
func (f *partFlags) verify(cmd *cobra.Command, signature string) (made bool, report examine.Report, err error) {
	language, err := languageNamed(f.lang)
	if err != nil {
		return false, nil, err
	}
	for _, flag := range []struct{ name, value string }{
		{"signature", signature}, {"url", f.URL}, {"nonce", f.NonceStr}, {"timestamp", f.TimeStamp},
	} {
		if flag.value == "" {
			return false, nil, doctor.Wrong("--%s is missing: copy it from what the page gives to dd.config", flag.name)
		}
	}
	if err := wrongURL(f.URL); err != nil {
		return false, nil, err
	}
	if !hexSum.MatchString(signature) {
		return false, nil, doctor.Wrong("--signature takes the 40 hex digits of SHA-1 or the 64 of SHA-256, not %q", signature)
	}
	tickets, err := f.tickets(cmd.InOrStdin())
	if err != nil {
		return false, nil, err
	}
	findings := []doctor.Finding{doctor.NotMade}
	if g, found := signer.GuessSignature(signature, f.Parts, tickets); found {
		made, findings = len(g.Changes) == 0, doctor.Made(g, len(tickets))
	}
	return made, examine.Findings(f.URL, doctor.Say("%s, and its signature", "%s 和它的签名", f.URL), findings).In(language), nil
}
