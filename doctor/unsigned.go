package doctor

import (
	"fmt"

	"github.com/caddy-dingtalk/caddy-dingtalk/signer"
)

// unsigned is why a page has no signature.
func (f Facts) unsigned() Finding {
	why := f.Request.Unknown
	switch {
	case why == nil:
		return f.Ticket.missing()
	case why.Code == signer.CodeBadURL:
		return unknownURL(why, "请求的路径不是浏览器会发送的形式，无法签名")
	}
	for _, h := range f.Request.sent(readable) {
		if f.Request.Trusted && named(h, f.Settings.Forwarded) && f.Request.malformed(h, f.Settings) {
			return unknownURL(why, "代理发来的头 "+h.name+" 必须恰好有一个格式正确的值：请让最外层的代理设置它，其余的原样转发")
		}
	}
	return f.unvouched(why)
}

func unknownURL(why *signer.Error, cure string, lines ...Line) Finding {
	return Finding{
		Name: why.Code, Status: Error, Cures: []Text{{EN: why.Message, ZH: cure}}, lines: lines,
		Text: say("the page is not signed, because its URL is not known for certain", "页面没有签名，因为无法确定它的网址"),
	}
}

// unvouched: nothing in the configuration says that this is our site.
func (f Facts) unvouched(why *signer.Error) Finding {
	origin := "https://h5.example.com"
	if page, err := signer.ParseURL(f.Request.Asked); err == nil {
		origin = page.Origin.String()
	} else if page, err := f.Request.page(signer.NewRules(nil, nil), nil); err == nil {
		origin = page.Origin.String()
	}
	names := "public_origin " + origin
	for _, o := range f.Settings.Public {
		if o.String() != origin {
			names += " " + o.String()
		}
	}
	lines := []Line{inDirective(names)}
	if !f.Request.Trusted && len(f.Request.sent(readable)) > 0 {
		lines = append(lines, trust(rangesOf(f.Request.Peer)))
	}
	return unknownURL(why, fmt.Sprintf("配置里没有任何地方说明 %[1]s 是本站：请在 dingtalk 指令里加上 public_origin %[1]s，或在站点地址里写上主机名，或把前面的代理写进 trusted_proxies", origin), lines...)
}
