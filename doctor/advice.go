package doctor

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/caddy-dingtalk/caddy-dingtalk/oapi"
	"github.com/caddy-dingtalk/caddy-dingtalk/robot"
)

// Advice says what to do about a failure of DingTalk's server API or of a robot, in a
// sentence or two that can follow the error's own text. It is empty for other errors.
// Names of DingTalk's console stay Chinese in both languages, as shown there.
func Advice(err error) Text {
	if refused, is := errors.AsType[*robot.SendError](err); is {
		return Text{EN: refused.Advice, ZH: chinese(refused.Advice)}
	}
	var e *oapi.Error
	if !errors.As(err, &e) {
		return Text{}
	}
	a := advices[occasionOf(e)]
	if a.about == nil {
		return a.Text
	}
	about := a.about(e)
	return Text{EN: fmt.Sprintf(a.EN, about.EN), ZH: fmt.Sprintf(a.ZH, about.ZH)}
}

// PublicAdvice is Advice for visitors of a site: without what DingTalk quotes,
// which names this server's own address.
func PublicAdvice(err error) Text {
	var e *oapi.Error
	if !errors.As(err, &e) {
		return Text{}
	}
	public := *e
	public.Message = ""
	return Advice(&public)
}

// occasion is what there is one advice on: a kind of failure, or a case of it.
type occasion string

const (
	canceled  occasion = "canceled"
	untrusted occasion = "untrusted"
	badBase   occasion = "bad_base"
	badToken  occasion = "bad_token"
	banned    occasion = "banned"
	quota     occasion = "quota"
)

func occasionOf(e *oapi.Error) occasion {
	switch {
	case e.Kind == oapi.Network && errors.Is(e.Err, context.Canceled):
		return canceled
	case e.Untrusted():
		return untrusted
	case e.Unsent() && e.Kind == oapi.Parameter:
		return badBase
	case e.Unsent():
		return badToken
	case e.Kind == oapi.RateLimit && e.Banned():
		return banned
	case e.Kind == oapi.RateLimit && e.QuotaUsed():
		return quota
	}
	return occasion(e.Kind.String())
}

// advice is a row of the table. Both texts take what about returns, if it is there.
type advice struct {
	Text
	about func(*oapi.Error) Text
}

