package tenant

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"slices"
	"time"

	"github.com/caddy-dingtalk/caddy-dingtalk/client"
	"github.com/caddy-dingtalk/caddy-dingtalk/doctor"
	"github.com/caddy-dingtalk/caddy-dingtalk/observe"
	"github.com/caddy-dingtalk/caddy-dingtalk/signer"
	"github.com/caddy-dingtalk/caddy-dingtalk/tokens"
	"github.com/caddy-dingtalk/caddy-dingtalk/visit"
)

// SignPage signs the page at a place, or says in it why that cannot be. The suffix
// is for the page's ETag, "" where the page is not signed: it must not be kept then.
func (t *Tenant) SignPage(ctx context.Context, at visit.Place) (page client.Page, suffix string) {
	if at.Err != nil {
		return client.Page{Err: refusal(at.Err)}, ""
	}
	if t.none != nil {
		return client.Page{URL: at.URL(), Err: failed(t.none.Code(), t.none.Message())}, ""
	}
	ticket, none := t.Ticket(ctx)
	if none != nil {
		return client.Page{URL: at.URL(), Err: failed(observe.CodeNoTicket, none.Message)}, ""
	}
	page, err := t.Sign(t.Signer, ticket, at.Page)
	if err != nil {
		return client.Page{URL: at.URL(), Err: refusal(err)}, ""
	}
	return page, t.suffix(ticket, at)
}

func refusal(e *signer.Error) *client.Error {
	return failed(e.Code(), doctor.Refusal(e))
}

func failed(code string, why doctor.Text) *client.Error {
	return &client.Error{Code: code, Message: why.EN, Chinese: why.ZH}
}

// Sign signs a URL with a ticket in some form.
func (t *Tenant) Sign(form signer.Signer, ticket *tokens.Token, page signer.Page) (client.Page, *signer.Error) {
	url := page.URL()
	s, err := form.Sign(ticket.Value, url, time.Now(), t.origins...)
	if err != nil {
		return client.Page{}, err
	}
	return client.Page{URL: url, TimeStamp: s.TimeStamp, NonceStr: s.NonceStr, Signature: s.Signature}, nil
}

// NoTicket says why there is no ticket.
type NoTicket struct {
	Message doctor.Text   // as far as users may know it: not by which address this server goes out
	Retry   time.Duration // until another try can succeed, at least a second
}

// Ticket returns the app's ticket. It waits for the very first one, as long as the
// configuration allows.
func (t *Tenant) Ticket(ctx context.Context) (*tokens.Token, *NoTicket) {
	ticket, err := t.Tokens.Ticket(ctx, t.wait)
	if err == nil {
		return ticket, nil
	}
	none := &NoTicket{Message: doctor.NoTicket(err), Retry: time.Second}
	var unavailable *tokens.Unavailable
	if errors.As(err, &unavailable) {
		none.Retry = max(none.Retry, unavailable.Retry)
	}
	return nil, none
}

// Held returns the ticket that is held, nil if there is none.
func (t *Tenant) Held() *tokens.Token {
	if t.Tokens == nil {
		return nil
	}
	return t.Tokens.Held()
}

// Status tells how the tokens stand.
func (t *Tenant) Status() tokens.Status {
	if t.Tokens == nil {
		return tokens.Status{}
	}
	return t.Tokens.Status()
}

// Settle waits until a suspect ticket has been fetched again, as long as a page may
// wait for one. It reports whether it has been.
func (t *Tenant) Settle(ctx context.Context) bool { return t.Tokens.Settle(ctx, t.wait) }

// generation names the pages of a site that are made with one ticket.
type generation struct {
	ticket string
	origin signer.Origin
	prefix string
	suffix string
}

// Suffix returns what pages at that place that are signed now add to their ETag, ""
// where none is signed.
func (t *Tenant) Suffix(at visit.Place) string {
	if ticket := t.Held(); ticket != nil && at.Err == nil {
		return t.suffix(ticket, at)
	}
	return ""
}

// suffix returns what pages signed with this ticket add to their ETag. It names
// what the URL was rebuilt as, too: a proxy may be configured anew.
func (t *Tenant) suffix(ticket *tokens.Token, at visit.Place) string {
	g := t.generation.Load()
	if g == nil || g.ticket != ticket.Value || g.origin != at.Origin || g.prefix != at.Prefix {
		sum := sha256.Sum256(slices.Concat(t.fingerprint[:], []byte(at.Origin.String()+at.Prefix+"\n"+ticket.Value)))
		g = &generation{ticket.Value, at.Origin, at.Prefix, "-dt" + hex.EncodeToString(sum[:5])}
		t.generation.Store(g)
	}
	if at.User == "" {
		return g.suffix
	}
	sum := sha256.Sum256([]byte(g.suffix + "\n" + at.User)) // what one user keeps is not the page of another
	return g.suffix + hex.EncodeToString(sum[:5])
}
