package dingtalk

import (
	"testing"

	"github.com/caddyserver/caddy/v2"
)

func TestCleanupTakesAHandlerInAnyState(t *testing.T) {
	ctx, cancel := caddy.NewContext(caddy.Context{Context: t.Context()})
	defer cancel()
	var unborn, failed Handler
	if err := unborn.Cleanup(); err != nil {
		t.Error(err)
	}
	failed.AppKey = "k"
	if err := failed.Provision(ctx); err == nil {
		t.Fatal("provisioned without a secret")
	}
	for range 2 {
		if err := failed.Cleanup(); err != nil {
			t.Error(err)
		}
	}
}
