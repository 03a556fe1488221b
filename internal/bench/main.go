// Command bench measures what the dingtalk directive costs: requests per second,
// and processor time per request, of the same pages through Caddy with and
// without it, interleaved in one run; and what others that insert into pages cost.
//
// The proxy runs on one core, origin (nginx) and this client on the other. Each
// round measures both for a fraction of a second, in changing order, so that the
// ratio of a round is free of most that changes on the machine. Needs nginx and
// taskset, and of the others what is installed.
//
//	go run ./internal/bench -only "30 KB page, gzip" -rounds 40
//
// gives the lines of that name alone, in seconds.
package main

import (
	"flag"
	"fmt"
	"log"
	"os"
	"strings"
	"time"
)

// options are the flags.
type options struct {
	dir    string // for temporary files
	caddy  string
	only   string
	rounds int
	slice  time.Duration
	sample string
}

func main() {
	var o options
	flag.IntVar(&o.rounds, "rounds", 200, "how often each contestant is measured")
	flag.DurationVar(&o.slice, "slice", 50*time.Millisecond, "how long one measurement takes")
	flag.StringVar(&o.caddy, "caddy", "./caddy", "the Caddy binary with the module")
	flag.StringVar(&o.only, "only", "", "measure only cases whose name contains this")
	flag.StringVar(&o.sample, "profiles", "", "write a processor profile of each contestant into this folder")
	flag.Parse()
	var err error
	if o.dir, err = os.MkdirTemp("", "dingtalk-bench-"); err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(o.dir)
	if err := run(o); err != nil {
		log.Print(err)
		os.RemoveAll(o.dir)
		os.Exit(1)
	}
}

const block = `dingtalk {
	app_key     bench
	app_secret  {env.BENCH_SECRET}
	corp_id     dingbench
	agent_id    1
	js_api_list biz.contact.choose device.notification.alert
	api_base    %s
}
`

func run(o options) error {
	origin, err := startOrigin(o.dir)
	if err != nil {
		return err
	}
	defer origin.stop()
	api := startAPI()
	defer api.Close()
	directive := fmt.Sprintf(block, api.URL)

	failed := false
	fmt.Printf("%-38s %8s %8s %6s  %-13s %8s %8s %6s  %s\n", "", "plain/s", "signed/s", "ratio", "95 %", "plain µs", "signed µs", "ratio", "95 %")
	for _, c := range contests() {
		if !strings.Contains(c.name, o.only) {
			continue
		}
		result, err := c.hold(o, origin.addr, directive)
		if err != nil {
			return fmt.Errorf("%s: %w", c.name, err)
		}
		failed = !result.print(c) || failed
	}
	if strings.Contains("streaming", o.only) {
		if err := streams(o.dir, o.caddy, directive); err != nil {
			return err
		}
	}
	if strings.Contains("slow pages", o.only) {
		if err := slow(o.dir, o.caddy, directive); err != nil {
			return err
		}
	}
	if strings.Contains("rivals", o.only) {
		if err := compare(o, origin.addr); err != nil {
			return err
		}
	}
	if failed {
		return fmt.Errorf("a goal was missed")
	}
	return nil
}
