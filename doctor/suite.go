package doctor

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/caddy-dingtalk/caddy-dingtalk/oapi"
)

// StaleSuiteTicket is how old a suite_ticket is when one has been missed: DingTalk pushes
// another about every five hours.
const StaleSuiteTicket = 6 * time.Hour

// SuiteTicket is how the suite_ticket of a third-party app stands.
type SuiteTicket struct {
	Fixed bool          // it stands in the configuration, and none is pushed
	None  bool          // none has been received
	Age   time.Duration // since it was received
	Err   error         // why the storage does not tell, nil if it does
}

// Stale reports whether another one is overdue.
func (t SuiteTicket) Stale() bool { return !t.Fixed && !t.None && t.Age >= StaleSuiteTicket }

// Finding says how it stands, and what to do where there is none or it is too old.
func (t SuiteTicket) Finding() Finding {
	f := Finding{Name: "suite_ticket"}
	switch {
	case t.Fixed:
		f.Status, f.Text = OK, say("the suite_ticket stands in the configuration: none is pushed", "suite_ticket 写在配置里，不需要推送")
	case t.Err != nil:
		f.Status, f.Text = Open, say("the suite_ticket cannot be read from the storage: %v", "无法从存储读取 suite_ticket：%v", t.Err)
	case t.None:
		f.Status = Error
		f.Text = say("no suite_ticket has been received: no page of any corp can be signed", "还没有收到过 suite_ticket：所有企业的页面都无法签名")
		f.Cures = pushAgain
	case t.Stale():
		f.Status = Warning
		f.Text = say("the suite_ticket was received %[1]s ago, and another one is overdue: DingTalk pushes one about every five hours, which ends the one before",
			"suite_ticket 是 %[2]s前收到的，早该有新的了：钉钉大约每 5 小时推送一次，新的会让旧的失效", spanEN(t.Age), spanZH(t.Age))
		f.Cures = pushAgain
	default:
		f.Status = OK
		f.Text = say("the suite_ticket was received %[1]s ago", "suite_ticket 是 %[2]s前收到的", spanEN(t.Age), spanZH(t.Age))
	}
	return f
}

// pushAgain is what brings a suite_ticket.
var pushAgain = []Text{
	say("push it again in the developer console (open-dev.dingtalk.com) of the app: 事件与回调 → 重新推送", "请在开发者后台（open-dev.dingtalk.com）该应用的“事件与回调”点“重新推送”"),
	say("if none comes, make the callback reachable first, and let all servers share one storage that persists", "仍然收不到时，请先让回调地址可以访问，并让所有服务器共用一个持久的存储"),
}

// spanEN tells a time in hours and minutes, or seconds where it is short.
func spanEN(d time.Duration) string {
	if d < time.Minute {
		return d.Round(time.Second).String()
	}
	return strings.TrimSuffix(d.Round(time.Minute).String(), "0s")
}

func spanZH(d time.Duration) string {
	return strings.NewReplacer("h", " 小时 ", "m", " 分钟", "s", " 秒").Replace(spanEN(d))
}

// NoSuiteTicket is why DingTalk is not asked about a suite.
var NoSuiteTicket = say("there is no suite_ticket to log in with", "没有可以登录的 suite_ticket")

// SuiteLogin says whether DingTalk takes SuiteKey, SuiteSecret and suite_ticket. That a corp
// has not authorised the suite is known behind them.
func SuiteLogin(err error) Finding {
	f := Finding{Name: "credentials", Status: Error}
	switch kind := oapi.KindOf(err); {
	case err == nil, kind == oapi.NotAuthorized:
		return Finding{Name: f.Name, Status: OK, Text: say("DingTalk takes the SuiteKey, the SuiteSecret and the suite_ticket", "钉钉接受 SuiteKey、SuiteSecret 和 suite_ticket")}
	case kind == oapi.AllowList:
		return Finding{Name: f.Name, Status: Open, Text: say("DingTalk refuses this machine's address first", "钉钉先拒绝了本机的地址")}
	case kind == oapi.Network, kind == oapi.Timeout, kind == oapi.Busy, kind == oapi.RateLimit, kind == oapi.Other:
		f.Status = Open
	}
	f.Text, f.Cures = same(err.Error()), []Text{ticketAdvice(err)}
	return f
}

