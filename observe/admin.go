// Package observe shows how the handlers fare: metrics, events, notices in the log and
// the admin API. It owns every label and every name of an event.
package observe

import (
	"encoding/json"
	"net/http"
	"time"

	"github.com/caddyserver/caddy/v2"

	"github.com/caddy-dingtalk/caddy-dingtalk/doctor"
	"github.com/caddy-dingtalk/caddy-dingtalk/oapi"
	"github.com/caddy-dingtalk/caddy-dingtalk/tokens"
)

func init() { caddy.RegisterModule(adminAPI{}) }

// adminAPI shows on Caddy's admin endpoint how the apps stand:
//
//	GET  /dingtalk/status           {"apps": [{…}], "suites": [{…}]}, see appStatus and SuiteStatus
//	GET  /dingtalk/tenants[?corpid=…|after=…]  {"tenants": [{…}]}, see Tenant
//	POST /dingtalk/refresh[?app=…][&corpid=…]  fetches fresh tickets, of one app, of one corp or of all, and answers the status
//	GET  /dingtalk/token?app=…&kind=access_token|jsapi_ticket  the value itself, see sharedToken
//	POST /dingtalk/revoke?app=…[&corpid=…][&user=…]  ends the sessions of a user, of a corp of a suite, or of all, in the whole fleet
type adminAPI struct{}

// CaddyModule returns the Caddy module information.
func (adminAPI) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{ID: "admin.api.dingtalk", New: func() caddy.Module { return new(adminAPI) }}
}

// Routes returns the routes of the admin endpoint.
func (adminAPI) Routes() []caddy.AdminRoute {
	return []caddy.AdminRoute{
		{Pattern: "/dingtalk/status", Handler: caddy.AdminHandlerFunc(serveStatus)},
		{Pattern: "/dingtalk/tenants", Handler: caddy.AdminHandlerFunc(serveTenants)},
		{Pattern: "/dingtalk/refresh", Handler: caddy.AdminHandlerFunc(serveRefresh)},
		{Pattern: "/dingtalk/token", Handler: caddy.AdminHandlerFunc(serveToken)},
		{Pattern: "/dingtalk/revoke", Handler: caddy.AdminHandlerFunc(serveRevoke)},
	}
}

// appStatus is how an app stands in this process. It holds no value of a token.
type appStatus struct {
	App         string       `json:"app"` // its name in the storage: dingtalk/<app>/…
	CorpID      string       `json:"corp_id"`
	AccessToken *tokenStatus `json:"access_token"` // null if none is held
	JSAPITicket *tokenStatus `json:"jsapi_ticket"` // null if none is held
	Error       *tokenError  `json:"error"`        // null if all is well
	Storage     string       `json:"storage"`      // "ok" or "failing"
	Login       *LoginStatus `json:"login"`        // null without sign-in
}

type tokenStatus struct {
	Fetched   time.Time `json:"fetched"`
	Expires   time.Time `json:"expires"`
	Age       int       `json:"age_seconds"`
	ExpiresIn int       `json:"expires_in_seconds"`
}

type tokenError struct {
	Kind    string `json:"kind"`
	Message string `json:"message"`
	Advice  string `json:"advice"`
	Chinese string `json:"advice_zh"` // the same in Chinese
	NextTry int    `json:"next_try_seconds"`
}

func serveStatus(w http.ResponseWriter, r *http.Request) error {
	if err := only(r, http.MethodGet); err != nil {
		return err
	}
	return writeStatus(w, running.apps(), nil)
}

func serveRefresh(w http.ResponseWriter, r *http.Request) error {
	if err := only(r, http.MethodPost); err != nil {
		return err
	}
	q, err := query(r, "app", "corpid")
	if err != nil {
		return err
	}
	name, corp := q.Get("app"), q.Get("corpid")
	apps := running.apps()
	if name != "" {
		apps = named(apps, name)
	}
	if corp != "" {
		apps = ofCorp(apps, corp)
	}
	for _, a := range apps {
		_ = a.Tokens.Refresh(r.Context()) // what goes wrong stands in the status
	}
	inSuites := refreshCorp(r.Context(), name, corp)
	switch {
	case len(apps) > 0 || inSuites || name == "" && corp == "":
		return writeStatus(w, apps, nil)
	case corp != "":
		return unknownCorp(r, corp)
	}
	return unknownApp(r, name)
}

func named(apps []App, name string) (found []App) {
	for _, a := range apps {
		if a.Tokens.Name() == name {
			found = append(found, a)
		}
	}
	return found
}

func ofCorp(apps []App, corp string) (found []App) {
	for _, a := range apps {
		if a.CorpID == corp {
			found = append(found, a)
		}
	}
	return found
}

// writeStatus answers how the apps stand, and whose sessions a call has ended, if any.
func writeStatus(w http.ResponseWriter, apps []App, ended *revoked) error {
	all := make([]appStatus, 0, len(apps)) // never null
	for _, a := range apps {
		all = append(all, a.status(time.Now()))
	}
	w.Header().Set("Content-Type", "application/json")
	return json.NewEncoder(w).Encode(struct {
		Apps    []appStatus   `json:"apps"`
		Suites  []SuiteStatus `json:"suites"`
		Revoked *revoked      `json:"revoked,omitempty"`
	}{all, suiteApps.statuses(), ended})
}

func (a App) status(now time.Time) appStatus {
	s := a.Tokens.Status()
	status := appStatus{
		App: a.Tokens.Name(), CorpID: a.CorpID, Storage: "ok",
		AccessToken: statusOf(s.Access, now), JSAPITicket: statusOf(s.Ticket, now), Login: logins.status(a.Tokens.Name()),
	}
	if !s.Storage {
		status.Storage = "failing"
	}
	if s.Err != nil {
		advice := doctor.Advice(s.Err)
		status.Error = &tokenError{oapi.KindOf(s.Err).String(), s.Err.Error(), advice.EN, advice.ZH, int(s.Retry.Seconds())}
	}
	return status
}

func statusOf(s *tokens.Span, now time.Time) *tokenStatus {
	if s == nil {
		return nil
	}
	return &tokenStatus{s.Fetched, s.Expires, int(now.Sub(s.Fetched).Seconds()), int(s.Expires.Sub(now).Seconds())}
}

// Interface guards
var _ caddy.AdminRouter = (*adminAPI)(nil)
