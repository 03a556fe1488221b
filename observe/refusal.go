package observe

import (
	"net/http"

	"github.com/caddyserver/caddy/v2"

	"github.com/caddy-dingtalk/caddy-dingtalk/doctor"
)

// refusal is an error of the admin endpoint: English in the log, and for the caller in the
// language of its Accept-Language, in both where it names none, as curl does.
func refusal(r *http.Request, status int, err error) error {
	return caddy.APIError{HTTPStatus: status, Err: err, Message: doctor.Of(err).For(r.Header.Get("Accept-Language"))}
}

// only refuses other methods than the one that a call takes; nil if it is that one.
func only(r *http.Request, method string) error {
	if r.Method == method {
		return nil
	}
	return refusal(r, http.StatusMethodNotAllowed, doctor.Wrong("%s takes %s", r.URL.Path, method))
}

// unknownApp refuses a name that no app in use has.
func unknownApp(r *http.Request, name string) error {
	return refusal(r, http.StatusNotFound, doctor.Wrong("no app %q is in use: see /dingtalk/status", name))
}

// unknownCorp refuses a corp that no app in use has.
func unknownCorp(r *http.Request, corp string) error {
	return refusal(r, http.StatusNotFound, doctor.Wrong("no tenant of corp %q is in use: see /dingtalk/tenants", corp))
}
