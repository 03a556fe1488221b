package endpoint

import (
	"slices"
	"time"

	"github.com/caddy-dingtalk/caddy-dingtalk/doctor"
	"github.com/caddy-dingtalk/caddy-dingtalk/signer"
	"github.com/caddy-dingtalk/caddy-dingtalk/tenant"
	"github.com/caddy-dingtalk/caddy-dingtalk/tokens"
)

// proof is what the signature in a report proves, by one reading of the ticket
// that is held: it may be replaced at any time.
type proof struct {
	held  *tokens.Token   // nil if there is none
	given bool            // the report has a signature
	forms []signer.Signer // those in which the held ticket gives this signature
	form  signer.Signer   // one of them, ours if it may be ours or is unknown
}

// prove reads the ticket and tries all forms with it, once.
func prove(t tenant.Choice, rep *report) proof {
	p := proof{held: t.Held(), given: rep.Signature != "", form: t.Signer}
	if p.held == nil {
		return p
	}
	made := signer.Signed{NonceStr: rep.NonceStr, TimeStamp: rep.TimeStamp, Signature: rep.Signature}
	for _, form := range signer.Forms {
		if form.Made(made, p.held.Value, rep.Signed) {
			p.forms = append(p.forms, form)
		}
	}
	if len(p.forms) > 0 && !p.in(t.Signer) { // forms may be the same for a URL
		p.form = p.forms[0]
	}
	return p
}

// in reports whether the held ticket gives the signature in that form.
func (p proof) in(form signer.Signer) bool { return slices.Contains(p.forms, form) }

// mayBeHeld reports whether a refusal may be about the ticket that is held: it is
// not where the page is older than the ticket, or was signed by a process that has
// another one. Suspecting ours then would kill it for the whole fleet where
// DingTalk answers each fetch with a new value.
func (p proof) mayBeHeld(ours signer.Signer) bool { return !p.given || p.in(ours) }

// ticket are how the ticket stands, and what a report with that message proves of
// it. Nothing of the ticket itself is among them.
func (p proof) ticket(status tokens.Status, message string) doctor.Ticket {
	t := doctor.Ticket{Err: status.Err, Retry: status.Retry}
	if status.Ticket != nil {
		t.Held, t.Age, t.Left = true, time.Since(status.Ticket.Fetched), time.Until(status.Ticket.Expires)
	}
	if p.held != nil {
		_, masked := doctor.Evidence(message)
		t.Listed = doctor.Listed(p.held.Value, masked)
		t.Other = p.given && len(p.forms) == 0
	}
	return t
}
