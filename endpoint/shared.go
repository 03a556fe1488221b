package endpoint

import (
	"net/http"

	"go.uber.org/zap"

	"github.com/caddy-dingtalk/caddy-dingtalk/doctor"
	"github.com/caddy-dingtalk/caddy-dingtalk/signer"
	"github.com/caddy-dingtalk/caddy-dingtalk/visit"
)

// mayAsk reports whether a caller may be answered with a signature.
func mayAsk(c visit.Caller) bool { return c.Own || c.Allowed }

// mayTell reports whether a caller's report is heard. A page whose proxy hides where
// it is must be, or the log would be silent about that very proxy.
func mayTell(c visit.Caller) bool { return mayAsk(c) || c.Hidden }

// shared lets pages of other origins make a call if allow_origin names them
// (CORS), and everybody only by that method.
func (s *Server) shared(method string, may func(visit.Caller) bool, answer answer) answer {
	return func(w http.ResponseWriter, c *call) {
		header := w.Header()
		header.Add("Vary", "Origin")
		if !may(c.from) {
			s.refuseOrigin(w, c)
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
			writeMethodError(w, c.Request, method)
			return
		}
		answer(w, c)
	}
}

// refuseOrigin refuses a page of another web origin. That is said in the log, too: a
// browser that sends no Sec-Fetch-Site, as on plain http, calls so where a proxy hides
// what it shows.
func (s *Server) refuseOrigin(w http.ResponseWriter, c *call) {
	var from, here string
	if c.from.From != (signer.Origin{}) && c.from.Origin != (signer.Origin{}) {
		from, here = c.from.From.String(), c.from.Origin.String()
	}
	why := doctor.CrossOrigin(from, here, from != "" && c.knows(c.from.From))
	if c.Method == http.MethodPost && from != "" && c.Header.Get("Sec-Fetch-Site") == "" {
		s.notices.Once("cross-origin", "a report is refused: "+why.EN, zap.String("advice_zh", why.ZH))
	}
	writeError(w, c.Request, http.StatusForbidden, signer.CodeOriginNotAllowed, why)
}
