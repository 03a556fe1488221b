// Command sandboxd runs the simulated DingTalk alone: server API, control, native check and H5 app on one
// address. It prints one line of JSON that says where, and stops on SIGINT, SIGTERM, or with -stdin when
// its standard input closes.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/caddy-dingtalk/caddy-dingtalk/internal/sandbox"
)

func main() {
	listen := flag.String("listen", "127.0.0.1:0", "address to listen on")
	stdin := flag.Bool("stdin", false, "stop when standard input closes")
	rate := flag.Int("rate", 0, "calls of each user API in a second; 0 is any number")
	flag.Parse()

	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if *stdin {
		go func() {
			_, _ = io.Copy(io.Discard, os.Stdin)
			stop()
		}()
	}
	if err := run(ctx, *listen, sandbox.Options{Rate: *rate}, os.Stdout); err != nil {
		log.Fatal(err)
	}
}

// run serves until ctx ends.
func run(ctx context.Context, listen string, options sandbox.Options, out io.Writer) error {
	listener, err := net.Listen("tcp", listen)
	if err != nil {
		return err
	}
	d := sandbox.New(options)
	server := &http.Server{Handler: routes(d), ReadHeaderTimeout: 10 * time.Second}
	context.AfterFunc(ctx, func() { _ = server.Close() })

	o := d.Options()
	if err := json.NewEncoder(out).Encode(map[string]string{
		"base":           "http://" + listener.Addr().String(),
		"app_key":        o.AppKey,
		"app_secret":     o.AppSecret,
		"corp_id":        o.CorpID,
		"agent_id":       o.AgentID,
		"corp_secret":    o.CorpSecret,
		"channel_secret": o.ChannelSecret,
	}); err != nil {
		return err
	}
	if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

// routes gives the H5 app its few paths and the server API all others.
func routes(d *sandbox.DingTalk) http.Handler {
	h5 := sandbox.H5(d)
	mux := http.NewServeMux()
	for _, pattern := range append(sandbox.H5Paths(), "/native/", "/sandbox/") {
		mux.Handle(pattern, h5)
	}
	mux.Handle("/", d)
	return mux
}
