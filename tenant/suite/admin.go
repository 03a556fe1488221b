package suite

import (
	"context"
	"strings"
	"time"

	"github.com/caddy-dingtalk/caddy-dingtalk/observe"
)

// After returns the first of the corps that are held and whose key is greater, in order.
func (f *fleet) After(key string, limit int) (all []observe.Tenant) {
	follows := func(id string) bool { // a key begins with the id and a point, which no id has
		return id+"." > key || strings.HasPrefix(key, id+".")
	}
	now := time.Now()
	f.corps.walk(follows, func(id string, v view) bool {
		if t := f.tenantOf(id, v, now); t.Key() > key {
			all = append(all, t.WithTokens(observe.App{Tokens: v.tokens}))
		}
		return len(all) < limit
	})
	return all
}

// Of returns a corp, if it is known here or in the storage.
func (f *fleet) Of(ctx context.Context, corpID string) []observe.Tenant {
	v, known := f.known(ctx, corpID)
	if !known {
		return nil
	}
	return []observe.Tenant{f.tenantOf(corpID, v, time.Now()).WithTokens(observe.App{Tokens: v.tokens})}
}

// Refresh fetches a fresh ticket for a corp. It reports whether the corp has authorised the
// suite.
func (f *fleet) Refresh(ctx context.Context, corpID string) bool {
	v, known := f.known(ctx, corpID)
	if st := v.standing.state(time.Now()); !known || st != served && st != unlisted {
		return false
	}
	_ = v.tokens.Refresh(ctx) // what goes wrong stands in the status
	return true
}

// known returns a corp that is held or in the storage. DingTalk is not asked.
func (f *fleet) known(ctx context.Context, corpID string) (v view, known bool) {
	if !isCorpID(corpID) {
		return view{}, false
	}
	if v, known = f.corps.peek(corpID); known {
		return v, true
	}
	v, err := f.read(ctx, corpID)
	return v, err == nil && v.tokens != nil
}

func (f *fleet) tenantOf(id string, v view, now time.Time) observe.Tenant {
	t := observe.Tenant{CorpID: id, App: f.name, State: "revoked"}
	if st := v.standing.state(now); st == served || st == unlisted {
		t.State = "authorized"
		if agents := v.standing.active(f.now.Load().o.AppID); len(agents) == 1 {
			t.AgentID = agents[0].ID
		}
	}
	return t
}

// Interface guards
var _ observe.Corps = (*fleet)(nil)
