package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig"
	"github.com/spf13/cobra"

	"github.com/caddy-dingtalk/caddy-dingtalk/internal/sandbox"
)

func demoCommand() *cobra.Command {
	var listen string
	cmd := &cobra.Command{
		Use:   "demo [--listen <address>]",
		Short: "Shows what the dingtalk directive cures, without credentials or network",
		Long: `
Starts a simulated DingTalk, a small H5 app and Caddy with the dingtalk
directive in front of it, all on this machine, and prints the URL to open in a
browser. The page shows the URL that the browser shows, the URL that was signed
and what the DingTalk app says to the signature, and has switches that break
things. Ctrl-C ends it.
`,
		DisableFlagsInUseLine: true,
		Args:                  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			cmd.SilenceUsage = true
			ctx, stop := signal.NotifyContext(cmd.Context(), os.Interrupt, syscall.SIGTERM)
			defer stop()
			return demo(ctx, cmd.OutOrStdout(), listen)
		},
	}
	cmd.Flags().StringVarP(&listen, "listen", "l", "127.0.0.1:0", "Address of the demo page; port 0 takes a free one")
	return cmd
}

// demo runs until ctx ends.
func demo(ctx context.Context, out io.Writer, listen string) (err error) {
	dir, err := os.MkdirTemp("", "dingtalk-demo-")
	if err != nil {
		return fmt.Errorf("making a folder for the demo: %w", err)
	}
	defer os.RemoveAll(dir)

	ding := sandbox.New(sandbox.Options{Suites: make([]sandbox.Suite, 1)})
	api, err := serve(ding)
	if err != nil {
		return err
	}
	defer api.Close()
	app, err := serve(sandbox.H5(ding))
	if err != nil {
		return err
	}
	defer app.Close()
	hello, err := serve(sandbox.Hello(ding))
	if err != nil {
		return err
	}
	defer hello.Close()
	corps, err := serve(sandbox.Corps(ding, demoCorps...))
	if err != nil {
		return err
	}
	defer corps.Close()
	addr, err := freeAddr(listen)
	if err != nil {
		return fmt.Errorf("finding a port for the demo (choose another with --listen): %w", err)
	}

	credentials := ding.Options()
	suite := ding.Suites()[0]
	for name, value := range map[string]string{
		"app_secret": credentials.AppSecret, "suite_secret": suite.Secret, "token": suite.Token, "aes_key": suite.AESKey,
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(value), 0o600); err != nil {
			return fmt.Errorf("writing the demo's secrets: %w", err)
		}
	}
	secret := filepath.Join(dir, "app_secret")
	host, port, _ := net.SplitHostPort(addr)
	origin := "http://" + net.JoinHostPort(reachable(host), port)
	site := fmt.Sprintf(demoSite, credentials.AppKey, secret, credentials.CorpID, credentials.AgentID, api.Addr, app.Addr) +
		fmt.Sprintf(demoSignIn, credentials.AppKey, secret, credentials.CorpID, credentials.AgentID, api.Addr, origin, hello.Addr) +
		fmt.Sprintf(demoSuite, suite.Key, dir, api.Addr, corps.Addr)
	config, _, err := caddyconfig.GetAdapter("caddyfile").Adapt(
		fmt.Appendf(nil, demoOptions, api.Addr, sandbox.RobotToken, filepath.Join(dir, "storage"), port, host, site), map[string]any{"filename": "Caddyfile"})
	if err != nil {
		return fmt.Errorf("adapting the demo's Caddyfile: %w", err)
	}
	if err := caddy.Load(config, true); err != nil {
		return fmt.Errorf("starting Caddy: %w", err)
	}
	defer func() {
		if stopped := caddy.Stop(); err == nil {
			err = stopped
		}
		fmt.Fprintln(out, "\n演示结束。 The demo has ended.")
	}()
	if err := beginSuite(ctx, ding, origin); err != nil {
		return err
	}
	fmt.Fprintf(out, demoText, origin+"/", origin+"/hello/", origin+"/corps", strings.ReplaceAll(strings.TrimSpace(site), "\n\t", "\n    "))
	<-ctx.Done()
	return nil
}

const demoOptions = `(group) {
	webhook http://%s/robot/send?access_token=%s
	every 3s
}
{
	admin off
	persist_config off
	auto_https off
	storage file_system %s
	events {
		on dingtalk_token_refreshed dingtalk_robot {
			import group
		}
		on dingtalk_token_failed dingtalk_robot {
			import group
		}
		on dingtalk_signature_refused dingtalk_robot {
			import group
		}
		on dingtalk_url_mismatch dingtalk_robot {
			import group
		}
	}
	log {
		format console
		include http.handlers.dingtalk events.handlers.dingtalk_robot
	}
}
:%s {
	bind %s
	%s
}
`

