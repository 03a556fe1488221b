package examine

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/caddy-dingtalk/caddy-dingtalk/oapi"
)

// refused is a DingTalk that refuses both calls, each for a reason of its own or nil.
type refused struct{ access, ticket error }

func (s refused) AccessToken(context.Context) (string, time.Duration, error) {
	return "access", time.Hour, s.access
}

func (s refused) Ticket(context.Context, string) (string, time.Duration, error) {
	return "ticket", time.Hour, s.ticket
}

// TestATicketThatIsNotAskedForIsToldFromOneThatIsRefused, also where both fail with
// one and the same error.
func TestATicketThatIsNotAskedForIsToldFromOneThatIsRefused(t *testing.T) {
	why := &oapi.Error{Call: "x", Kind: oapi.Credentials, Message: "no"}
	for name, tt := range map[string]struct {
		source refused
		asked  bool
	}{
		"no access token":                 {refused{access: why}, false},
		"a refused ticket":                {refused{ticket: why}, true},
		"neither, for one and the same":   {refused{why, why}, false},
		"no access token, another reason": {refused{access: errors.New("x")}, false},
	} {
		c := &calls{Source: tt.source}
		c.logIn(t.Context())
		_, _, err := c.Ticket(t.Context(), "access")
		var missing *noAccessError
		if err == nil || errors.As(err, &missing) == tt.asked || c.fetched.Load() != tt.asked {
			t.Errorf("%s: %v, asked: %v", name, err, c.fetched.Load())
		}
	}
}
