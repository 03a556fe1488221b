// Command bench measures what the dingtalk directive costs: requests per second,
// and processor time per request, of the same pages through Caddy with and
// without it, interleaved in one run; and what others that insert into pages cost.
//
// The proxy runs on one core, origin (nginx) and this client on the other. Each
// round measures both for a fraction of a second, in changing order, so that the
// ratio of a round is free of most that changes on the machine. Needs nginx and
// taskset, and of the others what is installed.
package main

import (
	"flag"
	"fmt"
	"log"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

func main() {
	rounds := flag.Int("rounds", 200, "how often each contestant is measured")
	slice := flag.Duration("slice", 50*time.Millisecond, "how long one measurement takes")
	caddy := flag.String("caddy", "./caddy", "the Caddy binary with the module")
	only := flag.String("only", "", "measure only cases whose name contains this")
	flag.Parse()
	dir, err := os.MkdirTemp("", "dingtalk-bench-")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	if err := run(dir, *caddy, *only, *rounds, *slice); err != nil {
		log.Print(err)
		os.RemoveAll(dir)
		os.Exit(1)
	}
}

// contest is one line of the table.
type contest struct {
	name   string
	path   string
	header []string
	plain  string // directives of the contestant without us
	signed string // with us
	goal   float64
}

const block = "dingtalk {\n\tapp_key bench\n\tapp_secret {env.BENCH_SECRET}\n\tcorp_id dingbench\n\tagent_id 1\n\tapi_base %s\n}\n"

var navigation = []string{"Accept: text/html,application/xhtml+xml,*/*;q=0.8", "Sec-Fetch-Dest: document"}

func contests() []contest {
	gzip := append(slices.Clone(navigation), "Accept-Encoding: gzip")
	return []contest{
		{"1 KB page", "/1k.html", navigation, "", "DINGTALK", 0.96},
		{"30 KB page", "/30k.html", navigation, "", "DINGTALK", 0.96},
		{"300 KB page", "/300k.html", navigation, "", "DINGTALK", 0.99},
		{"64 KB script", "/64k.js", []string{"Accept: */*", "Sec-Fetch-Dest: script"}, "", "DINGTALK", 0.995},
		{"30 KB page, gzip from upstream", "/gz/30k.html", gzip, "", "DINGTALK", 0.85},
		{"300 KB page, gzip from upstream", "/gz/300k.html", gzip, "", "DINGTALK", 0.95},
		{"30 KB page, encode gzip around", "/30k.html", gzip, "encode gzip\n", "encode gzip\nDINGTALK", 0.97},
	}
}

func run(dir, caddy, only string, rounds int, slice time.Duration) error {
	origin, err := startOrigin(dir)
	if err != nil {
		return err
	}
	defer origin.stop()
	api := startAPI()
	defer api.Close()
	directive := fmt.Sprintf(block, api.URL)

	fmt.Printf("%-34s %8s %8s %6s  %-13s %8s %8s %6s\n", "", "plain/s", "signed/s", "ratio", "quartiles", "plain µs", "signed µs", "ratio")
	failed := false
	for _, c := range contests() {
		if !strings.Contains(c.name, only) {
			continue
		}
		plain, err := startCaddy(dir, caddy, c.plain, origin.addr)
		if err != nil {
			return err
		}
		signed, err := startCaddy(dir, caddy, strings.ReplaceAll(c.signed, "DINGTALK", directive), origin.addr)
		if err != nil {
			plain.stop()
			return err
		}
		result, err := duel(c, plain, signed, rounds, slice)
		plain.stop()
		signed.stop()
		if err != nil {
			return err
		}
		verdict := ""
		if c.goal > 0 {
			verdict = fmt.Sprintf("  goal %.3f", c.goal)
			if median(result.rate) < c.goal {
				verdict += " MISSED"
				failed = true
			}
		}
		fmt.Printf("%-34s %8.0f %8.0f %6.3f  %.3f … %.3f %8.1f %8.1f %6.3f%s\n", c.name,
			median(result.plain.rate), median(result.signed.rate), median(result.rate), quantile(result.rate, 0.25), quantile(result.rate, 0.75),
			median(result.plain.cost), median(result.signed.cost), median(result.cost), verdict)
	}
	if strings.Contains("streaming", only) {
		if err := streams(dir, caddy, directive); err != nil {
			return err
		}
	}
	if strings.Contains("slow pages", only) {
		if err := slow(dir, caddy, directive); err != nil {
			return err
		}
	}
	if strings.Contains("rivals", only) {
		if err := compare(dir, caddy, origin.addr, max(rounds/4, 10), slice); err != nil {
			return err
		}
	}
	if failed {
		return fmt.Errorf("a goal was missed")
	}
	return nil
}

// series are the samples of one contestant, one a round.
type series struct{ rate, cost []float64 }

func (s *series) add(one sample) {
	s.rate, s.cost = append(s.rate, one.rate), append(s.cost, one.cost)
}

// outcome is what a duel found. The ratios are of the rounds: signed to plain in
// requests per second, plain to signed in processor time.
type outcome struct {
	plain, signed series
	rate, cost    []float64
}

func duel(c contest, plain, signed *process, rounds int, slice time.Duration) (out outcome, err error) {
	var loads [2]*load
	for i, p := range []*process{plain, signed} {
		if loads[i], err = newLoad(p, c.path, c.header); err != nil {
			return out, err
		}
		defer loads[i].close()
	}
	for i := -rounds / 10; i < rounds; i++ { // the first ones only warm up
		var pair [2]sample
		for turn := range 2 {
			who := (i + rounds + turn) % 2
			if pair[who], err = loads[who].run(slice); err != nil {
				return out, err
			}
		}
		if i >= 0 {
			out.plain.add(pair[0])
			out.signed.add(pair[1])
			out.rate = append(out.rate, pair[1].rate/pair[0].rate)
			out.cost = append(out.cost, pair[0].cost/pair[1].cost)
		}
	}
	return out, nil
}

func median(v []float64) float64 { return quantile(v, 0.5) }

func quantile(v []float64, q float64) float64 {
	return slices.Sorted(slices.Values(v))[int(math.Round(q*float64(len(v)-1)))]
}

// process is a server under measurement.
type process struct {
	cmd  *exec.Cmd
	addr string
}

// processorTime returns how long the process has run on a processor.
func (p *process) processorTime() (time.Duration, error) {
	clock := int32(^p.cmd.Process.Pid<<3 | 2) // clock_getcpuclockid(3)
	var t unix.Timespec
	if err := unix.ClockGettime(clock, &t); err != nil {
		return 0, fmt.Errorf("reading the processor time of Caddy: %w", err)
	}
	return time.Duration(t.Nano()), nil
}

func (p *process) stop() {
	_ = p.cmd.Process.Signal(os.Interrupt)
	done := make(chan struct{})
	go func() { _ = p.cmd.Wait(); close(done) }()
	select {
	case <-done:
	case <-time.After(5 * time.Second):
		_ = p.cmd.Process.Kill()
		<-done
	}
}

func startCaddy(dir, binary, directives, upstream string) (*process, error) {
	return startCaddyWith(dir, binary, "admin off", directives, upstream)
}

// startCaddyWith starts a Caddy with a further global option.
func startCaddyWith(dir, binary, option, directives, upstream string) (*process, error) {
	addr, err := freeAddr()
	if err != nil {
		return nil, err
	}
	_, port, _ := strings.Cut(addr, ":")
	text := fmt.Sprintf("{\n\t%s\n\tauto_https off\n\tpersist_config off\n\tlog {\n\t\tlevel ERROR\n\t}\n\tstorage file_system %s\n}\n:%s {\n\tbind 127.0.0.1\n%s\n\treverse_proxy %s\n}\n",
		option, filepath.Join(dir, "storage"), port, directives, upstream)
	file := filepath.Join(dir, "Caddyfile."+port)
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		return nil, err
	}
	cmd := exec.Command("taskset", "-c", "0", binary, "run", "--config", file, "--adapter", "caddyfile")
	cmd.Env = append(os.Environ(), "GOMAXPROCS=1", "BENCH_SECRET=secret", "HOME="+dir, "XDG_DATA_HOME="+dir, "XDG_CONFIG_HOME="+dir)
	return start(cmd, addr)
}
