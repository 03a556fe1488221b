// Package client is what the handler puts into a page: the data for dd.config
// and the script that uses them.
//
// The script has two halves. The core (core.js) stands in every page and has what it
// needs when all is well; the rest (rest.js) is a file that the core loads when
// something calls for it, or stands behind the core where a policy forbids that.
//
// The script defines window.ddConfig and window.ddSidecar. When a
// global dd appears it wraps dd.config, so that the page's own call goes out with
// our parameters; with a jsApiList it calls dd.config itself if the page does
// not. dd.config counts once a document: where DingTalk will check another URL than
// the one that was signed, or the signature is old, the script asks the handler
// first. Refusals and mismatches are reported. A refused page does what the answer
// says may help: it reloads, once, and signs in another form from then on if need
// be. ddSidecar.sign is for apps that sign for themselves. Outside DingTalk the
// script calls nothing and says nothing.
//
// When the script runs, its element goes from the document, and the data block with
// it: React throws away a document that it did not write. What runs again in the same
// document, as Turbo and pjax have it, only tells the first run what is new.
package client

import (
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"encoding/hex"
	"strings"
	"unicode/utf8"
)

// core and rest are the halves of the script, function expressions made of core.js and
// rest.js by `make client`. core stands in every page, and loads rest where that is
// called for. tabTenant is what sites with several tenants need besides.
var (
	//go:embed core.min.js
	core string
	//go:embed rest.min.js
	rest string
	//go:embed tenant.min.js
	tabTenant string
)

// handOver calls the rest with what the core that is in the page has for it (core.js:
// sign.$take).
var handOver = rest + ".apply(0,ddSidecar.sign.t)"

// fromBlock calls the core with the data block of the page, which goes.
var fromBlock = `(function(b){b.remove();b=JSON.parse(b.textContent);` + Core + `(b,` + tabTenant + `(b.sidecar))})(document.getElementById("dd-sidecar"))`

// dropJSAPI removes the element of DingTalk's script, if that is ours, when it has run.
const dropJSAPI = `document.addEventListener("load",function(e){e=e.target;if(e.hasAttribute("data-jsapi"))e.remove()},true);`

// Source is the whole script as a file of its own, and FileName its name, which
// changes with the content. Sites with sign-in have another: see Renderer.File.
var (
	Source   = dropJSAPI + fromBlock + ";" + handOver
	FileName = fileName("client", Source)
)

// Rest is the file that the core of a page loads, and RestName its name.
var (
	Rest     = handOver + ";document.currentScript.remove()"
	RestName = fileName("rest", Rest)
)

// Core is the core that knows the name of that file: what inline snippets have in common.
var Core = strings.ReplaceAll(core, "/rest.js", "/"+RestName)

// coreCall is a call of the core, without the data that stand between its two parts;
// coreCallOfMany is that of sites with several tenants.
var (
	coreCall       = [2]string{Core + "(", ")"}
	coreCallOfMany = [2]string{"(function(d){" + Core + "(d," + tabTenant + "(d.sidecar))})(", ")"}
)

func fileName(name, source string) string {
	sum := sha256.Sum256([]byte(source))
	return name + "." + hex.EncodeToString(sum[:4]) + ".js"
}

// integrity are the attributes for an Integrity-Policy.
func integrity(source string) string {
	sum := sha256.Sum256([]byte(source))
	return ` integrity="sha256-` + base64.StdEncoding.EncodeToString(sum[:]) + `" crossorigin`
}

// loginPiece defines ddSidecar.login and .user, which get their code when one of them is
// called. It stands behind the script on pages of sites with sign-in, and only there.
func loginPiece(file string) string {
	return `;(function(s,d){var k=d.currentScript.nonce;["login","user"].map(function(n){s[n]=function(){return new Promise(function(y,f){` +
		`var e=d.createElement("script");e.src=s.endpoint+"/` + file + `";e.nonce=k;e.onload=function(){y(s[n]())};e.onerror=f;` +
		`d.head.appendChild(e)})}})})(ddSidecar,document)`
}

