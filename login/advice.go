package login

import (
	"net/http"

	"github.com/caddy-dingtalk/caddy-dingtalk/doctor"
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
func Advice(code Code, language doctor.Language) string {
	return doctor.SignInAdvice(string(code)).In(language)
}

// pageLanguage is that of a page: like the doctor's it is Chinese where the browser asks for
// neither language. What programs read is English then, as it is at every endpoint.
func pageLanguage(header http.Header) doctor.Language {
	return doctor.Accepted(header.Get("Accept-Language"), doctor.Chinese)
}
