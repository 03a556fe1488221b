package login

import (
	"context"
	"crypto/rand"
	"sync"
	"time"

	"github.com/caddy-dingtalk/caddy-dingtalk/config"
	"github.com/caddy-dingtalk/caddy-dingtalk/doctor"
	"github.com/caddy-dingtalk/caddy-dingtalk/tenant"
	"github.com/caddy-dingtalk/caddy-dingtalk/tokens"
	"github.com/caddy-dingtalk/caddy-dingtalk/visit"
)

// Probe makes each call that sign-ins make, with a code and a user that do not exist:
// DingTalk looks at the permission first. Only users/me, which needs a user, is left out.
func (s *SignIn) Probe(ctx context.Context) []doctor.Probe {
	calls := s.probes()
	out := make([]doctor.Probe, len(calls))
	var all sync.WaitGroup
	for i, c := range calls {
		all.Go(func() {
			_, err := ask(ctx, s, c)
			out[i] = doctor.Probe{Call: c.api, Verdict: permitted(err), Err: err}
		})
	}
	all.Wait()
	return out
}

// nobody is the name of a user whom no organisation has.
const nobody = "caddy-dingtalk-doctor"

func (s *SignIn) probes() []call[struct{}] {
	code := nobody + rand.Text()
	var all []call[struct{}]
	add := func(wanted bool, name string, tokens Tokens, make func(ctx context.Context, token string) error) {
		if wanted {
			all = append(all, call[struct{}]{name, tokens, func(ctx context.Context, token string) (struct{}, error) {
				return struct{}{}, make(ctx, token)
			}})
		}
	}
	add(!s.Channel && !s.Legacy, "topapi/v2/user/getuserinfo", s.Tokens, func(ctx context.Context, token string) error {
		_, err := s.API.UserByCode(ctx, token, code)
		return err
	})
	add(!s.Channel && s.Legacy, "user/getuserinfo", s.Tokens, func(ctx context.Context, token string) error {
		_, err := s.API.LegacyUserByCode(ctx, token, code)
		return err
	})
	add(s.Channel, "channel/user/get_by_code", s.Tokens, func(ctx context.Context, token string) error {
		_, err := s.API.FollowerByCode(ctx, token, code)
		return err
	})
	add(s.OAuth, "oauth2/userAccessToken", nil, func(ctx context.Context, _ string) error {
		_, err := s.API.UserToken(ctx, code)
		return err
	})
	directory, of := s.API, s.Tokens
	if s.Channel {
		directory, of = s.Staff, s.StaffTokens
	}
	if directory == nil {
		return all
	}
	add(s.OAuth || s.Channel, "topapi/user/getbyunionid", of, func(ctx context.Context, token string) error {
		_, _, err := directory.UserByUnionID(ctx, token, nobody)
		return err
	})
	add(!s.Legacy && (s.Full || s.OAuth), "topapi/v2/user/get", of, func(ctx context.Context, token string) error {
		_, err := directory.User(ctx, token, nobody)
		return err
	})
	add(s.Legacy, "user/get", of, func(ctx context.Context, token string) error {
		_, err := directory.LegacyUser(ctx, token, nobody)
		return err
	})
	add(s.Within, "topapi/v2/department/listparentbyuser", of, func(ctx context.Context, token string) error {
		_, err := directory.ParentDepartments(ctx, token, nobody)
		return err
	})
	return all
}

// permitted tells what the answer to a probe says of the permission.
func permitted(err error) doctor.Answer {
	if err == nil {
		return doctor.Yes
	}
	switch Refusal(err).Code {
	case CodeInvalid, CodeNotMember, CodeNotVisible:
		return doctor.Yes
	case CodePermission:
		return doctor.No
	}
	return doctor.Unknown
}

// examined is what DingTalk said last to the probes, kept so that who opens the doctor
// page again and again does not ask it again and again.
type examined struct {
	mu     sync.Mutex
	at     time.Time
	of     string // whose: see Keys
	probes []doctor.Probe
	clock  doctor.Clock
}

const (
	examinedFor = time.Minute
	examineTime = 8 * time.Second // for all the calls together
)

// examine is Examine for a visit of this tenant.
func (s *Server) examine(ctx context.Context, v *visit.Visit, ask bool) doctor.SignIn {
	facts := s.facts
	facts.Cookie, facts.Corp = s.cookies.plain, s.signIn.CorpID
	facts.Origin, facts.Unknown = v.Site()
	if last := s.audit.last.Load(); last != nil {
		facts.Refusal = string(*last)
	}
	if !ask || s.signIn.Tokens == nil { // of nobody
		return facts
	}
	e := &s.examined
	e.mu.Lock()
	defer e.mu.Unlock()
	if time.Since(e.at) >= examinedFor {
		e.of = s.keys.identity
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), examineTime)
		defer cancel()
		e.probes = s.signIn.Probe(ctx)
		ahead, err := s.signIn.API.Clock(ctx)
		e.clock = doctor.Clock{Known: err == nil, Ahead: ahead}
		e.at = time.Now()
	}
	if e.of == s.keys.identity {
		facts.Probes, facts.Clock = e.probes, e.clock
	}
	return facts
}

// FactsOf is what a configuration, resolved and validated, tells the doctor of its sign-in
// without asking anybody.
func FactsOf(c *config.Config) doctor.SignIn {
	facts := doctor.SignIn{Cookie: NewCookies(c.AgentID).plain, Keys: len(c.Login.Key)}
	if c.Login.OAuth() {
		facts.Callback = c.Endpoint + "/callback"
	}
	return facts
}

// ProbeAs asks DingTalk as the sign-ins of a configuration do, with tokens that come from
// a login of its own.
func ProbeAs(ctx context.Context, c *config.Config, token func(context.Context) (string, error)) []doctor.Probe {
	in := signInOf(c)
	in.Tokens = borrowed(token)
	if staff := staffConfig(c); staff != nil {
		api := tenant.API(staff, callTimeout)
		in.Staff, in.StaffTokens = api, borrowed(func(ctx context.Context) (string, error) {
			value, _, err := api.AccessToken(ctx)
			return value, err
		})
	}
	in.Called = func(string, error) {}
	return NewSignIn(in).Probe(ctx)
}

// borrowed are tokens that somebody else keeps.
type borrowed func(context.Context) (string, error)

// AccessToken returns the one there is.
func (b borrowed) AccessToken(ctx context.Context) (*tokens.Token, error) {
	value, err := b(ctx)
	if err != nil {
		return nil, err
	}
	return &tokens.Token{Value: value}, nil
}

// RefuseAccess does nothing: there is no other.
func (borrowed) RefuseAccess(string) {}
