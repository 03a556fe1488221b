package login

import (
	"net/http"
	"strings"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"go.uber.org/zap"

	"github.com/caddy-dingtalk/caddy-dingtalk/endpoint"
	"github.com/caddy-dingtalk/caddy-dingtalk/visit"
)

// accessModule has the name of Caddy's access log, so that what is logged by it goes where
// the configuration sends access logs.
type accessModule struct{}

// CaddyModule returns no module that anybody could load: only its name counts.
func (accessModule) CaddyModule() caddy.ModuleInfo { return caddy.ModuleInfo{ID: "http.log.access"} }

// unlogged keeps codes and states out of the access log. Caddy has copied the request, with
// its query, before we see it: so its line is skipped, and the same one written without.
func (s *Server) unlogged(answer endpoint.Answer) endpoint.Answer {
	return func(w http.ResponseWriter, r *http.Request, v *visit.Visit) error {
		server, _ := r.Context().Value(caddyhttp.ServerCtxKey).(*caddyhttp.Server)
		skipped, _ := caddyhttp.GetVar(r.Context(), caddyhttp.LogSkipVar).(bool)
		if server == nil || server.Logs == nil || skipped {
			_ = answer(w, r, v) // an error would be logged with the query: it is only that somebody has gone
			return nil
		}
		caddyhttp.SetVar(r.Context(), caddyhttp.LogSkipVar, true)
		begin := time.Now()
		logged := r.Clone(r.Context())
		logged.RequestURI, _, _ = strings.Cut(v.Target, "?")
		logged.Header.Del("Referer") // that of a callback may be the page with the code
		recorder := caddyhttp.NewResponseRecorder(w, nil, nil)
		_ = answer(recorder, r, v)
		s.logAccess(server, v.Host(), logged, recorder, begin)
		return nil
	}
}

func (s *Server) logAccess(server *caddyhttp.Server, host string, r *http.Request, w caddyhttp.ResponseRecorder, begin time.Time) {
	names, skip := accessLoggers(server.Logs, host)
	if skip {
		return
	}
	header := w.Header().Clone()
	if to, _, cut := strings.Cut(header.Get("Location"), "?"); cut {
		header.Set("Location", to)
	}
	userID := ""
	if repl, ok := r.Context().Value(caddy.ReplacerCtxKey).(*caddy.Replacer); ok {
		userID, _ = repl.GetString("http.auth.user.id")
	}
	for _, name := range names {
		log := s.access
		if name != "" {
			log = log.Named(name)
		}
		log.Info("handled request",
			zap.Object("request", caddyhttp.LoggableHTTPRequest{Request: r, ShouldLogCredentials: server.Logs.ShouldLogCredentials}),
			zap.Int("bytes_read", int(max(r.ContentLength, 0))),
			zap.String("user_id", userID),
			zap.Duration("duration", time.Since(begin)),
			zap.Int("size", w.Size()),
			zap.Int("status", w.Status()),
			zap.Object("resp_headers", caddyhttp.LoggableHTTPHeader{Header: header, ShouldLogCredentials: server.Logs.ShouldLogCredentials}),
		)
	}
}

// accessLoggers returns the names of the access logs of a host, as caddyhttp finds them.
func accessLoggers(logs *caddyhttp.ServerLogConfig, host string) (names []string, skip bool) {
	if name, _, found := strings.Cut(host, ":"); found && !strings.HasPrefix(host, "[") {
		host = name
	}
	host = strings.ToLower(host)
	candidates := []string{host}
	labels := strings.Split(host, ".")
	for i := range labels {
		labels[i] = "*"
		candidates = append(candidates, strings.Join(labels, "."))
	}
	for _, candidate := range candidates {
		for _, skipped := range logs.SkipHosts {
			if strings.EqualFold(skipped, candidate) {
				return nil, true
			}
		}
		if names, ok := logs.LoggerNames[candidate]; ok {
			return names, false
		}
	}
	if logs.SkipUnmappedHosts {
		return nil, true
	}
	return []string{logs.DefaultLoggerName}, false
}
