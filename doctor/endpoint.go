package doctor

import "strings"

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
