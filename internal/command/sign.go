package command

import (
	"crypto/rand"
	"encoding/json"
	"io"
	"os"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/spf13/cobra"

	"github.com/caddy-dingtalk/caddy-dingtalk/config"
	"github.com/caddy-dingtalk/caddy-dingtalk/doctor"
	"github.com/caddy-dingtalk/caddy-dingtalk/signer"
)

// ticketVariable holds a ticket where no file does.
const ticketVariable = "DINGTALK_JSAPI_TICKET"

// secretHelp is what both commands say of the ticket.
const secretHelp = `
The jsapi_ticket comes from the file that --ticket-file names (- for the standard
input), or from the variable ` + ticketVariable + `; never from an argument,
which every user of the machine can see. It is not printed. A running server
that has the line share_tokens gives it at its admin endpoint:

  curl -s 'localhost:2019/dingtalk/token?app=…&kind=jsapi_ticket'
`

// partFlags are what sign and verify have in common.
type partFlags struct {
	signer.Parts
	ticketFile, lang string
	asJSON           bool
}

func (f *partFlags) addTo(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringVar(&f.URL, "url", "", "The page's URL, as location.href shows it")
	flags.StringVar(&f.NonceStr, "nonce", "", "nonceStr")
	flags.StringVar(&f.TimeStamp, "timestamp", "", "timeStamp")
	flags.StringVar(&f.ticketFile, "ticket-file", "", "File with the jsapi_ticket, - for the standard input")
	flags.StringVar(&f.lang, "lang", "", "Language of the output, zh or en (default: that of LC_ALL or LANG)")
	flags.BoolVar(&f.asJSON, "json", false, "Print JSON")
	cmd.DisableFlagsInUseLine = true
	cmd.Args = func(cmd *cobra.Command, args []string) error {
		if len(args) == 0 {
			return nil
		}
		return f.invalid(cmd, doctor.Wrong("takes no arguments, but got %q: write --url before the URL", args[0]))
	}
	cmd.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		if strings.Contains(err.Error(), "--ticket") {
			err = doctor.Wrong("%v: write the ticket into a file (--ticket-file) or the variable %s: every user of the machine sees arguments", err, ticketVariable)
		}
		return f.invalid(cmd, err)
	})
}

// invalid shows why nothing was done.
func (f *partFlags) invalid(cmd *cobra.Command, err error) error {
	say(cmd, f.lang, err)
	return exit(cmd, exitInvalid)
}

// tickets reads them, one a line.
func (f *partFlags) tickets(in io.Reader) (tickets []string, err error) {
	var content []byte
	switch f.ticketFile {
	case "":
		content = []byte(os.Getenv(ticketVariable))
	case "-":
		content, err = io.ReadAll(io.LimitReader(in, 1<<20))
	default:
		content, err = os.ReadFile(f.ticketFile)
	}
	if err != nil {
		return nil, doctor.Wrong("reading the ticket: %v", err)
	}
	for line := range strings.Lines(string(content)) {
		if line = strings.TrimSpace(line); line == "" {
			continue
		}
		if err := wrongTicket(line); err != nil {
			return nil, err
		}
		tickets = append(tickets, line)
	}
	if len(tickets) == 0 {
		return nil, doctor.Wrong("there is no ticket: name a file that holds it with --ticket-file, or set the variable %s", ticketVariable)
	}
	return tickets, nil
}

// wrongTicket says of a line that is no ticket what it is, without showing it.
func wrongTicket(line string) error {
	if strings.ContainsAny(line, "{}") {
		return doctor.Wrong("the ticket is a whole answer in JSON: keep what stands behind ticket or value alone, without quotes")
	}
	if err := config.PastedSecret(line); err != nil {
		return doctor.Wrong("the ticket: %v", err)
	}
	return nil
}

// wrongURL says what is wrong with the address that a page is said to have, if it is none.
func wrongURL(url string) error {
	if strings.ContainsFunc(url, unicode.IsSpace) {
		return doctor.Wrong("--url has spaces, but no address has: copy location.href, where they are %%20, not %q", url)
	}
	if _, err := signer.ParseURL(url); err != nil {
		return doctor.Wrong("--url takes the whole address of a page, for example https://h5.example.com/app/, not %q", url)
	}
	return nil
}

