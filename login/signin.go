package login

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/caddy-dingtalk/caddy-dingtalk/oapi"
	"github.com/caddy-dingtalk/caddy-dingtalk/tokens"
)

// Tokens gives the app's access token, which the whole fleet shares: a tokens.App.
type Tokens interface {
	AccessToken(ctx context.Context) (*tokens.Token, error)
	// RefuseAccess says that DingTalk refused the token with this value.
	RefuseAccess(value string)
}

// Way is how a user proves who they are. Its values are labels of metrics.
type Way string

// The ways.
const (
	WayCode    Way = "code"    // of requestAuthCode, by an app
	WayChannel Way = "channel" // of requestAuthCode, by a service window
	WayOAuth   Way = "oauth"   // of DingTalk's OAuth2 page
)

// codeLife is how long a code of DingTalk's is good for.
const codeLife = 5 * time.Minute

// SignIn changes codes for users. It is safe for concurrent use.
type SignIn struct {
	API    *oapi.Client // of the app or the service window
	Tokens Tokens
	CorpID string

	Legacy  bool // the calls of oapi.dingtalk.com from before topapi
	Channel bool // a service window
	OAuth   bool // DingTalk's OAuth2 page, too
	Full    bool // `detail full`
	Within  bool // some rule names departments

	// Staff and StaffTokens are the organisation's own app that knows which followers of
	// the service window are members; nil if there is none.
	Staff       *oapi.Client
	StaffTokens Tokens

	// Called is told of each call and what came of it.
	Called func(api string, err error)
	// Denied is told that user/get was refused for want of a permission,
	// which fails no sign-in. err is nil when it works.
	Denied func(err error)

	calls *calls
	seen  *once // codes
	used  *once // OAuth2 states
}

// NewSignIn completes a SignIn.
func NewSignIn(s SignIn) *SignIn {
	s.calls = newCalls()
	s.seen, s.used = &once{life: codeLife}, &once{life: stateLife}
	return &s
}

// Way is how codes are changed: as an app's or a service window's.
func (s *SignIn) Way() Way {
	if s.Channel {
		return WayChannel
	}
	return WayCode
}

// ByCode signs in with a code of requestAuthCode. Every error is an *Error.
func (s *SignIn) ByCode(ctx context.Context, code string) (User, error) {
	var u User
	var err error
	if s.Channel {
		u, err = s.follower(ctx, code)
	} else {
		u, err = s.member(ctx, code)
	}
	return s.complete(u, err)
}

// ByOAuth signs in with a code of DingTalk's OAuth2 page. Every error is an *Error.
func (s *SignIn) ByOAuth(ctx context.Context, code string) (User, error) {
	return s.complete(s.oauth(ctx, code))
}

func (s *SignIn) complete(u User, err error) (User, error) {
	if err != nil {
		return User{}, Refusal(err)
	}
	u.CorpID = s.CorpID
	return u, nil
}

func (s *SignIn) member(ctx context.Context, code string) (User, error) {
	byCode := call[oapi.Identity]{"getuserinfo", s.Tokens, func(ctx context.Context, token string) (oapi.Identity, error) {
		if s.Legacy {
			return s.API.LegacyUserByCode(ctx, token, code)
		}
		return s.API.UserByCode(ctx, token, code)
	}}
	who, err := spend(ctx, s, code, byCode)
	if err != nil {
		return User{}, err
	}
	u := User{UserID: who.UserID, UnionID: who.UnionID, Name: who.Name, Admin: who.Admin}
	if s.Full || s.Legacy {
		if err := s.profile(ctx, &u, s.API, s.Tokens); err != nil {
			return User{}, err
		}
	}
	return u, s.parents(ctx, &u, s.API, s.Tokens)
}

func (s *SignIn) follower(ctx context.Context, code string) (User, error) {
	byCode := call[oapi.Identity]{"get_by_code", s.Tokens, func(ctx context.Context, token string) (oapi.Identity, error) {
		return s.API.FollowerByCode(ctx, token, code)
	}}
	who, err := spend(ctx, s, code, byCode)
	if err != nil {
		return User{}, err
	}
	u := User{OpenID: who.OpenID, UnionID: who.UnionID}
	if s.Staff == nil || u.UnionID == "" {
		return s.outsider(u), nil
	}
	u.UserID, err = s.byUnionID(ctx, u.UnionID, s.Staff, s.StaffTokens)
	if refusedWith(err, CodeNotMember) || isCode(err, CodeNotMember) {
		u.UserID = ""
		return s.outsider(u), nil
	}
	if err != nil {
		return User{}, err
	}
	if s.Full {
		if err := s.profile(ctx, &u, s.Staff, s.StaffTokens); err != nil {
			return User{}, err
		}
	}
	return u, s.parents(ctx, &u, s.Staff, s.StaffTokens)
}

// outsider is a mere follower, who is in no department, as far as anybody can tell.
func (s *SignIn) outsider(u User) User {
	if s.Within {
		u.Within = []int64{}
	}
	return u
}

func (s *SignIn) oauth(ctx context.Context, code string) (User, error) {
	token, err := spend(ctx, s, code, call[oapi.UserToken]{"userAccessToken", nil, func(ctx context.Context, _ string) (oapi.UserToken, error) {
		return s.API.UserToken(ctx, code)
	}})
	if err != nil {
		return User{}, err
	}
	// The organisation counts before anything is asked about the user.
	if token.CorpID != "" && token.CorpID != s.CorpID {
		return User{}, &Error{Code: CodeWrongCorp}
	}
	who, err := ask(ctx, s, call[oapi.Identity]{"users/me", nil, func(ctx context.Context, _ string) (oapi.Identity, error) {
		return s.API.Me(ctx, token.Value)
	}})
	if err != nil {
		return User{}, err
	}
	u := User{UnionID: who.UnionID, OpenID: who.OpenID}
	if u.UserID, err = s.byUnionID(ctx, who.UnionID, s.API, s.Tokens); err != nil {
		return User{}, err
	}
	if err := s.profile(ctx, &u, s.API, s.Tokens); err != nil {
		return User{}, err
	}
	return u, s.parents(ctx, &u, s.API, s.Tokens)
}

