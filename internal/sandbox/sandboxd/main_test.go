package main

import (
	"bufio"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/caddy-dingtalk/caddy-dingtalk/internal/sandbox"
)

func TestRunServesEverythingUntilItIsStopped(t *testing.T) {
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	out, printed := io.Pipe()
	done := make(chan error, 1)
	go func() { done <- run(ctx, "127.0.0.1:0", sandbox.Options{}, printed) }()

	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	var info map[string]string
	if err := json.Unmarshal([]byte(line), &info); err != nil {
		t.Fatalf("%v in %q", err, line)
	}
	for _, name := range []string{"base", "app_key", "app_secret", "corp_id", "agent_id"} {
		if info[name] == "" {
			t.Errorf("no %s in %s", name, line)
		}
	}

	login := "/gettoken?" + url.Values{"appkey": {info["app_key"]}, "appsecret": {info["app_secret"]}}.Encode()
	for path, want := range map[string]string{
		login:            `"access_token"`,
		"/sandbox/state": `"calls"`,
		"/native.js":     "__ddNative",
		"/":              "<!DOCTYPE html>",
		"/broken/port":   "<!DOCTYPE html>",
		"/else":          "请求的URI地址不存在",
	} {
		resp, err := http.Get(info["base"] + path)
		if err != nil {
			t.Fatal(err)
		}
		body, _ := io.ReadAll(resp.Body)
		resp.Body.Close()
		if !strings.Contains(string(body), want) {
			t.Errorf("%s answers %.200s", path, body)
		}
	}

	stop()
	if err := <-done; err != nil {
		t.Errorf("stopped with %v", err)
	}
	if _, err := http.Get(info["base"] + "/"); err == nil {
		t.Error("still serving after it was stopped")
	}
}

func TestRunSaysWhyItCannotListen(t *testing.T) {
	if err := run(t.Context(), "127.0.0.1:no-such-port", sandbox.Options{}, io.Discard); err == nil {
		t.Error("listens on a port that does not exist")
	}
}
