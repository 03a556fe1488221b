package doctor

import (
	"strings"

	"github.com/caddy-dingtalk/caddy-dingtalk/signer"
)

// failure is why dd.config failed for a URL that was signed rightly.
func (f Facts) failure() Finding {
	if Refused(f.Page.Code, f.Page.Message) && f.Page.Signed != "" {
		return f.refusal()
	}
	return Failure(f.Page.Code, f.Page.Message)
}

// refusal is why DingTalk refused the signature of the very URL that the browser
// shows. Its text quotes what it was computed with: the URL and the tickets.
func (f Facts) refusal() Finding {
	quoted, elsewhere := CheckedElsewhere(f.Page.Message, f.Page.Signed)
	policy, _ := policyOf(quoted, f.Page.Signed, f.Settings.Signer.Policy)
	switch {
	case f.Ticket.Listed == No:
		return f.replaced()
	case f.Ticket.Other:
		return refused("older_ticket",
			say("the page was signed with another jsapi_ticket than the one that is held now", "本页是用另一张 jsapi_ticket 签名的，不是现在这一张"),
			say("reload the page", "请刷新页面"))
	case elsewhere:
		return f.elsewhere(quoted)
	case quoted != "" && policy != f.Settings.Signer.Policy:
		line := "url_policy " + policy.String()
		return refused("url_policy",
			say("DingTalk quotes the URL in the form of url_policy %[1]s, ours is %[2]s",
				"钉钉给出的网址是 url_policy %[1]s 的形式，而我们用的是 %[2]s", policy, f.Settings.Signer.Policy),
			say("try the line %s in the dingtalk directive", "请在 dingtalk 指令里试试 %s", line), inDirective(line))
	case f.Ticket.Listed == Yes:
		lines := f.otherForms()
		return refused("form",
			say("the URL and the jsapi_ticket are right, so DingTalk wants another form of signature",
				"网址和 jsapi_ticket 都对，钉钉要的是另一种签名形式"),
			say("try these lines in the dingtalk directive, one after the other: %s", "请在 dingtalk 指令里依次试试：%s", strings.Join(lines, ", ")),
			inDirective(lines...))
	case CodeOf(f.Page.Code, f.Page.Message) == "52011":
		return refused("52011", meanings["52011"].text, meanings["52011"].cure)
	}
	return refused("refused",
		say("the jsapi_ticket may have been replaced by another program that uses the same app", "jsapi_ticket 可能被使用同一个应用的其他程序换掉了"),
		say("it is fetched again, at most once a minute, and the page reloads itself; if it stays, reload it in a minute", "正在重新获取（每分钟最多一次），页面会自己刷新；如果仍被拒绝，请一分钟后再刷新"))
}

// refused is a finding about a signature that DingTalk refused.
func refused(name string, why, cure Text, lines ...Line) Finding {
	return Finding{
		Name: name, Status: Error, Cures: []Text{cure}, lines: lines,
		Text: Text{
			EN: "DingTalk refused the signature of the URL that the browser shows: " + why.EN,
			ZH: "网址一致，但钉钉拒绝了签名：" + why.ZH,
		},
	}
}

// replaced: DingTalk does not know our ticket.
func (f Facts) replaced() Finding {
	return refused("ticket_replaced",
		say("DingTalk's list of living tickets does not hold ours: another program has fetched a newer one, or app_key and corp_id belong to different organisations",
			"钉钉列出的有效 ticket 里没有我们这一张：要么另一个程序取了新的，要么 app_key 与 corp_id 不属于同一个企业"),
		say("it is fetched again, at most once a minute, and the page reloads itself; if it comes back, stop the other program, or let all servers share one storage",
			"正在重新获取（每分钟最多一次），页面会自己刷新；如果反复出现，请停掉那个程序，或让所有服务器共用一个存储"))
}

// elsewhere: DingTalk has checked another URL than the one that was signed.
func (f Facts) elsewhere(quoted string) Finding {
	return refused("checked_elsewhere",
		say("DingTalk has checked another URL: %s", "钉钉校验的是另一个网址：%s", quoted),
		say("call dd.config before a script (router) changes the URL: DingTalk on Android checks the URL that the page was opened with, elsewhere the one that is shown",
			"请在脚本（路由）改变网址之前调用 dd.config：安卓钉钉校验打开页面时的网址，其他平台校验当前显示的网址"))
}

// otherForms are the lines that lead to other signatures of the URL, one each.
func (f Facts) otherForms() (lines []string) {
	ours := f.Settings.Signer
	for _, other := range ours.Alternatives(f.Page.Signed) {
		if l := FormLines(ours, other); len(l) == 1 {
			lines = append(lines, l[0])
		}
	}
	return lines
}

// FormLines are the lines of the directive that change one form of signature into another.
func FormLines(from, to signer.Signer) (lines []string) {
	if from.Hash != to.Hash {
		lines = append(lines, "hash "+to.Hash.String())
	}
	if from.Policy != to.Policy {
		lines = append(lines, "url_policy "+to.Policy.String())
	}
	return lines
}

// acceptedForm: it works, but not in the form that is configured.
func (f Facts) acceptedForm(lines []string) Finding {
	return Finding{
		Name: "accepted_form", Status: Warning, lines: []Line{inDirective(lines...)},
		Text:  say("DingTalk has accepted another form of signature than the configured one", "钉钉接受的是另一种签名形式，不是配置里的那一种"),
		Cures: []Text{say("write %s in the dingtalk directive", "请在 dingtalk 指令里写上 %s", strings.Join(lines, ", "))},
	}
}
