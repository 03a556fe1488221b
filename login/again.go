package login

import (
	"crypto/rand"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"github.com/caddy-dingtalk/caddy-dingtalk/signer"
)

// A request may come to a directive again: with the routes of handle_errors, and as the
// request for a part of a page that templates make (httpInclude). The first time took the
// session's cookie out of it, so what was found then is handed on: to the same request in
// its variables, to one for a part, which shares nothing with it but a copy of its header,
// by a pass in there.

// admission is the session that a request was let in with.
type admission struct {
	session *Session
	site    signer.Origin
	app     string    // what the keys of its cookie are bound to
	pass    string    // the header's value
	header  [1]string // the same, as a header holds it: others may change that one
}

// passHeader brings the pass. Caddy sends it to no upstream, as it is for the next hop
// alone (RFC 9110 section 11.7.1), and shows it in no log.
const (
	passHeader = "Proxy-Authorization"
	passScheme = "DingTalk-Part "
)

// passes are those of the requests that are being served now.
var passes register

type register struct {
	mu  sync.Mutex
	all map[string]*admission // by their passes
}

func (r *register) of(pass string) *admission {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.all[pass]
}

func (r *register) add(a *admission) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.all == nil {
		r.all = make(map[string]*admission)
	}
	r.all[a.pass] = a
}

func (r *register) drop(a *admission) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.all, a.pass)
}

// admitted returns what is known of a request that was let in before, nil if it was not.
func (s *Server) admitted(r *http.Request, now time.Time) *admission {
	a, ok := caddyhttp.GetVar(r.Context(), s.admissionVar).(*admission)
	if !ok {
		held := r.Header[passHeader]
		if len(held) != 1 || !strings.HasPrefix(held[0], passScheme) {
			return nil
		}
		if a = passes.of(held[0]); a == nil {
			return nil
		}
	}
	if a.app != s.keys.identity || !a.session.lives(now, s.life) || s.ended(a.session) {
		return nil
	}
	return a
}

// admit remembers the session of a request until leave is called. One that comes again
// keeps what it has: its variables may be read by what has begun since, as a dial of
// reverse_proxy that outlives its try, and must not be written any more.
func (s *Server) admit(r *http.Request, before *admission, session *Session, site signer.Origin) {
	if before != nil {
		if caddyhttp.GetVar(r.Context(), s.admissionVar) == before {
			passes.add(before) // leave has taken it back by now
		}
		return
	}
	pass := passScheme + rand.Text()
	a := &admission{session, site, s.keys.identity, pass, [1]string{pass}}
	caddyhttp.SetVar(r.Context(), s.admissionVar, a)
	if held := r.Header.Get(passHeader); held == "" || strings.HasPrefix(held, passScheme) {
		passes.add(a)
		r.Header[passHeader] = a.header[:]
	}
}

// leave ends what guard began, when the request has been served.
func (s *Server) leave(r *http.Request) {
	if a, ok := caddyhttp.GetVar(r.Context(), s.admissionVar).(*admission); ok {
		passes.drop(a)
	}
}
