package sandbox

import (
	"crypto/rand"
	"slices"
	"strings"
	"sync"
	"time"
)

// Kind tells apart the three logins. Each has its own access token and its own jsapi ticket.
type Kind string

// The logins.
const (
	App     Kind = "app"     // AppKey + AppSecret
	Corp    Kind = "corp"    // corpid + corpsecret
	Channel Kind = "channel" // a service window's
)

var kinds = []Kind{App, Corp, Channel}

// Refetch says what becomes of a living ticket when it is asked for again.
type Refetch string

const (
	// SameValue hands out the living ticket again and prolongs it, up to 24 h after its creation: what
	// DingTalk documents today (jsapi-authentication, 2026-07).
	SameValue Refetch = "same_value"

	// NewValue makes a new ticket and kills the old one: what DingTalk documented before, and the reason
	// why two systems that fetch on their own break each other.
	NewValue Refetch = "new_value"
)

// ticketAge is the most a ticket lives after its creation, renewals included.
const ticketAge = 24 * time.Hour

// grant is a token or a ticket and its time.
type grant struct {
	value   string
	created time.Time
	expires time.Time
}

// organisation keeps the living tokens and tickets.
type organisation struct {
	now      func() time.Time
	lifetime time.Duration
	refetch  Refetch

	mu      sync.Mutex
	tokens  map[Kind]grant
	tickets map[Kind]grant
	issued  []string
}

func newOrganisation(o Options) *organisation {
	return &organisation{
		now:      o.Now,
		lifetime: o.Lifetime,
		refetch:  o.Refetch,
		tokens:   make(map[Kind]grant),
		tickets:  make(map[Kind]grant),
	}
}

// token returns the living access token, renewed, or a new one (obtain-orgapp-token).
func (o *organisation) token(kind Kind) string {
	o.mu.Lock()
	defer o.mu.Unlock()
	now := o.now()
	g := o.tokens[kind]
	if !g.expires.After(now) {
		g = o.issue(strings.ToLower(rand.Text()), now)
	}
	g.expires = now.Add(o.lifetime)
	o.tokens[kind] = g
	return g.value
}

// ticket returns the living ticket or a new one, as Refetch says.
func (o *organisation) ticket(kind Kind) string {
	o.mu.Lock()
	defer o.mu.Unlock()
	now := o.now()
	g := o.tickets[kind]
	if o.refetch == NewValue || !g.expires.After(now) {
		g = o.issue(rand.Text()+rand.Text()+rand.Text(), now)
	}
	g.expires = now.Add(o.lifetime)
	if end := g.created.Add(ticketAge); g.expires.After(end) {
		g.expires = end
	}
	o.tickets[kind] = g
	return g.value
}

func (o *organisation) issue(value string, now time.Time) grant {
	o.issued = append(o.issued, value)
	return grant{value: value, created: now}
}

// owner returns the login that an access token belongs to, and whether it still lives.
func (o *organisation) owner(token string) (kind Kind, living bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for kind, g := range o.tokens {
		if g.value == token {
			return kind, g.expires.After(o.now())
		}
	}
	return "", false
}

func (o *organisation) livingTicket(kind Kind) string {
	o.mu.Lock()
	defer o.mu.Unlock()
	if g := o.tickets[kind]; g.expires.After(o.now()) {
		return g.value
	}
	return ""
}

func (o *organisation) killTickets() {
	o.mu.Lock()
	defer o.mu.Unlock()
	clear(o.tickets)
}

func (o *organisation) killTokens() {
	o.mu.Lock()
	defer o.mu.Unlock()
	clear(o.tokens)
}

func (o *organisation) everIssued() []string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return slices.Clone(o.issued)
}
