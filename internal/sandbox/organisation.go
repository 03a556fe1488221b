package sandbox

import (
	"crypto/rand"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"
)

// Kind tells apart the logins. Each has its own access token and its own jsapi ticket.
type Kind string

// The logins.
const (
	App     Kind = "app"     // AppKey + AppSecret
	Corp    Kind = "corp"    // corpid + corpsecret
	Channel Kind = "channel" // a service window's
	ISV     Kind = "suite"   // a suite's, for one of the organisations that have it
)

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

// holder is who tokens and tickets belong to: an organisation, by one of its logins.
type holder struct {
	kind Kind
	app  string // the AppKey or SuiteKey; "" for logins of the organisation itself
	corp string
}

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
	tokens  map[holder]grant
	owners  map[string]holder // whose each token is
	corps   map[string]grant  // tokens of suites by their value: a new one ends none before it
	tickets map[holder]grant
	issued  []string
}

func newOrganisation(o Options) *organisation {
	return &organisation{
		now:      o.Now,
		lifetime: o.Lifetime,
		refetch:  o.Refetch,
		tokens:   make(map[holder]grant),
		owners:   make(map[string]holder),
		corps:    make(map[string]grant),
		tickets:  make(map[holder]grant),
	}
}

// token returns the living access token, renewed, or a new one (obtain-orgapp-token).
func (o *organisation) token(h holder) string {
	o.mu.Lock()
	defer o.mu.Unlock()
	now := o.now()
	g := o.tokens[h]
	if !g.expires.After(now) {
		g = o.issue(strings.ToLower(rand.Text()), now)
		o.owners[g.value] = h
	}
	g.expires = now.Add(o.lifetime)
	o.tokens[h] = g
	return g.value
}

// corpToken returns a new access token of a suite. Those before it live on
// (obtain-the-access-token-of-the-authorized-enterprise-1).
func (o *organisation) corpToken(h holder) string {
	o.mu.Lock()
	defer o.mu.Unlock()
	now := o.now()
	g := o.issue(strings.ToLower(rand.Text()), now)
	g.expires = now.Add(o.lifetime)
	o.owners[g.value] = h
	o.corps[g.value] = g
	return g.value
}

// ticket returns the living ticket or a new one, as Refetch says.
func (o *organisation) ticket(h holder) string {
	o.mu.Lock()
	defer o.mu.Unlock()
	now := o.now()
	g := o.tickets[h]
	if o.refetch == NewValue || !g.expires.After(now) {
		g = o.issue(rand.Text()+rand.Text()+rand.Text(), now)
	}
	g.expires = now.Add(o.lifetime)
	if end := g.created.Add(ticketAge); g.expires.After(end) {
		g.expires = end
	}
	o.tickets[h] = g
	return g.value
}

func (o *organisation) issue(value string, now time.Time) grant {
	o.issued = append(o.issued, value)
	return grant{value: value, created: now}
}

// owner returns whose an access token is, and whether it still lives.
func (o *organisation) owner(token string) (h holder, living bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	h, known := o.owners[token]
	g, isCorps := o.corps[token]
	if known && !isCorps {
		g = o.tokens[h]
	}
	return h, g.value == token && g.expires.After(o.now())
}

func (o *organisation) livingTicket(h holder) string {
	o.mu.Lock()
	defer o.mu.Unlock()
	if g := o.tickets[h]; g.expires.After(o.now()) {
		return g.value
	}
	return ""
}

// killTickets ends the living tickets that belong to whom which fits.
func (o *organisation) killTickets(which func(holder) bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	maps.DeleteFunc(o.tickets, func(h holder, _ grant) bool { return which(h) })
}

// killTokens ends the living access tokens that belong to whom which fits.
func (o *organisation) killTokens(which func(holder) bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	maps.DeleteFunc(o.tokens, func(h holder, _ grant) bool { return which(h) })
	maps.DeleteFunc(o.corps, func(token string, _ grant) bool { return which(o.owners[token]) })
	maps.DeleteFunc(o.owners, func(_ string, h holder) bool { return which(h) })
}

func (o *organisation) everIssued() []string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return slices.Clone(o.issued)
}

// everybody is for killTickets and killTokens.
func everybody(holder) bool { return true }
