package doctor

import (
	"maps"
	"slices"
)

// Event says what an event of the dingtalk handler means to whoever is told of it, and
// what to do about it where its data hold no advice. ok is false for other events.
func Event(name string) (f Finding, ok bool) {
	f, ok = events[name]
	f.Name = name
	return f, ok
}

// Events are the names of all that a configuration can subscribe to.
func Events() []string { return slices.Sorted(maps.Keys(events)) }

// events are told as whole sentences, in a chat.
var events = map[string]Finding{
	"dingtalk_token_failed": {Status: Error, Text: say(
		"DingTalk gives no jsapi_ticket; the one that is held serves until it expires, then pages go unsigned",
		"钉钉没有给出 jsapi_ticket；已有的还能用到过期，之后页面不再有签名")},
	"dingtalk_token_refreshed": {Status: OK, Text: say("There is a new jsapi_ticket", "取到了新的 jsapi_ticket")},
	"dingtalk_signature_refused": {Status: Error,
		Text: say("DingTalk refused the signature of the right URL; the ticket is fetched again",
			"网址正确，但钉钉拒绝了签名（签名校验失败）；ticket 会重新获取"),
		Cures: []Text{say("Should it come back, compare app_key and corp_id, which must be of the same organisation, and look for another system that fetches tickets of the same app",
			"反复出现时，请核对 app_key 与 corp_id 是否属于同一个企业，并检查有没有其他系统用同一个应用获取 ticket")}},
	"dingtalk_url_mismatch": {Status: Error,
		Text:  say("A browser shows another URL than the one that was signed", "浏览器显示的网址与被签名的网址不同"),
		Cures: []Text{say("Correct the proxy in front, or set public_origin", "请修改前面的代理，或设置 public_origin")}},
	"dingtalk_suite_ticket_stale": {Status: Error,
		Text: say("The suite_ticket is too old, or never came: DingTalk pushes one about every 5 hours",
			"suite_ticket 太旧，或一直没有收到：钉钉大约每 5 小时推送一次"),
		Cures: []Text{say("Push it again in the developer console (事件与回调 → 重新推送), and check that the callback is reached from the internet",
			"请在开发者后台“事件与回调”点“重新推送”，并检查回调地址能否从公网访问")}},
	"dingtalk_tenant_authorized": {Status: OK, Text: say("An organisation has authorised the app", "一个企业授权了应用")},
	"dingtalk_tenant_revoked": {Status: Warning, Text: say(
		"An organisation has revoked or stopped the app; its pages are no longer signed",
		"一个企业取消了授权或停用了应用，它的页面不再签名")},
	"dingtalk_robot_failed": {Status: Error, Text: say("A message could not be sent to a group", "群消息没有发出")},
	"dingtalk_login":        {Status: OK, Text: say("Somebody has signed in", "有人登录")},
	"dingtalk_login_failed": {Status: Warning, Text: say("A sign-in has failed", "登录失败")},
	"dingtalk_revoked":      {Status: Warning, Text: say("Sessions were revoked and have to sign in again", "会话被撤销，需要重新登录")},
}
