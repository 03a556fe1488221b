package login

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/caddy-dingtalk/caddy-dingtalk/oapi"
)

// Code says in our words why somebody is not, or may not be, signed in. Endpoints, pages,
// logs and metrics all use it.
type Code string

// The codes of answers.
const (
	CodeNotSignedIn   Code = "not_signed_in"
	CodeNotAllowed    Code = "not_allowed"
	CodeOriginUnknown Code = "origin_unknown"

	CodeTenantUnknown   Code = "tenant_unknown"
	CodeTenantAmbiguous Code = "tenant_ambiguous"

	CodeCrossOrigin Code = "cross_origin"
	CodeBadCode     Code = "bad_code"
	CodeBadState    Code = "bad_state"
	CodeRefused     Code = "refused"
	CodeMediaType   Code = "unsupported_media_type"
	CodeTooLarge    Code = "too_large"
	CodeMethod      Code = "method_not_allowed"
	CodeNotFound    Code = "not_found"
	CodeTooMany     Code = "too_many_attempts"
	CodeBusy        Code = "busy"

	CodeInvalid     Code = "code_invalid"
	CodeNotVisible  Code = "not_visible"
	CodePermission  Code = "no_permission"
	CodeIP          Code = "ip_not_allowed"
	CodeCredentials Code = "bad_credentials"
	CodeRateLimited Code = "rate_limited"
	CodeQuota       Code = "quota_exhausted"
	CodeUnavailable Code = "dingtalk_unavailable"
	CodeDingTalk    Code = "dingtalk_error"
	CodeWrongCorp   Code = "wrong_corp"
	CodeNotMember   Code = "not_a_member"
)

// Error is why a sign-in failed. Its text is for logs: DingTalk's words, redacted. What
// the browser gets is the code and the advice on it.
type Error struct {
	Code       Code
	RetryAfter time.Duration // 0: none
	Err        error         // what DingTalk or the network said; nil where it is our own verdict
}

func (e *Error) Error() string {
	if e.Err == nil {
		return string(e.Code)
	}
	return fmt.Sprintf("%s: %s", e.Code, e.Err)
}

func (e *Error) Unwrap() error { return e.Err }

// Status is the HTTP status that the code is answered with.
func (e *Error) Status() int { return StatusOf(e.Code) }

// DingTalk is the code that DingTalk itself gave, "" where it gave none.
func (e *Error) DingTalk() string {
	var refusal *oapi.Error
	if errors.As(e.Err, &refusal) {
		return refusal.Code
	}
	return ""
}

// StatusOf is the HTTP status for a code.
func StatusOf(code Code) int {
	if status, ok := statuses[code]; ok {
		return status
	}
	return http.StatusInternalServerError
}

// retries are the waits that DingTalk's refusals ask for.
const (
	retryUnavailable = 3 * time.Second
	retryRate        = 5 * time.Second
	retryBanned      = 5 * time.Minute
	retryBusy        = 2 * time.Second
)

// ofNumber are our codes for DingTalk's (page server-api-error-codes-1).
var ofNumber = map[string]Code{
	"40078": CodeInvalid,
	"41026": CodeInvalid,
	"40029": CodeInvalid,
	"50002": CodeNotVisible,
	"60011": CodePermission,
	"40079": CodePermission,
	"43007": CodePermission,
	"60020": CodeIP,
	"40089": CodeCredentials,
	"40096": CodeCredentials,
	"40001": CodeCredentials,
	"40014": CodeCredentials,
	"42001": CodeCredentials,
	"33001": CodeCredentials,
	"45009": CodeRateLimited,
	"90002": CodeRateLimited,
	"90018": CodeRateLimited,
	"1111":  CodeRateLimited,
	"90020": CodeQuota,
	"-1":    CodeUnavailable,
	"60121": CodeNotMember,
	"33012": CodeNotMember,
}

// ofText are our codes for what DingTalk's text codes contain, in lower case.
var ofText = []struct {
	part string
	code Code
}{
	{"authcode.notfound", CodeInvalid},
	{"permissiondenied", CodePermission},
	{"ipnotinwhitelist", CodeIP},
	{"invalidclientidorsecret", CodeCredentials},
	{"invalid.client", CodeCredentials},
	{"qpslimit", CodeRateLimited},
	{"qpmlimit", CodeRateLimited},
	{"apicountlimit", CodeQuota},
	{"systembusy", CodeUnavailable},
}

// Refusal is our error for one of a call to DingTalk.
func Refusal(err error) *Error {
	var own *Error
	if errors.As(err, &own) {
		return own
	}
	var theirs *oapi.Error
	if !errors.As(err, &theirs) {
		return &Error{Code: CodeUnavailable, RetryAfter: retryUnavailable, Err: err}
	}
	e := &Error{Code: codeOf(theirs), Err: err}
	switch e.Code {
	case CodeUnavailable:
		e.RetryAfter = retryUnavailable
	case CodeRateLimited:
		e.RetryAfter = retryRate
		if theirs.Code == "1111" {
			e.RetryAfter = retryBanned
		}
	}
	return e
}

func codeOf(theirs *oapi.Error) Code {
	if code, ok := ofNumber[theirs.Code]; ok {
		return code
	}
	lower := strings.ToLower(theirs.Code)
	for _, row := range ofText {
		if strings.Contains(lower, row.part) {
			return row.code
		}
	}
	if strings.HasPrefix(lower, "qps") {
		return CodeRateLimited
	}
	switch theirs.Kind {
	case oapi.Network, oapi.Timeout, oapi.Busy:
		return CodeUnavailable
	case oapi.RateLimit:
		return CodeRateLimited
	case oapi.Permission:
		return CodePermission
	case oapi.Credentials, oapi.Token:
		return CodeCredentials
	case oapi.NotAuthorized:
		return CodeTenantUnknown
	}
	return CodeDingTalk
}

// Is tells whether an error is DingTalk's refusal with one of those codes.
func refusedWith(err error, code Code) bool {
	var theirs *oapi.Error
	return errors.As(err, &theirs) && codeOf(theirs) == code
}
