// Package robot sends messages to DingTalk (钉钉) groups through their custom
// robots (自定义机器人): each checked before it is sent, because DingTalk answers
// "ok" to some messages that it never shows.
//
// [New] makes a robot of its webhook and, where 加签 is on, its secret. A [Robot]
// makes one try for each [Robot.Send]. What became of it is nil, an
// [*InvalidError] (nothing was sent), or a [*SendError] that says what to do next.
// Who repeats a message wraps it into [Once] first. DingTalk takes 20 messages a
// minute from a robot; beyond that it takes none for 10 minutes.
//
// The package needs the standard library only. Webhook and secret appear in no
// error.
package robot

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"time"
)

// Timeout bounds one try, from the name lookup to the last byte.
const Timeout = 5 * time.Second

// answerLimit is far above any answer of robot/send, in bytes.
const answerLimit = 64 << 10

// Robot is one custom robot of one group. It is safe for concurrent use.
type Robot struct {
	webhook *url.URL
	token   string
	secret  string
	keyword string
	client  *http.Client
}

// Option changes what [New] makes.
type Option func(*Robot)

// Keyword puts a word in front of messages that lack it, for robots with
// 自定义关键词.
func Keyword(word string) Option { return func(r *Robot) { r.keyword = word } }

// Client makes the calls; redirects are not followed, whatever it says. Default:
// one with [http.DefaultTransport], and so with the proxy of the environment.
func Client(c *http.Client) Option {
	return func(r *Robot) {
		own := *c
		r.client = &own
	}
}

// New returns a robot. The webhook is what DingTalk shows in the robot's settings,
// with its access_token; it must be https, or http to a loopback or private host.
// The secret is that of 加签, which begins with SEC; "" where it is off.
func New(webhook, secret string, options ...Option) (*Robot, error) {
	u, err := parseWebhook(webhook)
	if err != nil {
		return nil, fmt.Errorf("webhook %w", err)
	}
	if err := CheckSecret(secret); err != nil {
		return nil, fmt.Errorf("secret %w", err)
	}
	r := &Robot{webhook: u, token: u.Query().Get("access_token"), secret: secret, client: new(http.Client)}
	for _, option := range options {
		option(r)
	}
	r.client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return r, nil
}

// Host returns where the robot's calls go, host and port.
func (r *Robot) Host() string { return r.webhook.Host }

// Format prints the robot without token and secret, whatever the verb.
func (r Robot) Format(w fmt.State, _ rune) { fmt.Fprintf(w, "robot.Robot(%s)", r.webhook.Host) }

// Prepared returns the message as it would be sent, with the robot's keyword, or
// an *InvalidError.
func (r *Robot) Prepared(m Message) (Message, error) {
	if !blank(r.keyword) {
		m = m.with(r.keyword)
	}
	return m, m.Validate()
}

// Send makes one try, of at most [Timeout]. It returns nil if DingTalk has taken
// the message: HTTP status 200 and an errcode that is there and 0. Otherwise the
// error is an *InvalidError, and nothing was sent, or a *SendError.
func (r *Robot) Send(ctx context.Context, m Message) error {
	m, err := r.Prepared(m)
	if err != nil {
		return err
	}
	if _, ok := m.(once); !ok {
		m = Once(m)
	}
	content, err := json.Marshal(m.body())
	if err != nil {
		return fmt.Errorf("encoding the message: %w", err)
	}
	ctx, cancel := context.WithTimeout(ctx, Timeout)
	defer cancel()
	target, sign := r.target(time.Now())
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, target, bytes.NewReader(content))
	if err != nil {
		return fmt.Errorf("making the call: %w", withoutURL(err))
	}
	req.Header.Set("Content-Type", "application/json; charset=utf-8")
	resp, err := r.client.Do(req)
	if err != nil {
		return unreachable(r.hide(withoutURL(err).Error(), sign), errors.Is(err, context.Canceled))
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(resp.Body, answerLimit))
	if err != nil {
		return unreachable(r.hide("reading the answer: "+err.Error(), sign), errors.Is(err, context.Canceled))
	}
	if failure := judge(resp.StatusCode, answer); failure != nil {
		failure.Text = clean(r.hide(failure.Text, sign))
		failure.Advice = advice(failure)
		return failure
	}
	return nil
}

// withoutURL drops the URL, which holds the token, from an error of net/http.
func withoutURL(err error) error {
	if e, ok := errors.AsType[*url.Error](err); ok {
		return e.Err
	}
	return err
}

// newUUID returns a random UUID, version 4.
func newUUID() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}
