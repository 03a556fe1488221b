package doctor

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
)

// phrases are the Chinese words for what the ground floor, Caddy and systems say in
// English, by the English as its author formats it. Those of a configuration stand in
// mistakes.
var phrases = map[string]string{ //nolint:gosec // words about secrets, not secrets
	// Files and connections, as systems and Go's packages say it
	"no such file or directory":            "没有这个文件或目录",
	"permission denied":                    "没有权限",
	"is a directory":                       "这是一个目录",
	"read-only file system":                "文件系统只读",
	"no space left on device":              "磁盘已满",
	"connection refused":                   "连接被拒绝",
	"connection reset by peer":             "连接被对方断开",
	"network is unreachable":               "网络不可达",
	"no route to host":                     "没有到这台主机的路由",
	"no such host":                         "没有这个主机名",
	"server misbehaving":                   "DNS 服务器出错",
	"Temporary failure in name resolution": "域名解析暂时失败",
	"i/o timeout":                          "超时",
	"context deadline exceeded":            "超时",
	"context canceled":                     "已取消",
	"unexpected EOF":                       "连接中途断开",
	"x509: cannot validate certificate for %s because it doesn't contain any IP SANs": "证书里没有 IP 地址 %s",
	"x509: certificate is not valid for any names, but wanted to match %s":            "证书里没有任何域名，而需要的是 %s",
	"x509: certificate relies on legacy Common Name field, use SANs instead":          "证书只在 Common Name 里写了域名，需要写进 SAN",
	"server gave HTTP response to HTTPS client":                                       "对方的端口说的是 HTTP，不是 HTTPS",
	"stopped after 10 redirects":                                                      "跳转了 10 次还没有结束",
	"certificate signed by unknown authority":                                         "证书的签发者不受信任",
	"certificate has expired or is not yet valid":                                     "证书过期或尚未生效",
	"json: unknown field %q":                                                          "JSON 里没有字段 %q",
	"certificate is valid for %s, not %s":                                             "证书的域名是 %s，不是 %s",
	"tls: failed to verify certificate: ":                                             "TLS 证书验证失败：",
	"unknown flag: %s":                                                                "没有这个参数：%s",
	"flag needs an argument: %s":                                                      "参数后面要有值：%s",

	// Caddy, about a configuration
	"adapting config using %s: ":                                                "用 %s 转换配置：",
	"parsing caddyfile tokens for '%s': ":                                       "读取 %s：",
	"reading config from file: ":                                                "读取配置文件：",
	"reading default Caddyfile: ":                                               "读取 Caddyfile：",
	"reading config from stdin: ":                                               "从标准输入读取配置：",
	"unrecognized config adapter: %s":                                           "没有这种配置转换器：%s",
	"cannot adapt config without config file (use --config)":                    "没有配置文件可转换：请用 --config 指定",
	"config is not valid JSON: ":                                                "配置不是正确的 JSON：",
	"; did you mean to use a config adapter (the --adapter flag)?":              "；是不是该用 --adapter 指定转换器？",
	"unrecognized directive: %s":                                                "没有这个指令：%s",
	" - are you sure your Caddyfile structure (nesting and braces) is correct?": "，请检查 Caddyfile 的嵌套和花括号",
	"unrecognized global option: %s":                                            "没有这个全局选项：%s",
	"\nDid you mean to define a second site? If so, you must use curly braces around each site to separate their configurations.": "",
	"Unexpected next token after '{' on same line":                                                       "{ 后面同一行还有内容",
	"Unexpected '{' on a new line; did you mean to place the '{' on the previous line?":                  "{ 单独占了一行",
	"Unexpected '{}' at end of line":                                                                     "行尾有 {}",
	"Unexpected '}' because no matching opening brace":                                                   "这个 } 没有对应的 {",
	"unexpected EOF, at ":                                                                                "文件提前结束，位于 ",
	"syntax error: unexpected token '%s', expecting '%s', at ":                                           "语法错误：看到“%s”，而应当是“%s”，位于 ",
	"unexpected token '{', expecting argument":                                                           "看到 {，而应当是一个值",
	"wrong argument count or unexpected line ending after '%s'":                                          "“%s”后面缺少值，或值太多",
	"parsed '%s' as a site address, but it is a known directive; directives must appear in a site block": "“%s”写在站点地址的位置上，但它是指令，指令要写在站点里",
	"server block without any key is global configuration, and if used, it must be first":                "没有地址的块是全局选项，必须写在最前面",
	"cannot define a matcher outside of a site block: '%s'":                                              "匹配器“%s”写在了站点外面",
	"matcher is defined more than once: ":                                                                "匹配器重复定义：",
	"request matchers may not be defined globally, they must be in a site block; found ":                 "匹配器写在了站点外面：",
	"subject does not qualify for certificate: ":                                                         "这个站点地址申请不了证书：",
	"server block %d, key %d (%s): determining listener address: ":                                       "第 %d 个站点的第 %d 个地址（%s）：",
	"the scheme %s is only supported in browsers; use %s instead":                                        "%s 只用在浏览器里，请写 %s",
	"port %d is out of range":                                                                            "端口 %d 超出范围",
	"invalid port '%s': ":                                                                                "端口“%s”不对：",
	"parsing upstream '%s': ":                                                                            "读取上游地址“%s”：",
	"for now, URLs for proxy upstreams only support scheme, host, and port components":                   "上游地址只能有协议、主机和端口",
	"unsupported URL scheme %s":                                                                          "不支持的协议 %s",
	"ambiguous site definition: ":                                                                        "站点地址重复：",
	"File to import not found: ":                                                                         "找不到要引用的文件或片段：",
	"getting module named '%s': ":                                                                        "加载模块 %s：",
	"loading module '%s': ":                                                                              "加载模块 %s：",
	"unknown module: ":                                                                                   "没有这个模块：",
	"module not registered: ":                                                                            "没有注册这个模块：",
	"unrecognized subdirective %s":                                                                       "没有子指令 %s",

	"evaluated placeholder %s is empty": "占位符 %s 没有值",
	"too many unclosed placeholders":    "未闭合的占位符太多",
	"unrecognized placeholder %s":       "没有占位符 %s",

	// signer: origins
	"it must begin with http:// or https://":              "要以 http:// 或 https:// 开头",
	"it must not name a user":                             "不能带用户名",
	"its host is not one a browser would show":            "它的主机名不是浏览器会显示的",
	"it must end after the host and port, without a path": "主机和端口之后不能有路径",

	// signer: URLs
	"the request target is none that a browser sends":         "浏览器不会发出这样的请求",
	"the Host is not host[:port]":                             "Host 不是 主机[:端口]",
	"the header has not exactly one well-formed value":        "请求头不是恰好一个格式正确的值",
	"no public origin has the host name":                      "没有哪个 public_origin 是这个主机名",
	"nobody vouches for the origin":                           "没有人为这个来源担保",
	"the URL names a user":                                    "网址带有用户名",
	"the URL is neither http nor https":                       "网址既不是 http 也不是 https",
	"not an absolute URL":                                     "不是完整的网址",
	"the URL has no path, or bytes outside 0x21 to 0x7E":      "网址没有路径，或含有 0x21 到 0x7E 以外的字节",
	"what is hashed could be read as the URL of another site": "参与计算的文本可能被读成另一个站点的网址",
	"the URL is of another site":                              "网址属于另一个站点",
	"the query is malformed":                                  "查询参数格式不对",
	"the call names no URL":                                   "请求没有写网址",
	"there is no such form of signature":                      "没有这种签名形式",

	// oapi: calls that bring no answer of DingTalk's
	"the base is no http or https URL":                      "地址不是 http 或 https 网址",
	"there is no access token that can be sent":             "没有可以发送的 access token",
	"the call cannot be written as JSON":                    "请求写不成 JSON",
	"the app does not log in at this host":                  "这个应用不在这台主机登录",
	"the answer is a redirect, which is not followed":       "回应是跳转，不会跟随",
	"the answer is a redirect to %s, which is not followed": "回应是跳转到 %s，不会跟随",
	"the answer has no date":                                "回应没有日期",
	"the answer is longer than %d KiB":                      "回应超过 %d KiB",
	"the answer is no JSON object":                          "回应不是 JSON 对象",
	"the answer has no usable %s":                           "回应里没有可用的 %s",

	// tokens and tenant/suite
	"DingTalk has not answered yet: check that this server reaches it": "钉钉还没有回应：请检查本机能否访问它",
	"fetching jsapi_ticket: ":                        "获取 jsapi_ticket：",
	"fetching access token: ":                        "获取 access_token：",
	"there is no access token: ":                     "没有 access token：",
	"the value that DingTalk gave cannot be a token": "钉钉给出的值不可能是 token",
	"the stored token is not usable":                 "存储里的 token 不能用",
	"the stored token is dated more than 10 minutes ahead: set the clocks of all machines that share the storage, best by NTP": "存储里的 token 的时间超前 10 分钟以上：" +
		"请校准共用存储的所有机器的时钟，最好用 NTP",
	"the storage hangs":                                                           "存储没有反应",
	"the stored record is not usable":                                             "存储里的记录不能用",
	"too many calls of DingTalk are waiting in this process":                      "这个进程里等待调用钉钉的请求太多",
	"no suite_ticket that DingTalk takes has been pushed yet":                     "还没有收到钉钉认可的 suite_ticket",
	"DingTalk has asked for fewer calls: waiting for a minute or two":             "钉钉要求少调用：等一两分钟",
	"the corp has revoked or stopped the suite":                                   "企业已停用或解除该第三方应用",
	"the corp has several agents of the suite":                                    "企业有该第三方应用的多个 agent",
	"the corp has not authorised the suite":                                       "企业没有授权该第三方应用",
	"looking up the corp: ":                                                       "查询企业：",
	"the aes_key must be 43 characters of base64, which are 32 bytes":             "aes_key 必须是 43 个 base64 字符，即 32 字节",
	"the message cannot be opened":                                                "消息解不开",
	"the body is no JSON":                                                         "请求体不是 JSON",
	"the push is not signed and sealed for a suite of this site":                  "推送不是为本站的 suite 签名和加密的",
	"the push is older than 24 hours, or more than an hour ahead":                 "推送早于 24 小时，或超前一小时以上",
	"what the push tells is in force here, but could not be stored for the fleet": "推送的内容在本机已生效，但没能存下给其他服务器",
	"a corpId is 4 to 64 letters and digits":                                      "corpId 是 4 到 64 个字母和数字",
	"neither the storage nor DingTalk has answered yet":                           "存储和钉钉都还没有回应",
	"nothing is written to this storage":                                          "不往这个存储里写",

	// login, doctor/examine and robot/alert
	"the app is one of the corp %s: leave out corpid":    "这个应用属于企业 %s：请去掉 corpid",
	"users are called alike in many corps: add &corpid=": "各企业的用户会重名：请加上 &corpid=",
	"no dingtalk handler of this configuration has a tenant with%s, and none has a suite, whose corps are not written down: compare --corpid and --agentid with the tenant blocks": "这份配置里没有租户符合%s，" +
		"也没有 suite（它的企业不写在配置里）：请对照 tenant 块检查 --corpid 和 --agentid",
	"examining the handlers: ": "检查指令：",
	"setting up the robot: ":   "设置机器人：",

	// robot: what keeps a message from being sent
	"stands beside singleTitle and singleURL, which hide it: keep one of the two": "与 singleTitle、singleURL 并存，会被它们盖住：请只保留一种",
	"is missing or blank: DingTalk would not show the message":                    "缺失或为空：钉钉不会显示这条消息",
	`must be "0" or "1"`:                    `必须是 "0" 或 "1"`,
	"must be a full URL, beginning with %s": "必须是完整的网址，开头是 %s",
	"names %d people: DingTalk tells at most %d, use isAtAll for everybody":           "点了 %d 个人：钉钉最多通知 %d 个，通知所有人请用 isAtAll",
	"holds %q, which is not a mobile number: write 13800138000, abroad +1-1234567890": "里的 %q 不是手机号：请写成 13800138000，境外写 +1-1234567890",
	"holds a blank userid":                                           "里有空的 userid",
	"cannot be written as JSON: ":                                    "写不成 JSON：",
	"is too long: the body has %d bytes, DingTalk takes at most %d":  "太长：消息有 %d 字节，钉钉最多接受 %d 字节",
	"is missing: write text, markdown, link, actionCard or feedCard": "缺失：请写 text、markdown、link、actionCard 或 feedCard",
	"is %q: write text, markdown, link, actionCard or feedCard":      "是 %q：请写 text、markdown、link、actionCard 或 feedCard",
	"the message is not a JSON object":                               "消息不是 JSON 对象",
	"the message has something behind its JSON object":               "消息的 JSON 对象后面还有别的内容",
	"is not a JSON object":                                           "不是 JSON 对象",
	"has something behind its JSON object":                           "的 JSON 对象后面还有别的内容",
	"must be text":                                                   "必须是文本",
	"must be a list of texts":                                        "必须是文本列表",
	"must be true or false":                                          "必须是 true 或 false",
	"must be a list":                                                 "必须是列表",
	"must be written %s: DingTalk overlooks it otherwise":            "必须写成 %s：否则钉钉会忽略它",
	"is not a field that robot/send has here: it has %s":             "不是 robot/send 在这里的字段：这里有 %s",

	// robot: webhook and secret
	"copy it from the robot's settings (群设置 → 机器人 → Webhook), as in %s": "请从机器人的设置（群设置 → 机器人 → Webhook）复制，形如 %s",
	"is missing: ":   "缺失：",
	"is not a URL: ": "不是网址：",
	"has a user or a fragment, which no webhook has: ": "带有用户名或 #，正常的 webhook 没有这些：",
	"would send its token in the clear to another network: write https://, http:// is for loopback and private hosts only": "会把 token 明文发到别的网络：" +
		"请写 https://，http:// 只用于本机和内网",
	"is neither https nor http: ":       "既不是 https 也不是 http：",
	"has a broken query: ":              "的查询参数是坏的：",
	"has no access_token, or several: ": "没有 access_token，或有多个：",
	"has an access_token with characters that no token has, such as … or a quote: ": "的 access_token 里有 token 不会有的字符，例如 … 或引号：",
	"has a timestamp or sign of its own, which would be too old soon: leave them out and give the secret (加签) instead": "自带 timestamp 或 sign，很快就会过期：" +
		"请去掉，改为给出 secret（加签）",
	"was not copied whole, or with something that does not belong to it (…, a quote, a semicolon): copy it again from the robot's settings (安全设置 → 加签)": "没有复制完整，或混进了别的字符（…、引号、分号）：" +
		"请从机器人的设置（安全设置 → 加签）重新复制",
	"is not one of 加签, which begins with SEC: copy it from the robot's settings (安全设置 → 加签); a keyword (自定义关键词) is another setting": "不是加签的密钥，那是以 SEC 开头的：" +
		"请从机器人的设置（安全设置 → 加签）复制；自定义关键词是另一项设置",

	// robot: what DingTalk refuses
	"sending a robot message: ":                                        "发送机器人消息：",
	"encoding the message: ":                                           "编码消息：",
	"making the call: ":                                                "发出调用：",
	"reading the answer: ":                                             "读取回应：",
	"something other than DingTalk answered: no JSON":                  "回应不是钉钉发出的：没有 JSON",
	"something other than DingTalk answered: no errcode":               "回应不是钉钉发出的：没有 errcode",
	"something other than DingTalk answered: ":                         "回应不是钉钉发出的：",
	"The try was given up from this side, there is nothing to change.": "这次发送由本机放弃，无需改动。",
	"DingTalk is in trouble itself, there is nothing to change here. Try again in a moment.": "钉钉自己出了问题，这里无需改动，请稍后再试。",
	"Check that this machine reaches the webhook's host, through HTTPS_PROXY if it needs a proxy, and that no proxy or login portal answers in its place.": "请检查本机能否访问 webhook 的主机" +
		"（需要代理时设置 HTTPS_PROXY），以及有没有代理或登录门户代为回应。",
	"A robot may send 20 messages a minute; DingTalk takes none for 10 minutes now. Merge messages, or use one robot for each purpose.": "一个机器人每分钟最多发 20 条；现在起 10 分钟内钉钉不再接收。" +
		"请合并消息，或按用途分开使用机器人。",
	"Look the code up in DingTalk's list of error codes (open.dingtalk.com, page server-api-error-codes-1).": "请到钉钉开放平台的错误码页面（open.dingtalk.com，server-api-error-codes-1）查这个错误码。",
	"The robot has 加签 on and no secret is given: copy it (SEC…) from the robot's settings (安全设置 → 加签).":      "机器人开启了加签，但没有给出 secret：请从机器人的设置（安全设置 → 加签）复制（SEC…）。",
	"The robot has 自定义关键词 on and the message holds none of its keywords: give one as keyword (Caddyfile), or write it into the message.": "机器人开启了自定义关键词，而消息里没有任何关键词：" +
		"请用 keyword（Caddyfile）给出一个，或写进消息里。",
	"The robot has IP地址（段） on: add %s to it in the robot's settings (安全设置). It takes IPv4 only; calls through a proxy need the proxy's address.": "机器人开启了 IP地址（段）：" +
		"请在机器人的设置（安全设置）里加上%s。只支持 IPv4；走代理的要加代理的地址。",
	"the public address of this server's outgoing calls": "本机出口的公网地址",
	", the address that DingTalk saw,":                   "（钉钉看到的地址）",
	"The robot has 加签 on and the sign does not fit: copy the secret (SEC…) of this very robot from its settings (安全设置 → 加签).":      "机器人开启了加签，而签名不对：请从这个机器人自己的设置（安全设置 → 加签）复制 secret（SEC…）。",
	"The sign's timestamp is more than an hour from DingTalk's clock: set this machine's clock (NTP).":                             "签名的时间与钉钉相差一小时以上：请校准本机时钟（NTP）。",
	"The robot has 加签 on and the call has no right sign: give the secret (SEC…) of this very robot from its settings (安全设置 → 加签).": "机器人开启了加签，而调用没有正确的签名：请给出这个机器人自己的 secret（SEC…，安全设置 → 加签）。",
	"The robot's 安全设置 refuse the message. Compare all three: 自定义关键词 (a keyword in each message), 加签 (the secret), IP地址（段） (this server's address).": "机器人的安全设置拒绝了这条消息。" +
		"请逐一核对：自定义关键词（每条消息都要有）、加签（secret）、IP地址（段）（本机的地址）。",
	"The group has been dissolved: add a robot to another group and take its webhook.":                                                    "群已解散：请在别的群里添加机器人，并使用它的 webhook。",
	"The robot has been switched off: switch it on in the group's settings (群设置 → 机器人).":                                                  "机器人已停用：请在群设置 → 机器人里启用。",
	"The webhook leads to no robot: it was removed, or its access_token is incomplete. Copy the webhook again from the robot's settings.": "webhook 没有对应的机器人：它已被移除，或 access_token 不完整。请从机器人的设置重新复制 webhook。",
	"The message is too long: shorten it.": "消息太长：请缩短。",
	"DingTalk takes the message's link, text or picture for unsafe: leave it out, or use a domain that DingTalk knows.":                        "钉钉认为消息里的链接、文字或图片不安全：请去掉，或换成钉钉认得的域名。",
	"Something on the way out changes the call's Content-Type: look for a proxy.":                                                              "出口上有什么改动了请求的 Content-Type：请检查代理。",
	"DingTalk does not take the message: compare the field that it names with the page custom-robots-send-group-messages (open.dingtalk.com).": "钉钉不接受这条消息：请对照 custom-robots-send-group-messages 页面（open.dingtalk.com）检查它提到的字段。",
}

