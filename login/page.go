package login

import (
	"bytes"
	"crypto/rand"
	"crypto/sha256"
	_ "embed"
	"encoding/hex"
	"encoding/json"
	"html/template"
	"net/http"
	"strconv"

	"github.com/caddy-dingtalk/caddy-dingtalk/doctor"
)

// bundle is the page's script, which is also that of ddSidecar.login and .user, with
// DingTalk's own; it reads what it needs to know of the app from ddLoginApp.
//
//go:embed page.min.js
var bundle string

// script is the bundle for an app, as a file of the endpoint. Its name changes with its
// content.
func script(app App) (name, source string) {
	data, _ := json.Marshal(app) // strings and flags always marshal
	source = "(function(ddLoginApp){" + bundle + "})(" + string(data) + ")"
	sum := sha256.Sum256([]byte(source))
	return "login." + hex.EncodeToString(sum[:5]) + ".js", source
}

var (
	//go:embed page.html
	pageHTML string
	//go:embed page.css
	pageCSS string
	// lostJS stands in the page itself. Where the script has failed by the time the document
	// is parsed, or keeps silent for twenty seconds, it says so, whether a proxy or a blocker
	// has taken it: the script takes the data away when it runs.
	//
	//go:embed lost.js
	lostJS string

	pageTemplate = template.Must(template.New("page").Parse(pageHTML))
)

// State is what the page is about, and its `data-state`.
type State string

// The states that a page can begin with; `submitted` follows only from them.
const (
	StateAsking    State = "asking"
	StateOutside   State = "outside"
	StateSubmitted State = "submitted"
	StateSignedOut State = "signed-out"
	StateForbidden State = "forbidden"
	StateError     State = "error"
)

// Page is a sign-in page.
type Page struct {
	State    State
	Code     Code   // why, where it is an error
	Next     string // where to go after signing in; "" is the page itself, whose URL holds no code
	Posted   bool   // it answers a request that a reload would send again, or lose
	Language doctor.Language
}

// App is what the page's script needs to know of the app.
type App struct {
	Endpoint string `json:"endpoint"`
	CorpID   string `json:"corpId"`
	ClientID string `json:"clientId"` // the AppKey; "" where there is none
	Channel  bool   `json:"channel"`
	OAuth    bool   `json:"oauth"`
}

// words are what the page says in one state.
type words struct {
	Title string `json:"title"`
	Text  string `json:"text"`
	Go    string `json:"go"`
}

// pageData is what the script reads.
type pageData struct {
	App
	State   State           `json:"state"`
	Code    Code            `json:"code"`
	Message string          `json:"message"`
	Next    string          `json:"next"`
	Posted  bool            `json:"posted"`
	Words   map[State]words `json:"words"`
	Advice  map[Code]string `json:"advice"`
}

// Header sets the headers of the page and returns the nonce of its policy. The page is
// nobody's to keep, and no other site's but DingTalk's to frame.
func pageHeader(header http.Header) (nonce string) {
	nonce = rand.Text()
	header.Set("Content-Type", "text/html; charset=utf-8")
	header.Set("Cache-Control", "no-store")
	header.Set("Referrer-Policy", "same-origin")
	header.Set("X-Content-Type-Options", "nosniff")
	header.Set("Content-Security-Policy", "default-src 'none'; script-src 'nonce-"+nonce+"'; style-src 'nonce-"+nonce+
		"'; img-src data:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'self' https://*.dingtalk.com")
	return nonce
}

// Write answers with the page; a HEAD gets its headers alone.
func (p Page) Write(w http.ResponseWriter, r *http.Request, status int, app App, script string) error {
	nonce := pageHeader(w.Header())
	say := pageWords(p.Language, app.OAuth)
	first := say[p.State]
	text := first.Text
	if p.Code != "" {
		text = Advice(p.Code, p.Language)
	}
	data, err := json.Marshal(pageData{
		App: app, State: p.State, Code: p.Code, Message: text, Next: p.Next, Posted: p.Posted,
		Words: say, Advice: ownAdvice(p.Language),
	})
	if err != nil {
		return err
	}
	var page bytes.Buffer
	err = pageTemplate.Execute(&page, map[string]any{
		"Lang": in(p.Language, "zh-CN", "en"), "State": string(p.State), "Code": string(p.Code),
		"Next": p.Next, "Title": first.Title, "Text": text, "NoScript": in(p.Language, noScriptZH, noScriptEN), "Nonce": nonce, "Style": template.CSS(pageCSS),
		"Lost": template.JS(lostJS), //nolint:gosec // it is ours
		"Data": json.RawMessage(data), "Script": app.Endpoint + "/" + script,
	})
	if err != nil {
		return err
	}
	w.Header().Set("Content-Length", strconv.Itoa(page.Len()))
	w.WriteHeader(status)
	if r.Method == http.MethodHead {
		return nil
	}
	_, err = w.Write(page.Bytes())
	return err
}

func pageWords(l doctor.Language, oauth bool) map[State]words {
	all := map[State][2]words{
		StateAsking:    {{"正在登录…", "正在向钉钉确认您的身份。", ""}, {"Signing you in…", "DingTalk is being asked who you are.", ""}},
		StateOutside:   {{"请在钉钉中打开", "此页面需要钉钉身份才能访问。", "在钉钉中打开"}, {"Open this page in DingTalk", "It needs to know who you are in DingTalk.", "Open in DingTalk"}},
		StateSubmitted: {{"您已登录，但内容没有提交", "刚才提交时您还没有登录。请返回，再提交一次。", "返回"}, {"Signed in, but nothing was submitted", "You were not signed in when you sent the form. Go back and send it again.", "Back"}},
		StateSignedOut: {{"您已退出登录", "需要时可以重新登录。", "重新登录"}, {"You are signed out", "You can sign in again when you want to.", "Sign in again"}},
		StateForbidden: {{"无权访问", "您没有访问此页面的权限。", "重新登录"}, {"Not for you", "This page is not for you.", "Sign in again"}},
		StateError:     {{"登录没有成功", "请重试。", "重试"}, {"Could not sign you in", "Please try again.", "Try again"}},
	}
	if oauth {
		all[StateOutside] = [2]words{
			{"请登录", "使用您的钉钉账号登录后继续。", "使用钉钉登录"},
			{"Please sign in", "Continue with your DingTalk account.", "Sign in with DingTalk"},
		}
	}
	out := make(map[State]words, len(all))
	for state, both := range all {
		out[state] = in(l, both[0], both[1])
	}
	return out
}

// ownCodes are those of what only the page itself can find out.
var ownCodes = []Code{"no_answer", "cancelled", "domain", "cookies_blocked", "unsupported_client", "waiting", "script_missing"}

func ownAdvice(language doctor.Language) map[Code]string {
	advice := make(map[Code]string, len(ownCodes))
	for _, code := range ownCodes {
		advice[code] = Advice(code, language)
	}
	return advice
}

// What stands in the page for who runs no scripts.
const (
	noScriptZH = "登录需要 JavaScript，请启用后刷新。"
	noScriptEN = "Signing in needs JavaScript: switch it on and reload."
)

// in is what stands for a language.
func in[T any](l doctor.Language, zh, en T) T {
	if l == doctor.English {
		return en
	}
	return zh
}
