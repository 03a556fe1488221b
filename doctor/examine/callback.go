package examine

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"time"

	"github.com/caddy-dingtalk/caddy-dingtalk/config"
	"github.com/caddy-dingtalk/caddy-dingtalk/doctor"
	"github.com/caddy-dingtalk/caddy-dingtalk/signer"
	"github.com/caddy-dingtalk/caddy-dingtalk/tenant/suite"
)

// pushTime bounds a push: longer than DingTalk waits, to tell a slow answer from none.
const pushTime = 10 * time.Second

// callbackOf is where DingTalk pushes to.
func callbackOf(p place, c *config.Config, block *config.Suite) doctor.Callback {
	at := doctor.Callback{Origin: siteOrigin(p, c), Path: c.Endpoint + "/callback"}
	if block.Callback != "" {
		at.Path, at.App = block.Callback, true
	}
	return at
}

// push sends a push that tells nothing to a callback, as DingTalk does when it is written
// into the console.
func push(ctx context.Context, probe *suite.Probe, at doctor.Callback) doctor.Callback {
	if at.Origin == (signer.Origin{}) {
		return at
	}
	transport := &http.Transport{Proxy: http.ProxyFromEnvironment}
	client := &http.Client{Timeout: pushTime, Transport: transport, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	defer client.CloseIdleConnections()
	begin := time.Now()
	resp, err := send(ctx, client, at.URL(), probe.CheckURL())
	if at.Certificate = certificateError(err); at.Certificate != nil {
		return at
	}
	if err != nil {
		at.Err = err
		return at
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(resp.Body, maxPage))
	if at.Took, at.Err = time.Since(begin), err; err != nil {
		return at
	}
	at.Status, at.Location = resp.StatusCode, resp.Header.Get("Location")
	at.Success = resp.StatusCode == http.StatusOK && probe.Success(answer)
	var refused struct{ Error struct{ Code string } }
	if json.Unmarshal(answer, &refused) == nil && ours(resp.Header) {
		at.Code = refused.Error.Code
		at.Ours = at.Code != ""
	}
	return at
}

func send(ctx context.Context, client *http.Client, target string, p suite.Push) (*http.Response, error) {
	q := url.Values{"msg_signature": {p.Signature}, "signature": {p.Signature}, "timestamp": {p.Timestamp}, "nonce": {p.Nonce}}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, target+"?"+q.Encode(), bytes.NewReader(p.Body))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("User-Agent", "caddy-dingtalk doctor")
	resp, err := client.Do(req)
	var failed *url.Error
	if errors.As(err, &failed) {
		err = failed.Err // without the query
	}
	return resp, err
}