// App are the parts of dd.config and of the snippet that all pages share.
type App struct {
	CorpID    string
	AgentID   string
	AppID     string // of a third-party app; "" of any other
	Many      bool   // the directive serves several tenants: its pages say which they are for
	Type      int
	JSAPIList []string
	Endpoint  string // absolute path of the endpoints
	JSAPIURL  string // DingTalk's script, to be loaded by every page; "" if not
	Login     string // the file with the code of ddSidecar.login and .user; "" without sign-in
	Version   string
}

// Page are the parts of one page: a signature, or the reason why there is none.
type Page struct {
	URL       string // as the browser shows it, "" where it is not known
	TimeStamp string
	NonceStr  string
	Signature string
	Err       *Error
	// By is what named the tenant, where there are several; "" where the page is for none.
	By string
	// Posted tells that the page answers a request other than GET: it must not
	// reload itself, which would send that again.
	Posted bool
}

// Error says why a page is not signed.
type Error struct {
	Code    string
	Message string // in English
	Chinese string // the same in Chinese, "" if there is none
}

// message is what pages say, in both languages: nobody knows who reads them.
func (e *Error) message() string {
	if e.Chinese == "" {
		return e.Message
	}
	return e.Message + " / " + e.Chinese
}

// Renderer writes snippets. It is made once and may be used by many.
type Renderer struct {
	app     string // `"agentId":…,"corpId":…,"type":…,"jsApiList":[…]`
	sidecar string // `,"endpoint":…,"version":…`
	many    bool   // the data name the tenant
	tenant  string // `{"agentId":…,"corpId":…,"by":`
	login   string // what follows the script on sites with sign-in
	source  string // the script as a file
	file    string // its name
	src     string // attribute value: the script's own path
	checked string // attributes for an Integrity-Policy
	jsapi   string // attribute value: DingTalk's script
}

// NewRenderer returns the Renderer of an app.
func NewRenderer(a App) *Renderer {
	s := appendString([]byte(`,"endpoint":`), a.Endpoint)
	s = appendString(append(s, `,"version":`...), a.Version)
	r := &Renderer{
		app:     a.config(),
		sidecar: string(s),
		many:    a.Many,
		tenant:  a.tenant(),
		source:  Source,
		file:    FileName,
		jsapi:   string(appendAttribute(nil, a.JSAPIURL)),
	}
	if a.Login != "" {
		r.login = loginPiece(a.Login)
		r.source += r.login
		r.file = fileName("client", r.source)
	}
	r.src = string(appendAttribute(nil, a.Endpoint+"/"+r.file))
	r.checked = integrity(r.source)
	return r
}

// File is the script of the app's pages as a file of its own.
func (r *Renderer) File() (name, source string) { return r.file, r.source }

// AppendConfig appends the ddConfig object of a signed page, with the URL as a
// further member. This is what the endpoint `config` answers.
func (r *Renderer) AppendConfig(dst []byte, p Page) []byte {
	dst = r.appendConfig(dst, p)
	dst = append(dst[:len(dst)-1], `,"url":`...)
	return append(appendString(dst, p.URL), '}')
}

// Append appends the snippet for a page in the given form. It is pure ASCII.
func (r *Renderer) Append(dst []byte, p Page, f Form) []byte {
	switch f.Kind {
	case Inline, Whole:
		dst = append(appendTag(dst, "", f.Nonce, posted(p)), '>')
		if r.jsapi != "" {
			dst = append(dst, dropJSAPI...)
		}
		call := &coreCall
		if r.many {
			call = &coreCallOfMany
		}
		dst = append(r.appendData(append(dst, call[0]...), p), call[1]...)
		if f.Kind == Whole {
			dst = append(append(dst, ';'), handOver...)
		}
		dst = append(dst, r.login...)
		dst = append(dst, "</script>"...)
	default:
		dst = append(dst, `<script type="application/json" id="dd-sidecar">`...)
		dst = append(r.appendData(dst, p), `</script>`...)
		if f.Kind == Data {
			return dst
		}
		dst = appendTag(dst, r.src, f.Nonce, posted(p))
		if f.Integrity {
			dst = append(dst, r.checked...)
		}
		dst = append(dst, `></script>`...)
	}
	if r.jsapi != "" {
		dst = append(appendTag(dst, r.jsapi, f.Nonce, " data-jsapi"), `></script>`...)
	}
	return dst
}

