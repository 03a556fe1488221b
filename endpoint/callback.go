package endpoint

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"net/url"
	"os"
	"strings"

	"github.com/caddy-dingtalk/caddy-dingtalk/doctor"
	"github.com/caddy-dingtalk/caddy-dingtalk/tenant/suite"
	"github.com/caddy-dingtalk/caddy-dingtalk/visit"
)

// The codes of pushes.
const (
	codeBadPush      = "bad_push"
	codeBadSignature = "bad_signature"
	codeStale        = "stale"
	codeNotStored    = "storage_unavailable"
)

// callbackName is the endpoint that DingTalk pushes to. A navigation to it ends a sign-in.
const callbackName = "callback"

// maxPush is how long a push may be.
const maxPush = 1 << 20

// AddSuites lets DingTalk push to the callback of third-party apps. It must be called
// after Add.
func (s *Server) AddSuites(all suite.Suites) {
	if len(all) == 0 {
		return
	}
	s.suites = all
	signIn := s.answers[callbackName]
	s.answers[callbackName] = func(w http.ResponseWriter, c *call) {
		if c.Method != http.MethodPost && signIn != nil {
			signIn(w, c)
			return
		}
		s.servePush(w, c)
	}
}

// servePush answers a push. Who may push is proved by its signature alone, whatever
// origin it claims.
func (s *Server) servePush(w http.ResponseWriter, c *call) {
	if c.Method != http.MethodPost {
		writeMethodError(w, c.Request, http.MethodPost)
		return
	}
	refuse := func(status int, code string, message doctor.Text) { writeError(w, c.Request, status, code, message) }
	body, err := readBody(w, c.Request, maxPush)
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &tooLarge):
		refuse(http.StatusRequestEntityTooLarge, codeTooLarge, doctor.LongPush)
		return
	case errors.Is(err, os.ErrDeadlineExceeded):
		refuse(http.StatusRequestTimeout, codeBadPush, doctor.BrokenPush)
		return
	case err != nil:
		refuse(http.StatusBadRequest, codeBadPush, doctor.BrokenPush)
		return
	}
	reply, err := s.suites.Receive(c.Context(), pushOf(c.visit.Target, body))
	switch {
	case err == nil:
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write(reply)
	case errors.Is(err, suite.ErrNoJSON):
		refuse(http.StatusBadRequest, codeBadPush, doctor.BrokenPush)
	case errors.Is(err, suite.ErrStale):
		refuse(http.StatusForbidden, codeStale, doctor.StalePush)
	case errors.Is(err, suite.ErrStorage):
		w.Header().Set("Retry-After", "5")
		refuse(http.StatusServiceUnavailable, codeNotStored, doctor.UnsavedPush)
	default:
		refuse(http.StatusForbidden, codeBadSignature, doctor.ForgedPush)
	}
}

// pushOf reads a push. A query that is malformed has no signature.
func pushOf(target string, body []byte) suite.Push {
	_, query, _ := strings.Cut(target, "?")
	q, err := url.ParseQuery(query)
	if err != nil {
		return suite.Push{Body: body}
	}
	signature := q.Get("msg_signature")
	if signature == "" {
		signature = q.Get("signature") // its older name
	}
	return suite.Push{Signature: signature, Timestamp: q.Get("timestamp"), Nonce: q.Get("nonce"), Body: body}
}

// Listen hears a push to an app's own callback, and notes in the visit that it is one. The
// request goes on to the app as it was, whatever is in it.
func (s *Server) Listen(r *http.Request, v *visit.Visit) {
	if r.Method != http.MethodPost || len(s.suites) == 0 || r.ContentLength > maxPush {
		return
	}
	path, _, _ := strings.Cut(visit.OriginForm(v.Target), "?")
	for _, one := range s.suites {
		if one.CallbackPath() != path {
			continue
		}
		body, err := io.ReadAll(io.LimitReader(r.Body, maxPush+1))
		rest := r.Body
		r.Body = &heard{io.MultiReader(bytes.NewReader(body), rest), rest}
		if err == nil && len(body) <= maxPush {
			_, err = suite.Suites{one}.Receive(r.Context(), pushOf(v.Target, body)) // the app answers
			v.Pushed = err == nil || errors.Is(err, suite.ErrStorage)
		}
		return
	}
}

// heard is a body of which the beginning has been read.
type heard struct {
	io.Reader
	io.Closer
}
