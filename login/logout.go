package login

import (
	"context"
	"encoding/hex"
	"net/http"
	"strings"
	"time"

	"go.uber.org/zap"

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
		return Page{State: StateSignedOut, Next: "/", Language: LanguageOf(r.Header)}.Write(w, r, http.StatusOK, s.app, s.scriptName)
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
		revocation = Revocation{User: session.User.Subject(), Before: max(now.UnixMilli(), session.Issued), Until: s.lastEnd(now)}
	}
	s.audit.signedOut(&session.User, everywhere, clientIP)
	s.revoke(ctx, revocation)
}

// lastEnd is when the last of the sessions of now is over.
func (s *Server) lastEnd(now time.Time) int64 { return now.Add(s.life.Absolute + skew).UnixMilli() }

// Revoke ends the sessions of a user, or of all.
func (s *Server) Revoke(ctx context.Context, user string) {
	now := time.Now()
	s.begin()
	s.audit.revoked(user)
	s.revoke(ctx, Revocation{User: user, Before: now.UnixMilli(), Until: s.lastEnd(now)})
}

func (s *Server) revoke(ctx context.Context, r Revocation) {
	if err := s.fleet.Revoke(ctx, r); err != nil {
		s.audit.log.Error("a revocation holds in this process, and for the fleet as soon as the storage takes it: "+
			"check the storage and this machine's access to it", zap.Error(err))
	}
}
