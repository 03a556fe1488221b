package doctor

// Tenantless is a request that is for none of the tenants of its directive.
type Tenantless struct {
	Code        string // tenant_unknown, tenant_ambiguous or tenant_conflict
	Corp, Agent string // what was named, "" where nothing was
	Twice       bool   // two values were given for one of them
	By          string // what named it: query, referer or cookie; "" if nothing did
	Unavailable error  // why it is not known whether a corp has authorised a suite, nil if that is known
}

// namedBy are the sources of a tenant in words.
var namedBy = map[string]Text{
	"query":   say("the page's URL", "网页地址"),
	"referer": say("the URL of the page before it", "上一个页面的地址"),
	"cookie":  say("the cookie dingtalk_tenant", "Cookie dingtalk_tenant"),
}

// NoTenant says why a page is for no tenant, and what to do about it.
func NoTenant(t Tenantless) Text {
	by := namedBy[t.By]
	switch {
	case t.Unavailable != nil:
		return noCorp(t.Unavailable)
	case t.Code == "tenant_conflict":
		return say("the call and the page's URL name different tenants: leave out corpid and agentid, or name the URL's",
			"请求参数与网页地址指定的企业或应用不一致：请去掉 corpid 和 agentid，或改成与地址一致")
	case t.By == "" && t.Code == "tenant_ambiguous":
		return say("nothing says which corp and app the page is for: open it from the DingTalk workbench with ?corpid=$CORPID$ in the app's home page, and &agentid=… where a corp has several apps",
			"无法确定页面属于哪个企业和应用：请在应用首页地址里加上 ?corpid=$CORPID$（一个企业有多个应用时再加 &agentid=…），并从钉钉工作台打开")
	case t.By == "":
		return say("none of the tenants is for this host and path: correct host and path of the tenant blocks, or add a credential to the directive itself",
			"没有任何 tenant 对应这个域名和路径：请修改 tenant 的 host 和 path，或给指令本身加上凭证")
	case t.Twice:
		return Text{
			EN: by.EN + " names two corps or two agents: keep one corpid and one agentid in it",
			ZH: by.ZH + "里有两个不同的 corpid 或 agentid：请只保留一个",
		}
	case t.Code == "tenant_ambiguous":
		text := say("names corp %[1]s, where there are several apps: add &agentid=… to the app's home page", "指定了企业 %[1]s，而它有多个应用：请在应用首页地址里加上 &agentid=…", cut(t.Corp))
		if t.Corp == "" {
			text = say("names agent %[1]s, which several corps have: add corpid=$CORPID$ to the app's home page", "只指定了 agentid %[1]s，而多个企业都有它：请在应用首页地址里加上 corpid=$CORPID$", cut(t.Agent))
		}
		return Text{EN: by.EN + " " + text.EN, ZH: by.ZH + text.ZH}
	}
	named := cut(t.Corp)
	switch {
	case t.Corp == "":
		named = "agentid " + cut(t.Agent)
	case t.Agent != "":
		named += " with agentid " + cut(t.Agent)
	}
	text := say("names %[1]s, which is no tenant here: compare with the tenant blocks, letter by letter; with a suite, the corp must have authorised the app",
		"指定了 %[1]s，但这里没有这个企业或应用：请逐字核对 tenant 配置；第三方应用需要该企业已经授权", named)
	return Text{EN: by.EN + " " + text.EN, ZH: by.ZH + text.ZH}
}

// noCorp says why it is not known whether a corp has authorised a suite, to visitors.
func noCorp(err error) Text {
	if advice := PublicAdvice(err); advice != (Text{}) {
		return Text{EN: "DingTalk does not say whether the corp has authorised the app: " + advice.EN, ZH: "钉钉没有告知该企业是否已授权：" + advice.ZH}
	}
	return say("whether the corp has authorised the app is not known yet: reload the page in a moment; if there is no suite_ticket yet, push it again in the DingTalk developer console (重新推送)",
		"暂时无法确认该企业是否已授权：请稍后刷新；如果还没有收到 suite_ticket，请在开发者后台点击“重新推送”")
}

// cut cuts what a stranger may have written.
func cut(s string) string {
	const most = 64
	if r := []rune(s); len(r) > most {
		return string(r[:most]) + "…"
	}
	return s
}

// tenantless is why a page of no tenant has no signature.
func tenantless(t *Tenantless) Finding {
	f := Finding{
		Name: t.Code, Status: Error, Cures: []Text{NoTenant(*t)},
		Text: say("the page is not signed, because it is for none of the corps and apps of this site", "页面没有签名，因为无法确定它属于本站的哪个企业和应用"),
	}
	if t.Unavailable != nil {
		f.Text = say("the page is not signed, because it is not known whether corp %s has authorised the app", "页面没有签名，因为还不知道企业 %s 是否授权了应用", cut(t.Corp))
	}
	return f
}
