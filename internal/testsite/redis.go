package testsite

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// Redis is a redis-server of a test, which keeps its data over a restart.
type Redis struct {
	Socket string
	dir    string
	cmd    *exec.Cmd
}

// StartRedis starts a server that ends with the test. Where there is none to start the test is
// skipped, or fails with REDIS=required.
func StartRedis(t testing.TB) *Redis {
	t.Helper()
	if _, err := exec.LookPath("redis-server"); err != nil {
		if os.Getenv("REDIS") == "required" {
			t.Fatalf("REDIS=required, but %v", err)
		}
		t.Skip("redis-server is not installed: apt-get install redis-server, or set REDIS=required to fail here")
	}
	r := &Redis{dir: Folder(t)}
	r.Socket = filepath.Join(r.dir, "s")
	r.Start(t)
	t.Cleanup(r.Kill)
	return r
}

// Start starts it, again after Stop or Kill, with the data that it had: each write was flushed
// before it was answered.
func (r *Redis) Start(t testing.TB) {
	t.Helper()
	r.cmd = exec.Command("redis-server", "--port", "0", "--unixsocket", r.Socket, "--dir", r.dir, "--save", "",
		"--appendonly", "yes", "--appendfsync", "always", "--daemonize", "no", "--logfile", filepath.Join(r.dir, "log"))
	if err := r.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	Eventually(t, "a Redis that answers", func() bool {
		_, err := (&redis{socket: r.Socket}).do(context.Background(), "PING")
		return err == nil
	})
}

// Kill ends it at once.
func (r *Redis) Kill() {
	_ = r.cmd.Process.Kill()
	_ = r.cmd.Wait()
}

// Do sends a command.
func (r *Redis) Do(t testing.TB, args ...string) any {
	t.Helper()
	got, err := (&redis{socket: r.Socket}).do(t.Context(), args...)
	if err != nil {
		t.Fatalf("%v: %v", args, err)
	}
	return got
}

// redis speaks to a server by its protocol, RESP2. Its connections are kept.
type redis struct {
	socket string
	idle   chan *redisConn
}

// newRedis keeps up to so many connections.
func newRedis(socket string) *redis { return &redis{socket, make(chan *redisConn, 8)} }

type redisConn struct {
	net.Conn
	in *bufio.Reader
}

// redisTime bounds a call, as the clients of storages do by default.
const redisTime = 3 * time.Second

// errNil is the answer of a key that is not there.
var errNil = errors.New("redis: nil")

// do sends a command: its answer is a string, an int64 or a list of those.
func (r *redis) do(ctx context.Context, args ...string) (any, error) {
	conn, err := r.take(ctx)
	if err != nil {
		return nil, err
	}
	end := time.Now().Add(redisTime)
	if d, ok := ctx.Deadline(); ok && d.Before(end) {
		end = d
	}
	_ = conn.SetDeadline(end)
	stop := context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Unix(1, 0)) })
	var b strings.Builder
	fmt.Fprintf(&b, "*%d\r\n", len(args))
	for _, arg := range args {
		fmt.Fprintf(&b, "$%d\r\n%s\r\n", len(arg), arg)
	}
	if _, err = io.WriteString(conn, b.String()); err == nil {
		var got any
		got, err = conn.read()
		var said redisError
		if stop() && (err == nil || errors.Is(err, errNil) || errors.As(err, &said)) {
			r.give(conn)
			return got, err
		}
	}
	_ = conn.Close()
	return nil, err
}

// take returns a connection that is idle, or a new one.
func (r *redis) take(ctx context.Context) (*redisConn, error) {
	select {
	case conn := <-r.idle:
		_ = conn.SetReadDeadline(time.Now().Add(-time.Second))
		if _, err := conn.in.Peek(1); errors.Is(err, os.ErrDeadlineExceeded) {
			conn.in.Reset(conn.Conn)
			return conn, nil
		}
		_ = conn.Close() // the server has gone meanwhile
	default:
	}
	conn, err := (&net.Dialer{Timeout: redisTime}).DialContext(ctx, "unix", r.socket)
	if err != nil {
		return nil, err
	}
	return &redisConn{conn, bufio.NewReader(conn)}, nil
}

func (r *redis) give(conn *redisConn) {
	select {
	case r.idle <- conn:
	default:
		_ = conn.Close()
	}
}

// redisError is a refusal of the server.
type redisError string

func (e redisError) Error() string { return "redis: " + string(e) }

// read reads one answer.
func (c *redisConn) read() (any, error) {
	line, err := c.in.ReadString('\n')
	if err != nil {
		return nil, err
	}
	line = strings.TrimSuffix(line, "\r\n")
	if line == "" {
		return nil, errors.New("redis: an empty line")
	}
	switch kind, rest := line[0], line[1:]; kind {
	case '+':
		return rest, nil
	case '-':
		return nil, redisError(rest)
	case ':':
		return strconv.ParseInt(rest, 10, 64)
	case '$':
		n, err := strconv.Atoi(rest)
		if err != nil || n < 0 {
			return nil, errors.Join(err, errNil)
		}
		value := make([]byte, n+2)
		if _, err := io.ReadFull(c.in, value); err != nil {
			return nil, err
		}
		return string(value[:n]), nil
	case '*':
		n, err := strconv.Atoi(rest)
		if err != nil {
			return nil, err
		}
		list := make([]any, 0, max(n, 0))
		for range n {
			e, err := c.read()
			if err != nil {
				return nil, err
			}
			list = append(list, e)
		}
		return list, nil
	}
	return nil, fmt.Errorf("redis: cannot read %q", line)
}
