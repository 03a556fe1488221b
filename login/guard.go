package login

import (
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"go.uber.org/zap"

	"github.com/caddy-dingtalk/caddy-dingtalk/doctor"
	"github.com/caddy-dingtalk/caddy-dingtalk/inject"
	"github.com/caddy-dingtalk/caddy-dingtalk/observe"
	"github.com/caddy-dingtalk/caddy-dingtalk/visit"
)

// guard is Guard for a visit of this tenant.
func (s *Server) guard(w http.ResponseWriter, r *http.Request, v *visit.Visit) (out http.ResponseWriter, user string, pass bool, err error) {
	s.begin()
	document := isDocument(r)
	site, unknown := v.Site()
	if v.Target == "" && Read(r.Header, s.cookies.Name(true)) != "" {
		site.Scheme = "https" // the request for a part of a page does not say so, but has its cookies
	}
	var session *Session
	now := time.Now()
	before := s.admitted(r, now)
	if before != nil {
		session, site, unknown = before.session, before.site, nil
	} else if unknown == nil {
		session = s.session(r.Header, site.Scheme == "https", now)
	}
	secure := site.Scheme == "https"
	signedOut := Read(r.Header, s.cookies.outName(secure)) != ""
	s.clean(r)

	demand, err := s.rules.For(r, v.Target)
	switch {
	case err != nil:
		return nil, "", false, failed(w, err)
	case (demand.public() || v.Pushed) && session == nil: // DingTalk has no session
		observe.CountLoginRequest(observe.LoginPublic)
		return w, "", true, nil
	case demand.public():
	case unknown != nil:
		s.notices.Once("login "+unknown.Code(), "nobody can sign in here: "+doctor.Refusal(unknown).EN, zap.String("host", v.Host()))
		observe.CountLoginRequest(observe.LoginOriginUnknown)
		return nil, "", false, s.refuse(w, r, document, Page{State: StateError, Code: CodeOriginUnknown})
	case session == nil || !demand.answered(session):
		observe.CountLoginRequest(observe.LoginMissing)
		return nil, "", false, s.refuse(w, r, document, askPage(signedOut))
	case demand.refusing(&session.User) != nil:
		s.notAllowed(session, demand.refusing(&session.User).line, v.ClientIP())
		return nil, "", false, s.refuse(w, r, document, Page{State: StateForbidden, Code: CodeNotAllowed})
	}
	observe.CountLoginRequest(observe.LoginSignedIn)
	if err := s.identify(r, r.Header, &session.User, site.String()); err != nil {
		return nil, "", false, failed(w, err)
	}
	s.admit(r, before, session, site)
	if before != nil {
		unmark(w.Header())
	}
	return &response{
		ResponseWriterWrapper: caddyhttp.ResponseWriterWrapper{ResponseWriter: w},
		server:                s, session: session, secure: secure, protected: !demand.public(), mayHold: document || isScript(r),
	}, session.User.Subject(), true, nil
}

// notAllowed tells that a user may not see what a line is for. The log is told once a
// session and line: whoever comes again and again does not fill it.
func (s *Server) notAllowed(session *Session, line int, clientIP string) {
	observe.CountLoginRequest(observe.LoginNotAllowed)
	if s.forbidden.take(string(session.ID[:])+strconv.Itoa(line), time.Now()) {
		s.log().notAllowed(&session.User, line, clientIP)
	}
}

// failed is an error of ours; nobody is to keep the page that Caddy makes of it.
func failed(w http.ResponseWriter, err error) error {
	w.Header().Set("Cache-Control", "no-store")
	return caddyhttp.Error(http.StatusInternalServerError, err)
}

// clean takes out of a request whatever could pass for an identity, or a session at another
// tenant.
func (s *Server) clean(r *http.Request) {
	Clean(r, s.cookies)
	for _, c := range s.siblings {
		c.Strip(r.Header)
	}
}

// session returns the session of a request, nil if there is none.
func (s *Server) session(header http.Header, secure bool, now time.Time) *Session {
	value := Read(header, s.cookies.Name(secure))
	if value == "" {
		return nil
	}
	session := s.keys.Open(value)
	if session == nil {
		return nil
	}
	if ahead := session.ahead(now); ahead > skew {
		why := doctor.SessionAhead(ahead)
		s.notices.Once("login clock", why.EN, zap.String("advice_zh", why.ZH))
		return nil
	}
	if !session.lives(now, s.life) || s.ended(session) {
		return nil
	}
	return session
}

// ended tells whether a session was ended before its time: by a revocation, or with the
// authorisation of its corp.
func (s *Server) ended(session *Session) bool {
	return session.Issued <= s.since || s.fleet.Revoked(session, s.scope)
}

// identify tells the upstream, or whoever reads header, who asks.
func (s *Server) identify(r *http.Request, header http.Header, u *User, site string) error {
	u.SetHeaders(header)
	if s.issuer != nil {
		token, err := s.issuer.Sign(u, site+s.endpoint, time.Now())
		if err != nil {
			return err
		}
		header[headerJWT] = []string{token}
	}
	if repl, ok := r.Context().Value(caddy.ReplacerCtxKey).(*caddy.Replacer); ok {
		u.Placeholders(repl.Set)
	}
	return nil
}

