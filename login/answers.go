package login

import (
	"context"
	"encoding/json"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/caddy-dingtalk/caddy-dingtalk/doctor"
	"github.com/caddy-dingtalk/caddy-dingtalk/endpoint"
	"github.com/caddy-dingtalk/caddy-dingtalk/visit"
)

// callNames are the endpoints whose calls are for one tenant.
var callNames = []string{"login", "callback", "user", "logout", "jwks"}

// answer returns that of an endpoint, nil where there is none.
func (s *Server) answer(name string) endpoint.Answer {
	switch {
	case name == "login":
		return s.unlogged(s.serveLogin)
	case name == "callback" && s.app.OAuth:
		return s.unlogged(s.serveCallback)
	case name == "user":
		return s.own(s.serveUser, http.MethodGet, http.MethodHead)
	case name == "logout":
		return s.own(s.serveLogout, http.MethodPost)
	case name == "jwks" && s.issuer != nil:
		return s.own(s.serveJWKS, http.MethodGet, http.MethodHead)
	}
	return nil
}

// files are the scripts of the pages, by their names, which change with their content.
func (s *service) files() map[string]endpoint.Answer {
	files := make(map[string]endpoint.Answer)
	file := func(name, source string) {
		files[name] = func(w http.ResponseWriter, r *http.Request, _ *visit.Visit) error {
			endpoint.ServeFile(w, r, source, endpoint.Kept)
			return nil
		}
	}
	file(s.scriptName, s.script)
	file(s.renderer().File())
	return files
}

// own lets pages of the site itself, and no page at all, make a call by those methods; a
// POST must come from a page of the site.
func (s *Server) own(answer endpoint.Answer, methods ...string) endpoint.Answer {
	return func(w http.ResponseWriter, r *http.Request, v *visit.Visit) error {
		s.begin()
		w.Header().Add("Vary", "Origin")
		caller := v.Caller()
		if !caller.Own || r.Method == http.MethodPost && !v.SameOrigin() {
			return s.writeError(w, r, &Error{Code: CodeCrossOrigin})
		}
		if !slices.Contains(methods, r.Method) {
			w.Header().Set("Allow", strings.Join(methods, ", "))
			return s.writeError(w, r, &Error{Code: CodeMethod})
		}
		return answer(w, r, v)
	}
}

// log tells of this tenant's users.
func (s *Server) log() audit { return s.audit.of(strings.TrimSuffix(s.scope, scopeEnd)) }

// writeError answers `{"error":{"code":"…","message":"…"}}`, in the language that the caller
// reads.
func (s *Server) writeError(w http.ResponseWriter, r *http.Request, e *Error) error {
	var body struct {
		Error struct {
			Code    Code   `json:"code"`
			Message string `json:"message"`
			Login   string `json:"login,omitempty"`
		} `json:"error"`
	}
	body.Error.Code, body.Error.Message = e.Code, Advice(e.Code, doctor.Accepted(r.Header.Get("Accept-Language"), doctor.English))
	header := w.Header()
	if e.Code == CodeNotSignedIn {
		body.Error.Login = s.endpoint + "/login"
		header.Set("WWW-Authenticate", "DingTalk")
	}
	header.Set("Content-Type", "application/json")
	header.Set("Cache-Control", "no-store")
	header.Set("X-Content-Type-Options", "nosniff")
	retryAfter(header, e)
	w.WriteHeader(e.Status())
	if r.Method == http.MethodHead {
		return nil
	}
	return json.NewEncoder(w).Encode(body)
}

func retryAfter(header http.Header, e *Error) {
	if e.RetryAfter > 0 {
		header.Set("Retry-After", strconv.Itoa(int((e.RetryAfter+time.Second-1)/time.Second)))
	}
}

// writeErrorPage answers a navigation.
func (s *Server) writeErrorPage(w http.ResponseWriter, r *http.Request, e *Error, next string) error {
	retryAfter(w.Header(), e)
	return Page{State: StateError, Code: e.Code, Next: next, Language: pageLanguage(r.Header)}.Write(w, r, e.Status(), s.app, s.scriptName)
}

