package sandbox

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Fault is something that befalls an API call in place of, or on top of, the right answer. The zero value
// is none. ParseFault makes the others.
type Fault struct {
	text   string
	befall func(exchange)
}

// String returns the text that ParseFault takes for this fault.
func (f Fault) String() string { return f.text }

// exchange is one call that a fault befalls.
type exchange struct {
	w      http.ResponseWriter
	r      *http.Request
	family family
	appKey string
	right  func() reply // what would be answered without the fault; calling it issues tokens and tickets
}

// ParseFault reads a fault: its kind, and mostly a colon and an argument. An empty text is none.
//
//	errcode:N[:errmsg]           legacy error N, with DingTalk's text; 60020 names the request ip
//	code:NAME[:STATUS[:message]] error of the new family, status 400 unless given
//	ip rate quota busy secret token permission suite_ticket not_authorized
//	                             the error for that cause, in the style of the family that was called
//	banned                       what an IP address gets that made too many calls: {"status":1111,...}
//	slow:DURATION                the right answer after a while
//	hang                         no answer while the caller waits
//	drip[:DURATION]              the right answer byte by byte, one in 10 ms unless given
//	html[:STATUS]                a proxy's error page, status 200 unless given
//	truncated                    half of the right answer
//	empty                        the right answer with an empty token or ticket
//	missing                      the right answer without the token or ticket
//	huge                         1 GB of one JSON string
//	expires:JSON                 the right answer with that lifetime: 0, -1, "7200", 1e12, null; or missing
//	redirect:URL                 302 to that URL
//	drop                         the connection closes without an answer
//	status:N                     status N with a plain text body
func ParseFault(text string) (Fault, error) {
	if text == "" {
		return Fault{}, nil
	}
	kind, arg, _ := strings.Cut(text, ":")
	if s, ok := situations[kind]; ok && arg == "" {
		return Fault{text, s.befall}, nil
	}
	parse, ok := faultKinds[kind]
	if !ok {
		known := slices.Concat(slices.Collect(maps.Keys(faultKinds)), slices.Collect(maps.Keys(situations)))
		slices.Sort(known)
		return Fault{}, fmt.Errorf("parsing fault %q: no such kind, use one of %s", text, strings.Join(known, " "))
	}
	befall, err := parse(arg)
	if err != nil {
		return Fault{}, fmt.Errorf("parsing fault %q: %w", text, err)
	}
	return Fault{text, befall}, nil
}

// MustFault is ParseFault for texts that are written down in a test. It panics where ParseFault fails.
func MustFault(text string) Fault {
	f, err := ParseFault(text)
	if err != nil {
		panic(err)
	}
	return f
}

// faultKinds reads the argument of each kind.
var faultKinds = map[string]func(arg string) (func(exchange), error){
	"errcode":   parseErrcode,
	"code":      parseCode,
	"banned":    without(func(x exchange) { banned.write(x.w) }),
	"slow":      parseSlow,
	"hang":      without(func(x exchange) { <-x.r.Context().Done() }),
	"drip":      parseDrip,
	"html":      parseHTML,
	"truncated": without(truncated),
	"empty":     without(func(x exchange) { x.alter(func(body fields, value string) { body[value] = "" }) }),
	"missing":   without(func(x exchange) { x.alter(func(body fields, value string) { delete(body, value) }) }),
	"huge":      without(huge),
	"expires":   parseExpires,
	"redirect":  parseRedirect,
	"drop":      without(func(exchange) { panic(http.ErrAbortHandler) }),
	"status":    parseStatus,
}

func without(befall func(exchange)) func(string) (func(exchange), error) {
	return func(arg string) (func(exchange), error) {
		if arg != "" {
			return nil, fmt.Errorf("takes no argument")
		}
		return befall, nil
	}
}

// situation is one cause of a refusal, as each of the two families words it (server-api-error-codes-1).
type situation struct {
	errcode int
	status  int
	code    string
}

