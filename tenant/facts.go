package tenant

import (
	"strings"

	"github.com/caddy-dingtalk/caddy-dingtalk/doctor"
	"github.com/caddy-dingtalk/caddy-dingtalk/visit"
)

// maxShown is how many tenants the doctor page lists.
const maxShown = 20

// Facts tell the doctor page of a visit which tenant it is for, and which there are, nil
// where there is but one. closed says that the others are not to be told.
func (t *Tenants) Facts(v *visit.Visit, c Choice, closed bool) *doctor.Tenants {
	if t.only != nil {
		return nil
	}
	facts := &doctor.Tenants{Corp: c.Page.CorpID, Agent: c.Page.AgentID, By: c.By, None: c.Err.Facts(), Closed: closed}
	if closed {
		return facts
	}
	host, _ := v.Asked()
	all := t.at(host)
	facts.Here, facts.More = all[:min(len(all), maxShown)], max(0, len(all)-maxShown)
	for _, s := range t.suites.all {
		facts.Suites = append(facts.Suites, s.Facts())
	}
	return facts
}

// at returns the tenants that pages under a host may be for.
func (c *chooser) at(host string) (all []doctor.TenantAt) {
	only := false
	scopes, _ := c.scopesAt(host, "")
	for _, s := range scopes {
		only = only || len(s.paths) == 0
		all = append(all, doctor.TenantAt{
			Corp: s.tenant.Page.CorpID, Agent: s.tenant.Page.AgentID,
			Hosts: strings.Join(s.hosts, " "), Paths: strings.Join(s.paths, " "),
		})
	}
	if only {
		return all
	}
	for _, one := range c.general.all {
		all = append(all, doctor.TenantAt{Corp: one.Page.CorpID, Agent: one.Page.AgentID})
	}
	return all
}
