package tenant

import (
	"context"
	"net/http"

	"github.com/caddy-dingtalk/caddy-dingtalk/client"
	"github.com/caddy-dingtalk/caddy-dingtalk/visit"
)

// Choice is the tenant of a visit.
type Choice struct {
	// Tenant signs the pages; where the visit is for none, it is one without tokens,
	// whose pages say why.
	*Tenant
	// By is what named it, "" where there is but one, or none.
	By string
	// Err is why the visit is for no tenant, nil if it is for one.
	Err *Error
}

// For returns the tenant that a visit is for. It waits for what is to be known of a corp
// as long as a page may wait for its first ticket.
func (t *Tenants) For(v *visit.Visit) Choice { return t.of(v, false) }

// ForAnyPath is For where the path says nothing of the tenant: for pages of our own.
func (t *Tenants) ForAnyPath(v *visit.Visit) Choice { return t.of(v, true) }

func (t *Tenants) of(v *visit.Visit, anyPath bool) Choice {
	if t.only != nil {
		return Choice{Tenant: t.only}
	}
	host, target := v.Asked()
	names, by := namedFor(v, queryOf(target), true)
	if anyPath {
		target = ""
	}
	return t.pick(v, host, target, names, by)
}

// Page is what a call says of the page that it is about.
type Page struct {
	Host, Target string // of its URL
	Named        Names  // by the call itself
	Own          bool   // the call comes from a page of the site: Referer and cookie count
}

// ForPage returns the tenant of a page that makes a call.
func (t *Tenants) ForPage(v *visit.Visit, p Page) Choice {
	if t.only != nil {
		return Choice{Tenant: t.only}
	}
	names, by := namedFor(v, queryOf(p.Target), p.Own)
	if !p.Named.None() {
		if by != ByQuery {
			names = Names{}
		}
		both, agree := united(p.Named, names)
		if !agree {
			return t.none(&Error{Reason: Conflict, Names: p.Named, By: ByQuery})
		}
		names, by = both, ByQuery
	}
	return t.pick(v, p.Host, p.Target, names, by)
}

// united returns what a call and the URL of its page name together, and whether they
// agree.
func united(call, url Names) (both Names, agree bool) {
	differ := func(a, b string) bool { return a != "" && b != "" && a != b }
	if url.Twice || differ(call.Corp, url.Corp) || differ(call.Agent, url.Agent) {
		return Names{}, false
	}
	both = call
	if both.Corp == "" {
		both.Corp = url.Corp
	}
	if both.Agent == "" {
		both.Agent = url.Agent
	}
	return both, true
}

// namedFor returns what the first source that names anything names. own tells that what the
// browser says of the page before counts.
func namedFor(v *visit.Visit, query string, own bool) (n Names, by string) {
	if n = NamesIn(query); !n.None() {
		return n, ByQuery
	}
	if !own {
		return Names{}, ""
	}
	if n = NamesIn(v.RefererQuery()); !n.None() {
		return n, ByReferer
	}
	if n = remembered(v.Remembered); !n.None() {
		return n, ByCookie
	}
	return Names{}, ""
}

// pick returns the tenant that names mean. The corps of suites are asked for last, and
// only on sites that are ours: a stranger's must not make us look for what he names.
func (t *Tenants) pick(v *visit.Visit, host, target string, n Names, by string) Choice {
	found, otherwise, why, open := t.choose(host, target, n)
	switch {
	case found != nil && by == "":
		return Choice{Tenant: found, By: otherwise}
	case found != nil && open && n.Agent == "" && v.Place().Err == nil && t.suites.have(v.Context(), n.Corp):
		return t.none(&Error{Reason: Ambiguous, Names: n, By: by})
	case found != nil:
		return Choice{Tenant: found, By: by}
	case open && n.Corp != "" && v.Place().Err == nil:
		return t.ask(v.Context(), n, by)
	}
	return t.none(&Error{Reason: why, Names: n, By: by})
}

// none is the choice of no tenant.
func (t *Tenants) none(why *Error) Choice {
	n := t.nobody
	return Choice{Tenant: &Tenant{Signer: n.Signer, Page: n.Page, Renderer: n.Renderer, none: why}, Err: why}
}

// SignPage signs the page at a place, and says in it which tenant it is for.
func (c Choice) SignPage(ctx context.Context, at visit.Place) (page client.Page, suffix string) {
	page, suffix = c.Tenant.SignPage(ctx, at)
	page.By = c.By
	return page, c.named(suffix)
}

// Suffix returns what pages at that place that are signed now add to their ETag, "" where
// none is signed.
func (c Choice) Suffix(at visit.Place) string { return c.named(c.Tenant.Suffix(at)) }

// named makes a suffix tell by what the tenant was named, which the page shows.
func (c Choice) named(suffix string) string {
	if suffix == "" || c.By == "" {
		return suffix
	}
	return suffix + c.By[:1]
}

// Remember appends the cookie that remembers the tenant to the header of a signed page, where
// its query has named another one than the browser remembers.
func (c Choice) Remember(header http.Header, at visit.Place, remembered string) {
	if c.By != ByQuery {
		return
	}
	value := c.Page.CorpID + "." + c.Page.AgentID
	if value == remembered {
		return
	}
	secure, site := at.Origin.Scheme == "https", http.SameSiteLaxMode
	if secure {
		site = http.SameSiteNoneMode // DingTalk's PC client and workbench frame pages
	}
	cookie := http.Cookie{Name: visit.TenantCookie, Value: value, Path: "/", HttpOnly: true, Secure: secure, SameSite: site}
	header.Add("Set-Cookie", cookie.String())
}