// SuiteAddress says whether DingTalk takes calls of a suite from this machine.
func SuiteAddress(err error) Finding {
	f := Finding{Name: "ip_allow_list"}
	switch kind := oapi.KindOf(err); {
	case err == nil, kind == oapi.NotAuthorized:
		f.Status, f.Text = OK, say("DingTalk takes calls from this machine's address", "钉钉接受本机地址发出的调用")
	case kind == oapi.AllowList:
		f.Status, f.Text, f.Cures = Error, same(err.Error()), []Text{ticketAdvice(err)}
	default:
		f.Status, f.Text = Open, say("DingTalk looks at the address after the credentials", "凭证通过之后，钉钉才检查地址")
	}
	return f
}

// same is a text that is the same in both languages, as the errors of others are.
func same(text string) Text { return Text{EN: text, ZH: text} }

// Corp is how one corp stands with a third-party app.
type Corp struct {
	ID      string
	Agent   string   // that is asked about, "" for whichever it has
	Agents  []string // as DingTalk says, where it has authorised the app
	Err     error    // DingTalk's answer, nil if it has told the agents
	Told    Told     // what the servers were told
	Unknown bool     // DingTalk was not asked, or could not say
}

// Told is what the servers of a suite have been told of a corp, as the storage has it.
type Told int

// What they may have been told.
const (
	ToldNothing Told = iota
	ToldAuthorized
	ToldRevoked
)

// Finding says whether the corp's pages are signed.
func (c Corp) Finding() Finding {
	f := Finding{Name: "authorization", Status: Error}
	refused := oapi.KindOf(c.Err) == oapi.NotAuthorized
	agents := strings.Join(c.Agents, ", ")
	switch {
	case c.Unknown && c.Told == ToldAuthorized:
		f.Status, f.Text = OK, say("the servers know that corp %s has authorised the app; DingTalk was not asked", "服务器已知企业 %s 授权了应用；没有询问钉钉", c.ID)
	case c.Unknown && c.Told == ToldRevoked:
		f.Text = say("the servers were told that corp %s has revoked or stopped the app: its pages are not signed", "服务器收到过企业 %s 取消授权或停用应用的推送：它的页面不签名", c.ID)
		f.Cures = []Text{openAgain}
	case c.Unknown:
		f.Status, f.Text = Open, say("whether corp %s has authorised the app cannot be told", "无法得知企业 %s 是否授权了应用", c.ID)
	case refused:
		f.Text, f.Cures = say("corp %s has not authorised the app, or does no longer: %v", "企业 %s 没有授权该应用，或已取消：%v", c.ID, c.Err), []Text{ticketAdvice(c.Err)}
	case c.Told == ToldRevoked:
		f.Text = say("DingTalk says that corp %s has authorised the app, but the servers were told otherwise later: its pages are not signed", "钉钉说企业 %s 已授权该应用，但服务器最后收到的是取消或停用：它的页面不签名", c.ID)
		f.Cures = []Text{say("push the events of the corp again in the developer console (事件与回调 → 重新推送), org_suite_auth above all", "请在开发者后台“事件与回调”重新推送该企业的事件，尤其是 org_suite_auth")}
	case len(c.Agents) == 0:
		f.Text = say("corp %s has authorised the app, but DingTalk names no agent of it there: its administrator may have stopped it", "企业 %s 授权了应用，但钉钉没有列出它的 agentId：可能被管理员停用", c.ID)
		f.Cures = []Text{openAgain}
	case c.Agent != "" && !slices.Contains(c.Agents, c.Agent):
		f.Text = say("corp %[1]s has authorised the app, but its agent there is %[2]s, not %[3]s", "企业 %[1]s 授权了应用，但 agentId 是 %[2]s，不是 %[3]s", c.ID, agents, c.Agent)
		f.Cures = []Text{say("correct agentid in the app's home page, or leave it out", "请改正应用首页地址里的 agentid，或去掉它")}
	case c.Agent == "" && len(c.Agents) > 1:
		f.Status = Warning
		f.Text = say("corp %[1]s has authorised the app, with the agents %[2]s: a page that names none of them is tenant_ambiguous", "企业 %[1]s 授权了应用，agentId 有 %[2]s：没有写明 agentid 的页面会得到 tenant_ambiguous", c.ID, agents)
		f.Cures = []Text{say("write app_id into the suite, or &agentid=… into the app's home page", "请在 suite 里写 app_id，或在应用首页地址里加上 &agentid=…")}
	default:
		f.Status, f.Text = OK, say("corp %[1]s has authorised the app: agent %[2]s", "企业 %[1]s 已授权该应用：agentId %[2]s", c.ID, cmp.Or(c.Agent, agents))
	}
	return f
}

var openAgain = say("its administrator opens the app again in DingTalk's admin console or app market", "请该企业的管理员在钉钉管理后台或应用市场重新启用")
