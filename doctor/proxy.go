package doctor

import (
	"slices"
	"strings"

	"github.com/caddy-dingtalk/caddy-dingtalk/signer"
)

// atTheProxy is the cure of some parts of the URL where nothing that arrives here
// tells what is right: the proxy in front must send it, or else the line instead
// must say it.
func (f Facts) atTheProxy(parts []string, instead string) (texts []Text, lines []Line) {
	var all partCure
	named, host := f.Settings.Forwarded, slices.Contains(parts, "host")
	add := func(c partCure) {
		texts = append(texts, c.text)
		all.nginx = appendNew(all.nginx, c.nginx...)
		all.ingress = appendNew(all.ingress, c.ingress...)
		f.Settings.Forwarded = appendNew(slices.Clip(f.Settings.Forwarded), c.forwarded...)
	}
	for h, is := f.culprit(parts); is; h, is = f.culprit(parts) {
		add(f.leftOut(h))
		f = f.without(h)
		parts = f.left(parts)
	}
	for _, part := range parts {
		if part != "port" || !slices.Contains(parts, "host") { // the Host has it
			add(f.partCure(part))
		}
	}
	var ours []string // lines of the directive
	if now := f.Settings.Forwarded; len(now) > 0 && !slices.Equal(now, named) {
		ours = append(ours, forwarded(now))
	}
	if page, err := signer.ParseURL(f.Request.Asked); err == nil && !f.Page.Foreign && host && f.Request.unnamed(f.Settings, true) {
		texts = append(texts, nameHost(f.Settings, page.Origin.Host))
		ours = append(ours, publicHost(f.Settings, page.Origin.Host))
	}
	if len(all.nginx) > 0 {
		lines = append(lines, nginx(all.nginx...))
	}
	if len(all.ingress) > 0 {
		lines = append(lines, ingress(all.ingress...))
	}
	if len(all.nginx) > 0 && !f.Request.Trusted {
		lines = append(lines, trust(rangesOf(f.Request.Peer)))
	}
	if len(ours) > 0 {
		lines = append(lines, inDirective(ours...))
	}
	if instead != "" {
		texts = append(texts, say("or %s", "或者%s", put(instead, len(f.Settings.Public) > 0)))
		line := inDirective(instead)
		line.Note = say("instead, where the proxy cannot be changed: in the dingtalk directive", "代理改不了时，用这一行代替：写进 dingtalk 指令里")
		lines = append(lines, line)
	}
	return texts, lines
}

// partCure is the cure for one part of the URL, and the lines for the proxy and
// for us: headers that the line forwarded is to name, too.
type partCure struct {
	text                      Text
	nginx, ingress, forwarded []string
}

const (
	passHost      = "proxy_set_header Host $http_host;"
	useForwarded  = `use-forwarded-headers: "true"`
	addOriginal   = `proxy-add-original-uri-header: "true"`
	ownScheme     = "proxy_set_header X-Forwarded-Proto $scheme;"
	outsideScheme = "proxy_set_header X-Forwarded-Proto $http_x_forwarded_proto;"
	originalURI   = "X-Original-URI"
)

var noHost = noHeader("X-Forwarded-Host")

// noHeader lets nginx send no such header, whatever a client sends.
func noHeader(name string) string { return "proxy_set_header " + name + ` "";` }

func (f Facts) partCure(part string) partCure {
	switch part {
	case "scheme":
		return f.schemeCure()
	case "host":
		return f.hostCure()
	case "port":
		return partCure{
			text:  say("let the proxy pass the port on (nginx: %[1]s and not $host)", "让代理把端口也传过来（nginx：%[1]s 而不是 $host）", passHost),
			nginx: []string{passHost}, ingress: []string{useForwarded},
		}
	case "path":
		return f.pathCure()
	}
	return partCure{
		text: say("a proxy or a script of the page (history.replaceState) has changed the query; call dd.config before the script does",
			"代理或页面脚本（history.replaceState）改动了查询参数；请在脚本改动之前调用 dd.config"),
	}
}

// hostCure names the header that may stand in the Host's way where the request is not known.
func (f Facts) hostCure() partCure {
	c := partCure{
		text:  say("let the proxy pass the Host on (nginx: %s)", "让代理把 Host 原样传过来（nginx：%s）", passHost),
		nginx: []string{passHost}, ingress: []string{useForwarded},
	}
	if f.Remote {
		c.nginx = append(c.nginx, noHost)
		c.text = say("let the proxy pass the Host on, and no X-Forwarded-Host, which counts before it (nginx: %s %s)",
			"让代理把 Host 原样传过来，并且不要发送优先于它的 X-Forwarded-Host（nginx：%s %s）", passHost, noHost)
	}
	return c
}

// pathCure lets the proxy tell the original target, in the header for it that is believed
// already.
func (f Facts) pathCure() partCure {
	header := f.Settings.original()
	line := "proxy_set_header " + header + " $request_uri;"
	c := partCure{nginx: []string{line}, forwarded: []string{header}}
	if header == originalURI {
		c.ingress = []string{addOriginal}
	}
	text := say("a proxy rewrites the path: let it send the original (nginx: %s)", "代理改写了路径：让它把原始路径传过来（nginx：%s）", line)
	if !slices.Contains(f.Settings.Forwarded, header) {
		text = say("%s, and %s", "%s，并%s", text, f.Settings.believe(header))
	}
	if !f.Request.Trusted {
		text = say("%s, and name the proxy in trusted_proxies (%s in the global options, servers)", "%s，并在全局选项的 servers 里信任这个代理（%s）", text, trustOption(rangesOf(f.Request.Peer)))
	}
	c.text = text
	return c
}

// original is the header that tells the original target: the one that is named for it, or
// else nginx's.
func (s Settings) original() string {
	for _, name := range s.Forwarded {
		if h, _ := signer.HeaderNamed(name); h.Says == signer.PathPart && h.Name != "X-Forwarded-Prefix" {
			return name
		}
	}
	return originalURI
}

// believe says how a header is named as one to be believed, beside those that are.
func (s Settings) believe(name string) Text {
	return put(forwarded(append(slices.Clip(s.Forwarded), name)), len(s.Forwarded) > 0)
}

// put says where a line of the directive goes, in whose place where there is one of its
// name: a second one would be a mistake.
func put(line string, instead bool) Text {
	if name, _, _ := strings.Cut(line, " "); instead {
		return say("change the line %[1]s of the dingtalk directive to %[2]s", "把 dingtalk 指令里的 %[1]s 一行改成 %[2]s", name, line)
	}
	return say("add the line %s to the dingtalk directive", "在 dingtalk 指令里加上 %s", line)
}

func forwarded(names []string) string { return "forwarded " + strings.Join(names, " ") }

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
