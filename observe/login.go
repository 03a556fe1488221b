package observe

import (
	"context"
	"fmt"
	"net/http"
	"sync"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyevents"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/caddy-dingtalk/caddy-dingtalk/doctor"
)

// The events of sign-in.
const (
	// EventLogin: somebody signed in. Data: app, way, user_id, name, client_ip; this and
	// the next ones have corp_id, too, for a corp of a third-party app.
	EventLogin = "dingtalk_login"
	// EventLoginFailed: a sign-in was refused. Data: app, way, code, dingtalk (its
	// errcode), advice, client_ip.
	EventLoginFailed = "dingtalk_login_failed"
	// EventRevoked: the sessions of a user, or of all, have been ended. Data: app,
	// user_id ("" is all).
	EventRevoked = "dingtalk_revoked"
)

var (
	loginsTotal = prometheus.NewCounterVec(prometheus.CounterOpts{
		Namespace: "caddy", Subsystem: "dingtalk", Name: "logins_total",
		Help: "Sign-ins by way (code, channel, oauth) and outcome: ok, or the code of the refusal.",
	}, []string{"way", "outcome"})
	loginRequestsTotal = prometheus.NewCounterVec(prometheus.CounterOpts{
		Namespace: "caddy", Subsystem: "dingtalk", Name: "login_requests_total",
		Help: "Requests at sites with sign-in by outcome: signed_in, public, or why they were refused.",
	}, []string{"outcome"})
)

// LoginRequest is what became of a request at a site with sign-in.
type LoginRequest string

// The outcomes of requests.
const (
	LoginSignedIn      LoginRequest = "signed_in"
	LoginPublic        LoginRequest = "public"
	LoginMissing       LoginRequest = "not_signed_in"
	LoginNotAllowed    LoginRequest = "not_allowed"
	LoginOriginUnknown LoginRequest = "origin_unknown"
)

// loginRequests spares each request the look-up of its label.
var loginRequests = make(map[LoginRequest]prometheus.Counter)

func init() {
	for _, outcome := range []LoginRequest{LoginSignedIn, LoginPublic, LoginMissing, LoginNotAllowed, LoginOriginUnknown} {
		loginRequests[outcome] = loginRequestsTotal.WithLabelValues(string(outcome))
	}
}

// BeginLogins lets the counters of those ways and outcomes begin at zero.
func BeginLogins(ways, outcomes []string) {
	for _, way := range ways {
		for _, outcome := range outcomes {
			loginsTotal.WithLabelValues(way, outcome)
		}
	}
}

// CountLogin counts a sign-in.
func CountLogin(way, outcome string) { loginsTotal.WithLabelValues(way, outcome).Inc() }

// CountLoginRequest counts a request.
func CountLoginRequest(outcome LoginRequest) { loginRequests[outcome].Inc() }

// CountCall counts a call of DingTalk's API.
func CountCall(kind string, err error) { countCall(kind, err) }

// LoginStatus is how sign-in stands in this process. It holds no key.
type LoginStatus struct {
	Outside        string `json:"outside"`
	Key            string `json:"key"` // "derived" or "configured"
	Rules          int    `json:"rules"`
	SessionSeconds int    `json:"session_seconds"`
	IdleSeconds    int    `json:"idle_seconds"`
	Revoked        int    `json:"revocations"`
	Storage        string `json:"storage"` // "ok" or "failing"
}

// Login is the sign-in of one handler, as the admin API sees it.
type Login interface {
	Status() LoginStatus
	// Revoke ends the sessions of a user, or of all where user is ""; of one corp where the
	// app has many. The error says what the caller has left out.
	Revoke(ctx context.Context, corp, user string) error
}

// logins are the sign-ins in use, by the names of their apps.
var logins loginRegister

type loginRegister struct {
	mu  sync.Mutex
	all map[Login]string
}

// RunLogin makes the sign-in of the app with that name visible in the admin API, until
// stop is called.
func RunLogin(app string, l Login) (stop func()) {
	logins.mu.Lock()
	defer logins.mu.Unlock()
	if logins.all == nil {
		logins.all = make(map[Login]string)
	}
	logins.all[l] = app
	return func() {
		logins.mu.Lock()
		defer logins.mu.Unlock()
		delete(logins.all, l)
	}
}

// of returns a sign-in of the app, nil if it has none: all of one app share what is
// revoked.
func (r *loginRegister) of(app string) Login {
	r.mu.Lock()
	defer r.mu.Unlock()
	for l, name := range r.all {
		if name == app {
			return l
		}
	}
	return nil
}

func (r *loginRegister) status(app string) *LoginStatus {
	l := r.of(app)
	if l == nil {
		return nil
	}
	status := l.Status()
	return &status
}

// revoked is whose sessions a call has ended.
type revoked struct {
	CorpID string `json:"corp_id"` // as the call named it, "" without
	UserID string `json:"user_id"`
	All    bool   `json:"all"` // of all users: of the corp, or of the app where none was named
}

func serveRevoke(w http.ResponseWriter, r *http.Request) error {
	if err := only(r, http.MethodPost); err != nil {
		return err
	}
	q, err := query(r, "app", "corpid", "user")
	if err != nil {
		return err
	}
	name := q.Get("app")
	if name == "" {
		return refusal(r, http.StatusBadRequest, doctor.Wrong("which app? Add app= with its name from /dingtalk/status, and user= for one user"))
	}
	for _, one := range []string{"user", "corpid"} {
		if q.Has(one) && q.Get(one) == "" {
			return refusal(r, http.StatusBadRequest, doctor.Wrong("%s is empty: leave it out to end the sessions of all", one))
		}
	}
	l := logins.of(name)
	if l == nil {
		return refusal(r, http.StatusNotFound, doctor.Wrong("no app %q with login is in use: see /dingtalk/status", name))
	}
	if err := l.Revoke(r.Context(), q.Get("corpid"), q.Get("user")); err != nil {
		return refusal(r, http.StatusBadRequest, err)
	}
	corp, user := q.Get("corpid"), q.Get("user")
	return writeStatus(w, named(running.apps(), name), &revoked{corp, user, user == ""})
}

// OnStarted calls f when the configuration that is being provisioned runs, which one that
// is only validated never does.
func (e *Emitter) OnStarted(f func()) error {
	if e.events == nil {
		return nil
	}
	if err := e.events.On("started", started(f)); err != nil {
		return fmt.Errorf("listening for the start: %w", err)
	}
	return nil
}

type started func()

// Handle calls the function.
func (f started) Handle(context.Context, caddy.Event) error {
	f()
	return nil
}

// Interface guards
var _ caddyevents.Handler = started(nil)
