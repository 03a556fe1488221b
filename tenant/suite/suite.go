// Package suite is a third-party app (ISV) that many corps have authorised: what
// DingTalk pushes to its callback, which corps it serves, and their tokens, all of
// it shared by the fleet.
package suite

import (
	"context"
	"time"

	"go.uber.org/zap"

	"github.com/caddy-dingtalk/caddy-dingtalk/observe"
	"github.com/caddy-dingtalk/caddy-dingtalk/tokens"
)

// Storage is what the fleet shares: the part of certmagic.Storage that is used here.
type Storage interface {
	tokens.Storage
	Delete(ctx context.Context, key string) error
}

// Options are what a [Suite] is made of. Key, Secret, Storage, Log and Events must be
// set, and either Token and AESKey or Ticket.
type Options struct {
	Key, Secret string // SuiteKey and SuiteSecret
	// Token and AESKey (32 bytes, decoded) are those of the callback.
	Token  string
	AESKey []byte
	// Ticket is the suite_ticket of custom and test apps, to which none is pushed.
	Ticket string
	// AppID is which of the suite's micro apps is meant. Default: whichever the corp has.
	AppID string
	// CallbackPath is the app's own callback, at which pushes are listened to. Default: none.
	CallbackPath string

	Legacy            bool   // calls of oapi.dingtalk.com instead of api.dingtalk.com
	APIBase, OAPIBase string // see oapi.Options
	UserAgent         string

	Storage Storage
	Log     *zap.Logger
	Events  *observe.Emitter
}

// Suite is a third-party app of one directive. All of a process that have the same key
// share what they know.
type Suite struct{ o Options }

// Suites are those of one directive, which share its callback.
type Suites []*Suite

// Corp is one corp that has authorised the suite, with the agent that is meant.
type Corp struct {
	ID      string
	AgentID string
	// Tokens are those of the corp for this suite. It is the same pointer as long as
	// the corp is held in memory.
	Tokens *tokens.App
}

// Open makes a suite. Nothing is read and nobody called before the configuration runs. It
// must be closed, once.
func Open(o Options) (*Suite, error) { return &Suite{o}, nil }

// Close gives back what the suite shares with its successor.
func (s *Suite) Close() {}

// Key is the SuiteKey.
func (s *Suite) Key() string { return s.o.Key }

// Name is that of the suite in the storage: dingtalk/<name>/…
func (s *Suite) Name() string { return s.o.Key }

// Find returns the corp with that corpId, and the agent of it: agentID, or the only one
// where that is "". A corp that is held is found at once. Another one is looked up in the
// storage and, where nobody knows it, at DingTalk, which the caller waits for no longer
// than wait. The error is an *Error, or that of ctx.
func (s *Suite) Find(_ context.Context, corpID, _ string, _ time.Duration) (Corp, error) {
	return Corp{}, &Error{Kind: Unknown, CorpID: corpID}
}
