package suite

import (
	"context"
	"encoding/json"
	"errors"
	"strconv"
	"time"

	"github.com/caddy-dingtalk/caddy-dingtalk/observe"
)

// Push is what DingTalk sends to a callback.
type Push struct {
	Signature, Timestamp, Nonce string // of the query
	Body                        []byte
}

// The errors of pushes. Whoever is refused with ErrSignature learns nothing more.
var (
	ErrNoJSON    = errors.New("the body is no JSON")
	ErrSignature = errors.New("the push is not signed and sealed for a suite of this site")
	ErrStale     = errors.New("the push is older than 24 hours, or more than an hour ahead")
	ErrStorage   = errors.New("what the push tells is in force here, but could not be stored for the fleet")
)

// How old and how far ahead a push may be, and how long it may take.
const (
	maxAge     = 24 * time.Hour
	maxSkew    = time.Hour
	answerTime = 800 * time.Millisecond // DingTalk waits for 1.5 s
)

// Receive does what a push tells, and returns the reply to it. The error is one of the
// above, wrapped. It returns within a second, whatever the storage and DingTalk do.
func (all Suites) Receive(ctx context.Context, p Push) (reply []byte, err error) {
	s, text, at, err := all.open(p)
	if err != nil {
		observe.CountCallback(otherEvent, resultOf(err))
		return nil, err
	}
	failed := s.fleet.receive(ctx, parseEvents(text, at))
	if failed != nil {
		return nil, failed
	}
	return json.Marshal(s.crypt.Seal("success", s.o.Key, time.Now()))
}

// open finds the suite that a push is for and opens it. at is when it was sent, in ms.
func (all Suites) open(p Push) (s *Suite, text []byte, at int64, err error) {
	if !json.Valid(p.Body) {
		return nil, nil, 0, ErrNoJSON
	}
	var body struct {
		Encrypt string `json:"encrypt"`
	}
	if json.Unmarshal(p.Body, &body) != nil || body.Encrypt == "" {
		return nil, nil, 0, ErrSignature
	}
	m := Sealed{Signature: p.Signature, Timestamp: p.Timestamp, Nonce: p.Nonce, Encrypt: body.Encrypt}
	for _, other := range all {
		if other.crypt != nil && other.crypt.Signed(m) {
			s = other
		}
	}
	if s == nil {
		return nil, nil, 0, ErrSignature
	}
	text, receiver, err := s.crypt.Open(m)
	sent, broken := strconv.ParseInt(p.Timestamp, 10, 64)
	if err != nil || broken != nil || receiver != s.o.Key && !isCheck(text) {
		return nil, nil, 0, ErrSignature
	}
	if sent < 1e11 {
		sent *= 1000
	}
	now := time.Now()
	if sent < now.Add(-maxAge).UnixMilli() || sent > now.Add(maxSkew).UnixMilli() {
		return nil, nil, 0, ErrStale
	}
	return s, text, sent, nil
}

// isCheck reports whether a message tries a callback for which there is no suite yet.
func isCheck(text []byte) bool {
	var f fields
	return json.Unmarshal(text, &f) == nil && f.text("eventtype") == checkCreate && f["bizdata"] == nil
}

// The results of events, for the metrics.
const (
	resultDone    = "ok"
	resultIgnored = "ignored" // older than what is known, or known, or of no concern
	resultUnsaved = "storage_unavailable"
	resultForged  = "bad_signature"
	resultStale   = "stale"
	resultBroken  = "bad_request"
)

// beginCounting lets all counts of pushes begin at zero.
func beginCounting() {
	for name, does := range eventNames {
		if does == nothing {
			observe.BeginCallbacks(name, resultIgnored)
		} else {
			observe.BeginCallbacks(name, resultDone, resultIgnored, resultUnsaved)
		}
	}
	observe.BeginCallbacks(otherEvent, resultIgnored, resultForged, resultStale, resultBroken)
}

func resultOf(err error) string {
	switch {
	case errors.Is(err, ErrStale):
		return resultStale
	case errors.Is(err, ErrNoJSON):
		return resultBroken
	}
	return resultForged
}

// receive does what the events tell, in order. The error is ErrStorage.
func (f *fleet) receive(ctx context.Context, events []event) (failed error) {
	ctx, cancel := context.WithTimeout(ctx, answerTime)
	defer cancel()
	for _, e := range events {
		result := f.take(ctx, e)
		if result == resultUnsaved {
			failed = ErrStorage
		}
		observe.CountCallback(e.name, result)
	}
	return failed
}

// take does what one event tells: here, whatever happens, and for the fleet.
func (f *fleet) take(ctx context.Context, e event) (result string) {
	var isNew bool
	switch e.effect {
	case nothing:
		return resultIgnored
	case newTicket:
		if isNew = f.ticket.keep(suiteTicket{e.ticket, e.at, time.Now()}); isNew {
			f.forgive()
		}
		if !isNew && f.ticket.isSaved() {
			return resultIgnored
		}
	default:
		if isNew = f.hearEvent(e); !isNew && f.corps.isSaved(e.corp) {
			return resultIgnored
		}
	}
	if !f.saveSoon(ctx, e.corp) {
		return resultUnsaved
	}
	if !isNew {
		return resultIgnored
	}
	return resultDone
}

// hearEvent lets an event of a corp be in force here, and reports whether it changed
// anything.
func (f *fleet) hearEvent(e event) (changed bool) {
	before, _ := f.corps.peek(e.corp)
	after := f.learn(e.corp, e.standing(), false)
	if before.standing.equal(after.standing) {
		return false
	}
	data := map[string]any{"app": f.name, "corp_id": e.corp, "agent_id": e.agent}
	switch e.effect {
	case revoke, stopAgent:
		f.emit(observe.EventTenantRevoked, data)
		go f.dropTokens(f.life, e.corp)
	default:
		go f.listAgents(e.corp, data)
	}
	return true
}

// listAgents asks DingTalk for the agents of a corp, where the event did not list them,
// and tells that it has authorised the suite.
func (f *fleet) listAgents(id string, data map[string]any) {
	v, _ := f.corps.peek(id)
	if !v.listed() {
		result := <-f.flights.DoChan(id, func() (any, error) { return f.lookUp(id) })
		v = result.Val.(view) // where it fails, the corp's first page asks again
	}
	if active := v.standing.active(f.now.Load().o.AppID); data["agent_id"] == "" && len(active) == 1 {
		data["agent_id"] = active[0].ID
	}
	f.emit(observe.EventTenantAuthorized, data)
}

// saveSoon saves a record for the fleet, and reports whether the storage has taken it in
// time. It goes on behind: DingTalk repeats the push, and this process tries again.
func (f *fleet) saveSoon(ctx context.Context, record string) bool {
	f.unsaved(record)
	saved := make(chan error, 1)
	go func() { saved <- f.save(f.life, record) }()
	select {
	case err := <-saved:
		return err == nil
	case <-ctx.Done():
		return false
	}
}

// unsaved notes that the storage does not have yet what is known.
func (f *fleet) unsaved(record string) {
	if record == "" {
		f.ticket.mu.Lock()
		defer f.ticket.mu.Unlock()
		f.ticket.unsaved = true
		return
	}
	f.corps.saved(record, false)
}
