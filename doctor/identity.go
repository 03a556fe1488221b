package doctor

// Belonging is what is known of whether corp_id is the organisation of the app. No
// signature holds it, and the app's token does not show it.
type Belonging struct {
	Named bool // the login itself names the organisation
	Asked bool // DingTalk was asked for a token there, and for one of an organisation that is not there

	Here    error // what it said to the first
	Nowhere error // and to the second, which it must refuse if the first is to prove anything
	Unknown bool  // this DingTalk does not know that call, or did not answer
}

// Finding says whether corp_id is right.
func (b Belonging) Finding() Finding {
	f := Finding{Name: "corp_id", Status: OK}
	switch {
	case b.Named:
		f.Text = say("DingTalk takes it as the organisation of the login", "钉钉接受它作为登录的企业")
	case !b.Asked:
		f.Status, f.Text = Open, say("no call of api legacy proves it", "api legacy 没有能证明它的接口")
	case b.Unknown:
		f.Status, f.Text = Open, say("the call that proves it brings no answer (%s)", "能证明它的接口没有答复（%s）", b.Here)
	case b.Here != nil:
		f.Status = Warning
		f.Text = say("DingTalk gives the app no token in this organisation (%s): corp_id is most likely that of another one", "钉钉不在这个企业里给该应用 token（%s）：corp_id 多半是别的企业的", b.Here)
		f.Cures = []Text{say("compare corp_id with the CorpId on the home page of the developer console (open-dev.dingtalk.com), signed in to the organisation that has the app",
			"请切换到应用所在的企业，核对 corp_id 与开发者后台首页（open-dev.dingtalk.com）的 CorpId")}
	case b.Nowhere == nil:
		f.Status, f.Text = Open, say("DingTalk takes any corp_id of this app", "钉钉对这个应用接受任何 corp_id")
	default:
		f.Text = say("DingTalk gives the app a token in this organisation, and none in another", "钉钉在这个企业里给该应用 token，换成别的企业则拒绝")
	}
	if f.Status == Open {
		f.Cures = onPhone("52010, 52011")
	}
	return f
}

// AgentUnproven says that agent_id is not checked.
var AgentUnproven = Finding{Name: "agent_id", Status: Open, Cures: onPhone("52019"),
	Text: say("no call that every app may make proves it", "没有所有应用都能调用的接口可以证明它")}

// onPhone says where a wrong identifier shows.
func onPhone(codes string) []Text {
	return []Text{say("open the doctor page or a page of the app in DingTalk: a wrong one shows there (%s)", "请在钉钉里打开诊断页或应用的页面：填错了会在那里看到（错误码 %s）", codes)}
}
