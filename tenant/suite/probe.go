package suite

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"go.uber.org/zap"

	"github.com/caddy-dingtalk/caddy-dingtalk/doctor"
	"github.com/caddy-dingtalk/caddy-dingtalk/oapi"
	"github.com/caddy-dingtalk/caddy-dingtalk/tokens"
)

// Probe is a suite as somebody sees it who serves no pages of it: `caddy dingtalk doctor`.
// It knows what the storage knows, and pushes to the callback as DingTalk does.
type Probe struct {
	o      Options
	crypt  *Crypt // nil where nothing is pushed
	api    *oapi.Suite
	store  store
	ticket tickets
}

// NewProbe makes the probe of a suite. Of the options Log and Events do not count.
func NewProbe(o Options) (*Probe, error) {
	o.Log, o.Events = zap.NewNop(), nil
	s, err := newSuite(o)
	if err != nil {
		return nil, err
	}
	p := &Probe{o: o, crypt: s.crypt, api: s.api}
	p.store.storage.Store(&p.o.Storage)
	p.ticket.store, p.ticket.key = &p.store, record(p.Name(), "suite_ticket")
	if o.Ticket != "" {
		p.ticket.fix(o.Ticket)
	}
	return p, nil
}

// Name is that of the suite in the storage: dingtalk/<name>/…
func (p *Probe) Name() string { return p.o.name() }

// Pushes tells whether DingTalk pushes to the suite.
func (p *Probe) Pushes() bool { return p.crypt != nil }

// CheckURL is the push by which DingTalk tries a callback. It tells nothing, and changes
// nothing.
func (p *Probe) CheckURL() Push {
	m := p.crypt.Seal(`{"EventType":"check_url"}`, p.o.Key, time.Now())
	body, _ := json.Marshal(struct {
		Encrypt string `json:"encrypt"`
	}{m.Encrypt})
	return Push{Signature: m.Signature, Timestamp: m.Timestamp, Nonce: m.Nonce, Body: body}
}

// Success reports whether an answer to a push is sealed with the suite's keys, and says
// success.
func (p *Probe) Success(answer []byte) bool {
	var m Sealed
	if json.Unmarshal(answer, &m) != nil || !p.crypt.Signed(m) {
		return false
	}
	text, _, err := p.crypt.Open(m)
	return err == nil && string(text) == "success"
}

// Ticket reads how the suite_ticket stands. Calls are made with it from then on.
func (p *Probe) Ticket(ctx context.Context) doctor.SuiteTicket {
	if p.ticket.fixed {
		return doctor.SuiteTicket{Fixed: true}
	}
	if _, err := p.ticket.read(ctx); err != nil {
		return doctor.SuiteTicket{Err: err}
	}
	t := p.ticket.get()
	return doctor.SuiteTicket{None: t.Value == "", Age: time.Since(t.Received)}
}

// HasTicket tells whether there is one.
func (p *Probe) HasTicket() bool { return p.ticket.get().Value != "" }

// Nobody is a corpId that no organisation has. DingTalk says so where it takes key, secret
// and ticket.
const Nobody = "dingdoctor0000000000000000"

// Corp asks the storage, and DingTalk where there is a suite_ticket, how a corp stands.
func (p *Probe) Corp(ctx context.Context, id string) doctor.Corp {
	c := doctor.Corp{ID: id}
	if !isCorpID(id) {
		c.Err = &oapi.Error{Call: "service/get_auth_info", Kind: oapi.NotAuthorized, Err: errNoCorp}
		return c
	}
	c.Told = p.told(ctx, id)
	if !p.HasTicket() {
		c.Unknown = true
		return c
	}
	agents, err := p.api.Agents(ctx, id, p.ticket.get().Value)
	c.Err, c.Unknown = err, err != nil && oapi.KindOf(err) != oapi.NotAuthorized
	for _, a := range agents {
		if p.o.AppID == "" || a.AppID == p.o.AppID {
			c.Agents = append(c.Agents, a.ID)
		}
	}
	return c
}

var errNoCorp = errors.New("a corpId is 4 to 64 letters and digits")

// told is what the servers were told of a corp.
func (p *Probe) told(ctx context.Context, id string) doctor.Told {
	var stored Standing
	if p.store.load(ctx, record(p.Name(), "corps/"+id), &stored) != nil {
		return doctor.ToldNothing
	}
	switch stored.state(time.Now()) {
	case served, unlisted:
		return doctor.ToldAuthorized
	case revoked:
		return doctor.ToldRevoked
	}
	return doctor.ToldNothing
}

// Source is where the tokens of a corp come from.
func (p *Probe) Source(corpID string) tokens.Source { return probed{p, corpID} }

type probed struct {
	of   *Probe
	corp string
}

func (p probed) AccessToken(ctx context.Context) (string, time.Duration, error) {
	return p.of.api.CorpToken(ctx, p.corp, p.of.ticket.get().Value)
}

func (p probed) Ticket(ctx context.Context, access string) (string, time.Duration, error) {
	return p.of.api.Ticket(ctx, access)
}

// Interface guards
var _ tokens.Source = probed{}
