package doctor

// SignInAdvice says to who wants to sign in, or to the administrator whom that asks, what
// to do about a code of sign-in; it is empty for other codes. Names of DingTalk's console
// stay Chinese in both languages, as shown there.
func SignInAdvice(code string) Text { return signInCodes[code] }

// signInCodes are all that an answer, or the page by itself, may show.
var signInCodes = map[string]Text{
	"not_signed_in": say("You are not signed in. Open this page in DingTalk.",
		"您还没有登录。请在钉钉中打开此页面。"),
	"not_allowed": say("You are signed in, but this page is not for you. Ask the administrator of the app if you need it.",
		"您已登录，但没有访问此页面的权限。如有需要，请联系应用管理员开通。"),
	"origin_unknown": say("The server has not been told that this address is the app's. The administrator finds the line to add in the server's log.",
		"服务器尚未确认此网址属于本应用。请管理员按服务器日志的提示添加 public_origin。"),
	"tenant_unknown": say("This address does not say which organisation it is for, or names one that is not served here. Open the app from DingTalk's workbench.",
		"这个网址没有说明属于哪个组织，或者该组织不在这里。请从钉钉工作台打开应用。"),
	"tenant_ambiguous": say("This address may be for several organisations or apps. Open the app from DingTalk's workbench.",
		"这个网址可能属于多个组织或应用。请从钉钉工作台打开应用。"),
	"cross_origin": say("This request comes from another site and is refused. Use a page of the app itself.",
		"此请求来自其他网站，已被拒绝。请从本应用的页面操作。"),
	"bad_code": say("The request holds no usable code: send {\"code\":\"…\"} with the code from requestAuthCode.",
		"请求中没有可用的免登授权码，请重试。"),
	"bad_state": say("This sign-in has expired, was used already, or began in another browser. Please sign in again.",
		"此次登录已过期、已使用过，或不是从这个浏览器开始的。请重新登录。"),
	"refused": say("You did not agree to sign in. Sign in again when you want to.",
		"您没有同意登录。需要时请再次登录。"),
	"unsupported_media_type": say("Send the request with Content-Type: application/json.",
		"请求必须使用 Content-Type: application/json。"),
	"too_large": say("The request is longer than 4 KiB: send the code alone.",
		"请求超过 4 KiB，请只发送授权码。"),
	"method_not_allowed": say("This endpoint does not take that method: use one that the Allow header names.",
		"此地址不支持这种请求方法，请按 Allow 响应头重试。"),
	"not_found": say("There is no such endpoint: check the address.",
		"没有这个地址，请检查链接。"),
	"too_many_attempts": say("Too many attempts with invalid codes. Wait a minute and try again.",
		"登录尝试过于频繁，请一分钟后再试。"),
	"busy": say("Many people are signing in right now. You are in the queue, please wait.",
		"现在登录的人很多，正在排队，请稍候。"),
	"code_invalid": say("DingTalk does not know this code: it was used, is too old, or belongs to another app. Try again.",
		"免登授权码无效、已使用或已过期，请重试。"),
	"not_visible": say("The app is not visible to you. Ask the administrator to add you to its 可使用范围.",
		"您不在此应用的可见范围内。请联系管理员，在应用的「可使用范围」中添加您。"),
	"no_permission": say("The app lacks a permission. The administrator grants the one that the server's log names under 权限管理 in the developer console.",
		"应用缺少钉钉接口权限。请管理员在开发者后台「权限管理」中开通服务器日志所列的权限。"),
	"ip_not_allowed": say("DingTalk refuses the server's address. The administrator adds the one in the server's log to 服务器出口IP in the developer console.",
		"钉钉拒绝了服务器的 IP。请管理员在开发者后台「服务器出口IP」中添加服务器日志所列的地址。"),
	"bad_credentials": say("The app's credentials are wrong. The administrator compares them with 凭证与基础信息 in the developer console.",
		"应用的密钥不正确。请管理员核对「凭证与基础信息」中的 Client ID 与 Client Secret。"),
	"rate_limited": say("DingTalk asks for fewer calls right now. You are in the queue, please wait.",
		"钉钉暂时限制了调用频率，正在排队，请稍候。"),
	"quota_exhausted": say("The organisation has used up its calls of this month. The administrator can buy more in the developer console.",
		"本组织本月的接口调用量已用完。请管理员在开发者后台购买或等到下月。"),
	"dingtalk_unavailable": say("DingTalk does not answer at the moment. Try again shortly.",
		"钉钉暂时没有响应，请稍后重试。"),
	"dingtalk_error": say("DingTalk's answer makes no sense. Try again; if it stays, the administrator finds more in the server's log.",
		"钉钉的回答无法识别。请重试；若仍出现，请管理员查看服务器日志。"),
	"wrong_corp": say("You chose another organisation than the one of this app. Sign in again and choose the right one.",
		"您选择的组织不是此应用所属的组织。请重新登录并选择正确的组织。"),
	"not_a_member": say("You are not a member of this organisation. Ask the administrator to add you to its 通讯录.",
		"您不是此组织的成员。请联系管理员将您加入通讯录。"),

	// What only the page itself can find out.
	"no_answer": say("The DingTalk app gave no code. Try again; if it stays, update DingTalk and open the page anew.",
		"钉钉客户端没有给出授权码。请重试；若仍不行，请升级钉钉后再打开。"),
	"cancelled": say("You cancelled. Use the button when you want to sign in.",
		"您取消了登录。需要时请点击下面的按钮。"),
	"domain": say("DingTalk does not take this domain for the app's. The administrator makes it that of 应用首页地址 or 端内免登地址 in the developer console.",
		"钉钉不认可此网址的域名。请管理员在开发者后台把「应用首页地址」或「端内免登地址」改为此域名。"),
	"cookies_blocked": say("You were signed in, but the browser kept no cookie. Allow cookies, or open the page outside the frame of another site.",
		"登录成功了，但浏览器没有保存 Cookie。请允许 Cookie，或不要在其他网站的框架中打开此页面。"),
	"unsupported_client": say("专有钉钉 and 政务钉钉 are not supported. Open the page in the standard DingTalk app.",
		"暂不支持专有钉钉和政务钉钉。请用标准版钉钉打开此页面。"),
	"script_missing": say("The script of this page did not load. Reload the page; if that does not help, a content blocker or a proxy in front of Caddy holds back /.dingtalk/*.js: tell the administrator.",
		"此页面的脚本没有加载。请重新加载；若仍不行，是浏览器的拦截插件或 Caddy 前面的代理拦下了 /.dingtalk/*.js，请告诉管理员。"),
	"waiting": say("This page has just tried by itself, or the browser keeps nothing for it. Use the button to sign in.",
		"页面刚刚已经自动登录过，或者浏览器不允许它保存数据。请点击下面的按钮登录。"),
}

