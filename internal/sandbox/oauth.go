package sandbox

import (
	"crypto/rand"
	"encoding/json"
	"html/template"
	"net/http"
	"net/url"
	"strings"
)

// OAuth2 of login.dingtalk.com (obtain-identity-credentials, obtain-user-token), which the
// sandbox serves on the same address: `login_base` is that of the sandbox.

// authPage lets whoever looks at it choose who they are.
var authPage = template.Must(template.New("auth").Parse(`<!DOCTYPE html>
<html lang="zh-CN"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<link rel="icon" href="data:,"><title>钉钉登录（模拟）</title>
<style>body{font:16px/1.6 sans-serif;max-width:340px;margin:12vh auto;padding:0 20px;color:#1c2330;background:#f3f5f8}
a{display:block;margin:10px 0;padding:12px 16px;border-radius:12px;background:#fff;color:#2463c7;text-decoration:none}
@media (prefers-color-scheme:dark){body{color:#e4e7ec;background:#101418}a{background:#1a2027;color:#a9c8fb}}</style></head>
<body><h1>以谁的身份登录？</h1><p>DingTalk's page, simulated: sign in as whom?</p>
{{range .People}}<a class="person" id="{{.Name}}" href="{{.URL}}">{{.Text}}</a>
{{end}}<a id="refuse" href="{{.Refuse}}">不同意 Refuse</a></body></html>
`))

// serveAuth is GET /oauth2/auth. Beside DingTalk's parameters it takes `user`, which the
// links of its page carry: who approves, or "refuse". Approve answers for everybody.
func (d *DingTalk) serveAuth(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	target, err := url.Parse(q.Get("redirect_uri"))
	scopes := strings.Fields(q.Get("scope"))
	_, isApp := d.account(func(a Account) bool { return a.AppKey == q.Get("client_id") })
	switch {
	case !isApp:
		http.Error(w, "client_id: 应用不存在", http.StatusBadRequest)
		return
	case err != nil || target.Host == "":
		http.Error(w, "redirect_uri: 回调地址不合法", http.StatusBadRequest)
		return
	case q.Get("response_type") != "code" || q.Get("prompt") != "consent" || len(scopes) == 0 || scopes[0] != "openid":
		http.Error(w, "response_type, prompt, scope: 参数不合法", http.StatusBadRequest)
		return
	}
	d.mu.Lock()
	approve := d.approve
	d.mu.Unlock()
	if q.Has("user") {
		approve = q.Get("user")
	}
	back := url.Values{"state": {q.Get("state")}}
	p, known := d.who(approve)
	switch {
	case approve == "refuse":
		back.Set("error", "access_denied")
	case known:
		code := d.issueCode(oauthCode, p, d.corpOf(q))
		back.Set("code", code)
		back.Set("authCode", code)
	default:
		d.serveAuthPage(w, r)
		return
	}
	target.RawQuery = back.Encode()
	http.Redirect(w, r, target.String(), http.StatusFound)
}

func (d *DingTalk) serveAuthPage(w http.ResponseWriter, r *http.Request) {
	as := func(user string) string {
		q := r.URL.Query()
		q.Set("user", user)
		return "?" + q.Encode()
	}
	type choice struct{ Name, Text, URL string }
	var page struct {
		People []choice
		Refuse string
	}
	for _, p := range d.options.People {
		name := p.UserID
		if name == "" {
			name = strings.TrimPrefix(p.UnionID, "union-")
		}
		page.People = append(page.People, choice{name, p.Name, as(name)})
	}
	page.Refuse = as("refuse")
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	_ = authPage.Execute(w, page)
}

// corpOf is the organisation that the user chooses. It is told only where the scope asks
// for it.
func (d *DingTalk) corpOf(q url.Values) string {
	switch {
	case !strings.Contains(q.Get("scope"), "corpid"):
		return ""
	case d.options.ChosenCorp != "":
		return d.options.ChosenCorp
	}
	app, _ := d.account(func(a Account) bool { return a.AppKey == q.Get("client_id") })
	return app.CorpID
}

// userAccessToken is POST /v1.0/oauth2/userAccessToken.
func (d *DingTalk) userAccessToken(q request) reply {
	var body struct{ ClientID, ClientSecret, Code, GrantType string }
	if !q.isJSON() || json.Unmarshal(q.body, &body) != nil {
		return missingBody()
	}
	if _, ok := d.account(func(a Account) bool { return a.AppKey == body.ClientID && a.AppSecret == body.ClientSecret }); !ok {
		return v1Refusal(http.StatusBadRequest, "invalidClientIdOrSecret", "无效的clientId或者clientSecret")
	}
	c, ok := d.take(body.Code, oauthCode)
	if !ok || body.GrantType != "authorization_code" {
		return v1Refusal(http.StatusBadRequest, "invalidParameter.authCode.notFound", "不合法的临时授权码")
	}
	token := "user" + strings.ToLower(rand.Text())
	d.mu.Lock()
	d.userTokens[token] = c.who
	d.mu.Unlock()
	answer := fields{"accessToken": token, "refreshToken": "refresh" + rand.Text(), "expireIn": 7200}
	if c.corp != "" {
		answer["corpId"] = c.corp
	}
	return reply{http.StatusOK, answer}
}

// me is GET /v1.0/contact/users/me. What users write about themselves is meant to mislead
// whoever takes it for an identity.
func (d *DingTalk) me(q request) reply {
	d.mu.Lock()
	p, ok := d.userTokens[q.header.Get("x-acs-dingtalk-access-token")]
	d.mu.Unlock()
	if !ok {
		return v1Refusal(http.StatusBadRequest, "InvalidAuthentication", "不合法的access_token")
	}
	return reply{http.StatusOK, fields{"nick": "u1 张三 admin", "unionId": p.UnionID, "openId": p.OpenID,
		"email": "ceo@other.example", "mobile": "13800138000", "stateCode": "86", "avatarUrl": "https://static.dingtalk.com/me.jpg"}}
}
