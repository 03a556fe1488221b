package oapi

import (
	"net/netip"
	"regexp"
	"strings"
)

// What a failure tells beside its kind, for whoever words what to do about it.

// Untrusted says that the certificate of the other side is not trusted here.
func (e *Error) Untrusted() bool {
	return e.Kind == Network && e.Err != nil && strings.Contains(e.Err.Error(), "x509:")
}

// Banned says that DingTalk shut this machine's address out for five minutes.
func (e *Error) Banned() bool { return e.Code == codeBanned }

// QuotaUsed says that the organisation's quota of calls is used up, until next
// month or until more is bought.
func (e *Error) QuotaUsed() bool {
	return e.Code == "90020" || strings.Contains(strings.ToLower(e.Code), "apicountlimit")
}

// Address returns this machine's address as DingTalk saw it and names it in a
// refusal such as "访问ip不在白名单之中,request ip=192.0.2.1,appKey(…)"; "" where it does not.
func (e *Error) Address() string {
	if e.Kind != AllowList {
		return ""
	}
	message := e.Message
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

var scope = regexp.MustCompile(`[\[【]([A-Za-z][A-Za-z0-9_.]*)[\]】]`)

// Scope returns the permission that the app lacks, as the console names it, from a
// refusal such as "应用尚未开通所需的权限：[qyapi_get_member]，…"; "" where it names none.
func (e *Error) Scope() string {
	if e.Kind != Permission {
		return ""
	}
	if found := scope.FindStringSubmatch(e.Message); found != nil {
		return found[1]
	}
	return ""
}
