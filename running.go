package dingtalk

import (
	"slices"
	"strings"
	"sync"

	"github.com/caddy-dingtalk/caddy-dingtalk/tokens"
)

// running are the handlers in use. Admin API and metrics, which Caddy makes
// before and beside the handlers, find them here.
var running handlers

type handlers struct {
	mu  sync.Mutex
	all map[*Handler]app
}

func (s *handlers) add(h *Handler, a app) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.all == nil {
		s.all = make(map[*Handler]app)
	}
	s.all[h] = a
}

func (s *handlers) remove(h *Handler) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.all, h)
}

// app is an app of DingTalk that handlers in use share.
type app struct {
	tokens *tokens.App
	corpID string
}

// apps returns the apps in use, each once, in the order of their names.
func (s *handlers) apps() []app {
	s.mu.Lock()
	defer s.mu.Unlock()
	seen := make(map[string]bool)
	var all []app
	for _, a := range s.all {
		if name := a.tokens.Name(); !seen[name] {
			seen[name] = true
			all = append(all, a)
		}
	}
	slices.SortFunc(all, func(a, b app) int { return strings.Compare(a.tokens.Name(), b.tokens.Name()) })
	return all
}

// id is the part of the app's name that tells nothing of the app.
func (a app) id() string {
	name := a.tokens.Name()
	return name[strings.LastIndexByte(name, '-')+1:]
}
