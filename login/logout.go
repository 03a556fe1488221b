package login

import (
	"context"
	"encoding/hex"
	"net/http"
	"strings"
	"time"

	"github.com/caddy-dingtalk/caddy-dingtalk/visit"
)

// serveLogout ends the session of a browser, or with `?everywhere` all of its user.
func (s *Server) serveLogout(w http.ResponseWriter, r *http.Request, v *visit.Visit) error {
	site, _ := v.Site()
	secure := site.Scheme == "https"
	if session := s.session(r.Header, secure, time.Now()); session != nil {
		s.logOut(r.Context(), session, everywhere(v), v.ClientIP())
	}
	s.cookies.Clear(w.Header(), secure)
	w.Header().Add("Set-Cookie", s.cookies.base(s.cookies.outName(secure), "1", secure).String())
	if isDocument(r) {
		return Page{State: StateSignedOut, Next: "/", Language: pageLanguage(r.Header)}.Write(w, r, http.StatusOK, s.app, s.scriptName)
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

func everywhere(v *visit.Visit) bool {
	_, query, _ := strings.Cut(v.Target, "?")
	for pair := range strings.SplitSeq(query, "&") {
		if name, _, _ := strings.Cut(pair, "="); name == "everywhere" {
			return true
		}
	}
	return false
}

func (s *Server) logOut(ctx context.Context, session *Session, everywhere bool, clientIP string) {
	now := time.Now()
	revocation := Revocation{Session: hex.EncodeToString(session.ID[:]), Before: now.UnixMilli(), Until: session.Until}
	if everywhere {
		// A session of this very millisecond, or of a clock ahead, is one of the user's, too.
		revocation = Revocation{User: s.scope + session.User.Subject(), Before: max(now.UnixMilli(), session.Issued), Until: s.lastEnd(now)}
	}
	s.log().signedOut(&session.User, everywhere, clientIP)
	s.revoke(ctx, revocation)
}
