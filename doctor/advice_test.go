package doctor

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/caddy-dingtalk/caddy-dingtalk/oapi"
)

func TestEveryFailureOfTheServerAPIIsAdvisedOnInBothLanguages(t *testing.T) {
	const v1 = "oauth2/accessToken"
	tests := map[string]struct {
		err    oapi.Error
		en, zh string // parts
	}{
		"no way there":              {oapi.Error{Call: "gettoken", Kind: oapi.Network}, "firewall", "防火墙"},
		"no way to the newer host":  {oapi.Error{Call: v1, V1: true, Kind: oapi.Network}, "reaches api_base (by default https://api.dingtalk.com)", "api_base（默认 https://api.dingtalk.com）"},
		"no way to the older host":  {oapi.Error{Call: "gettoken", Kind: oapi.Network}, "reaches oapi_base (by default https://oapi.dingtalk.com)", "oapi_base（默认 https://oapi.dingtalk.com）"},
		"given up":                  {oapi.Error{Kind: oapi.Network, Err: context.Canceled}, "given up from this side", "由本机放弃"},
		"a certificate":             {oapi.Error{Kind: oapi.Network, Err: errors.New("tls: x509: unknown authority")}, "certificate at oapi_base", "不信任 oapi_base"},
		"no answer in time":         {oapi.Error{Kind: oapi.Timeout}, "HTTPS_PROXY", "HTTPS_PROXY"},
		"a login portal":            {oapi.Error{Kind: oapi.Garbage, Status: 200}, "portal", "登录门户"},
		"busy":                      {oapi.Error{Kind: oapi.Busy, Code: "-1"}, "repeated", "自动重试"},
		"a wrong secret":            {oapi.Error{Call: "gettoken", Kind: oapi.Credentials, Code: "40001"}, "older login, corp_id and corp_secret) with", "旧方式则是 corp_id 与 corp_secret"},
		"a wrong app secret":        {oapi.Error{Call: "gettoken", Kind: oapi.Credentials, Code: "40096"}, "Compare app_key and app_secret with", "核对 app_key 与 app_secret，"},
		"a wrong app secret, v1":    {oapi.Error{Call: v1, V1: true, Kind: oapi.Credentials, Code: "invalidClientIdOrSecret"}, "Compare app_key and app_secret with", "核对 app_key 与 app_secret，"},
		"a wrong corp secret":       {oapi.Error{Call: "gettoken", Kind: oapi.Credentials, Code: "40089"}, "Compare corp_id and corp_secret with", "核对 corp_id 与 corp_secret，"},
		"a wrong channel secret":    {oapi.Error{Call: "channel/get_channel_token", Kind: oapi.Credentials, Code: "40089"}, "Compare corp_id and channel_secret with", "核对 corp_id 与 channel_secret，"},
		"a wrong suite secret":      {oapi.Error{Call: "oauth2/corpAccessToken", V1: true, Kind: oapi.Credentials}, "Compare suite_key and suite_secret with", "核对 suite_key 与 suite_secret，"},
		"a wrong suite key":         {oapi.Error{Call: "service/get_auth_info", Kind: oapi.Credentials}, "Compare suite_key and suite_secret with", "核对 suite_key 与 suite_secret，"},
		"no suite_ticket":           {oapi.Error{Kind: oapi.SuiteTicket, Err: errors.New("x")}, "事件与回调 → 重新推送", "“重新推送”"},
		"a corp that left":          {oapi.Error{Kind: oapi.NotAuthorized}, "administrator", "企业管理员"},
		"a clock that is off":       {oapi.Error{Kind: oapi.Clock}, "NTP", "NTP"},
		"a known address":           {oapi.Error{Kind: oapi.AllowList, Message: "request ip=203.0.113.7,appKey(ding1)"}, "Add 203.0.113.7, the address that DingTalk saw, to the app in the developer console (open-dev.dingtalk.com): 开发配置 → 服务器出口IP.", "加上钉钉看到的地址 203.0.113.7；"},
		"an unknown address":        {oapi.Error{Kind: oapi.AllowList, Message: "no"}, "Add the public address", "本机出口的公网地址"},
		"a permission by name":      {oapi.Error{Kind: oapi.Permission, Message: "应用尚未开通所需的权限：[qyapi_get_member]，点击链接申请"}, "grant qyapi_get_member under 权限管理", "开通 qyapi_get_member，"},
		"some permission":           {oapi.Error{Kind: oapi.Permission, Message: "没有调用该接口的权限"}, "grant what the message names", "错误信息中提到的权限"},
		"too many calls":            {oapi.Error{Kind: oapi.RateLimit, Code: "90018"}, "same app", "自动放慢"},
		"shut out":                  {oapi.Error{Kind: oapi.RateLimit, Code: "1111"}, "5 minutes", "5 分钟"},
		"the quota":                 {oapi.Error{Kind: oapi.RateLimit, Code: "90020"}, "next month", "下个月"},
		"the quota, v1":             {oapi.Error{Kind: oapi.RateLimit, Code: "Forbidden.AccessDenied.ApiCountLimitForOrg"}, "next month", "下个月"},
		"a refused token":           {oapi.Error{Kind: oapi.Token, Code: "40014", Status: 200}, "fresh one", "换新"},
		"a token of no use":         {oapi.Error{Kind: oapi.Token, Err: errors.New("x")}, "something else writes to the storage", "改写"},
		"a call of no sense":        {oapi.Error{Kind: oapi.Parameter, Code: "40035", Status: 200}, "proxy on the way out", "改动请求"},
		"a base that is none":       {oapi.Error{Kind: oapi.Parameter, Err: errors.New("x")}, "write oapi_base", "要写成 http://"},
		"a code that nobody knows":  {oapi.Error{Kind: oapi.Other, Code: "60121"}, "server-api-error-codes-1", "server-api-error-codes-1"},
		"a kind that nobody knows":  {oapi.Error{Kind: oapi.Kind(99)}, "server-api-error-codes-1", "server-api-error-codes-1"},
		"the address in other kind": {oapi.Error{Kind: oapi.Busy, Message: "request ip=203.0.113.7"}, "in trouble itself", "钉钉自己"},
	}
	seen := make(map[occasion]bool)
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			got := Advice(fmt.Errorf("fetching: %w", &tt.err))
			expectBoth(t, got)
			if !strings.Contains(got.EN, tt.en) || !strings.Contains(got.ZH, tt.zh) {
				t.Errorf("%+v lacks %q or %q", got, tt.en, tt.zh)
			}
			if strings.Contains(got.EN+got.ZH, "%!") || strings.Contains(got.EN+got.ZH, "%s") {
				t.Errorf("%+v", got)
			}
			if !strings.HasSuffix(got.EN, ".") || strings.HasSuffix(got.ZH, "。") {
				t.Errorf("how it ends does not fit what follows: %+v", got)
			}
		})
		seen[occasionOf(&tt.err)] = true
	}
	for o := range advices {
		if !seen[o] {
			t.Errorf("no case for %s", o)
		}
	}
	for kind := oapi.Other; kind <= oapi.Clock; kind++ {
		if _, known := advices[occasion(kind.String())]; !known {
			t.Errorf("no advice on %v", kind)
		}
	}
}

func TestVisitorsAreAdvisedWithoutWhatDingTalkQuotes(t *testing.T) {
	err := fmt.Errorf("fetching: %w", &oapi.Error{Call: "oauth2/accessToken", V1: true, Kind: oapi.AllowList, Message: "request ip=198.51.100.4"})
	public := PublicAdvice(err)
	expectBoth(t, public)
	if strings.Contains(public.EN+public.ZH, "198.51.100.4") || !strings.Contains(public.EN, "服务器出口IP") {
		t.Errorf("visitors are told %+v", public)
	}
	if own := Advice(err); !strings.Contains(own.EN, "198.51.100.4") || !strings.Contains(own.ZH, "198.51.100.4") {
		t.Errorf("operators are told %+v", own)
	}
}

func TestErrorsOfOthersAreNotAdvisedOn(t *testing.T) {
	for _, err := range []error{nil, errors.New("another one")} {
		if Advice(err) != (Text{}) || PublicAdvice(err) != (Text{}) {
			t.Errorf("%v: %+v", err, Advice(err))
		}
	}
	expectBoth(t, ticketAdvice(errors.New("another one")))
}
