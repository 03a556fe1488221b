package endpoint

import (
	"net/url"
	"strings"
	"sync/atomic"

	"go.uber.org/zap"

	"github.com/caddy-dingtalk/caddy-dingtalk/doctor"
	"github.com/caddy-dingtalk/caddy-dingtalk/signer"
)

// retryHeader tells a page whose signature was refused for the right URL what to
// try, once: to reload, or to reload and ask config for another form of signature
// (`hash=sha256&url_policy=raw`).
const retryHeader = "DingTalk-Retry"

const retryReload = "reload"

// codeHealed is the code of a report that a page is accepted with what it tried.
const codeHealed = "healed"

// trials counts the forms of signature that refused pages were told to try.
type trials struct{ n atomic.Uint32 }

// next returns the form whose turn it is.
func (t *trials) next(forms []signer.Signer) signer.Signer {
	return forms[(t.n.Add(1)-1)%uint32(len(forms))]
}

// heal answers a refusal for the right URL with what the page may try. A page that
// was signed with another ticket than the one held is to reload. Else the ticket is
// suspect: where DingTalk gives another one, the page is to reload, too. Where it
// does not, the ticket is right, and what may be wrong is the form of the
// signature: the page tries another one and reports how that went.
//
// A report without a signature counts as one of ours: programs of others make their
// reports as the documents say. But it must be about a URL of ours, or any stranger
// could make us call DingTalk with what he made up.
func (s *Server) heal(c *call, rep *report, p proof) (retry string) {
	page, err := signer.ParseURL(rep.Signed)
	if err != nil || !c.owns(page.Origin) || p.held == nil || strings.Contains(rep.Tried, "=") {
		return ""
	}
	ours := c.tenant.Signer
	// A client app may go by the URL that the page was opened with: a reload makes
	// that the one that it shows.
	if _, elsewhere := doctor.CheckedElsewhere(rep.Message, rep.Signed); elsewhere || !p.mayBeHeld(ours) {
		return retryReload
	}
	c.tenant.Tokens.Suspect()
	if !c.tenant.Settle(c.Context()) {
		return ""
	}
	if now := c.tenant.Held(); now == nil || now.Value != p.held.Value {
		return retryReload
	}
	return formQuery(s.trials.next(ours.Alternatives(rep.Signed)), ours)
}

// formQuery names the settings in which a form of signature differs from ours, as
// parameters of config.
func formQuery(f, ours signer.Signer) string {
	query := make(url.Values)
	if f.Hash != ours.Hash {
		query.Set("hash", f.Hash.String())
	}
	if f.Policy != ours.Policy {
		query.Set("url_policy", f.Policy.String())
	}
	return query.Encode()
}

// formNamed returns the form of signature that parameters of config name: ours but
// for what they say. The error is a *signer.Error.
func formNamed(query url.Values, ours signer.Signer) (signer.Signer, error) {
	hash, policy := ours.Hash.String(), ours.Policy.String()
	if query.Has("hash") {
		hash = query.Get("hash")
	}
	if query.Has("url_policy") {
		policy = query.Get("url_policy")
	}
	for _, f := range signer.Forms {
		if f.Hash.String() == hash && f.Policy.String() == policy {
			return f, nil
		}
	}
	return ours, &signer.Error{Reason: signer.NoForm}
}

// learn logs which form of signature DingTalk has accepted in a page where it had
// refused ours, as the page claims. It must have a signature in that form, made here
// with the ticket that is held, for a URL of ours. That proves no more than that
// somebody has asked config for it, so the log says how to make sure.
func (s *Server) learn(c *call, rep *report, p proof) {
	query, _ := url.ParseQuery(rep.Tried)
	ours := c.tenant.Signer
	form, _ := formNamed(query, ours) // ours where it names none
	page, err := signer.ParseURL(rep.Signed)
	if err != nil || !c.owns(page.Origin) || form == ours || rep.URL != rep.Signed || !p.in(form) {
		return
	}
	lines := strings.Join(doctor.FormLines(ours, form), "`, `")
	s.notices.Once("form", claim+"DingTalk refuses the configured form of signature and accepts another: open the doctor page in DingTalk to make sure, then write `"+lines+"` in the dingtalk directive",
		zap.String("url", s.maskReport(*rep).URL))
}
