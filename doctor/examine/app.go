package examine

import (
	"context"
	"errors"
	"net/http"
	"sync/atomic"
	"time"

	"go.uber.org/zap"

	"github.com/caddy-dingtalk/caddy-dingtalk/config"
	"github.com/caddy-dingtalk/caddy-dingtalk/doctor"
	"github.com/caddy-dingtalk/caddy-dingtalk/oapi"
	"github.com/caddy-dingtalk/caddy-dingtalk/tokens"
)

// app checks what all handlers of an app have in common.
func (e *examiner) app(ctx context.Context, c *config.Config) ([]Check, *calls) {
	way := wayTo(c, http.ProxyFromEnvironment)
	checks, reached := way.network(ctx)
	if reached {
		checks = append(checks, way.clock(ctx))
	} else {
		checks = append(checks, unchecked("clock", doctor.Of(errUnreached)))
	}
	store := e.open(c)
	defer store.close()
	storage := store.check(ctx)
	account, ticket, calls := e.account(ctx, c, reached, store)
	return append(append(append(checks, account...), storage...), ticket), calls
}

// account checks the credential of an app, and its ticket.
func (e *examiner) account(ctx context.Context, c *config.Config, reached bool, store *store) (account []Check, ticket Check, made *calls) {
	source := e.Source(c)
	made = &calls{Source: source, inCorp: source.InCorp}
	if reached {
		made.logIn(ctx)
	} else {
		made.access.err = errUnreached
	}
	ticket, err := made.ticket(ctx, store, func(shared tokens.Storage) *tokens.App {
		return tokens.NewApp(tokens.Options{
			Name: e.AppName(c), Source: made, Storage: shared, Memory: tokens.NewMemory(), Log: zap.NewNop(),
		})
	})
	account = append([]Check{made.credentials()}, made.identity(ctx, c)...)
	return append(account, made.allowList(err)), ticket, made
}

// calls is a source that logs in once and remembers what DingTalk said.
type calls struct {
	tokens.Source
	inCorp func(ctx context.Context, corpID string) error // see oapi.Client.InCorp
	access struct {
		value    string
		lifetime time.Duration
		err      error
	}
	withhold bool        // no ticket is fetched
	fetched  atomic.Bool // a ticket was asked for
}

var (
	errUnreached = doctor.Wrong("DingTalk is not reached")
	errWithheld  = doctor.Wrong("no ticket is fetched that cannot be stored")
)

// noAccessError is why there is no access token. It tells a ticket that was not asked
// for from one that DingTalk refuses.
type noAccessError struct{ why error }

func (e *noAccessError) Error() string { return "there is no access token: " + e.why.Error() }
func (e *noAccessError) Unwrap() error { return e.why }

// logIn makes the one call for an access token.
func (c *calls) logIn(ctx context.Context) {
	c.access.value, c.access.lifetime, c.access.err = c.Source.AccessToken(ctx)
}

// AccessToken returns what the one call brought.
func (c *calls) AccessToken(context.Context) (string, time.Duration, error) {
	if c.access.err != nil {
		return "", 0, &noAccessError{c.access.err}
	}
	return c.access.value, c.access.lifetime, nil
}

// Ticket asks DingTalk, unless a ticket could not be given to the servers.
func (c *calls) Ticket(ctx context.Context, access string) (string, time.Duration, error) {
	if c.access.err != nil {
		return "", 0, &noAccessError{c.access.err}
	}
	if c.withhold {
		return "", 0, errWithheld
	}
	c.fetched.Store(true)
	return c.Source.Ticket(ctx, access)
}

// credentials is what the login tells.
func (c *calls) credentials() Check {
	const name = "credentials"
	err := c.access.err
	switch {
	case err == nil:
		return good(name, say("DingTalk gives an access token", "钉钉给出了 access token"))
	case errors.Is(err, errUnreached):
		return unchecked(name, doctor.Of(err))
	case oapi.KindOf(err) == oapi.AllowList:
		return unchecked(name, say("DingTalk refuses this machine's address first", "钉钉先拒绝了本机的地址"))
	}
	return bad(name, doctor.Of(err), advice(err))
}

