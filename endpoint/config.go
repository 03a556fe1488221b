package endpoint

import (
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"go.uber.org/zap"

	"github.com/caddy-dingtalk/caddy-dingtalk/doctor"
	"github.com/caddy-dingtalk/caddy-dingtalk/signer"
	"github.com/caddy-dingtalk/caddy-dingtalk/tenant"
)

// config answers the parameters for the URL that a page says it shows.
func (s *Server) config(w http.ResponseWriter, c *call) {
	page, form, err := s.asked(c)
	switch {
	case err != nil:
		writeSignerError(w, c.Request, err)
		return
	case c.tenant.Err != nil:
		writeTenantError(w, c.Request, c.tenant.Err)
		return
	}
	ticket, none := c.tenant.Ticket(c.Context())
	if none != nil {
		w.Header().Set("Retry-After", strconv.Itoa(int((none.Retry+time.Second-1)/time.Second)))
		writeError(w, c.Request, http.StatusServiceUnavailable, codeNoTicket, none.Message)
		return
	}
	signed, err := c.tenant.Sign(form, ticket, page)
	if err != nil {
		writeSignerError(w, c.Request, err)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write(c.tenant.Renderer.AppendConfig(nil, signed))
}

// asked returns what a call wants to have signed, and in which form, or why it
// gets no signature.
func (s *Server) asked(c *call) (page signer.Page, form signer.Signer, refused *signer.Error) {
	query, err := c.query()
	if err != nil {
		return page, form, &signer.Error{Reason: signer.BadQuery}
	}
	page, err = c.page(query, s.tenants.Many())
	if err == nil {
		err = s.maySign(c, page)
	}
	if err == nil {
		c.tenant = s.tenants.ForPage(c.visit, c.about(page, c.named()))
		form, err = formNamed(query, c.tenant.Signer)
	}
	errors.As(err, &refused)
	return page, form, refused
}

// named returns what the parameters of a call name.
func (c *call) named() tenant.Names {
	_, query, _ := strings.Cut(c.visit.Target, "?")
	return tenant.NamesIn(query)
}

// about is what a call says of its page, and of the tenant of that.
func (c *call) about(page signer.Page, named tenant.Names) tenant.Page {
	return tenant.Page{Host: page.Origin.Host, Target: page.Prefix + page.Target, Named: named, Own: c.from.Own}
}

// page reads the parameter url, or the Referer where there is none. many tells that there
// may be parameters that name a tenant.
func (c *call) page(query url.Values, many bool) (signer.Page, error) {
	values, given := query["url"]
	if len(values) > 1 || given && cutOff(c.visit.Target, query, many) {
		return signer.Page{}, &signer.Error{Reason: signer.BadQuery}
	}
	if given {
		return signer.ParseURL(values[0])
	}
	page, err := signer.ParseURL(c.Referer())
	if err != nil || c.from.Allowed && page.Target == "/" { // cut down by the browser's referrer policy
		return signer.Page{}, &signer.Error{Reason: signer.NoURL}
	}
	return page, nil
}

// cutOff reports whether a URL in the query of target has not been encoded and has
// lost what stood behind its first &: then there are parameters that are not ours, or
// names of a tenant that stand behind it.
func cutOff(target string, query url.Values, many bool) bool {
	if strings.Count(target, "?") < 2 {
		return false
	}
	for name := range query {
		if name != "url" && name != "hash" && name != "url_policy" && (!many || tenant.NamesIn(name+"=x").None()) {
			return true
		}
	}
	_, behind, _ := strings.Cut(target, "url=")
	return many && !tenant.NamesIn(behind).None()
}

// owns reports whether URLs of an origin may be signed.
func (c *call) owns(o signer.Origin) bool {
	return c.visit.Listed(o) || c.from.Vouched && o == c.from.Origin
}

// knows reports whether somebody vouches for the host of an origin, whatever its
// scheme and port are.
func (c *call) knows(o signer.Origin) bool {
	sameHost := func(other signer.Origin) bool { return o.Host == other.Host }
	return c.visit.Listed(o) || c.from.Vouched && sameHost(c.from.Origin) || slices.ContainsFunc(c.visit.Settings().Public, sameHost)
}

// maySign makes sure that nobody gets a signature for a site that is not ours.
func (s *Server) maySign(c *call, page signer.Page) error {
	if c.owns(page.Origin) {
		return nil
	}
	refused := &signer.Error{Reason: signer.NotOurs, Subject: page.Origin.String(), Known: c.knows(page.Origin), Ignored: c.visit.Ignored(page.Origin)}
	if c.from.Origin != (signer.Origin{}) {
		refused.Here = c.from.Origin.String()
	}
	if shown, ours := refused.Subject, refused.Here; page.Origin.Host == c.from.Origin.Host && c.from.Vouched {
		found := s.examine(c, doctor.Page{URL: shown + "/", Signed: ours + "/"}, proof{form: c.visit.Settings().Signer}).Verdict()
		cure := found.Cure()
		s.notices.Once("shown", "a visitor's page claims that the browser shows another origin than the one that reaches Caddy: "+cure.EN,
			zap.String("browser", shown), zap.String("caddy", ours), zap.String("advice_zh", cure.ZH))
	}
	return refused
}
