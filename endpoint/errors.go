package endpoint

import (
	"encoding/json"
	"net/http"

	"github.com/caddy-dingtalk/caddy-dingtalk/doctor"
	"github.com/caddy-dingtalk/caddy-dingtalk/observe"
	"github.com/caddy-dingtalk/caddy-dingtalk/signer"
	"github.com/caddy-dingtalk/caddy-dingtalk/tenant"
)

// The codes of errors. Those of URLs and origins are the signer's.
const (
	codeNoTicket  = observe.CodeNoTicket
	codeNotFound  = "not_found"
	codeMethod    = "method_not_allowed"
	codeTooLarge  = "too_large"
	codeBadReport = "bad_report"
)

// statuses are the HTTP statuses of the signer's codes.
var statuses = map[string]int{
	signer.CodeBadURL:           http.StatusBadRequest,
	signer.CodeOriginUnknown:    http.StatusForbidden,
	signer.CodeOriginNotAllowed: http.StatusForbidden,
}

// writeSignerError answers why a URL is not signed.
func writeSignerError(w http.ResponseWriter, r *http.Request, e *signer.Error) {
	writeError(w, r, statuses[e.Code()], e.Code(), doctor.Refusal(e))
}

// tenantStatuses are the HTTP statuses of why a call is for no tenant.
var tenantStatuses = map[tenant.Reason]int{
	tenant.Unknown:     http.StatusForbidden,
	tenant.Ambiguous:   http.StatusBadRequest,
	tenant.Conflict:    http.StatusBadRequest,
	tenant.Unavailable: http.StatusServiceUnavailable,
}

// writeTenantError answers why a call is for no tenant.
func writeTenantError(w http.ResponseWriter, r *http.Request, e *tenant.Error) {
	if e.Reason == tenant.Unavailable {
		w.Header().Set("Retry-After", "1")
	}
	writeError(w, r, tenantStatuses[e.Reason], e.Code(), e.Message())
}

// writeError answers `{"error":{"code":"…","message":"…"}}`, in the language that the
// caller reads. Nobody keeps the answer, so that no Vary is needed.
func writeError(w http.ResponseWriter, r *http.Request, status int, code string, message doctor.Text) {
	var body struct {
		Error struct {
			Code    string `json:"code"`
			Message string `json:"message"`
		} `json:"error"`
	}
	body.Error.Code, body.Error.Message = code, message.In(doctor.Accepted(r.Header.Get("Accept-Language"), doctor.English))
	writeJSON(w, status, body)
}

// writeJSON answers a value that JSON can show. That the client has gone by then is
// nobody's concern: Caddy would log the request with its URL as an error.
func writeJSON(w http.ResponseWriter, status int, value any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(value)
}

// writeMethodError answers that an endpoint takes these methods only.
func writeMethodError(w http.ResponseWriter, r *http.Request, allow string) {
	w.Header().Set("Allow", allow)
	writeError(w, r, http.StatusMethodNotAllowed, codeMethod, doctor.OtherMethods(allow))
}
