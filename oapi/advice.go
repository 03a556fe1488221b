package oapi

import (
	"context"
	"errors"
	"net/netip"
	"strings"
)

// AdviceOn returns the Advice on any error, "" where it is none of this package.
func AdviceOn(err error) string {
	var e *Error
	if errors.As(err, &e) {
		return e.Advice()
	}
	return ""
}

// PublicAdviceOn is AdviceOn for visitors of a site: without what DingTalk quotes,
// which names the server's own address.
func PublicAdviceOn(err error) string {
	var e *Error
	if !errors.As(err, &e) {
		return ""
	}
	public := *e
	public.Message = ""
	return public.Advice()
}

// Advice says in English what to do next, in a sentence or two that can follow
// the error's own text. Names of DingTalk's console stay Chinese, as shown there.
func (e *Error) Advice() string {
	switch e.Kind {
	case Network:
		return e.networkAdvice()
	case Timeout:
		return "DingTalk did not answer in time: check that this machine reaches " + e.host() +
			" on its port, through HTTPS_PROXY if it needs a proxy. The call is repeated as long as pages are asked for."
	case Garbage:
		return "Something other than DingTalk answered, most likely a proxy, a firewall or a login portal on the way out: " +
			"check the outgoing network and that " + e.host() + " is right."
	case Busy:
		return "DingTalk is in trouble itself, there is nothing to change here. The call is repeated as long as pages are asked for."
	case Credentials:
		return e.credentialsAdvice()
	case AllowList:
		return e.allowListAdvice()
	case Permission:
		return "Open the app in the developer console (open-dev.dingtalk.com): grant what the message names under 权限管理, " +
			"and check that the app is published and whom it is visible to."
	case RateLimit:
		return e.rateLimitAdvice()
	case Token:
		return "The access token is dropped and a fresh one fetched. Should this come back, somebody has reset the app's secret " +
			"or the token belongs to another app: compare the credentials with the developer console."
	case Parameter:
		return "DingTalk does not understand the call: check that " + e.host() +
			" is right and that no proxy on the way out changes the request."
	}
	return "Look the code up in DingTalk's list of error codes (open.dingtalk.com, page server-api-error-codes-1)."
}

// host names where the call goes, and the setting that says so.
func (e *Error) host() string {
	if strings.HasPrefix(e.Call, "oauth2/") {
		return "api_base (by default " + DefaultAPI + ")"
	}
	return "oapi_base (by default " + DefaultOAPI + ")"
}

func (e *Error) networkAdvice() string {
	switch {
	case errors.Is(e.Err, context.Canceled):
		return "The call was given up from this side, there is nothing to change."
	case e.Err != nil && strings.Contains(e.Err.Error(), "x509:"):
		return "The certificate at " + e.host() + " is not trusted here: check this machine's clock and CA certificates, " +
			"and add the CA of a proxy that opens TLS."
	}
	return "Check this machine's DNS, its firewall and that it reaches " + e.host() +
		", through HTTPS_PROXY if it needs a proxy. The call is repeated as long as pages are asked for."
}

func (e *Error) credentialsAdvice() string {
	names := "app_key and app_secret (or, with the older login, corp_id and corp_secret)"
	switch {
	case strings.HasPrefix(e.Call, "channel/"):
		names = "corp_id and channel_secret"
	case e.Code == "40089":
		names = "corp_id and corp_secret"
	case e.Code == "40096" || strings.HasPrefix(e.Call, "oauth2/"):
		names = "app_key and app_secret"
	}
	return "Compare " + names + " with the app's 凭证与基础信息 in the developer console (open-dev.dingtalk.com): " +
		"both must be of the same app, and a secret that was reset there must be replaced here."
}

func (e *Error) allowListAdvice() string {
	address := "the public address of this server's outgoing calls"
	if ip := seenIP(e.Message); ip != "" {
		address = ip + ", the address that DingTalk saw,"
	}
	return "Add " + address + " to the app in the developer console (open-dev.dingtalk.com): 开发配置 → 服务器出口IP. " +
		"Calls through a proxy need the proxy's address there."
}

func (e *Error) rateLimitAdvice() string {
	switch {
	case e.Code == codeBanned:
		return "DingTalk shut this server's IP address out for 5 minutes after more than 10000 calls in 20 seconds. " +
			"All machines behind the same address count together: find the one that calls so often."
	case e.Code == "90020" || strings.Contains(e.Code, "ApiCountLimit"):
		return "The organisation's quota of calls is used up: calls work again next month, or after buying more in DingTalk's console."
	}
	return "Calls slow down by themselves. Should it stay, look for another program that calls DingTalk with the same app, " +
		"or for instances that do not share their storage."
}

// seenIP finds the caller's address in a message such as
// "访问ip不在白名单之中,request ip=192.0.2.1,appKey(…)"; "" where there is none.
func seenIP(message string) string {
	if _, after, ok := strings.Cut(message, "request ip="); ok {
		message = after
	}
	words := strings.FieldsFunc(message, func(r rune) bool {
		return !strings.ContainsRune("0123456789abcdefABCDEF.:", r)
	})
	for _, word := range words {
		for _, candidate := range []string{word, strings.Trim(word, ".:")} {
			if ip, err := netip.ParseAddr(candidate); err == nil && !ip.IsUnspecified() {
				return ip.Unmap().String()
			}
		}
	}
	return ""
}