// SignInPermission is the permission that a call of sign-in needs, as the console names
// it; "" where it needs none.
func SignInPermission(call string) string { return signInPermissions[call] }

var signInPermissions = map[string]string{
	"topapi/v2/user/getuserinfo":            "调用企业API基础权限 (qyapi_base)",
	"user/getuserinfo":                      "调用企业API基础权限 (qyapi_base)",
	"topapi/v2/user/get":                    "成员信息读权限 (qyapi_get_member)",
	"user/get":                              "成员信息读权限 (qyapi_get_member)",
	"topapi/user/getbyunionid":              "成员信息读权限 (qyapi_get_member)",
	"topapi/v2/department/listparentbyuser": "通讯录部门信息读权限 (qyapi_get_department_list)",
	"oauth2/userAccessToken":                "调用OpenApp专有API时需要具备的权限 (open_app_api_base)",
	"contact/users/me":                      "通讯录个人信息读权限 (Contact.User.Read)",
}

// Grant says where a permission is to be had.
func Grant(permission string) Text {
	return say("grant the app %s in the developer console (open-dev.dingtalk.com) under 权限管理, then publish a version of it (版本管理与发布)",
		"请在开发者后台（open-dev.dingtalk.com）该应用的“权限管理”里开通%s，然后发布新版本（版本管理与发布）", permission)
}
