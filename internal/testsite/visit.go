package testsite

import (
	"bufio"
	"fmt"
	"maps"
	"net"
	"net/http"
	"strconv"
	"sync"
	"testing"
	"time"
)

// SignedPage is what became of a page that DingTalk accepts.
const SignedPage = "signed"

// Visit asks for a page and says what became of it.
func (s *Site) Visit(t testing.TB, path string) string {
	t.Helper()
	a, err := s.Ask(path)
	if err != nil {
		return err.Error()
	}
	return s.Outcome(t, a, path)
}

// Ask asks for a page, once, for those whom a failure does not end.
func (s *Site) Ask(path string) (*Answer, error) {
	req, err := http.NewRequest(http.MethodGet, s.URL+path, nil)
	if err != nil {
		return nil, err
	}
	req.Header = DocumentHeader()
	resp, err := s.Client.Do(req)
	if err != nil {
		return nil, err
	}
	return Read(resp), nil
}

// Outcome says what became of a page: signed, or why not.
func (s *Site) Outcome(t testing.TB, a *Answer, path string) string {
	t.Helper()
	if a.Err != nil {
		return a.Err.Error()
	}
	if a.Status != http.StatusOK {
		return "status " + strconv.Itoa(a.Status)
	}
	got := a.Snippet(t)
	switch {
	case got == nil:
		return "no snippet"
	case got.Sidecar.Error != nil:
		return got.Sidecar.Error.Code + ": " + got.Sidecar.Error.Message
	case !s.Ding.Verify(got.Params(t), s.URL+path).OK:
		return "refused"
	}
	return SignedPage
}

// Tally is how many pages had which outcome.
type Tally map[string]int

// Crowd lets visitors ask each process for a page of the app. All of them have
// asked before the first reads. They are connections, not goroutines: the race
// detector takes no more than 8128 of those.
func (f *Fleet) Crowd(t testing.TB, a *FleetApp, visitors int) Tally {
	t.Helper()
	var mu sync.Mutex
	count := make(Tally)
	conns := make([][]net.Conn, len(f.Processes))
	each := func(do func(i, n int) string) {
		var all sync.WaitGroup
		for i := range f.Processes {
			all.Go(func() {
				for n := range visitors {
					if outcome := do(i, n); outcome != "" {
						mu.Lock()
						count[outcome]++
						mu.Unlock()
					}
				}
			})
		}
		all.Wait()
	}
	path := func(n int) string { return fmt.Sprint("/p?n=", n) }
	each(func(i, n int) string {
		conn, err := net.Dial("tcp", f.Processes[i].addr)
		conns[i] = append(conns[i], conn)
		return fault(err)
	})
	each(func(i, n int) string {
		if conns[i][n] == nil {
			return ""
		}
		_ = conns[i][n].SetDeadline(time.Now().Add(time.Minute))
		_, err := fmt.Fprintf(conns[i][n], "GET %s HTTP/1.1\r\nHost: %s\r\nSec-Fetch-Dest: document\r\nAccept: text/html\r\n\r\n", path(n), a.host(f.Processes[i]))
		return fault(err)
	})
	each(func(i, n int) string {
		if conns[i][n] == nil {
			return ""
		}
		defer conns[i][n].Close()
		resp, err := http.ReadResponse(bufio.NewReader(conns[i][n]), nil)
		if err != nil {
			return err.Error()
		}
		return f.Site(i, a).Outcome(t, Read(resp), path(n))
	})
	return count
}

func fault(err error) string {
	if err != nil {
		return err.Error()
	}
	return ""
}

// Expect compares what became of pages.
func (c Tally) Expect(t testing.TB, want Tally) {
	t.Helper()
	if !maps.Equal(c, want) {
		t.Errorf("pages %v, want %v", c, want)
	}
}

// Visited is a page that somebody has asked for.
type Visited struct {
	App        *FleetApp
	Outcome    string
	Start, End time.Time
}

// Load asks each process again and again for a page of each app, until stop is
// called, which returns what has become of them.
func (f *Fleet) Load(t testing.TB, pause time.Duration) (stop func() []Visited) {
	var (
		mu    sync.Mutex
		pages []Visited
		all   sync.WaitGroup
	)
	ended := make(chan struct{})
	for i := range f.Processes {
		for _, a := range f.Apps {
			s := f.Site(i, a)
			all.Go(func() {
				tick := time.NewTicker(pause)
				defer tick.Stop()
				for {
					select {
					case <-ended:
						return
					case <-tick.C:
					}
					start := time.Now()
					outcome := s.Visit(t, "/p")
					mu.Lock()
					pages = append(pages, Visited{a, outcome, start, time.Now()})
					mu.Unlock()
				}
			})
		}
	}
	stop = sync.OnceValue(func() []Visited {
		close(ended)
		all.Wait()
		return pages
	})
	t.Cleanup(func() { stop() })
	return stop
}
