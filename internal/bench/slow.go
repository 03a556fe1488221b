package main

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"
)

// slowPages is how many pages are under way at a time: 10 000, or as many as the
// descriptors suffice for, two a page in each process.
func slowPages() int {
	n := 10_000
	var limit unix.Rlimit
	if unix.Getrlimit(unix.RLIMIT_NOFILE, &limit) == nil {
		n = min(n, int(min(limit.Max, 1<<20)-3000)/2)
	}
	return n - n%dialers
}

// dialers is how many of them are asked for at a time.
const dialers = 8

// slow measures the memory that each of many pages holds whose beginning has
// come and whose rest is late.
func slow(dir, caddy, directive string) error {
	n := slowPages()
	var perPage [2]float64
	for i, directives := range []string{"", directive} {
		used, err := memoryOfSlowPages(dir, caddy, directives, n)
		if err != nil {
			return err
		}
		perPage[i] = used
	}
	fmt.Printf("%-34s %.1f KB each plain, %.1f KB signed: %.1f KB more  goal 8.0\n",
		fmt.Sprintf("%d slow pages", n), perPage[0], perPage[1], perPage[1]-perPage[0])
	return nil
}

// memoryOfSlowPages returns the kilobytes that a page holds: live heap and stacks
// with all of them under way, less those without any, divided by their number.
func memoryOfSlowPages(dir, caddy, directives string, n int) (float64, error) {
	var begun atomic.Int64
	end := make(chan struct{})
	origin := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		start := "<!DOCTYPE html>\n<html>\n<head>\n<title>slow</title>\n" + strings.Repeat("<!-- style -->\n", 100)
		const rest = 10 << 10
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		w.Header().Set("Content-Length", strconv.Itoa(len(start)+rest))
		_, _ = io.WriteString(w, start)
		_ = http.NewResponseController(w).Flush()
		begun.Add(1)
		<-end
		_, _ = io.WriteString(w, strings.Repeat(" ", rest))
	}))
	defer origin.Close()
	defer close(end)
	p, err := site{binary: caddy, directives: directives, upstream: strings.TrimPrefix(origin.URL, "http://"), admin: true}.start(dir)
	if err != nil {
		return 0, err
	}
	defer p.stop()
	before, err := liveMemory(p.admin)
	if err != nil {
		return 0, err
	}
	conns, err := askForPages(p, n)
	defer func() {
		for _, c := range conns {
			c.Close()
		}
	}()
	if err != nil {
		return 0, err
	}
	for deadline := time.Now().Add(2 * time.Minute); begun.Load() < int64(n); time.Sleep(50 * time.Millisecond) {
		if time.Now().After(deadline) {
			return 0, fmt.Errorf("only %d of %d slow pages have begun", begun.Load(), n)
		}
	}
	time.Sleep(2 * time.Second) // the last beginnings are on their way through Caddy
	after, err := liveMemory(p.admin)
	return (after - before) / 1024 / float64(n), err
}

// askForPages sends a request on each of n connections.
func askForPages(p *process, n int) (conns []net.Conn, err error) {
	var (
		mu  sync.Mutex
		all sync.WaitGroup
	)
	for range dialers {
		all.Go(func() {
			for range n / dialers {
				c, e := net.Dial("tcp", p.addr)
				if e == nil {
					_, e = io.WriteString(c, "GET / HTTP/1.1\r\nHost: "+p.host()+"\r\nSec-Fetch-Dest: document\r\n\r\n")
				}
				mu.Lock()
				if e != nil {
					err = e
				} else {
					conns = append(conns, c)
				}
				mu.Unlock()
			}
		})
	}
	all.Wait()
	return conns, err
}

var memoryLine = regexp.MustCompile(`(?m)^# (HeapAlloc|Stack) = (\d+)`)

// liveMemory returns the bytes of live heap and stacks of a Caddy.
func liveMemory(admin string) (bytes float64, err error) {
	for range 2 { // pools are emptied by the second collection
		resp, err := http.Get("http://" + admin + "/debug/pprof/heap?gc=1&debug=1")
		if err != nil {
			return 0, fmt.Errorf("asking Caddy for its memory: %w", err)
		}
		text, err := io.ReadAll(resp.Body)
		resp.Body.Close()
		if err != nil {
			return 0, err
		}
		bytes = 0
		for _, m := range memoryLine.FindAllSubmatch(text, -1) {
			v, _ := strconv.ParseFloat(string(m[2]), 64)
			bytes += v
		}
	}
	return bytes, nil
}
