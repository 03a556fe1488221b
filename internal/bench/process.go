package main

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"golang.org/x/sys/unix"
)

// protocol is how a client speaks to a server.
type protocol int

const (
	http1  protocol = iota
	https1          // HTTP/1.1 over TLS
	https2          // HTTP/2 over TLS
)

// process is a server under measurement.
type process struct {
	cmd   *exec.Cmd
	addr  string
	admin string // address of the admin endpoint, if it has one
	over  protocol
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

// site is a Caddy in front of the origin.
type site struct {
	binary     string
	directives string // in front of reverse_proxy
	upstream   string
	over       protocol
	admin      bool // with an admin endpoint
}

// hostName is what users call the site.
const hostName = "h5.example.com"

const caddyfile = `{
	admin %s
	auto_https %s
	skip_install_trust
	persist_config off
	log {
		level ERROR
	}
	storage file_system %s
}
%s://%s:%s {
	bind 127.0.0.1
%s
	reverse_proxy %s
}
`

// start starts it on the first core, with one processor for Go.
func (s site) start(dir string) (*process, error) {
	addr, err := freeAddr()
	if err != nil {
		return nil, err
	}
	_, port, _ := net.SplitHostPort(addr)
	admin, automatic, scheme := "off", "off", "http"
	if s.admin {
		if admin, err = freeAddr(); err != nil {
			return nil, err
		}
	}
	directives := s.directives
	if s.over != http1 {
		automatic, scheme, directives = "disable_redirects", "https", "tls internal\n"+directives
	}
	text := fmt.Sprintf(caddyfile, admin, automatic, filepath.Join(dir, "storage"), scheme, hostName, port, directives, s.upstream)
	file := filepath.Join(dir, "Caddyfile."+port)
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		return nil, err
	}
	cmd := exec.Command("taskset", "-c", "0", s.binary, "run", "--config", file, "--adapter", "caddyfile")
	cmd.Env = append(os.Environ(), "GOMAXPROCS=1", "BENCH_SECRET=secret", "HOME="+dir, "XDG_DATA_HOME="+dir, "XDG_CONFIG_HOME="+dir)
	return start(&process{cmd: cmd, addr: addr, admin: admin, over: s.over})
}

func freeAddr() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	defer l.Close()
	return l.Addr().String(), nil
}

// start runs a server and waits until it answers.
func start(p *process) (*process, error) {
	p.cmd.Stderr = nil
	if err := p.cmd.Start(); err != nil {
		return nil, fmt.Errorf("starting %s: %w", p.cmd.Path, err)
	}
	for range 200 {
		if c, err := p.dial("http/1.1"); err == nil {
			c.Close()
			return p, nil
		}
		time.Sleep(50 * time.Millisecond)
	}
	p.stop()
	return nil, fmt.Errorf("%v does not answer", p.cmd.Args)
}
