// Package e2e holds the tests of what can be seen from outside: by browsers and
// other clients, by upstreams, by DingTalk, by the subscribers of events, in the
// log and in the storage.
package e2e

import (
	"testing"

	"github.com/caddy-dingtalk/caddy-dingtalk/internal/testsite"
)

func TestMain(m *testing.M) { testsite.Main(m) }
