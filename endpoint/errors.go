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
func writeSignerError(w http.ResponseWriter, e *signer.Error) {
	writeError(w, statuses[e.Code()], e.Code(), doctor.Refusal(e).EN)
}

// writeError answers `{"error":{"code":"…","message":"…"}}`.
func writeError(w http.ResponseWriter, status int, code, message string) {
	var body struct {
		Error struct {
			Code    string `json:"code"`
			Message string `json:"message"`
		} `json:"error"`
	}
	body.Error.Code, body.Error.Message = code, message
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
func writeMethodError(w http.ResponseWriter, allow, message string) {
	w.Header().Set("Allow", allow)
	writeError(w, http.StatusMethodNotAllowed, codeMethod, message)
}
