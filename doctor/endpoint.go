package doctor

import (
	"strings"

	"github.com/caddy-dingtalk/caddy-dingtalk/signer"
)

// missed is about endpoints that the browser does not reach where the scripts of pages
// ask for them, although this page, which is one of them, is there: a proxy cuts off what
// stands before them, which the page's own address shows, or leads elsewhere what is not
// the page.
func (f Facts) missed() Finding {
	at := f.Settings.Endpoint
	out := Finding{Name: "endpoint_missed", Status: Error, Text: unreachedConfig(at, *f.Page.Missed)}
	here := ""
	if page, err := signer.ParseURL(f.Page.URL); err == nil {
		path, _, _ := strings.Cut(page.Target, "?")
		here = strings.TrimSuffix(path, "/doctor")
	}
	if prefix, below := strings.CutSuffix(here, at); !below || prefix == "" {
		out.Cures = []Text{say("let the proxy lead all of %[1]s/ to Caddy, as it leads %[1]s/doctor, and no matcher in front of the directive hold it back (%[1]s/*)",
			"请让代理把 %[1]s/ 下的全部请求都转发给 Caddy，就像 %[1]s/doctor 一样；指令前面有匹配器时也要放行 %[1]s/*", at)}
		return out
	}
	line := "endpoint " + here
	out.Text = join([]Text{out.Text, say("a proxy cuts off what stands before it in this page's address", "代理截掉了本页网址里它前面的部分")}, "; ", "；")
	out.Cures = []Text{say("add the line %s to the dingtalk directive", "请在 dingtalk 指令里加上 %s", line)}
	out.lines = []Line{inDirective(line)}
	return out
}

// unreachedConfig says that the browser does not reach the endpoints.
func unreachedConfig(at string, status int) Text {
	return say("the browser does not reach %[1]s/config (status %[2]d, and not from the directive): pages cannot ask for a signature or report",
		"浏览器访问不到 %[1]s/config（状态码 %[2]d，不是指令的回答）：页面无法重新要签名，也无法上报", at, status)
}

// What the endpoints answer where they cannot do what they are asked for.

// UnknownEndpoint says which endpoints there are.
func UnknownEndpoint(path string, names ...string) Text {
	list := strings.Join(names, ", ")
	return say("there is no such endpoint: %[1]s has %[2]s", "没有这个接口：%[1]s 下有 %[2]s", path, list)
}

// OtherMethods says which methods an endpoint takes.
func OtherMethods(allow string) Text {
	return say("this endpoint takes %[1]s only", "这个接口只接受 %[1]s", allow)
}

// LateReport says that the body of a report has not come.
func LateReport(within string) Text {
	return say("the report has not arrived within %[1]s: send it again", "上报内容没有在 %[1]s 内到达：请重新发送", within)
}

// LongReport says how long a report may be, in bytes.
func LongReport(limit, urls int) Text {
	return say("a report has at most %[1]d bytes without its URLs, and these have at most %[2]d", "上报内容不算网址最多 %[1]d 字节，网址最多 %[2]d 字节", limit, urls)
}

// Texts of refusals that are always the same.
var (
	BrokenReport = say(`a report is JSON: {"url","signed","code","message"}`, `上报内容必须是 JSON：{"url","signed","code","message"}`)
	NotThePage   = say("this call comes from another web origin: open the doctor page itself", "这个请求来自另一个来源：请直接打开诊断页")
)