// serveLogin takes a code, or begins OAuth2.
func (s *Server) serveLogin(w http.ResponseWriter, r *http.Request, v *visit.Visit) error {
	if r.Method == http.MethodGet {
		return s.serveAuthorize(w, r, v)
	}
	methods := []string{http.MethodPost}
	if s.app.OAuth {
		methods = []string{http.MethodGet, http.MethodPost}
	}
	return s.own(s.serveCode, methods...)(w, r, v)
}

// serveCode signs in with a code of requestAuthCode.
func (s *Server) serveCode(w http.ResponseWriter, r *http.Request, v *visit.Visit) error {
	code, framed, refused := readCode(w, r)
	if refused != nil {
		return s.writeError(w, r, refused)
	}
	site, unknown := v.Site()
	if unknown != nil {
		return s.writeError(w, r, &Error{Code: CodeOriginUnknown})
	}
	u, failure := s.attempt(r.Context(), v, s.signIn.Way(), func() (User, error) { return s.signIn.ByCode(r.Context(), code) })
	if failure != nil {
		return s.writeError(w, r, failure)
	}
	session, failure := s.start(w.Header(), r.Header, u, site.Scheme == "https", framed, s.signIn.Way(), v.ClientIP())
	if failure != nil {
		return s.writeError(w, r, failure)
	}
	return writeUser(w, session)
}

// attempt lets a client try to sign in, unless it has sent too many invalid codes.
func (s *Server) attempt(ctx context.Context, v *visit.Visit, way Way, signIn func() (User, error)) (u User, failure *Error) {
	clientIP := v.ClientIP()
	ip, _ := netip.ParseAddr(clientIP)
	failure = s.attempts.try(ctx, ip, func() *Error {
		var err error
		if u, err = signIn(); err != nil {
			return Refusal(err)
		}
		return nil
	})
	if failure != nil {
		s.log().failed(way, failure, clientIP)
	}
	return u, failure
}

// start begins a session. Whatever cookie the browser had is replaced.
func (s *Server) start(header, request http.Header, u User, secure, framed bool, way Way, clientIP string) (*Session, *Error) {
	now := time.Now()
	session := NewSession(u, s.fleet.After(s.scope, u.Subject(), s.since, now), s.life)
	session.Framed = framed && secure
	if err := s.setSession(header, session, secure, now); err != nil {
		failure := &Error{Code: CodeDingTalk, Err: err}
		s.log().failed(way, failure, clientIP)
		return nil, failure
	}
	if Read(request, s.cookies.outName(secure)) != "" {
		gone := s.cookies.base(s.cookies.outName(secure), "", secure)
		gone.MaxAge = -1
		header.Add("Set-Cookie", gone.String())
	}
	s.log().signedIn(way, &u, clientIP)
	return session, nil
}

func writeUser(w http.ResponseWriter, session *Session) error {
	w.Header().Set("Content-Type", "application/json")
	_, err := w.Write(session.User.AppendJSON(nil, session.Expires()))
	return err
}

// serveAuthorize sends the browser to DingTalk's OAuth2 page.
func (s *Server) serveAuthorize(w http.ResponseWriter, r *http.Request, v *visit.Visit) error {
	s.begin()
	if !s.app.OAuth {
		return s.writeError(w, r, &Error{Code: CodeNotFound})
	}
	if !isDocument(r) {
		return s.writeError(w, r, &Error{Code: CodeNotSignedIn})
	}
	site, unknown := v.Site()
	if unknown != nil {
		return s.writeErrorPage(w, r, &Error{Code: CodeOriginUnknown}, "")
	}
	to := SafeTo(one(queryOf(v), "to"), s.endpoint)
	a := s.keys.begin(r.Header, w.Header(), s.cookies, to, site.Scheme == "https", time.Now())
	w.Header().Set("Location", strings.TrimRight(s.loginBase, "/")+"/oauth2/auth?client_id="+url.QueryEscape(s.appKey)+
		"&redirect_uri="+url.QueryEscape(site.String()+s.endpoint+"/callback")+
		"&response_type=code&scope=openid%20corpid&state="+a.State+"&prompt=consent&corpId="+url.QueryEscape(s.app.CorpID))
	w.WriteHeader(http.StatusFound)
	return nil
}

