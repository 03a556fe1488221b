package login

import (
	"net/http"

	"github.com/caddy-dingtalk/caddy-dingtalk/doctor"
)

// Language of what users read.
type Language int

// The languages.
const (
	Chinese Language = iota
	English
)

// statuses are the HTTP statuses of all codes that an endpoint may answer.
var statuses = map[Code]int{
	CodeNotSignedIn:     http.StatusUnauthorized,
	CodeNotAllowed:      http.StatusForbidden,
	CodeOriginUnknown:   http.StatusServiceUnavailable,
	CodeTenantUnknown:   http.StatusForbidden,
	CodeTenantAmbiguous: http.StatusForbidden,
	CodeCrossOrigin:     http.StatusForbidden,
	CodeBadCode:         http.StatusBadRequest,
	CodeBadState:        http.StatusBadRequest,
	CodeRefused:         http.StatusUnauthorized,
	CodeMediaType:       http.StatusUnsupportedMediaType,
	CodeTooLarge:        http.StatusRequestEntityTooLarge,
	CodeMethod:          http.StatusMethodNotAllowed,
	CodeNotFound:        http.StatusNotFound,
	CodeTooMany:         http.StatusTooManyRequests,
	CodeBusy:            http.StatusServiceUnavailable,
	CodeInvalid:         http.StatusUnauthorized,
	CodeNotVisible:      http.StatusForbidden,
	CodePermission:      http.StatusBadGateway,
	CodeIP:              http.StatusBadGateway,
	CodeCredentials:     http.StatusBadGateway,
	CodeRateLimited:     http.StatusServiceUnavailable,
	CodeQuota:           http.StatusBadGateway,
	CodeUnavailable:     http.StatusServiceUnavailable,
	CodeDingTalk:        http.StatusBadGateway,
	CodeWrongCorp:       http.StatusForbidden,
	CodeNotMember:       http.StatusForbidden,
}

// Advice says what to do about a code.
func Advice(code Code, language Language) string {
	return in(language, doctor.SignInAdvice(string(code)))
}

func in(language Language, text doctor.Text) string {
	if language == English {
		return text.EN
	}
	return text.ZH
}
