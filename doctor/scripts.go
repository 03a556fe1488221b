package doctor

import "strings"

// scriptsName is the name of findings about the scripts of the endpoints.
const scriptsName = "scripts"

// lostScript is about a script of an endpoint that the browser does not get, although the
// endpoint is there: nginx has a block for static files, which goes before that for the
// site.
func lostScript(at string, s Script) Finding {
	f := Finding{Name: scriptsName, Status: Error}
	path := at + "/" + s.Name
	f.Text = say("the browser does not get the script %s (status %d, and not from the directive)", "浏览器取不到脚本 %s（状态码 %d，不是指令的回答）", path, s.Status)
	if s.Status == 0 {
		f.Text = say("the browser gets no answer for the script %s", "浏览器请求脚本 %s，没有得到回答", path)
	}
	what := say("pages cannot ask for another signature or report", "页面无法重新要签名，也无法上报")
	if strings.HasPrefix(s.Name, "login.") {
		what = say("the sign-in page stays as it is", "登录页会一直停在“正在登录…”")
	}
	block := "location ^~ " + at + "/"
	f.Text = say("%s: %s", "%s：%s", f.Text, what)
	f.Cures = []Text{say("a block of the proxy for static files takes it, most likely one like location ~* \\.(js|css)$ of nginx: write a block %s { … } beside it, which nginx prefers, with the lines of the one that leads to Caddy (proxy_set_header and proxy_pass)",
		"多半是代理里处理静态文件的规则截走了它，例如 nginx 的 location ~* \\.(js|css)$：请在旁边加一个优先于它的 %s { … }，里面的 proxy_set_header 和 proxy_pass 与转发到 Caddy 的 location 相同", block)}
	f.lines = []Line{{
		Where: "nginx", Text: block + " {\n\t# …\n}",
		Note: say("in the server, with the lines of the location that leads to Caddy: proxy_set_header and proxy_pass", "写进 server，里面的 proxy_set_header 和 proxy_pass 与转发到 Caddy 的 location 相同"),
	}}
	return f
}