// serveCallback takes DingTalk's answer.
func (s *Server) serveCallback(w http.ResponseWriter, r *http.Request, v *visit.Visit) error {
	s.begin()
	if r.Method != http.MethodGet {
		w.Header().Set("Allow", http.MethodGet)
		return s.writeError(w, r, &Error{Code: CodeMethod})
	}
	if !isDocument(r) {
		return s.writeError(w, r, &Error{Code: CodeNotSignedIn})
	}
	site, unknown := v.Site()
	if unknown != nil {
		return s.writeErrorPage(w, r, &Error{Code: CodeOriginUnknown}, "/")
	}
	secure := site.Scheme == "https"
	q := queryOf(v)
	state := one(q, "state")
	to, ok := s.keys.finish(r.Header, w.Header(), s.cookies, state, secure, time.Now())
	if !ok || !s.signIn.used.take(state, time.Now()) {
		failure := &Error{Code: CodeBadState}
		s.log().failed(WayOAuth, failure, v.ClientIP())
		return s.writeErrorPage(w, r, failure, "/")
	}
	code := one(q, "code")
	if code == "" {
		code = one(q, "authCode")
	}
	var failure *Error
	switch {
	case code == "" && len(q["error"]) > 0:
		failure = &Error{Code: CodeRefused}
	case !usable(code):
		failure = &Error{Code: CodeBadCode}
	}
	if failure != nil {
		s.log().failed(WayOAuth, failure, v.ClientIP())
		return s.writeErrorPage(w, r, failure, to)
	}
	u, failure := s.attempt(r.Context(), v, WayOAuth, func() (User, error) { return s.signIn.ByOAuth(r.Context(), code) })
	if failure != nil {
		return s.writeErrorPage(w, r, failure, to)
	}
	if _, failure = s.start(w.Header(), r.Header, u, secure, false, WayOAuth, v.ClientIP()); failure != nil {
		return s.writeErrorPage(w, r, failure, to)
	}
	w.Header().Set("Location", to)
	w.WriteHeader(http.StatusSeeOther)
	return nil
}

// queryOf is the query as the browser sent it; what is malformed is left out.
func queryOf(v *visit.Visit) url.Values {
	_, query, _ := strings.Cut(v.Target, "?")
	values, _ := url.ParseQuery(query)
	return values
}

// one returns the only value of a parameter.
func one(q url.Values, name string) string {
	if values := q[name]; len(values) == 1 {
		return values[0]
	}
	return ""
}

// serveUser tells who is signed in, in body and headers.
func (s *Server) serveUser(w http.ResponseWriter, r *http.Request, v *visit.Visit) error {
	site, unknown := v.Site()
	if unknown != nil {
		return s.writeError(w, r, &Error{Code: CodeNotSignedIn})
	}
	now, secure := time.Now(), site.Scheme == "https"
	session := s.session(r.Header, secure, now)
	if session == nil {
		return s.writeError(w, r, &Error{Code: CodeNotSignedIn})
	}
	if err := s.identify(r, w.Header(), &session.User, site.String()); err != nil {
		return err
	}
	if session.Due(now, s.life) {
		s.reseal(w.Header(), session, secure, now)
	}
	return writeUser(w, session)
}

func (s *Server) serveJWKS(w http.ResponseWriter, _ *http.Request, _ *visit.Visit) error {
	w.Header().Set("Content-Type", "application/jwk-set+json")
	w.Header().Set("Cache-Control", "public, max-age=300")
	_, err := w.Write(s.issuer.Set())
	return err
}
