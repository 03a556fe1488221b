package login

import "net/http"

// Language of what users read.
type Language int

// The languages.
const (
	Chinese Language = iota
	English
)

// answerTo is what there is to say about a code: the HTTP status, and what to do, in
// Chinese and in English.
type answerTo struct {
	status int
	advice [2]string
}

// codes are all that an answer, or the page by itself, may show. Names of DingTalk's
// console stay Chinese in both, as shown there.
var codes = map[Code]answerTo{
	CodeNotSignedIn: {http.StatusUnauthorized, [2]string{
		"您还没有登录。请在钉钉中打开此页面。",
		"You are not signed in. Open this page in DingTalk."}},
	CodeNotAllowed: {http.StatusForbidden, [2]string{
		"您已登录，但没有访问此页面的权限。如有需要，请联系应用管理员开通。",
		"You are signed in, but this page is not for you. Ask the administrator of the app if you need it."}},
	CodeOriginUnknown: {http.StatusServiceUnavailable, [2]string{
		"服务器尚未确认此网址属于本应用。请管理员按服务器日志的提示添加 public_origin。",
		"The server has not been told that this address is the app's. The administrator finds the line to add in the server's log."}},
	CodeCrossOrigin: {http.StatusForbidden, [2]string{
		"此请求来自其他网站，已被拒绝。请从本应用的页面操作。",
		"This request comes from another site and is refused. Use a page of the app itself."}},
	CodeBadCode: {http.StatusBadRequest, [2]string{
		"请求中没有可用的免登授权码，请重试。",
		"The request holds no usable code: send {\"code\":\"…\"} with the code from requestAuthCode."}},
	CodeBadState: {http.StatusBadRequest, [2]string{
		"此次登录已过期、已使用过，或不是从这个浏览器开始的。请重新登录。",
		"This sign-in has expired, was used already, or began in another browser. Please sign in again."}},
	CodeRefused: {http.StatusUnauthorized, [2]string{
		"您没有同意登录。需要时请再次登录。",
		"You did not agree to sign in. Sign in again when you want to."}},
	CodeMediaType: {http.StatusUnsupportedMediaType, [2]string{
		"请求必须使用 Content-Type: application/json。",
		"Send the request with Content-Type: application/json."}},
	CodeTooLarge: {http.StatusRequestEntityTooLarge, [2]string{
		"请求超过 4 KiB，请只发送授权码。",
		"The request is longer than 4 KiB: send the code alone."}},
	CodeMethod: {http.StatusMethodNotAllowed, [2]string{
		"此地址不支持这种请求方法，请按 Allow 响应头重试。",
		"This endpoint does not take that method: use one that the Allow header names."}},
	CodeNotFound: {http.StatusNotFound, [2]string{
		"没有这个地址，请检查链接。",
		"There is no such endpoint: check the address."}},
	CodeTooMany: {http.StatusTooManyRequests, [2]string{
		"登录尝试过于频繁，请一分钟后再试。",
		"Too many attempts with invalid codes. Wait a minute and try again."}},
	CodeBusy: {http.StatusServiceUnavailable, [2]string{
		"现在登录的人很多，正在排队，请稍候。",
		"Many people are signing in right now. You are in the queue, please wait."}},

	CodeInvalid: {http.StatusUnauthorized, [2]string{
		"免登授权码无效、已使用或已过期，请重试。",
		"DingTalk does not know this code: it was used, is too old, or belongs to another app. Try again."}},
	CodeNotVisible: {http.StatusForbidden, [2]string{
		"您不在此应用的可见范围内。请联系管理员，在应用的「可使用范围」中添加您。",
		"The app is not visible to you. Ask the administrator to add you to its 可使用范围."}},
	CodePermission: {http.StatusBadGateway, [2]string{
		"应用缺少钉钉接口权限。请管理员在开发者后台「权限管理」中开通服务器日志所列的权限。",
		"The app lacks a permission. The administrator grants the one that the server's log names under 权限管理 in the developer console."}},
	CodeIP: {http.StatusBadGateway, [2]string{
		"钉钉拒绝了服务器的 IP。请管理员在开发者后台「服务器出口IP」中添加服务器日志所列的地址。",
		"DingTalk refuses the server's address. The administrator adds the one in the server's log to 服务器出口IP in the developer console."}},
	CodeCredentials: {http.StatusBadGateway, [2]string{
		"应用的密钥不正确。请管理员核对「凭证与基础信息」中的 Client ID 与 Client Secret。",
		"The app's credentials are wrong. The administrator compares them with 凭证与基础信息 in the developer console."}},
	CodeRateLimited: {http.StatusServiceUnavailable, [2]string{
		"钉钉暂时限制了调用频率，正在排队，请稍候。",
		"DingTalk asks for fewer calls right now. You are in the queue, please wait."}},
	CodeQuota: {http.StatusBadGateway, [2]string{
		"本组织本月的接口调用量已用完。请管理员在开发者后台购买或等到下月。",
		"The organisation has used up its calls of this month. The administrator can buy more in the developer console."}},
	CodeUnavailable: {http.StatusServiceUnavailable, [2]string{
		"钉钉暂时没有响应，请稍后重试。",
		"DingTalk does not answer at the moment. Try again shortly."}},
	CodeDingTalk: {http.StatusBadGateway, [2]string{
		"钉钉的回答无法识别。请重试；若仍出现，请管理员查看服务器日志。",
		"DingTalk's answer makes no sense. Try again; if it stays, the administrator finds more in the server's log."}},
	CodeWrongCorp: {http.StatusForbidden, [2]string{
		"您选择的组织不是此应用所属的组织。请重新登录并选择正确的组织。",
		"You chose another organisation than the one of this app. Sign in again and choose the right one."}},
	CodeNotMember: {http.StatusForbidden, [2]string{
		"您不是此组织的成员。请联系管理员将您加入通讯录。",
		"You are not a member of this organisation. Ask the administrator to add you to its 通讯录."}},
}

// Advice says what to do about a code.
func Advice(code Code, language Language) string { return codes[code].advice[language] }
