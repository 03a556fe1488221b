package doctor

import (
	"slices"

	"github.com/caddy-dingtalk/caddy-dingtalk/signer"
)

// atTheProxy is the cure of some parts of the URL where nothing that arrives here
// tells what is right: the proxy in front must send it, or else the line instead
// must say it.
func (f Facts) atTheProxy(parts []string, instead string) (texts []Text, lines []Line) {
	var ours, theirs, cluster []string
	for _, part := range parts {
		if part == "port" && slices.Contains(parts, "host") {
			continue // the Host has it
		}
		c := f.partCure(part)
		texts = append(texts, c.text)
		ours = appendNew(ours, c.directive...)
		theirs = appendNew(theirs, c.nginx...)
		cluster = appendNew(cluster, c.ingress...)
	}
	if page, err := signer.ParseURL(f.Request.Asked); err == nil && !f.Page.Foreign && slices.Contains(parts, "host") && f.Request.unnamed(f.Settings, true) {
		texts = append(texts, nameHost(f.Settings, page.Origin.Host))
		ours = appendNew(ours, publicHost(f.Settings, page.Origin.Host))
	}
	if len(theirs) > 0 {
		lines = append(lines, nginx(theirs...), ingress(cluster...))
		if !f.Request.Trusted {
			lines = append(lines, trust(rangesOf(f.Request.Peer)))
		}
	}
	if len(ours) > 0 {
		lines = append(lines, inDirective(ours...))
	}
	if instead != "" {
		texts = append(texts, say("or add the line %s to the dingtalk directive", "或者在 dingtalk 指令里加上 %s", instead))
		line := inDirective(instead)
		line.Note = say("instead, where the proxy cannot be changed: in the dingtalk directive", "代理改不了时，用这一行代替：写进 dingtalk 指令里")
		lines = append(lines, line)
	}
	return texts, lines
}

// partCure is the cure for one part of the URL, and the lines for the proxy and
// for us.
type partCure struct {
	text                      Text
	nginx, ingress, directive []string
}

const (
	passHost      = "proxy_set_header Host $http_host;"
	useForwarded  = `use-forwarded-headers: "true"`
	addOriginal   = `proxy-add-original-uri-header: "true"`
	ownScheme     = "proxy_set_header X-Forwarded-Proto $scheme;"
	outsideScheme = "proxy_set_header X-Forwarded-Proto $http_x_forwarded_proto;"
	originalURI   = "proxy_set_header X-Original-URI $request_uri;"
)

func (f Facts) partCure(part string) partCure {
	switch part {
	case "scheme":
		return f.schemeCure()
	case "host":
		return partCure{
			text:  say("let the proxy pass the Host on (nginx: %s)", "让代理把 Host 原样传过来（nginx：%s）", passHost),
			nginx: []string{passHost}, ingress: []string{useForwarded},
		}
	case "port":
		return partCure{
			text:  say("let the proxy pass the port on (nginx: %[1]s and not $host)", "让代理把端口也传过来（nginx：%[1]s 而不是 $host）", passHost),
			nginx: []string{passHost}, ingress: []string{useForwarded},
		}
	case "path":
		return partCure{
			text: say("a proxy rewrites the path: let it send the original (nginx: %s) and add the line forwarded X-Original-URI to the dingtalk directive",
				"代理改写了路径：让它把原始路径传过来（nginx：%s），并在 dingtalk 指令里加上 forwarded X-Original-URI", originalURI),
			nginx: []string{originalURI}, ingress: []string{addOriginal}, directive: []string{"forwarded X-Original-URI"},
		}
	}
	return partCure{
		text: say("a proxy or a script of the page (history.replaceState) has changed the query; call dd.config before the script does",
			"代理或页面脚本（history.replaceState）改动了查询参数；请在脚本改动之前调用 dd.config"),
	}
}

// schemeCure differs where a trusted proxy says the wrong scheme: then TLS ends
// further out.
func (f Facts) schemeCure() partCure {
	if f.Request.Trusted && len(f.Request.Header["X-Forwarded-Proto"]) > 0 {
		return partCure{
			text: say("the proxy at %s sends X-Forwarded-Proto: %s, its own: let it pass on that of the proxy that ends TLS (nginx: %s)",
				"%s 上的代理发来的 X-Forwarded-Proto 是 %s，那是它自己的：让它转发终止 TLS 的那一层代理给出的值（nginx：%s）",
				f.Request.Peer, f.Request.Header.Get("X-Forwarded-Proto"), outsideScheme),
			nginx: []string{outsideScheme}, ingress: []string{useForwarded},
		}
	}
	c := partCure{nginx: []string{ownScheme}, ingress: []string{useForwarded}}
	if f.Request.Trusted {
		c.text = say("let the proxy that ends TLS set X-Forwarded-Proto (nginx: %s)", "让终止 TLS 的代理设置 X-Forwarded-Proto（nginx：%s）", ownScheme)
		return c
	}
	c.text = say("let the proxy that ends TLS set X-Forwarded-Proto (nginx: %s) and name it in trusted_proxies",
		"让终止 TLS 的代理设置 X-Forwarded-Proto（nginx：%s），并把它写进 trusted_proxies", ownScheme)
	return c
}

func appendNew(list []string, more ...string) []string {
	for _, s := range more {
		if !slices.Contains(list, s) {
			list = append(list, s)
		}
	}
	return list
}
