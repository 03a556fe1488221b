package dingtalk

import (
	"net/http"
	"net/netip"
	"time"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"github.com/caddy-dingtalk/caddy-dingtalk/internal/diagnosis"
	"github.com/caddy-dingtalk/caddy-dingtalk/signer"
)

// diagnose examines what a page of the site says of itself in a request.
func (h *Handler) diagnose(r *http.Request, page diagnosis.Page) diagnosis.Diagnosis {
	return h.examine(r, page, h.askedFrom(r, page.URL), new(report))
}

// examine examines what a page says of itself, with the proof in its report. asked
// is the URL that the browser has asked for by this request, "" if unknown.
func (h *Handler) examine(r *http.Request, page diagnosis.Page, asked string, rep *report) diagnosis.Diagnosis {
	page.Form = h.formOf(rep)
	f := diagnosis.Facts{
		Page:     page,
		Request:  h.requestFacts(r),
		Settings: diagnosis.Settings{Public: h.public, Forwarded: h.Forwarded, Signer: h.signer},
		Ticket:   h.ticketFacts(rep),
	}
	f.Request.Asked = asked
	return diagnosis.Examine(h.doctor.masked(f))
}

// askedFrom returns the URL that the browser has asked for if the page at that
// URL, which is of the same origin, has made the request.
func (h *Handler) askedFrom(r *http.Request, pageURL string) string {
	prefix, target, err := h.rules.Target(facts(r, originalTarget(r)))
	page, bad := signer.ParseURL(pageURL)
	if err != nil || bad != nil {
		return ""
	}
	return signer.Page{Origin: page.Origin, Prefix: prefix, Target: target}.URL()
}

// requestFacts are what is known of a request.
func (h *Handler) requestFacts(r *http.Request) diagnosis.Request {
	req := facts(r, originalTarget(r))
	trusted, _ := caddyhttp.GetVar(r.Context(), caddyhttp.TrustedProxyVarKey).(bool)
	sni := ""
	if r.TLS != nil {
		sni = r.TLS.ServerName
	}
	return diagnosis.Request{
		Request: req, Header: r.Header, Trusted: trusted, SNI: sni,
		Early:   r.TLS != nil && !r.TLS.HandshakeComplete,
		Peer:    peer(r.RemoteAddr),
		Unknown: h.locate(nil, r, req).err,
	}
}

// peer returns the IP address of whoever is connected, "@" for a Unix socket.
func peer(remote string) string {
	if addr, err := netip.ParseAddrPort(remote); err == nil {
		return addr.Addr().Unmap().WithZone("").String()
	}
	return remote
}

// ticketFacts are how the ticket stands, and what a report proves of it. Nothing
// of the ticket itself is among them.
func (h *Handler) ticketFacts(rep *report) diagnosis.Ticket {
	status, held := h.tokens.Status(), h.tokens.Held()
	t := diagnosis.Ticket{Err: status.Err, Retry: status.Retry}
	if status.Ticket != nil {
		now := time.Now()
		t.Held, t.Age, t.Left = true, now.Sub(status.Ticket.Fetched), status.Ticket.Expires.Sub(now)
	}
	if held != nil {
		_, masked := diagnosis.Evidence(rep.Message)
		t.Listed = diagnosis.Listed(held.Value, masked)
		_, made := h.madeWith(rep, held.Value)
		t.Other = rep.Signature != "" && !made
	}
	return t
}

// madeWith returns the form of the signature in a report if the ticket has made
// it.
func (h *Handler) madeWith(rep *report, ticket string) (form signer.Signer, made bool) {
	for _, form := range signer.Forms {
		if form.Made(rep.made(), ticket, rep.Signed) {
			return form, true
		}
	}
	return h.signer, false
}

// formOf returns the form of the signature in a report, ours if it is unknown.
func (h *Handler) formOf(rep *report) signer.Signer {
	held := h.tokens.Held()
	if held == nil || h.signer.Made(rep.made(), held.Value, rep.Signed) { // forms may be the same for a URL
		return h.signer
	}
	form, _ := h.madeWith(rep, held.Value)
	return form
}
