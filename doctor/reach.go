package doctor

import "strings"

// HeldBack says that the endpoints never reach the directive, because a path matcher in
// front of it has these patterns, and where to put them.
func HeldBack(endpoint string, patterns []string) Finding {
	where := below(patterns, endpoint)
	return Finding{
		Name: "endpoint_held_back", Status: Warning,
		Text: say("%[1]s does not pass the matcher %[2]s in front of the directive: pages get no answer from config, report and doctor",
			"%[1]s 通不过指令前面的匹配器 %[2]s：页面访问不到 config、report 和 doctor", endpoint, strings.Join(patterns, " ")),
		Cures: []Text{say("put the endpoints where the matcher lets them through, in the dingtalk directive:\n\tendpoint %[1]s",
			"请在 dingtalk 指令里把接口放到匹配器放行的路径下：\n\tendpoint %[1]s", where)},
	}
}

// SignInBehind says that sign-in stands behind a matcher, by what that goes by.
func SignInBehind(matcher []string) Finding {
	return Finding{
		Name: "matcher", Status: Warning,
		Text: say("dingtalk with login stands behind a matcher (%s): requests that it does not match reach the app without sign-in, and with whatever X-DingTalk headers a stranger writes",
			"带 login 的 dingtalk 前面有匹配器（%s）：它不匹配的请求不用登录就能到达应用，而且陌生人可以随意写 X-DingTalk 请求头", strings.Join(matcher, ", ")),
		Cures: []Text{say("remove the matcher of the dingtalk directive, and write a line public into login for what needs no sign-in", "请去掉 dingtalk 指令的匹配器，不需要登录的部分写进 login 的 public")},
	}
}

// below returns an endpoint that the first pattern lets through.
func below(patterns []string, endpoint string) string {
	if len(patterns) > 0 {
		prefix, _, _ := strings.Cut(patterns[0], "*")
		if prefix = strings.TrimRight(prefix, "/"); strings.HasPrefix(prefix, "/") && strings.HasSuffix(patterns[0], "/*") {
			return prefix + endpoint
		}
	}
	return "/<a path that it lets through>"
}
