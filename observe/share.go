package observe

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/caddyserver/caddy/v2"

	"github.com/caddy-dingtalk/caddy-dingtalk/doctor"
	"github.com/caddy-dingtalk/caddy-dingtalk/tokens"
)

// sharedToken is a token for another program, which would else fetch one of its own
// and may end ours by that. It is the one answer that holds a value.
type sharedToken struct {
	App       string    `json:"app"`
	Kind      string    `json:"kind"`
	Value     string    `json:"value"`
	Expires   time.Time `json:"expires"`
	ExpiresIn int       `json:"expires_in_seconds"` // ask again before, and when DingTalk refuses the value
}

// shareWait is how long a program may wait for the very first ticket.
const shareWait = 5 * time.Second

func serveToken(w http.ResponseWriter, r *http.Request) error {
	switch q := r.URL.Query(); {
	case r.Method != http.MethodGet:
		return caddy.APIError{HTTPStatus: http.StatusMethodNotAllowed, Err: errors.New("/dingtalk/token takes GET")}
	case r.Header.Get("Origin") != "" || r.Header.Get("Sec-Fetch-Site") != "":
		return caddy.APIError{HTTPStatus: http.StatusForbidden, Err: errors.New("tokens are for programs: no browser gets one")}
	case q.Get("kind") != tokens.KindAccess && q.Get("kind") != tokens.KindTicket:
		return caddy.APIError{HTTPStatus: http.StatusBadRequest, Err: fmt.Errorf("which kind? Add &kind=%s or &kind=%s", tokens.KindAccess, tokens.KindTicket)}
	case q.Get("app") == "":
		return caddy.APIError{HTTPStatus: http.StatusBadRequest, Err: errors.New("which app? Add ?app= with its name from /dingtalk/status")}
	default:
		app, err := running.sharing(q.Get("app"))
		if err != nil {
			return err
		}
		return writeToken(r.Context(), w, app, q.Get("kind"))
	}
}

// sharing returns an app of that name whose directive shares its tokens.
func (r *register) sharing(name string) (App, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	known := false
	for _, a := range r.all {
		if a.Tokens.Name() == name {
			known = true
			if a.Shares {
				return a, nil
			}
		}
	}
	if !known {
		return App{}, caddy.APIError{HTTPStatus: http.StatusNotFound, Err: fmt.Errorf("no app %q is in use: see /dingtalk/status", name)}
	}
	return App{}, caddy.APIError{HTTPStatus: http.StatusForbidden,
		Err: fmt.Errorf("the app %q does not share its tokens: add the line share_tokens to its dingtalk directive if every program that reaches this admin endpoint may have them", name)}
}

func writeToken(ctx context.Context, w http.ResponseWriter, a App, kind string) error {
	ctx, cancel := context.WithTimeout(ctx, shareWait)
	defer cancel()
	var t *tokens.Token
	var err error
	if kind == tokens.KindAccess {
		t, err = a.Tokens.AccessToken(ctx)
	} else {
		t, err = a.Tokens.Ticket(ctx, shareWait)
	}
	if err != nil {
		return caddy.APIError{HTTPStatus: http.StatusServiceUnavailable, Err: fmt.Errorf("DingTalk gives none: %w. %s", err, doctor.Advice(err).EN)}
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	return json.NewEncoder(w).Encode(sharedToken{a.Tokens.Name(), kind, t.Value, t.Expires.Round(0), int(time.Until(t.Expires).Seconds())})
}
