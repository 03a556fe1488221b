package sandbox

import (
	_ "embed"
	"fmt"
	"html"
	"html/template"
	"net/http"
	"net/url"
	"slices"
)

var (
	//go:embed h5/hello.html
	helloHTML string
	//go:embed h5/hello.js
	helloJS []byte

	hello = template.Must(template.New("hello.html").Parse(helloHTML))
)

// Hello is an app that has no sign-in of its own, for a site with `login`: at /hello/ one
// chooses who holds the DingTalk app, and whether to come from within it or from outside; /hello/me
// greets whoever that is. The endpoints are at /hello/.dingtalk; all but /hello/me must be public.
func Hello(d *DingTalk) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /hello/{$}", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		w.Header().Set("Cache-Control", "no-cache")
		_ = hello.Execute(w, slices.DeleteFunc(slices.Clone(d.options.People), func(p Person) bool { return p.UserID == "" }))
	})
	mux.HandleFunc("GET /hello/hello.js", static("text/javascript", helloJS))
	mux.HandleFunc("GET /hello/me", greet)
	return mux
}

// greet is all that an app needs to know its user.
func greet(w http.ResponseWriter, r *http.Request) {
	name, _ := url.PathUnescape(r.Header.Get("X-DingTalk-Name"))
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	fmt.Fprintf(w, greeting, html.EscapeString(name))
}

const greeting = `<!DOCTYPE html>
<html lang="zh-CN">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>你好</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="/demo.css">
</head>
<body>
<header>
  <h1>你好，%[1]s</h1>
  <p class="en">Hello, %[1]s</p>
</header>
<main>
  <section class="card">
    <p>这个页面的后端只有五行，没有登录代码：名字来自 Caddy 设置的请求头 <code>X-DingTalk-Name</code>。</p>
    <p class="en">The app behind this page has five lines and no sign-in: the name is in the request header that Caddy sets.</p>
    <form method="post" action="/hello/.dingtalk/logout">
      <a class="action" href="/hello/">换个人 <span class="en">Be somebody else</span></a>
      <button id="out">退出登录 Sign out</button>
    </form>
  </section>
</main>
</body>
</html>
`
