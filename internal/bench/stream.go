package main

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"
)

const streamed = 200 << 20

// streams measures what pages that stream cost: the peak memory of a 200 MB page,
// and the time to the first byte of one whose body comes later.
func streams(dir, caddy, directive string) error {
	got := make(chan struct{})
	origin := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		_, _ = io.WriteString(w, "<!DOCTYPE html>\n<html>\n<head>\n<title>stream</title>\n")
		_ = http.NewResponseController(w).Flush()
		if r.URL.Path == "/drip" {
			<-got // the rest follows when the client has seen the beginning
			return
		}
		part := bytes.Repeat([]byte("<p>200 MB of this</p>\n"), 1500)
		for n := 0; n < streamed; n += len(part) {
			if _, err := w.Write(part); err != nil {
				return
			}
		}
	}))
	defer origin.Close()
	for _, c := range []struct{ name, directives string }{{"plain", ""}, {"signed", directive}} {
		p, err := site{binary: caddy, directives: c.directives, upstream: strings.TrimPrefix(origin.URL, "http://")}.start(dir)
		if err != nil {
			return err
		}
		err = stream(p, c.name, got)
		p.stop()
		if err != nil {
			return err
		}
	}
	return nil
}

func stream(p *process, name string, got chan<- struct{}) error {
	var times []time.Duration
	for range 51 {
		start := time.Now()
		body, err := p.document("/drip")
		if err != nil {
			return err
		}
		if _, err := io.ReadFull(body, make([]byte, 1)); err != nil {
			return fmt.Errorf("reading the first byte: %w", err)
		}
		times = append(times, time.Since(start))
		got <- struct{}{}
		_, _ = io.Copy(io.Discard, body)
		body.Close()
	}
	slices.Sort(times)
	body, err := p.document("/large")
	if err != nil {
		return err
	}
	defer body.Close()
	n, err := io.Copy(io.Discard, body)
	if err != nil || n < streamed {
		return fmt.Errorf("reading the large page: %d bytes, %w", n, err)
	}
	peak, err := peakMemory(p.cmd.Process.Pid)
	if err != nil {
		return err
	}
	fmt.Printf("%-34s first byte after %v (median of %d), peak memory %.1f MB after a page of %d MB\n",
		"streaming, "+name, times[len(times)/2].Round(10*time.Microsecond), len(times), peak, n>>20)
	return nil
}

// document asks for a page as a browser does.
func (p *process) document(path string) (io.ReadCloser, error) {
	req, err := http.NewRequest(http.MethodGet, "http://"+p.addr+path, nil)
	if err != nil {
		return nil, err
	}
	req.Host = p.host()
	req.Header.Set("Accept", "text/html")
	req.Header.Set("Accept-Encoding", "identity")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, err
	}
	if resp.StatusCode != http.StatusOK {
		resp.Body.Close()
		return nil, fmt.Errorf("%s is answered with %s", path, resp.Status)
	}
	return resp.Body, nil
}

// peakMemory returns the peak resident size of a process in MB.
func peakMemory(pid int) (float64, error) {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0, fmt.Errorf("reading the memory of Caddy: %w", err)
	}
	for line := range strings.Lines(string(status)) {
		if kb, ok := strings.CutPrefix(line, "VmHWM:"); ok {
			n, err := strconv.ParseFloat(strings.TrimSuffix(strings.TrimSpace(kb), " kB"), 64)
			return n / 1024, err
		}
	}
	return 0, fmt.Errorf("reading the memory of Caddy: no VmHWM")
}
