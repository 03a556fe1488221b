package observe

import (
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"

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

// query returns the parameters of a call. It refuses what the call does not know, what is
// there twice and what cannot be read: a parameter that went unheard would widen the call.
func query(r *http.Request, known ...string) (url.Values, error) {
	if r.Method == http.MethodPost && r.ContentLength != 0 {
		return nil, refusal(r, http.StatusBadRequest, doctor.Wrong("%s takes its parameters in the URL, not in a body: put them behind the ?", r.URL.Path))
	}
	q, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return nil, refusal(r, http.StatusBadRequest, doctor.Wrong("the query of %s cannot be read: put & between its parameters, and encode their values", r.URL.Path))
	}
	for _, name := range slices.Sorted(maps.Keys(q)) {
		if !slices.Contains(known, name) {
			return nil, refusal(r, http.StatusBadRequest, doctor.Wrong("%s has no parameter %q, but these: %s", r.URL.Path, name, strings.Join(known, ", ")))
		}
		if len(q[name]) > 1 {
			return nil, refusal(r, http.StatusBadRequest, doctor.Wrong("%s takes %s once: call it for each value", r.URL.Path, name))
		}
	}
	return q, nil
}

// unknownApp refuses a name that no app in use has.
func unknownApp(r *http.Request, name string) error {
	return refusal(r, http.StatusNotFound, doctor.Wrong("no app %q is in use: see /dingtalk/status", name))
}

// unknownCorp refuses a corp that no app in use has.
func unknownCorp(r *http.Request, corp string) error {
	return refusal(r, http.StatusNotFound, doctor.Wrong("no tenant of corp %q is in use: see /dingtalk/tenants", corp))
}
