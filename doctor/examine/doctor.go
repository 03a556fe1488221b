// Package examine examines the dingtalk handlers of a configuration that need not
// run: what they are told, the way to DingTalk, the credential, the ticket and
// the storage. It says of each what is right, what is wrong and what to do.
//
// It leaves a running server alone: it asks no admin API, listens nowhere, and
// writes to the storage one key of its own, `dingtalk/doctor-…`, which it deletes
// again, and one lock, which it releases. A ticket that it must fetch is stored
// where the servers find it, for under DingTalk's older rules a ticket that is
// fetched kills the one before.
package examine

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/caddyserver/caddy/v2"

	"github.com/caddy-dingtalk/caddy-dingtalk/config"
	"github.com/caddy-dingtalk/caddy-dingtalk/tokens"
)

// Options are what an examination needs; all are required. The functions are what
// the module itself does with a configuration whose placeholders are resolved.
type Options struct {
	Modules caddy.Context                      // where storage modules are loaded, see Modules
	Source  func(*config.Config) tokens.Source // the API calls for its credential
	AppName func(*config.Config) string        // its app's name in the storage
	SignIn  SignIn                             // for handlers with `login`
}

// ErrNoHandler says that there is nothing to examine.
var ErrNoHandler = errors.New("no dingtalk handler in this configuration: add the dingtalk directive to a site, or name the right file with --config")

// Examine examines all handlers of a configuration in Caddy's own JSON. What is
// wrong with a handler stands in the report; the error is ErrNoHandler, or says
// that the configuration cannot be read, or that ctx has ended.
func Examine(ctx context.Context, configuration []byte, o Options) (Report, error) {
	found, err := find(configuration)
	if err != nil {
		return nil, err
	}
	if len(found.places) == 0 {
		return nil, ErrNoHandler
	}
	e := &examiner{Options: o, storage: found.storage, known: make(map[string]int)}
	for _, p := range found.places {
		e.examine(ctx, p)
		if ctx.Err() != nil {
			return nil, fmt.Errorf("examining the handlers: %w", ctx.Err())
		}
	}
	return e.report, nil
}

// examiner goes from handler to handler.
type examiner struct {
	Options
	storage json.RawMessage // Caddy's own, as configured
	known   map[string]int  // app and storage -> the first handler with them, from 1
	report  Report
}

// examine adds one handler to the report. What belongs to its app is checked
// once, however many handlers have the same.
func (e *examiner) examine(ctx context.Context, p place) {
	h := Handler{Server: p.server, Listen: append([]string{}, p.listen...), Hosts: append([]string{}, p.hosts...), App: appID(&p.config)}
	resolved, checks := settings(p)
	h.Checks = checks
	if resolved != nil {
		h.App = appID(resolved)
		h.Checks = append(append(h.Checks, origins(p, resolved)...), endpointCheck(p, resolved)...)
		key := fmt.Sprintf("%s %s", e.AppName(resolved), resolved.StorageRaw)
		if first := e.known[key]; first != 0 {
			h.SameAppAs = first
			h.shared, h.calls = e.report[first-1].shared, e.report[first-1].calls
		} else {
			e.known[key] = len(e.report) + 1
			h.shared, h.calls = e.app(ctx, resolved)
		}
		h.before = len(h.Checks)
		h.Checks = append(h.Checks, h.shared...)
		if resolved.Login != nil && !resolved.Many() {
			h.Checks = append(h.Checks, e.signIn(ctx, p, resolved, h.calls)...)
		}
	}
	e.report = append(e.report, h)
}

// appID is what DingTalk's console calls the app.
func appID(c *config.Config) string {
	if c.AppKey != "" {
		return c.AppKey
	}
	return c.CorpID
}
