package observe

import (
	"cmp"
	"context"
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/caddy-dingtalk/caddy-dingtalk/client"
)

// The codes of errors about the tenant of a page.
const (
	// CodeTenantUnknown: what was named is no tenant.
	CodeTenantUnknown = "tenant_unknown"
	// CodeTenantAmbiguous: several tenants are meant.
	CodeTenantAmbiguous = "tenant_ambiguous"
	// CodeTenantConflict: a call and the URL of its page name different ones.
	CodeTenantConflict = "tenant_conflict"
)

var (
	tenantPagesTotal = prometheus.NewCounterVec(prometheus.CounterOpts{
		Namespace: "caddy", Subsystem: "dingtalk", Name: "tenant_pages_total",
		Help: "HTML pages of directives with several tenants, by what named the tenant (query, referer, cookie, default, only, none) and result: signed, or the reason why not.",
	}, []string{"by", "result"})
	tenantsHeld = prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Namespace: "caddy", Subsystem: "dingtalk", Name: "tenants_held",
		Help: "Tenants that the process holds: those of the configuration, and the corps of third-party apps with a jsapi_ticket.",
	}, func() float64 { return float64(held()) })
)

// CountTenantPage counts a page of a directive with several tenants.
func CountTenantPage(p client.Page) {
	by, result := cmp.Or(p.By, byNone), outcomeSigned
	if p.Err != nil {
		result = p.Err.Code
	}
	tenantPagesTotal.WithLabelValues(by, result).Inc()
}

// BeginTenantPages lets the counts of pages begin at zero, for sites with several tenants.
// by are what may name one.
func BeginTenantPages(by ...string) {
	for _, source := range by {
		for _, result := range []string{outcomeSigned, CodeNoTicket} {
			tenantPagesTotal.WithLabelValues(source, result)
		}
	}
	for _, result := range []string{CodeTenantUnknown, CodeTenantAmbiguous, CodeNoTicket} {
		tenantPagesTotal.WithLabelValues(byNone, result)
	}
}

// byNone is the label where nothing has named a tenant that there is.
const byNone = "none"

// Tenant is how one app of one corp stands in this process. It holds no value of a token.
type Tenant struct {
	CorpID  string `json:"corp_id"`
	AgentID string `json:"agent_id"` // "" where a suite's corp has several
	App     string `json:"app"`      // its name in the storage: dingtalk/<app>/…
	// State is "configured", or of a suite's corp "authorized" or "revoked".
	State       string       `json:"state"`
	AccessToken *tokenStatus `json:"access_token"` // null if none is held
	JSAPITicket *tokenStatus `json:"jsapi_ticket"` // null if none is held
	Error       *tokenError  `json:"error"`        // null if all is well
}

// Key orders tenants: they are shown after that of the page before.
func (t Tenant) Key() string { return t.CorpID + "." + t.AgentID + "." + t.App }

// WithTokens fills in how the tokens of an app stand.
func (t Tenant) WithTokens(a App) Tenant {
	s := a.status(time.Now())
	t.AccessToken, t.JSAPITicket, t.Error = s.AccessToken, s.JSAPITicket, s.Error
	return t
}

// Corps is what a Suite is, too, whose corps the admin API is to show.
type Corps interface {
	Suite
	// After returns the first of the corps that are held and whose Key is greater, in the
	// order of their keys.
	After(key string, limit int) []Tenant
	// Of returns those of one corp, whether held or not.
	Of(ctx context.Context, corpID string) []Tenant
	// Refresh fetches a fresh ticket for a corp. It reports whether the suite has it.
	Refresh(ctx context.Context, corpID string) bool
}

// corps returns the suites in use whose corps are to be shown.
func (r *suiteRegister) corps() (all []Corps) {
	for _, s := range r.running() {
		if c, ok := s.(Corps); ok {
			all = append(all, c)
		}
	}
	return all
}

// held is how many tenants the process holds.
func held() (n int) {
	for _, a := range configured() {
		if a.Many {
			n++
		}
	}
	for _, s := range suiteApps.statuses() {
		n += s.Corps.Held
	}
	return n
}

// tenant is an app as a tenant.
func (a App) tenant() Tenant {
	return Tenant{CorpID: a.CorpID, AgentID: a.AgentID, App: a.Tokens.Name(), State: "configured"}
}

// maxTenants is how many are shown at once.
const maxTenants = 1000

// serveTenants answers `{"tenants": [{…}], "after": "…" or null}`: of one corp, or all in
// pages; after is what the next page is asked for with.
func serveTenants(w http.ResponseWriter, r *http.Request) error {
	if err := only(r, http.MethodGet); err != nil {
		return err
	}
	q, err := query(r, "corpid", "after")
	if err != nil {
		return err
	}
	var answer struct {
		Tenants []Tenant `json:"tenants"`
		After   *string  `json:"after"`
	}
	if corp := q.Get("corpid"); corp != "" {
		answer.Tenants = tenantsOf(r.Context(), corp)
		if len(answer.Tenants) == 0 {
			return unknownCorp(r, corp)
		}
	} else {
		answer.Tenants = tenantsAfter(q.Get("after"))
		if len(answer.Tenants) == maxTenants {
			key := answer.Tenants[maxTenants-1].Key()
			answer.After = &key
		}
	}
	w.Header().Set("Content-Type", "application/json")
	return json.NewEncoder(w).Encode(answer)
}

// tenantsOf returns the tenants of one corp.
func tenantsOf(ctx context.Context, corp string) []Tenant {
	found := make([]Tenant, 0, 1) // never null
	for _, a := range configured() {
		if a.CorpID == corp {
			found = append(found, a.tenant().WithTokens(a))
		}
	}
	for _, c := range suiteApps.corps() {
		found = append(found, c.Of(ctx, corp)...)
	}
	return found
}

// tenantsAfter returns the next tenants in the order of their keys.
func tenantsAfter(key string) []Tenant {
	all := make([]Tenant, 0, maxTenants)
	for _, a := range configured() {
		if t := a.tenant(); t.Key() > key {
			all = append(all, t.WithTokens(a))
		}
	}
	for _, c := range suiteApps.corps() {
		all = append(all, c.After(key, maxTenants)...)
	}
	slices.SortFunc(all, func(a, b Tenant) int { return strings.Compare(a.Key(), b.Key()) })
	return all[:min(len(all), maxTenants)]
}

// refreshCorp fetches a fresh ticket for a corp of the suite of that name, of any where it is
// "". It reports whether one has it.
func refreshCorp(ctx context.Context, name, corp string) (found bool) {
	if corp == "" {
		return false // tickets of a whole suite are too many to be fetched at once
	}
	for _, c := range suiteApps.corps() {
		if name == "" || c.Name() == name {
			found = c.Refresh(ctx, corp) || found
		}
	}
	return found
}

// configured returns the apps in use, each agent of them once.
func configured() (all []App) {
	seen := make(map[string]bool)
	for _, a := range running.each() {
		if key := a.tenant().Key(); !seen[key] {
			seen[key] = true
			all = append(all, a)
		}
	}
	return all
}
