package endpoint

import (
	"encoding/json"
	"net/http"

	"github.com/caddy-dingtalk/caddy-dingtalk/doctor"
	"github.com/caddy-dingtalk/caddy-dingtalk/observe"
	"github.com/caddy-dingtalk/caddy-dingtalk/signer"
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
func writeSignerError(w http.ResponseWriter, e *signer.Error) error {
	return writeError(w, statuses[e.Code()], e.Code(), doctor.Refusal(e).EN)
}

// writeError answers `{"error":{"code":"…","message":"…"}}`.
func writeError(w http.ResponseWriter, status int, code, message string) error {
	var body struct {
		Error struct {
			Code    string `json:"code"`
			Message string `json:"message"`
		} `json:"error"`
	}
	body.Error.Code, body.Error.Message = code, message
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	return json.NewEncoder(w).Encode(body)
}

// writeMethodError answers that an endpoint takes these methods only.
func writeMethodError(w http.ResponseWriter, allow, message string) error {
	w.Header().Set("Allow", allow)
	return writeError(w, http.StatusMethodNotAllowed, codeMethod, message)
}
