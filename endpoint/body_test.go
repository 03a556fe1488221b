package endpoint

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"testing"
	"testing/synctest"
	"time"
)

// pipes are a listener whose connections are in memory, so that time can be faked.
type pipes chan net.Conn

func (p pipes) Accept() (net.Conn, error) {
	conn, open := <-p
	if !open {
		return nil, net.ErrClosed
	}
	return conn, nil
}

func (p pipes) Close() error   { return nil }
func (p pipes) Addr() net.Addr { return &net.IPAddr{} }

// dial returns the client's end of a connection.
func (p pipes) dial() net.Conn {
	client, server := net.Pipe()
	p <- server
	return client
}

// listen serves reports, each of which takes work, over HTTP/1.1 and HTTP/2.
func listen(t *testing.T, work time.Duration) pipes {
	var protocols http.Protocols
	protocols.SetHTTP1(true)
	protocols.SetUnencryptedHTTP2(true)
	server := &http.Server{Protocols: &protocols, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		awaitBody(w, r)
		if readReport(w, r, maxReport, new(report)) {
			time.Sleep(work)
			if r.Context().Err() == nil {
				w.WriteHeader(http.StatusNoContent)
			}
		}
	})}
	p := make(pipes)
	go func() { _ = server.Serve(p) }()
	t.Cleanup(func() {
		close(p)
		_ = server.Close()
	})
	return p
}

func TestABodyThatDoesNotComeIsGivenUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		conn := listen(t, 0).dial()
		defer conn.Close()
		start := time.Now()
		fmt.Fprint(conn, "POST / HTTP/1.1\r\nHost: h5.test\r\nContent-Length: 100\r\n\r\n{")
		resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
		if err != nil {
			t.Fatal(err)
		}
		if took := time.Since(start); resp.StatusCode != http.StatusRequestTimeout || took != bodyWait {
			t.Errorf("status %d after %s", resp.StatusCode, took)
		}
	})
}

func TestABodyThatDoesNotComeIsGivenUpOnHTTP2(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := listen(t, 0)
		var protocols http.Protocols
		protocols.SetUnencryptedHTTP2(true)
		client := &http.Transport{Protocols: &protocols, DialContext: func(context.Context, string, string) (net.Conn, error) { return p.dial(), nil }}
		defer client.CloseIdleConnections()
		body, end := io.Pipe()
		defer end.Close()
		start := time.Now()
		resp, err := client.RoundTrip(must(http.NewRequest(http.MethodPost, "http://h5.test/", body)))
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		if took := time.Since(start); resp.StatusCode != http.StatusRequestTimeout || resp.ProtoMajor != 2 || took != bodyWait {
			t.Errorf("%s %d after %s", resp.Proto, resp.StatusCode, took)
		}
	})
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// TestAnAnnouncedGigabyteIsNotAskedFor: 413 comes in the place of 100 Continue.
func TestAnAnnouncedGigabyteIsNotAskedFor(t *testing.T) {
	for name, announced := range map[string]int{"a gigabyte": 1 << 30, "a byte too many": maxReport + maxURLs + 1} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				conn := listen(t, 0).dial()
				defer conn.Close()
				start := time.Now()
				fmt.Fprintf(conn, "POST / HTTP/1.1\r\nHost: h5.test\r\nExpect: 100-continue\r\nContent-Length: %d\r\n\r\n", announced)
				line, err := bufio.NewReader(conn).ReadString('\n')
				if line != "HTTP/1.1 413 Request Entity Too Large\r\n" || time.Since(start) != 0 {
					t.Errorf("%q %v after %s", line, err, time.Since(start))
				}
			})
		})
	}
}

// A report may wait for a ticket: longer than its body might have taken.
func TestTheTimeOfABodyEndsWithIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		conn := listen(t, 2*bodyWait).dial()
		defer conn.Close()
		fmt.Fprint(conn, "POST / HTTP/1.1\r\nHost: h5.test\r\nContent-Length: 2\r\n\r\n{}")
		resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
		if err != nil || resp.StatusCode != http.StatusNoContent {
			t.Fatal(resp, err)
		}
	})
}
