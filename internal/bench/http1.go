package main

import (
	"bufio"
	"bytes"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http/httputil"
	"strconv"
	"strings"
)

// http1Conn speaks HTTP/1.1, with TLS or without.
type http1Conn struct {
	net.Conn
	r       *bufio.Reader
	request []byte
	headers string // what follows the target
}

func dialHTTP1(p *process, header []string) (connection, error) {
	c, err := p.dial("http/1.1")
	if err != nil {
		return nil, err
	}
	lines := append([]string{" HTTP/1.1", "Host: " + p.host()}, header...)
	return &http1Conn{Conn: c, r: bufio.NewReaderSize(c, 64<<10), headers: strings.Join(lines, "\r\n") + "\r\n\r\n"}, nil
}

func (c *http1Conn) get(target string) error {
	c.request = append(append(append(c.request[:0], "GET "...), target...), c.headers...)
	if _, err := c.Write(c.request); err != nil {
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

// dial opens a connection, and makes the handshake where the server wants one.
func (p *process) dial(protocol string) (net.Conn, error) {
	c, err := net.Dial("tcp", p.addr)
	if err != nil || p.over == http1 {
		return c, err
	}
	t := tls.Client(c, &tls.Config{ServerName: hostName, InsecureSkipVerify: true, NextProtos: []string{protocol}}) //nolint:gosec // our own, of a moment ago
	if err := t.Handshake(); err != nil {
		c.Close()
		return nil, fmt.Errorf("shaking hands with Caddy: %w", err)
	}
	return t, nil
}

// host is what a browser calls the server.
func (p *process) host() string {
	_, port, _ := net.SplitHostPort(p.addr)
	return hostName + ":" + port
}
