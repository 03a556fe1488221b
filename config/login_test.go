package config

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/caddyserver/caddy/v2"
)

func TestEveryTextOfLoginMayHoldAPlaceholder(t *testing.T) {
	t.Setenv("LOGIN_TEXT", strings.Repeat("x", 32))
	const p = "{env.LOGIN_TEXT}"
	written := &Login{
		Outside: p, Detail: p, JWT: p, LoginBase: p, Key: []Secret{p, p},
		Rules: []LoginRule{{User: []string{p}}}, StaffApp: &StaffApp{AppKey: p, AppSecret: p},
	}
	c, err := Resolve(Config{Login: written}, caddy.NewReplacer())
	if err != nil {
		t.Fatal(err)
	}
	want := strings.Repeat("x", 32)
	l := c.Login
	for name, got := range map[string]string{
		"outside": l.Outside, "detail": l.Detail, "jwt": l.JWT, "login_base": l.LoginBase, "key": string(l.Key[0]), "second key": string(l.Key[1]),
		"user": l.Rules[0].User[0], "staff_app": l.StaffApp.AppKey, "staff secret": string(l.StaffApp.AppSecret),
	} {
		if got != want {
			t.Errorf("%s is %q", name, got)
		}
	}
	if written.Key[0] != p || written.Rules[0].User[0] != p || written.StaffApp.AppSecret != p || written.JWT != p {
		t.Errorf("the running configuration shows what was resolved: %+v", *written)
	}
}

func TestNoFormatOfLoginShowsAKey(t *testing.T) {
	key := strings.Repeat("k", 32)
	c := Config{Login: &Login{Key: []Secret{Secret(key)}, StaffApp: &StaffApp{AppKey: "a", AppSecret: Secret(key)}}}
	for _, format := range []string{"%v", "%+v", "%#v", "%s"} {
		if text := fmt.Sprintf(format, c.Login) + fmt.Sprintf(format, *c.Login) + fmt.Sprintf(format, c); strings.Contains(text, key) {
			t.Errorf("%s shows %s", format, text)
		}
	}
	if err := CheckLogin(&Login{Key: []Secret{Secret(key[:31])}}, "key"); err == nil || strings.Contains(err.Error(), key[:31]) {
		t.Error(err)
	}
}

func TestTheTimesOfASessionHaveDefaults(t *testing.T) {
	for _, c := range []struct {
		given          *LoginSession
		absolute, idle time.Duration
	}{
		{nil, 12 * time.Hour, 4 * time.Hour},
		{&LoginSession{Absolute: caddy.Duration(time.Hour)}, time.Hour, time.Hour},
		{&LoginSession{Absolute: caddy.Duration(24 * time.Hour)}, 24 * time.Hour, 4 * time.Hour},
		{&LoginSession{Absolute: caddy.Duration(24 * time.Hour), Idle: caddy.Duration(5 * time.Minute)}, 24 * time.Hour, 5 * time.Minute},
	} {
		l := &Login{Session: c.given}
		if absolute, idle := l.Times(); absolute != c.absolute || idle != c.idle {
			t.Errorf("%+v is %s %s", c.given, absolute, idle)
		}
		if err := CheckLogin(l, "session"); err != nil {
			t.Error(err)
		}
	}
}