// askPage is the page of somebody without a session: who has just signed out is not signed
// in again unasked.
func askPage(signedOut bool) Page {
	if signedOut {
		return Page{State: StateSignedOut}
	}
	return Page{State: StateAsking}
}

// refuse answers a document with a page and everything else with JSON.
func (s *Server) refuse(w http.ResponseWriter, r *http.Request, document bool, p Page) error {
	code := p.Code
	if p.State == StateAsking || p.State == StateSignedOut {
		code = CodeNotSignedIn
	}
	status := StatusOf(code)
	if status == http.StatusUnauthorized {
		w.Header().Set("WWW-Authenticate", "DingTalk")
	}
	p.Language = pageLanguage(r.Header)
	if !document {
		return s.writeError(w, r, &Error{Code: code})
	}
	p.Posted = r.Method != http.MethodGet && r.Method != http.MethodHead
	return p.Write(w, r, status, s.app, s.scriptName)
}

// isDocument tells whether a document is asked for, or the head of one.
func isDocument(r *http.Request) bool {
	ask := inject.AskOf(r)
	return ask == inject.AskPage || ask == inject.AskHead
}

// isScript tells whether a script fetches, as far as the browser says. Images and the like
// can be kept by caches in between without anybody's will.
func isScript(r *http.Request) bool {
	if dest := r.Header["Sec-Fetch-Dest"]; len(dest) > 0 {
		return dest[0] == "empty"
	}
	return !strings.HasPrefix(r.Header.Get("Accept"), "image/")
}

// isShared tells whether caches for many may keep a response because it says so (RFC 9111
// section 3). Where it says nothing we do.
func isShared(header http.Header) bool {
	lines := header["Cache-Control"]
	if len(lines) == 0 {
		return false
	}
	dated, own := len(header["Expires"]) > 0, false
	for directive := range strings.SplitSeq(strings.ToLower(strings.Join(lines, ",")), ",") {
		name, value, _ := strings.Cut(strings.TrimSpace(directive), "=")
		switch name {
		case "public", "s-maxage":
			return true
		case "private", "no-store", "no-cache":
			own = true
		case "max-age":
			dated = strings.Trim(value, `"0`) != ""
		}
	}
	return dated && !own
}

// reseal lets a session go on from now.
func (s *Server) reseal(header http.Header, session *Session, secure bool, now time.Time) {
	again := *session
	again.Seen = max(now.UnixMilli(), again.Seen)
	_ = s.setSession(header, &again, secure, now) // it did fit before
}

func (s *Server) setSession(header http.Header, session *Session, secure bool, now time.Time) error {
	value, err := s.keys.Seal(session)
	if err != nil {
		return err
	}
	header.Add("Set-Cookie", s.cookies.session(value, secure, session.Framed, time.UnixMilli(session.Until).Sub(now)).String())
	return nil
}

// response is the answer to a user: its header is changed just before it goes out. What
// names the user, in its bytes or in a cookie, is for no cache but the user's own.
type response struct {
	caddyhttp.ResponseWriterWrapper
	server    *Server
	session   *Session
	secure    bool
	protected bool // nobody else gets this answer
	mayHold   bool // a cookie
	sent      bool
}

func (w *response) WriteHeader(status int) {
	if status >= 200 { // neither an informational one nor an upgrade
		w.send()
	}
	w.ResponseWriterWrapper.WriteHeader(status)
}

func (w *response) send() {
	if w.sent {
		return
	}
	w.sent = true
	header := w.Header()
	w.mark(header)
	if w.mayHold && !isShared(header) {
		if now := time.Now(); w.session.Due(now, w.server.life) {
			w.server.reseal(header, w.session, w.secure, now)
		}
	}
}

// leave is called when the request has been served. Where nothing was sent, what Caddy or
// handle_errors make of that is an answer to the user, too.
func (w *response) leave() {
	if !w.sent {
		w.mark(w.Header())
	}
}

// private is what a response says that does not say itself who may keep it.
const private = "private"

// mark keeps what may name the user out of shared caches. Images, styles and the like of
// public paths are no such thing, as far as we know.
func (w *response) mark(header http.Header) {
	if len(header["Cache-Control"]) == 0 && (w.protected || w.mayHold) {
		header["Cache-Control"] = []string{private}
	}
}

// unmark takes the mark off again, so that an answer has its own say.
func unmark(header http.Header) {
	if lines := header["Cache-Control"]; len(lines) == 1 && lines[0] == private {
		delete(header, "Cache-Control")
	}
}

func (w *response) Write(p []byte) (int, error) {
	w.send()
	return w.ResponseWriterWrapper.Write(p)
}

// ReadFrom keeps sendfile for what is not changed.
func (w *response) ReadFrom(r io.Reader) (int64, error) {
	w.send()
	return w.ResponseWriterWrapper.ReadFrom(r)
}

// FlushError sends the header, too.
func (w *response) FlushError() error {
	w.send()
	return http.NewResponseController(w.ResponseWriter).Flush()
}

// Unwrap leads to the writer below, for upgrades and deadlines.
func (w *response) Unwrap() http.ResponseWriter { return w.ResponseWriter }
