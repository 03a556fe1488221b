package observe

import (
	"context"
	"encoding/json"
	"net/http"
	"time"

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
	if err := only(r, http.MethodGet); err != nil {
		return err
	}
	q, err := query(r, "app", "kind")
	if err != nil {
		return err
	}
	name, kind := q.Get("app"), q.Get("kind")
	switch {
	case r.Header.Get("Origin") != "" || r.Header.Get("Sec-Fetch-Site") != "":
		return refusal(r, http.StatusForbidden, doctor.Wrong("tokens are for programs: no browser gets one"))
	case kind != tokens.KindAccess && kind != tokens.KindTicket:
		return refusal(r, http.StatusBadRequest, doctor.Wrong("which kind? Add kind=%s or kind=%s to the query", tokens.KindAccess, tokens.KindTicket))
	case name == "":
		return refusal(r, http.StatusBadRequest, doctor.Wrong("which app? Add app= with its name from /dingtalk/status"))
	}
	apps := named(running.each(), name)
	if len(apps) == 0 {
		return unknownApp(r, name)
	}
	for _, a := range apps {
		if a.Shares {
			return writeToken(w, r, a, kind)
		}
	}
	return refusal(r, http.StatusForbidden,
		doctor.Wrong("the app %q does not share its tokens: add the line share_tokens to its dingtalk directive if every program that reaches this admin endpoint may have them", name))
}

func writeToken(w http.ResponseWriter, r *http.Request, a App, kind string) error {
	ctx, cancel := context.WithTimeout(r.Context(), shareWait)
	defer cancel()
	var t *tokens.Token
	var err error
	if kind == tokens.KindAccess {
		t, err = a.Tokens.AccessToken(ctx)
	} else {
		t, err = a.Tokens.Ticket(ctx, shareWait)
	}
	if err != nil {
		return refusal(r, http.StatusServiceUnavailable, doctor.Wrong("DingTalk gives none: %v. %v", err, doctor.Advice(err)))
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	return json.NewEncoder(w).Encode(sharedToken{a.Tokens.Name(), kind, t.Value, t.Expires.Round(0), int(time.Until(t.Expires).Seconds())})
}