var situations = map[string]situation{
	"ip":         {60020, http.StatusForbidden, "Forbidden.AccessDenied.IpNotInWhiteList"},
	"rate":       {90018, http.StatusForbidden, "Forbidden.AccessDenied.QpsLimitForAppkeyAndApi"},
	"quota":      {90020, http.StatusForbidden, "Forbidden.AccessDenied.ApiCountLimitForOrg"},
	"busy":       {-1, http.StatusInternalServerError, "systemBusy"},
	"secret":     {40096, http.StatusBadRequest, "invalidClientIdOrSecret"},
	"token":      {40014, http.StatusBadRequest, "InvalidAuthentication"},
	"permission": {60011, http.StatusForbidden, "Forbidden.AccessDenied.AccessTokenPermissionDenied"},

	"suite_ticket":   {853005, http.StatusBadRequest, "invalidSuiteTicket"},
	"not_authorized": {41030, http.StatusBadRequest, "invalidAuthInfo"},
}

func (s situation) befall(x exchange) {
	if x.family == v1 {
		v1Refusal(s.status, s.code, x.errmsg(s.errcode)).write(x.w)
		return
	}
	legacyRefusal(s.errcode, x.errmsg(s.errcode)).write(x.w)
}

var errmsgs = map[int]string{
	-1:    "系统繁忙",
	33001: "无效的企业ID",
	40001: "获取access_token时Secret错误，或者access_token无效",
	40014: "不合法的access_token",
	40035: "不合法的参数",
	40089: "不合法的corpid或corpsecret",
	40096: "不合法的appKey或appSecret",
	41001: "缺少access_token参数",
	42001: "access_token超时",
	45009: "接口调用超过限制",
	40078: "不存在的临时授权码",
	50002: "请求的员工userid不在授权范围内",
	60011: "权限不足",
	60121: "找不到该用户",
	41030: "企业没有对该套件授权",
	90007: "您的企业调用该接口过于频繁",
	90009: "该套件调用接口过于频繁",

	853001: "timestamp不是毫秒时间戳",
	853002: "timestamp与服务器时间相差过大",
	853003: "不合法的accessKey",
	853004: "签名不匹配",
	853005: "签名中的suiteTicket无效",
	90002:  "您的服务器调用钉钉开放平台所有接口的请求都被暂时禁用了",
	90018:  "您的服务器调用钉钉开放平台当前接口的所有请求都被暂时禁用了",
	90020:  "本月接口调用次数已用完",
}

// errmsg is DingTalk's text for a code. That of 60020 names the caller's address and the app: it is the one
// place where a developer learns which address DingTalk sees.
func (x exchange) errmsg(errcode int) string {
	if errcode == 60020 {
		ip, _, err := net.SplitHostPort(x.r.RemoteAddr)
		if err != nil {
			ip = x.r.RemoteAddr
		}
		return fmt.Sprintf("访问ip不在白名单之中,request ip=%s appKey(%s)", ip, x.appKey)
	}
	if text, ok := errmsgs[errcode]; ok {
		return text
	}
	return "错误" + strconv.Itoa(errcode)
}

func parseErrcode(arg string) (func(exchange), error) {
	number, text, _ := strings.Cut(arg, ":")
	errcode, err := strconv.Atoi(number)
	if err != nil {
		return nil, fmt.Errorf("reading the errcode: %w", err)
	}
	return func(x exchange) {
		errmsg := text
		if errmsg == "" {
			errmsg = x.errmsg(errcode)
		}
		legacyRefusal(errcode, errmsg).write(x.w)
	}, nil
}

func parseCode(arg string) (func(exchange), error) {
	code, rest, _ := strings.Cut(arg, ":")
	number, message, _ := strings.Cut(rest, ":")
	if code == "" {
		return nil, fmt.Errorf("needs a code, as in code:systemBusy:500")
	}
	status, err := parseStatusOr(number, http.StatusBadRequest)
	if err != nil {
		return nil, err
	}
	return func(x exchange) { v1Refusal(status, code, message).write(x.w) }, nil
}

// banned is printed in how-to-process-api-throttling-on-the-dingtalk-server; its HTTP status is not.
var banned = reply{http.StatusOK, fields{"status": 1111, "wait": 5, "source": "x5", "punish": "deny", "uuid": "sandbox"}}

func parseSlow(arg string) (func(exchange), error) {
	wait, err := time.ParseDuration(arg)
	if err != nil {
		return nil, err
	}
	return func(x exchange) {
		if sleep(x.r.Context(), wait) {
			x.right().write(x.w)
		}
	}, nil
}

