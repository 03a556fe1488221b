package doctor

import (
	"strings"
)

// Tenants is what a site with several apps and corps tells of them, and of one visit.
type Tenants struct {
	Corp, Agent, By string      // the visit's; "" where it is for none
	None            *Tenantless // why it is for none
	Closed          bool        // what follows is not told: anybody may open the page
	Here            []TenantAt  // that the site's host has
	More            int         // that are not among Here
	Suites          []SuiteAt
}

// TenantAt is a tenant, and where it is one: "" is everywhere.
type TenantAt struct{ Corp, Agent, Hosts, Paths string }

// SuiteAt is a third-party app as this server knows it.
type SuiteAt struct {
	Key                 string
	Ticket              SuiteTicket
	Authorized, Revoked int  // corps that are held
	Failing             bool // the storage cannot be read
}

// chosenBy are what named a tenant, as whole parts of a sentence.
var chosenBy = map[string]Text{
	"query":   say("the page's URL names it", "网页地址里写明了"),
	"referer": say("the URL of the page before it names it", "上一个页面的地址里写明了"),
	"cookie":  say("the cookie dingtalk_tenant remembers it from a page before, and the URL names none", "地址里没有写，由 Cookie dingtalk_tenant 记住的上一个页面决定"),
	"default": say("nothing names another, and the directive itself has its credential", "没有写明别的，指令本身有它的凭证"),
	"only":    say("nothing names one, and there is no other here", "没有写明，而这里只有它"),
}

// Findings say which tenant the visit is for and why, and which there are.
func (t Tenants) Findings() []Finding {
	out := []Finding{t.visit()}
	if len(t.Here) > 0 {
		out = append(out, t.here())
	}
	for _, s := range t.Suites {
		out = append(out, s.findings()...)
	}
	for i := range out {
		out[i].Cures = notNil(out[i].Cures)
	}
	return out
}

func (t Tenants) visit() Finding {
	if t.None != nil {
		f := tenantless(t.None)
		if t.Closed {
			f.Cures = append(f.Cures, say("to see here which tenants there are, give the doctor page a token: doctor <token>", "想在这里看到有哪些企业和应用，请给诊断页加上口令：doctor <token>"))
		}
		return f
	}
	by := chosenBy[t.By]
	return Finding{Name: "tenant", Status: OK, Text: Text{
		EN: "this visit is for corp " + t.Corp + ", agent " + t.Agent + ": " + by.EN,
		ZH: "这次访问属于企业 " + t.Corp + "，agentId " + t.Agent + "：" + by.ZH,
	}}
}

func (t Tenants) here() Finding {
	var all []string
	for _, one := range t.Here {
		text := one.Corp + " " + one.Agent
		if where := strings.TrimSpace(one.Hosts + " " + one.Paths); where != "" {
			text += " (" + where + ")"
		}
		all = append(all, text)
	}
	list := strings.Join(all, ", ")
	f := Finding{Name: "tenants", Status: OK, Text: say("the tenants of this host, corp and agent: %s", "这个域名下的企业和 agentId：%s", list)}
	if t.More > 0 {
		f.Text = say("the first tenants of this host, corp and agent: %[1]s; %[2]d more", "这个域名下的企业和 agentId：%[1]s，另有 %[2]d 个", list, t.More)
	}
	return f
}

func (s SuiteAt) findings() []Finding {
	ticket := s.Ticket.Finding()
	ticket.Text = prefixed("suite "+s.Key+": ", "suite "+s.Key+"：", ticket.Text)
	out := []Finding{ticket, {Name: "corps", Status: OK, Text: say(
		"suite %[1]s: this server holds %[2]d corps that have authorised it, and %[3]d that have revoked it", "suite %[1]s：本服务器内存中有 %[2]d 个已授权的企业、%[3]d 个已取消的", s.Key, s.Authorized, s.Revoked)}}
	if s.Failing {
		out = append(out, Finding{Name: "storage", Status: Error, Text: say("suite %[1]s: what the fleet knows of its corps cannot be read from the storage", "suite %[1]s：无法从存储读取企业的授权情况", s.Key),
			Cures: []Text{say("check the storage and this machine's access to it: Caddy's log has the error", "请检查存储，以及本机能否访问它：Caddy 的日志里有错误信息")}})
	}
	return out
}
