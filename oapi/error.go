package oapi

import (
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Error is why a call brought no value. Its texts hold no secret and no token.
type Error struct {
	Call    string // as DingTalk spells it: "gettoken", "oauth2/jsapiTickets", …
	V1      bool   // the call is one of api.dingtalk.com/v1.0, not of oapi.dingtalk.com
	Status  int    // of HTTP; 0 where no answer came
	Code    string // DingTalk's: "40096", "invalidClientIdOrSecret"; "" where there is none
	Message string // DingTalk's, at most 300 bytes, printable
	Kind    Kind   // what sort of failure it is
	Err     error  // the cause, where it is not DingTalk's refusal
}

// Error tells what happened. What to do about it is worded elsewhere, by the
// facts that an Error tells.
func (e *Error) Error() string {
	s := "calling " + e.Call
	if e.Code != "" {
		s += ": refused with " + e.Code
	}
	if e.Status != 0 && e.Status != http.StatusOK {
		s += fmt.Sprintf(": HTTP status %d", e.Status)
	}
	if e.Message != "" {
		s += ": " + e.Message
	}
	if e.Err != nil {
		s += ": " + e.Err.Error()
	}
	return s
}

func (e *Error) Unwrap() error { return e.Err }

// TokenRejected says that DingTalk no longer takes the access token: drop it,
// fetch a fresh one and repeat the call, once.
func (e *Error) TokenRejected() bool { return e.Kind == Token }

// Unsent says that the call was never made, as it could not be written: DingTalk
// and the way to it have no part in that.
func (e *Error) Unsent() bool {
	return e.Status == 0 && e.Err != nil && (e.Kind == Token || e.Kind == Parameter)
}

// RateLimited says that DingTalk wants fewer calls: wait longer than after
// other failures.
func (e *Error) RateLimited() bool { return e.Kind == RateLimit }

// Kind sorts failures by what helps against them. Its String is stable: it
// serves as a field of logs and a label of metrics.
type Kind int

const (
	Other         Kind = iota // a refusal that is not in our tables
	Network                   // no connection, or it broke
	Timeout                   // no full answer in time
	Garbage                   // an answer that is not DingTalk's: HTML, a redirect, cut off, no value
	Busy                      // DingTalk's own trouble: -1, systemBusy, HTTP 5xx
	Credentials               // the key or the secret is wrong
	AllowList                 // our address is not among the app's 服务器出口IP
	Permission                // the app may not do this
	RateLimit                 // too many calls
	Token                     // the access token is not, or no longer, valid
	Parameter                 // DingTalk does not understand the call
	SuiteTicket               // the suite_ticket is not, or no longer, valid, or there is none
	NotAuthorized             // the corp has not, or no longer, authorised the third-party app
	Clock                     // this machine's clock is wrong
)

// KindOf sorts any error: Other where it is none of this package.
func KindOf(err error) Kind {
	var e *Error
	if errors.As(err, &e) {
		return e.Kind
	}
	return Other
}

var kindNames = [...]string{
	"other", "network", "timeout", "garbage", "busy", "credentials",
	"allow_list", "permission", "rate_limit", "token", "parameter",
	"suite_ticket", "not_authorized", "clock",
}

func (k Kind) String() string {
	if k < 0 || int(k) >= len(kindNames) {
		return kindNames[Other]
	}
	return kindNames[k]
}

// codeBanned is the status field of the answer to an IP address that made more
// than 10 000 calls in 20 seconds and is shut out for 5 minutes (page
// how-to-process-api-throttling-on-the-dingtalk-server).
const codeBanned = "1111"

// kindOfCode holds the number codes that matter here (page
// server-api-error-codes-1; 40096 as gettoken answers it).
var kindOfCode = map[string]Kind{
	"-1":       Busy,
	"404":      Parameter, // unknown path
	"33001":    Token,
	"40001":    Credentials,
	"40014":    Token,
	"40035":    Parameter,
	"40078":    Parameter,
	"40082":    Token,
	"40088":    Credentials,
	"40089":    Credentials, // corpid or corpsecret
	"40096":    Credentials, // appkey or appsecret
	"41001":    Token,
	"42001":    Token,
	"43004":    Parameter,
	"45009":    RateLimit,
	"50002":    Permission,
	"60011":    Permission,
	"60020":    AllowList,
	"90002":    RateLimit,
	"90007":    RateLimit, // of a third-party app: for one corp, and so the next
	"90008":    RateLimit,
	"90009":    RateLimit, // for all of its corps, and so the next
	"90010":    RateLimit,
	"90011":    RateLimit,
	"90012":    RateLimit,
	"90018":    RateLimit,
	"90020":    RateLimit, // until next month
	codeBanned: RateLimit,
}

// kindOfText holds what the text codes of v1 contain, in lower case: they are
// paths like Forbidden.AccessDenied.QpsLimitForAppkeyAndApi. The unified token
// call has codes of its own (page api-gettoken).
var kindOfText = []struct {
	part string
	kind Kind
}{
	{"ipnotinwhitelist", AllowList},
	{"qpslimit", RateLimit},
	{"qpmlimit", RateLimit},
	{"apicountlimit", RateLimit},
	{"permissiondenied", Permission},
	{"invalidclientidorsecret", Credentials},
	{"invalid.client", Credentials},
	{"unauthorized.client", Credentials},
	{"invalidauthentication", Token},
	{"authenticationfailed", Token},
	{"systembusy", Busy},
	{"server.error", Busy},
	{"missingbody", Parameter},
	{"unsupported.grant.type", Parameter},
}

// kind sorts a refusal. What is refused is what was sent: the access token where
// there was one, else the app's secret, whatever the code says.
func (made call) kind(status int, code string) Kind {
	if kind, ok := kindOfSuiteCode[code]; ok && made.suite {
		return kind
	}
	kind := kindOfRefusal(status, code)
	switch {
	case kind == Credentials && made.token != "":
		return Token
	case kind == Token && made.token == "":
		return Credentials
	}
	return kind
}

func kindOfRefusal(status int, code string) Kind {
	if kind, ok := kindOfCode[code]; ok {
		return kind
	}
	lower := strings.ToLower(code)
	for _, row := range kindOfText {
		if strings.Contains(lower, row.part) {
			return row.kind
		}
	}
	switch status {
	case http.StatusUnauthorized:
		return Credentials
	case http.StatusNotFound:
		return Parameter
	}
	return kindOfStatus(status)
}

// kindOfStatus is what the HTTP status says whatever the body is.
func kindOfStatus(status int) Kind {
	switch {
	case status == http.StatusTooManyRequests:
		return RateLimit
	case status >= 500:
		return Busy
	}
	return Other
}

// cause is an error of the transport whose text went through a redactor. The
// error itself serves errors.Is only, for its text may hold the URL.
type cause struct {
	text string
	of   error
}

func (c *cause) Error() string { return c.text }

func (c *cause) Is(target error) bool { return errors.Is(c.of, target) }

// How long texts of others may be, in bytes.
const (
	maxCode    = 100
	maxMessage = 300

	maxSearched = 4 << 10 // longer ones are not DingTalk's, nor worth a long search
)

// redactor takes secrets out of texts that others wrote: DingTalk may echo
// what it was sent, and the older calls carry the secret in the URL.
type redactor struct {
	url     string
	secrets []string
}

// clean returns the text without the URL, without any secret however escaped,
// and without what does not print, cut to limit bytes.
func (r redactor) clean(text string, limit int) string {
	text = strings.ReplaceAll(printable(text), r.url, "[url]")
	if len(text) > maxSearched {
		return "…"
	}

	// The longest first: one may be part of another.
	for _, secret := range slices.SortedFunc(slices.Values(r.secrets), func(a, b string) int { return len(b) - len(a) }) {
		secret = printable(secret)
		if secret == "" || utf8.RuneCountInString(secret) > len(text) {
			continue
		}
		text = anyForm(secret).ReplaceAllLiteralString(text, "[secret]")
	}
	text = strings.TrimSpace(text)
	if len(text) <= limit {
		return text
	}
	end := limit - len("…")
	for !utf8.RuneStart(text[end]) {
		end--
	}
	return text[:end] + "…"
}

// anyForm matches a secret of which each character stands for itself, behind
// backslashes, percent-encoded or as \u0000, once or several times over.
func anyForm(secret string) *regexp.Regexp {
	var pattern strings.Builder
	for _, r := range secret {
		plain, percent := regexp.QuoteMeta(string(r)), ""
		for _, b := range []byte(string(r)) {
			percent += fmt.Sprintf("%%(?:25)*%02x", b)
		}
		if r == ' ' { // a form writes "+"
			plain, percent = "[ +]", "%(?:25)*2[0b]"
		}
		fmt.Fprintf(&pattern, `(?:\\*%s|(?i:%s)|\\+u(?i:%04x))`, plain, percent, r)
	}
	return regexp.MustCompile(pattern.String())
}

// printable drops what could forge a line of a log or hide in one.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return -1
	}, strings.ToValidUTF8(s, ""))
}

// Class names the failure without its wording, so that the same failure of two
// calls can be told from another one.
func (e *Error) Class() string { return e.Call + " " + e.Kind.String() + " " + e.Code }
