// Package endpoint is what the handler answers itself, below one path of the
// site: a table of names.
package endpoint

import (
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/caddy-dingtalk/caddy-dingtalk/client"
	"github.com/caddy-dingtalk/caddy-dingtalk/config"
	"github.com/caddy-dingtalk/caddy-dingtalk/doctor"
	"github.com/caddy-dingtalk/caddy-dingtalk/observe"
	"github.com/caddy-dingtalk/caddy-dingtalk/tenant"
	"github.com/caddy-dingtalk/caddy-dingtalk/tenant/suite"
	"github.com/caddy-dingtalk/caddy-dingtalk/visit"
)

// Server answers the requests for the endpoints of one handler.
type Server struct {
	path    string // of all endpoints, absolute
	answers map[string]answer
	doctor  *doctorPage // nil if there is none
	tenants *tenant.Tenants
	notices *observe.Notices
	events  *observe.Emitter
	trials  trials
	suites  suite.Suites // whose pushes come to callback
	signIn  SignIn       // nil without sign-in
}

// answer answers one call. What it writes is the whole answer.
type answer func(http.ResponseWriter, *call)

// call is one request for an endpoint.
type call struct {
	*http.Request
	visit  *visit.Visit
	from   visit.Caller
	tenant tenant.Choice // set by those who need it: see Server.config, report and serveDoctor

	heldBack []string // see doctor.Facts; set by serveDoctor
}

// New returns the server of a configuration that has been validated.
func New(c *config.Config, tenants *tenant.Tenants, notices *observe.Notices, events *observe.Emitter) *Server {
	s := &Server{path: c.Endpoint, tenants: tenants, notices: notices, events: events}
	s.answers = map[string]answer{
		"config":        s.shared(http.MethodGet, mayAsk, s.config),
		"report":        s.shared(http.MethodPost, mayTell, s.report),
		client.FileName: file(client.Source, Kept),
		client.RestName: file(client.Rest, Kept),
	}
	if c.Doctor != nil {
		s.doctor = newDoctorPage(c.Doctor, c.JSAPIURL)
		s.answers[doctorName] = s.serveDoctor
	}
	return s
}

// Answer answers one call of an endpoint that another package has. Its error is one of
// the connection, and nobody's concern.
type Answer func(http.ResponseWriter, *http.Request, *visit.Visit) error

// Add adds endpoints, by their names.
func (s *Server) Add(answers map[string]Answer) {
	for name, answer := range answers {
		s.answers[name] = func(w http.ResponseWriter, c *call) { _ = answer(w, c.Request, c.visit) }
	}
}

// ScriptURL is where the script of a tenant's pages stands as a file of its own, under
// an origin.
func (s *Server) ScriptURL(origin string, t *tenant.Tenant) string {
	name, _ := t.Renderer.File()
	return origin + s.path + "/" + name
}

// NameOf returns the name of the endpoint that a visit is for. What counts is the
// path that the browser asked for: as it was received, or as a trusted proxy says
// it was before the proxy rewrote it.
func (s *Server) NameOf(v *visit.Visit) (name string, ours bool) {
	if name, ours = s.cut(v.Target); ours {
		return name, true
	}
	if s.strays(v.Target) {
		return "", true
	}
	if !v.Restores() {
		return "", false
	}
	target, err := v.OriginalTarget()
	if err != nil {
		return "", false
	}
	return s.cut(target)
}

// cut returns what follows the endpoint's path in a request target, and whether
// the target is one of ours. Percent-encoded spellings of the path are ours too:
// upstream would see the same path.
func (s *Server) cut(target string) (name string, ours bool) {
	path, _, _ := strings.Cut(visit.OriginForm(target), "?")
	if strings.IndexByte(path, '%') >= 0 {
		if plain, err := url.PathUnescape(path); err == nil {
			path = plain
		}
	}
	rest, ok := strings.CutPrefix(path, s.path)
	if !ok || rest != "" && rest[0] != '/' {
		return "", false
	}
	return strings.TrimPrefix(rest, "/"), true
}

// Serve answers a request for the endpoint of that name.
func (s *Server) Serve(w http.ResponseWriter, r *http.Request, v visit.Visit, name string) {
	header := w.Header()
	header.Set("Cache-Control", "no-store")
	header.Set("X-Content-Type-Options", "nosniff")
	awaitBody(w, r)
	s.doctor.hush(r, v.Target)
	answer := s.answers[name]
	if answer == nil {
		answer = otherFile(name)
	}
	if answer != nil {
		answer(w, &call{Request: r, visit: &v, from: v.Caller()})
		return
	}
	s.notFound(w, r)
}

func (s *Server) notFound(w http.ResponseWriter, r *http.Request) {
	writeError(w, r, http.StatusNotFound, codeNotFound, doctor.UnknownEndpoint(s.path, s.names()...))
}

// names are those of the endpoints that a caller may be told of, in order: the calls and the
// script, neither the doctor, which may be hidden, nor the scripts of single tenants.
func (s *Server) names() (calls []string) {
	for name := range s.answers {
		if name != doctorName && (name == client.FileName || !strings.HasSuffix(name, ".js")) {
			calls = append(calls, name)
		}
	}
	slices.Sort(calls)
	return calls
}

// query returns the query of a call as the browser sent it.
func (c *call) query() (url.Values, error) {
	_, query, _ := strings.Cut(c.visit.Target, "?")
	return url.ParseQuery(query)
}
