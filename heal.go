package dingtalk

import (
	"context"
	"net/url"
	"strings"

	"go.uber.org/zap"

	"github.com/caddy-dingtalk/caddy-dingtalk/internal/diagnosis"
	"github.com/caddy-dingtalk/caddy-dingtalk/signer"
)

// retryHeader tells a page whose signature was refused for the right URL what to
// try, once: to reload, or to reload and ask config for another form of signature
// (`hash=sha256&url_policy=raw`).
const retryHeader = "DingTalk-Retry"

const retryReload = "reload"

// codeHealed is the code of a report that a page is accepted with what it tried.
const codeHealed = "healed"

// heal answers a refusal for the right URL with what the page may try. A page that
// was signed with another ticket than the one held is to reload. Else the ticket is
// suspect: where DingTalk gives another one, the page is to reload, too. Where it
// does not, the ticket is right, and what may be wrong is the form of the
// signature: the page tries another one and reports how that went.
func (h *Handler) heal(ctx context.Context, rep *report) (retry string) {
	held := h.tokens.Held()
	if held == nil || strings.Contains(rep.Tried, "=") {
		return ""
	}
	// A client app may go by the URL that the page was opened with: a reload makes
	// that the one that it shows.
	if _, elsewhere := diagnosis.CheckedElsewhere(rep.Message, rep.Signed); elsewhere || !h.ofHeldTicket(rep) {
		return retryReload
	}
	h.tokens.Suspect()
	if !h.tokens.Settle(ctx, h.wait) {
		return ""
	}
	if now := h.tokens.Held(); now == nil || now.Value != held.Value {
		return retryReload
	}
	others := h.signer.Alternatives(rep.Signed)
	return h.formQuery(others[int(h.trials.Add(1)-1)%len(others)])
}

// formQuery names the settings in which a form of signature differs from ours, as
// parameters of config.
func (h *Handler) formQuery(f signer.Signer) string {
	query := make(url.Values)
	if f.Hash != h.signer.Hash {
		query.Set("hash", f.Hash.String())
	}
	if f.Policy != h.signer.Policy {
		query.Set("url_policy", f.Policy.String())
	}
	return query.Encode()
}

// formNamed returns the form of signature that parameters of config name: ours but
// for what they say. The error is a *signer.Error.
func (h *Handler) formNamed(query url.Values) (signer.Signer, error) {
	hash, policy := h.signer.Hash.String(), h.signer.Policy.String()
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
	return h.signer, &signer.Error{
		Code:    signer.CodeBadURL,
		Message: "there is no such form of signature: hash is sha1 or sha256, url_policy is query_decoded, raw or decoded",
	}
}

// learn logs which form of signature DingTalk has accepted in a page where it had
// refused ours. Only a signature that was made here, with the ticket that is held,
// proves it.
func (h *Handler) learn(rep *report) {
	query, _ := url.ParseQuery(rep.Tried)
	form, _ := h.formNamed(query) // ours where it names none
	held := h.tokens.Held()
	if held == nil || form == h.signer || !form.Made(rep.made(), held.Value, rep.Signed) {
		return
	}
	lines := strings.Join(diagnosis.FormLines(h.signer, form), "`, `")
	h.notices.once(h.log, "form", "pages report that DingTalk refuses the configured form of signature and accepts another: write `"+lines+"` in the dingtalk directive",
		zap.String("url", h.doctor.mask(rep.URL)))
}