// phrase is a row of phrases or mistakes, ready to be looked for.
type phrase struct {
	literal string // the longest part that no verb stands for
	pattern *regexp.Regexp
	chinese string // with $1 and so on where the verbs were
}

// minLiteral is how long the fixed part of a mistake must be to be known again in a text.
const minLiteral = 9

// spoken are all rows, those with the longest literals first: they may hold others.
var spoken = sync.OnceValue(func() (all []phrase) {
	for en, zh := range phrases {
		all = append(all, newPhrase(en, zh))
	}
	for _, why := range neverRead { // which mistakes quote
		all = append(all, newPhrase(why.EN, why.ZH))
	}
	for en, zh := range mistakes {
		if p := newPhrase(en, zh); len(p.literal) >= minLiteral {
			all = append(all, p)
		}
	}
	slices.SortFunc(all, func(a, b phrase) int {
		if n := len(b.literal) - len(a.literal); n != 0 {
			return n
		}
		return strings.Compare(a.pattern.String(), b.pattern.String())
	})
	return all
})

// chinese returns a text with all that is known of it in Chinese. What is not known stays.
func chinese(text string) string {
	for _, p := range spoken() {
		if strings.Contains(text, p.literal) {
			text = p.pattern.ReplaceAllString(text, p.chinese)
		}
	}
	return text
}