// demoSite is what a user would write. Two pages are left without a signature,
// to show what they are like.
const demoSite = `
	@signed not path /broken/scheme /broken/port /hello/* /corps /corps/*
	dingtalk @signed {
		app_key    %s
		app_secret {file.%s}
		corp_id    %s
		agent_id   %s
		api_base   http://%s
	}
	reverse_proxy %s
`

// demoSignIn is the app that greets its user by name. DingTalk's OAuth2 page is reached
// through the demo's own address, as a phone reaches no other.
const demoSignIn = `
	handle /hello/* {
		dingtalk {
			app_key    %s
			app_secret {file.%s}
			corp_id    %s
			agent_id   %s
			api_base   http://%[5]s
			oapi_base  http://%[5]s
			endpoint   /hello/.dingtalk
			login {
				require /hello/me
				public  *
				outside oauth
				login_base %[6]s
			}
		}
		reverse_proxy %[7]s
	}
	reverse_proxy /oauth2/* %[5]s
`

// demoSuite is a third-party app: its pages, and the callback that DingTalk pushes to.
const demoSuite = `
	handle /corps {
		reverse_proxy %[4]s
	}
	handle /corps/* {
		dingtalk {
			suite %[1]s {
				suite_secret {file.%[2]s/suite_secret}
				token        {file.%[2]s/token}
				aes_key      {file.%[2]s/aes_key}
			}
			api_base  http://%[3]s
			oapi_base http://%[3]s
			endpoint  /corps/.dingtalk
		}
		reverse_proxy %[4]s
	}
`

// demoCorps are the organisations that the third-party app is shown for. The first has
// authorised it.
var demoCorps = []sandbox.DemoCorp{{ID: "dingdemo1", Name: "甲公司", English: "Company A"}, {ID: "dingdemo2", Name: "乙公司", English: "Company B"}}

// beginSuite lets DingTalk push the first suite_ticket.
func beginSuite(ctx context.Context, ding *sandbox.DingTalk, origin string) error {
	if _, err := ding.Authorize(sandbox.Authorization{CorpID: demoCorps[0].ID}); err != nil {
		return fmt.Errorf("authorising the demo's suite: %w", err)
	}
	reply, err := ding.Push(ctx, sandbox.Push{URL: origin + "/corps/.dingtalk/callback", Event: "suite_ticket"})
	if err != nil {
		return fmt.Errorf("pushing the demo's suite_ticket: %w", err)
	}
	if reply.Reply != "success" {
		return fmt.Errorf("pushing the demo's suite_ticket: status %d: %s", reply.Status, reply.Body)
	}
	return nil
}

const demoText = `
钉钉 dd.config 签名演示 / DingTalk dd.config signing demo

  打开 open  %s
  免登 sign-in  %s
  两个企业 two corps  %s

页面上能看到 what the page shows:
  - 浏览器显示的 URL，和被签名的 URL   the URL the browser shows, and the URL that was signed
  - 钉钉客户端（模拟）的结论           what the (simulated) DingTalk app says to the signature
  - 钉钉群里的机器人消息   what a robot tells a DingTalk group
  - 两个企业开通、解除同一个第三方应用   two corps that authorise and revoke one third-party app
  - 开关：错误的协议、端口丢失，看看没有 sidecar 时的 52013；过期的 ticket，看页面怎样自愈
    switches: wrong scheme, lost port: 52013 without the sidecar; expired ticket: how the page heals itself

Caddyfile:
    %s

Ctrl-C 结束 / ends it.
`

// serve runs a handler on a free port of the loopback address.
func serve(handler http.Handler) (*http.Server, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("listening on the loopback address: %w", err)
	}
	s := &http.Server{Addr: l.Addr().String(), Handler: handler, ReadHeaderTimeout: 10 * time.Second}
	go func() { _ = s.Serve(l) }()
	return s, nil
}

// reachable returns a host to open in a browser for one to listen on: for all
// addresses of this machine, one that a phone in its network reaches.
func reachable(host string) string {
	if ip := net.ParseIP(host); ip == nil || !ip.IsUnspecified() {
		return host
	}
	addrs, _ := net.InterfaceAddrs() // none is as good as an error
	for _, addr := range addrs {
		if n, ok := addr.(*net.IPNet); ok && n.IP.To4() != nil && n.IP.IsPrivate() {
			return n.IP.String()
		}
	}
	return "localhost"
}

// freeAddr returns the address with a port that is free now.
func freeAddr(listen string) (string, error) {
	l, err := net.Listen("tcp", listen)
	if err != nil {
		return "", err
	}
	defer l.Close()
	return l.Addr().String(), nil
}
