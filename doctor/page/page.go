// Package page is the page that shows a diagnosis on a phone, in Chinese and
// English: one HTML document in ES5 and plain CSS, with everything in it but
// DingTalk's own script.
package page

import (
	_ "embed"
	"html"
	"strings"
)

//go:embed page.html
var markup string

//go:embed page.css
var style string

// The parts of the script share one function, in this order.
var (
	//go:embed words.js
	words string
	//go:embed show.js
	show string
	//go:embed copy.js
	copying string
	//go:embed page.js
	start string

	script = "(function () {\n" + words + show + copying + start + "})()\n"
)

// page is the document without what each request has of its own.
var page = strings.NewReplacer("{{style}}", style, "{{script}}", script).Replace(markup)

// Data is what each request has of its own.
type Data struct {
	Nonce    string   // of the policy
	Chinese  bool     // the language that is shown first
	Snippet  []byte   // what is inserted into pages of the site, with the nonce
	Findings []byte   // JSON: the diagnosis of the request; safe in a script element, as json.Marshal makes it
	Script   string   // URL of DingTalk's JSAPI script
	Scripts  []string // names of the endpoint's scripts that pages may load
}

// Render returns the document.
func Render(d Data) []byte {
	lang := "en"
	if d.Chinese {
		lang = "zh-CN"
	}
	return []byte(strings.NewReplacer( // in one go: what is filled in is not looked at again
		"{{lang}}", lang,
		"{{nonce}}", d.Nonce,
		"{{snippet}}", string(d.Snippet),
		"{{findings}}", strings.ReplaceAll(string(d.Findings), "{{", `\u007b\u007b`), // only in texts: a template engine may be around
		"{{jsapi}}", html.EscapeString(d.Script),
		"{{scripts}}", html.EscapeString(strings.Join(d.Scripts, " ")),
	).Replace(page))
}

// Policy is the page's Content-Security-Policy: its own scripts and DingTalk's,
// with what that may load, and nothing else. DingTalk's PC client shows pages in
// frames. Frames in the page are not forbidden, for client apps talk to pages
// through them.
func Policy(nonce string) string {
	return "script-src 'nonce-" + nonce + "' 'strict-dynamic'; style-src 'nonce-" + nonce + "'; connect-src 'self'; object-src 'none'; " +
		"base-uri 'none'; form-action 'none'; frame-ancestors 'self' https://*.dingtalk.com"
}