// byUnionID returns the userid of a member; who is none fails with CodeNotMember.
func (s *SignIn) byUnionID(ctx context.Context, unionID string, api *oapi.Client, tokens Tokens) (string, error) {
	return ask(ctx, s, call[string]{"getbyunionid", tokens, func(ctx context.Context, token string) (string, error) {
		userID, external, err := api.UserByUnionID(ctx, token, unionID)
		if err == nil && external {
			return "", &Error{Code: CodeNotMember}
		}
		return userID, err
	}})
}

// profile adds what the directory says of the user. It may be closed to the app: then
// what is not known stays so.
func (s *SignIn) profile(ctx context.Context, u *User, api *oapi.Client, tokens Tokens) error {
	p, err := ask(ctx, s, call[oapi.Profile]{"user/get", tokens, func(ctx context.Context, token string) (oapi.Profile, error) {
		if s.Legacy {
			return api.LegacyUser(ctx, token, u.UserID)
		}
		return api.User(ctx, token, u.UserID)
	}})
	if refusedWith(err, CodePermission) {
		s.Denied(err)
		return nil
	}
	if err != nil {
		return err
	}
	s.Denied(nil)
	if p.UserID != u.UserID {
		return &Error{Code: CodeDingTalk, Err: errors.New("user/get answers another user than was asked for")}
	}
	u.Admin = u.Admin || p.Admin
	u.Departments = p.Departments
	u.Title, u.JobNumber, u.Avatar = p.Title, p.JobNumber, p.Avatar
	if p.Name != "" {
		u.Name = p.Name
	}
	if u.UnionID == "" {
		u.UnionID = p.UnionID
	}
	return nil
}

// parents adds the departments that rules may name. Where they cannot be had the sign-in
// fails: without them nobody can say what the user may see.
func (s *SignIn) parents(ctx context.Context, u *User, api *oapi.Client, tokens Tokens) error {
	if !s.Within {
		return nil
	}
	within, err := ask(ctx, s, call[[]int64]{"listparentbyuser", tokens, func(ctx context.Context, token string) ([]int64, error) {
		return api.ParentDepartments(ctx, token, u.UserID)
	}})
	if err != nil {
		return err
	}
	u.Within = within
	if u.Departments == nil {
		u.Departments = slices.Clone(within)
	}
	return nil
}

// call is one call of DingTalk.
type call[T any] struct {
	api    string
	tokens Tokens // nil where the call brings its own
	make   func(ctx context.Context, token string) (T, error)
}

// spend makes the call that spends a code, which is sent to DingTalk once: what was sent
// before is not sent again.
func spend[T any](ctx context.Context, s *SignIn, code string, c call[T]) (T, error) {
	var none T
	if !s.seen.take(code, time.Now()) {
		return none, &Error{Code: CodeInvalid, Err: errors.New("this code was sent before")}
	}
	got, err := ask(ctx, s, c)
	if isCode(err, CodeBusy) {
		s.seen.giveBack(code)
	}
	return got, err
}

// ask makes a call. It is repeated once, where DingTalk refused the access token before it
// looked at anything else, and there is another one by now: a code that went out again with
// the one that was refused would be lost in vain.
func ask[T any](ctx context.Context, s *SignIn, c call[T]) (T, error) {
	var none T
	token, err := c.token(ctx)
	if err != nil {
		return none, err
	}
	got, err := send(ctx, s, c, token)
	var theirs *oapi.Error
	if c.tokens == nil || !errors.As(err, &theirs) || !repeatable(theirs) {
		return got, err
	}
	c.tokens.RefuseAccess(token.Value)
	another, failed := c.token(ctx)
	switch {
	case failed != nil:
		return none, failed
	case another.Value == token.Value && !another.Fetched.After(token.Fetched):
		return got, err
	}
	return send(ctx, s, c, another)
}

// token is the one that a call is made with; an empty one where it brings its own.
func (c *call[T]) token(ctx context.Context) (*tokens.Token, error) {
	if c.tokens == nil {
		return new(tokens.Token), nil
	}
	token, err := c.tokens.AccessToken(ctx)
	if err != nil {
		return nil, noToken(err)
	}
	return token, nil
}

// send makes a call in its turn.
func send[T any](ctx context.Context, s *SignIn, c call[T], token *tokens.Token) (T, error) {
	done, err := s.calls.turn(ctx, c.api)
	if err != nil {
		var none T
		return none, err
	}
	got, err := c.make(ctx, token.Value)
	s.Called(c.api, err)
	var theirs *oapi.Error
	done(errors.As(err, &theirs) && codeOf(theirs) == CodeRateLimited)
	return got, err
}

// repeatable tells whether DingTalk refused the access token of a call, not who the app is.
func repeatable(e *oapi.Error) bool {
	return e.TokenRejected() && e.Code != "40096" && e.Code != "40089"
}

// noToken is why no call could be made at all.
func noToken(err error) error {
	e := Refusal(err)
	if e.Code == CodeDingTalk {
		e.Code, e.RetryAfter = CodeUnavailable, retryUnavailable
	}
	return e
}

func isCode(err error, code Code) bool {
	var own *Error
	return errors.As(err, &own) && own.Code == code
}
