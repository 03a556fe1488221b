package doctor

import (
	"maps"
	"slices"
	"strings"

	"github.com/caddy-dingtalk/caddy-dingtalk/signer"
)

// endpoint is about whether the browser reaches the endpoints.
func (t Tour) endpoint() Finding {
	f := Finding{Name: "endpoint", Status: Error}
	at := t.At()
	switch a := t.Endpoint; {
	case a.URL == t.Shown:
		return Finding{Name: f.Name, Status: OK, Text: say("%s/config signs for the URL that the browser shows", "%s/config 能为浏览器显示的网址签名", at)}
	case a.URL != "":
		f.Text = say("%[1]s/config signs for another URL: %[2]s", "%[1]s/config 签的是另一个网址：%[2]s", at, a.URL)
		f.Cures = []Text{say("look for a proxy that changes the query of requests", "请检查有没有代理改动了请求的查询参数")}
	case a.Ours && t.wrongOrigin():
		f.Text = say("%[1]s/config is reached, and refuses to sign this URL (%[2]s)", "能访问 %[1]s/config，但它拒绝为这个网址签名（%[2]s）", at, a.Code)
		f.Cures = []Text{say("what cures the URL of the page, above, cures this, too", "上面让页面网址变对的改动，也会解决这个问题")}
	case a.Ours && (a.Code == signer.CodeOriginNotAllowed || a.Code == signer.CodeOriginUnknown):
		f.Text = say("%[1]s/config is reached, and does not know this address as one of Caddy's own (%[2]s)", "能访问 %[1]s/config，但它不知道这个网址是 Caddy 自己的（%[2]s）", at, a.Code)
		f.Cures = t.originCures()
	case a.Ours:
		f.Text = say("%[1]s/config is reached, and refuses to sign this URL (%[2]s): %[3]s", "能访问 %[1]s/config，但它拒绝为这个网址签名（%[2]s）：%[3]s", at, a.Code, a.Message)
		f.Cures = []Text{say("follow the message", "按这条消息修改")}
	default:
		f.Text = unreachedConfig(at, a.Status)
		f.Cures, f.lines = t.leadThere()
	}
	return f
}

// wrongOrigin tells whether the finding above this one says already that the page's URL is
// not known.
func (t Tour) wrongOrigin() bool {
	if t.SignIn != nil {
		return t.SignIn.Code != ""
	}
	return t.Sidecar.URL != t.Shown
}

// leadThere is what to do where the browser does not reach the endpoint.
func (t Tour) leadThere() ([]Text, []Line) {
	at := t.At()
	for _, path := range slices.Sorted(maps.Keys(t.Elsewhere)) {
		if !t.Elsewhere[path].Ours {
			continue
		}
		if strings.HasPrefix(at, strings.TrimSuffix(path, at)+"/") { // it stands below the folder already
			return []Text{say("a proxy cuts off the path, and Caddy does not believe what it was: let the proxy send X-Forwarded-Prefix or X-Original-URI, name that in forwarded, and the proxy in trusted_proxies of the global options (servers)",
				"代理截掉了前面的路径，而 Caddy 不知道或不相信原来的路径：请让代理发送 X-Forwarded-Prefix 或 X-Original-URI，写进 forwarded，并把代理写进全局选项 servers 的 trusted_proxies")}, nil
		}
		line := "endpoint " + path
		return []Text{say("it answers at %[1]s, for a proxy cuts off what stands before it: add the line %[2]s to the dingtalk directive, and let the proxy send X-Forwarded-Prefix or X-Original-URI, which the line forwarded must name, and the proxy stand in trusted_proxies of the global options (servers)",
			"它在 %[1]s 有回答，因为代理截掉了前面的路径：请在 dingtalk 指令里加上 %[2]s，并让代理发送 X-Forwarded-Prefix 或 X-Original-URI，同时写进 forwarded，并把代理写进全局选项 servers 的 trusted_proxies", path, line)}, []Line{inDirective(line)}
	}
	return []Text{say("let the proxy lead %[1]s/ to Caddy, too, and no matcher in front of the directive hold it back (%[1]s/*)", "请让代理把 %[1]s/ 也转发给 Caddy，指令前面有匹配器时也要放行 %[1]s/*", at)}, nil
}

// scripts is about whether the browser gets the scripts of the endpoints. Where it reaches
// none of these, that has been said.
func (t Tour) scripts() []Finding {
	if len(t.Scripts) == 0 || !t.Endpoint.Ours {
		return nil
	}
	for _, s := range t.Scripts {
		if !s.Ours {
			return []Finding{lostScript(t.At(), s)}
		}
	}
	return []Finding{{Name: scriptsName, Status: OK, Text: say("the browser gets the scripts of %s", "浏览器能取到 %s 的脚本", t.At())}}
}
