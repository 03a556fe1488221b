package observe

import (
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2/modules/caddyevents"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"
)

func TestASubscriptionToAnEventThatThereIsNotIsWarnedOf(t *testing.T) {
	core, logs := observer.New(zap.WarnLevel)
	warnOfUnknown(zap.New(core), &caddyevents.App{Subscriptions: []*caddyevents.Subscription{
		{Events: []string{"dingtalk_token_failed", "cert_failed", ""}}, {}, {Events: []string{"dingtalk_token_fail"}},
	}})
	all := logs.All()
	if len(all) != 1 {
		t.Fatalf("%d warnings: %v", len(all), all)
	}
	zh, _ := all[0].ContextMap()["advice_zh"].(string)
	if !strings.Contains(all[0].Message, "write dingtalk_token_failed") || !strings.Contains(zh, "请写 dingtalk_token_failed") {
		t.Errorf("%s %s", all[0].Message, zh)
	}
}
