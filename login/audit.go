package login

import (
	"errors"
	"net/http"
	"sync/atomic"

	"go.uber.org/zap"

	"github.com/caddy-dingtalk/caddy-dingtalk/doctor"
	"github.com/caddy-dingtalk/caddy-dingtalk/oapi"
	"github.com/caddy-dingtalk/caddy-dingtalk/observe"
)

// audit tells log, metrics and events who signed in, was refused, signed out or was
// revoked; nothing of a code, a cookie or a key.
type audit struct {
	log     *zap.Logger
	events  *observe.Emitter
	app     string
	corp    string // whose users are meant, where the app has many corps; else ""
	notices *observe.Notices
	// last is the code of the last sign-in where it failed for everybody, not for one user.
	last *atomic.Pointer[Code]
}

// of tells of the users of one of many corps.
func (a audit) of(corp string) audit {
	a.corp = corp
	return a
}

// named adds the corp to the fields of a line, where there are many.
func (a audit) named(fields []zap.Field) []zap.Field {
	if a.corp == "" {
		return fields
	}
	return append(fields, zap.String("corp_id", a.corp))
}

func (a audit) emit(event string, data map[string]any) {
	data["app"] = a.app
	if a.corp != "" {
		data["corp_id"] = a.corp
	}
	a.events.Emit(event, data)
}

func (a audit) signedIn(way Way, u *User, clientIP string) {
	observe.CountLogin(string(way), "ok")
	a.last.Store(nil)
	a.log.Info("signed in", a.named([]zap.Field{zap.String("way", string(way)), zap.String("user_id", u.Subject()), zap.String("client_ip", clientIP)})...)
	a.emit(observe.EventLogin, map[string]any{
		"way": string(way), "user_id": u.Subject(), "name": u.Name, "client_ip": clientIP,
	})
}

// failed tells of a sign-in that was refused. What strangers can cause at will fills no
// log.
func (a audit) failed(way Way, e *Error, clientIP string) {
	observe.CountLogin(string(way), string(e.Code))
	if e.Status() >= http.StatusInternalServerError {
		a.last.Store(&e.Code)
	}
	advice := logAdvice(e)
	if a.notices.Admit(auditLines, "login "+string(e.Code)+" "+clientIP) {
		a.log.Warn("sign-in refused", a.named([]zap.Field{zap.String("way", string(way)), zap.String("code", string(e.Code)), zap.String("dingtalk", e.DingTalk()),
			zap.String("advice", advice.EN), zap.String("advice_zh", advice.ZH), zap.String("client_ip", clientIP), zap.Error(e.Err)})...)
	}
	a.emit(observe.EventLoginFailed, map[string]any{
		"way": string(way), "code": string(e.Code), "dingtalk": e.DingTalk(), "advice": advice.EN, "advice_zh": advice.ZH, "client_ip": clientIP,
	})
}

// auditLines are those of one code and client within a minute.
const auditLines = 30

// logAdvice says what the administrator can do.
func logAdvice(e *Error) doctor.Text {
	if permission := permissionOf(e); permission != "" {
		return doctor.Grant(permission)
	}
	var theirs *oapi.Error
	if errors.As(e.Err, &theirs) && e.Code != CodeInvalid && e.Code != CodeNotVisible && e.Code != CodeNotMember {
		return doctor.Advice(theirs)
	}
	return doctor.SignInAdvice(string(e.Code))
}

func permissionOf(e *Error) string {
	var theirs *oapi.Error
	if e.Code != CodePermission || !errors.As(e.Err, &theirs) {
		return ""
	}
	return doctor.SignInPermission(theirs.Call)
}

// notAllowed tells that a line of the rules, counted from 1, does not fit a user.
func (a audit) notAllowed(u *User, line int, clientIP string) {
	a.log.Warn("not allowed", a.named([]zap.Field{zap.String("code", string(CodeNotAllowed)), zap.Int("rule", line), zap.String("user_id", u.Subject()), zap.String("client_ip", clientIP)})...)
}

func (a audit) signedOut(u *User, everywhere bool, clientIP string) {
	a.log.Info("signed out", a.named([]zap.Field{zap.String("user_id", u.Subject()), zap.Bool("everywhere", everywhere), zap.String("client_ip", clientIP)})...)
	if everywhere {
		a.emit(observe.EventRevoked, map[string]any{"user_id": u.Subject()})
	}
}

func (a audit) revoked(user string) {
	a.log.Info("sessions revoked", a.named([]zap.Field{zap.String("user_id", user), zap.Bool("all", user == "")})...)
	a.emit(observe.EventRevoked, map[string]any{"user_id": user})
}

// denied logs once that the directory is closed to the app.
func (s *service) denied(err error) {
	if err == nil {
		s.refused.Store(false)
		return
	}
	if s.refused.CompareAndSwap(false, true) {
		advice := logAdvice(Refusal(err))
		s.audit.log.Warn("users are signed in without title, job number, avatar and departments, as DingTalk refuses user/get",
			zap.String("advice", advice.EN), zap.String("advice_zh", advice.ZH), zap.Error(err))
	}
}
