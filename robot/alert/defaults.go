package alert

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/caddyserver/caddy/v2"
)

const (
	eventFailed      = "dingtalk_token_failed"
	eventRefreshed   = "dingtalk_token_refreshed"
	eventRobotFailed = "dingtalk_robot_failed" // data: kind, code, advice
)

// wording is what an event of the dingtalk handler means, and what to do, where
// the event does not say that itself.
type wording struct{ zh, en, zhCure, enCure string }

var wordings = map[string]wording{
	eventFailed: {zh: "钉钉没有给出 jsapi_ticket；已有的还能用到过期，之后页面不再有签名",
		en: "DingTalk gives no jsapi_ticket; the one that is held serves until it expires, then pages go unsigned"},
	eventRefreshed: {zh: "取到了新的 jsapi_ticket", en: "There is a new jsapi_ticket"},
	"dingtalk_signature_refused": {zh: "网址正确，但钉钉拒绝了签名（签名校验失败）；ticket 会重新获取",
		en:     "DingTalk refused the signature of the right URL; the ticket is fetched again",
		zhCure: "反复出现时，请核对 app_key 与 corp_id 是否属于同一个企业，并检查有没有其他系统用同一个应用获取 ticket",
		enCure: "Should it come back, compare app_key and corp_id, which must be of the same organisation, and look for another system that fetches tickets of the same app"},
	"dingtalk_url_mismatch": {zh: "浏览器显示的网址与被签名的网址不同",
		en:     "A browser shows another URL than the one that was signed",
		zhCure: "请按下面的建议修改前面的代理，或设置 public_origin", enCure: "Correct the proxy in front, or set public_origin"},
	"dingtalk_suite_ticket_stale": {zh: "suite_ticket 太旧，或一直没有收到：钉钉大约每 5 小时推送一次",
		en:     "The suite_ticket is too old, or never came: DingTalk pushes one about every 5 hours",
		zhCure: "请在开发者后台“事件与回调”点“重新推送”，并检查回调地址能否从公网访问",
		enCure: "Push it again in the developer console (事件与回调 → 重新推送), and check that the callback is reached from the internet"},
	"dingtalk_tenant_authorized": {zh: "一个企业授权了应用", en: "An organisation has authorised the app"},
	"dingtalk_tenant_revoked": {zh: "一个企业取消了授权或停用了应用，它的页面不再签名",
		en: "An organisation has revoked or stopped the app; its pages are no longer signed"},
	"dingtalk_login":        {zh: "有人登录", en: "Somebody has signed in"},
	"dingtalk_login_failed": {zh: "登录失败", en: "A sign-in has failed"},
	"dingtalk_revoked":      {zh: "会话被撤销，需要重新登录", en: "Sessions were revoked and have to sign in again"},
}

// kindCures are Chinese for the advice of dingtalk_token_failed, whose own is
// English.
var kindCures = map[string]string{
	"network":     "连不上钉钉：请检查服务器的 DNS、防火墙和出口网络，需要代理时设置 HTTPS_PROXY；会自动重试",
	"timeout":     "钉钉没有及时回应：请检查服务器到钉钉的网络；会自动重试",
	"garbage":     "回应不是钉钉发出的：请检查出口上的代理、防火墙，以及 api_base、oapi_base",
	"busy":        "钉钉自己出了问题，这里无需改动；会自动重试",
	"credentials": "密钥不对：请到开发者后台“凭证与基础信息”核对 app_key 与 app_secret",
	"allow_list":  "服务器的 IP 不在白名单里：请在开发者后台“开发配置 → 服务器出口IP”里加上错误信息中的 IP",
	"permission":  "应用没有权限：请在开发者后台“权限管理”里开通错误信息中提到的权限，并确认应用已发布",
	"rate_limit":  "调用太频繁，会自动放慢；一直如此的话，请找出使用同一个应用的其他程序",
	"token":       "access token 失效，会自动换新；反复出现请核对密钥",
	"parameter":   "钉钉看不懂这个请求：请检查 api_base、oapi_base，以及出口上的代理",
}

// byDefault makes the message of an event for which none is configured. ok is false
// for a ticket that has been told as the end of a failure.
func (h *Robot) byDefault(e caddy.Event) (c content, ok bool) {
	switch app := appOf(e); e.Name() {
	case eventFailed:
		h.queue.fail(app, e.Timestamp())
	case eventRefreshed:
		if since, ends := h.queue.recover(app, e.ID().String()); ends {
			return h.recovered(e, since), true
		}
		if h.queue.told(e.ID().String()) {
			return content{}, false
		}
	}
	w, ours := wordings[e.Name()]
	if !ours {
		return h.markdown(e, list(e)), true
	}
	if own := kindCures[show(e.Data["kind"])]; own != "" && e.Name() == eventFailed {
		w.zhCure = own
	}
	if own := show(e.Data["advice"]); own != "" {
		w.enCure = escape(own, "")
	}
	return h.markdown(e, w.text()+"\n\n"+list(e, "advice", "next_try")), true
}

// recovered tells of the ticket that ends a failure.
func (h *Robot) recovered(e caddy.Event, since time.Time) content {
	zh, en := spoken(e.Timestamp().Sub(since))
	return h.markdown(e, wording{
		zh: "又有 jsapi_ticket 了，中断了 " + zh,
		en: "There is a ticket again after " + en,
	}.text()+"\n\n"+list(e, "expires"))
}

func (w wording) text() string {
	text := "**" + w.zh + "**\n\n" + w.en
	if w.zhCure != "" {
		text += "\n\n怎么办：" + w.zhCure
	}
	if w.enCure != "" {
		text += "\n\nWhat to do: " + w.enCure
	}
	return text
}

func (h *Robot) markdown(e caddy.Event, text string) content {
	return h.addressed(content{
		form: markdownForm, dated: true, text: text,
		title: "[" + h.hostname + "] " + clean(e.Name()),
	})
}

// list writes the event's data, a line each. What is told elsewhere, or differs
// each time and would keep messages from being merged, can be left out.
func list(e caddy.Event, but ...string) string {
	var out strings.Builder
	for _, key := range slices.Sorted(maps.Keys(e.Data)) {
		if slices.Contains(but, key) {
			continue
		}
		value := show(e.Data[key])
		if value == "" {
			value = "-"
		}
		out.WriteString("- " + escape(clean(key), "") + ": " + escape(value, "") + "\n")
	}
	if out.Len() == 0 {
		return "- event: " + escape(clean(e.Name()), "")
	}
	return strings.TrimSuffix(out.String(), "\n")
}

func appOf(e caddy.Event) string { return show(e.Data["app"]) }

// spoken is a duration as people say it.
func spoken(d time.Duration) (zh, en string) {
	switch {
	case d < time.Minute:
		n := int(d / time.Second)
		return fmt.Sprintf("%d 秒", n), fmt.Sprintf("%d s", n)
	case d < 2*time.Hour:
		n := int(d / time.Minute)
		return fmt.Sprintf("%d 分钟", n), fmt.Sprintf("%d min", n)
	}
	hours, minutes := int(d/time.Hour), int(d%time.Hour/time.Minute)
	return fmt.Sprintf("%d 小时 %d 分钟", hours, minutes), fmt.Sprintf("%d h %d min", hours, minutes)
}