// advices are what to do, by occasion.
var advices = map[occasion]advice{
	"network": {say("Check this machine's DNS, its firewall and that it reaches %s, through HTTPS_PROXY if it needs a proxy. The call is repeated as long as pages are asked for.",
		"连不上钉钉：请检查本机的 DNS、防火墙，以及能否访问 %s，需要代理时设置 HTTPS_PROXY；有页面打开时会自动重试"), base},
	canceled: {say("The call was given up from this side, there is nothing to change.",
		"这次调用由本机放弃，无需改动"), nil},
	untrusted: {say("The certificate at %s is not trusted here: check this machine's clock and CA certificates, and add the CA of a proxy that opens TLS.",
		"本机不信任 %s 的证书：请检查本机时钟和 CA 证书，出口代理解密 TLS 的，要加上它的 CA"), base},
	"timeout": {say("DingTalk did not answer in time: check that this machine reaches %s on its port, through HTTPS_PROXY if it needs a proxy. The call is repeated as long as pages are asked for.",
		"钉钉没有及时回应：请检查本机能否访问 %s 的端口，需要代理时设置 HTTPS_PROXY；有页面打开时会自动重试"), base},
	"garbage": {say("Something other than DingTalk answered, most likely a proxy, a firewall or a login portal on the way out: check the outgoing network and that %s is right.",
		"回应不是钉钉发出的，多半是出口上的代理、防火墙或登录门户：请检查出口网络，以及 %s 是否正确"), base},
	"busy": {say("DingTalk is in trouble itself, there is nothing to change here. The call is repeated as long as pages are asked for.",
		"钉钉自己出了问题，这里无需改动；有页面打开时会自动重试"), nil},
	"credentials": {say("Compare %s with the app's 凭证与基础信息 in the developer console (open-dev.dingtalk.com): both must be of the same app, and a secret that was reset there must be replaced here.",
		"密钥不对：请到开发者后台（open-dev.dingtalk.com）“凭证与基础信息”核对 %s，两者必须属于同一个应用；后台重置过密钥的，这里也要换"), credentials},
	"allow_list": {say("Add %s to the app in the developer console (open-dev.dingtalk.com): 开发配置 → 服务器出口IP. Calls through a proxy need the proxy's address there.",
		"服务器的 IP 不在白名单里：请在开发者后台（open-dev.dingtalk.com）该应用的“开发配置 → 服务器出口IP”里加上%s；走代理的要加代理的 IP"), address},
	"permission": {say("Open the app in the developer console (open-dev.dingtalk.com): grant %s under 权限管理, and check that the app is published and whom it is visible to.",
		"应用没有权限：请在开发者后台（open-dev.dingtalk.com）该应用的“权限管理”里开通%s，并确认应用已发布、可见范围正确"), permission},
	"rate_limit": {say("Calls slow down by themselves. Should it stay, look for another program that calls DingTalk with the same app, or for instances that do not share their storage.",
		"调用太频繁，会自动放慢；一直如此的话，请找出使用同一个应用的其他程序，或没有共用存储的其他服务器"), nil},
	banned: {say("DingTalk shut this server's IP address out for 5 minutes after more than 10000 calls in 20 seconds. All machines behind the same address count together: find the one that calls so often.",
		"本机的出口 IP 在 20 秒内调用超过 10000 次，被钉钉封禁 5 分钟；同一出口的所有机器合并计算，请找出调用过多的那一台"), nil},
	quota: {say("The organisation's quota of calls is used up: calls work again next month, or after buying more in DingTalk's console.",
		"企业的接口调用量已用完：下个月恢复，或在钉钉后台购买更多"), nil},
	"token": {say("The access token is dropped and a fresh one fetched. Should this come back, somebody has reset the app's secret or the token belongs to another app: compare the credentials with the developer console.",
		"access token 失效，会自动换新；反复出现说明应用的密钥被重置过，或 token 属于别的应用：请到开发者后台核对密钥"), nil},
	badToken: {say("The access token cannot be sent: it is dropped and a fresh one fetched. Should this come back, something else writes to the storage that the dingtalk directive or Caddy's global options name.",
		"access token 无法发送，会丢弃并换新；反复出现说明有别的程序在改写 dingtalk 指令或 Caddy 全局选项所指的存储"), nil},
	"parameter": {say("DingTalk does not understand the call: check that %s is right and that no proxy on the way out changes the request.",
		"钉钉看不懂这个请求：请检查 %s 是否正确，以及出口上的代理有没有改动请求"), base},
	"suite_ticket": {say("Push the suite_ticket again in the developer console (open-dev.dingtalk.com) of the app: 事件与回调 → 重新推送, and check that DingTalk reaches the callback and is answered. A custom (定制) or test app takes suite_ticket instead.",
		"没有可用的 suite_ticket：请在开发者后台（open-dev.dingtalk.com）该应用的“事件与回调”点“重新推送”，并确认钉钉能访问回调地址；定制应用和测试应用请改用 suite_ticket"), nil},
	"not_authorized": {say("The organisation has not authorised the third-party app, or does no longer: its administrator opens or renews it in DingTalk's app market.",
		"这个企业没有开通该第三方应用，或已停用、到期：请企业管理员在钉钉应用市场开通或续期"), nil},
	"clock": {say("This machine's clock is more than a minute off: set it, best by NTP.",
		"本机时钟与钉钉相差一分钟以上：请校准，最好用 NTP"), nil},
	badBase: {say("The call cannot be made: write %s as http:// or https:// and a host.",
		"无法发出调用：%s 要写成 http:// 或 https:// 加主机名"), base},
	"other": {say("Look the code up in DingTalk's list of error codes (open.dingtalk.com, page server-api-error-codes-1).",
		"请到钉钉开放平台的错误码页面（server-api-error-codes-1）查这个错误码"), nil},
}

// base names where a call goes by the setting that says so.
func base(e *oapi.Error) Text {
	if e.V1 {
		return say("api_base (by default "+oapi.DefaultAPI+")", "api_base（默认 "+oapi.DefaultAPI+"）")
	}
	return say("oapi_base (by default "+oapi.DefaultOAPI+")", "oapi_base（默认 "+oapi.DefaultOAPI+"）")
}

// credentials names the settings that the call has logged in with.
func credentials(e *oapi.Error) Text {
	switch {
	case strings.HasPrefix(e.Call, "service/"), e.Call == "oauth2/corpAccessToken":
		return say("suite_key and suite_secret", "suite_key 与 suite_secret")
	case strings.HasPrefix(e.Call, "channel/"):
		return say("corp_id and channel_secret", "corp_id 与 channel_secret")
	case e.Code == "40089":
		return say("corp_id and corp_secret", "corp_id 与 corp_secret")
	case e.Code == "40096" || e.V1:
		return say("app_key and app_secret", "app_key 与 app_secret")
	}
	return say("app_key and app_secret (or, with the older login, corp_id and corp_secret)", "app_key 与 app_secret（旧方式则是 corp_id 与 corp_secret）")
}

func address(e *oapi.Error) Text {
	if ip := e.Address(); ip != "" {
		return say(ip+", the address that DingTalk saw,", "钉钉看到的地址 "+ip)
	}
	return say("the public address of this server's outgoing calls", "本机出口的公网地址")
}

func permission(e *oapi.Error) Text {
	if scope := e.Scope(); scope != "" {
		return say(scope, " "+scope)
	}
	return say("what the message names", "错误信息中提到的权限")
}