func signCommand() *cobra.Command {
	var f partFlags
	var hash, policy string
	cmd := &cobra.Command{
		Use:   "sign --url <url> [--nonce <nonceStr>] [--timestamp <timeStamp>] [--hash sha1|sha256] [--url-policy <policy>] [--ticket-file <file|->] [--lang zh|en] [--json]",
		Short: "Signs a URL as the directive does, and shows what is hashed",
		Long: `
Makes the signature of dd.config for a URL, for whoever debugs a backend that
makes its own, and shows the text that is hashed. With the same ticket, nonceStr
and timeStamp the backend must come to the same result.
` + secretHelp,
		Example: `  caddy dingtalk sign --url 'https://h5.example.com/app/?id=1' --ticket-file ticket
  caddy dingtalk sign --url 'https://h5.example.com/' --nonce abc --timestamp 1700000000 --hash sha256`,
	}
	f.addTo(cmd)
	cmd.Flags().StringVar(&hash, "hash", signer.SHA1.String(), "sha1 or sha256")
	cmd.Flags().StringVar(&policy, "url-policy", signer.QueryDecoded.String(), "Form of the URL: query_decoded, raw or decoded")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		if err := f.sign(cmd, hash, policy); err != nil {
			return f.invalid(cmd, err)
		}
		return nil
	}
	return cmd
}

// sign prints a signature and what it is made of.
func (f *partFlags) sign(cmd *cobra.Command, hash, policy string) error {
	language, err := languageNamed(f.lang)
	if err != nil {
		return err
	}
	form, err := formNamed(hash, policy)
	if err != nil {
		return err
	}
	if err := wrongURL(f.URL); err != nil {
		return err
	}
	page, err := signer.ParseURL(f.URL)
	if err != nil {
		return err
	}
	if strings.Trim(f.TimeStamp, "0123456789") != "" {
		return doctor.Wrong("--timestamp takes the digits of timeStamp, for example 1700000000, not %q", f.TimeStamp)
	}
	tickets, err := f.tickets(cmd.InOrStdin())
	if err != nil {
		return err
	}
	f.URL, f.Ticket = page.URL(), tickets[0]
	if f.NonceStr == "" {
		f.NonceStr = rand.Text()[:16]
	}
	if f.TimeStamp == "" {
		f.TimeStamp = strconv.FormatInt(time.Now().Unix(), 10)
	}
	signature := f.Parts.Sign(form)
	shown := f.Parts
	shown.Ticket = "***"
	text := shown.Text(form.Policy)
	if f.asJSON {
		return writeJSON(cmd.OutOrStdout(), map[string]string{
			"hashed": text, "hash": form.Hash.String(), "urlPolicy": form.Policy.String(),
			"nonceStr": f.NonceStr, "timeStamp": f.TimeStamp, "url": f.URL, "signature": signature,
		})
	}
	_, err = io.WriteString(cmd.OutOrStdout(), doctor.Say(
		"hashed     %s\n           (*** stands for the ticket, of %d characters)\nhash       %s\nnonceStr   %s\ntimeStamp  %s\nsignature  %s\n",
		"参与计算   %s\n           （*** 代表 ticket，共 %d 个字符）\n哈希       %s\nnonceStr   %s\ntimeStamp  %s\nsignature  %s\n",
		text, len(f.Ticket), form.Hash, f.NonceStr, f.TimeStamp, signature).In(language))
	return err
}

// formNamed is the form of those names.
func formNamed(hash, policy string) (signer.Signer, error) {
	for _, form := range signer.Forms {
		if form.Hash.String() == hash && form.Policy.String() == policy {
			return form, nil
		}
	}
	return signer.Signer{}, doctor.Wrong("there is no hash %q with url-policy %q: write sha1 or sha256, and query_decoded, raw or decoded", hash, policy)
}

func writeJSON(out io.Writer, value any) error {
	enc := json.NewEncoder(out)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	return enc.Encode(value)
}
