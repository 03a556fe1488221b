package observe

import (
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/caddy-dingtalk/caddy-dingtalk/tokens"
)

// App is an app of DingTalk that handlers in use share.
type App struct {
	Tokens  *tokens.App
	CorpID  string
	AgentID string
	Many    bool // it is one of several of its directive
	Shares  bool // its tokens, with other programs (share_tokens)
}

// id is the part of the app's name that tells nothing of the app.
func (a App) id() string { return idOf(a.Tokens.Name()) }

// idOf returns that of a name.
func idOf(name string) string { return name[strings.LastIndexByte(name, '-')+1:] }

// running are the apps in use. Admin API and metrics, which Caddy makes before
// and beside the handlers, find them here.
var running register

// register holds the apps by their tokens, of which each handler has its own.
type register struct {
	mu  sync.Mutex
	all map[*tokens.App]App
}

// Run makes an app visible in the admin API and the metrics, until stop is called.
func Run(a App) (stop func()) {
	running.mu.Lock()
	defer running.mu.Unlock()
	if running.all == nil {
		running.all = make(map[*tokens.App]App)
	}
	running.all[a.Tokens] = a
	return func() {
		running.mu.Lock()
		defer running.mu.Unlock()
		delete(running.all, a.Tokens)
	}
}

// each returns the apps in use, those of each handler.
func (r *register) each() []App {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Collect(maps.Values(r.all))
}

// apps returns the apps in use, each name once, in the order of their names.
func (r *register) apps() []App {
	seen := make(map[string]bool)
	var all []App
	for _, a := range r.each() {
		if name := a.Tokens.Name(); !seen[name] {
			seen[name] = true
			all = append(all, a)
		}
	}
	slices.SortFunc(all, func(a, b App) int { return strings.Compare(a.Tokens.Name(), b.Tokens.Name()) })
	return all
}
