package doctor

import (
	"regexp"
	"strings"
)

// meaning is what one of DingTalk's codes of dd.config means.
type meaning struct{ text, cure Text }

// overwritten is the cure for parameters that the module has set rightly.
var overwritten = say("the module sets it: look for a script of the page or a second dd.config that overwrites it",
	"这个值由本模块给出：请检查页面脚本或另一次 dd.config 是否把它覆盖了")

// meanings are the codes of DingTalk's page server-api-error-codes-1, and the
// client's own 7 and 4040.
var meanings = map[string]meaning{
	"52010": {
		text: say("the corp_id is wrong", "corp_id 不对"),
		cure: say("copy the CorpId from the DingTalk developer console", "请从开发者后台重新复制 CorpId"),
	},
	"52011": {
		text: say("DingTalk cannot read the jsapi_ticket: it belongs to another organisation than corp_id, or is too old",
			"钉钉读取 jsapi_ticket 失败：它不属于 corp_id 这个企业，或者已经过期"),
		cure: say("compare app_key and corp_id: both must be of the same organisation; the ticket is fetched again",
			"核对 app_key 与 corp_id 是否属于同一个企业；ticket 会重新获取"),
	},
	"52012": {
		text: say("DingTalk could not compute the signature", "钉钉自己计算签名时失败"),
		cure: say("try again; if it stays, compare corp_id and agent_id with the developer console",
			"请重试；仍然失败时，到开发者后台核对 corp_id 和 agent_id"),
	},
	"52013": {
		text: say("the signature does not fit", "签名校验失败"),
	},
	"52014": {text: say("DingTalk does not take the URL", "钉钉不接受这个网址"),
		cure: say("open the page under the host that stands in the app's home page in the console", "请用后台应用首页里填写的域名打开页面")},
	"52015": {text: say("the nonceStr is missing or invalid", "随机串 nonceStr 缺失或无效"), cure: overwritten},
	"52016": {text: say("the signature is missing or invalid", "signature 缺失或无效"), cure: overwritten},
	"52017": {
		text: say("the jsApiList names an API that does not exist", "jsApiList 里有不存在的接口"),
		cure: say("write the names without dd.", "名字不要带 dd. 前缀，并检查拼写"),
	},
	"52018": {text: say("the timeStamp is missing or invalid", "timeStamp 缺失或无效"), cure: overwritten},
	"52019": {
		text: say("the agent_id does not belong to this app and organisation", "agent_id 不属于这个应用和企业"),
		cure: say("copy the AgentId from the page of the app whose app_key is configured",
			"请到与 app_key 对应的那个应用的页面复制 AgentId"),
	},
	"52020": {text: say("the organisation has not authorised the service window (服务窗)", "企业没有授权这个服务窗"), cure: typeCure},
	"52021": {text: say("the organisation has not authorised the app", "企业没有授权这个微应用"),
		cure: say("publish the app in the console and make it visible to this user; type 1 is for service windows (服务窗), 0 for all others",
			"在后台发布应用，并把当前用户加入可见范围；type 1 只用于服务窗，其余都是 0")},
	"52022": {text: say("the type does not fit the app", "type 与应用不符"), cure: typeCure},
	"52023": {text: say("the agent_id is none of a service window (服务窗)", "agent_id 不是服务窗的 agentid"), cure: typeCure},
	"52024": {text: say("the tag is invalid", "tag 参数无效"), cure: overwritten},
	"52025": {text: say("the app is a protected one (安全微应用) and this client may not open it", "这是安全微应用，当前客户端无权打开"), cure: protected},
	"52026": {text: say("the app is a protected one (安全微应用) and its check failed", "安全微应用校验失败"), cure: protected},
	"7": {
		text: say("an API was called before dd.ready, or is not in jsApiList", "接口在 dd.ready 之前调用，或者不在 jsApiList 里"),
		cure: say("add its name to js_api_list, or to the page's own list, and call it within dd.ready",
			"把接口名加到 js_api_list 或页面自己的列表里，并在 dd.ready 里调用"),
	},
	"4040": {
		text: say("the JSAPI script does not find a DingTalk client", "JSAPI 脚本没有找到钉钉客户端"),
		cure: say("open the page in DingTalk; on HarmonyOS the script must be 3.0.45 or newer", "请在钉钉里打开；鸿蒙系统需要 3.0.45 以上的脚本"),
	},
	domain: {
		text: say("the page's domain is not the app's", "页面的域名不是应用的域名"),
		cure: say("in the console make the domain of the app's home page (and its secure domains) that of this page",
			"在后台把应用首页地址（以及安全域名）改成本页的域名"),
	},
}

var (
	typeCure = say("type 1 is for service windows (服务窗), 0 for all others; compare type and agent_id",
		"type 1 只用于服务窗，其余都是 0；请核对 type 与 agent_id")
	protected = say("ask the administrator of the organisation: such an app opens on approved devices only",
		"请联系企业管理员：安全微应用只能在被允许的设备上打开")
)

// wordings are words of DingTalk for what a client sends without a code.
var wordings = []struct{ words, code string }{
	{"签名校验失败", "52013"},
	{"ticket 读取失败", "52011"},
	{"签名生成失败", "52012"},
	{"无效的corpid", "52010"},
	{"无效的agent", "52019"},
	{"无效的随机字符串", "52015"},
	{"无效的签名参数", "52016"},
	{"无效的jsapi列表", "52017"},
	{"无效的时间戳", "52018"},
	{"无效的jsapi类型", "52022"},
	{"域名微应用", domain},
	{"not secure domain", domain},
	{"redirectURI is blank", domain},
	{"notInDingTalk", "4040"},
}

// domain stands for the refusals that DingTalk gives no code of its own.
const domain = "domain"

var fiveDigits = regexp.MustCompile(`(?:^|\D)(52\d{3})(?:\D|$)`)

// CodeOf returns DingTalk's code of a failure: that in the message, before the
// parameters that it quotes; that of the message's words, for the PC client writes
// no code; else the code that was given.
func CodeOf(code, message string) string {
	if end := strings.Index(message, "nonce"); end >= 0 {
		message = message[:end]
	}
	if m := fiveDigits.FindStringSubmatch(message); m != nil {
		return m[1]
	}
	if fiveDigits.MatchString(code) {
		return code
	}
	for _, w := range wordings {
		if strings.Contains(message, w.words) {
			return w.code
		}
	}
	return code
}

// Refused reports whether DingTalk refused the signature: 52013 (it does not fit),
// or 52011 (its ticket cannot be read).
func Refused(code, message string) bool {
	code = CodeOf(code, message)
	return code == "52013" || code == "52011"
}

// Failure says what a failure of dd.config means that is no refused signature.
func Failure(code, message string) Finding {
	code = CodeOf(code, message)
	m, known := meanings[code]
	if !known {
		return Finding{
			Name: "unknown", Status: Error,
			Text:  say("DingTalk refuses with a code that is not known here", "钉钉返回了这里不认识的错误码"),
			Cures: []Text{say("see the message, which DingTalk wrote", "请看钉钉给出的错误信息")},
		}
	}
	return Finding{Name: code, Status: Error, Text: m.text, Cures: []Text{m.cure}}
}

// config is what became of dd.config, for the page.
func (p Page) config() Config {
	c := Config{Outcome: p.Outcome, Message: p.Message}
	if p.Outcome == Failed {
		c.Code = CodeOf(p.Code, p.Message)
		c.Meaning = meanings[c.Code].text
	}
	return c
}
