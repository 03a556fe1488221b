// Command bench measures what the dingtalk directive costs: requests per second
// of the same pages through Caddy with and without it, interleaved in one run.
//
// The proxy runs on one core, origin (nginx) and load (wrk) on the other. Each
// round measures both, in changing order; the ratio of a round is free of what
// changes slowly on the machine. Needs nginx, wrk and taskset.
package main

import (
	"flag"
	"fmt"
	"log"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

func main() {
	rounds := flag.Int("rounds", 7, "how often each contestant is measured")
	seconds := flag.Int("seconds", 3, "how long one measurement takes")
	caddy := flag.String("caddy", "./caddy", "the Caddy binary with the module")
	only := flag.String("only", "", "measure only cases whose name contains this")
	flag.Parse()
	dir, err := os.MkdirTemp("", "dingtalk-bench-")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	if err := run(dir, *caddy, *only, *rounds, *seconds); err != nil {
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
		{"1 KB page", "/1k.html", navigation, "", "DINGTALK", 0.93},
		{"30 KB page", "/30k.html", navigation, "", "DINGTALK", 0.85},
		{"300 KB page", "/300k.html", navigation, "", "DINGTALK", 0.95},
		{"64 KB script", "/64k.js", []string{"Accept: */*", "Sec-Fetch-Dest: script"}, "", "DINGTALK", 0.98},
		{"30 KB page, gzip from upstream", "/gz/30k.html", gzip, "", "DINGTALK", 0},
		{"300 KB page, gzip from upstream", "/gz/300k.html", gzip, "", "DINGTALK", 0},
		{"30 KB page, encode gzip around", "/30k.html", gzip, "encode gzip\n", "encode gzip\nDINGTALK", 0},
	}
}

func run(dir, caddy, only string, rounds, seconds int) error {
	origin, err := startOrigin(dir)
	if err != nil {
		return err
	}
	defer origin.stop()
	api := startAPI()
	defer api.Close()
	directive := fmt.Sprintf(block, api.URL)

	fmt.Printf("%-34s %9s %9s %7s %15s\n", "", "plain/s", "signed/s", "ratio", "spread")
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
		result, err := duel(c, plain.addr, signed.addr, rounds, seconds)
		plain.stop()
		signed.stop()
		if err != nil {
			return err
		}
		verdict := ""
		if c.goal > 0 {
			verdict = fmt.Sprintf("  goal %.2f", c.goal)
			if result.ratio < c.goal {
				verdict += " MISSED"
				failed = true
			}
		}
		fmt.Printf("%-34s %9.0f %9.0f %7.3f %7.3f … %.3f%s\n", c.name, result.plain, result.signed, result.ratio, result.low, result.high, verdict)
	}
	if strings.Contains("streaming", only) {
		if err := streams(dir, caddy, directive); err != nil {
			return err
		}
	}
	if failed {
		return fmt.Errorf("a goal was missed")
	}
	return nil
}

// outcome is the median of the rounds, and the spread of the ratio.
type outcome struct{ plain, signed, ratio, low, high float64 }

func duel(c contest, plain, signed string, rounds, seconds int) (outcome, error) {
	var a, b, ratios []float64
	for i := range rounds + 1 {
		first, second := plain, signed
		if i%2 == 1 {
			first, second = signed, plain
		}
		x, err := load(first, c, seconds)
		if err != nil {
			return outcome{}, err
		}
		y, err := load(second, c, seconds)
		if err != nil {
			return outcome{}, err
		}
		if i%2 == 1 {
			x, y = y, x
		}
		if i == 0 {
			continue // warming up
		}
		a, b, ratios = append(a, x), append(b, y), append(ratios, y/x)
	}
	return outcome{median(a), median(b), median(ratios), slices.Min(ratios), slices.Max(ratios)}, nil
}

func median(v []float64) float64 {
	v = slices.Sorted(slices.Values(v))
	return (v[len(v)/2] + v[(len(v)-1)/2]) / 2
}

var perSecond = regexp.MustCompile(`Requests/sec:\s+([0-9.]+)`)

// load returns the requests per second that wrk gets.
func load(addr string, c contest, seconds int) (float64, error) {
	args := []string{"-c", "1", "wrk", "-t1", "-c32", "-d", strconv.Itoa(seconds) + "s"}
	for _, h := range c.header {
		args = append(args, "-H", h)
	}
	out, err := exec.Command("taskset", append(args, "http://"+addr+c.path)...).CombinedOutput()
	if err != nil {
		return 0, fmt.Errorf("running wrk: %w: %s", err, out)
	}
	if strings.Contains(string(out), "Non-2xx") || strings.Contains(string(out), "Socket errors") {
		return 0, fmt.Errorf("%s: %s", c.name, out)
	}
	m := perSecond.FindSubmatch(out)
	if m == nil {
		return 0, fmt.Errorf("reading wrk's output: %s", out)
	}
	return strconv.ParseFloat(string(m[1]), 64)
}

// process is a server under measurement.
type process struct {
	cmd  *exec.Cmd
	addr string
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
	addr, err := freeAddr()
	if err != nil {
		return nil, err
	}
	_, port, _ := strings.Cut(addr, ":")
	text := fmt.Sprintf("{\n\tadmin off\n\tauto_https off\n\tpersist_config off\n\tlog {\n\t\tlevel ERROR\n\t}\n\tstorage file_system %s\n}\n:%s {\n\tbind 127.0.0.1\n%s\n\treverse_proxy %s\n}\n",
		filepath.Join(dir, "storage"), port, directives, upstream)
	file := filepath.Join(dir, "Caddyfile."+port)
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		return nil, err
	}
	cmd := exec.Command("taskset", "-c", "0", binary, "run", "--config", file, "--adapter", "caddyfile")
	cmd.Env = append(os.Environ(), "GOMAXPROCS=1", "BENCH_SECRET=secret", "HOME="+dir, "XDG_DATA_HOME="+dir, "XDG_CONFIG_HOME="+dir)
	return start(cmd, addr)
}