func parseDrip(arg string) (func(exchange), error) {
	interval := 10 * time.Millisecond
	if arg != "" {
		var err error
		if interval, err = time.ParseDuration(arg); err != nil {
			return nil, err
		}
	}
	return func(x exchange) {
		a := x.right()
		x.head(a.status, "application/json;charset=utf-8")
		for _, b := range a.json() {
			if _, err := x.w.Write([]byte{b}); err != nil {
				return
			}
			_ = http.NewResponseController(x.w).Flush()
			if !sleep(x.r.Context(), interval) {
				return
			}
		}
	}, nil
}

func parseHTML(arg string) (func(exchange), error) {
	status, err := parseStatusOr(arg, http.StatusOK)
	if err != nil {
		return nil, err
	}
	return func(x exchange) {
		x.head(status, "text/html; charset=utf-8")
		_, _ = io.WriteString(x.w, "<html><head><title>Blocked</title></head><body>Access denied by the proxy</body></html>\n")
	}, nil
}

func truncated(x exchange) {
	a := x.right()
	whole := a.json()
	writeJSON(x.w, a.status, whole[:len(whole)/2])
}

func huge(x exchange) {
	x.head(http.StatusOK, "application/json;charset=utf-8")
	if _, err := io.WriteString(x.w, `{"errcode":0,"errmsg":"`); err != nil {
		return
	}
	chunk := bytes.Repeat([]byte("x"), 64<<10)
	for range 1 << 30 / len(chunk) {
		if _, err := x.w.Write(chunk); err != nil {
			return
		}
	}
	_, _ = io.WriteString(x.w, `"}`)
}

func parseExpires(arg string) (func(exchange), error) {
	if arg != "missing" && !json.Valid([]byte(arg)) {
		return nil, fmt.Errorf(`needs JSON or the word missing, as in expires:"7200"`)
	}
	return func(x exchange) {
		a := x.right()
		for _, field := range []string{"expires_in", "expireIn"} {
			if _, ok := a.body[field]; !ok {
				continue
			}
			if arg == "missing" {
				delete(a.body, field)
			} else {
				a.body[field] = json.RawMessage(arg)
			}
		}
		a.write(x.w)
	}, nil
}

func parseRedirect(arg string) (func(exchange), error) {
	if u, err := url.Parse(arg); err != nil || arg == "" || u.Opaque != "" {
		return nil, fmt.Errorf("needs a URL, as in redirect:http://127.0.0.1/")
	}
	return func(x exchange) {
		x.w.Header().Set("Location", arg)
		x.w.WriteHeader(http.StatusFound)
	}, nil
}

func parseStatus(arg string) (func(exchange), error) {
	status, err := parseStatusOr(arg, 0)
	if err != nil {
		return nil, err
	}
	if status == 0 {
		return nil, fmt.Errorf("needs a status, as in status:503")
	}
	return func(x exchange) { http.Error(x.w, http.StatusText(status), status) }, nil
}

// parseStatusOr reads a final HTTP status; an empty text is the default.
func parseStatusOr(text string, byDefault int) (int, error) {
	if text == "" {
		return byDefault, nil
	}
	status, err := strconv.Atoi(text)
	if err != nil || status < 200 || status > 599 {
		return 0, fmt.Errorf("reading the status: %q is not a number from 200 to 599", text)
	}
	return status, nil
}

// alter answers rightly but for the one field that the call is made for.
func (x exchange) alter(change func(body fields, value string)) {
	a := x.right()
	within := a.body
	if result, ok := a.body["result"].(fields); ok {
		within = result
	}
	for _, value := range []string{"access_token", "accessToken", "ticket", "jsapiTicket", "userid", "openid", "unionId", "parent_list", "auth_info"} {
		if _, ok := within[value]; ok {
			change(within, value)
		}
	}
	a.write(x.w)
}

func (x exchange) head(status int, contentType string) {
	x.w.Header().Set("Content-Type", contentType)
	x.w.WriteHeader(status)
}

// sleep waits, and reports false when the caller has gone away meanwhile.
func sleep(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}
