package doctor

import "github.com/caddy-dingtalk/caddy-dingtalk/signer"

// Made says how a signature was made that somebody else's program has made, and what to do
// about each thing that DingTalk checks otherwise. tickets is how many were tried.
func Made(g signer.Guess, tickets int) []Finding {
	ticket := say("the ticket", "给出的 ticket")
	if tickets > 1 {
		ticket = say("ticket %d of %d", "第 %d 张 ticket（共 %d 张）", g.Ticket+1, tickets)
	}
	form := say("%s, url_policy %s", "%s，url_policy %s", g.Signer.Hash, g.Signer.Policy)
	if len(g.Changes) == 0 {
		return []Finding{{Name: "signature", Status: OK, Text: say(
			"DingTalk accepts this signature for the URL: made with %s (%s); hashed was %s",
			"钉钉接受这个网址的这个签名：用的是%s（%s）；参与计算的网址是 %s", ticket, form, g.URL)}}
	}
	out := []Finding{{Name: "signature", Status: Error, Text: say(
		"the signature was made with %s, but otherwise than DingTalk checks it; hashed was %s",
		"签名用的是%s，但做法与钉钉校验的不同；参与计算的网址是 %s", ticket, g.URL)}}
	for _, change := range g.Changes {
		made := changes[change]
		out = append(out, Finding{Name: made.name, Status: Error, Text: made.text, Cures: []Text{made.cure}})
	}
	return out
}

// NotMade is what to look at where no way leads to a signature.
var NotMade = Finding{Name: "signature", Status: Error,
	Text: say("no ticket, form of the URL and hash that were tried give this signature", "试过的 ticket、网址形式和哈希都算不出这个签名"),
	Cures: []Text{
		say("take the jsapi_ticket (not the access token) of the same app that the backend had when it signed: one that was fetched later may differ", "请用后端签名时持有的、同一个应用的 jsapi_ticket（不是 access token）：之后重新获取的可能已经不同"),
		say("compare nonceStr and timeStamp with those that the page gives to dd.config: they must be of the same signature", "请与页面传给 dd.config 的 nonceStr、timeStamp 核对：它们必须属于同一次签名"),
		say("try the URL as the backend sees it: log what it signs, another host or path than the browser's comes from a proxy", "请换成后端看到的网址再试：把它签名的网址打到日志里，主机或路径与浏览器不同就是代理改的"),
		say("look for a space, a line end or a quote around the values that the backend concatenates", "请检查后端拼接的各个值两边有没有空格、换行或引号"),
	}}

// changes are the mistakes that a signature shows.
var changes = map[signer.Change]struct {
	name       string
	text, cure Text
}{
	signer.OtherScheme: {"scheme", say("the URL has the other scheme, http for https or the reverse", "网址的协议反了：http 与 https 互换"),
		say("let the backend read X-Forwarded-Proto of the proxy that ends TLS, or take the URL from the page (location.href)", "请让后端读取终结 TLS 的代理发来的 X-Forwarded-Proto，或由页面传来 location.href")},
	signer.WithoutPort: {"port", say("the URL lacks its port", "网址缺了端口"),
		say("sign the port that the browser shows, too: proxy_set_header Host $http_host; in nginx", "浏览器显示的端口也要参与签名：nginx 用 proxy_set_header Host $http_host;")},
	signer.DefaultPort: {"port", say("the URL has the default port, which browsers do not show", "网址带了默认端口，而浏览器不显示它"),
		say("leave out :443 of https and :80 of http", "https 去掉 :443，http 去掉 :80")},
	signer.SlashAdded: {"path", say("the path has one slash more at its end", "路径末尾多了一个斜杠"),
		say("sign the path as the browser shows it, before any routing", "请按浏览器显示的路径签名，不要用路由处理过的")},
	signer.SlashRemoved: {"path", say("the path lacks the slash at its end", "路径末尾少了斜杠"),
		say("sign the path as the browser shows it, before any routing", "请按浏览器显示的路径签名，不要用路由处理过的")},
	signer.WithoutQuery: {"query", say("the query is left out", "缺了查询参数"),
		say("sign the whole query, in its order", "请连同全部查询参数按原来的顺序签名")},
	signer.WithoutPath: {"path", say("path and query are left out", "缺了路径和查询参数"),
		say("sign the page's whole URL, not the site's; a Referer that the browser cuts down to the origin is no help", "请用页面的完整网址签名，不是站点的；被浏览器截成来源的 Referer 不能用")},
	signer.WithFragment: {"fragment", say("the fragment (# and what follows) is part of the URL", "网址里带了 # 及其后面的部分"),
		say("cut it off: location.href.split('#')[0]", "请去掉：location.href.split('#')[0]")},
	signer.DecodedTwice: {"encoding", say("the URL is percent-decoded twice", "网址被解码了两次"),
		say("decode the query once, or not at all", "查询参数只解码一次，或不解码")},
	signer.EncodedTwice: {"encoding", say("the URL is percent-encoded once more (%25)", "网址又被编码了一次（%25）"),
		say("sign it as location.href shows it: frameworks decode a parameter once by themselves", "请按 location.href 原样签名：框架会自动解码一次参数")},
	signer.EncodedWhole: {"encoding", say("the whole URL is encoded as a parameter (https%3A%2F%2F…)", "整个网址按参数编码了（https%3A%2F%2F…）"),
		say("decode it once before it is signed", "签名前先解码一次")},
	signer.Escaped: {"encoding", say("characters that the given URL shows as they are were percent-encoded", "给出的网址里原样显示的字符被百分号编码了"),
		say("that is how location.href shows them: give that to --url and try again", "location.href 显示的就是编码后的：请用它作为 --url 再试一次")},
	signer.CamelNames: {"names", say("the hashed text has the names nonceStr and timeStamp", "参与计算的文本用了 nonceStr 和 timeStamp 作名称"),
		say("write them noncestr and timestamp there; dd.config alone has capitals", "那里要写成 noncestr 和 timestamp；只有 dd.config 里才有大写")},
	signer.ValuesOnly: {"names", say("the values alone are hashed, without their names", "只拼接了值，没有名称"),
		say("hash jsapi_ticket=…&noncestr=…&timestamp=…&url=…", "请对 jsapi_ticket=…&noncestr=…&timestamp=…&url=… 计算")},
	signer.Swapped: {"order", say("noncestr and timestamp are in each other's place", "noncestr 与 timestamp 的值写反了"),
		say("put each value behind its name", "请把值写到各自的名称后面")},
	signer.InSeconds: {"time", say("the signature was made with timeStamp in seconds, and the one given is in milliseconds", "签名用的是秒，给出的 timeStamp 却是毫秒"),
		say("give dd.config the timeStamp that was signed", "请把签名时用的 timeStamp 传给 dd.config")},
	signer.InMilliseconds: {"time", say("the signature was made with timeStamp in milliseconds, and the one given is in seconds", "签名用的是毫秒，给出的 timeStamp 却是秒"),
		say("sign the same timeStamp that dd.config gets, best in seconds", "签名与 dd.config 要用同一个 timeStamp，最好是秒")},
	signer.UpperCase: {"case", say("the signature is written in capitals", "签名写成了大写"),
		say("write the hex in lower case", "请用小写的十六进制")},
	signer.MD5: {"hash", say("the hash is MD5", "哈希用了 MD5"),
		say("take SHA-1 or SHA-256", "请用 SHA-1 或 SHA-256")},
}
