package config

import (
	"strings"
	"testing"

	"github.com/caddy-dingtalk/caddy-dingtalk/doctor"
)

func TestEventsThatThereAreNotAreToldWithTheNearest(t *testing.T) {
	for name, want := range map[string]string{
		"dingtalk_token_fail":        "dingtalk_token_failed",
		"dingtalk_token_failure":     "dingtalk_token_failed",
		"dingtalk-token-failed":      "dingtalk_token_failed",
		"dingtalk.token.failed":      "dingtalk_token_failed",
		"DingTalk_Token_Failed":      "dingtalk_token_failed",
		"token_failed":               "dingtalk_token_failed",
		"dintalk_token_failed":       "dingtalk_token_failed",
		"dingtalk_refreshed":         "dingtalk_token_refreshed",
		"dingtalk_signature":         "dingtalk_signature_refused",
		"dingtalk_mismatch":          "dingtalk_url_mismatch",
		"dingtalk_logins":            "dingtalk_login",
		"dingtalk_login_fail":        "dingtalk_login_failed",
		"dingtalk_tenant_authorised": "dingtalk_tenant_authorized",
		"dingtalk_robot_fail":        "dingtalk_robot_failed",
		"dingtalk":                   "dingtalk_",
	} {
		err := CheckEvent(name)
		if err == nil || !strings.Contains(err.Error(), "write "+want) {
			t.Errorf("%s: %v, want %s", name, err, want)
		} else if zh := doctor.Of(err).ZH; !strings.Contains(zh, "请写 "+want) {
			t.Error(zh)
		}
	}
	for _, name := range append(doctor.Events(), "", "*", "cert_failed", "cert_obtained", "tls_get_certificate", "started", "healthy", "revoked", "login") {
		if err := CheckEvent(name); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}