// allowList is what both calls tell about this machine's address. DingTalk may
// look at it in the second one only.
func (c *calls) allowList(ticket error) Check {
	const name = "ip_allow_list"
	for _, err := range []error{c.access.err, ticket} {
		if oapi.KindOf(err) == oapi.AllowList {
			return bad(name, doctor.Of(refusal(err)), advice(err))
		}
	}
	switch {
	case errors.Is(c.access.err, errUnreached):
		return unchecked(name, doctor.Of(c.access.err))
	case c.access.err != nil:
		return unchecked(name, say("DingTalk looks at the address after the credentials", "钉钉先检查密钥，再检查地址"))
	case !c.fetched.Load():
		return good(name, say("DingTalk takes the access token call from this machine's address; no other was made", "钉钉接受从本机地址获取 access token；没有做其他调用"))
	case ticket != nil:
		return good(name, say("DingTalk takes the access token call from this machine's address", "钉钉接受从本机地址获取 access token"))
	}
	return good(name, say("DingTalk takes calls from this machine's address", "钉钉接受从本机地址发出的调用"))
}

// ticketTime is how long a ticket is waited for, other servers that fetch one at
// the moment included.
const ticketTime = 40 * time.Second

// writeTime is more than a write may take.
const writeTime = 12 * time.Second

// ticket takes the fleet's ticket from the storage. Only if there is none one is
// fetched, and stored for the fleet. open makes the app whose ticket it is, over a
// storage. The error is DingTalk's refusal.
func (c *calls) ticket(ctx context.Context, store *store, open func(tokens.Storage) *tokens.App) (Check, error) {
	const name = "ticket"
	if store.Storage == nil {
		return unchecked(name, say("there is no storage to look for it, and to fetch another may end the one that is in use", "没有存储可查，而重新获取可能使正在用的 ticket 失效")), nil
	}
	c.withhold = !store.sound
	app := open(store.shared())
	t, err := app.Ticket(ctx, ticketTime)
	var missing *noAccessError
	app.Close()
	unstored := written(ctx, app)
	switch {
	case err == nil && !c.fetched.Load():
		return good(name, say("found in the storage, valid until %s; none was fetched", "存储里有，有效期至 %s；没有重新获取", moment(t.Expires))), nil
	case err == nil && unstored != nil:
		return warn(name, say("there was none in the storage; fetched, but not stored: %v", "存储里没有；已获取，但没能存下：%v", unstored),
			say("Mend the storage: without it each server fetches a ticket of its own, and one may end the other's.", "请修好存储：否则每台服务器各取各的 ticket，可能互相作废")), nil
	case err == nil:
		return good(name, say("there was none in the storage; fetched, valid until %s, and stored for all servers", "存储里没有；已获取，有效期至 %s，并存下供所有服务器使用", moment(t.Expires))), nil
	case errors.Is(err, errWithheld):
		return unchecked(name, say("there is none in the storage, and none is fetched that the servers would not find there", "存储里没有；获取了服务器也读不到，所以没有获取")), nil
	case errors.As(err, &missing):
		return unchecked(name, say("there is none in the storage, and no access token to fetch one", "存储里没有，也没有 access token 去获取")), nil
	case oapi.KindOf(err) == oapi.AllowList:
		return unchecked(name, say("DingTalk refuses this machine's address", "钉钉拒绝了本机的地址")), err
	}
	return bad(name, doctor.Of(refusal(err)), advice(err)), err
}

// written waits until what was fetched is in the storage, where the servers look for
// it: this process must not end before. It does not heed an interrupt, which would
// lose the ticket. The error says why it is not there.
func written(ctx context.Context, app *tokens.App) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), writeTime)
	defer cancel()
	err := app.Wait(ctx)
	if ctx.Err() != nil {
		return doctor.Wrong("the storage did not answer in time")
	}
	return err
}

// shared is the storage as tokens may use it: nothing is written to one that servers cannot
// share.
func (s *store) shared() tokens.Storage {
	if s.sound {
		return s.Storage
	}
	return readOnly{s.Storage}
}

// readOnly is a storage that is only to be read. A lock is written, too.
type readOnly struct{ tokens.Storage }

var errReadOnly = errors.New("nothing is written to this storage")

func (readOnly) Store(context.Context, string, []byte) error { return errReadOnly }
func (readOnly) Lock(context.Context, string) error          { return errReadOnly }

// moment shows a time as this machine's clock does.
func moment(t time.Time) string { return t.Local().Format("2006-01-02 15:04:05 MST") }

// refusal is the error of the API without what is wrapped around it.
func refusal(err error) error {
	var refused *oapi.Error
	if errors.As(err, &refused) {
		return refused
	}
	return err
}

func advice(err error) doctor.Text {
	if advice := doctor.Advice(err); advice != (doctor.Text{}) {
		return advice
	}
	return say("Run the doctor again; if it stays, look into Caddy's log.", "请再检查一次；仍然如此则查看 Caddy 的日志")
}
