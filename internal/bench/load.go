package main

import (
	"fmt"
	"sync"
	"sync/atomic"
	"time"
)

// load is a client with open connections to one server, on each of which it asks
// for the same page, or for one that differs in its query alone, again and again.
type load struct {
	proxy *process
	ask   request
	conns []connection
}

// request is what the client asks for.
type request struct {
	path      string
	header    []string // "Name: value"
	different bool     // each time with another query
}

// asked counts the requests of this run: no two URLs are the same.
var asked atomic.Uint64

// target returns the target of the next request.
func (r request) target() string {
	if r.different {
		return fmt.Sprintf("%s?corp=ding&id=%d", r.path, asked.Add(1))
	}
	return r.path
}

// connection is one to a server, over any version of HTTP.
type connection interface {
	// get asks for a page and reads it to its end. It knows no more of HTTP than it
	// must, to leave the core to the origin.
	get(target string) error
	Close() error
}

const connections = 16

func newLoad(p *process, ask request) (*load, error) {
	dial := map[protocol]func(*process, []string) (connection, error){http1: dialHTTP1, https1: dialHTTP1, https2: dialHTTP2}[p.over]
	l := &load{proxy: p, ask: ask}
	for range connections {
		c, err := dial(p, ask.header)
		if err != nil {
			l.close()
			return nil, err
		}
		l.conns = append(l.conns, c)
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
				errs[i] = c.get(l.ask.target())
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