var verb = regexp.MustCompile(`%(?:\[\d\])?[dqsvT]`)

// newPhrase makes a row. The verbs of the English are counted from the left.
func newPhrase(en, zh string) (p phrase) {
	var pattern strings.Builder
	pattern.WriteString(`(?s)`)
	if 'a' <= en[0]|0x20 && en[0]|0x20 <= 'z' {
		pattern.WriteString(`\b`)
	}
	for rest, more := en, true; more; {
		literal, kind := rest, ""
		if at := verb.FindStringIndex(rest); at != nil {
			literal, kind, rest = rest[:at[0]], rest[at[1]-1:at[1]], rest[at[1]:]
		}
		if len(literal) > len(p.literal) {
			p.literal = literal
		}
		pattern.WriteString(regexp.QuoteMeta(literal))
		switch {
		case kind == "":
			more = false
		case kind == "q":
			pattern.WriteString(`("(?:[^"\\]|\\.)*")`)
		case kind == "d":
			pattern.WriteString(`(-?\d+)`)
		case verb.FindStringIndex(rest) != nil && verb.FindStringIndex(rest)[0] == 0: // only a word has an end that is seen
			pattern.WriteString(`([\w.-]+)`)
		case rest == "":
			pattern.WriteString(`(.*)`)
		default:
			pattern.WriteString(`(.*?)`)
		}
	}
	p.pattern = regexp.MustCompile(pattern.String())
	n := 0
	p.chinese = verb.ReplaceAllStringFunc(strings.ReplaceAll(zh, "$", "$$"), func(v string) string {
		n++
		if v[1] == '[' {
			return "${" + v[2:3] + "}"
		}
		return "${" + strconv.Itoa(n) + "}"
	})
	return p
}
