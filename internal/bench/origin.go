package main

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"

	"github.com/caddy-dingtalk/caddy-dingtalk/internal/sandbox"
)

// startAPI starts the simulated DingTalk.
func startAPI() *httptest.Server {
	return httptest.NewServer(sandbox.New(sandbox.Options{AppKey: "bench", AppSecret: "secret"}))
}

const nginxConf = `worker_processes 1;
daemon off;
pid %[1]s/nginx.pid;
error_log %[1]s/nginx.err;
events { worker_connections 1024; }
http {
	access_log off;
	sendfile on;
	keepalive_requests 1000000;
	types { text/html html; text/javascript js; }
	charset utf-8;
	server {
		listen %[2]s;
		root %[1]s/www;
		location /gz/ { gzip_static always; }
		location /bare/ { charset off; alias %[1]s/www/; }
		location /bare/gz/ { charset off; gzip_static always; alias %[1]s/www/gz/; }
	}
}
`

// startOrigin starts nginx with the pages.
func startOrigin(dir string) (*process, error) {
	www := filepath.Join(dir, "www")
	if err := os.MkdirAll(filepath.Join(www, "gz"), 0o755); err != nil {
		return nil, err
	}
	if err := os.Chmod(dir, 0o755); err != nil {
		return nil, err
	}
	for name, size := range map[string]int{"1k": 1 << 10, "30k": 30 << 10, "300k": 300 << 10} {
		body := page(size)
		var packed bytes.Buffer
		z := gzip.NewWriter(&packed)
		_, _ = z.Write(body)
		_ = z.Close()
		for file, data := range map[string][]byte{name + ".html": body, "gz/" + name + ".html.gz": packed.Bytes()} {
			if err := os.WriteFile(filepath.Join(www, file), data, 0o644); err != nil {
				return nil, err
			}
		}
	}
	if err := os.WriteFile(filepath.Join(www, "64k.js"), bytes.Repeat([]byte("var a = 1; // b\n"), 4<<10), 0o644); err != nil {
		return nil, err
	}
	addr, err := freeAddr()
	if err != nil {
		return nil, err
	}
	conf := filepath.Join(dir, "nginx.conf")
	if err := os.WriteFile(conf, fmt.Appendf(nil, nginxConf, dir, addr), 0o644); err != nil {
		return nil, err
	}
	return start(&process{cmd: exec.Command("taskset", "-c", "1", "nginx", "-e", filepath.Join(dir, "nginx.err"), "-c", conf), addr: addr})
}

// page returns an HTML document of about that size, of words that compress as
// ordinary pages do.
func page(size int) []byte {
	b := []byte("<!DOCTYPE html>\n<html lang=\"zh-CN\">\n<head>\n<meta charset=\"utf-8\">\n<title>审批</title>\n</head>\n<body>\n")
	for i := 0; len(b) < size-20; i++ {
		b = fmt.Appendf(b, "<p id=\"p%d\" class=\"c%d\">%x 请假 %d</p>\n", i, i*7%13, i*2654435761, i*i)
	}
	return append(b, "</body>\n</html>\n"...)
}
