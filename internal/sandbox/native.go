package sandbox

import (
	_ "embed"
	"encoding/json"
	"net/http"
	"slices"
)

// NativeJS is the native bridge as the client app provides it to pages, in ES5. It defines
// window.__ddNative; its own comment says how to use it.
//
//go:embed native.js
var NativeJS string

// Platforms are the client apps that NativeJS knows.
var Platforms = []string{"ios", "android", "pc", "harmony"}

// UserAgents are user agents of the client apps, by platform: those of ios, android and pc were seen in
// the wild, that of harmony is ArkWeb's documented default followed by DingTalk's usual suffix.
var UserAgents = map[string]string{
	"ios": "Mozilla/5.0 (iPhone; CPU iPhone OS 26_4 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) " +
		"Mobile/23E246 AliApp(DingTalk/7.8.1) com.laiwang.DingTalk/46766536 Channel/201200 " +
		"language/zh-Hans-CN UT4Aplus/0.0.6 WK",
	"android": "Mozilla/5.0 (Linux; U; Android 14; zh-CN; 24069RA21C Build/UKQ1.240116.001) AppleWebKit/537.36 " +
		"(KHTML, like Gecko) Version/4.0 Chrome/100.0.4896.58 UWS/5.12.4.0 Mobile Safari/537.36 " +
		"AliApp(DingTalk/7.5.36) com.alibaba.android.rimet/37747409 Channel/700159 language/zh-CN abi/64 " +
		"xpn/xiaomi UT4Aplus/0.2.25 colorScheme/light",
	"pc": "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) " +
		"Chrome/108.0.5359.125 Safari/537.36 dingtalk-win/1.0.0 nw(0.14.7) DingTalk(7.8.10-Release.250724002) " +
		"Mojo/1.0.0 Native AppType(release) Channel/201200 Architecture/x86_64",
	"harmony": "Mozilla/5.0 (Phone; OpenHarmony 5.0) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/114.0.0.0 " +
		"Safari/537.36 ArkWeb/4.1.6.1 Mobile AliApp(DingTalk/7.8.1) com.dingtalk.hmos Channel/201200 " +
		"language/zh-CN",
}

// nativeRequest is what the bridge asks: may this page, known to the client app as href, have these JSAPIs?
type nativeRequest struct {
	Platform string       `json:"platform"`
	Href     string       `json:"href"`
	Params   ConfigParams `json:"params"`
}

// nativeVerdict is the answer to the bridge.
type nativeVerdict struct {
	OK       bool     `json:"ok"`
	Error    *Refusal `json:"error,omitempty"`
	Expected struct {
		URL   string          `json:"url"`   // what the client app checks, without the fragment
		Forms map[Form]string `json:"forms"` // the accepted forms of it
		Form  Form            `json:"form,omitempty"`
		Hash  Hash            `json:"hash,omitempty"`
	} `json:"expected"`
}

// NativeHandler serves POST /native/verify: JSON {platform, href, params} in, the verdict as JSON
// {ok, error: {errorCode, errorMessage}, expected: {url, forms, form, hash}} out; and POST /native/code:
// {platform, method, params} in, {ok, code} or {ok, error} out. It allows CORS.
func (d *DingTalk) NativeHandler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /native/verify", d.serveVerify)
	mux.HandleFunc("POST /native/code", d.serveNativeCode)
	return allowCORS(mux)
}

func (d *DingTalk) serveVerify(w http.ResponseWriter, r *http.Request) {
	var q nativeRequest
	if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxRequestBody)).Decode(&q); err != nil {
		http.Error(w, "reading the request: "+err.Error(), http.StatusBadRequest)
		return
	}
	verdict := d.Verify(q.Params, q.Href)
	answer := nativeVerdict{OK: verdict.OK, Error: verdict.Refusal(q.Platform)}
	answer.Expected.URL = verdict.URL
	answer.Expected.Form, answer.Expected.Hash = verdict.Form, verdict.Hash
	answer.Expected.Forms = make(map[Form]string)
	for _, form := range d.options.AcceptForms {
		answer.Expected.Forms[form] = form.Of(verdict.URL)
	}
	serveJSON(w, answer)
}

// codeRequest is what the bridge asks when a page wants to know who uses it.
type codeRequest struct {
	Platform string `json:"platform"`
	Method   string `json:"method"`
	Params   struct {
		CorpID   string `json:"corpId"`
		ClientID string `json:"clientId"`
	} `json:"params"`
}

// codeAnswer is a code, or the error object that the page gets.
type codeAnswer struct {
	OK    bool     `json:"ok"`
	Code  string   `json:"code,omitempty"`
	Error *Refusal `json:"error,omitempty"`
}

func (d *DingTalk) serveNativeCode(w http.ResponseWriter, r *http.Request) {
	var q codeRequest
	if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxRequestBody)).Decode(&q); err != nil {
		http.Error(w, "reading the request: "+err.Error(), http.StatusBadRequest)
		return
	}
	serveJSON(w, d.nativeCode(q))
}

// nativeCode gives a code of whoever holds the client app. A service window has members
// and followers alike, an app members only.
func (d *DingTalk) nativeCode(q codeRequest) codeAnswer {
	refuse := func(message string) codeAnswer { return codeAnswer{Error: &Refusal{3, message}} }
	d.mu.Lock()
	user := d.user
	d.mu.Unlock()
	p, known := d.who(user)
	switch {
	case !known:
		return refuse("nobody holds this client app")
	case len(d.holdersOf(q.Params.CorpID)) == 0:
		return refuse("corpId or redirectURI is blank")
	case q.Method == "runtime.permission.requestAuthCodeV2" && !d.isClientOf(q.Params.ClientID, q.Params.CorpID):
		return refuse("invalid clientId")
	case q.Method == "channel.permission.requestAuthCode":
		if !p.Follower {
			return refuse("52020,err msg uid is not a follower")
		}
		return codeAnswer{OK: true, Code: d.issueCode(channelCode, p, q.Params.CorpID)}
	case !p.member():
		return refuse("1002,err msg uid is not in employee for orgid")
	}
	return codeAnswer{OK: true, Code: d.issueCode(appCode, p, q.Params.CorpID)}
}

// isClientOf tells whether an AppKey or SuiteKey is one of the organisation's.
func (d *DingTalk) isClientOf(clientID, corp string) bool {
	return slices.ContainsFunc(d.holdersOf(corp), func(h holder) bool { return h.app == clientID && clientID != "" })
}

// allowCORS lets any page call next. Nothing here is real.
func allowCORS(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Access-Control-Allow-Origin", "*")
		if r.Method == http.MethodOptions {
			w.Header().Set("Access-Control-Allow-Methods", "GET, POST")
			w.Header().Set("Access-Control-Allow-Headers", "Content-Type")
			w.WriteHeader(http.StatusNoContent)
			return
		}
		next.ServeHTTP(w, r)
	})
}

func serveJSON(w http.ResponseWriter, answer any) {
	body, err := json.Marshal(answer)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Cache-Control", "no-store")
	writeJSON(w, http.StatusOK, body)
}
