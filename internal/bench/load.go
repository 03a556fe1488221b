package main

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http/httputil"
	"strconv"
	"strings"
	"sync"
	"time"
)

// load is a client with open connections to one server, on each of which it asks
// for the same page again and again.
type load struct {
	proxy   *process
	request []byte
	conns   []*connection
}

type connection struct {
	net.Conn
	r *bufio.Reader
}

const connections = 16

func newLoad(p *process, path string, header []string) (*load, error) {
	lines := append([]string{"GET " + path + " HTTP/1.1", "Host: " + p.addr}, header...)
	l := &load{proxy: p, request: []byte(strings.Join(lines, "\r\n") + "\r\n\r\n")}
	for range connections {
		c, err := net.Dial("tcp", p.addr)
		if err != nil {
			l.close()
			return nil, err
		}
		l.conns = append(l.conns, &connection{c, bufio.NewReaderSize(c, 64<<10)})
	}
	return l, nil
}

func (l *load) close() {
	for _, c := range l.conns {
		c.Close()
	}
}

// sample is what one slice of time has shown.
type sample struct {
	rate float64 // requests per second
	cost float64 // microseconds of the proxy's processor time per request
}

// run loads the server for that long, and no longer than it takes to finish.
func (l *load) run(d time.Duration) (sample, error) {
	var (
		all    sync.WaitGroup
		counts = make([]int, len(l.conns))
		errs   = make([]error, len(l.conns))
	)
	before, err := l.proxy.processorTime()
	if err != nil {
		return sample{}, err
	}
	start := time.Now()
	for i, c := range l.conns {
		all.Go(func() {
			for time.Since(start) < d && errs[i] == nil {
				errs[i] = c.get(l.request)
				counts[i]++
			}
		})
	}
	all.Wait()
	elapsed := time.Since(start)
	after, err := l.proxy.processorTime()
	if err != nil {
		return sample{}, err
	}
	n := 0
	for i := range counts {
		if errs[i] != nil {
			return sample{}, errs[i]
		}
		n += counts[i]
	}
	return sample{float64(n) / elapsed.Seconds(), (after - before).Seconds() * 1e6 / float64(n)}, nil
}

// get asks for the page and reads it to its end. It knows no more of HTTP than it
// must, to leave the core to the origin.
func (c *connection) get(request []byte) error {
	if _, err := c.Write(request); err != nil {
		return err
	}
	status, err := c.r.ReadSlice('\n')
	if err != nil {
		return err
	}
	if !bytes.HasPrefix(status, []byte("HTTP/1.1 200 ")) {
		return fmt.Errorf("the proxy answers %q", status)
	}
	length := -1
	for {
		line, err := c.r.ReadSlice('\n')
		if err != nil {
			return err
		}
		if len(line) == 2 {
			break
		}
		if v, ok := bytes.CutPrefix(line, []byte("Content-Length: ")); ok {
			if length, err = strconv.Atoi(string(bytes.TrimSpace(v))); err != nil {
				return err
			}
		}
	}
	if length < 0 {
		if _, err = io.Copy(io.Discard, httputil.NewChunkedReader(c.r)); err == nil {
			_, err = c.r.Discard(len("\r\n"))
		}
		return err
	}
	_, err = c.r.Discard(length)
	return err
}