// posted is the attribute that tells the script of Page.Posted.
func posted(p Page) string {
	if p.Posted {
		return " data-posted"
	}
	return ""
}

// appendTag appends the start tag of a script element, which is left open.
func appendTag(dst []byte, src, nonce, attribute string) []byte {
	dst = append(dst, "<script"...)
	if src != "" {
		dst = append(append(append(dst, ` src="`...), src...), '"')
	}
	if nonce != "" {
		dst = append(append(append(dst, ` nonce="`...), nonce...), '"')
	}
	return append(dst, attribute...)
}

// appendData appends `{"config": {…} or null, "sidecar": {…}}`.
func (r *Renderer) appendData(dst []byte, p Page) []byte {
	dst = r.appendConfig(append(dst, `{"config":`...), p)
	dst = r.appendSidecar(append(dst, `,"sidecar":`...), p)
	return append(dst, '}')
}

// appendConfig appends the ddConfig object of a page, null where it is not signed.
func (r *Renderer) appendConfig(dst []byte, p Page) []byte {
	if p.Err != nil {
		return append(dst, "null"...)
	}
	dst = append(append(dst, '{'), r.app...)
	dst = appendString(append(dst, `,"timeStamp":`...), p.TimeStamp)
	dst = appendString(append(dst, `,"nonceStr":`...), p.NonceStr)
	dst = appendString(append(dst, `,"signature":`...), p.Signature)
	return append(dst, '}')
}

// appendSidecar appends the ddSidecar object of a page.
func (r *Renderer) appendSidecar(dst []byte, p Page) []byte {
	dst = append(dst, `{"url":`...)
	if p.URL == "" {
		dst = append(dst, "null"...)
	} else {
		dst = appendString(dst, p.URL)
	}
	dst = append(dst, r.sidecar...)
	if r.many {
		dst = r.appendTenant(append(dst, `,"tenant":`...), p)
	}
	dst = append(dst, `,"error":`...)
	if p.Err == nil {
		dst = append(dst, "null"...)
	} else {
		dst = appendString(append(dst, `{"code":`...), p.Err.Code)
		dst = appendString(append(dst, `,"message":`...), p.Err.message())
		dst = append(dst, '}')
	}
	return append(dst, '}')
}

func (r *Renderer) appendTenant(dst []byte, p Page) []byte {
	if p.By == "" {
		return append(dst, "null"...)
	}
	return append(appendString(append(dst, r.tenant...), p.By), '}')
}

// plain are the characters that stand in a string as they are: ASCII, which means
// the same in every charset, and none that could end a script element or begin
// anything within one (HTML standard 4.12.1.3), nor the braces and brackets that
// templates are made of, for the page may pass through a template engine.
var plain = func() (table [256]bool) {
	for _, c := range []byte("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789 !$()*+,-./:;=?@_~%") {
		table[c] = true
	}
	return table
}()

// appendString appends a JSON string that is safe in HTML.
func appendString(dst []byte, s string) []byte {
	const digits = "0123456789abcdef"
	dst = append(dst, '"')
	for i := 0; i < len(s); {
		start := i
		for i < len(s) && plain[s[i]] {
			i++
		}
		if dst = append(dst, s[start:i]...); i == len(s) {
			break
		}
		r, n := utf8.DecodeRuneInString(s[i:])
		i += n
		units := []uint16{uint16(r)}
		if r > 0xFFFF {
			r -= 0x10000
			units = []uint16{uint16(0xD800 + r>>10), uint16(0xDC00 + r&0x3FF)}
		}
		for _, u := range units {
			dst = append(dst, '\\', 'u', digits[u>>12], digits[u>>8&15], digits[u>>4&15], digits[u&15])
		}
	}
	return append(dst, '"')
}

// appendAttribute appends a URL for a quoted attribute.
func appendAttribute(dst []byte, s string) []byte {
	for i := range len(s) {
		switch c := s[i]; c {
		case '&':
			dst = append(dst, "&amp;"...)
		case '"':
			dst = append(dst, "&quot;"...)
		case '<':
			dst = append(dst, "&lt;"...)
		default:
			dst = append(dst, c)
		}
	}
	return dst
}
