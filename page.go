package dingtalk

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"github.com/caddyserver/caddy/v2/modules/caddytls"
	"go.uber.org/zap"

	"github.com/caddy-dingtalk/caddy-dingtalk/client"
	"github.com/caddy-dingtalk/caddy-dingtalk/inject"
	"github.com/caddy-dingtalk/caddy-dingtalk/oapi"
	"github.com/caddy-dingtalk/caddy-dingtalk/signer"
	"github.com/caddy-dingtalk/caddy-dingtalk/tokens"
)

// place is where a page is in the web, or why that is unknown.
type place struct {
	signer.Page
	err    *signer.Error
	policy []string // the site's own Content-Security-Policy, which a 304 carries, too
}

// originalTarget returns the request target as it was received, whatever has
// been rewritten since.
func originalTarget(r *http.Request) string {
	if original, ok := r.Context().Value(caddyhttp.OriginalRequestCtxKey).(http.Request); ok {
		return original.RequestURI
	}
	return r.RequestURI
}

// facts judges a request: what is believed is decided here.
func facts(r *http.Request, target string) signer.Request {
	req := signer.Request{TLS: r.TLS != nil, Host: r.Host, Target: target}
	early := req.TLS && !r.TLS.HandshakeComplete // the peer's address is not proven yet (0-RTT)
	if trusted, _ := caddyhttp.GetVar(r.Context(), caddyhttp.TrustedProxyVarKey).(bool); trusted && !early {
		req.Forwarded = r.Header
	}
	return req
}

// locate rebuilds the URL of the page, and makes sure that it is one of ours.
// header is what the site itself has set so far.
func (h *Handler) locate(header http.Header, r *http.Request, req signer.Request) place {
	page, err := h.rules.Page(req)
	p := place{Page: page, policy: header["Content-Security-Policy"]}
	if err != nil {
		p.err = asSignerError(err)
	} else if !page.Vouched && !h.vouched(r, req) {
		p.err = unknownOrigin(page.Origin)
	}
	return p
}

// vouched reports whether the configuration says that the site of a request is ours:
// by a host matcher, or by a certificate for the name in the TLS handshake. The
// name alone says nothing: where Caddy has none for it, it may answer with that of
// another site.
func (h *Handler) vouched(r *http.Request, req signer.Request) bool {
	if h.hosts.matches(h, r) {
		return true
	}
	if r.TLS == nil || r.TLS.ServerName == "" || len(caddytls.AllMatchingCertificates(strings.ToLower(r.TLS.ServerName))) == 0 {
		return false
	}
	req.ServerName = r.TLS.ServerName
	_, vouched, _ := h.rules.Origin(req)
	return vouched
}

func asSignerError(err error) *signer.Error {
	var e *signer.Error
	if errors.As(err, &e) {
		return e
	}
	return &signer.Error{Code: signer.CodeOriginUnknown, Message: err.Error()}
}

func unknownOrigin(o signer.Origin) *signer.Error {
	return &signer.Error{
		Code: signer.CodeOriginUnknown,
		Message: "nothing in the configuration says that " + o.String() + " is this site: if it is, add the line `public_origin " + o.String() +
			"` to the dingtalk directive, or name the host in the site's address, or list the proxy in front in trusted_proxies",
	}
}

// revalidate changes If-None-Match for upstream. It returns the suffix of the
// pages that are made now if a condition is left. On a POST it is no question for a
// page that is kept, and stays (RFC 9110 section 13.1.2).
func (h *Handler) revalidate(r *http.Request, policy []string) string {
	if len(r.Header["If-None-Match"]) == 0 || r.Method != http.MethodGet {
		return ""
	}
	suffix := ""
	if ticket := h.tokens.Held(); ticket != nil {
		suffix = h.suffix(ticket, policy)
	}
	return inject.Revalidate(r.Header, suffix)
}

// insertedVar is the variable of a request whose page has its snippet.
const insertedVar = "dingtalk_inserted"

// insert appends the snippet for a page.
func (h *Handler) insert(r *http.Request, p place, dst []byte, header http.Header) (snippet []byte, suffix string) {
	ctx := r.Context()
	if inserted, _ := caddyhttp.GetVar(ctx, insertedVar).(bool); inserted {
		return dst, "" // by a directive further inside
	}
	caddyhttp.SetVar(ctx, insertedVar, true)
	page, suffix := h.sign(ctx, p, r.Host)
	page.Posted = r.Method != http.MethodGet
	countPage(page)
	var form client.Form
	if csp := header["Content-Security-Policy"]; len(csp) > 0 {
		form = client.FormFor(csp, p.Origin.String()+h.endpoint+"/"+client.FileName)
	}
	return h.renderer.Append(dst, page, form), suffix
}

// sign signs the page, or says why it cannot. The suffix is for its ETag: a page
// that is not signed must not be kept.
func (h *Handler) sign(ctx context.Context, p place, host string) (page client.Page, suffix string) {
	if p.err != nil {
		h.notices.once(h.log, p.err.Code, "a page passes unsigned: "+p.err.Message, zap.String("host", host))
		return client.Page{Err: &client.Error{Code: p.err.Code, Message: p.err.Message}}, ""
	}
	url := p.URL()
	ticket, err := h.tokens.Ticket(ctx, h.wait)
	if err != nil {
		return client.Page{URL: url, Err: &client.Error{Code: codeNoTicket, Message: noTicket(err)}}, ""
	}
	return signWith(h.signer, ticket, url), h.suffix(ticket, p.policy)
}

func signWith(form signer.Signer, ticket *tokens.Token, url string) client.Page {
	s := form.Sign(ticket.Value, url, time.Now())
	return client.Page{URL: url, TimeStamp: s.TimeStamp, NonceStr: s.NonceStr, Signature: s.Signature}
}

const codeNoTicket = "ticket_unavailable"

// noTicket says why there is no ticket, as far as users may know it: not by which
// address this server goes out.
func noTicket(err error) string {
	if advice := oapi.PublicAdviceOn(err); advice != "" {
		return "DingTalk gives no jsapi_ticket: " + advice + " The Caddy log has the details."
	}
	return "there is no jsapi_ticket yet: reload the page in a moment; if that does not help, look into the Caddy log"
}

// generation names the pages that are made with one ticket.
type generation struct {
	ticket string
	suffix string
}

// suffix returns what pages signed with this ticket add to their ETag.
func (h *Handler) suffix(ticket *tokens.Token, policy []string) string {
	g := h.generation.Load()
	if g == nil || g.ticket != ticket.Value {
		sum := sha256.Sum256([]byte(h.fingerprint + client.Source + ticket.Value))
		g = &generation{ticket.Value, "-dt" + hex.EncodeToString(sum[:5])}
		h.generation.Store(g)
	}
	if len(policy) == 0 {
		return g.suffix
	}
	sum := sha256.Sum256([]byte(strings.Join(policy, "\n")))
	return g.suffix + hex.EncodeToString(sum[:3])
}
