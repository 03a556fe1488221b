package endpoint

import (
	"net/http"

	"github.com/caddy-dingtalk/caddy-dingtalk/signer"
)

// shared lets pages of other origins make a call if allow_origin names them
// (CORS), and everybody only by that method.
func (s *Server) shared(method string, answer answer) answer {
	return func(w http.ResponseWriter, c *call) {
		header := w.Header()
		header.Add("Vary", "Origin")
		if !c.from.Own && !c.from.Allowed {
			writeError(w, http.StatusForbidden, signer.CodeOriginNotAllowed,
				"this call comes from another web origin: add the line allow_origin <that origin> to the dingtalk directive if it is yours")
			return
		}
		if c.from.Allowed {
			header.Set("Access-Control-Allow-Origin", c.Header.Get("Origin"))
			if c.Method == http.MethodOptions && c.Header.Get("Access-Control-Request-Method") != "" {
				header.Set("Access-Control-Allow-Methods", method)
				header.Set("Access-Control-Allow-Headers", "Content-Type")
				header.Set("Access-Control-Max-Age", "600")
				w.WriteHeader(http.StatusNoContent)
				return
			}
		}
		if c.Method != method {
			writeMethodError(w, method, "this endpoint takes "+method+" only")
			return
		}
		answer(w, c)
	}
}
