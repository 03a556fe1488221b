// Package suite is a third-party app (ISV) that many corps have authorised: what
// DingTalk pushes to its callback, which corps it serves, and their tokens, all of
// it shared by the fleet.
package suite

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/caddyserver/caddy/v2"
	"go.uber.org/zap"

	"github.com/caddy-dingtalk/caddy-dingtalk/oapi"
	"github.com/caddy-dingtalk/caddy-dingtalk/observe"
	"github.com/caddy-dingtalk/caddy-dingtalk/tokens"
)

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

	transport http.RoundTripper // of the calls, for tests
}

// Suite is a third-party app of one directive. All of a process that have the same key
// share what they know.
type Suite struct {
	o       Options
	fleet   *fleet
	crypt   *Crypt // nil where nothing is pushed
	api     *oapi.Suite
	notices *observe.Notices
	close   func()
}

// Suites are those of one directive, which share its callback.
type Suites []*Suite

// Corp is one corp that has authorised the suite, with the agent that is meant.
type Corp struct {
	ID      string
	AgentID string
	// Revoked is when the corp last revoked the suite, in unix milliseconds; 0: never.
	Revoked int64
	// Tokens are those of the corp for this suite. It is the same pointer as long as
	// the corp is held in memory.
	Tokens *tokens.App
}

// fleets outlives a reload of the configuration.
var fleets = caddy.NewUsagePool()

// Open makes a suite. Nothing is read and nobody called before the configuration runs. It
// must be closed, once.
func Open(o Options) (*Suite, error) {
	s, err := newSuite(o)
	if err != nil {
		return nil, err
	}
	// What the secret is for must not go on with what the wrong one has led to; what is in
	// the storage is DingTalk's and stays.
	pool := fmt.Sprintf("%s %x", o.name(), sha256.Sum256([]byte(o.Secret+"\n"+o.Ticket)))
	value, _, err := fleets.LoadOrNew(pool, func() (caddy.Destructor, error) { return newFleet(o.name(), o.Key, maxCorps), nil })
	if err != nil {
		return nil, fmt.Errorf("opening suite %s: %w", o.Key, err)
	}
	beginCounting()
	s.fleet = value.(*fleet)
	stop, hide := s.fleet.use(s), observe.RunSuite(s.fleet)
	s.close = sync.OnceFunc(func() {
		hide()
		stop()
		_, _ = fleets.Delete(pool)
	})
	if o.Events != nil {
		if err := o.Events.OnStarted(s.fleet.begin); err != nil {
			s.close()
			return nil, err
		}
	}
	return s, nil
}

// newSuite makes a suite that is of no fleet yet.
func newSuite(o Options) (*Suite, error) {
	s := &Suite{o: o, notices: observe.NewNotices(o.Log), api: oapi.NewSuite(o.Key, o.Secret, o.Legacy, oapi.Options{
		API: o.APIBase, OAPI: o.OAPIBase, UserAgent: o.UserAgent, Transport: o.transport,
	})}
	if o.Ticket == "" {
		var err error
		if s.crypt, err = NewCrypt(o.Token, o.AESKey); err != nil {
			return nil, fmt.Errorf("suite %s: %w", o.Key, err)
		}
	}
	return s, nil
}

// Close gives back what the suite shares with its successor.
func (s *Suite) Close() { s.close() }

// Key is the SuiteKey.
func (s *Suite) Key() string { return s.o.Key }

// CallbackPath is the app's own callback, at which pushes are listened to; "" if none.
func (s *Suite) CallbackPath() string { return s.o.CallbackPath }

// Name is that of the suite in the storage: dingtalk/<name>/…
func (s *Suite) Name() string { return s.fleet.name }

// name names the suite in the storage. Its secret has no part in it: the suite_ticket, of
// which DingTalk pushes one in five hours, is that of the key.
func (o *Options) name() string {
	sum := sha256.Sum256([]byte(o.APIBase + "\n" + o.OAPIBase + "\n" + o.Key))
	safe := strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '-' || r == '_' {
			return r
		}
		return '_'
	}, o.Key[:min(len(o.Key), 64)])
	return safe + "-" + hex.EncodeToString(sum[:6])
}

// Find returns the corp with that corpId, and the agent of it: agentID, or the only one
// where that is "". A corp that is held is found at once. Another one is looked up in the
// storage and, where nobody knows it, at DingTalk, which the caller waits for no longer
// than wait. The error is an *Error, or that of ctx.
func (s *Suite) Find(ctx context.Context, corpID, agentID string, wait time.Duration) (Corp, error) {
	if !isCorpID(corpID) {
		return Corp{}, &Error{Kind: Unknown, CorpID: corpID}
	}
	v, err := s.fleet.find(ctx, corpID, wait)
	if err != nil {
		return Corp{}, err
	}
	switch v.standing.state(time.Now()) {
	case served, unlisted:
	case revoked:
		return Corp{}, &Error{Kind: Revoked, CorpID: corpID}
	case refused:
		if v.standing.Authorized > 0 {
			return Corp{}, &Error{Kind: Revoked, CorpID: corpID}
		}
		fallthrough
	default:
		return Corp{}, &Error{Kind: Unknown, CorpID: corpID}
	}
	agent, why, ok := v.standing.choose(s.o.AppID, agentID)
	if !ok {
		return Corp{}, &Error{Kind: why, CorpID: corpID}
	}
	return Corp{ID: corpID, AgentID: agent.ID, Revoked: v.standing.Revoked, Tokens: v.tokens}, nil
}
